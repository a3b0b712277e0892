"""Peers that speak WebSocket as honest ones do not."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")

PRELUDE = """
import contextlib, warnings

warnings.simplefilter("ignore", ResourceWarning)   # of raw sockets

ACCEPT = (b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n"
    b"Connection: Upgrade\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n")
BARE = ACCEPT + b"Sec-WebSocket-Protocol: ZWS2.0\\r\\n\\r\\n"

def listening():
    listener = socket.create_server(("127.0.0.1", 0), backlog=10)
    listener.settimeout(10)
    return listener, "ws://127.0.0.1:%d/" % listener.getsockname()[1]

def accepted(listener, said=BARE):
    raw, _ = listener.accept()
    raw.settimeout(10)
    wire.read_until(raw, b"\\r\\n\\r\\n")
    raw.sendall(said)
    return raw

def upgraded(port, protocol=b"ZWS2.0"):
    raw = wire.connect(port)
    raw.sendall(wire.upgrade(port, protocol))
    wire.read_until(raw, b"\\r\\n\\r\\n")
    return raw

from wire import ended
"""


@needs_patch("ws-refused")
@pytest.mark.parametrize("protocol", ["ZWS2.0", "ZWS2.0/NULL"])
def test_refused_frames(protocol):
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="ws://127.0.0.1:*", rcvtimeo=10000)
port = wire.port_of(pull.last_endpoint)
mask = bytes(4)
for wrong in (
    b"\\x09" + wire.ws_frame(b"x", 9)[1:],             # a ping in pieces
    *(wire.ws_frame(b"x", code) for code in (0, 1, 3, 7, 11, 15)),
    wire.ws_frame(b"x", mask=None),
    *(wire.ws_header(0, long=long) for long in (0, 2, 8)),
    *(wire.ws_header(size, code) for code in (8, 9, 10) for size in (126, 65536)),
):
    raw = upgraded(port, sys.argv[1].encode())
    raw.sendall(wrong)
    assert ended(raw), wrong
push = zmq.PUSH(connect=pull.last_endpoint.decode(), linger=0)
push.send(b"honest")
assert pull.recv() == b"honest"
""",
        protocol,
    )


@needs_patch("ws-handshake-time")
def test_time_of_the_handshake():
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="ws://127.0.0.1:*", rcvtimeo=10000, handshake_ivl=200)
port = wire.port_of(pull.last_endpoint)
quiet = wire.connect(port)
half = wire.connect(port)
half.sendall(wire.upgrade(port)[:40])
silent = upgraded(port, b"ZWS2.0/NULL")
bare = upgraded(port)   # there is no other handshake
for raw in (quiet, half, silent):
    assert ended(raw)
bare.sendall(wire.ws_message(b"") + wire.ws_message(b"still here"))
assert pull.recv() == b"still here"

listener, endpoint = listening()
push = zmq.PUSH(linger=0, handshake_ivl=200, connect=endpoint)
raw, _ = listener.accept()
raw.settimeout(10)
assert ended(raw)
"""
    )


@needs_patch("ws-bare")
@pytest.mark.parametrize("side", ["server", "client"])
def test_heartbeats_without_a_mechanism(side):
    """They come, are answered, and an answer counts."""
    hostile_program(
        PRELUDE
        + """
PING, PONG = wire.ws_frame(b"", 9), wire.ws_frame(b"", 10)
beats = dict(heartbeat_ivl=100, heartbeat_timeout=1500, linger=0)
if sys.argv[1] == "server":
    pull = zmq.PULL(bind="ws://127.0.0.1:*", rcvtimeo=10000, **beats)
    raw = upgraded(wire.port_of(pull.last_endpoint))
    mask = bytes(4)
else:
    listener, endpoint = listening()
    pull = zmq.PULL(rcvtimeo=10000, connect=endpoint, **beats)
    raw = accepted(listener)
    mask = None
until = time.monotonic() + 2.5
raw.settimeout(0.2)
while time.monotonic() < until:
    with contextlib.suppress(TimeoutError):
        assert raw.recv(1000), "ended"
    raw.sendall(wire.ws_frame(b"", 10, mask))
raw.settimeout(10)
raw.sendall(wire.ws_frame(b"ping", 9, mask) + wire.ws_message(b"", 0, mask)
    + wire.ws_message(b"one", 0, mask) + wire.ws_frame(b"", 9, mask)
    + wire.ws_message(b"two", 0, mask))
assert [pull.recv(), pull.recv()] == [b"one", b"two"]
wire.read_until(raw, b"\\x8a")
raw.sendall(wire.ws_frame(b"\\x03\\xe8", 8, mask))
wire.read_until(raw, b"\\x88")
""",
        side,
    )


@needs_patch("ws-bare")
def test_a_peer_that_is_silent_is_left():
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="ws://127.0.0.1:*", heartbeat_ivl=100, heartbeat_timeout=300)
assert ended(upgraded(wire.port_of(pull.last_endpoint)))
"""
    )


@needs_patch("ws-bare")
def test_full_router_and_a_server_that_comes_back():
    """Its routing id waits until there is room for it."""
    hostile_program(
        PRELUDE
        + """
listener, endpoint = listening()
router = zmq.ROUTER(linger=0, rcvhwm=20, reconnect_ivl=5, rcvtimeo=10000, router_mandatory=1)
router.connect(endpoint)
hello = wire.ws_message(b"me", mask=None)

def known():
    try:
        router.send_multipart([b"me", b"hello"])
        return True
    except zmq.HostUnreachable:
        return False

raw = accepted(listener, BARE + hello)
until(known, "the peer")
raw.sendall(20 * wire.ws_message(b"x", mask=None))   # as many as there is room for
wire.hang_up(raw)
raw = accepted(listener, BARE + hello + wire.ws_message(b"again", mask=None))
while router.recv_multipart() != [b"me", b"again"]:
    pass
router.send_multipart([b"me", b"answer"])
"""
    )


@needs_patch("ws-bare")
def test_a_router_that_closes_while_peers_name_themselves():
    hostile_program(
        PRELUDE
        + """
for _ in range(40):
    router = zmq.ROUTER(linger=0, bind="ws://127.0.0.1:*")
    port = wire.port_of(router.last_endpoint)
    raws = [upgraded(port) for _ in range(10)]
    closer = threading.Thread(target=router.close)
    closer.start()
    for raw in raws:
        with contextlib.suppress(OSError):
            raw.sendall(wire.ws_message(b"id"))
    closer.join()
    for raw in raws:
        raw.close()
"""
    )


@needs_patch("ws-bare")
def test_one_protocol_is_chosen():
    hostile_program(
        PRELUDE
        + """
listener, endpoint = listening()
router = zmq.ROUTER(linger=0, immediate=1, connect=endpoint)
raw = accepted(listener, ACCEPT + b"Sec-WebSocket-Protocol: ZWS2.0\\r\\n"
    b"Sec-WebSocket-Protocol: ZWS2.0/NULL\\r\\n\\r\\n")
with contextlib.suppress(OSError):
    raw.sendall(wire.ws_message(b"id", mask=None))
assert ended(raw)
"""
    )
