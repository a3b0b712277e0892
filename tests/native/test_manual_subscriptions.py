"""XPUB_MANUAL: what the program confirms goes to the peer that has asked, or to nobody."""

from __future__ import annotations

import time

import pytest
import wire
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
WIRES = ["inproc://manual", "tcp://127.0.0.1:*"]
pytestmark = needs_patch("gone-subscriber")


def manual(context, endpoint, option="xpub_manual"):
    xpub = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT, **{option: 1})
    return xpub, xpub.bind(endpoint)


def subscriber(context, where, linger=0):
    socket = context.socket(zmq.XSUB, linger=linger, rcvtimeo=LIMIT)
    socket.connect(where)
    return socket


def confirm(xpub):
    """Grant the request that comes next, whatever it is."""
    request = xpub.recv()
    (xpub.subscribe if request[0] else xpub.unsubscribe)(request[1:])
    return request


def hear(xpub):
    """Let the XPUB see to what has happened, without reading anything."""
    for _ in range(20):
        xpub.poll(1)
        xpub.get(zmq.EVENTS)
        time.sleep(0.0005)


@pytest.mark.parametrize("endpoint", WIRES)
@pytest.mark.parametrize("option", ["xpub_manual", "xpub_manual_last_value"])
def test_a_peer_that_left_before_its_request_was_read(context, endpoint, option):
    """Others have their pipes where its was, and get nothing that they did not ask for."""
    xpub, where = manual(context, endpoint, option)
    for turn in range(10):
        topic = b"secret %d" % turn
        gone = [subscriber(context, where, linger=-1) for _ in range(3)]
        for socket in gone:
            socket.send(b"\1" + topic)
        hear(xpub)
        for socket in gone:
            socket.close()
        hear(xpub)
        others = [subscriber(context, where) for _ in range(6)]
        hear(xpub)
        requests = [confirm(xpub) for _ in range(6)]
        assert sorted(requests) == [b"\0" + topic] * 3 + [b"\1" + topic] * 3
        for _ in range(3):
            xpub.send(topic)
        for socket in others:
            socket.send(b"\1own")
            assert confirm(xpub) == b"\1own"
            xpub.send(b"own")
        for socket in others:
            assert socket.recv() == b"own"
            socket.close()
        for _ in others:
            assert xpub.recv() == b"\0own"


@pytest.mark.parametrize("endpoint", WIRES)
def test_a_confirmation_comes_too_late(context, endpoint):
    xpub, where = manual(context, endpoint)
    for turn in range(10):
        topic = b"secret %d" % turn
        gone = subscriber(context, where)
        gone.send(b"\1" + topic)
        assert xpub.recv() == b"\1" + topic
        gone.close()
        while not xpub.poll(20):
            pass
        others = [subscriber(context, where) for _ in range(6)]
        for socket in others:
            socket.send(b"\1own")
        wait_until(lambda: xpub.poll(20), what="the others")
        xpub.subscribe(topic)
        assert xpub.recv() == b"\0" + topic
        for _ in others:
            assert confirm(xpub) == b"\1own"
        xpub.send(topic)
        xpub.send(b"own")
        for socket in others:
            assert socket.recv() == b"own"
            socket.close()
        for _ in others:
            assert xpub.recv() == b"\0own"


@pytest.mark.parametrize("endpoint", WIRES)
def test_messages_that_are_no_requests_move_nothing(context, endpoint):
    xpub, where = manual(context, endpoint)
    thief, honest = subscriber(context, where), subscriber(context, where)
    for socket, text in ((thief, b"no request"), (honest, b"\1secret"), (thief, b"\1public")):
        socket.send(text)
        hear(xpub)  # all three wait to be read, nearly always in this order
    got = [confirm_or_read(xpub) for _ in range(3)]
    assert sorted(got) == [b"\1public", b"\1secret", b"no request"]
    xpub.send(b"secret")
    xpub.send(b"public")
    assert honest.recv() == b"secret"
    assert thief.recv() == b"public"
    assert not honest.poll(20)
    assert not thief.poll(20)


def confirm_or_read(xpub):
    message = xpub.recv()
    if message[:1] == b"\1":
        xpub.subscribe(message[1:])
    return message


@pytest.mark.parametrize("endpoint", WIRES)
def test_another_that_leaves_takes_no_confirmation_away(context, endpoint):
    xpub, where = manual(context, endpoint)
    other = subscriber(context, where)
    other.send(b"\1other")
    assert confirm(xpub) == b"\1other"
    asker = subscriber(context, where)
    asker.send(b"\1news")
    assert xpub.recv() == b"\1news"
    other.close()
    assert xpub.poll(LIMIT)  # the XPUB has heard of it
    xpub.subscribe(b"news")
    assert xpub.recv() == b"\0other"
    xpub.send(b"news")
    assert asker.recv() == b"news"


@pytest.mark.parametrize("endpoint", WIRES)
@pytest.mark.parametrize("leaves", ["the last one", "another", "nobody"])
def test_the_last_value_goes_to_the_last_subscriber_alone(context, endpoint, leaves):
    xpub, where = manual(context, endpoint, "xpub_manual_last_value")
    first, other = subscriber(context, where), subscriber(context, where)
    for socket, topic in ((first, b"\1news"), (other, b"\1other")):
        socket.send(topic)
        assert confirm(xpub) == topic
        xpub.send(b"nothing that anybody wants")
    last = subscriber(context, where)
    last.send(b"\1news")
    assert confirm(xpub) == b"\1news"
    leaving = {"the last one": last, "another": other, "nobody": None}[leaves]
    if leaving:
        leaving.close()
        assert xpub.poll(LIMIT)
    xpub.send(b"news: the last value")
    xpub.send(b"news: the next")
    assert first.recv() == b"news: the next"
    if leaves != "the last one":
        assert last.recv() == b"news: the last value"
        assert last.recv() == b"news: the next"


def test_raw_peers_that_subscribe_and_leave_at_once(context):
    xpub, where = manual(context, "tcp://127.0.0.1:*")
    honest = subscriber(context, where)
    honest.send(b"\1news")
    assert confirm(xpub) == b"\1news"
    for turn in range(60):
        raw = wire.connect(wire.port_of(where))
        wire.speak(raw, "SUB")
        for n in range(5):
            raw.sendall(wire.command(b"SUBSCRIBE", b"topic %d" % n))
        (wire.reset if turn % 2 else wire.hang_up)(raw)
        while xpub.poll(5 if turn % 3 else 0):
            confirm(xpub)
        xpub.send(b"news")
        assert honest.recv() == b"news"
        xpub.send(b"topic 1")
    assert not honest.poll(20)
