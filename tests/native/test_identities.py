"""The names of peers: numbers for the nameless, names that return, names that change."""

from __future__ import annotations

import pytest
import wire
from programs import hostile_program
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
WIRES = ["inproc://names", "tcp://127.0.0.1:*", "ipc://*"]


def named(context, where, name, kind=zmq.DEALER):
    socket = context.socket(kind, linger=0, routing_id=name, rcvtimeo=LIMIT, sndtimeo=LIMIT)
    socket.connect(where)
    return socket


def sent(router, parts):
    """Send with ROUTER_MANDATORY, if there is such a peer."""
    try:
        router.send_multipart(parts)
    except zmq.ZMQError as error:
        if error.errno != zmq.EHOSTUNREACH:
            raise
        return False
    return True


def raw_dealer(where, name=b""):
    raw = wire.connect(wire.port_of(where))
    wire.speak(raw, "DEALER", name)
    return raw


@needs_patch("taken-number")
@pytest.mark.parametrize("handover", [0, 1])
def test_a_peer_that_takes_the_next_number(handover):
    """It has seen the number of another, or taken thousands by chance."""
    hostile_program(
        """
server = zmq.Context.instance().socket(zmq.ROUTER, linger=0, rcvtimeo=10_000)
server.router_handover = int(sys.argv[1])
where = server.bind("tcp://127.0.0.1:*")
def connect(identity=b""):
    raw = wire.connect(wire.port_of(where))
    wire.speak(raw, "DEALER", identity)
    return raw
def heard(raw, text):
    raw.sendall(wire.frame(b"", 1) + wire.frame(text))
    *envelope, got = server.recv_multipart()
    assert got == text, (envelope, got)
    server.send_multipart([*envelope, b"answer to " + text])
    wire.read_until(raw, b"answer to " + text)
    return envelope[0]
raws = [connect()]
first = heard(raws[0], b"nameless")
start = int.from_bytes(first[1:], "big")
for step in range(1, 6):
    raws.append(connect(b"\\0" + ((start + step) & 0xFFFFFFFF).to_bytes(4, "big")))
    heard(raws[-1], b"taken %d" % step)
for step in range(20):
    raws.append(connect())
    heard(raws[-1], b"nameless %d" % step)
for raw in raws:
    raw.close()
server.close()
""",
        handover,
    )


@needs_patch("returning-name")
@pytest.mark.parametrize("endpoint", WIRES)
@pytest.mark.parametrize("lives", [2])  # (the connections of more would race each other)
def test_a_name_that_returns_while_the_program_is_elsewhere(context, endpoint, lives):
    """What it sent in all its lives comes, in this order, and answers reach the last one."""
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT)
    where = router.bind(endpoint)
    for life in range(lives):
        peer = named(context, where, b"one")
        peer.linger = -1
        for n in range(3):
            peer.send(b"%d of life %d" % (n, life))
        if life == 0:
            assert router.recv_multipart() == [b"one", b"0 of life 0"]
        if life < lives - 1:
            peer.close()
    expected = [b"%d of life %d" % (n, life) for life in range(lives) for n in range(3)]
    for text in expected[1:]:
        assert router.recv_multipart() == [b"one", text]
    router.send_multipart([b"one", b"welcome back"])
    assert peer.recv() == b"welcome back"


@needs_patch("returning-name")
@pytest.mark.parametrize("endpoint", WIRES)
def test_a_name_that_returns_is_reached_by_a_program_that_only_sends(context, endpoint):
    router = context.socket(zmq.ROUTER, linger=0, router_mandatory=1)
    where = router.bind(endpoint)

    def reached(text):
        return sent(router, [b"one", text]) and peer.poll(20)

    for life in range(5):
        peer = named(context, where, b"one")
        wait_until(lambda life=life: reached(b"life %d" % life), what="the peer to be reached")
        assert peer.recv() == b"life %d" % life
        peer.close()


@needs_patch("returning-name")
def test_a_double_waits_until_the_first_has_gone(context):
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT)
    where = router.bind("tcp://127.0.0.1:*")
    first = raw_dealer(where, b"one")
    first.sendall(wire.frame(b"the first"))
    assert router.recv_multipart() == [b"one", b"the first"]
    double = raw_dealer(where, b"one")
    double.sendall(wire.frame(b"another name", 1) + wire.frame(b"the double"))
    other = raw_dealer(where, b"other")
    for _ in range(5):
        other.sendall(wire.frame(b"other"))
        assert router.recv_multipart() == [b"other", b"other"]
        first.sendall(wire.frame(b"first"))
        assert router.recv_multipart() == [b"one", b"first"]
        router.send_multipart([b"one", b"for the first"])
        wire.read_until(first, b"for the first")
    first.close()
    assert router.recv_multipart() == [b"one", b"another name", b"the double"]
    router.send_multipart([b"one", b"for the double"])
    wire.read_until(double, b"for the double")
    double.close()
    other.close()


@needs_patch("returning-name")
def test_doubles_that_gave_up_are_not_kept(context):
    """Or any stranger could make a ROUTER keep any number of messages, without a connection."""
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT)
    where = router.bind("tcp://127.0.0.1:*")
    ends = router.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    ends.rcvtimeo = LIMIT
    first = raw_dealer(where, b"one")
    for n in range(50):
        double = raw_dealer(where, b"one")
        double.sendall(wire.frame(b"double %d" % n))
        wire.hang_up(double)
        first.sendall(wire.frame(b"%d" % n))
        assert router.recv_multipart() == [b"one", b"%d" % n]
    for _ in range(50):  # all of them are known to have gone
        ends.recv_multipart()
    last = raw_dealer(where, b"one")
    last.sendall(wire.frame(b"last"))
    for _ in range(10):  # the last one is known to wait
        first.sendall(wire.frame(b"first"))
        assert router.recv_multipart() == [b"one", b"first"]
    router.disable_monitor()
    first.close()
    kept = []
    while (parts := router.recv_multipart()) != [b"one", b"last"]:
        kept.append(parts)
    last.close()
    assert len(kept) <= 3  # the one that left last is dropped when the next one comes


@needs_patch("returning-name")
def test_a_rep_does_not_answer_the_next_life_of_who_asked(context):
    rep = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
    where = rep.bind("tcp://127.0.0.1:*")
    ask = wire.frame(b"", 1)
    first = raw_dealer(where, b"one")
    first.sendall(ask + wire.frame(b"first life"))
    wire.hang_up(first)
    second = raw_dealer(where, b"one")
    second.sendall(ask + wire.frame(b"second life"))
    for text in (b"first life", b"second life"):
        assert rep.recv() == text
        rep.send(b"answer to " + text)
    assert b"first" not in wire.read_until(second, b"answer to second life")
    second.close()


@needs_patch("changed-name")
@pytest.mark.parametrize("reads", ["nothing", "everything", "one message"])
def test_a_peer_that_returns_with_another_name(context, reads):
    """To a ROUTER that connects, and keeps its pipe through the lives of the other side."""
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, router_mandatory=1)
    router.reconnect_ivl = 5
    server = context.socket(zmq.DEALER, linger=0, routing_id=b"life 0", rcvtimeo=LIMIT)
    where = server.bind("tcp://127.0.0.1:*")
    router.connect(where)

    for life in range(4):
        name = b"life %d" % life
        if reads != "nothing":
            server.send(b"hello from " + name)
        if reads == "everything":
            assert router.recv_multipart() == [name, b"hello from " + name]
        wait_until(
            lambda name=name: sent(router, [name, b"to " + name]), what="the peer's new name"
        )
        while server.recv() != b"to " + name:
            pass
        if reads == "one message":
            assert router.recv_multipart() == [name, b"hello from " + name]
        server.close()
        name = b"life %d" % (life + 1)
        server = context.socket(zmq.DEALER, linger=0, routing_id=name, rcvtimeo=LIMIT)
        wait_until(lambda server=server: bound(server, where), what="the port to be free")


def bound(server, where):
    try:
        return server.bind(where)
    except zmq.AddressInUse:
        return None


@needs_patch("changed-name")
def test_a_name_that_the_program_gave_is_kept(context):
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, router_mandatory=1)
    server = context.socket(zmq.DEALER, linger=0, routing_id=b"its own", rcvtimeo=LIMIT)
    router.connect_routing_id = b"given"
    router.connect(server.bind("tcp://127.0.0.1:*"))
    server.send(b"hello")
    assert router.recv_multipart() == [b"given", b"hello"]
    router.send_multipart([b"given", b"hello"])
    assert server.recv() == b"hello"
    with pytest.raises(zmq.ZMQError):
        router.send_multipart([b"its own", b"hello"])


@needs_patch("changed-name")
@pytest.mark.parametrize("handover", [0, 1])
def test_a_peer_that_returns_with_the_name_of_another(context, handover):
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, router_handover=handover)
    router.reconnect_ivl = 5
    other = named(context, router.bind("inproc://other"), b"other")
    server = context.socket(zmq.DEALER, linger=0, routing_id=b"mine", rcvtimeo=LIMIT)
    where = server.bind("tcp://127.0.0.1:*")
    router.connect(where)
    server.send(b"hello")
    other.send(b"hello")
    assert {tuple(router.recv_multipart()) for _ in range(2)} == {
        (b"mine", b"hello"),
        (b"other", b"hello"),
    }
    server.close()
    server = context.socket(zmq.DEALER, linger=0, routing_id=b"other", rcvtimeo=LIMIT)
    wait_until(lambda: bound(server, where), what="the port to be free")
    server.send(b"again")
    assert router.recv_multipart() == [b"other" if handover else b"mine", b"again"]
    router.send_multipart([b"other", b"whose?"])
    assert (server if handover else other).recv() == b"whose?"
