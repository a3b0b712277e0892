"""send_many draws as it sends, as the blocking one does: nothing stands still or piles up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from support import FACTOR, Source, turns, wait_until

import zmqlite as zmq

BODY = b"x" * 10_000


async def settle(future: Any) -> None:
    """Let the loop run until a send_many gets on no more."""
    sent = -1
    while future.sent != sent:
        sent = future.sent
        await turns(20)


@pytest.mark.parametrize("message", [BODY, [BODY, BODY]], ids=["one part", "two"])
def test_no_more_is_drawn_than_is_sent(run_both: Any, wire: Any, message: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://full", sndhwm=10, rcvhwm=10)
        source = Source(message)
        future = push.send_many(itertools.islice(source, 20_000))
        await settle(future)
        assert 20 <= future.sent < 100
        assert source.drawn <= future.sent + 1
        before = future.sent
        await pull.recv_many(10)
        await settle(future)
        assert future.sent > before
        assert source.drawn <= future.sent + 1
        assert not future.done()
        future.cancel()
        assert future.cancelled()

    run_both(main())


def test_an_endless_iterable_sends_as_it_goes_and_others_run(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://endless")
        source = Source()
        future = push.send_many(source)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.ensure_future(tick())
        for _ in range(20_000):
            assert await pull.recv() == b"x"
        assert ticks > 10
        assert not future.done()
        future.cancel()
        ticker.cancel()
        assert source.drawn <= future.sent + 1

    run_both(main())


def test_a_socket_that_always_takes_more_lets_others_run(run: Any, actx: Any) -> None:
    """A PUB without subscribers never has to wait: the batch itself pauses."""

    async def main() -> None:
        push = actx.socket(zmq.PUB, linger=0)
        push.bind("inproc://void")
        task = asyncio.ensure_future(_awaiting(push.send_many(Source())))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


@pytest.mark.parametrize("late", [False, True])
def test_all_of_it_arrives_in_order(run_both: Any, wire: Any, late: bool) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://order", sndhwm=10, rcvhwm=10)
        if late:
            blocker = push.send_many(b"%d" % n for n in range(50))
        futures = [
            push.send_many(b"%d" % n for n in range(50, 150)),
            push.send_many([b"%d" % n for n in range(150, 250)]),
            push.send(b"250"),
        ]
        got: list[int] = []
        first = 0 if late else 50
        while len(got) < 251 - first:
            got += [int(part) for part in await asyncio.wait_for(pull.recv_many(), 10 * FACTOR)]
        assert got == list(range(first, 251))
        assert await asyncio.gather(*futures) == [100, 100, None]
        if late:
            assert await blocker == 50

    run_both(main())


def test_a_list_is_sent_as_it_was(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://copied", sndhwm=1, rcvhwm=1)
        messages = [b"%d" % n for n in range(20)]
        future = push.send_many(messages)
        messages.clear()
        got: list[bytes] = []
        while len(got) < 20:
            got += await asyncio.wait_for(pull.recv_many(), 10 * FACTOR)
        assert got == [b"%d" % n for n in range(20)]
        assert await future == 20

    run(main())


def failing(count: int, error: BaseException) -> Iterator[bytes]:
    for number in range(count):
        yield b"%d" % number
    raise error


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(
    "error",
    [KeyError("mine"), zmq.Again(), StopAsyncIteration(), asyncio.CancelledError("mine")],
    ids=["KeyError", "Again", "StopAsyncIteration", "CancelledError"],
)
def test_an_exception_of_the_iterable_says_how_many_were_sent(
    run_both: Any, wire: Any, error: BaseException, waits: bool
) -> None:
    """Also an Again, which is no news of this socket."""

    async def main() -> None:
        hwm = 2 if waits else 1000
        push, pull = wire(at="inproc://failing", sndhwm=hwm, rcvhwm=hwm)
        future = push.send_many(failing(20, error))
        for number in range(20):
            assert await asyncio.wait_for(pull.recv(), 10 * FACTOR) == b"%d" % number
        with pytest.raises(type(error)) as caught:
            await asyncio.wait_for(future, 10 * FACTOR)
        assert caught.value is error
        assert error.sent == 20  # type: ignore[attr-defined]
        assert future.sent == 20
        await push.send(b"on")
        assert await pull.recv() == b"on"

    run_both(main())


@pytest.mark.parametrize("whom", ["task", "future"])
def test_a_cancelled_one_says_how_many_were_sent(run_both: Any, wire: Any, whom: str) -> None:
    """In the CancelledError that its task hears, whichever of the two is cancelled."""

    async def main() -> None:
        push, _ = wire(at="inproc://cancelled", sndhwm=10, rcvhwm=10)
        future = push.send_many(Source())
        heard: list[int] = []

        async def send() -> None:
            try:
                await future
            except asyncio.CancelledError as error:
                heard.append(error.sent)  # type: ignore[attr-defined]

        task = asyncio.ensure_future(send())
        await settle(future)
        (task if whom == "task" else future).cancel()
        await task
        assert heard == [future.sent] == [20]

    run_both(main())


def test_a_message_that_is_none_says_how_many_were_sent(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://none", sndhwm=2, rcvhwm=2)
        for messages in ([b"0", b"1", b"2", b"3", b"4", "text"], iter([b"x"] * 5 + ["text"])):
            future = push.send_many(messages)
            got: list[bytes] = []
            while len(got) < 5:
                got += await asyncio.wait_for(pull.recv_many(), 10 * FACTOR)
            with pytest.raises(TypeError) as caught:
                await future
            assert caught.value.sent == future.sent == 5  # type: ignore[attr-defined]
        with pytest.raises(TypeError, match="takes messages, such as a list of bytes"):
            push.send_many(7)

    run(main())


def test_an_iterable_that_cancels_its_own_call(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://own", sndhwm=2, rcvhwm=2)
        futures: list[Any] = []

        def own() -> Iterator[bytes]:
            for number in range(100):
                if number == 10:
                    futures[0].cancel()
                yield b"%d" % number

        futures.append(push.send_many(own()))
        for number in range(10):
            assert await asyncio.wait_for(pull.recv(), 10 * FACTOR) == b"%d" % number
        await asyncio.wait(futures, timeout=10 * FACTOR)
        assert futures[0].cancelled()
        assert futures[0].sent == 10
        assert await pull.poll(10) == 0, "what was drawn when it ended is not sent"

    run(main())


def test_dontwait_sends_what_is_taken_now(run: Any, wire: Any, actx: Any) -> None:
    async def main() -> None:
        push, _ = wire(at="inproc://now", sndhwm=10, rcvhwm=10)
        source = Source()
        assert await push.send_many(source, zmq.DONTWAIT) == 20
        assert source.drawn == 21
        assert await push.send_many([b"x"] * 5, zmq.DONTWAIT) == 0
        push, pull = wire(at="inproc://long", hwm=0)
        pause = push.send_many((b"x" for _ in range(30_000)), zmq.DONTWAIT)
        assert await asyncio.wait_for(pause, 20 * FACTOR) == 30_000  # not only a stretch of it
        got = 0
        while got < 30_000:
            got += len(await pull.recv_many())

    run(main())


def test_the_time_limit_is_for_each_message(run: Any, wire: Any) -> None:
    async def main() -> None:
        limit = int(200 * FACTOR)
        push, pull = wire(at="inproc://limit", sndhwm=1, rcvhwm=1, sndtimeo=limit)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        future = push.send_many(b"%d" % n for n in range(1000))
        while loop.time() - begin < 3 * limit / 1000:
            await asyncio.sleep(limit / 10_000)  # time is the subject: the limit begins anew
            await pull.recv()
        assert not future.done()
        with pytest.raises(zmq.Again, match="SNDTIMEO") as caught:
            await asyncio.wait_for(future, 20 * FACTOR)
        assert caught.value.sent == future.sent > 10
        push.sndtimeo = 0
        with pytest.raises(zmq.Again) as caught:
            await push.send_many(Source())
        assert caught.value.sent == 0

    run(main())


def test_a_timeout_of_0_waits_for_its_turn_but_not_for_room(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://turn", sndtimeo=0, hwm=0)
        future = push.send_many(b"x" for _ in range(30_000))
        assert await asyncio.wait_for(future, 20 * FACTOR) == 30_000
        got = 0
        while got < 30_000:
            got += len(await pull.recv_many())
        push.close()
        push, pull = wire(at="inproc://room", sndtimeo=0, sndhwm=1000, rcvhwm=1000)
        with pytest.raises(zmq.Again) as caught:
            await push.send_many(Source([b"x", b"y"]))
        assert caught.value.sent == 2000

    run(main())


def test_a_done_call_keeps_neither_socket_nor_messages(run: Any, actx: Any) -> None:
    async def main() -> None:
        push = actx.socket(zmq.PUSH, linger=0)
        source = Source()
        iterator = iter(source)
        future = push.send_many(iterator)
        await asyncio.sleep(0)
        future.cancel()
        await asyncio.sleep(0)
        iterator.close()  # type: ignore[attr-defined]  # nobody is inside
        assert future.sent == 0
        wait_until(lambda: not push._binding.waiting)

    run(main())


async def _awaiting(future: Any) -> Any:
    return await future
