"""Topics about as long as one byte can tell, over each transport and version of the protocol."""

from __future__ import annotations

import pytest
import wire
from support import FACTOR, encrypted_pair, in_thread, needs_curve, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
LENGTHS = [1, 200, *range(238, 262), 300, 70_000]
pytestmark = needs_patch("large-topics")


def topic(length):
    return bytes([length % 251]) * length


def check_topics(pub, sub):
    """Each topic is heard."""
    for length in LENGTHS:
        sub.subscribe(topic(length))
    sub.subscribe(b"last")
    wait_until(lambda: pub.send(b"last") or sub.poll(5), what="the subscriptions to arrive")
    for length in LENGTHS:
        pub.send(topic(length) + b"!")
    pub.send(b"last and done")
    heard = []
    while (got := sub.recv()) != b"last and done":
        heard.append(got)
    assert [got for got in heard if got != b"last"] == [topic(n) + b"!" for n in LENGTHS]


@pytest.mark.parametrize("endpoint", ["inproc://topics", "tcp://127.0.0.1:*", "ipc://*", "ws"])
def test_topics_of_any_length_are_heard(context, endpoint):
    if endpoint == "ws":
        if not zmq.has("ws"):
            pytest.skip("built without WebSockets")
        endpoint = "ws://127.0.0.1:*"
    pub = context.socket(zmq.PUB, linger=0, sndhwm=0)
    sub = context.socket(zmq.SUB, linger=0, rcvhwm=0, rcvtimeo=LIMIT)
    sub.connect(pub.bind(endpoint))
    check_topics(pub, sub)


@needs_curve
def test_topics_of_any_length_are_heard_over_curve(context):
    pub, sub = encrypted_pair(context, zmq.PUB, zmq.SUB)
    sub.rcvtimeo = LIMIT
    check_topics(pub, sub)


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "ipc://*"])
def test_a_long_cancellation_does_not_hide_the_next_one(context, endpoint):
    xpub = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT)
    sub = context.socket(zmq.SUB, linger=0)
    sub.connect(xpub.bind(endpoint))
    for length in LENGTHS:
        sub.subscribe(topic(length))
        sub.unsubscribe(topic(length))
    expected = [first + topic(length) for length in LENGTHS for first in (b"\1", b"\0")]
    assert [xpub.recv() for _ in expected] == expected


def frames_of(raw, wanted):
    """Read frames of ZMTP 2.0 and later, as (flags, body), until that many came."""
    frames, data = [], b""
    while len(frames) < wanted:
        data += raw.recv(65536)
        while len(data) > 1:
            head = 9 if data[0] & 2 else 2
            size = int.from_bytes(data[1:head], "big")
            if len(data) < head + size:
                break
            frames.append((data[0] & ~2, data[head : head + size]))
            data = data[head + size :]
    assert not data
    return frames


def old_handshake(raw):
    """Shake hands as a PUB of ZMTP 2.0; return nothing but its end."""
    raw.sendall(wire.SIGNATURE + bytes([1, wire.NUMBERS["PUB"]]) + wire.frame(b""))
    greeting = b""
    while len(greeting) < 10 + 2 + 2:
        greeting += raw.recv(10 + 2 + 2 - len(greeting))


def new_handshake(raw, version):
    raw.sendall(wire.greeting(version) + wire.ready("PUB"))
    data = b""
    while len(data) < 64 + 2 or len(data) < 64 + 2 + data[65]:
        data += raw.recv(64 + 2 + data[65] - len(data) if len(data) > 65 else 66 - len(data))


def peeked(raw):
    try:
        return raw.recv(1, wire.socket.MSG_PEEK)
    except BlockingIOError:
        return b""


@pytest.mark.parametrize("version", [(3, 1), (3, 0), (2, 0)], ids=str)
def test_what_goes_over_the_wire(context, version):
    sub = context.socket(zmq.SUB, linger=0)
    raw = wire.connect(wire.port_of(sub.bind("tcp://127.0.0.1:*")))
    if version == (2, 0):
        old_handshake(raw)
    else:
        new_handshake(raw, version)
    new = version == (3, 1)
    sub.subscribe(b"first")
    raw.setblocking(False)
    wait_until(lambda: sub.poll(1) or peeked(raw), what="the first subscription")
    raw.settimeout(10)
    assert frames_of(raw, 1) == [(4 * new, (b"\x09SUBSCRIBE" if new else b"\1") + b"first")]
    expected = []
    for length in LENGTHS:
        for first, command in ((b"\1", b"\x09SUBSCRIBE"), (b"\0", b"\x06CANCEL")):
            expected.append((4 * new, (command if new else first) + topic(length)))
    read = in_thread(frames_of, raw, len(expected))
    for length in LENGTHS:
        sub.subscribe(topic(length))
        sub.unsubscribe(topic(length))
    assert read() == expected
    raw.close()


def test_a_stranger_behind_a_proxy_costs_nobody_a_topic(context):
    """The proxy sends all subscriptions again when the publisher is started anew."""
    xsub = context.socket(zmq.XSUB, linger=0, reconnect_ivl=5, rcvtimeo=LIMIT)
    xpub = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT)
    pub = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT)
    where = pub.bind("tcp://127.0.0.1:*")
    xsub.connect(where)
    stranger = context.socket(zmq.SUB, linger=0)
    stranger.connect(xpub.bind("tcp://127.0.0.1:*"))
    for length in (246, 250, 255):
        stranger.subscribe(topic(length))
        xsub.send(xpub.recv())
        assert pub.recv() == b"\1" + topic(length)
    innocent = context.socket(zmq.SUB, linger=0)
    innocent.connect(xpub.last_endpoint)
    innocent.subscribe(b"news")
    xsub.send(xpub.recv())
    assert pub.recv() == b"\1news"
    pub.close()
    pub = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT)
    wait_until(lambda: bound(pub, where), what="the port to be free")
    heard = set()
    while len(heard) < 4:
        # the socket that asks again has to be looked at, too
        wait_until(lambda: xsub.poll(0) or pub.poll(5), what="the subscriptions")
        heard.add(pub.recv())
    assert heard == {b"\1news", *(b"\1" + topic(n) for n in (246, 250, 255))}


def bound(socket, where):
    try:
        return socket.bind(where)
    except zmq.AddressInUse:
        return None
