"""A peer that goes while nobody receives: what it had sent is read later, and nothing is written.

The receiver is at its high-water mark, so that what follows in the connection waits in libzmq.
What the peer asked for there, such as an answer to a PING, comes up when the connection is no
more.
"""

from __future__ import annotations

import sys

import pytest
from programs import hostile_program
from support import needs_curve, needs_patch

import zmqlite as zmq

pytestmark = [
    needs_patch("lost-connection"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
]

VICTIM = """
transport, end, *kinds = sys.argv[1:]
COUNT = 40
PARTS = {"PULL": "PUSH", "SUB": "PUB", "XSUB": "XPUB", "ROUTER": "DEALER", "DEALER": "ROUTER",
    "PAIR": "PAIR"}   # a socket that receives, and what its hostile peer says it is

def each_kind():
    global kind, peer, victim
    for kind in kinds:
        print(kind, flush=True)
        peer = PARTS[kind]
        with zmq.Context.instance().socket(getattr(zmq, kind), rcvhwm=5, linger=0) as victim:
            victim.rcvtimeo = 10_000
            if kind == "SUB":
                victim.subscribe = b""
            yield kind

def leave(raw):
    # returns when the end was noticed: nothing watches the connection any more
    connected = wire.watched_files()
    wire.reset(raw) if end == "reset" else raw.close()
    wire.wait_until(lambda: wire.watched_files() < connected, "the end was not noticed")

def receive():
    seen = [victim.recv_multipart()[-1] for _ in range(COUNT)]
    assert seen == [b"%d" % n for n in range(COUNT)], seen
"""

ENDS = ["reset", "close"]
TRANSPORTS = ["tcp://127.0.0.1:*", "ipc://*"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_ping_that_is_found_after_the_end(transport, end):
    hostile_program(
        VICTIM
        + """
ping = wire.command(b"PING", b"\\0\\1context")
for kind in each_kind():
    raw = wire.dial(victim.bind(transport))
    wire.speak(raw, peer)
    raw.sendall(b"".join(wire.frame(b"%d" % n) + ping for n in range(COUNT)))
    leave(raw)
    receive()
""",
        transport,
        end,
        *("PULL", "SUB", "XSUB", "ROUTER", "DEALER", "PAIR"),
    )


@pytest.mark.parametrize("end", ENDS)
def test_heartbeats_of_a_server_end_with_the_connection(end):
    """Nobody has to receive: a timer would write to a connection that is no more."""
    hostile_program(
        VICTIM
        + """
for kind in each_kind():
    victim.heartbeat_ivl, victim.heartbeat_timeout = 20, 60_000
    endpoint = victim.bind(transport)
    raw = wire.dial(endpoint)
    wire.speak(raw, peer)
    raw.sendall(b"".join(wire.frame(b"%d" % n) for n in range(COUNT)))
    leave(raw)
    other = wire.dial(endpoint)
    wire.speak(other, peer)
    for _ in range(5):   # a hundred milliseconds of heartbeats, seen from elsewhere
        wire.read_until(other, b"PING")
    receive()
    other.close()
""",
        "tcp://127.0.0.1:*",
        end,
        *("PULL", "DEALER"),
    )


@pytest.mark.parametrize("mechanism", ["null", pytest.param("curve", marks=needs_curve)])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_honest_peer_with_heartbeats_that_closes(transport, mechanism):
    """It outruns the receiver, asks for signs of life meanwhile, and closes: nothing is lost."""
    hostile_program(
        """
transport, mechanism = sys.argv[1:]
server, client = {}, {}
if mechanism == "curve":
    public, secret = zmq.curve_keypair()
    server = dict(curve_server=1, curve_secretkey=secret)
    client = dict(curve_serverkey=public, curve_publickey=public, curve_secretkey=secret)
pull = zmq.PULL(bind=transport, rcvhwm=5, rcvtimeo=10_000, linger=0, **server)
with wire.dial(pull.last_endpoint) as raw:   # the listener is there, and watched
    raw.sendall(wire.greeting(mechanism=mechanism.upper().encode()))
    wire.read_until(raw, mechanism.upper().encode())
    alone = wire.watched_files() - 1
COUNT = 60  # each a packet at worst, and so is each heartbeat: ipc has room for some 200
for _ in range(5):
    with zmq.PUSH(connect=pull.last_endpoint.decode(), heartbeat_ivl=3, heartbeat_timeout=60_000,
                  linger=10_000, sndhwm=0, **client) as push:
        for n in range(COUNT):
            push.send(b"%d" % n)
            if n % 20 == 0:
                time.sleep(0.01)   # time is the subject: a few heartbeats come between
    wire.wait_until(lambda: wire.watched_files() == alone, "the end was not noticed")
    seen = [pull.recv() for _ in range(COUNT)]
    assert seen == [b"%d" % n for n in range(COUNT)], seen
""",
        transport,
        mechanism,
    )


@pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
@pytest.mark.parametrize("end", ENDS)
def test_a_control_frame_of_a_websocket_that_is_found_after_the_end(end):
    hostile_program(
        VICTIM
        + """
for kind in each_kind():
    victim.heartbeat_ivl = 20
    endpoint = victim.bind(transport)
    for opcode in (9, 10):
        raw = wire.dial(endpoint)
        wire.speak_ws(raw, wire.port_of(endpoint), peer)
        control = wire.ws_frame(b"", opcode)
        raw.sendall(b"".join(
            wire.ws_message(b"%d" % n) + (control if n > 20 else b"") for n in range(40)))
        leave(raw)
        receive()
""",
        "ws://127.0.0.1:*",
        end,
        "PULL",
    )
