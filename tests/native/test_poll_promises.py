"""When poll says that there is a message, recv has one, whatever nonsense came before it."""

from __future__ import annotations

import pytest
import wire
from support import FACTOR, connect_pair, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
WIRES = ["inproc://promises", "tcp://127.0.0.1:*"]
needs_drafts = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")


def raw_peer(where, kind, name=b""):
    raw = wire.connect(wire.port_of(where))
    wire.speak(raw, kind, name)
    return raw


@needs_patch("kept-promise")
@pytest.mark.parametrize("endpoint", WIRES)
@pytest.mark.parametrize("poller", [False, True])
def test_a_rep_does_not_wake_up_for_what_is_no_request(context, endpoint, poller):
    rep = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
    where = rep.bind(endpoint)
    stranger = context.socket(zmq.DEALER, linger=0)
    stranger.connect(where)
    req = context.socket(zmq.REQ, linger=0, rcvtimeo=LIMIT)
    req.connect(where)
    waiting = zmq.Poller()
    waiting.register(rep, zmq.POLLIN)

    def ready(timeout):
        return bool(waiting.poll(timeout)) if poller else bool(rep.poll(timeout))

    for turn in range(5):
        for parts in ([b"no envelope"], [b"a", b"b"], [b""], [b"a", b""]):
            stranger.send_multipart(parts)
        for _ in range(10):
            assert not ready(2)
        assert not rep.recv_nonblock()
        stranger.send_multipart([b"no", b"envelope"])
        req.send(b"%d" % turn)
        assert ready(LIMIT)
        assert rep.recv(zmq.DONTWAIT) == b"%d" % turn
        assert not ready(0)
        rep.send(b"answer")
        assert req.recv() == b"answer"


@needs_patch("kept-promise")
def test_a_request_that_poll_has_found_survives_its_peer(context):
    rep = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
    where = rep.bind("tcp://127.0.0.1:*")
    for turn in range(20):
        raw = raw_peer(where, "REQ")
        raw.sendall(wire.frame(b"", 1) + wire.frame(b"a", 1) + wire.frame(b"%d" % turn))
        assert rep.poll(LIMIT)
        wire.hang_up(raw)
        if turn % 2:
            assert rep.poll(0)
        assert rep.recv_multipart(zmq.DONTWAIT) == [b"a", b"%d" % turn]
        rep.send(b"to nobody")


@needs_patch("kept-promise")
@pytest.mark.parametrize("endpoint", WIRES)
@pytest.mark.parametrize("correlate", [0, 1])
def test_a_req_does_not_wake_up_for_what_is_no_reply(context, endpoint, correlate):
    router, req = connect_pair(context, endpoint, zmq.ROUTER, zmq.REQ)
    req.req_relaxed, req.req_correlate = 1, correlate

    def asked(text):
        req.send(text)
        *envelope, got = router.recv_multipart()
        assert got == text
        return envelope

    old = asked(b"given up")
    for turn in range(5):
        envelope = asked(b"question")
        if correlate:
            router.send_multipart([*old, b"late"])
            router.send_multipart([*old, b"late", b"and", b"long"])
        if endpoint.startswith("inproc"):  # else the session ends the connection
            router.send_multipart([envelope[0], b"no envelope"])
            router.send_multipart([*envelope[:-1], b"no", b"empty", b"part"])
        for _ in range(10):
            assert not req.poll(2)
        router.send_multipart([*envelope, b"answer %d" % turn])
        assert req.poll(LIMIT)
        assert req.recv(zmq.DONTWAIT) == b"answer %d" % turn
        assert not req.poll(0)
        old = envelope
    envelope = asked(b"asked, answered, not read")
    router.send_multipart([*envelope, b"not", b"read"])
    assert req.poll(LIMIT)
    envelope = asked(b"asked again")
    assert not req.poll(20)
    router.send_multipart([*envelope, b"read"])
    assert req.recv() == b"read"


@needs_patch("kept-promise")
def test_a_req_does_not_wake_up_for_a_peer_that_was_not_asked(context):
    req = context.socket(zmq.REQ, linger=0, rcvtimeo=LIMIT)
    where = req.bind("tcp://127.0.0.1:*")
    peers = [raw_peer(where, "REP") for _ in range(3)]
    for turn in range(6):
        wait_until(lambda: req.poll(0, zmq.POLLOUT), what="a peer to ask")
        req.send(b"question")
        asked = None
        while asked is None:
            for peer in peers:
                peer.settimeout(0.01)
                try:
                    peer.recv(1, wire.socket.MSG_PEEK)
                    asked = peer
                except TimeoutError:
                    pass
        asked.settimeout(10)
        wire.read_until(asked, b"question")
        for peer in peers:
            if peer is not asked:
                peer.sendall(wire.frame(b"", 1) + wire.frame(b"unasked"))
        for _ in range(10):
            assert not req.poll(2)
        asked.sendall(wire.frame(b"", 1) + wire.frame(b"%d" % turn))
        assert req.poll(LIMIT)
        assert req.recv(zmq.DONTWAIT) == b"%d" % turn
    for peer in peers:
        peer.close()


KINDS = [("SERVER", "CLIENT"), ("CLIENT", "SERVER"), ("GATHER", "SCATTER")]
KINDS += [("CHANNEL", "CHANNEL"), ("PEER", "PEER")]


@needs_drafts
@needs_patch("kept-promise")
@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_sockets_of_single_parts_do_not_wake_up_for_several(context, kinds):
    socket = context.socket(getattr(zmq, kinds[0]), linger=0, rcvtimeo=LIMIT)
    where = socket.bind("tcp://127.0.0.1:*")
    raw = raw_peer(where, kinds[1])
    for turn in range(5):
        for parts in (2, 3, 10):
            raw.sendall(wire.frame(b"part", 1) * (parts - 1) + wire.frame(b"last"))
        for _ in range(10):
            assert not socket.poll(2)
        raw.sendall(wire.frame(b"a", 1) + wire.frame(b"b") + wire.frame(b"%d" % turn))
        assert socket.poll(LIMIT)
        assert socket.recv(zmq.DONTWAIT) == b"%d" % turn
        assert not socket.poll(0)
    raw.close()
