"""DISCONNECT_MSG and HELLO_MSG, whoever closes first, and however."""

from __future__ import annotations

import pytest
import wire
from programs import hostile_program, program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")
KINDS = [("ROUTER", "DEALER"), ("SERVER", "CLIENT"), ("PEER", "PEER")]


@needs_patch("late-disconnect")
@pytest.mark.parametrize("first", ["server", "client", "both"])
@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_both_ends_of_an_inproc_connection_close(kinds, first):
    program(
        """
kinds, first = sys.argv[1:3], sys.argv[3]
context = zmq.Context()
for turn in range(200):
    server = context.socket(getattr(zmq, kinds[0]), linger=0, disconnect_msg=b"gone")
    if turn % 3 == 1:
        server.hello_msg = b"hello"    # that nobody reads
    server.bind("inproc://both %d" % turn)
    clients = [context.socket(getattr(zmq, kinds[1]), linger=0, hello_msg=b"hello")
               for _ in range(5)]
    for client in clients:
        if kinds[1] == "PEER":
            client.connect_peer("inproc://both %d" % turn)
        else:
            client.connect("inproc://both %d" % turn)
    for _ in range(turn % 4):
        server.get(zmq.EVENTS)
    if first == "server":
        server.close()
    for client in clients:
        if first == "server" and kinds[1] != "PEER":
            while client.get(zmq.EVENTS) & zmq.POLLOUT:   # until the client has heard of it
                pass
        for _ in range(turn % 5):
            client.get(zmq.EVENTS)
        client.close()
        if first == "both" or not turn % 3:
            server.closed or server.get(zmq.EVENTS)
    server.close()
context.term()
""",
        *kinds,
        first,
    )


@needs_patch("late-disconnect")
@pytest.mark.parametrize("kind", ["ROUTER", "SERVER"])
def test_a_slow_peer_breaks_its_connection_while_the_server_lingers(kind):
    """The last messages are on their way, and the end after them, but the kernel is full."""
    hostile_program(
        """
def send(size):
    if sys.argv[1] == "ROUTER":
        server.send_multipart([b"slow", bytes(size)])
    else:
        server.send(bytes(size), routing_id=identity)

context = zmq.Context()
for turn in range(10):
    server = context.socket(getattr(zmq, sys.argv[1]), linger=20_000, rcvtimeo=10_000, sndhwm=0,
                            sndbuf=16384, disconnect_msg=b"gone")
    port = wire.port_of(server.bind("tcp://127.0.0.1:*"))
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    raw.settimeout(10)
    raw.connect(("127.0.0.1", port))
    wire.speak(raw, {"ROUTER": "DEALER", "SERVER": "CLIENT"}[sys.argv[1]], b"slow")
    raw.sendall(wire.frame(b"here"))
    if sys.argv[1] == "ROUTER":
        assert server.recv_multipart() == [b"slow", b"here"]
    else:
        identity = server.recv(copy=False).routing_id
    send(1_000_000)
    for _ in range(20):
        send(7_000)
    server.close()
    left = 1_000_000 + 2_000 * turn
    while left > 0:
        left -= len(raw.recv(min(left, 8192)))
    time.sleep(0.01)                  # the last batch is being written now; if not, no matter
    wire.reset(raw)
context.term()
""",
        kind,
    )


@needs_patch("late-disconnect")
def test_closing_while_the_name_is_bound_at_last():
    """The binding thread gives the message to sockets that are about to close."""
    program(
        """
context = zmq.Context()
go = threading.Barrier(2)
def bind():
    for turn in range(100):
        router = context.socket(zmq.ROUTER, linger=0, disconnect_msg=b"gone" * (turn % 30 + 1))
        go.wait()
        router.bind("inproc://at last %d" % turn)
        go.wait()
        router.close()
thread = threading.Thread(target=bind)
thread.start()
for turn in range(100):
    dealers = [context.socket(zmq.DEALER, linger=0) for _ in range(8)]
    for dealer in dealers:
        dealer.connect("inproc://at last %d" % turn)
    go.wait()
    for dealer in dealers:
        dealer.close()
    go.wait()
thread.join()
context.term()
"""
    )


@pytest.mark.parametrize("endpoint", ["inproc://told", "tcp://127.0.0.1:*", "ipc://*"])
def test_the_program_is_told(context, endpoint):
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, disconnect_msg=b"gone")
    router.hello_msg = b"hello"
    where = router.bind(endpoint)
    for turn in range(20):
        dealer = context.socket(zmq.DEALER, linger=-1, routing_id=b"%d" % turn, rcvtimeo=LIMIT)
        dealer.connect(where)
        dealer.send(b"here")
        assert dealer.recv() == b"hello"
        dealer.close()
        assert router.recv_multipart() == [b"%d" % turn, b"here"]
        assert router.recv_multipart() == [b"%d" % turn, b"gone"]


@pytest.mark.parametrize("broken", [False, True])
def test_the_program_is_told_of_a_peer_that_left_within_a_message(context, broken):
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, disconnect_msg=b"gone")
    where = router.bind("tcp://127.0.0.1:*")
    for turn in range(10):
        raw = wire.connect(wire.port_of(where))
        wire.speak(raw, "DEALER", b"%d" % turn)
        raw.sendall(wire.frame(b"whole") + wire.frame(b"begun", 1) + wire.header(100) + b"half")
        assert router.recv_multipart() == [b"%d" % turn, b"whole"]
        (wire.reset if broken else wire.hang_up)(raw)
        assert router.recv_multipart() == [b"%d" % turn, b"gone"]
