"""What was sent before a socket closed arrives, however slow the receiver is."""

from __future__ import annotations

import time

import pytest
from support import FACTOR, in_thread, in_time, needs_patch

import zmqlite as zmq

STREAMS = ["tcp://127.0.0.1:*", "ipc://*"]


@pytest.fixture
def slow(context):
    """Bind a receiver with a short queue, that leaves in the kernel what it cannot queue."""

    def make(place: str) -> tuple[zmq.Socket[bytes], str]:
        socket = context.socket(zmq.PULL, rcvhwm=10, linger=0, rcvtimeo=int(5000 * FACTOR))
        if zmq.DRAFT_API:
            socket.in_batch_size = 2048
        return socket, socket.bind(place)

    return make


def send_and_end(place: str, size: int, count: int, linger: int = -1) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH, linger=linger) as sender:
        sender.sndhwm = 0
        sender.connect(place)
        for number in range(count):
            sender.send(number.to_bytes(4, "big") * (size // 4))


def received(socket, size: int, count: int) -> None:
    for number in range(count):
        message = socket.recv()
        assert message == number.to_bytes(4, "big") * (size // 4), number


@needs_patch("unread-input")
@pytest.mark.parametrize("place", STREAMS)
@pytest.mark.parametrize(("size", "count"), [(40, 200), (1000, 20), (5000, 16)])
def test_the_sender_ended_before_the_receiver_had_room(slow, place, size, count):
    """The kernel has the rest, and tells the end of an ipc connection before it is read."""
    receiver, bound = slow(place)
    send_and_end(bound, size, count)
    received(receiver, size, count)


@needs_patch("unread-input", "unwritten-output")
@pytest.mark.parametrize("place", STREAMS)
@pytest.mark.parametrize(
    ("size", "count"), [(40, 20_000), (1000, 3000), (20_000, 200), (400_000, 20)]
)
def test_the_sender_waits_until_the_last_batch_is_written(slow, place, size, count):
    """More than the kernel takes at once, so that the last write is cut short."""
    receiver, bound = slow(place)
    join = in_thread(send_and_end, bound, size, count)
    received(receiver, size, count)
    join(20)


@pytest.mark.parametrize("place", STREAMS)
def test_the_linger_period_ends_the_wait(slow, place):
    """Nobody reads, and the end of the queue is in sight: what is left is lost in time."""
    receiver, bound = slow(place)
    in_time(2, lambda: send_and_end(bound, 20_000, 40, linger=100))
    receiver.close()


@pytest.mark.parametrize("place", STREAMS)
def test_a_receiver_that_goes_ends_the_wait(context, slow, place):
    """The batch that was being written goes with its connection, and is not waited for."""
    receiver, bound = slow(place)
    join = in_thread(send_and_end, bound, 20_000, 40, 1000)
    receiver.recv()
    receiver.close(0)
    begin = time.monotonic()
    join(20)
    assert time.monotonic() - begin < 10 * FACTOR


@needs_patch("unread-input")
def test_a_whole_multipart_message_of_a_peer_that_left(slow):
    receiver, bound = slow("ipc://*")
    with zmq.Context() as context, context.socket(zmq.PUSH, linger=-1, sndhwm=0) as sender:
        sender.connect(bound)
        for number in range(25):
            sender.send_multipart([b"head", b"%d" % number, bytes(1000)])
    for number in range(25):
        assert receiver.recv_multipart() == [b"head", b"%d" % number, bytes(1000)]
