"""That the tests of the guarantees can fail: the same measurements with pyzmq, which gives none.

What is measured is written once, for both. Where pyzmq should some day do better, the half of a
test that is about it says so by failing; ours stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from storm import storm
from support import awaiting

pytest.importorskip("zmq.asyncio")


class Library:
    """One of the two, with what the measurements use."""

    def __init__(self, name: str) -> None:
        self.blocking: ModuleType = importlib.import_module(name)
        self.looped: ModuleType = importlib.import_module(f"{name}.asyncio")
        self.sockets: list[Any] = []
        self.context: Any = self.looped.Context()

    def pair(self, hwm: int = 0) -> tuple[Any, Any]:
        push = self.context.socket(self.blocking.PUSH)
        pull = self.context.socket(self.blocking.PULL)
        for socket in (push, pull):
            socket.linger, socket.hwm = 0, hwm
        pull.bind(f"inproc://pair-{len(self.sockets)}")
        push.connect(pull.last_endpoint.decode())
        self.sockets += [push, pull]
        return push, pull

    def end(self) -> None:
        for socket in self.sockets:
            socket.close()
        self.context.term()


@pytest.fixture
def measured() -> Callable[[Callable[[Library], Any]], tuple[Any, Any]]:
    """A function that measures both: ours comes first."""

    def measure(how: Callable[[Library], Any]) -> tuple[Any, Any]:
        values = []
        for name in ("zmqlite", "zmq"):
            library = Library(name)

            async def main(library: Library = library) -> Any:
                try:
                    return await how(library)
                finally:
                    library.end()

            with warnings.catch_warnings():
                if name == "zmq":
                    warnings.simplefilter("ignore")  # it says itself that it drops a message
                values.append(asyncio.run(main()))
        return values[0], values[1]

    return measure


def test_cancelled_receives(measured: Any) -> None:
    """Guarantee 1: how many messages are lost of 700, a hundred for each tick."""

    async def lost(library: Library) -> int:
        tally = await storm(library.looped, library.context, "inproc", "recv", "cancel", 700)
        return sum(tally.lost.values())

    ours, theirs = measured(lost)
    assert ours == 0
    assert theirs > 0


def test_cancelled_sends(measured: Any) -> None:
    """Guarantee 2: how often a send that was cancelled while it waited was sent after all, or one
    that was not cancelled was not."""

    async def wrong(library: Library) -> int:
        push, pull = library.pair(hwm=1)
        mistakes = 0
        for number in range(350):
            with contextlib.suppress(library.blocking.Again):
                while True:
                    library.blocking.Socket.send(plain(library, push), b"full", 1)
            task = asyncio.ensure_future(awaiting(push.send(b"%d" % number)))
            await asyncio.sleep(0)
            got = drain(library, pull)
            for _ in range(number % 7):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            await asyncio.sleep(0)
            got += drain(library, pull)
            mistakes += got.count(b"%d" % number) != (0 if task.cancelled() else 1)
        return mistakes

    ours, theirs = measured(wrong)
    assert ours == 0
    assert theirs > 0


def test_a_flood(measured: Any) -> None:
    """Guarantee 3: how many messages a flooded receiver takes before another task runs."""

    async def most(library: Library) -> int:
        push, pull = library.pair()
        blocking = plain(library, push)
        for _ in range(30_000):
            blocking.send(b"x")
        taken = 0

        async def receive() -> None:
            nonlocal taken
            while taken < 30_000:
                await pull.recv()
                taken += 1

        task, longest = asyncio.ensure_future(receive()), 0
        while not task.done():
            before = taken
            await asyncio.sleep(0)
            longest = max(longest, taken - before)
        return longest

    ours, theirs = measured(most)
    assert ours <= 2 * 4096
    assert theirs > 20_000


def test_cycles(measured: Any) -> None:
    """Guarantee 5: how many objects only the collector can free, of 50 receives of bad JSON.

    (Its memory on a busy socket, and its descriptors, do not grow either.)
    """

    async def garbage(library: Library) -> int:
        push, pull = library.pair()

        async def fail(times: int) -> None:
            for _ in range(times):
                await push.send(b"no json")
                with contextlib.suppress(ValueError):
                    await pull.recv_json()

        await fail(1)
        gc.collect()
        gc.disable()
        try:
            await fail(50)
            return gc.collect()
        finally:
            gc.enable()

    ours, theirs = measured(garbage)
    assert ours == 0
    assert theirs >= 50


def plain(library: Library, socket: Any) -> Any:
    """A blocking handle on the same socket."""
    return library.blocking.Socket(socket)


def drain(library: Library, pull: Any) -> list[bytes]:
    """Take what is there."""
    got: list[bytes] = []
    with contextlib.suppress(library.blocking.Again):
        while True:
            got.append(plain(library, pull).recv(1))
    return got
