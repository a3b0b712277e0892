"""ROUTER_HANDOVER while a message of the old peer is on its way to the program."""

from __future__ import annotations

import pytest
from programs import program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)


def ends_see_to_their_commands(router, *others):
    for _ in range(20):
        router.get(zmq.EVENTS)
        for other in others:
            other.get(zmq.EVENTS)


@needs_patch("taken-over")
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("polls", [0, 1])
def test_the_old_peer_is_gone_before_its_message_is_read(context, polls, parts):
    """What lies where its pipe was is the pipe of someone else."""
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, router_handover=1)
    router.bind("inproc://handover")
    for turn in range(10):
        old = context.socket(zmq.DEALER, linger=0, routing_id=b"one")
        old.bind(f"inproc://old {turn}")
        router.connect(f"inproc://old {turn}")
        old.send_multipart([b"part"] * parts)
        assert router.poll(LIMIT)
        got = [] if polls else [router.recv()]
        new = context.socket(zmq.DEALER, linger=0, routing_id=b"one", rcvtimeo=LIMIT)
        new.connect("inproc://handover")
        ends_see_to_their_commands(router, old)
        router.disconnect(f"inproc://old {turn}")
        ends_see_to_their_commands(router, old)
        others = [
            context.socket(zmq.DEALER, linger=0, routing_id=b"other %d" % n) for n in range(6)
        ]
        for other in others:
            other.connect("inproc://handover")
        ends_see_to_their_commands(router)
        got.append(router.recv())
        while router.get(zmq.RCVMORE):
            got.append(router.recv())
        assert got == [b"one", *[b"part"] * parts]
        ends_see_to_their_commands(router, *others)
        for n, other in enumerate(others):
            assert other.send_nonblock(b"here"), "the connection of another was ended"
            assert router.recv_multipart() == [b"other %d" % n, b"here"]
        router.send_multipart([b"one", b"you took over"])
        assert new.recv() == b"you took over"
        for socket in (old, new, *others):
            socket.close()


@needs_patch("taken-over")
@pytest.mark.parametrize("endpoint", ["inproc://taken", "tcp://127.0.0.1:*"])
def test_peers_that_take_over_from_each_other(endpoint):
    """One identity, many lives, and a program that polls, reads in part, and answers in part."""
    program(
        """
import random
random.seed(7)
context = zmq.Context()
router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=100, router_handover=1)
where = router.bind(sys.argv[1])
peers = []
for turn in range(600):
    peer = context.socket(zmq.DEALER, linger=0, routing_id=b"%d" % random.randrange(2))
    peer.connect(where)
    peer.send_multipart([b"x"] * random.randrange(1, 4))
    peers.append(peer)
    for _ in range(random.randrange(4)):
        what = random.randrange(4)
        try:
            if what == 0:
                router.poll(random.randrange(3))
            elif what == 1:
                router.recv(zmq.DONTWAIT)
            elif what == 2:
                router.send(b"%d" % random.randrange(2), zmq.SNDMORE)
                router.get(zmq.EVENTS)
                router.send(b"answer")
            else:
                peers.pop(random.randrange(len(peers))).close()
                router.get(zmq.EVENTS)
        except (zmq.Again, ValueError):
            pass
for socket in (router, *peers):
    socket.close()
context.term()
""",
        endpoint,
    )
