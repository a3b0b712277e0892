"""zmq.eventloop.future: sockets for tornado's coroutines."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyzmq.conftest import LIMIT, ending
from support import FACTOR

gen: Any = pytest.importorskip("tornado.gen")
ioloop: Any = pytest.importorskip("tornado.ioloop")

Tree = Callable[[str], Any]
SECONDS = 20 * FACTOR


@pytest.fixture
def zmq(tree: Tree) -> Any:
    return tree("")


@pytest.fixture
def future(tree: Tree) -> Any:
    return tree("eventloop.future")


@pytest.fixture
def fctx(future: Any) -> Iterator[Any]:
    yield from ending(future)


@pytest.fixture
def loop() -> Iterator[Any]:
    """The current loop of tornado, for the test alone."""
    asyncio_loop = asyncio.new_event_loop()
    asyncio.set_event_loop(asyncio_loop)
    yield ioloop.IOLoop.current()
    asyncio.set_event_loop(None)
    asyncio_loop.close()


def joined(zmq: Any, ctx: Any, one: int, other: int) -> Any:
    first, second = ctx.socket(one), ctx.socket(other)
    first.linger = second.linger = 0
    port = first.bind_to_random_port("tcp://127.0.0.1")
    second.connect(f"tcp://127.0.0.1:{port}")
    return first, second


def test_coroutines_of_tornado(zmq: Any, future: Any, fctx: Any, loop: Any) -> None:
    pull, push = joined(zmq, fctx, zmq.PULL, zmq.PUSH)
    assert isinstance(pull, zmq.Socket)
    assert isinstance(pull, future.Socket)
    assert isinstance(fctx, zmq.Context)

    @gen.coroutine  # type: ignore[untyped-decorator]
    def main() -> Any:
        waiting = pull.recv_multipart()
        assert not waiting.done()
        yield push.send_multipart([b"a", b"b"])
        received = yield waiting
        assert received == [b"a", b"b"]
        yield push.send(b"part")
        assert (yield pull.recv()) == b"part"
        yield push.send_string("é")
        assert (yield pull.recv_string()) == "é"
        yield push.send_json([1])
        assert (yield pull.recv_json()) == [1]
        yield push.send_pyobj({1})
        assert (yield pull.recv_pyobj()) == {1}
        for number in range(50):
            yield push.send(b"%d" % number)
        found = yield [pull.recv() for _ in range(50)]
        assert found == [b"%d" % number for number in range(50)]
        with pytest.raises(gen.TimeoutError):
            yield gen.with_timeout(datetime.timedelta(milliseconds=10), pull.poll())

    loop.run_sync(main, timeout=SECONDS)


def test_native_coroutines(zmq: Any, fctx: Any, loop: Any) -> None:
    pull, push = joined(zmq, fctx, zmq.PULL, zmq.PUSH)

    async def main() -> None:
        waiting = pull.recv()
        await push.send(b"x")
        assert await waiting == b"x"
        assert len(pull._recv_futures) == len(push._send_futures) == 0
        assert pull._get_loop() is loop

    loop.run_sync(main, timeout=SECONDS)


def test_cancelling_and_closing(zmq: Any, future: Any, fctx: Any, loop: Any) -> None:
    pull, push = joined(zmq, fctx, zmq.PULL, zmq.PUSH)

    async def main() -> None:
        gone = pull.recv()
        assert gone.cancel()
        assert not gone.cancel()
        assert gone.cancelled()
        assert gone.done()
        with pytest.raises(future.CancelledError):
            await gone
        await push.send(b"kept")
        assert await pull.recv() == b"kept"
        pending = pull.recv_multipart()
        pull.close()
        assert pending.cancelled()
        assert isinstance(pending.exception(), future.CancelledError)
        assert isinstance(pending.exception(), Exception)

    loop.run_sync(main, timeout=SECONDS)


def test_timeouts(zmq: Any, fctx: Any, loop: Any) -> None:
    async def main() -> None:
        socket = fctx.socket(zmq.DEALER)
        socket.linger = 0
        with pytest.raises(zmq.Again):
            await socket.recv(zmq.DONTWAIT)
        socket.rcvtimeo = socket.sndtimeo = 5
        with pytest.raises(zmq.Again):
            await socket.recv()
        with pytest.raises(zmq.Again):
            await socket.send(b"x")

    loop.run_sync(main, timeout=SECONDS)


def test_poll_and_poller(zmq: Any, future: Any, fctx: Any, loop: Any) -> None:
    pull, push = joined(zmq, fctx, zmq.PULL, zmq.PUSH)

    async def main() -> None:
        poller = future.Poller()
        poller.register(pull, zmq.POLLIN)
        assert await poller.poll(5) == []
        assert await pull.poll(5) == 0
        waiting, both = pull.poll(LIMIT), poller.poll(LIMIT)
        await push.send(b"x")
        assert await waiting == zmq.POLLIN
        assert await both == [(pull, zmq.POLLIN)]

    loop.run_sync(main, timeout=SECONDS)


def test_a_loop_that_closes_everything(zmq: Any, fctx: Any) -> None:
    loop = ioloop.IOLoop(make_current=False)
    socket = fctx.socket(zmq.PUB)
    other = fctx.socket(zmq.SUB)

    async def attach() -> None:
        assert socket._get_loop() is other._get_loop() is loop
        other.close()

    loop.run_sync(attach, timeout=SECONDS)
    loop.close(all_fds=True)
    assert socket.closed


def test_contexts(zmq: Any, future: Any) -> None:
    context = future.Context.instance()
    assert context is future.Context.instance()
    assert context is not zmq.Context.instance()
    zmq.Context.instance().destroy()
    context.destroy()
    with pytest.deprecated_call(match="io_loop"):
        context = future.Context(io_loop=object())
    assert context.io_loop is None
    context.term()
    with zmq.Context() as plain, future.Context.shadow(plain).socket(zmq.PULL) as socket:
        assert type(socket) is future.Socket
