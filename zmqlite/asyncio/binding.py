"""What ties one socket to one asyncio loop: what waits for it, and in which order it is
served.

Why no message gets lost on the way: `operation`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any
from weakref import ReferenceType

from .._loops.binding import LATER, Binding, dispatch_again, make_budget
from .._native import core
from ..error import ZMQError
from . import selector_thread as _selector_thread
from .operation import Operation

__all__ = ["LoopBinding", "budget_of"]

_PATIENCE = 1.0  # seconds that another thread waits for a loop to let go of a socket

_KINDS = (
    asyncio.Future,
    (asyncio.Task, getattr(asyncio.tasks, "_PyTask", asyncio.Task)),
    asyncio.CancelledError,
    asyncio.InvalidStateError,
)

budget_of: Callable[[asyncio.AbstractEventLoop], core.FairnessBudget]
budget_of = partial(make_budget, attrgetter("call_soon"), 8)


def _renamed(error: ZMQError, operation: str) -> ZMQError:
    """Return an error of its own for an operation that ends by what another one met."""
    if not error.operation:  # the text says it all
        return error
    return type(error).during(operation, error.subject, error.hint, errno=error.errno)


class LoopBinding(Binding):
    """One socket in one loop: its descriptor in the loop's selector, and who waits."""

    _reader: _selector_thread.Reader | None = None

    def __init__(self, socket: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(socket, loop, budget_of(loop), loop, _KINDS)
        queues = self.receivers, self.senders, self.pollers
        self.fast_path = core.FastPath(asyncio._get_running_loop, socket._operation, *queues)

    def watch(self) -> bool:
        """Have the loop call `dispatch` when the descriptor speaks, until the end or an error.

        Returns whether news that came before may not be heard of, so that EVENTS must be read.
        """
        if self._reader is not None:
            return False
        socket = self.socket
        if socket is None:
            return False
        signal, fd = socket._ready_source()
        reader = _selector_thread.reader_of(self.loop)
        # first: who closes the socket amid this is to take it out
        self.signal, self._fd, self._reader = signal, fd, reader
        tell = self.loop_handle.on_readable
        try:
            # one expression, so that nothing closes it in between: uvloop ends the process when
            # what it begins to watch is being closed
            gone = socket.closed or reader.add_reader(fd, tell)
        except BaseException:
            self.signal = self._reader = None
            raise
        if gone or socket.closed:
            self._reader = reader
            self.unwatch()
            return False
        self.loop_handle.watching = True
        return signal is not None  # which has not heard what came before it was made

    def unwatch(self) -> None:
        """Have the loop watch the descriptor no more."""
        self.loop_handle.watching = False
        reader, self._reader = self._reader, None
        if reader is not None and not self.loop.is_closed():
            reader.remove_reader(self._fd)
        self.signal = None

    def on_error(self, error: ZMQError) -> None:
        """EVENTS cannot be read any more: a terminated socket's descriptor never falls silent."""
        self.unwatch()
        sides = ("recv", self.receivers), ("send", self.senders), ("poll", self.pollers)
        for name, queue in sides:
            for operation in queue.all():
                operation.fail(_renamed(error, name))

    def used_elsewhere(self) -> None:
        """The socket was used while the loop does not run here: have it look."""
        with suppress(RuntimeError):  # it is closed
            self.loop.call_soon_threadsafe(self.loop_handle.used)

    def _after_a_while(self, me: ReferenceType[Any]) -> None:
        self.loop.call_later(LATER, dispatch_again, me)

    def operations(self) -> list[Operation]:
        """Return all that wait."""
        return self.receivers.all() + self.senders.all() + self.pollers.all()

    def close_later(self, close: Callable[[], object]) -> bool:
        """For finalizers, which must not wait: if to end would, have the loop call `close`."""
        elsewhere = self.loop.is_running() and asyncio._get_running_loop() is not self.loop
        if self._reader is None or not (elsewhere or self._reader is not self.loop):
            return False
        try:
            self.loop.call_soon_threadsafe(close)
        except RuntimeError:  # it is closed
            return False
        return True

    def end(self) -> None:
        """Leave the loop; what waits is cancelled. From any thread."""
        if not self.loop.is_running() or asyncio._get_running_loop() is self.loop:
            self._end()
            return
        done = threading.Event()

        def end() -> None:
            self._end()
            done.set()

        try:
            self.loop.call_soon_threadsafe(end)
        except RuntimeError:  # it was closed in this moment
            self._end()
        else:
            done.wait(_PATIENCE)  # the loop may wait for this very thread

    def _end(self) -> None:
        self.unwatch()
        if not self.loop.is_closed():
            for operation in self.operations():
                operation.close()
