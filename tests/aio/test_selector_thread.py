"""The thread that watches descriptors for loops that cannot, forced here."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, awaiting, wait_until

import zmqlite as zmq
import zmqlite.asyncio as azmq
from zmqlite.asyncio import selector_thread as _selector_thread

HERE = Path(__file__).parent
MAIN = {
    "calls": "every_way or every_data or order or close_cancels or two_tasks or reading_events"
    " or moves",
    "poller": "",
    "stress": "bursts or costs",
}


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZMQLITE_SELECTOR_THREAD", "1")


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "zmqlite-selector"]


@pytest.mark.parametrize("name", MAIN)
def test_the_main_cases_hold(name: str) -> None:
    cases = f"({MAIN[name]}) and not uvloop" if MAIN[name] else "not uvloop"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         str(HERE / f"test_{name}.py"), "-k", cases],
        env={**os.environ, "ZMQLITE_SELECTOR_THREAD": "1"},
        capture_output=True, text=True, check=False, timeout=50 * FACTOR,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]


def test_one_thread_a_loop_which_ends_with_it(forced: None, actx: Any) -> None:
    before = len(threads())

    async def main() -> None:
        sockets = [actx.socket(zmq.PULL) for _ in range(5)]
        for place, pull in enumerate(sockets):
            pull.bind(f"inproc://thread-{place}")
            pull.recv()
        assert len(threads()) == before + 1
        for pull in sockets:
            pull.close()

    asyncio.run(main())
    wait_until(lambda: len(threads()) == before, what="the thread to end with its loop")

    loop = asyncio.new_event_loop()
    loop.run_until_complete(_touch())
    assert len(threads()) == before + 1
    loop.close()
    del loop
    gc.collect()
    wait_until(lambda: len(threads()) == before, what="the thread to end with a dropped loop")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("way", ["run", "close", "close twice"])
def test_nothing_stays_after_a_loop_that_ends_with_a_wait_pending(
    forced: None, actx: Any, new_loop: Any, way: str
) -> None:
    pull = actx.socket(zmq.PULL)
    pull.bind("inproc://pending")
    new_loop().close()  # the first one of its kind opens what all share
    known, before = len(threads()), descriptors()
    kept: list[Any] = []

    async def main() -> None:
        kept.append(pull.recv())
        if way == "run":
            kept.append(asyncio.ensure_future(awaiting(pull.recv())))
        await asyncio.sleep(0)
        assert len(threads()) == known + 1

    loop = new_loop()
    try:
        loop.run_until_complete(main())
        if way == "run":  # as asyncio.run does it: what is pending is cancelled first
            for future in kept:
                future.cancel()
            loop.run_until_complete(asyncio.wait(kept))
    finally:
        loop.close()
    if way == "close twice":
        loop.close()
    assert len(threads()) == known
    assert descriptors() <= before
    kept.clear()
    pull.close()


def test_a_loop_that_cannot_be_closed_keeps_its_thread(forced: None, run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        future = pull.recv()
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop().close()
        push.send_nonblock(b"x")
        assert await asyncio.wait_for(future, 10 * FACTOR) == b"x"

    run(main())


async def _touch() -> None:
    left, right = socket.socketpair()
    with left, right:
        reader = _selector_thread.reader_of(asyncio.get_running_loop())
        reader.add_reader(left.fileno(), print)
        reader.remove_reader(left.fileno())


def test_it_does_not_spin(
    forced: None, run: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while all is quiet nor while the loop is busy with something else."""
    rounds: list[object] = []
    ours: list[object] = []
    report = _selector_thread.SelectorThread._report

    def counted(thread: Any, ready: Any) -> None:
        if ours and thread is ours[0]:
            rounds.append(ready)
        report(thread, ready)

    monkeypatch.setattr(_selector_thread.SelectorThread, "_report", counted)

    async def main() -> None:
        push, pull = wire()
        future, poll = pull.recv(), pull.poll()
        await asyncio.sleep(0.05)  # the beginning is over
        ours.append(_selector_thread.reader_of(asyncio.get_running_loop()))
        await asyncio.sleep(0.5)  # time is the subject: nothing goes round meanwhile
        assert len(rounds) <= 2
        push.send_nonblock(b"x")
        rounds.clear()
        time.sleep(0.3)  # the loop does not come to handle it
        assert len(rounds) <= 3
        assert await future == b"x"
        poll.cancel()

    run(main())


def test_a_number_used_again_is_watched_again(forced: None, run: Any) -> None:
    """Closed and opened in one step of the loop: the same number is another descriptor."""

    async def main() -> None:
        async with azmq.Context() as context:
            for number in range(100):
                push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
                push.connect(pull.bind(f"inproc://again-{number}"))
                future = pull.recv()
                if number % 2:
                    await asyncio.sleep(0)
                push.send_nonblock(b"x")
                assert await asyncio.wait_for(future, 5 * FACTOR) == b"x"
                push.close()
                pull.close()

    run(main())


def test_readers_and_writers(run: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        thread = _selector_thread.SelectorThread(loop)
        left, right = socket.socketpair()
        left.setblocking(False)
        heard: asyncio.Queue[str] = asyncio.Queue()
        with left, right:
            thread.add_reader(left.fileno(), heard.put_nowait, "read")
            thread.add_writer(left.fileno(), heard.put_nowait, "write")
            assert await heard.get() == "write"
            assert thread.remove_writer(left.fileno())
            assert not thread.remove_writer(left.fileno())
            while not heard.empty():
                heard.get_nowait()
            right.send(b"x")
            assert await heard.get() == "read"
            assert await heard.get() == "read", "level-triggered, as the loop's own"
            assert thread.remove_reader(left.fileno())
            while not heard.empty():
                heard.get_nowait()
            await asyncio.sleep(0.02)  # it has every opportunity
            assert heard.empty()

    run(main())
