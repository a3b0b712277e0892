"""Proxies of event loops: a task for each direction moves what is there, and waits between."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from .._native import core
from .._threads import start
from ..error import Again, ContextTerminated, HostUnreachable, SocketClosed, StateError
from ..proxy import ProxyBase, ProxyStatistics
from ..proxy.sides import Sides
from .operations import DONTWAIT, IN, OUT
from .requests import SharedRequests

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitedProxy", "LoopRunner"]

_BURST = 100
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02  # seconds, between looks at a process
_HINT = "a proxy has this socket until it is stopped"

_try_recv: Any = core.Socket._try_recv_multipart
_send: Any = core.Socket.send_multipart
_look: Any = core.Socket._poll_events


def _end(context: Any) -> None:
    """End a context; its sockets may linger, and the loop goes on meanwhile."""
    start(lambda: core.Context.term(context), "zmqlite term")


class LoopRunner:
    """Runs a proxy in tasks. An event loop adds how its tasks are made, cancelled and woken."""

    new_wakeup: ClassVar[Any]  # makes what wakes a task

    def __init__(self, sides: Sides, new_context: Callable[[], Any]) -> None:
        self.sides = sides
        self._new_context = new_context  # whose sockets are of this loop
        self.error: BaseException | None = None
        self.endpoints: tuple[tuple[str, ...], ...] = ()
        self._paused = self._ends = self._terminated = self._over = False
        # messages and bytes of each direction
        self._received, self._sent = [[0, 0], [0, 0]], [[0, 0], [0, 0]]
        self._cancels: list[Callable[[], object]] = []
        self._going: set[int] = set()  # the directions that have not ended
        self._wakeups: list[Any] = []

    def spawn(self, run: Callable[[], Any], over: Callable[..., object]) -> Callable[[], object]:
        """Run a coroutine function in a task of its own; return what cancels it.

        Where a task that is cancelled before its first step runs nothing, `over` is called.
        """
        raise NotImplementedError

    def start(self) -> None:
        """Begin; the sockets are the proxy's from now on."""
        for side in self.sides.given:
            if isinstance(side, core.Socket) and not isinstance(side, SharedRequests):
                raise TypeError(f"this proxy takes sockets of its event loop, not {side!r}")
        self.sides.open(self._new_context, _end)
        self.endpoints = self.sides.endpoints
        frontend, backend, capture = self.sides.all
        both = [(frontend, backend, 0), (backend, frontend, 1)]
        ways = [
            (source, target, place)
            for source, target, place in both
            if source._type_number not in core.SEND_ONLY
            and target._type_number not in core.RECEIVE_ONLY
        ] or both
        for socket in self._sockets():
            if socket._receives() or socket._is_reserved:
                hint = "a task receives or waits for an answer on it, or another proxy has it"
                self.sides.close(False)
                raise StateError.during("Proxy", socket._subject(), hint)
        for socket in self._sockets():
            socket._keep_out("proxy", _HINT)
        self._going = {place for _, _, place in ways}
        for source, target, place in ways:

            async def run(source: Any = source, target: Any = target, place: int = place) -> None:
                await self._run(source, target, capture, place)

            self._cancels.append(self.spawn(run, partial(self.ended, place)))

    def _sockets(self) -> list[Any]:
        return list({id(one): one for one in self.sides.all if one is not None}.values())

    async def _run(self, source: Any, target: Any, capture: Any, place: int) -> None:
        try:
            while True:
                await self._move(source, target, capture, place)
        except (ContextTerminated, SocketClosed) as error:
            self._ends = True
            self._terminated = isinstance(error, ContextTerminated)
        except Exception as error:
            self.error = self.error or error
        finally:
            self.ended(place)

    def ended(self, place: int, *_: object) -> None:
        """A direction has ended: so does the other, and with the last one the proxy."""
        if place not in self._going:
            return
        self._going.remove(place)
        if self._going and self._terminated:
            self._paused = False  # the other one meets it by itself
            self._wake()
        elif self._going:
            self.order("terminate")
        elif not self._over:
            for socket in self._sockets():
                socket._let_in()
            try:
                self.sides.close(self._ends)
            except Exception as error:
                self.error = error
            self._over = True
            self._wake()

    async def _move(self, source: Any, target: Any, capture: Any, place: int) -> None:
        """Wait until there is something to move, and room for it; then move some of it."""
        await source._ready(IN, -1)
        while self._paused:
            await self._wait(-1)
        await target._ready(OUT, -1)
        if capture is not None:
            await capture._ready(OUT, -1)
        for _ in range(_BURST):
            room = _look(target, OUT, 0) and (capture is None or _look(capture, OUT, 0))
            parts = _try_recv(source, 0, False) if room and not self._is_paused() else None
            if parts is None:
                break
            if capture is not None:
                await self._give(capture, parts)
            given, size = await self._give(target, parts), sum(map(len, parts))
            for counts in (self._received, self._sent)[: 1 + given]:
                counts[place][0] += 1
                counts[place][1] += size
        for socket in self._sockets():  # news of which others wait may have been heard here
            socket._used()

    def _is_paused(self) -> bool:
        return self._paused

    async def _give(self, target: Any, parts: list[Any]) -> bool:
        """Send it, and return whether it had a receiver.

        There was room; but a ROUTER that insists may find none for this peer.
        """
        while True:
            try:
                _send(target, parts, DONTWAIT)
                return True
            except HostUnreachable:
                return False
            except Again:
                await self._wait(1)

    async def _wait(self, timeout: int) -> bool:
        """Wait until something changes, at most so many ms."""
        wakeup = self.new_wakeup()
        self._wakeups.append(wakeup)
        try:
            return bool(await wakeup.wait(timeout))
        finally:
            self._wakeups.remove(wakeup)

    def _wake(self) -> None:
        for wakeup in self._wakeups:
            wakeup.set()

    async def join(self, seconds: float | None) -> bool:
        """Wait until it is over; return whether it is."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self._over:
            left = -1 if end is None else max(int((end - time.monotonic()) * 1000 + 0.999), 0)
            if left == 0:
                return False
            await self._wait(left)
        return True

    def wait(self, seconds: float | None) -> bool:
        """Return whether it is over."""
        return self._over

    def order(self, order: str) -> None:
        """Pause, resume or terminate; nothing if it is over."""
        if order == "terminate":
            while self._cancels:  # each once: the end takes its time
                self._cancels[-1]()
                self._cancels.pop()  # not before: Ctrl-C may come in between
            return
        self._paused = order == "pause"
        self._wake()

    def statistics(self) -> ProxyStatistics:
        """Return what was moved."""
        received, sent = self._received, self._sent
        return ProxyStatistics(*received[0], *sent[1], *received[1], *sent[0])


class WaitingProxy(ProxyBase):
    """The waits of a proxy where they are awaited, or only suspend."""

    _sleep: Any  # seconds; may be awaited

    async def _join(self, seconds: float | None) -> bool:
        runner = self._runner
        if isinstance(runner, LoopRunner):
            return await runner.join(seconds)
        end = None if seconds is None else time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while not runner.wait(0):
            if end is not None and time.monotonic() >= end:
                return False
            await self._pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        return True

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def _wait(self, timeout: float | None) -> bool:
        self._need_start("wait")
        limit = core.time_limit("wait", timeout)
        over = await self._join(None if limit < 0 else limit / 1000)
        if over:
            self._tell()
        return over

    async def _stop(self) -> None:
        if self._state == "started":
            self._runner.order("terminate")
            await self._join(None)
            self._tell()


class AwaitedProxy(WaitingProxy):
    """Moves messages between two sockets in tasks of the loop; see `zmqlite.Proxy` for all else.

    `wait` and `stop` are coroutines, and it is entered by ``async with``. The sockets are of this
    loop. What else uses them meanwhile raises `StateError`.
    """

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until it ends by itself; see `zmqlite.Proxy.wait`."""
        return await self._wait(timeout)

    async def stop(self) -> None:
        """End it, and wait until it has ended; see `zmqlite.Proxy.stop`."""
        await self._stop()

    async def __aenter__(self) -> Self:
        return self if self._state == "started" else self.start()

    async def __aexit__(self, kind: Any, *exc: object) -> None:
        self._told = self._told or kind is not None
        await self._stop()
