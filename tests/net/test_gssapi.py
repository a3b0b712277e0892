"""Kerberos: a server, clients with tickets and without; only in builds with `ZMQLITE_GSSAPI`."""

from __future__ import annotations

from pathlib import Path

import pytest
from net.realm import SERVICE, kerberos
from programs import run_program

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("gssapi"), reason="built without gssapi")

EXCHANGE = """
plaintext, service = bool(int(sys.argv[1])), sys.argv[2]
principal = zmq.GSSAPI_NT_KRB5_PRINCIPAL
context = zmq.Context()
server = context.socket(
    zmq.REP, gssapi_server=1, gssapi_principal=service, gssapi_principal_nametype=principal,
    gssapi_plaintext=plaintext, rcvtimeo=8000, linger=0,
)
endpoint = server.bind("tcp://127.0.0.1:*")
stranger = context.socket(zmq.REQ, connect=endpoint, linger=0)
stranger.send(b"let me in")
client = context.socket(
    zmq.REQ, gssapi_principal="alice", gssapi_principal_nametype=principal,
    gssapi_service_principal=service, gssapi_service_principal_nametype=principal,
    gssapi_plaintext=plaintext, rcvtimeo=8000, linger=0,
)
assert client.mechanism == zmq.GSSAPI
client.connect(endpoint)
for parts in ([b""], [b"one", b"", bytes(range(256))], [b"x" * 60_000]):
    client.send_multipart(parts)
    frames = server.recv_multipart(copy=False)
    assert [bytes(frame) for frame in frames] == parts
    server.send_multipart(parts[::-1])
    assert client.recv_multipart() == parts[::-1]
assert not stranger.poll(0)
context.destroy(linger=0)
print("done")
"""


@pytest.mark.parametrize("plaintext", [False, True], ids=["encrypted", "plain"])
def test_server_and_client_with_tickets(tmp_path: Path, plaintext: bool) -> None:
    """And one without a ticket, who gets nothing through."""
    with kerberos(tmp_path) as environment:
        assert run_program(EXCHANGE, int(plaintext), SERVICE, env=environment) == "done\n"
