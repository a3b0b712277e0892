"""Peers that die in the middle of a message: the rest of it never reaches the next peer."""

from __future__ import annotations

import time

import pytest
from support import needs_patch, wait_until

import zmqlite as zmq
from zmqlite._native import core

SIZES = [0, 1, 33, 34, 2047, 2048, 65535, 65536, 1 << 20, 5 << 20]


def socket_when_possible(context, kind, **options):
    """Make a socket as soon as the places of closed ones are free."""

    def make():
        try:
            return context.socket(kind, **options)
        except zmq.ZMQError:
            return None

    return wait_until(make, what="a place in the context")


def close_for_good(context, sender, peer):
    """Close a peer and wait until libzmq has taken its pipe from the sender."""
    peer.close(0)

    def reaped():
        sender.getsockopt(zmq.EVENTS)  # the sender has to hear of it
        made = []
        try:
            while len(context.sockets()) < context.max_sockets:
                made.append(context.socket(zmq.PAIR))
        except zmq.ZMQError:
            return False
        finally:
            for socket in made:
                socket.close(0)
        return True

    for _ in range(20):  # they talk about it; a new socket would wait a second for a place now
        sender.getsockopt(zmq.EVENTS)
        time.sleep(0.001)
    wait_until(reaped, what="the closed socket's place in the context")


@pytest.fixture
def tight(context):
    """A context with little room: a new socket fits when a closed one is really gone."""
    context.max_sockets = 3
    return context


@pytest.mark.parametrize("flags", [0, zmq.DONTWAIT])
@pytest.mark.parametrize("sndtimeo", [-1, 0, 1000])
@pytest.mark.parametrize("size", [4, 4000])
@pytest.mark.parametrize("kinds", [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)])
def test_the_rest_of_a_message_never_reaches_the_next_peer(tight, kinds, size, sndtimeo, flags):
    sender = tight.socket(kinds[0], sndtimeo=sndtimeo, linger=0)
    sender.bind("inproc://next")
    first = tight.socket(kinds[1])
    first.connect("inproc://next")
    sender.send(b"h" * size, zmq.SNDMORE | flags)
    second = tight.socket(kinds[1], rcvtimeo=20_000)
    second.connect("inproc://next")
    close_for_good(tight, sender, first)
    sender.send(b"m" * size, zmq.SNDMORE | flags)
    assert sender.send(b"t" * size, flags) is None
    wait_until(lambda: sender.send_nonblock(b"whole"), what="the second peer")
    assert second.recv_multipart() == [b"whole"]


@pytest.mark.parametrize("flags", [0, zmq.DONTWAIT])
@pytest.mark.parametrize("size", [4, 4000])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_pair_whose_peer_dies_in_a_message_does_not_hang(tight, parts, size, flags):
    """libzmq would wait for the next peer, with the interpreter's lock, and give it the rest."""
    sender = tight.socket(zmq.PAIR, linger=0)
    sender.bind("inproc://pair")
    first = tight.socket(zmq.PAIR)
    first.connect("inproc://pair")
    sender.send(b"h" * size, zmq.SNDMORE | flags)
    close_for_good(tight, sender, first)
    second = None
    for rest in range(parts):
        sender.send(b"t" * size, flags | (zmq.SNDMORE if rest < parts - 1 else 0))
        if second is None:
            second = socket_when_possible(tight, zmq.PAIR, rcvtimeo=20_000)
            second.connect("inproc://pair")
    wait_until(lambda: sender.send_nonblock(b"whole"), what="the second peer")
    assert second.recv_multipart() == [b"whole"]


@needs_patch("begun-lost")
@pytest.mark.parametrize("kind", [zmq.PUSH, zmq.PAIR, zmq.DEALER, zmq.ROUTER])
@pytest.mark.parametrize("linger", [0, -1])
def test_what_was_begun_for_a_dead_peer_is_freed(tight, kind, linger):
    body = b"begun" * 1000 + str((kind, linger)).encode()
    sender = tight.socket(kind, linger=0)
    sender.bind("inproc://begun")
    first = tight.socket(
        zmq.PULL if kind == zmq.PUSH else zmq.PAIR if kind == zmq.PAIR else zmq.DEALER
    )
    first.linger = linger
    first.routing_id = b"first"
    first.connect("inproc://begun")
    if kind == zmq.ROUTER:
        first.send(b"here")
        assert sender.recv_multipart() == [b"first", b"here"]
        sender.send(b"first", zmq.SNDMORE)
    sender.send(body, zmq.SNDMORE)
    assert body in core.loans().values()
    close_for_good(tight, sender, first)
    wait_until(lambda: body not in core.loans().values(), what="its memory")


@needs_patch("lb-peer-lost")
@pytest.mark.parametrize("leaving", [0, 1, 2])
@pytest.mark.parametrize("using", [0, 1, 2])
def test_a_peer_that_leaves_does_not_turn_a_message_to_another(context, using, leaving):
    context.max_sockets = 4
    sender = context.socket(zmq.PUSH, linger=0)
    sender.bind("inproc://turned")
    peers = [context.socket(zmq.PULL, rcvtimeo=20_000) for _ in range(3)]
    for peer in peers:
        peer.connect("inproc://turned")
    sender.send_many([b"0", b"1", b"2"])
    in_turn = sorted(peers, key=lambda peer: peer.recv())
    sender.send_many([b"skip"] * using)
    sender.send(b"head", zmq.SNDMORE)
    close_for_good(context, sender, in_turn[leaving])
    sender.send(b"tail")
    if leaving != using:
        while (parts := in_turn[using].recv_multipart()) == [b"skip"]:
            pass
        assert parts == [b"head", b"tail"]
    # more than two: if the sender has not yet heard that the third is gone, it skips that one's
    # turn, and someone gets two in a row
    sender.send_many([b"after"] * 4)
    for peer in peers:
        while not peer.closed and (parts := peer.recv_multipart()) != [b"after"]:
            assert parts == [b"skip"]


@needs_patch("lb-peer-lost")
def test_dying_peers_in_the_narrow_moment(context):
    """Between the peer's farewell and libzmq's answer, PUSH reports the loss with EAGAIN; with
    SNDTIMEO=0 a second try would make the last part a message."""
    sender = context.socket(zmq.PUSH, sndtimeo=0, linger=0)
    sender.bind("inproc://narrow")
    keeper = context.socket(zmq.PULL, rcvtimeo=20_000)
    keeper.connect("inproc://narrow")
    for turn in range(300):
        first = context.socket(zmq.PULL)
        first.connect("inproc://narrow")
        sender.send(b"h", zmq.SNDMORE)
        sender.getsockopt(zmq.EVENTS)
        first.close(0)
        for _ in range(turn % 50):
            sender.getsockopt(zmq.EVENTS)
        sender.send(b"t", zmq.SNDMORE if turn % 2 else 0)
        if turn % 2:
            sender.send(b"t")
    sender.send_many([b"whole"] * 5)  # one is for the keeper
    while (parts := keeper.recv_multipart()) != [b"whole"]:
        assert parts[0] == b"h", "the rest of a lost message arrived as a message"
