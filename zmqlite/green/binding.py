"""What ties one socket to one gevent hub: how its greenlets wait.

The hub watches the descriptor only while somebody waits, so a program in which nothing can happen
any more is still told so (gevent's LoopExit).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary, ref

import gevent
from gevent.event import Event

from .._loops.lines import Line, Lines, Pace, Waiter, attempted
from .._loops.operations import NOTHING
from .._native import core

__all__ = ["Link", "Sleeper", "pace_of_hub"]


class GreenPace(Pace):
    """The pace of one hub."""

    def __init__(self, hub: Any) -> None:
        home, pace = ref(hub), ref(self)  # neither lives on for a callback

        def soon(_: object) -> None:
            alive, mine = home(), pace()
            if alive is not None and mine is not None:
                alive.loop.run_callback(mine.restart)

        super().__init__(soon, quiet=0)

    def rest(self) -> None:
        """Let everybody else run."""
        self.pause()
        try:
            gevent.sleep(0)
        finally:
            self.resume()


_paces: WeakKeyDictionary[Any, GreenPace] = WeakKeyDictionary()


def pace_of_hub(hub: Any) -> GreenPace:
    """Return the pace of a hub, made at the first use."""
    pace = _paces.get(hub)
    if pace is None:
        pace = _paces[hub] = GreenPace(hub)
    return pace


class Sleeper(Waiter):
    """A greenlet in one or more lines."""

    __slots__ = ("_event",)

    def __init__(self, mask: int, event: Any = None) -> None:
        super().__init__(mask)
        self._event = Event() if event is None else event

    def wake(self) -> None:
        """Called: go on."""
        self._event.set()

    def sleep(self, deadline: float | None) -> bool:
        """Wait until called, at most until `deadline`; return whether it was."""
        left = None if deadline is None else max(deadline - time.monotonic(), 0)
        if not self.called and not self._event.wait(left):
            return False
        self._event.clear()
        self.called = False
        return True


class Link(Lines):
    """One socket in one hub."""

    def __init__(self, socket: core.Socket, hub: Any) -> None:
        super().__init__(socket)
        self.home = hub
        self.pace = pace_of_hub(hub)
        self.turn = self.pace.turn
        self._watcher: Any = None

    def wait(
        self,
        line: Line,
        operation: Callable[[], Any],
        mask: int,
        tried: bool,
        deadline: float | None,
    ) -> Any:
        """Stand in line until the operation is done; NOTHING when `deadline` comes first."""
        waiter = Sleeper(mask)
        self.join(line, waiter, tried)
        try:
            while waiter.sleep(deadline):
                if self.may_try(line, waiter):
                    value = attempted(operation)
                    if value is NOTHING:
                        value = self.refused(line, operation, mask)
                    if value is not NOTHING:
                        return value
            return NOTHING
        finally:
            self.leave(line, waiter)

    def join(self, line: Line, waiter: Waiter, tried: bool) -> None:
        """Stand in line, and have the hub watch."""
        super().join(line, waiter, tried)
        if self._watcher is None:
            self._watcher = self.home.loop.io(self.descriptor(), 1)
            self._watcher.start(self.look)

    def leave(self, line: Line, waiter: Waiter) -> None:
        """Leave the line; the last one stops the watch."""
        super().leave(line, waiter)
        if self.idle:
            self._stop()

    def _stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def _wake(self, waiter: Sleeper) -> None:
        waiter.wake()

    def end(self) -> None:
        """The socket closes or leaves the hub: call all who wait, give the descriptor back."""
        if self.idle or gevent.get_hub() is self.home:
            self.press()
            self._stop()
            self.release()
        elif not self.over:
            with suppress(Exception):  # the hub may end in this moment
                self.home.loop.run_callback_threadsafe(self.end)

    @property
    def over(self) -> bool:
        """Whether the hub has ended."""
        return self.home.dead or self.home.loop is None
