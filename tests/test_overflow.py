"""What becomes of a message that has no room: `overflow=`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support import FACTOR, needs_drafts, needs_patch, wait_until

import zmqlite as zmq
import zmqlite.asyncio

LIMIT = 20_000 * FACTOR
counted = needs_patch("known-numbers")

BLOCKS = (
    "PUB",
    "XPUB",
    "PUSH",
    "DEALER",
    "ROUTER",
    "PAIR",
    "REQ",
    "SUB",
    "XSUB",
    "PULL",
    "STREAM",
)
DROPS = ("PUB", "XPUB", "ROUTER", "REP", "PUSH", "DEALER", "PAIR")
LATEST = ("PUB", "SUB", "PUSH", "PULL", "DEALER")
CLASSIC = sorted({*BLOCKS, *DROPS, "REP"})


@counted
class TestWhatATypeTakes:
    @pytest.mark.parametrize("kind", CLASSIC)
    @pytest.mark.parametrize(
        ("policy", "granted"),
        [("block", BLOCKS), ("drop_newest", DROPS), ("latest", LATEST), ("drop_oldest", ())],
    )
    def test_it_is_granted_or_refused_with_a_reason(
        self, context: Any, kind: str, policy: str, granted: tuple[str, ...]
    ) -> None:
        if kind in granted:
            context.socket(kind, overflow=policy).close()
            return
        before = len(context.sockets())
        with pytest.raises(zmq.NotSupported, match=f"{policy}.*{kind} socket") as caught:
            context.socket(kind, overflow=policy)
        assert len(str(caught.value)) > 80, "it says why"
        assert len(context.sockets()) == before, "the socket is closed"

    @needs_drafts
    def test_draft_types(self, context: Any) -> None:
        for kind in ("RADIO", "CLIENT", "CHANNEL", "SCATTER"):
            for policy in ("block", "drop_newest"):
                context.socket(kind, overflow=policy).close()
        for kind in ("DISH", "GATHER", "SERVER", "PEER", "DGRAM"):
            context.socket(kind, overflow="block").close()
            with pytest.raises(zmq.NotSupported):
                context.socket(kind, overflow="drop_newest")

    def test_no_such_policy(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match="block, drop_newest, drop_oldest, latest"):
            context.socket(zmq.PUB, overflow="oldest")

    def test_a_type_is_a_factory(self, context: Any) -> None:
        with zmq.PUB(context=context, overflow="block", sndhwm=1, sndtimeo=0) as publisher:
            subscriber = context.socket(zmq.SUB, subscribe="", rcvhwm=1)
            subscriber.connect(publisher.bind("inproc://factory"))
            publisher.wait_subscribers(1, timeout=LIMIT)
            publisher.send(b"1")
            publisher.send(b"2")
            with pytest.raises(zmq.Again):
                publisher.send(b"3")
            assert publisher.stats().drops == 0


@counted
class TestDropNewest:
    def test_nothing_waits_and_all_is_counted(self, context: Any) -> None:
        server = context.socket(zmq.PULL, bind="inproc://newest", rcvhwm=3)
        client = context.socket(zmq.PUSH, overflow="drop_newest", sndhwm=2, linger=0)
        client.connect("inproc://newest")
        for number in range(12):
            client.send(b"%d" % number)
        stats = client.stats()
        assert (stats.messages_out, stats.drops) == (5, 7)
        assert [server.recv() for _ in range(5)] == [b"%d" % number for number in range(5)]
        client.send(b"again")
        assert server.recv() == b"again", "there is room, and it is noticed at once"
        assert client.stats().drops == 7

    @pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR"])
    def test_a_message_is_dropped_whole(self, context: Any, kind: str) -> None:
        other = {"PUSH": "PULL", "DEALER": "DEALER", "PAIR": "PAIR"}[kind]
        server = context.socket(other, bind="inproc://whole", rcvhwm=1)
        client = context.socket(kind, overflow="drop_newest", sndhwm=1, linger=0)
        client.connect("inproc://whole")
        for _ in range(2):
            client.send_multipart([b"a", b"b"])
        client.send(b"begun", zmq.SNDMORE)  # finds no room
        assert server.recv_multipart() == [b"a", b"b"]
        assert server.recv_multipart() == [b"a", b"b"]
        client.send(b"middle", zmq.SNDMORE)
        client.send(b"end")  # there would be room by now
        client.send_multipart([b"c", b"d"])
        assert server.recv_multipart() == [b"c", b"d"]
        assert client.stats().drops == 1

    def test_nobody_there(self, context: Any) -> None:
        with context.socket(zmq.PUSH, overflow="drop_newest") as client:
            client.bind("inproc://alone")
            client.send_many([b"x"] * 5)
            client.send(b"x", zmq.DONTWAIT)
            assert client.stats().drops == 6

    def test_large_bodies_are_given_back(self, context: Any) -> None:
        with context.socket(zmq.PUSH, overflow="drop_newest") as client:
            client.bind("inproc://large")
            tracker = client.send(bytearray(1 << 20), copy=False, track=True)
            tracker.wait(LIMIT / 1000)


@counted
class TestLatest:
    def test_only_the_last_is_there(self, context: Any) -> None:
        server = context.socket(zmq.PULL, overflow="latest", rcvtimeo=int(LIMIT))
        client = context.socket(zmq.PUSH, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
        client.send_many([b"%d" % number for number in range(100)])
        wait_until(lambda: server.stats().drops == 99, what="the others to be replaced")
        assert server.recv() == b"99"

    def test_of_a_sender(self, context: Any) -> None:
        client = context.socket(zmq.PUSH, overflow="latest", connect="inproc://last", linger=0)
        for number in range(10):
            client.send(b"%d" % number)
        assert client.stats().drops == 9
        server = context.socket(zmq.PULL, bind="inproc://last", rcvtimeo=int(LIMIT))
        assert server.recv() == b"9"


@counted
def test_router_that_blocks(context: Any) -> None:
    router = context.socket(zmq.ROUTER, overflow="block", sndhwm=1, sndtimeo=0, linger=0)
    dealer = context.socket(zmq.DEALER, rcvhwm=1, routing_id=b"me", linger=0)
    dealer.connect(router.bind("inproc://router"))
    dealer.send(b"x")
    router.recv_multipart()
    router.send_multipart([b"me", b"1"])
    router.send_multipart([b"me", b"2"])
    with pytest.raises(zmq.Again):
        router.send_multipart([b"me", b"3"])
    with pytest.raises(zmq.HostUnreachable):
        router.send_multipart([b"you", b"1"])
    assert (router.stats().drops, router.stats().unroutable) == (0, 0)


@counted
@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_coroutines(world: str) -> None:
    module: Any = pytest.importorskip(f"zmqlite.{world}")

    async def main() -> None:
        async with module.Context() as context:
            client = context.socket(zmq.PUSH, overflow="drop_newest", sndhwm=1, linger=0)
            server = context.socket(zmq.PULL, rcvhwm=1, connect=client.bind("inproc://newest"))
            await client.wait_peers(1, LIMIT)
            for number in range(5):
                await client.send(b"%d" % number)
            assert client.stats().drops == 3
            assert [await server.recv(), await server.recv()] == [b"0", b"1"]
            client.close()
            server.close()

    asyncio.run(main()) if world == "asyncio" else pytest.importorskip("trio").run(main)


@counted
@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_a_publisher_that_waits_lets_others_run(world: str) -> None:
    module: Any = pytest.importorskip(f"zmqlite.{world}")
    trio: Any = pytest.importorskip("trio") if world == "trio" else None

    async def flow(publisher: Any, subscriber: Any, both: Any) -> None:
        publisher.bind("inproc://waits")
        subscriber.connect("inproc://waits")
        await publisher.wait_subscribers(1, timeout=LIMIT)
        received: list[bytes] = []

        async def send() -> None:
            for number in range(200):
                await publisher.send(b"%d" % number)

        async def receive() -> None:
            for _ in range(200):
                received.append(await subscriber.recv())

        await both(send, receive)
        assert received == [b"%d" % number for number in range(200)]
        assert publisher.stats().drops == 0

    async def both_in_trio(*tasks: Any) -> None:
        async with trio.open_nursery() as nursery:
            for task in tasks:
                nursery.start_soon(task)

    async def both_in_asyncio(*tasks: Any) -> None:
        await asyncio.wait_for(asyncio.gather(*(task() for task in tasks)), LIMIT / 1000)

    async def main() -> None:
        async with module.Context() as context:
            publisher = context.socket(zmq.PUB, overflow="block", sndhwm=1, linger=0)
            subscriber = context.socket(zmq.SUB, rcvhwm=1, subscribe="")
            try:
                both = both_in_trio if trio else both_in_asyncio
                await flow(publisher, subscriber, both)
            finally:
                publisher.close()
                subscriber.close()

    trio.run(main) if trio else asyncio.run(main())


@counted
def test_gevent() -> None:
    gevent: Any = pytest.importorskip("gevent")
    green: Any = pytest.importorskip("zmqlite.green")
    with gevent.Timeout(LIMIT / 1000), green.Context() as context:
        client = context.socket(zmq.PUSH, overflow="drop_newest", bind="inproc://green")
        client.send(b"x")
        assert client.stats().drops == 1
        client.close()
