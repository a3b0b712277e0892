"""wss under load and at its ends: a full network, small reads, a peer that says good-bye."""

from __future__ import annotations

import contextlib
import resource
import socket as sockets
import ssl
from typing import Any

import pytest
import wire
from net.test_wss import LIMIT, certificates, pair
from support import FACTOR, in_time, needs_patch

import zmqlite as zmq

__all__ = ["certificates"]  # the fixture

pytestmark = pytest.mark.skipif(not zmq.has("wss"), reason="built without wss")


def ends(context: Any, certificate: dict[str, bytes], **options: Any) -> Any:
    """A PULL and a PUSH that trust each other, not connected yet."""
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, linger=0, **options)
    server.wss_cert_pem, server.wss_key_pem = certificate["cert"], certificate["key"]
    client = context.socket(zmq.PUSH, sndtimeo=LIMIT, linger=0, **options)
    client.wss_trust_pem, client.wss_hostname = certificate["cert"], "localhost"
    return server, client


@needs_patch("wss-io")
def test_a_full_network_is_no_error(context: Any, certificates: list[dict[str, bytes]]) -> None:
    """What could not be written at once is written later."""
    server, client = ends(context, certificates[0], rcvhwm=1, sndhwm=4, sndbuf=4096, rcvbuf=4096)
    client.connect(server.bind("wss://127.0.0.1:*"))
    bodies = [bytes([number]) * 200_000 for number in range(40)]
    sent = 0
    received = []
    while len(received) < len(bodies):
        # fill everything on the way before a message is taken out of it
        while sent < len(bodies) and client.poll(100, zmq.POLLOUT):
            client.send(bodies[sent])
            sent += 1
        received.append(server.recv())
    assert received == bodies


@needs_patch("wss-unread")
@pytest.mark.parametrize("size", [1000, 5000, 16_000, 40_000])
def test_small_reads_leave_nothing_behind(
    context: Any, certificates: list[dict[str, bytes]], size: int
) -> None:
    """TLS hands out records, of which a small read takes a part: the rest is asked for, too."""
    server, client = ends(context, certificates[0], in_batch_size=512)
    client.connect(server.bind("wss://127.0.0.1:*"))
    for number in range(50):  # nothing follows each, which would bring the rest along
        client.send_multipart([bytes([number]) * size, b"last"])
        assert server.recv_multipart() == [bytes([number]) * size, b"last"]


@needs_patch("wss-io")
@pytest.mark.parametrize("when", ["before the upgrade", "after it"])
def test_a_peer_that_says_good_bye_is_gone(
    context: Any, certificates: list[dict[str, bytes]], when: str
) -> None:
    """The end of TLS ends the connection; no thread asks again and again for what may come."""
    server, client = pair(context, certificates[0], zmq.PULL, zmq.PUSH)
    client.send(b"heard")  # that connection stands
    assert server.recv() == b"heard"
    reports = server.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    reports.rcvtimeo = LIMIT
    endpoint = server.last_endpoint.decode()
    port = wire.port_of(endpoint.removesuffix("/path"))
    trusting = ssl.create_default_context(cadata=certificates[0]["cert"].decode())
    with (
        sockets.create_connection(("127.0.0.1", port), timeout=10 * FACTOR) as raw,
        trusting.wrap_socket(raw, server_hostname="localhost") as stranger,
    ):
        if when == "after it":
            stranger.sendall(wire.upgrade(port))
            wire.read_until(stranger, b"\r\n\r\n")
            stranger.sendall(wire.ws_frame(b"\0") + wire.ws_message(b"last words"))
            assert server.recv() == b"last words"
        with contextlib.suppress(OSError):
            stranger.unwrap()  # says good-bye; the descriptor stays open
        zmq.recv_monitor_message(reports)
    server.disable_monitor()
    in_time(0.2, idle)
    client.send(b"heard")
    assert server.recv() == b"heard"


def idle() -> float:
    """The seconds of processor time in half a second of doing nothing."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    with contextlib.closing(sockets.socket()) as nothing:
        nothing.settimeout(0.5)
        nothing.bind(("127.0.0.1", 0))
        nothing.listen()
        with contextlib.suppress(TimeoutError):
            nothing.accept()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
