"""Peers that send half a request, or leave in one, cost nobody else a reply."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import connect_pair, needs_patch, wait_until

import zmqlite as zmq

TORN = {
    "one part": ["x"],
    "an empty part": [""],
    "two parts": ["a", "b"],
    "many parts": ["part"] * 50,
    "a delimiter at the end": ["a", "b", ""],
    "large parts": ["L" * 50_000, "M" * 50_000],
}


@needs_patch("torn-envelope")
@pytest.mark.parametrize("leaves", [0, 1])
@pytest.mark.parametrize("parts", TORN.values(), ids=TORN)
def test_a_request_without_an_envelope(parts, leaves):
    hostile_program(
        """
leaves, parts = int(sys.argv[1]), [part.encode() for part in sys.argv[2].split(",")]
rep = zmq.REP(bind="tcp://127.0.0.1:*", linger=0, rcvtimeo=10_000)
req = zmq.REQ(connect=rep.last_endpoint.decode(), linger=0, rcvtimeo=10_000)
for turn in range(5):
    raws = []
    for _ in range(3):
        raw = wire.connect(wire.port_of(rep.last_endpoint))
        wire.speak(raw, "DEALER")
        for part in parts[:-1]:
            raw.sendall(wire.frame(part, 1))
        raw.sendall(wire.frame(parts[-1]))
        if leaves:
            wire.hang_up(raw)
        raws.append(raw)
    for n in range(3):
        req.send(b"request")
        assert rep.recv() == b"request"
        rep.send(b"reply")
        assert req.recv() == b"reply"
    for raw in raws:
        raw.close()
req.close()
rep.close()
""",
        leaves,
        ",".join(parts),
    )


@needs_patch("torn-envelope")
def test_torn_requests_of_a_peer_that_reads_no_replies(context):
    rep, dealer = connect_pair(context, "inproc://full", zmq.REP, zmq.DEALER)
    rep.sndhwm = 1
    dealer.rcvhwm = 1
    full = context.socket(zmq.DEALER, linger=0, rcvhwm=1)
    full.connect("inproc://full")
    for turn in range(10):
        full.send_multipart([b"", b"request"])
        full.send_multipart([b"no", b"envelope"])
        dealer.send_multipart([b"", b"%d" % turn])
        asked = [rep.recv()]
        rep.send(b"reply")
        asked.append(rep.recv())
        rep.send(b"reply")
        assert sorted(asked) == [b"%d" % turn, b"request"]
        assert dealer.recv_multipart() == [b"", b"reply"]


@needs_patch("req-peer-lost")
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("correlate", [0, 1])
def test_a_peer_that_leaves_in_the_middle_of_a_request(context, correlate, more):
    """In the narrow moment between its farewell and the end of its pipe."""
    req = context.socket(zmq.REQ, linger=0, sndtimeo=20_000, rcvtimeo=20_000)
    req.req_relaxed, req.req_correlate = 1, correlate
    req.bind("inproc://narrow")
    for turn in range(300):
        first = context.socket(zmq.REP)
        first.connect("inproc://narrow")
        req.send(b"h", zmq.SNDMORE)
        req.getsockopt(zmq.EVENTS)
        first.close(0)
        for _ in range(turn % 50):
            req.getsockopt(zmq.EVENTS)
        req.send(b"t", zmq.SNDMORE * more)
        if more:
            req.send(b"t")
        if turn % 10 == 9:
            with context.socket(zmq.REP, linger=0, rcvtimeo=20_000) as rep:
                rep.connect("inproc://narrow")
                wait_until(lambda rep=rep: req.send(b"whole") or rep.poll(20), what="a request")
                assert rep.recv_multipart() == [b"whole"]
                rep.send(b"answer")
                assert req.recv() == b"answer"
