"""Kerberos: a realm of the test's own, a server and clients; only in builds with
`ZMQLITE_GSSAPI`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import run_program
from support import wait_until

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("gssapi"), reason="built without gssapi")

REALM = "ZMQLITE.TEST"
SERVICE = f"zmq/localhost@{REALM}"
CONFIGURATION = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        kdc_listen = 127.0.0.1:{port}
        kdc_tcp_listen = 127.0.0.1:{port}
    }}
"""
SERVER_TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def kerberos(folder: Path) -> Iterator[dict[str, str]]:
    """Run a key distribution centre, and yield the environment of those who use it."""
    port = free_port()
    configuration = folder / "krb5.conf"
    configuration.write_text(CONFIGURATION.format(realm=REALM, port=port, folder=folder))
    mine = {
        "KRB5_CONFIG": str(configuration),
        "KRB5_KDC_PROFILE": str(configuration),
        # libzmq wants to be able to accept and to initiate on both sides: one table for both
        "KRB5_KTNAME": f"{folder}/keytab",
        "KRB5_CLIENT_KTNAME": f"{folder}/keytab",
        "KRB5CCNAME": f"DIR:{folder}",
    }
    env = {**os.environ, **mine, "PATH": f"{os.environ.get('PATH', '')}:{SERVER_TOOLS}"}

    def run(*words: str) -> None:
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run("kdb5_util", "create", "-s", "-r", REALM, "-P", "a password of the test")
    for principal in (SERVICE, f"alice@{REALM}"):
        run("kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        run("kadmin.local", "-r", REALM, "ktadd", "-k", f"{folder}/keytab", principal)
    with subprocess.Popen(["krb5kdc", "-n", "-r", REALM], env=env) as centre:
        try:
            wait_until(lambda: answers(port), what="the key distribution centre")
            yield mine
        finally:
            centre.terminate()


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


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
    for tool in ("krb5kdc", "kdb5_util", "kadmin.local"):
        if not shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{SERVER_TOOLS}"):
            pytest.skip(f"needs {tool} (Debian: krb5-kdc krb5-admin-server)")
    with kerberos(tmp_path) as environment:
        assert run_program(EXCHANGE, int(plaintext), SERVICE, env=environment) == "done\n"
