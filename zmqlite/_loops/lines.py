"""The lines of tasks that wait on one socket, for loops whose tasks are suspended in the middle of
a call.

The promise: a cancelled receive took no message, a cancelled send did not happen. It rests on one
rule: a task performs its own operation, in the very step in which it wakes up, and leaves without
another pause. To be called means only that a try is worth it. Whoever looks at EVENTS calls those
whom they concern: the first of a line, or all where order means nothing.

No loop is known here: what suspends a task and wakes it is added by those who inherit.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import ref

from .._native import core
from ..error import Again, ZMQError
from .operations import NOTHING
from .readiness import IN, OUT, Readiness

__all__ = ["Line", "Lines", "Pace", "Waiter", "attempted"]

_ROUTING = (6, 11, 12, 19)  # ROUTER, STREAM, SERVER, PEER: one peer may be full and another not
_RETRIES = 3
_QUIET = 0.0003  # seconds; see Lines.refused


def attempted(operation: Callable[[], Any]) -> Any:
    """Try an operation; return its value, or NOTHING if it cannot be done now."""
    try:
        return operation()
    except Again:
        return NOTHING


class Pace:
    """How much of one pass of a loop its sockets may use, together, before other tasks run.

    Operations that can be done at once do not suspend their task; a flooded socket would keep the
    loop to itself. Tasks that were made to rest share the next pass: each has its part of what is
    left when it goes on, so that together they stay within the limit.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object], quiet: int = 8) -> None:
        self.turn = core.Turn(call_soon, quiet)
        self.seconds = self.turn.seconds
        self.count = self.turn.count
        self._resting = 0
        self._due = 0  # of those who rest, how many go on in this pass
        self._seconds_left = self.seconds
        self._count_left = self.count

    def restart(self) -> None:
        """A new pass begins."""
        self._due = self._resting
        self._seconds_left, self._count_left = self.seconds, self.count
        self._share(self._due + 1)  # somebody else may come before those who rested

    def pause(self) -> None:
        """Somebody rests until the next pass."""
        self._resting += 1

    def resume(self) -> None:
        """One of those who rested goes on, with the operation for which he had to wait."""
        self._resting -= 1
        self._seconds_left = max(self._seconds_left - self.turn.spent, 0)
        self._count_left = max(self._count_left - self.turn.used, 0)
        self._share(max(self._due, 1))
        self._due = max(self._due - 1, 0)
        self.turn.take()

    def _share(self, parts: int) -> None:
        self.turn.reset()
        self.turn.seconds = self._seconds_left / parts
        self.turn.count = self._count_left // parts

    def set(self, seconds: float | None, count: int | None) -> None:
        """Change the limits; None leaves one as it is."""
        if seconds is not None:
            self.seconds = seconds
        if count is not None:
            self.count = max(count, 0)
        self.restart()


class Waiter:
    """A task in a line."""

    __slots__ = ("called", "continues", "mask", "pressed")

    def __init__(self, mask: int) -> None:
        self.mask = mask
        self.continues = False  # what he sends belongs to a message that was half sent already
        self.called = False  # a try is worth it
        self.pressed = False  # ... even if others are before him: the socket has ended


class Line:
    """Who waits for one direction of a socket. In order, unless all may try at once."""

    def __init__(self, mask: int, ordered: bool) -> None:
        self.mask = mask
        self.ordered = ordered
        self.queue: deque[Any] = deque()

    @property
    def free(self) -> bool:
        """Whether a newcomer may try at once."""
        return not self.queue or not self.ordered

    def concerned(self, ready: int) -> list[Any]:
        """Return those who should try when the directions `ready` are."""
        if not self.queue:
            return []
        if self.ordered:
            return [self.queue[0]] if self.mask & ready else []
        if self.mask == OUT:  # it says that some peer has room, and nothing of one that has gone
            return list(self.queue)
        return [waiter for waiter in self.queue if waiter.mask & ready]

    def may_try(self, waiter: Waiter) -> bool:
        """Whether it is his turn."""
        return not self.ordered or self.queue[0] is waiter or waiter.pressed


class Lines:
    """Who waits on one socket in one loop."""

    _fd = -1
    _signal: core.ReadyFD | None = None

    def __init__(self, socket: core.Socket) -> None:
        self._socket = ref(socket)
        self.readiness = Readiness()
        self.receivers = Line(IN, ordered=True)
        self.senders = Line(OUT, ordered=socket.type_number not in _ROUTING)
        self.pollers = Line(IN | OUT, ordered=False)
        self.idle = True
        """Whether nobody waits."""
        self.lines = (self.receivers, self.senders, self.pollers)
        self._told = 0.0

    # -- operations ------------------------------------------------------------------------------

    def attempt(self, line: Line, operation: Callable[[], Any], mask: int) -> Any:
        """Try the operation of a newcomer; return its value, or NOTHING."""
        value = attempted(operation)
        if value is NOTHING:
            return self.refused(line, operation, mask)
        self.used()
        return value

    def refused(self, line: Line, operation: Callable[[], Any], mask: int) -> Any:
        """Go on after a refusal: it may have taken news from others, so EVENTS are read for them.

        If EVENTS have heard more than the refusal, try again. Some say so without end: a ROUTER is
        always writable, though one of its peers is not. Then the last try settles it, which is a
        send, and a send that follows another within a millisecond hears no news.
        """
        for _ in range(_RETRIES):
            if not self.readiness.used():
                return NOTHING
            events = self.look(line)
            if line is self.senders and not line.ordered:
                self._tell_senders()
            if not events & mask:
                return NOTHING
            value = attempted(operation)
            if value is not NOTHING:
                self.used()
                return value
        return NOTHING

    def _tell_senders(self) -> None:
        """Others whose peers were full try again too, but not round and round."""
        now = time.monotonic()
        if now - self._told > _QUIET:
            self._told = now
            for waiter in self.senders.queue:
                self.call(waiter)

    # -- waiting ---------------------------------------------------------------------------------

    def may_try(self, line: Line, waiter: Waiter) -> bool:
        """Whether it is his turn. Where senders do not wait in order, a message does not begin in
        the middle of another task's that is sent part by part: it would become a part of that."""
        if line.ordered:
            return line.may_try(waiter)
        return line is not self.senders or waiter.continues or not self._half_sent()

    def _half_sent(self) -> bool:
        socket = self._socket()
        return socket is not None and socket.half_sent

    def join(self, line: Line, waiter: Waiter, tried: bool) -> None:
        """Stand in line. `tried` says that the operation was just refused: as good as a look."""
        line.queue.append(waiter)
        waiter.continues = not line.ordered and line is self.senders and self._half_sent()
        self.idle = False
        if self.readiness.begin(waiter.mask):
            if tried:
                self.readiness.forget()
            else:
                self.look()

    def leave(self, line: Line, waiter: Waiter) -> None:
        """Leave the line, served or not: others may be served now."""
        line.queue.remove(waiter)
        self.idle = not any(line.queue for line in self.lines)
        if self.readiness.end(waiter.mask):
            self.look()

    def used(self) -> None:
        """The socket was used, which may have taken news from those who wait: look for them."""
        if self.readiness.used():
            self.look()

    def look(self, refused: Line | None = None) -> int:
        """Read EVENTS, call whom they concern, and return all; `refused` has just tried itself."""
        try:
            events = self._events()
        except ZMQError:
            self.readiness.forget()
            self.press()
            return 0
        ready = self.readiness.look(events)
        for line in self.lines:
            if line is not refused or line is self.pollers:
                for waiter in line.concerned(ready):
                    self.call(waiter)
        return events

    def _events(self) -> int:
        socket = self._socket()
        if socket is None:
            return 0
        if self._signal is not None:
            return self._signal.events()
        return core.Socket.poll_events(socket, IN | OUT, 0)

    def press(self) -> None:
        """Call everybody, out of turn: each meets the end of the socket in his own try."""
        for line in self.lines:
            for waiter in line.queue:
                waiter.pressed = True
                self.call(waiter)

    def call(self, waiter: Any) -> None:
        """Tell a waiter that a try is worth it."""
        if not waiter.called:
            waiter.called = True
            self._wake(waiter)

    def _wake(self, waiter: Any) -> None:
        raise NotImplementedError

    # -- the descriptor --------------------------------------------------------------------------

    def descriptor(self) -> int:
        """Return what speaks when the socket may be ready; our own, so that it outlives the
        socket's.

        A descriptor that is closed while a loop watches it wakes nobody. Whoever closes the socket
        without us (the core's `Context.destroy`, another thread) is heard through the copy.
        """
        socket = self._socket()
        if self._fd < 0 and socket is not None:
            if socket.thread_safe:
                self._signal = core.ReadyFD(socket)
                self._fd = self._signal.fileno()
            elif os.name == "nt":  # a handle, which os.dup does not know
                self._fd = socket.get_option(14, 6)
            else:
                self._fd = core.duplicate(socket.get_option(14, 6))
        return self._fd

    def release(self) -> None:
        """Give the descriptor back."""
        fd, self._fd = self._fd, -1
        signal, self._signal = self._signal, None
        if signal is not None:
            socket = self._socket()
            if socket is not None and not socket.closed:
                signal.close()
        elif fd >= 0 and os.name != "nt":
            os.close(fd)

    def __del__(self) -> None:
        self.release()

    def end(self) -> None:
        """The socket closes or leaves the loop: call all who wait, give the descriptor back.

        From any thread; the tasks are called in their own loop.
        """
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Whether the loop has ended."""
        raise NotImplementedError
