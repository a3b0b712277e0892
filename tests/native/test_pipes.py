"""The queue of a pipe grows and shrinks in pieces; nothing in it is lost or changed."""

from __future__ import annotations

import random

import pytest
from support import connect_pair, in_thread, needs_patch, wait_until

import zmqlite as zmq

EDGES = [1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 111, 112, 113, 239, 240, 241, 495, 496, 497, 752]
"""Around the ends of the first pieces, of 16, 32, 64, 128 and 256 messages."""


@pytest.mark.parametrize("length", EDGES)
def test_a_queue_of_any_length(context, length):
    server, client = connect_pair(context, "inproc://any", zmq.PULL, zmq.PUSH, sndhwm=0, rcvhwm=0)
    for turn in range(5):  # the pieces are used again
        messages = [b"%d/%d" % (turn, number) for number in range(length)]
        for message in messages:
            client.send(message)
        assert [server.recv() for _ in messages] == messages
        assert server.recv_nonblock() is None


@pytest.mark.parametrize("seed", range(5))
def test_waves(context, seed):
    dice = random.Random(seed)
    server, client = connect_pair(
        context, "inproc://waves", zmq.PULL, zmq.PUSH, sndhwm=0, rcvhwm=0
    )
    sent = received = 0
    while received < 20_000:
        for _ in range(dice.choice([1, 3, 20, 400, 1500])):
            client.send(b"%d" % sent)
            sent += 1
        for _ in range(dice.randint(0, sent - received)):
            assert server.recv() == b"%d" % received
            received += 1


def test_waves_between_threads(context):
    server, client = connect_pair(context, "inproc://threads", zmq.PULL, zmq.PUSH)
    count = 100_000

    def send():
        dice = random.Random(1)
        sent = 0
        while sent < count:
            wave = min(dice.choice([1, 5, 100, 2000]), count - sent)
            client.send_many([b"%d" % number for number in range(sent, sent + wave)])
            sent += wave

    join = in_thread(send)
    for number in range(count):
        assert server.recv() == b"%d" % number
    join()


@pytest.mark.parametrize("parts", EDGES)
def test_a_message_that_is_not_finished_is_taken_back(context, parts):
    """With the pieces that it filled: the peer leaves, and then another one comes."""
    sender = context.socket(zmq.DEALER, sndtimeo=20_000, linger=0)
    endpoint = sender.bind("inproc://back")
    first = context.socket(zmq.DEALER, linger=0, connect=endpoint)
    sender.send(b"whole")
    for number in range(parts):
        sender.send(b"%d" % number, zmq.SNDMORE)
    first.close()
    second = context.socket(zmq.DEALER, connect=endpoint)
    sender.send(b"last")  # ends what was lost with the first peer
    assert wait_until(lambda: sender.send_nonblock(b"next") and second.recv_nonblock()) == b"next"


@needs_patch("conflate-parts")
@pytest.mark.parametrize("conflate", [(1, 1), (1, 0)])
@pytest.mark.parametrize("kinds", [(zmq.PULL, zmq.PUSH), (zmq.SUB, zmq.PUB)])
def test_the_last_message_only(context, kinds, conflate):
    """CONFLATE has a queue of another kind, on either side and on both."""
    server = context.socket(kinds[0], conflate=conflate[0], rcvtimeo=20_000)
    client = context.socket(kinds[1], conflate=conflate[1], linger=0)
    if kinds[0] == zmq.SUB:
        server.subscribe(b"")
    client.connect(server.bind("tcp://127.0.0.1:*"))
    wait_until(lambda: client.send(b"-1") or server.poll(20))
    for number in range(500):
        client.send(b"%d" % number)
    got = []
    wait_until(lambda: got.append(int(server.recv())) or got[-1] == 499)
    assert got == sorted(got)
