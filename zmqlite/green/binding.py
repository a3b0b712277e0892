"""What ties one socket to one gevent hub: how its greenlets wait.

The hub watches the descriptor only while a greenlet waits, so a program in which nothing can
happen any more is still told so (gevent's LoopExit).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any
from weakref import ReferenceType

import gevent
from gevent._hub_local import get_hub_if_exists
from gevent.event import Event

from .._loops.binding import LATER, TaskBinding, dispatch_again, make_budget
from .._loops.operations import WOULD_BLOCK
from .._native import core
from ..error import SocketClosed

__all__ = ["LoopBinding", "Sleeper", "budget_of_hub", "wait_for"]

budget_of_hub: Callable[[Any], core.FairnessBudget]
budget_of_hub = partial(make_budget, attrgetter("loop.run_callback"), 0)


def wait_for(event: Event, deadline: float | None) -> bool:
    """Wait for an event, at most until `deadline`; return whether it came."""
    left = None if deadline is None else max(deadline - time.monotonic(), 0)
    return bool(event.wait(left))


class Sleeper(core.TaskWaiter):
    """A greenlet that waits: in one queue or, with an event that they share, in several."""

    __slots__ = ("event",)

    def __init__(
        self, queue: core.WaitQueue, operation: Any, events: int = 0, event: Event | None = None
    ) -> None:
        super().__init__(queue, operation, events)
        self.event = Event() if event is None else event

    def wake(self, at_once: bool) -> int:
        """Have the greenlet go on."""
        self.event.set()
        return 0

    def sleep(self, deadline: float | None) -> bool:
        """Wait until called, at most until `deadline`; return whether it was."""
        if not self.called and not wait_for(self.event, deadline):
            return False
        self.event.clear()
        return True


class LoopBinding(TaskBinding):
    """One socket in one hub."""

    _starts = False  # the watch is being made
    _ended = False

    def __init__(self, socket: core.Socket, hub: Any) -> None:
        super().__init__(socket, hub, budget_of_hub(hub))
        self._watcher: Any = None

    def rest(self) -> None:
        """Let everything else run."""
        self.budget.pause()
        try:
            gevent.sleep(0)
        finally:
            self.budget.resume()

    def wait(self, waiter: Sleeper, tried: bool, deadline: float | None) -> Any:
        """Wait until the operation is done; WOULD_BLOCK when `deadline` comes first."""
        self.begin_wait(waiter, tried)
        try:
            while waiter.sleep(deadline):
                value = waiter.next_try()
                if value is not WOULD_BLOCK:
                    return value
            return WOULD_BLOCK
        finally:
            self.end_wait(waiter)

    def begin_wait(self, waiter: Sleeper, tried: bool) -> None:
        """Stand in a queue, and have the hub watch."""
        if self._watcher is None:  # first: without a free descriptor nothing stands in the queue
            self._watch()
        waiter.begin_wait(tried)
        if self._ended:  # amid this, by a finalizer or a signal handler
            self._stop()
            waiter.end()

    def _watch(self) -> None:
        self._starts = True
        try:
            watcher = self.loop.loop.io(self.descriptor(), 1)
            watcher.start(self.dispatch)
            self._watcher = watcher
        except SocketClosed:
            self._ended = True
        finally:
            self._starts = False
        if self._ended:
            self._stop()
            self.release()

    def end_wait(self, waiter: Sleeper) -> None:
        """Leave the queue; the last one stops the watch."""
        waiter.end_wait()
        if self.idle:
            self._stop()

    def _stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def used_elsewhere(self) -> None:
        """The socket was used in another thread: have the hub look."""
        self._call_threadsafe(self.used)

    def _call_threadsafe(self, call: Callable[[], object]) -> None:
        if not self.over:
            with suppress(Exception):  # the hub may end in this moment
                self.loop.loop.run_callback_threadsafe(call)

    def _after_a_while(self, me: ReferenceType[Any]) -> None:
        timer = self.loop.loop.timer(LATER)
        timer.start(_dispatch_again, me, timer)

    def end(self) -> None:
        """The socket closes or leaves the hub: call all that wait, give the descriptor back."""
        if self.idle or get_hub_if_exists() is self.loop:
            self._ended = True
            self.end_all()
            self._stop()
            if not self._starts:  # libev ends the process when what it is to watch is closed
                self.release()
        else:
            self._call_threadsafe(self.end)

    @property
    def over(self) -> bool:
        """Whether the hub has ended."""
        return self.loop.dead or self.loop.loop is None


def _dispatch_again(binding: ReferenceType[Any], timer: Any) -> None:
    timer.close()
    dispatch_again(binding)
