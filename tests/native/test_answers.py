"""A ROUTER finds whom it answers: whoever asked last, without a search, or anyone else."""

from __future__ import annotations

import pytest
from support import FACTOR, encrypted_pair, needs_curve, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)


@pytest.fixture
def router(context):
    return context.socket(zmq.ROUTER, rcvtimeo=LIMIT, linger=0, router_mandatory=1)


def ask(router, name):
    """Return a DEALER with that routing id, whose question the router has received."""
    endpoint = router.last_endpoint
    peer = router.context.socket(zmq.DEALER, rcvtimeo=LIMIT, linger=0, routing_id=name)
    peer.connect(endpoint)
    peer.send(b"question of " + name)
    assert router.recv_multipart() == [name, b"question of " + name]
    return peer


@pytest.mark.parametrize("endpoint", ["inproc://answers", "tcp://127.0.0.1:*"])
def test_the_last_and_others(router, endpoint):
    router.bind(endpoint)
    names = [b"a", b"bb", b"a" * 200, b"\x00\x01"]
    peers = {name: ask(router, name) for name in names}
    for name in [names[-1], names[0], names[-1], *names]:  # the last one asked last
        router.send_multipart([name, b"for", name])
        assert peers[name].recv_multipart() == [b"for", name]
    for name in names:
        peers[name].send(b"again")
        assert router.recv_multipart() == [name, b"again"]
        for other in names:
            router.send_multipart([other, name])
            assert peers[other].recv() == name


def test_a_name_that_is_longer_or_shorter_is_another(router):
    router.bind("inproc://longer")
    ask(router, b"name")
    for wrong in (b"nam", b"names", b"eman", b""):
        with pytest.raises(zmq.HostUnreachable):
            router.send_multipart([wrong, b"x"])


@pytest.mark.parametrize("endpoint", ["inproc://leaves", "tcp://127.0.0.1:*"])
def test_who_asked_last_has_left(router, endpoint):
    router.bind(endpoint)
    stays, leaves = ask(router, b"stays"), ask(router, b"leaves")
    leaves.close()

    def unreachable():
        try:
            router.send_multipart([b"leaves", b"x"])
        except zmq.HostUnreachable:
            return True
        return False

    wait_until(unreachable)
    router.send_multipart([b"stays", b"x"])
    assert stays.recv() == b"x"


@pytest.mark.parametrize("endpoint", ["inproc://takes", "tcp://127.0.0.1:*"])
def test_who_takes_a_name_over_gets_the_answers(router, endpoint):
    router.router_handover = 1
    router.bind(endpoint)
    ask(router, b"name")
    second = ask(router, b"name")
    router.send_multipart([b"name", b"to the second"])
    assert second.recv() == b"to the second"
    second.send(b"again")
    assert router.recv_multipart() == [b"name", b"again"]
    router.send_multipart([b"name", b"still"])
    assert second.recv() == b"still"


def test_a_look_before_the_question_is_received(router):
    """A poll takes the question in; the answer still finds its way."""
    router.bind("inproc://look")
    first, second = ask(router, b"first"), ask(router, b"second")
    first.send(b"more")
    assert router.poll(LIMIT)
    router.send_multipart([b"first", b"early"])
    router.send_multipart([b"second", b"other"])
    assert first.recv() == b"early"
    assert second.recv() == b"other"
    assert router.recv_multipart() == [b"first", b"more"]


def test_many_peers_in_any_order(router):
    router.bind("inproc://many")
    names = [b"%d" % number for number in range(300)]
    peers = {name: ask(router, name) for name in names}
    for step in (1, 7, 299):
        for place in range(300):
            name = names[place * step % 300]
            peers[name].send(name)
            assert router.recv_multipart() == [name, name]
            router.send_multipart([name, b"ok"])
            assert peers[name].recv() == b"ok"


def test_reply_sockets_answer_whoever_asked(context):
    with context.socket(zmq.REP, rcvtimeo=LIMIT) as server:
        endpoint = server.bind("inproc://reply")
        peers = [context.socket(zmq.REQ, rcvtimeo=LIMIT, connect=endpoint) for _ in range(5)]
        for _ in range(3):
            for number, peer in enumerate(peers):
                peer.send(b"%d" % number)
            for _ in peers:
                server.send(b"to " + server.recv())
            assert [peer.recv() for peer in peers] == [b"to %d" % n for n in range(5)]


@needs_curve
@needs_patch("aligned-reads")
def test_the_number_of_a_reply_may_lie_at_any_address(context):
    """Such as at an odd one, where a part was decrypted; machines, and a sanitizer, mind."""
    rep, req = encrypted_pair(context, zmq.REP, zmq.REQ)
    req.req_correlate = 1
    for turn in range(5):
        req.send(b"%d" % turn)
        rep.send(rep.recv())
        assert req.recv() == b"%d" % turn
