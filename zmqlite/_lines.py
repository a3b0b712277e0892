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

    # -- operations ------------------------------------------------------------------------------

    def attempt(self, operation: Callable[[], Any], mask: int) -> Any:
        """Try an operation of the direction `mask`; return its value, or NOTHING.

        The try may have taken news from those who wait, so EVENTS are read for them; and if these
        say that the refusal is out of date, it is tried again. They may say so without end (a ROUTER
        is always writable, one of its peers is not): then the descriptor speaks when that changes.
        """
        for _ in range(_RETRIES):
            try:
                value = operation()
            except Again:
                value = NOTHING
            if not self.readiness.used():
                return value
            ready = self.look(0 if value is not NOTHING else mask)
            if value is not NOTHING or not ready & mask:
                return value
        return NOTHING

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
                    waiter.pressed = False
                    value = self.attempt(operation, mask)
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
            first = [line.queue[0] for line in self._lines if line.queue]
            if not any(waiter.called for line in self._lines for waiter in line.queue):
                self._call(first[0])

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

    def look(self, refused: int = 0) -> int:
        """Read EVENTS, call whom they concern and return them; not who was `refused` just now."""
        socket = self._socket()
        try:
            if socket is None or socket.closed:
                raise ZMQError
            events = self._events(socket)
        except ZMQError:
            self.readiness.forget()
            self.press()
            return 0
        ready = self.readiness.look(events)
        for line in self._lines:
            for waiter in line.concerned(ready & ~refused if line.ordered else ready):
                if waiter.task is not current_task() or not refused:
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
