"""Other threads of the program run beside a loop that never has to wait.

Each pass of a loop lets the GIL go for a moment, too short for a thread to wake up, and long
enough for it to begin anew to wait for its turn. On a busy machine the loop is interrupted often
enough, on a quiet one it kept every other thread out for seconds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, HAS_GIL
from tracing import calls_seen, needs_strace

import zmqlite as zmq
import zmqlite.asyncio as azmq

FLOODED = """
import asyncio, sys, threading, time
import zmqlite.{loop} as zmq

async def main():
    async with zmq.Context() as context:
        with context.socket(zmq.PUB, linger=0) as push:
            push.bind("inproc://void")
            end = time.thread_time() + 0.25
            while time.thread_time() < end:
                for _ in range(100):
                    await push.send(b"x")

if {threads}:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
if "{loop}" == "trio":
    import trio
    trio.run(main)
else:
    asyncio.run(main())
"""


class Ticker:
    """A thread that wants to run every so often."""

    def __init__(self, pause: float) -> None:
        self.ticks = 0
        self.began = time.monotonic()
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            self.ticks += 1

    def stop(self) -> float:
        """Return which part of its ticks it had."""
        wanted = (time.monotonic() - self.began) / self._pause
        had = self.ticks / wanted
        self._over.set()
        self._thread.join(10 * FACTOR)
        return had


@pytest.mark.parametrize("how", ["send", "send_many", "echo", "recv", "poll"])
def test_a_thread_gets_most_of_its_ticks(run_both: Any, actx: Any, how: str) -> None:
    async def attempt(number: int) -> float:
        void = actx.socket(zmq.PUB, linger=0)
        void.bind(f"inproc://void-{number}")
        first, second = actx.socket(zmq.PAIR, hwm=0), actx.socket(zmq.PAIR, hwm=0, linger=0)
        second.connect(first.bind(f"inproc://echo-{number}"))
        poller = azmq.Poller()
        poller.register(second, zmq.POLLOUT)

        async def echo() -> None:
            await second.send(b"x")
            await first.recv()

        async def receive() -> None:
            await second.send_many([b"x"] * 100)
            for _ in range(100):
                await first.recv()

        works = {
            "send": lambda: void.send(b"x"),
            "send_many": lambda: void.send_many([b"x"] * 1000),
            "echo": echo,
            "recv": receive,
            "poll": poller.poll,
        }
        ticker = Ticker(0.02)
        end = time.monotonic() + 0.4  # time is the subject: how often the thread runs
        while time.monotonic() < end:
            for _ in range(50):
                await works[how]()
        return ticker.stop()

    async def main() -> float:
        had = 0.0
        # others on this machine may have kept the thread from a processor
        for number in range(20):
            had = max(had, await attempt(number))
            if had > 0.3:
                break
        return had

    assert run_both(main()) > 0.3


def test_another_loop_in_another_thread_runs_too(run_both: Any, actx: Any, context: Any) -> None:
    trips = 0
    over = threading.Event()

    async def quiet() -> None:
        nonlocal trips
        first, second = azmq.Socket(context, zmq.PAIR), azmq.Socket(context, zmq.PAIR)
        with first, second:
            second.connect(first.bind("inproc://quiet"))
            while not over.is_set():
                await asyncio.sleep(0.01)
                await first.send(b"x")
                await second.recv()
                trips += 1

    async def flooded() -> None:
        with actx.socket(zmq.PUB, linger=0) as push:
            push.bind("inproc://void")
            end = time.monotonic() + 10 * FACTOR
            while trips < 30 and time.monotonic() < end:
                for _ in range(100):
                    await push.send(b"x")

    thread = threading.Thread(target=asyncio.run, args=(quiet(),))
    thread.start()
    try:
        run_both(flooded())
    finally:
        over.set()
        thread.join()
    assert trips >= 30  # kept out by a loop that never waits, it has next to none


@needs_strace
@pytest.mark.skipif(not HAS_GIL, reason="without a GIL other threads run beside a busy loop")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_busy_loop_takes_naps_for_them_and_for_nobody_else(loop: str, tmp_path: Path) -> None:
    if loop == "trio":
        pytest.importorskip("trio")
    for threads, least, most in ((1, 5, 100), (0, 0, 3)):  # (the end may wait for something else)
        for _ in range(5):  # a machine that gives the program next to nothing interrupts it itself
            program = FLOODED.format(loop=loop, threads=threads)
            naps = len(calls_seen(program, "clock_nanosleep", tmp_path))
            if least <= naps <= most:
                break
        assert least <= naps <= most
