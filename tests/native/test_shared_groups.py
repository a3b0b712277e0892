"""A message with a long group that goes to several peers: the group is theirs in common."""

from __future__ import annotations

import pytest
from programs import program
from support import needs_patch

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")


@needs_patch("shared-group")
@pytest.mark.parametrize("endpoint", ["inproc://groups", "ipc://*", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("size", [0, 20, 33, 34, 5000, 100_000])
def test_a_long_group_reaches_several_dishes(endpoint, size):
    program(
        """
endpoint, size = sys.argv[1], int(sys.argv[2])
context = zmq.Context()
group = "a group of more than fourteen bytes"
radio = context.socket(zmq.RADIO, linger=0, sndtimeo=20_000, xpub_nodrop=1)
where = radio.bind(endpoint)
dishes = [context.socket(zmq.DISH, linger=0, rcvtimeo=20_000) for _ in range(4)]
for dish in dishes:
    dish.join(group)
    dish.connect(where)
for dish in dishes:                  # all of them are there, and know what to expect
    for n in range(5000):
        radio.send(b"ready?", group=group)
        if dish.poll(1):
            break
radio.send(b"go", group=group)
for dish in dishes:
    while dish.recv() != b"go":
        pass
for n in range(300):
    body = b"%d" % n + b"x" * size
    radio.send(body, group=group)
    for dish in dishes:
        frame = dish.recv(copy=False)
        assert (frame.group, bytes(frame)) == (group, body), (n, frame.group, bytes(frame))
for socket in (radio, *dishes):
    socket.close()
context.term()
""",
        endpoint,
        size,
    )


@needs_patch("shared-group")
def test_a_long_group_while_dishes_come_and_go_and_are_full():
    program(
        """
context = zmq.Context()
group = "a group of more than fourteen bytes"
radio = context.socket(zmq.RADIO, linger=0, sndhwm=5)
where = radio.bind("inproc://coming-and-going")
dishes = []
for n in range(400):
    dish = context.socket(zmq.DISH, linger=0, rcvhwm=5, rcvtimeo=20_000)
    dish.join(group)
    dish.connect(where)
    dishes.append(dish)
    for size in (1, 50):
        for _ in range(9):
            radio.send(b"x" * size, group=group)
    if n % 3:
        while not dish.poll(1):
            radio.send(b"x", group=group)
        frame = dish.recv(copy=False)
        assert frame.group == group and not bytes(frame).strip(b"x"), frame.group
    if len(dishes) > 5:
        dishes.pop(n % 5).close()
for socket in (radio, *dishes):
    socket.close()
context.term()
"""
    )


@needs_patch("shared-group")
def test_a_dish_joins_a_long_group_at_several_radios():
    program(
        """
context = zmq.Context()
radios = [context.socket(zmq.RADIO, linger=0) for _ in range(4)]
dish = context.socket(zmq.DISH, linger=0, rcvtimeo=20_000)
for n, radio in enumerate(radios):
    dish.connect(radio.bind("inproc://radio-%d" % n if n % 2 else "tcp://127.0.0.1:*"))
groups = ["%d, and more than fourteen bytes" % n for n in range(100)]
for group in groups:
    dish.join(group)
for group in groups:
    for radio in radios:
        for _ in range(5000):
            radio.send(b"heard", group=group)
            if dish.poll(1):
                break
        frame = dish.recv(copy=False)
        assert frame.group in groups
for group in groups:
    dish.leave(group)
for socket in (dish, *radios):
    socket.close()
context.term()
"""
    )
