"""Workloads in event loops: asyncio, uvloop and trio, with the calls that all libraries share.

Over inproc both ends are tasks of one loop, as in a program; over tcp and ipc each has a process.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import time
from collections.abc import Awaitable, Callable
from itertools import repeat
from typing import Any

from workloads import Answer, Workload, trip_figures

LOOPS = {
    ("zmqlite", "trio"): "zmqlite.trio",
    ("zmqlite", ""): "zmqlite.asyncio",
    ("pyzmq", ""): "zmq.asyncio",
    ("pyomq", ""): "pyomq.asyncio",
}


class AsyncWorkload(Workload):
    """One or both ends as tasks; `mode` is "asyncio", "uvloop" or "trio", then how to receive."""

    kinds = ("PULL", "PUSH")

    def __init__(self, spec: Answer) -> None:
        self.world, _, self.style = spec["mode"].partition("-")
        kind = self.world if self.world == "trio" else ""
        self.sockets: Any = importlib.import_module(LOOPS[spec["library"], kind])
        self.loop = self._make_loop()
        super().__init__(spec)

    def _make_loop(self) -> Any:
        if self.world == "uvloop":
            import uvloop

            return uvloop.new_event_loop()
        return asyncio.new_event_loop()

    def socket(self, kind: str) -> Any:
        socket = self.sockets.Socket(self.context, getattr(self.zmq, kind))
        socket.linger = 0
        return socket

    def setup(self, role: str) -> None:
        # made inside the loop, since some libraries want one at that moment
        self.context = self.sockets.Context()
        self.play(lambda: self._open(role))

    async def _open(self, role: str) -> None:
        first, second = self.kinds
        if role != "connect":
            self.first = self.context.socket(getattr(self.zmq, first))
            self.endpoint = self.bind(self.first)
        if role != "bind":
            self.second = self.context.socket(getattr(self.zmq, second))
            self.second.connect(*self.places())

    def play(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run a coroutine function in this workload's kind of loop."""
        if self.world == "trio":
            import trio

            return trio.run(work)
        asyncio.set_event_loop(self.loop)
        return self.loop.run_until_complete(work())

    async def together(self, *works: Callable[[], Awaitable[Any]]) -> None:
        """Run coroutine functions at the same time."""
        if self.world == "trio":
            import trio

            async with trio.open_nursery() as nursery:
                for work in works:
                    nursery.start_soon(work)
            return
        await asyncio.gather(*(work() for work in works))


class AsyncThroughput(AsyncWorkload):
    """PUSH to PULL in one direction."""

    def run(self, count: int) -> Answer:
        role = self.spec["role"]
        begin = time.monotonic()
        ends: list[float] = []

        async def send() -> None:
            if self.style == "many":
                for _ in range(count // 100):
                    await self.second.send_many([self.payload] * 100)
                for _ in range(count % 100):
                    await self.second.send(self.payload)
                return
            push, payload = self.second.send, self.payload
            for _ in repeat(None, count):
                await push(payload)

        async def receive() -> None:
            await self._receive(count)
            ends.append(time.monotonic())

        async def both() -> None:
            works = {"both": (send, receive), "bind": (receive,), "connect": (send,)}[role]
            await self.together(*works)

        self.play(both)
        return {"begin": begin, "end": ends[0] if ends else time.monotonic()}

    async def _receive(self, count: int) -> None:
        if self.style == "for":
            left = count
            async for _ in self.first:
                left -= 1
                if not left:
                    return
        elif self.style == "many":
            left = count
            while left:
                left -= len(await self.first.recv_many(min(1000, left)))
        else:
            pull = self.first.recv
            for _ in repeat(None, count):
                await pull()


class AsyncLatency(AsyncWorkload):
    """REQ to REP and back, one request at a time, each trip timed."""

    kinds = ("REP", "REQ")

    def run(self, count: int) -> Answer:
        role = self.spec["role"]
        marks: list[int] = []

        async def answer() -> None:
            recv, send = self.first.recv, self.first.send
            for _ in repeat(None, count):
                await send(await recv())

        async def ask() -> None:
            send, recv, payload, clock = (
                self.second.send,
                self.second.recv,
                self.payload,
                time.monotonic_ns,
            )
            marks.append(clock())
            for _ in repeat(None, count):
                await send(payload)
                await recv()
                marks.append(clock())

        async def both() -> None:
            works = {"both": (answer, ask), "bind": (answer,), "connect": (ask,)}[role]
            await self.together(*works)

        self.play(both)
        if role == "bind":
            return {}
        return trip_figures(marks)


class Wakeup(AsyncWorkload):
    """No messages: how long a loop takes to see a readable descriptor and resume its task."""

    def setup(self, role: str) -> None:
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)

    def run(self, count: int) -> Answer:
        marks: list[int] = []
        self.play(lambda: self._wake(count, marks))
        return trip_figures(marks)

    async def _wake(self, count: int, marks: list[int]) -> None:
        near, send, clock = self.near, self.far.send, time.monotonic_ns
        if self.world == "trio":
            from trio.lowlevel import wait_readable

            for _ in repeat(None, count + 1):
                marks.append(clock())
                send(b"x")
                await wait_readable(near)
                near.recv(1)
            return
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Future[None]] = []

        def readable() -> None:
            near.recv(1)
            waiting.pop().set_result(None)

        loop.add_reader(near, readable)
        for _ in repeat(None, count + 1):
            marks.append(clock())
            waiting.append(loop.create_future())
            send(b"x")
            await waiting[0]
        loop.remove_reader(near)


ASYNC_WORKLOADS: dict[str, type[Workload]] = {
    "async": AsyncThroughput,
    "asynclatency": AsyncLatency,
    "wakeup": Wakeup,
}
