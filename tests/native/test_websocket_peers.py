"""Peers that speak through a WebSocket, well or badly: each gets its answer, and may go."""

from __future__ import annotations

from typing import Any

import pytest
from programs import hostile_program
from support import encrypted_pair, needs_curve, needs_patch, wait_until

import zmqlite as zmq

pytestmark = [
    needs_patch("ws-errors", "ws-refused", "ws-bare", "ws-handshake-time"),
    pytest.mark.skipif(not zmq.has("ws"), reason="built without ws"),
]

SERVER = """
def bound(kind, **options):
    server = zmq.Context.instance().socket(kind, linger=0, rcvtimeo=10_000, **options)
    server.bind("ws://127.0.0.1:*")
    peer = "PAIR" if kind == zmq.PAIR else "PUSH"
    WAYS["a mechanism"] = (b"ZWS2.0/NULL", wire.ws_message(wire.ready(peer)[2:], 2))
    return server, wire.port_of(server.last_endpoint)

# the protocol to ask for, and what comes first then
WAYS = {"a mechanism": None, "none": (b"ZWS2.0", wire.ws_message(b""))}

def greeted(port, way):
    # one that has shaken hands; what it was told after that is returned too
    protocol, first = WAYS[way]
    raw = wire.connect(port)
    raw.sendall(wire.upgrade(port, protocol) + first)
    seen = wire.read_until(raw, b"\\r\\n\\r\\n").partition(b"\\r\\n\\r\\n")[2]
    while not wire.ws_frames(seen):
        more = raw.recv(4096)
        assert more, "the other side ended"
        seen += more
    return raw, seen

def ended(raw, seen=b""):
    # what came until the other side ended
    try:
        while more := raw.recv(4096):
            seen += more
    except ConnectionError:
        pass
    raw.close()
    return seen
"""

BAD = """
BAD = {
    "an unknown opcode": wire.ws_frame(b"x", 11),
    "text": wire.ws_frame(b"x", 1),
    "a continuation": wire.ws_frame(b"x", 0),
    "no mask": wire.ws_frame(b"x", mask=None),
    "nothing in it": wire.ws_frame(b""),
    "nothing in it, said at length": wire.ws_header(0, long=2),
    "nothing in it, said at great length": wire.ws_header(0, long=8),
    "a ping in pieces": b"\\x09" + wire.ws_frame(b"x", 9)[1:],
    "too large": wire.ws_header(1 << 63) + b"\\0",
}
"""


@pytest.mark.parametrize("way", ["a mechanism", "none"])
@pytest.mark.parametrize("monitored", [False, True])
def test_what_is_no_frame_ends_the_connection(way, monitored):
    hostile_program(
        SERVER
        + BAD
        + """
way, monitored = sys.argv[1], sys.argv[2] == "True"
server, port = bound(zmq.PULL, handshake_ivl=60_000)
monitor = server.get_monitor_socket() if monitored else None
for name, bad in BAD.items():
    print(name, flush=True)
    raw, _ = greeted(port, way)
    raw.sendall(wire.ws_message(b"before") + bad + wire.ws_message(b"behind"))
    ended(raw)
    assert server.recv() == b"before"
    raw = wire.connect(port)   # the same in one piece with the request
    raw.sendall(wire.upgrade(port, WAYS[way][0]) + bad)
    ended(raw)
assert not server.poll(10)
if monitored:
    server.disable_monitor()
    monitor.close()
""",
        way,
        monitored,
    )


@needs_patch("ws-control")
@pytest.mark.parametrize("way", ["a mechanism", "none"])
def test_a_closing_frame_is_answered_and_ends_the_connection(way):
    hostile_program(
        SERVER
        + """
way, = sys.argv[1:]
server, port = bound(zmq.PAIR)
for reason in (b"", b"\\x03\\xe8", b"\\x03\\xe9" + b"r" * 123):
    raw, seen = greeted(port, way)
    raw.sendall(wire.ws_frame(reason, 8))
    assert (8, reason) in wire.ws_frames(ended(raw, seen)), seen
    # the same right behind a message, and with our end following at once
    raw, seen = greeted(port, way)
    raw.sendall(wire.ws_message(b"last") + wire.ws_frame(reason, 8))
    raw.shutdown(socket.SHUT_WR)
    assert (8, reason) in wire.ws_frames(ended(raw, seen)), seen
    if server.poll(100):   # (a PAIR may have turned it away)
        assert server.recv() == b"last"
""",
        way,
    )


@needs_patch("ws-control")
@pytest.mark.parametrize("way", ["a mechanism", "none"])
def test_a_ping_is_answered_with_what_it_said(way):
    hostile_program(
        SERVER
        + """
way, = sys.argv[1:]
server, port = bound(zmq.PULL)
raw, seen = greeted(port, way)
for text in (b"", b"text", b"t" * 125):
    raw.sendall(wire.ws_frame(text, 9) + wire.ws_message(b"message") + wire.ws_frame(b"", 10))
    while (10, text) not in wire.ws_frames(seen):
        more = raw.recv(4096)
        assert more, "the other side ended"
        seen += more
    assert server.recv() == b"message"
raw.close()

# before the handshake is over, too: it goes on as if nothing had come between
protocol, first = WAYS[way]
raw = wire.connect(port)
raw.sendall(wire.upgrade(port, protocol) + wire.ws_frame(b"early", 9))
seen = wire.read_until(raw, b"early").partition(b"\\r\\n\\r\\n")[2]
raw.sendall(first + wire.ws_message(b"message"))
assert server.recv() == b"message"
while len(frames := wire.ws_frames(seen)) < 2:
    seen += raw.recv(4096)
assert sorted(opcode for opcode, _ in frames) == [2, 10], frames
raw.close()
""",
        way,
    )


@pytest.mark.parametrize("way", ["a mechanism", "none"])
def test_heartbeats(way):
    """Without a mechanism, the first one aborted the process; answers did not count."""
    hostile_program(
        SERVER
        + """
way, = sys.argv[1:]
server, port = bound(zmq.PAIR, heartbeat_ivl=20, heartbeat_timeout=150, routing_id=b"me")
raw, seen = greeted(port, way)
start = time.monotonic()
while time.monotonic() < start + 0.5:   # it lives as long as we answer
    more = raw.recv(4096)
    assert more, "a peer that answers was dropped"
    if b"\\x89\\0" in more:
        raw.sendall(wire.ws_frame(b"", 10))
    seen += more
if way == "none":   # nothing comes before the routing id
    assert wire.ws_frames(seen)[0] == (2, b"\\0me"), seen
ended(raw)   # now we do not
""",
        way,
    )


@pytest.mark.parametrize("said", ["", "GET / HTTP/1.1\r\n", "all"])
def test_a_handshake_that_goes_on_too_long_is_cut(said):
    """As on any other transport: HANDSHAKE_IVL holds here, too."""
    hostile_program(
        SERVER
        + """
said = sys.argv[1].encode()
server, port = bound(zmq.PULL, handshake_ivl=100)
raw = wire.connect(port)
if said == b"all":
    said = wire.upgrade(port, b"ZWS2.0/NULL")
raw.sendall(said)
ended(raw)
for way in WAYS:   # and one that ends in time is not
    raw, _ = greeted(port, way)
    raw.settimeout(0.3)
    try:
        assert raw.recv(10), "a peer that has shaken hands was dropped"
    except TimeoutError:
        pass
    raw.close()
""",
        said,
    )


@pytest.mark.parametrize("end", ["close", "reset"])
def test_one_that_goes_in_the_middle_of_anything_is_noticed(end):
    hostile_program(
        SERVER
        + BAD
        + """
end, = sys.argv[1:]
server, port = bound(zmq.PULL, handshake_ivl=60_000)
raw, _ = greeted(port, "none")
files = wire.open_files() - 2
ended(raw) if raw.shutdown(socket.SHUT_WR) is None else None
def gone():
    wire.wait_until(lambda: wire.open_files() <= files, "a descriptor stays open")
gone()
def leave(raw):
    wire.reset(raw) if end == "reset" else raw.close()
for protocol, first in WAYS.values():
    whole = wire.upgrade(port, protocol) + first + wire.ws_message(b"whole", mask=b"mask")
    for cut in range(len(whole)):
        raw = wire.connect(port)
        raw.sendall(whole[:cut])
        leave(raw)
gone()
for way in WAYS:
    for name, bad in BAD.items():
        print(name, flush=True)
        for cut in range(len(bad)):
            raw, _ = greeted(port, way)
            raw.sendall(bad[:cut])
            leave(raw)
gone()
""",
        end,
    )


def test_a_peer_of_a_socket_that_is_closing():
    """It hands over its routing id when nobody takes it any more."""
    hostile_program(
        SERVER
        + """
for _ in range(100):
    server, port = bound(zmq.ROUTER)
    raws = [wire.connect(port) for _ in range(8)]
    for raw in raws:
        raw.sendall(wire.upgrade(port, b"ZWS2.0"))
    for raw in raws:
        wire.read_until(raw, b"\\r\\n\\r\\n")
    for raw in raws[:4]:
        raw.sendall(wire.ws_message(b""))
    server.close()
    for raw in raws[4:]:
        try:
            raw.sendall(wire.ws_message(b""))
        except OSError:
            pass
    for raw in raws:
        raw.close()
zmq.Context.instance().term()
"""
    )


@needs_curve
@needs_patch("ws-subscriptions")
@pytest.mark.parametrize("bound", ["PUB", "SUB", "XPUB", "XSUB"])
def test_subscriptions_over_curve(context: Any, bound: str) -> None:
    other = {"PUB": "SUB", "SUB": "PUB", "XPUB": "XSUB", "XSUB": "XPUB"}[bound]
    one, two = encrypted_pair(
        context, getattr(zmq, bound), getattr(zmq, other), endpoint="ws://127.0.0.1:*"
    )
    publisher, subscriber = (one, two) if "PUB" in bound else (two, one)

    def heard(topic: bytes) -> bool:
        publisher.send(topic, zmq.DONTWAIT)
        return bool(subscriber.poll(10)) and subscriber.recv() == topic

    def wish(topic: bytes, wanted: bool) -> None:
        if "X" in bound:
            subscriber.send((b"\1" if wanted else b"\0") + topic)
        elif wanted:
            subscriber.subscribe(topic)
        else:
            subscriber.unsubscribe(topic)

    wish(b"one", True)
    wait_until(lambda: heard(b"one"), 10, "a topic that was asked for")
    wish(b"two", True)
    wish(b"one", False)
    wait_until(lambda: heard(b"two"), 10, "the other topic")
    for topic in (b"one", b"neither", b"two"):
        publisher.send(topic)
    while (last := subscriber.recv()) == b"two" and subscriber.poll(0):
        pass
    assert last == b"two"


@needs_patch("ws-subscriptions")
def test_subscriptions_that_come_as_commands() -> None:
    """As other libzmqs send them through CURVE; here without it."""
    hostile_program(
        SERVER
        + """
server, port = bound(zmq.XPUB)
for name in (b"SUBSCRIBE", b"CANCEL"):
    raw = wire.connect(port)
    raw.sendall(wire.upgrade(port, b"ZWS2.0/NULL"))
    wire.read_until(raw, b"Socket-Type")
    raw.sendall(wire.ws_message(wire.ready("SUB")[2:], 2))
    raw.sendall(wire.ws_message(b"\\x09SUBSCRIBEtopic", 2))
    assert server.recv() == b"\\1topic"
    raw.sendall(wire.ws_frame(b"\\x09SUBSCRIBE", 10))  # a pong is none
    raw.sendall(wire.ws_message(b"\\x09SUBSCRIB", 2))
    raw.sendall(wire.ws_message(b"\\x06CANCELtopic", 2))
    assert server.recv() == b"\\0topic"
    wire.reset(raw)
"""
    )
