"""zmqlite.trio under load: cancelled at every tick, flooded, in bursts. Nothing lost, doubled or
late.

ZMQLITE_TEST_LONG=1 makes it a million cancelled receives and a million messages each way.
"""

from __future__ import annotations

import random
import resource
import statistics
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from pauses import MOST, PROMISE, SlowClock, typical
from support import FACTOR, LONG

import zmqlite

trio: Any = pytest.importorskip("trio")
zmq: Any = pytest.importorskip("zmqlite.trio")
budget_of_run: Any = pytest.importorskip("zmqlite.trio.binding").budget_of_run

LIMIT = 3600 if LONG else 38 * FACTOR
ROUNDS = 1_200_000 if LONG else 24_000


def run(main: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    async def limited() -> Any:
        with trio.fail_after(LIMIT):
            return await main(*args)

    return trio.run(limited)


def sockets(
    context: Any, kinds: Any, endpoint: str = "inproc://load", **options: Any
) -> list[Any]:
    first, second = (context.socket(kind, linger=0, **options) for kind in kinds)
    second.connect(first.bind(endpoint))
    return [first, second]


class Storm:
    """Receives that are cancelled some ticks before or after their message comes."""

    calls: ClassVar[dict[str, Callable[[Any], int]]] = {
        "recv": int,
        "recv_string": int,
        "recv_json": int,
        "recv_multipart": lambda parts: int(parts[0]),
    }

    def __init__(self, call: str, push: Any, pull: Any) -> None:
        self.rng = random.Random(call)
        self.receive, self.convert = getattr(pull, call), self.calls[call]
        self.push, self.pull = push, pull
        self.sent = 0
        self.got: list[int] = []
        self.cancelled = 0

    def send(self) -> None:
        zmqlite.Socket.send(self.push, b"%d" % self.sent)
        self.sent += 1

    async def take(self) -> None:
        self.got.append(self.convert(await self.receive()))

    async def by_nursery(self) -> None:
        """Another task sends at one tick and cancels at another."""
        sends, ends = self.rng.randrange(5), self.rng.randrange(8)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.take)
            if self.rng.random() < 0.2:
                nursery.start_soon(self.take)
            for tick in range(max(sends, ends) + 1):
                if tick == sends:
                    self.send()
                if tick == ends:
                    nursery.cancel_scope.cancel()
                await trio.lowlevel.cancel_shielded_checkpoint()
        self.cancelled += nursery.cancel_scope.cancelled_caught

    async def by_time(self) -> None:
        """A deadline passes while the message is on its way."""
        limit = self.rng.choice((0, 1e-6, 1e-5, 2e-5, 4e-5))
        if self.rng.random() < 0.5:
            with trio.move_on_after(limit) as scope:
                self.send()
                await self.take()
            self.cancelled += scope.cancelled_caught
            return
        try:
            with trio.fail_after(limit):
                self.send()
                await self.take()
        except trio.TooSlowError:
            self.cancelled += 1

    async def rage(self, rounds: int) -> None:
        for number in range(rounds):
            await (self.by_time if number % 4 else self.by_nursery)()
        while True:
            try:
                self.got.append(int(zmqlite.Socket.recv(self.pull, zmq.DONTWAIT)))
            except zmqlite.Again:
                return


@pytest.mark.parametrize("call", Storm.calls)
@pytest.mark.parametrize("transport", ["inproc://load", "tcp://127.0.0.1:*"])
def test_a_cancelled_receive_loses_nothing(call: str, transport: str) -> None:
    async def main() -> Storm:
        async with zmq.Context() as context:
            pull, push = sockets(context, (zmq.PULL, zmq.PUSH), transport, hwm=0)
            with pull, push:
                storm = Storm(call, push, pull)
                await storm.rage(ROUNDS // 8)
                while len(storm.got) < storm.sent:  # tcp may be behind
                    storm.got.append(int(await pull.recv()))
        return storm

    storm = run(main)
    assert storm.got == list(range(storm.sent))
    assert storm.cancelled > ROUNDS // 80, "the storm was none"


def test_the_storm_finds_a_lost_message() -> None:
    """A receive with one checkpoint too many."""

    class Naive(zmq.Socket):  # type: ignore[misc]
        async def recv(self, *args: Any, **kwargs: Any) -> Any:
            part = await super().recv(*args, **kwargs)
            await trio.lowlevel.checkpoint()
            return part

    async def main() -> Storm:
        async with zmq.Context() as context:
            pull = context.socket(zmq.PULL, Naive, bind="inproc://load", linger=0)
            push = context.socket(zmq.PUSH, connect="inproc://load", linger=0)
            with pull, push:
                storm = Storm("recv", push, pull)
                await storm.rage(500)
        return storm

    storm = run(main)
    assert len(storm.got) < storm.sent


@pytest.mark.parametrize("call", ["send", "send_multipart", "send_many"])
def test_a_cancelled_send_did_not_happen(call: str) -> None:
    async def main() -> None:
        rng = random.Random(call)
        async with zmq.Context() as context:
            push, pull = sockets(context, (zmq.PUSH, zmq.PULL), sndhwm=2, rcvhwm=2)
            sent: list[bytes] = []
            got: list[bytes] = []

            async def send(number: int) -> None:
                part = b"%d" % number
                if call == "send_many":
                    parts = [part + b".%d" % n for n in range(5)]
                    try:
                        await push.send_many(parts)
                    except BaseException as error:
                        sent.extend(parts[: error.sent])  # type: ignore[attr-defined]
                        raise
                    sent.extend(parts)
                    return
                await getattr(push, call)(part if call == "send" else [part])
                sent.append(part)

            with push, pull:
                for number in range(1500):
                    with trio.move_on_after(rng.choice((0, 1e-6, 1e-5, 1e-4))):
                        await send(number)
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(send, number + 1_000_000)
                        for _ in range(rng.randrange(4)):
                            await trio.lowlevel.cancel_shielded_checkpoint()
                            if rng.random() < 0.4 and pull.readable():
                                got.extend(await pull.recv_many())
                        nursery.cancel_scope.cancel()
                while pull.readable():
                    got.extend(await pull.recv_many())
        assert got == sent
        assert 300 < len(sent) < (15_000 if call == "send_many" else 3000)

    run(main)


def flood(floods: int, pauses: int, clock: Callable[[], float] | None) -> tuple[Any, Any]:
    """Producers and consumers that never have to wait, and a task that wants to run all the time.

    Returns how many operations were done, and how much CPU time went by, in each of its pauses.
    """
    operations: list[int] = []
    seconds: list[float] = []
    done = 0

    async def produce(push: Any) -> None:
        nonlocal done
        while True:
            await push.send(b"x" * 16)
            done += 1

    async def consume(pull: Any) -> None:
        nonlocal done
        while True:
            await pull.recv()
            done += 1

    async def main() -> None:
        budget_of_run().clock = clock
        async with zmq.Context() as context:
            pairs = [
                sockets(context, (zmq.PULL, zmq.PUSH), f"inproc://{n}", hwm=0)
                for n in range(floods)
            ]
            async with trio.open_nursery() as nursery:
                for pull, push in pairs:
                    nursery.start_soon(produce, push)
                    nursery.start_soon(consume, pull)
                for _ in range(pauses):
                    before, start = done, time.thread_time()
                    await trio.lowlevel.checkpoint()
                    operations.append(done - before)
                    seconds.append(time.thread_time() - start)
                nursery.cancel_scope.cancel()
            for pair in pairs:
                for socket in pair:
                    socket.close()

    run(main)
    return operations, seconds


@pytest.mark.parametrize("floods", [1, 3, 8])
def test_a_flood_lets_others_run(floods: int) -> None:
    """trio runs a pass forwards or backwards, so that a pause may have two of them."""
    operations, _ = flood(floods, 2000, SlowClock())
    assert max(operations) <= MOST
    assert statistics.mean(operations) > 5, "a pass is used"


@pytest.mark.parametrize("floods", [1, 3])
def test_a_flood_lets_others_run_by_the_real_clock(floods: int) -> None:
    _, seconds = flood(floods, 300, None)
    assert typical(seconds) < PROMISE * FACTOR


def test_other_threads_get_their_ticks() -> None:
    """Each pass lets the GIL go for a moment, too short for a thread to wake up."""
    ticks, over = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not over.wait(0.02):
            ticks += 1

    async def main() -> None:
        async with zmq.Context() as context:
            with context.socket(zmq.PUB, bind="inproc://void", linger=0) as void:
                end = time.monotonic() + 10 * FACTOR
                while ticks < 20 and time.monotonic() < end:
                    for _ in range(100):
                        await void.send(b"x")

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        run(main)
    finally:
        over.set()
        thread.join()
    assert ticks >= 20  # kept out by a loop that never waits, it has next to none


def test_every_task_of_a_flood_gets_its_share() -> None:
    async def main() -> list[int]:
        counts = [0] * 5
        async with zmq.Context() as context:
            pairs = [
                sockets(context, (zmq.PULL, zmq.PUSH), f"inproc://{n}", hwm=0) for n in range(5)
            ]

            async def consume(number: int) -> None:
                pull, push = pairs[number]
                while True:
                    await push.send(b"x")
                    await pull.recv()
                    counts[number] += 1

            budget_of_run().clock = SlowClock()
            async with trio.open_nursery() as nursery:
                for number in range(5):
                    nursery.start_soon(consume, number)
                for _ in range(2000):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            for pair in pairs:
                for socket in pair:
                    socket.close()
        return counts

    counts = run(main)
    assert min(counts) > max(counts) / 5, counts


@pytest.mark.parametrize(("count", "passes"), [(0, 500), (1, 499), (20, 24)])
def test_the_pace_can_be_set(count: int, passes: int) -> None:
    """With a count of 0 each call lets everybody run, as trio's own do."""

    async def main() -> int:
        passed = 0
        async with zmq.Context() as context:
            pull, push = sockets(context, (zmq.PULL, zmq.PUSH))
            await push.send_many([b"x"] * 500)
            zmq.set_fairness(count=count, seconds=1000)

            async def tick() -> None:
                nonlocal passed
                while True:
                    await trio.lowlevel.checkpoint()
                    passed += 1

            async with trio.open_nursery() as nursery:
                nursery.start_soon(tick)
                for _ in range(500):
                    await pull.recv()
                nursery.cancel_scope.cancel()
            pull.close()
            push.close()
        return passed

    assert abs(run(main) - passes) <= 3


@pytest.mark.parametrize("transport", ["inproc://load", "tcp://127.0.0.1:*"])
def test_bursts_both_ways_miss_no_wakeup(transport: str) -> None:
    """Two tasks send and two receive on either end of one connection, with small queues."""
    total = 1_000_000 if LONG else 10_000

    async def main() -> None:
        rng = random.Random(transport)
        async with zmq.Context() as context:
            ends = sockets(context, (zmq.DEALER, zmq.DEALER), transport, hwm=50)
            got: list[list[int]] = [[], []]

            async def send(socket: Any, start: int) -> None:
                number = start
                while number < total:
                    for _ in range(rng.choice((1, 3, 30, 200))):
                        if number < total:
                            await socket.send(b"%d" % number)
                            number += 2
                    for _ in range(rng.randrange(3)):
                        await trio.lowlevel.checkpoint()

            async def receive(end: int, half: int) -> None:
                for _ in range(total // 2):
                    got[end].append(int(await ends[end].recv()))
                    if rng.random() < 0.01:
                        await trio.lowlevel.checkpoint()

            async with trio.open_nursery() as nursery:
                for end in (0, 1):
                    for half in (0, 1):
                        nursery.start_soon(send, ends[end], half)
                        nursery.start_soon(receive, end, half)
            for numbers in got:
                assert sorted(numbers) == list(range(total))
                for half in (0, 1):
                    assert [n for n in numbers if n % 2 == half] == list(range(half, total, 2))
            for end in (0, 1):
                ends[end].close()

    run(main)


def test_memory_stays_flat() -> None:
    """A socket that is always busy, and receives that are always cancelled."""

    async def main() -> int:
        async with zmq.Context() as context:
            pull, push = sockets(context, (zmq.PULL, zmq.PUSH))

            async def work(count: int) -> None:
                for number in range(count):
                    await push.send(b"x" * 64)
                    await pull.recv()
                    if not number % 10:
                        with trio.move_on_after(0):
                            await pull.recv()

            await work(10_000)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await work(50_000)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            pull.close()
            push.close()
        return after - before

    assert run(main) < 4000  # KiB
