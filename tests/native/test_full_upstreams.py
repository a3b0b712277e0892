"""More subscriptions than a connection has room for at once (SNDHWM)."""

from __future__ import annotations

import pytest
from support import FACTOR, needs_drafts, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(10000 * FACTOR)
TOPICS = {b"topic %03d" % i for i in range(300)}
pytestmark = needs_patch("subscriptions-kept")


def heard(xpub, sub, wanted):
    """Read what subscribers ask for until just these topics are asked for."""
    topics = set()
    while topics != wanted:
        # a socket sends what waited when it is looked at
        wait_until(lambda: sub.poll(0) or xpub.poll(1), timeout=10, what=f"all of {len(topics)}")
        got = xpub.recv()
        (topics.add if got[:1] == b"\1" else topics.discard)(got[1:])
    return topics


@pytest.mark.parametrize("endpoint", ["inproc://full-upstreams", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("kind", [zmq.SUB, zmq.XSUB])
def test_all_subscriptions_reach_a_new_publisher(context, endpoint, kind):
    xpub = context.socket(zmq.XPUB, linger=0, rcvhwm=10)
    sub = context.socket(kind, linger=0, sndhwm=10)
    for topic in TOPICS:
        sub.subscribe(topic) if kind == zmq.SUB else sub.send(b"\1" + topic)
    sub.connect(xpub.bind(endpoint))
    heard(xpub, sub, TOPICS)


def test_all_subscriptions_reach_a_publisher_that_returns(context):
    xpub = context.socket(zmq.XPUB, linger=0, rcvhwm=10)
    where = xpub.bind("tcp://127.0.0.1:*")
    sub = context.socket(zmq.SUB, linger=0, sndhwm=10, reconnect_ivl=5)
    sub.connect(where)
    for topic in TOPICS:
        sub.subscribe(topic)
    heard(xpub, sub, TOPICS)
    gone = {topic for topic in TOPICS if topic[-1:] == b"7"}
    for _ in range(3):
        xpub.close()
        for topic in gone:
            sub.unsubscribe(topic)
        xpub = context.socket(zmq.XPUB, linger=0, rcvhwm=10)
        wait_until(lambda xpub=xpub: bound(xpub, where), what="the port to be free")
        for topic in gone:
            sub.subscribe(topic)
            if topic[-2:-1] == b"0":
                sub.unsubscribe(topic)
        heard(xpub, sub, TOPICS - {topic for topic in gone if topic[-2:-1] == b"0"})


def bound(socket, where):
    try:
        return socket.bind(where)
    except zmq.AddressInUse:
        return None


def test_what_changes_while_there_is_no_room(context):
    """Subscribed to and cancelled before the publisher is there: it hears what holds."""
    xpub = context.socket(zmq.XPUB, linger=0)
    where = xpub.bind("tcp://127.0.0.1:*")
    xpub.close()
    sub = context.socket(zmq.SUB, linger=0, sndhwm=10, reconnect_ivl=5)
    sub.connect(where)
    wanted = set()
    for topic in sorted(TOPICS):
        sub.subscribe(topic)
        sub.subscribe(topic)
        wanted.add(topic)
        if topic[-1:] in b"135":
            sub.unsubscribe(topic)
        if topic[-1:] in b"13":
            sub.unsubscribe(topic)
            wanted.discard(topic)
        if topic[-1:] == b"3":
            sub.subscribe(topic)
            wanted.add(topic)
    xpub = context.socket(zmq.XPUB, linger=0)
    wait_until(lambda: bound(xpub, where), what="the port to be free")
    heard(xpub, sub, wanted)
    xpub.send(b"topic 001 is nobody's")
    xpub.send(b"topic 298 is")
    sub.rcvtimeo = LIMIT
    assert sub.recv() == b"topic 298 is"


@needs_drafts
@pytest.mark.parametrize("before", [True, False], ids=["joined before", "joined after"])
def test_all_groups_reach_a_radio(context, before):
    radio = context.socket(zmq.RADIO, linger=0, sndhwm=0)
    where = radio.bind("tcp://127.0.0.1:*")
    dish = context.socket(zmq.DISH, linger=0, sndhwm=10, rcvhwm=0, rcvtimeo=LIMIT)
    groups = sorted(f"group {i:03}" for i in range(300))
    if not before:
        dish.connect(where)
    for group in groups:
        dish.join(group)
    dish.leave(groups[-2])
    if before:
        dish.connect(where)

    def told():
        radio.send(b"told", group=groups[-1])
        return dish.poll(5)

    wait_until(told, what="the last group")
    for group in groups:
        radio.send(group.encode(), group=group)
    got = set()
    while groups[-1].encode() not in got:
        got.add(dish.recv())
    assert got - {b"told"} == {group.encode() for group in groups} - {groups[-2].encode()}
