"""WebSockets over TLS, with certificates made here; only in builds with `ZMQLITE_WSS`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, connect_pair

import zmqlite as zmq
from zmqlite.monitor import recv_monitor_message

pytestmark = pytest.mark.skipif(not zmq.has("wss"), reason="built without wss")

LIMIT = int(10_000 * FACTOR)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """Two self-signed certificates for localhost and their keys, as PEM."""
    openssl = shutil.which("openssl")
    assert openssl, "needs the openssl command"
    made = []
    for _ in range(2):
        home = tmp_path_factory.mktemp("pem")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", home / "key", "-out", home / "cert"],
            check=True, capture_output=True,
        )  # fmt: skip
        made.append({name: Path(home / name).read_bytes() for name in ("cert", "key")})
    return made


def pair(context: Any, certificate: dict[str, bytes], bound: int, connected: int) -> Any:
    server = context.socket(bound, rcvtimeo=LIMIT, sndtimeo=LIMIT, linger=0)
    server.wss_cert_pem, server.wss_key_pem = certificate["cert"], certificate["key"]
    client = context.socket(connected, rcvtimeo=LIMIT, sndtimeo=LIMIT, linger=0)
    client.wss_trust_pem, client.wss_hostname = certificate["cert"], "localhost"
    endpoint = server.bind("wss://127.0.0.1:*/path")
    assert endpoint.startswith("wss://")
    client.connect(endpoint)
    return server, client


def test_request_and_reply(context: Any, certificates: list[dict[str, bytes]]) -> None:
    server, client = pair(context, certificates[0], zmq.REP, zmq.REQ)
    for parts in ([b""], [b"one", b"", bytes(range(256))], [b"x" * 100_000], [b"y" * 3_000_000]):
        client.send_multipart(parts)
        assert server.recv_multipart() == parts
        server.send_multipart(parts[::-1])
        assert client.recv_multipart() == parts[::-1]


def test_publish_and_subscribe(context: Any, certificates: list[dict[str, bytes]]) -> None:
    publisher, subscriber = pair(context, certificates[0], zmq.XPUB, zmq.SUB)
    subscriber.subscribe("a")
    assert publisher.recv() == b"\1a"
    for number in range(1000):
        publisher.send(b"b%d" % number)
        publisher.send(b"a%d" % number)
    assert [subscriber.recv() for _ in range(1000)] == [b"a%d" % n for n in range(1000)]


def test_a_server_that_nobody_vouches_for(
    context: Any, certificates: list[dict[str, bytes]]
) -> None:
    """The client trusts another certificate: nothing is sent."""
    server = context.socket(zmq.PULL, linger=0)
    server.wss_cert_pem, server.wss_key_pem = certificates[0]["cert"], certificates[0]["key"]
    client = context.socket(zmq.PUSH, linger=0)
    client.wss_trust_pem, client.wss_hostname = certificates[1]["cert"], "localhost"
    events = zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
    events |= zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_CLOSED
    with client.get_monitor_socket(events) as monitor:
        client.connect(server.bind("wss://127.0.0.1:*"))
        client.send_nonblock(b"secret")
        assert monitor.poll(LIMIT), "the connection was neither made nor refused"
        event = recv_monitor_message(monitor)["event"]
        assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED
        assert server.recv_nonblock() is None
        client.disable_monitor()


def test_plain_ws_is_not_taken_for_wss(context: Any, certificates: list[dict[str, bytes]]) -> None:
    """A client without TLS gets nothing through, and the server serves the next one."""
    server, client = pair(context, certificates[0], zmq.PULL, zmq.PUSH)
    stranger = context.socket(zmq.PUSH, linger=0)
    with server.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED) as monitor:
        stranger.connect(str(server.last_endpoint.decode()).replace("wss://", "ws://"))
        assert monitor.poll(LIMIT), "the stranger was not refused"
        server.disable_monitor()
    stranger.close()
    client.send(b"through")
    assert server.recv() == b"through"


def test_ws_beside_it(context: Any) -> None:
    server, client = connect_pair(context, "ws://127.0.0.1:*", zmq.REP, zmq.REQ)
    client.send(b"hello")
    assert server.recv() == b"hello"
