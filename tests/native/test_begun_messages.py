"""A message of which the first part has been read is read to its end, wherever its peer is."""

from __future__ import annotations

import pytest
from programs import program
from support import FACTOR, binds, needs_patch, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)


@needs_patch("begun-message")
@pytest.mark.parametrize("endpoint", ["inproc://begun", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize(
    "kinds", [("PUSH", "PULL"), ("DEALER", "ROUTER"), ("PUB", "SUB")], ids="-".join
)
def test_the_reader_disconnects_within_a_message(endpoint, kinds):
    """The rest was out of reach then: the process aborted."""
    program(
        """
        endpoint, sends, receives = sys.argv[1:]
        context = zmq.Context()
        sender = context.socket(getattr(zmq, sends), linger=0)
        receiver = context.socket(getattr(zmq, receives), linger=0, rcvtimeo=20000)
        if receives == "SUB":
            receiver.subscribe(b"")
        end = sender.bind(endpoint)
        receiver.connect(end)
        while True:
            sender.send_multipart([b"one", b"two", b"three"])
            if receiver.poll(10):
                break
        parts = [receiver.recv()]
        receiver.disconnect(end)
        while receiver.get(zmq.RCVMORE):
            parts.append(receiver.recv())
        assert parts[-3:] == [b"one", b"two", b"three"], parts
        context.destroy(0)
        """,
        endpoint,
        *kinds,
    )


@needs_patch("begun-message")
@pytest.mark.parametrize("looks", [0, 5])
def test_the_rest_is_kept_when_the_connection_is_gone(looks):
    program(
        """
        context = zmq.Context()
        receiver = context.socket(zmq.PULL, linger=0, rcvtimeo=20000)
        sender = context.socket(zmq.PUSH, linger=0, bind="inproc://kept")
        other = context.socket(zmq.PUSH, linger=0, connect=receiver.bind("inproc://other"))
        receiver.connect("inproc://kept")
        sender.send_multipart([b"a", b"b", b"c"])
        assert receiver.recv() == b"a"
        receiver.disconnect("inproc://kept")
        for _ in range(int(sys.argv[1])):  # both ends see to their commands: the pipe goes
            sender.get(zmq.EVENTS)
            receiver.get(zmq.EVENTS)
        other.send(b"another")
        assert [receiver.recv(), receiver.recv()] == [b"b", b"c"]
        assert not receiver.get(zmq.RCVMORE)
        assert receiver.recv() == b"another"
        context.destroy(0)
        """,
        looks,
    )


@needs_patch("begun-message")
@pytest.mark.parametrize("left", [0, 1])
def test_another_connection_ends_within_a_message(context, left):
    """The pipe in use was moved into the place of the one that went, and lost sight of."""
    names = [f"inproc://{number}" for number in range(3)]
    peers = [context.socket(zmq.PUSH, linger=0, bind=name) for name in names]
    receiver = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT)
    for name in names:
        receiver.connect(name)
    for number, peer in enumerate(peers):
        for turn in range(2):
            peer.send_multipart([b"%d" % number, b"rest %d of %d" % (turn, number)])
    seen = []
    while len(seen) < 3:
        first = receiver.recv()
        if first == b"2":
            receiver.disconnect(names[left])
            for _ in range(5):  # both ends see to their commands: the pipe goes
                peers[left].get(zmq.EVENTS)
                receiver.get(zmq.EVENTS)
        assert receiver.recv() == b"rest 0 of " + first
        seen.append(first)
    assert sorted(seen) == [b"0", b"1", b"2"]


@needs_patch("torn-upstream")
@pytest.mark.parametrize("size", [4, 4000])
def test_an_upstream_message_is_not_torn_by_a_new_connection(context, size):
    """The part that was sent before went with the old one, and the rest alone came through."""
    subscriber = context.socket(zmq.XSUB, linger=0, reconnect_ivl=1)
    publisher = context.socket(zmq.XPUB, linger=0)
    address = publisher.bind("tcp://127.0.0.1:*")
    subscriber.connect(address)
    subscriber.send(b"\1topic")
    assert publisher.recv() == b"\1topic"
    subscriber.send(b"\2first".ljust(size, b"x"), zmq.SNDMORE)
    publisher.close()
    publisher = context.socket(zmq.XPUB, linger=0, rcvtimeo=LIMIT)
    wait_until(lambda: binds(publisher, address), LIMIT / 1000)

    def asked_again():
        subscriber.get(zmq.EVENTS)  # it sees to its commands
        return publisher.poll(10)

    wait_until(asked_again, LIMIT / 1000, "the new connection")
    assert publisher.recv_multipart() == [b"\1topic"]
    subscriber.send(b"\2rest".ljust(size, b"x"))
    subscriber.send_multipart([b"\2whole", b"one"])
    assert publisher.recv_multipart() == [b"\2whole", b"one"]
