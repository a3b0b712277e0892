"""Guarantee 3: a flooded socket does not starve the loop; how much it may take is settable.

That the rule holds is counted in operations, by a clock that no busy machine can falsify. That it
is about real time is measured with a flood from another process, in CPU time of the loop's thread.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pauses import MOST, PROMISE, SlowClock, typical
from support import FACTOR

import zmqlite as zmq
import zmqlite.asyncio as azmq
from zmqlite.asyncio.binding import budget_of

FLOOD = """
import sys, zmqlite as zmq
with zmq.Context() as context, context.socket(zmq.PUSH, linger=0, sndtimeo=20_000) as push:
    push.connect(sys.argv[1])
    message = b"x" * 16
    try:
        while True:
            push.send_many([message] * 1000)
    except zmq.Again:  # nobody reads any more
        pass
"""


@pytest.fixture
def flood() -> Iterator[Callable[[str], None]]:
    """A starter of processes that send as much as they can to an address."""
    processes = []

    def start(address: str) -> None:
        processes.append(subprocess.Popen([sys.executable, "-c", FLOOD, address]))

    yield start
    for process in processes:
        process.kill()
        process.wait()


class Ticker:
    """A task that wants to run all the time, and the CPU time of each of its pauses."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.pauses.append(now - last)
            last = now

    def stop(self) -> None:
        self._task.cancel()


async def tick_during(work: Callable[[], Any], count: int) -> Ticker:
    """Call and await `work` this often without a pause of our own, and tick meanwhile."""
    ticker = Ticker()
    await asyncio.sleep(0)
    for _ in range(count):
        await work()
    ticker.stop()
    return ticker


@pytest.fixture
def flooded(flood: Any, actx: Any) -> Callable[[], Any]:
    async def make() -> Any:
        pull = actx.socket(zmq.PULL, linger=0)
        flood(pull.bind("tcp://127.0.0.1:*"))
        await pull.recv()
        return pull

    return make


@pytest.mark.parametrize(
    "how", ["recv", "recv_multipart", "recv_string", "recv_many", "iterate", "poll", "poller"]
)
def test_a_flooded_receiver_lets_others_run(run_both: Any, flooded: Any, how: str) -> None:
    async def main() -> None:
        pull = await flooded()
        poller = azmq.Poller()
        poller.register(pull, zmq.POLLIN)

        async def polled() -> None:
            assert await pull.poll()
            pull.recv_nonblock()

        async def in_poller() -> None:
            assert await poller.poll()
            pull.recv_nonblock()

        works = {
            "recv": pull.recv,
            "recv_multipart": pull.recv_multipart,
            "recv_string": pull.recv_string,
            "recv_many": pull.recv_many,
            "iterate": pull.__anext__,
            "poll": polled,
            "poller": in_poller,
        }
        ticker = await tick_during(works[how], 2000 if how == "recv_many" else 30_000)
        assert typical(ticker.pauses) < PROMISE * FACTOR

    run_both(main())


def test_several_flooded_sockets_share_one_turn(run: Any, flooded: Any) -> None:
    async def main() -> None:
        pulls = [await flooded() for _ in range(3)]
        counts = [0] * len(pulls)

        async def read(place: int) -> None:
            while True:
                await pulls[place].recv()
                counts[place] += 1

        readers = [asyncio.ensure_future(read(place)) for place in range(len(pulls))]
        ticker = await tick_during(lambda: asyncio.sleep(0.001), 100)
        for reader in readers:
            reader.cancel()
        assert typical(ticker.pauses) < PROMISE * FACTOR
        assert min(counts) > 0, "each gets its share"

    run(main())


@pytest.mark.parametrize("floods", [1, 3, 8])
def test_a_flood_within_the_loop_lets_others_run(run_both: Any, actx: Any, floods: int) -> None:
    """Producers and consumers that never have to wait; the pauses of another task, in operations
    of 50 µs."""

    async def main() -> None:
        budget_of(asyncio.get_running_loop()).clock = SlowClock()
        done = 0

        async def produce(push: Any) -> None:
            nonlocal done
            while True:
                await push.send(b"x")
                done += 1

        async def consume(pull: Any) -> None:
            nonlocal done
            while True:
                await pull.recv()
                done += 1

        tasks = []
        for number in range(floods):
            pull = actx.socket(zmq.PULL, hwm=0, linger=0)
            push = actx.socket(zmq.PUSH, hwm=0, linger=0)
            push.connect(pull.bind(f"inproc://flood{number}"))
            tasks += [asyncio.ensure_future(work) for work in (produce(push), consume(pull))]
        operations = []
        for _ in range(2000):
            before = done
            await asyncio.sleep(0)
            operations.append(done - before)
        for task in tasks:
            task.cancel()
        assert max(operations) <= MOST
        assert statistics.mean(operations) > 5, "a pass is used"

    run_both(main())


def test_several_receives_that_nobody_awaits_share_it_too(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://flooded", hwm=0)
        await push.send_many([b"x"] * 10_000)
        budget_of(asyncio.get_running_loop()).clock = SlowClock()
        futures = [pull.recv() for _ in range(10_000)]
        done, most, passes = sum(future.done() for future in futures), 0, 0
        while done < len(futures):
            await asyncio.sleep(0)
            before = done
            while done < len(futures) and futures[done].done():  # they are served in order
                done += 1
            most = max(most, done - before)
            passes += 1
        assert most <= MOST
        assert passes < 3000, "a pass is used"

    run(main())


def test_long_operations_count_for_what_they_are(run_both: Any, wire: Any) -> None:
    """Eight of them at once, as of short ones, would keep others waiting for 16 ms."""

    async def main() -> None:
        push, pull = wire(at="inproc://long", hwm=0)
        await push.send_many([b"x"] * 60)
        await asyncio.sleep(0)
        done = 0

        async def receive() -> None:
            nonlocal done
            while done < 60:
                await pull.recv_serialized(lambda parts: time.sleep(0.002))
                done += 1

        task = asyncio.ensure_future(receive())
        most = 0
        while not task.done():
            before = done
            await asyncio.sleep(0)
            most = max(most, done - before)
        assert most <= 4

    run_both(main())


@pytest.mark.parametrize("how", ["send", "send_many", "send_multipart"])
def test_a_sender_that_never_waits_lets_others_run(run: Any, actx: Any, how: str) -> None:
    async def main() -> None:
        publisher = actx.socket(zmq.PUB, linger=0)  # nobody listens: it never waits
        publisher.bind("inproc://void")
        works = {
            "send": lambda: publisher.send(b"x"),
            "send_many": lambda: publisher.send_many([b"x"] * 20_000),
            "send_multipart": lambda: publisher.send_multipart([b"x", b"y"]),
        }
        ticker = await tick_during(works[how], 100 if how == "send_many" else 200_000)
        assert typical(ticker.pauses) < PROMISE * FACTOR

    run(main())


def test_the_turn_is_settable_in_the_middle_of_a_pass(run: Any, wire: Any) -> None:
    """Fewer operations than were done already: the turn is over, and begins anew with the pass."""

    async def main() -> None:
        push, pull = wire(at="inproc://middle", hwm=0)
        for _ in range(6):
            await push.send(b"x")
        azmq.set_fairness(count=1)
        for _ in range(6):
            assert await asyncio.wait_for(pull.recv(), 10 * FACTOR) == b"x"

    run(main())


def test_the_turn_is_settable(run: Any, actx: Any) -> None:
    async def main() -> None:
        publisher = actx.socket(zmq.PUB, linger=0)
        publisher.bind("inproc://settable")
        passes = 0

        async def count() -> None:
            nonlocal passes
            while True:
                passes += 1
                await asyncio.sleep(0)

        counter = asyncio.ensure_future(count())

        async def sends_per_pass(number: int) -> float:
            await asyncio.sleep(0)
            before = passes
            for _ in range(number):
                await publisher.send(b"x")
            return number / max(passes - before, 1)

        # one pass to have its turn over, and one for the look that comes before the next turn
        azmq.set_fairness(seconds=10, count=100)
        assert 45 <= await sends_per_pass(5000) <= 110
        azmq.set_fairness(count=1000)
        assert 450 <= await sends_per_pass(20_000) <= 1100
        azmq.set_fairness(seconds=0, count=10**9)
        assert await sends_per_pass(1000) < 20
        azmq.set_fairness(seconds=0.05 * FACTOR)
        publisher.close()
        counter.cancel()

    run(main())
