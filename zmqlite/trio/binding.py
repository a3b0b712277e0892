"""What ties one socket to one trio run: how its tasks wait, and who watches the descriptor.

A descriptor has room for one task. So the first task that has to wait watches it, and the others
are parked. A watcher that leaves calls somebody, who takes his place if he cannot be served.
Hence, while anybody waits, somebody watches, or somebody is called and not yet back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import trio
from trio.lowlevel import Abort, TrioToken, current_task, enable_ki_protection

from .._loops.lines import Line, Lines, Pace, Waiter, attempted
from .._loops.operations import NOTHING
from .._native import core

__all__ = ["Link", "TrioPace", "pace_of_run"]


class TrioPace(Pace, trio.abc.Instrument):
    """The pace of one trio run, which tells it when a pass is over."""

    def __init__(self) -> None:
        super().__init__(_ignore, quiet=0)

    def before_io_wait(self, timeout: float) -> None:
        """A pass is over."""
        if self.turn.used:
            self.turn.end()
        self.restart()

    @enable_ki_protection
    async def rest(self) -> None:
        """Let everybody else run: a checkpoint in full."""
        self.pause()
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self.resume()


def _ignore(_: object) -> None:
    """The turn's wish to be reset at the end of a pass: the instrument does it."""


_pace: trio.lowlevel.RunVar[TrioPace] = trio.lowlevel.RunVar("zmqlite pace")


def pace_of_run() -> TrioPace:
    """Return the pace of the current run, made at the first use."""
    try:
        return _pace.get()
    except LookupError:
        pace = TrioPace()
        trio.lowlevel.add_instrument(pace)
        _pace.set(pace)
        return pace


class _Task(Waiter):
    """A trio task in a line."""

    __slots__ = ("parked", "task")

    def __init__(self, mask: int) -> None:
        super().__init__(mask)
        self.task = current_task()
        self.parked = False  # suspended, and nobody but us will wake him


class Link(Lines):
    """One socket in one trio run."""

    def __init__(self, socket: core.Socket, token: TrioToken) -> None:
        super().__init__(socket)
        self.home = token
        self.pace = pace_of_run()
        self.turn = self.pace.turn
        self._watcher: _Task | None = None

    @enable_ki_protection
    async def wait(self, line: Line, operation: Callable[[], Any], mask: int, tried: bool) -> Any:
        """Stand in line until the operation is done. `tried` says that it was just refused."""
        waiter = _Task(mask)
        self.join(line, waiter, tried)
        try:
            while True:
                await self._called(waiter)
                if self.may_try(line, waiter):
                    value = attempted(operation)
                    if value is NOTHING:
                        value = self.refused(line, operation, mask)
                    if value is not NOTHING:
                        return value
        finally:
            self.leave(line, waiter)

    def leave(self, line: Line, waiter: Waiter) -> None:
        """Leave the line: others may be served now, and one of them must watch."""
        super().leave(line, waiter)
        if self._watcher is None and not self.idle:
            waiters = [waiter for line in self.lines for waiter in line.queue]
            if not any(waiter.called for waiter in waiters):
                self.call(waiters[0])

    async def _called(self, waiter: _Task) -> None:
        """Suspend a task until it is called."""
        while not waiter.called:
            if self._watcher is None:
                await self._watch(waiter)
            else:
                await self._park(waiter)
        waiter.called = False

    async def _watch(self, waiter: _Task) -> None:
        self._watcher = waiter
        try:
            await trio.lowlevel.wait_readable(self.descriptor())
        except trio.ClosedResourceError:
            return  # he was called, or the socket closes
        finally:
            self._watcher = None
        self.look()

    async def _park(self, waiter: _Task) -> None:
        def cancelled(_: object) -> Abort:
            waiter.parked = False
            return Abort.SUCCEEDED

        waiter.parked = True
        await trio.lowlevel.wait_task_rescheduled(cancelled)

    def _wake(self, waiter: _Task) -> None:
        if waiter is self._watcher:
            trio.lowlevel.notify_closing(self._fd)  # trio's way to wake who watches a descriptor
        elif waiter.parked:
            waiter.parked = False
            trio.lowlevel.reschedule(waiter.task)

    def end(self) -> None:
        """The socket closes or leaves the run: call all who wait, give the descriptor back."""
        try:
            here = trio.lowlevel.current_trio_token() is self.home
        except RuntimeError:
            here = False
        if here or self.idle:
            self.press()
            self.release()
        else:
            with suppress(trio.RunFinishedError):
                self.home.run_sync_soon(self.end)

    def release(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            with suppress(RuntimeError):  # no run: nobody there to tell
                trio.lowlevel.notify_closing(self._fd)
        super().release()

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        try:
            self.home.run_sync_soon(bool)
        except trio.RunFinishedError:
            return True
        return False
