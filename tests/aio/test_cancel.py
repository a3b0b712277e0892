"""Guarantees 1 and 2: a cancelled receive loses no message, a cancelled send did not happen.

ZMQLITE_TEST_LONG=1 makes it a million receives. The storm itself is in storm.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
from collections import Counter
from typing import Any

import pytest
from storm import CALLS, STYLES, TICKS, storm
from support import LONG

import zmqlite as zmq
import zmqlite.asyncio as azmq

ROUNDS = 1_000_000 // (2 * len(CALLS) * len(STYLES)) if LONG else 40 * len(TICKS)


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize("call", [*CALLS, "anext"])
def test_no_message_is_lost_at_any_tick(
    run: Any, actx: Any, transport: str, style: str, call: str
) -> None:
    tally = run(storm(azmq, actx, transport, call, style, ROUNDS))
    assert not tally.lost, tally
    assert not tally.doubled, tally
    assert sum(tally.cancelled.values()) >= tally.rounds / len(TICKS) / 2, tally
    # at the first tick it is too early for the message, at the last one too late to cancel, and
    # every tick between the two was there: so the moment of the handover was among them
    assert not tally.received[TICKS[0]], tally
    assert not tally.cancelled[TICKS[-1]], tally
    assert all(tally.received[tick] + tally.cancelled[tick] for tick in TICKS)


@pytest.mark.parametrize("style", list(STYLES))
@pytest.mark.parametrize("call", [*CALLS, "anext"])
def test_nor_in_uvloop(run_uvloop: Any, actx: Any, call: str, style: str) -> None:
    tally = run_uvloop(storm(azmq, actx, "tcp", call, style, ROUNDS))
    assert not tally.lost, tally
    assert not tally.doubled, tally
    assert not tally.received[TICKS[0]], tally
    assert not tally.cancelled[TICKS[-1]], tally


@pytest.mark.parametrize("style", ["cancel", "expire"])
@pytest.mark.parametrize("at", ["inproc://flood", "tcp://127.0.0.1:*"])
def test_order_is_kept_under_a_flood_of_cancellations(
    run_both: Any, wire: Any, at: str, style: str
) -> None:
    """Many messages in the queue, several tasks, cancelled at random or by a short timeout."""
    pause = 0.002 if style == "expire" else 0
    count = (20 if LONG else 1) * (300 if style == "expire" else 2000)

    async def main() -> None:
        push, pull = wire(at=at)
        chance = random.Random(1)
        got: list[int] = []
        cancelled = 0

        async def receive() -> None:
            got.append(int(await pull.recv()))

        async def flood() -> None:
            for number in range(count):
                await push.send(b"%d" % number)
                for _ in range(chance.choice([0, 0, 0, 1, 4])):
                    await asyncio.sleep(chance.random() * pause)

        sender = asyncio.ensure_future(flood())
        while len(got) < count:
            if style == "expire":
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(receive(), chance.random() * 0.001)
                    continue
                cancelled += 1
                continue
            tasks = [asyncio.ensure_future(receive()) for _ in range(chance.randrange(1, 4))]
            for _ in range(chance.randrange(6)):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(isinstance(r, asyncio.CancelledError) for r in results)
        await sender
        assert got == list(range(count))
        assert cancelled > count / 20

    run_both(main())


def test_a_dropped_receive_takes_no_message_with_it(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        pull.rcvtimeo = 60_000  # the timer does not keep it either
        for number in range(200):
            future = pull.recv()
            if number % 2:
                assert not (await asyncio.wait({future}, timeout=0))[0]
            del future
            await push.send(b"%d" % number)
            assert await pull.recv() == b"%d" % number

    run_both(main())


def test_a_cancelled_send_did_not_happen(run_both: Any, wire: Any) -> None:
    """CancelledError comes out: never delivered. Nothing comes out: delivered exactly once."""

    async def main() -> None:
        push, pull = wire(at="inproc://sends", hwm=1)
        sent: list[int] = []
        got: list[int] = []
        cancelled = Counter[int]()

        async def send(number: int) -> None:
            await push.send(b"%d" % number)
            sent.append(number)

        for number in range(7 * (3000 if LONG else 300)):
            tick = number % 7
            while push.send_nonblock(b"-1"):  # full
                pass
            task = asyncio.ensure_future(send(number))
            await asyncio.sleep(0)
            got.append(int(pull.recv_nonblock() or b"-1"))
            got.append(int(pull.recv_nonblock() or b"-1"))
            for _ in range(tick):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            cancelled[tick] += task.cancelled()
        while (part := pull.recv_nonblock()) is not None:
            got.append(int(part))
        delivered = [number for number in got if number >= 0]
        assert delivered == sent
        assert cancelled[0] > 100
        assert len(sent) > 100

    run_both(main())


def test_cancelling_tells_whether_a_send_happened(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://tells", hwm=1)
        futures = []
        while not futures or futures[-1].done():
            futures.append(push.send(b"%d" % len(futures)))
        futures.append(push.send(b"%d" % len(futures)))
        assert futures[-2].cancel()
        assert not futures[0].cancel(), "done is done"
        rest = push.send_many([b"%d" % number for number in range(len(futures), 100)])
        got = [int(await pull.recv()) for _ in range(20)]
        assert rest.cancel()
        while (part := pull.recv_nonblock()) is not None:
            got.append(int(part))
        cancelled = len(futures) - 2
        assert got == [n for n in range(len(futures) + rest.sent) if n != cancelled]

    run(main())


def test_what_gather_has_received_is_gathers(run: Any, wire: Any) -> None:
    """Documented: whoever has the result owns the message, and a cancelled gather drops results.

    Put the receive into a coroutine of its own, and nothing is lost.
    """

    async def main() -> None:
        push, pull = wire()

        async def keep(box: list[bytes]) -> None:
            box.append(await pull.recv())

        for number in range(20):
            box: list[bytes] = []
            outer = asyncio.gather(keep(box), asyncio.sleep(60))
            await asyncio.sleep(0)
            await push.send(b"%d" % number)
            for _ in range(number % 10):
                await asyncio.sleep(0)
            outer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await outer
            await asyncio.sleep(0)
            if not box:
                await keep(box)
            assert box == [b"%d" % number]
        future = pull.recv()
        outer = asyncio.gather(future, asyncio.sleep(60))
        await push.send(b"owned")
        while not future.done():
            await asyncio.sleep(0)
        outer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await outer
        assert future.result() == b"owned"
        assert isinstance(pull.recv(zmq.DONTWAIT).exception(), zmq.Again)

    run(main())


@pytest.mark.parametrize("end", ["close", "term"])
@pytest.mark.parametrize("call", ["recv", "anext", "poll", "send"])
def test_a_task_cancelled_just_before_the_end_leaves_no_complaint(
    run_both: Any, make_context: Any, call: str, end: str
) -> None:
    """What its operation ended with is of no use to a task that goes on with CancelledError."""
    context = make_context(cls=azmq.Context)

    async def main() -> None:
        socket = context.socket(zmq.PUSH if call == "send" else zmq.PULL, linger=0)
        calls = {"recv": socket.recv, "anext": socket.__anext__, "poll": socket.poll}
        begin = calls.get(call, lambda: socket.send(b""))

        async def wait() -> None:
            await begin()

        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        socket.close() if end == "close" else context.destroy(linger=0)
        with pytest.raises(asyncio.CancelledError):
            await task

    run_both(main())
    gc.collect()
