"""Waiting for peers in every world: the same names, the same meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR, needs_drafts, needs_patch

import zmqlite
import zmqlite.asyncio

pytestmark = [needs_patch("known-peers"), needs_drafts]
LIMIT = 5000 * FACTOR


class World:
    """A loop to run coroutines in, and the module with its sockets."""

    def __init__(self, module: Any, run: Callable[[Any], Any], sleep: Any, spawn: Any) -> None:
        self.zmq, self.run, self.sleep, self.spawn = module, run, sleep, spawn


def asyncio_world() -> World:
    return World(zmqlite.asyncio, asyncio.run, asyncio.sleep, asyncio.ensure_future)


def trio_world() -> World:
    trio = pytest.importorskip("trio")
    module: Any = pytest.importorskip("zmqlite.trio")
    return World(module, lambda main: trio.run(lambda: main), trio.sleep, None)


@pytest.fixture(params=[asyncio_world, trio_world], ids=["asyncio", "trio"])
def world(request: pytest.FixtureRequest) -> World:
    return request.param()  # type: ignore[no-any-return]


def test_coroutines_wait(world: World) -> None:
    async def main() -> None:
        async with world.zmq.Context() as context:
            server, client = context.socket(zmqlite.PUB), context.socket(zmqlite.SUB)
            events = server.monitor_events(zmqlite.EVENT_HANDSHAKE_SUCCEEDED)
            address = server.bind("tcp://127.0.0.1:*")
            with pytest.raises(zmqlite.Again, match="0 of 1 peers"):
                await server.wait_peers(1, 20)
            client.connect(address)
            client.subscribe(b"a")
            assert await server.wait_subscribers(1, b"abc", LIMIT) == 1
            assert await server.wait_peers(1, LIMIT) == 1
            assert [peer.endpoint for peer in server.peers] == [address]
            assert (await events.__anext__()).endpoint == address
            with pytest.raises(TypeError, match="async for"):
                iter(events)
            await server.send(b"abc")
            assert await client.recv() == b"abc"
            server.close()
            async for event in events:
                assert event.event is zmqlite.EVENT_MONITOR_STOPPED
            assert events.closed
            with pytest.raises(zmqlite.SocketClosed, match="wait_peers"):
                await server.wait_peers()
            client.close()

    world.run(main())


def test_asyncio_tasks_go_on_meanwhile_and_a_close_ends_the_wait() -> None:
    async def main() -> None:
        with zmqlite.asyncio.Context() as context:
            server = context.socket(zmqlite.PULL)
            received = asyncio.ensure_future(server.recv())
            waited = asyncio.ensure_future(server.wait_peers(2))
            client = context.socket(zmqlite.PUSH, connect=server.bind("tcp://127.0.0.1:*"))
            await client.send(b"x")
            assert await received == b"x", "the wait took nobody's wake-up"
            server.close()
            with pytest.raises(zmqlite.SocketClosed, match="wait_peers"):
                await waited
            client.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))


def test_asyncio_a_cancelled_wait_leaves_nothing() -> None:
    async def main() -> None:
        with zmqlite.asyncio.Context() as context, context.socket(zmqlite.PULL) as server:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(server.wait_peers(), 0.05)
            client = context.socket(zmqlite.PUSH, connect=server.bind("tcp://127.0.0.1:*"))
            assert await server.wait_peers(1, LIMIT) == 1
            client.close()

    asyncio.run(main())


def test_trio_says_closed_resource() -> None:
    trio: Any = pytest.importorskip("trio")
    pytest.importorskip("trio.testing")
    zmq: Any = pytest.importorskip("zmqlite.trio")

    async def main() -> None:
        async with zmq.Context() as context, trio.open_nursery() as nursery:
            server = context.socket(zmqlite.PULL)

            async def wait() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await server.wait_peers()

            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            server.close()

    trio.run(main)


def test_gevent_lets_others_run() -> None:
    gevent: Any = pytest.importorskip("gevent")
    zmq: Any = pytest.importorskip("zmqlite.green")
    with gevent.Timeout(LIMIT / 1000), zmq.Context() as context:
        server, client = context.socket(zmqlite.PULL), context.socket(zmqlite.PUSH)
        events = server.monitor_events(zmqlite.EVENT_ACCEPTED)
        waits = gevent.spawn(server.wait_peers, 1, LIMIT)
        address = server.bind("tcp://127.0.0.1:*")
        gevent.sleep(0)
        client.connect(address)
        assert waits.get() == 1
        assert next(events).endpoint == address
        ends = gevent.spawn(server.wait_peers, 2)
        gevent.sleep(0)
        server.close()
        with pytest.raises(zmqlite.SocketClosed):
            ends.get()
        events.close()
        client.close()


class Elsewhere(zmqlite.Socket[bytes]):
    """A socket of a libzmq that does not know our options."""

    def _get_option(self, option: int, kind: int) -> Any:
        if option > 23000:
            raise zmqlite.InvalidArgument.during("getsockopt", "PULL socket")
        return super()._get_option(option, kind)

    def _set_option(self, option: int, kind: int, value: Any) -> None:
        if option > 23000:
            raise zmqlite.InvalidArgument.during("setsockopt", "PULL socket")
        super()._set_option(option, kind, value)

    def get_long_option(self, option: int) -> bytes:
        raise zmqlite.InvalidArgument.during("getsockopt", "PULL socket")

    def _rows_from_context(self, operation: str, home: Any) -> Any:
        raise zmqlite.InvalidArgument.during("getsockopt", "context")


def test_another_libzmq_says_so(context: Any) -> None:
    with Elsewhere(context, zmqlite.PUB) as socket:
        for call in (
            socket.wait_peers,
            socket.wait_subscribers,
            lambda: socket.peers,
            lambda: socket.past_peers,
        ):
            with pytest.raises(zmqlite.NotSupported, match="the libzmq that zmqlite builds"):
                call()


def test_what_is_no_topic_or_number(context: Any) -> None:
    """A limit in the topic's place would be a topic of so many zero bytes, and no limit."""
    with context.socket(zmqlite.PUB) as socket:
        for topic in (500, True, None):
            with pytest.raises(TypeError, match="timeout="):
                socket.wait_subscribers(1, topic)
        with pytest.raises(TypeError, match="number of peers"):
            socket.wait_peers("1")
        with pytest.raises(ValueError, match="milliseconds"):
            socket.wait_peers(1, float("nan"))
        for wait in (socket.wait_peers, socket.wait_subscribers, socket.wait_drained):
            with pytest.raises(TypeError, match=f"{wait.__name__}.*milliseconds"):
                wait(timeout="5")


def test_few_and_none(context: Any) -> None:
    with context.socket(zmqlite.PUB) as socket:
        for n in (0, -1, False):
            assert socket.wait_peers(n) == socket.wait_subscribers(n) == 0
        with pytest.raises(zmqlite.Again, match="0 of 1 peers"):
            socket.wait_peers(True, 0)
        with pytest.raises(zmqlite.Again, match=r"to b'x{80}'\.\.\., 0 connected"):
            socket.wait_subscribers(1, b"x" * 100_000, 0)


def test_a_topic_is_text_as_it_is_for_a_subscription(context: Any) -> None:
    publisher = context.socket(zmqlite.PUB)
    odd = "\udc80\u00e9"
    subscriber = context.socket(zmqlite.SUB, connect=publisher.bind("inproc://odd"))
    subscriber.subscribe(odd)
    assert publisher.wait_subscribers(1, odd, LIMIT) == 1
