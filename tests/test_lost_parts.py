"""A message whose peer leaves while it is sent: dropped whole, and counted once."""

from __future__ import annotations

from typing import Any

import pytest
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq

pytestmark = needs_patch("known-numbers")
LIMIT = 20_000 * FACTOR
RECEIVER = {"PUSH": "PULL", "DEALER": "DEALER", "PAIR": "PAIR"}


def came_and_went(socket: Any, peer: Any) -> None:
    """Close a peer, and wait until its queue has gone."""
    peer.close()

    def gone() -> bool:
        if socket.type not in (zmq.PUSH, zmq.REP):
            socket.poll(0)  # reads what ends the connection
        return not socket.stats().peers

    wait_until(gone, what="the end of the queue")


@pytest.mark.parametrize("overflow", ["block", "drop_newest"])
class TestThePeerLeaves:
    @pytest.mark.parametrize("kind", RECEIVER)
    @pytest.mark.parametrize("endpoint", ["tcp", "inproc"], indirect=True)
    def test_the_whole_message_counts_once(
        self, context: Any, kind: str, overflow: str, endpoint: str
    ) -> None:
        sender = context.socket(kind, overflow=overflow, linger=0, sndtimeo=int(LIMIT))
        address = sender.bind(endpoint)
        first = context.socket(RECEIVER[kind], connect=address)
        sender.wait_peers(1, LIMIT)
        sender.send(b"begun", zmq.SNDMORE)
        came_and_went(sender, first)
        sender.send(b"middle", zmq.SNDMORE)
        second = context.socket(RECEIVER[kind], connect=address, rcvtimeo=int(LIMIT))
        sender.wait_peers(1, LIMIT)
        sender.send(b"end")
        sender.send(b"next")
        assert second.recv_multipart() == [b"next"], "the rest went where its beginning went"
        assert (sender.stats().messages_out, sender.stats().drops) == (1, 1)

    @pytest.mark.parametrize("kind", ["PUSH", "DEALER"])
    def test_a_last_part_is_no_message_for_the_next_peer(
        self, context: Any, kind: str, overflow: str
    ) -> None:
        """The connection is ending, and has not ended yet."""
        peers = [context.socket(RECEIVER[kind], bind=f"inproc://{n}") for n in (1, 2)]
        sender = context.socket(kind, overflow=overflow, connect="inproc://1", linger=0)
        sender.send(b"begun", zmq.SNDMORE)
        sender.connect("inproc://2")
        sender.disconnect("inproc://1")
        sender.send(b"end")
        sender.send(b"next")
        assert peers[1].recv_multipart() == [b"next"]
        assert peers[0].recv_nonblock() is None
        wait_until(lambda: len(sender.stats().peers) == 1, what="the end of the first")
        assert (sender.stats().messages_out, sender.stats().drops) == (1, 1)


def test_a_router(context: Any) -> None:
    router = context.socket(zmq.ROUTER, linger=0)
    dealer = context.socket(zmq.DEALER, routing_id=b"me", connect=router.bind("tcp://127.0.0.1:*"))
    dealer.send(b"x")
    router.recv_multipart()
    router.send(b"me", zmq.SNDMORE)
    router.send(b"begun", zmq.SNDMORE)
    came_and_went(router, dealer)
    router.send(b"middle", zmq.SNDMORE)
    router.send(b"end")
    stats = router.stats()
    assert (stats.messages_out, stats.drops, stats.unroutable) == (0, 0, 1)


def test_a_reply_to_a_client_that_has_left(context: Any) -> None:
    server = context.socket(zmq.REP, linger=0)
    client = context.socket(zmq.REQ, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
    client.send(b"x")
    server.recv()
    client.close()
    wait_until(lambda: not server.peers, what="the end")
    assert server.stats().unroutable == 0, "there is no reply yet"
    server.send_multipart([b"1", b"2"])
    stats = server.stats()
    assert stats.messages_out + stats.unroutable == 1, "the queue may still have been there"


def test_an_xpub_says_nothing_of_the_end_of_a_subscriber(context: Any) -> None:
    publisher = context.socket(zmq.PUB, linger=0)
    subscriber = context.socket(zmq.SUB, subscribe="", connect=publisher.bind("inproc://news"))
    publisher.wait_subscribers(1, timeout=LIMIT)
    publisher.send(b"begun", zmq.SNDMORE)
    came_and_went(publisher, subscriber)
    publisher.send(b"end")
    assert publisher.stats().messages_out == 0
