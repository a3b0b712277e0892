"""What runs a proxy in a thread.

Ctrl-C may come between any two steps of the thread that calls. So each question to the proxy has a
number, which its answer has as well. And the end of the thread is a flag, with a lock beside it to
sleep on: an Event, whose lock is taken in Python, may stay locked for good, and `Thread.join` that
is interrupted takes the thread for dead, up to Python 3.12.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count
from typing import Any

from .._native import core
from .._threads import real, start
from ..context import Context
from ..enums import SocketType
from ..error import Again, ContextTerminated, StateError, ZMQError
from ..socket import Socket
from .sides import STEP, Sides
from .steering import NOTHING_MOVED, ProxyStatistics, Steering, counted

__all__ = ["ThreadRunner"]

_names = count(1)
_WAKE_AFTER = 0.5  # seconds


class ThreadRunner:
    """Runs a proxy in a thread, with the loop of `proxy`."""

    def __init__(self, sides: Sides, new_context: Callable[[], Any] = Context) -> None:
        self.sides = sides
        self._new_context = new_context
        self.error: BaseException | None = None
        self.endpoints: tuple[tuple[str, ...], ...] = ()
        self._lock: Any = real("RLock")()  # entered again by a signal handler that stops it
        self._entering = real("allocate_lock")()
        self._entered = self._abandoned = False
        self._pid = 0
        self._numbers, self._answer = count(1), (0, NOTHING_MOVED)
        self._left = False  # the loop has ended, and answers no more
        self._totals: list[int] = []
        self._steering: Any = None
        self._over, self._sleep = False, real("allocate_lock")()  # taken until it is over

    def start(self) -> None:
        """Begin, and come back when the sockets are the proxy's."""
        self._pid = os.getpid()
        self.sides.open(self._new_context)
        self.endpoints = self.sides.endpoints
        frontend, backend, _ = self.sides.all
        with ExitStack() as unless_it_runs:
            unless_it_runs.callback(self.sides.close, False)
            make: Any = Socket
            near, far = (
                unless_it_runs.enter_context(make(frontend.context, SocketType.PAIR))
                for _ in range(2)
            )
            near.linger = far.linger = 0
            near.connect(far.bind(f"inproc://zmqlite.proxy-{next(_names)}-{id(self):x}"))
            self._steering = Steering(near)
            name = f"proxy of {frontend._subject()} and {backend._subject()}"
            self._sleep.acquire()
            unless_it_runs.callback(self._abandon)
            start(lambda: self._run(far), name)
            self.statistics()  # it answers when it is inside
            unless_it_runs.pop_all()
        if self._left and self.error is not None:
            self._wait_for_end(None)
            raise self.error

    def _abandon(self) -> None:
        """Ctrl-C, say, came in the middle: what runs has the sockets until it has ended."""
        with self._entering:
            self._abandoned = True
        if self._entered:
            self.order("terminate")
            self._wait_for_end(None)

    def _run(self, far: Any) -> None:
        with self._entering:
            if self._abandoned:
                return
            self._entered = True
        ends = False
        try:
            frontend, backend, capture = self.sides.all
            core._own_proxy(frontend, backend, capture, far, self._totals)
        except ContextTerminated:
            ends = True
        except BaseException as error:
            self.error = error
        self._left = True
        try:
            # The near end first: a call that holds the lock may still send, since `far` is there.
            for close in (self._close_near, far.close, lambda: self.sides.close(ends)):
                try:
                    close()
                except BaseException as error:
                    self.error = self.error or error
        finally:
            self._over = True
            self._sleep.release()

    def _close_near(self) -> None:
        with self._lock:
            self._steering.control.close()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over; return whether it is. In the child of a fork it is.

        A signal handler in the middle of another call cannot wait: it would be for itself.
        """
        if self._pid != os.getpid():
            return True
        return self._wait_for_end(0 if self._lock._is_owned() else seconds)

    def _wait_for_end(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        while not self._over:
            left = _WAKE_AFTER if end is None else min(end - time.monotonic(), _WAKE_AFTER)
            if left <= 0:
                break
            if self._sleep.acquire(timeout=left):  # Ctrl-C here leaves it taken: hence the steps
                self._sleep.release()
        return self._over

    def order(self, order: str) -> None:
        """Pause, resume or terminate; nothing if it is over."""
        self._call(getattr(self._steering, order), order == "pause")

    def statistics(self) -> ProxyStatistics:
        """Return what was moved."""
        found = self._call(None, True)
        if found is not None:
            return found
        self.wait(None)
        return ProxyStatistics(*self._totals) if self._totals else NOTHING_MOVED

    def _call(self, order: Any, asks: bool) -> ProxyStatistics | None:
        """Give an order, and ask for the statistics, whose answer says that it was obeyed.

        Returns None if it is over.
        """
        if self._pid != os.getpid():
            return None
        with suppress(ZMQError), self._lock:
            if order is not None:
                order()
            return self._ask() if asks else None
        return None

    def _ask(self) -> ProxyStatistics:
        """Ask, and return the answer to this question, or to a later one of a signal handler."""
        control = self._steering.control
        control.rcvtimeo = int(STEP * 1000)
        number = next(self._numbers)
        control.send(b"STATISTICS %d" % number)
        while self._answer[0] < number:
            with suppress(Again):
                *numbers, answered = control.recv_multipart()
                if int(answered) > self._answer[0]:  # else that call was interrupted
                    self._answer = int(answered), counted(numbers)
                continue
            if self._left:
                raise StateError("the proxy is over")
        return self._answer[1]
