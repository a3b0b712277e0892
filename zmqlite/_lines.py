"""What ties one socket to one trio run: the lines of tasks that wait, and who watches the descriptor.

The promise: a cancelled receive took no message, a cancelled send did not happen. It rests on one rule:
a task performs its own operation, in the very step in which it wakes up, and leaves without another
checkpoint. To be called means only that a try is worth it.

A descriptor has room for one task. So the first task that has to wait watches it, and the others are
parked; whoever looks at EVENTS calls those whom they concern, the watcher as well. A watcher that leaves
calls somebody, who takes his place if he cannot be served. Hence, while anybody waits, somebody watches
or somebody is called and not yet back.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

import trio
from trio.lowlevel import Abort, TrioToken, current_task, enable_ki_protection

from ._native import core
from ._readiness import IN, OUT, Readiness
from .error import Again, ZMQError

if TYPE_CHECKING:
    from .socket import Socket

__all__ = ["NOTHING", "Line", "Link", "Pace", "pace_of_run"]

NOTHING: Any = object()
"""What an attempt returns when the socket cannot do it now."""

_ROUTING = (6, 11, 12, 19)  # ROUTER, STREAM, SERVER, PEER: one peer may be full and another not
_RETRIES = 3
_QUIET = 0.0003  # seconds; see Link._refused


class Pace(trio.abc.Instrument):
    """How much of one pass of a trio run its sockets may use, together, before other tasks run.

    Operations that can be done at once do not suspend their task; a flooded socket would keep the run to
    itself. Tasks that were made to rest share the time of the next pass.
    """

    def __init__(self) -> None:
        self.seconds = 0.002
        self.turn = core.Turn(_nothing)
        self._resting = 0

    def before_io_wait(self, timeout: float) -> None:
        """A pass is over."""
        self._restart(max(self._resting, 1))

    @enable_ki_protection
    async def rest(self) -> None:
        """Let everybody else run: a checkpoint in full."""
        self._resting += 1
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self._restart(self._resting)
            self._resting -= 1

    def _restart(self, sharers: int) -> None:
        self.turn.seconds = self.seconds / sharers
        self.turn.reset()


def _nothing(_: object) -> None:
    """The turn's wish to be reset at the end of a pass: the instrument knows when that is."""


def _try(operation: Callable[[], Any]) -> Any:
    try:
        return operation()
    except Again:
        return NOTHING


_pace: trio.lowlevel.RunVar[Pace] = trio.lowlevel.RunVar("zmqlite pace")


def pace_of_run() -> Pace:
    """Return the pace of the current run, made at the first use."""
    try:
        return _pace.get()
    except LookupError:
        pace = Pace()
        trio.lowlevel.add_instrument(pace)
        _pace.set(pace)
        return pace


class Waiter:
    """A task in a line."""

    __slots__ = ("called", "mask", "parked", "pressed", "task")

    def __init__(self, mask: int) -> None:
        self.task = current_task()
        self.mask = mask
        self.called = False  # a try is worth it
        self.pressed = False  # ... even if others are before him: the socket has ended
        self.parked = False  # suspended, and nobody but us will wake him


class Line:
    """Who waits for one direction of a socket. In order, unless all may try at once."""

    def __init__(self, mask: int, ordered: bool) -> None:
        self.mask = mask
        self.ordered = ordered
        self.queue: deque[Waiter] = deque()

    def concerned(self, ready: int) -> list[Waiter]:
        """Return those who should try when the directions `ready` are."""
        if not self.queue:
            return []
        if self.ordered:
            return [self.queue[0]] if self.mask & ready else []
        return [waiter for waiter in self.queue if waiter.mask & ready]

    def may_try(self, waiter: Waiter) -> bool:
        """Whether it is his turn."""
        return not self.ordered or self.queue[0] is waiter or waiter.pressed

    @property
    def free(self) -> bool:
        """Whether a newcomer may try at once."""
        return not self.queue or not self.ordered


class Link:
    """One socket in one trio run."""

    def __init__(self, socket: Socket[Any], token: TrioToken) -> None:
        self._socket = ref(socket)
        self.token = token
        self.pace = pace_of_run()
        self.turn = self.pace.turn
        self.readiness = Readiness()
        self.receivers = Line(IN, ordered=True)
        self.senders = Line(OUT, ordered=socket.type_number not in _ROUTING)
        self.pollers = Line(IN | OUT, ordered=False)
        self.idle = True
        """Whether nobody waits."""
        self._lines = (self.receivers, self.senders, self.pollers)
        self._watcher: Waiter | None = None
        self._fd = -1
        self._signal: core.ReadySignal | None = None
        self._told = 0.0

    # -- operations ------------------------------------------------------------------------------

    def attempt(self, line: Line, operation: Callable[[], Any], mask: int) -> Any:
        """Try the operation of a newcomer; return its value, or NOTHING."""
        value = _try(operation)
        if value is NOTHING:
            return self._refused(line, operation, mask)
        if self.readiness.used():
            self.look()
        return value

    def _refused(self, line: Line, operation: Callable[[], Any], mask: int) -> Any:
        """Go on after a refusal: it may have taken news from others, so EVENTS are read for them.

        If EVENTS have heard more than the refusal, try again. Some say so without end: a ROUTER is
        always writable, though one of its peers is not. Then the last try settles it, which is a
        send, and a send that follows another within a millisecond hears no news.
        """
        for _ in range(_RETRIES):
            if not self.readiness.used():
                return NOTHING
            ready = self.look(line)
            if not line.ordered and line is self.senders:
                self._tell_senders()
            if not ready & mask:
                return NOTHING
            value = _try(operation)
            if value is not NOTHING:
                if self.readiness.used():
                    self.look()
                return value
        return NOTHING

    def _tell_senders(self) -> None:
        """Others whose peers were full try again too, but not round and round."""
        now = trio.current_time()
        if now - self._told > _QUIET:
            self._told = now
            for waiter in self.senders.queue:
                self._call(waiter)

    @enable_ki_protection
    async def wait(self, line: Line, operation: Callable[[], Any], mask: int, tried: bool) -> Any:
        """Stand in line until the operation is done. `tried` says that it was just refused."""
        waiter = Waiter(mask)
        line.queue.append(waiter)
        self.idle = False
        if self.readiness.begin(mask):
            if tried:  # as good as a look
                self.readiness.forget()
            else:
                self.look()
        try:
            while True:
                await self._called(waiter)
                if line.may_try(waiter):
                    value = _try(operation)
                    if value is NOTHING:
                        value = self._refused(line, operation, mask)
                    if value is not NOTHING:
                        return value
        finally:
            line.queue.remove(waiter)
            self._left(mask)

    def _left(self, mask: int) -> None:
        """Somebody left his line: others may be served now, and one of them must watch."""
        self.idle = not any(line.queue for line in self._lines)
        if self.readiness.end(mask):
            self.look()
        if self._watcher is None and not self.idle:
            waiters = [waiter for line in self._lines for waiter in line.queue]
            if not any(waiter.called for waiter in waiters):
                self._call(waiters[0])

    # -- waiting ---------------------------------------------------------------------------------

    async def _called(self, waiter: Waiter) -> None:
        """Suspend a task until it is called."""
        while not waiter.called:
            if self._watcher is None:
                await self._watch(waiter)
            else:
                await self._park(waiter)
        waiter.called = False

    async def _watch(self, waiter: Waiter) -> None:
        self._watcher = waiter
        try:
            await trio.lowlevel.wait_readable(self._descriptor())
        except trio.ClosedResourceError:
            return  # he was called, or the socket closes
        finally:
            self._watcher = None
        self.look()

    async def _park(self, waiter: Waiter) -> None:
        def cancelled(_: object) -> Abort:
            waiter.parked = False
            return Abort.SUCCEEDED

        waiter.parked = True
        await trio.lowlevel.wait_task_rescheduled(cancelled)

    def _call(self, waiter: Waiter) -> None:
        if waiter.called:
            return
        waiter.called = True
        if waiter is self._watcher:
            trio.lowlevel.notify_closing(self._fd)  # trio's way to wake who watches a descriptor
        elif waiter.parked:
            waiter.parked = False
            trio.lowlevel.reschedule(waiter.task)

    def look(self, refused: Line | None = None) -> int:
        """Read EVENTS, call whom they concern, and return them. The line `refused` has just tried."""
        socket = self._socket()
        events = 0
        try:
            if socket is not None:
                events = self._events(socket)
        except ZMQError:
            self.readiness.forget()
            self.press()
            return 0
        ready = self.readiness.look(events)
        for line in self._lines:
            if line is not refused or line is self.pollers:
                for waiter in line.concerned(ready):
                    self._call(waiter)
        return ready

    def press(self) -> None:
        """Call everybody, out of turn: each meets the end of the socket in his own try."""
        for line in self._lines:
            for waiter in line.queue:
                waiter.pressed = True
                self._call(waiter)

    # -- the descriptor --------------------------------------------------------------------------

    def _events(self, socket: core.Socket) -> int:
        if self._signal is not None:
            return self._signal.events()
        return core.Socket.poll_events(socket, IN | OUT, 0)

    def _descriptor(self) -> int:
        """What speaks when the socket may be ready; our own, so that it outlives the socket's.

        A descriptor that is closed while a task watches it never wakes that task. Whoever closes the
        socket without us (`Context.destroy`, another thread) is heard through the copy.
        """
        socket = self._socket()
        if self._fd < 0 and socket is not None:
            if socket.thread_safe:
                self._signal = core.ReadySignal(socket)
                self._fd = self._signal.fileno()
            elif os.name == "nt":  # a handle, which os.dup does not know
                self._fd = socket.fd
            else:
                self._fd = os.dup(socket.fd)
        return self._fd

    def end(self) -> None:
        """The socket closes or leaves the run: call all who wait, give the descriptor back.

        From any thread; the tasks are called in their own run.
        """
        if self.idle:
            self._release()
            return
        try:
            here = trio.lowlevel.current_trio_token() is self.token
        except RuntimeError:
            here = False
        if here:
            self.press()
            self._release()
        else:
            with suppress(trio.RunFinishedError):
                self.token.run_sync_soon(self.end)

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        try:
            self.token.run_sync_soon(bool)
        except trio.RunFinishedError:
            return True
        return False

    def _release(self) -> None:
        fd, self._fd = self._fd, -1
        signal, self._signal = self._signal, None
        if fd < 0:
            return
        with suppress(RuntimeError):  # no run: nobody there to tell
            trio.lowlevel.notify_closing(fd)
        if signal is not None:
            socket = self._socket()
            if socket is not None and not socket.closed:
                signal.close()
        elif os.name != "nt":
            os.close(fd)

    def __del__(self) -> None:
        if self._fd >= 0 and self._signal is None and os.name != "nt":
            os.close(self._fd)
