"""What ties one socket to one asyncio loop: who waits for it, and in which order they are served.

Why no message gets lost on the way: `_aio_operation`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from .._loops.operations import NOTHING
from .._loops.readiness import IN, OUT
from .._native import core
from ..error import ZMQError
from . import selector_thread as _selector_thread
from .operation import Operation

__all__ = ["Link", "PollSide", "SendSide", "turn_of"]

_LATER = 0.05  # seconds; see SendSide.refused
_PATIENCE = 1.0  # seconds that another thread waits for a loop to let go of a socket

_KINDS = (
    asyncio.Future,
    (asyncio.Task, getattr(asyncio.tasks, "_PyTask", asyncio.Task)),
    asyncio.CancelledError,
    asyncio.InvalidStateError,
)

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, core.Turn] = WeakKeyDictionary()


def turn_of(loop: asyncio.AbstractEventLoop) -> core.Turn:
    """Return the turn of a loop, made at the first use."""
    turn = _turns.get(loop)
    if turn is None:
        turn = _turns[loop] = core.Turn(_caller(loop))
    return turn


def _caller(loop: asyncio.AbstractEventLoop) -> Callable[..., object]:
    """Return the loop's call_soon without holding the loop: its turn must not keep it alive."""
    target = ref(loop)

    def call_soon(callback: Callable[[], object]) -> None:
        alive = target()
        if alive is not None:
            alive.call_soon(callback)

    return call_soon


class SendSide(core.Side):
    """The senders."""

    _again: asyncio.TimerHandle | None = None

    def refused(self, operation: Operation) -> Any:
        """EVENTS may promise what no send can keep: a ROUTER with ROUTER_MANDATORY is always
        "ready", though the one peer may be full; SERVER and XPUB_NODROP too. Looking again and
        again would turn the loop into a busy one. So: read EVENTS, which hears everything, and
        try once more. If that is refused too, whatever helps will make the descriptor speak. (The
        last try may have heard, a microsecond after EVENTS, what others wait for: so have a look
        later in any case.)
        """
        link = self.grip.link()
        if link is None or not link.look(without=OUT) & OUT or operation.done():
            return NOTHING
        value = operation.attempt()
        if value is NOTHING and not operation.done():
            self.look_later()
        return value

    def look_later(self) -> None:
        """Have a look in a while."""
        if self._again is None:
            me: ReferenceType[SendSide] = ref(self)
            self._again = self.grip.loop.call_later(_LATER, _look_again, me)

    def look_again(self) -> None:
        """Have the later look."""
        self._again = None
        self.grip.used()


def _renamed(error: ZMQError, operation: str) -> ZMQError:
    """Return an error of its own for an operation that ends by what another one met."""
    if not error.operation:  # the text says it all
        return error
    return type(error).during(operation, error.subject, error.hint, errno=error.errno)


def _look_again(side: ReferenceType[SendSide]) -> None:
    target = side()
    if target is not None:
        target.look_again()


class PollSide(core.Side):
    """Operations that look and take nothing: each look serves all, whoever awaits them."""

    def serve(self, events: int, at_once: bool) -> int:
        """End those whose events hold."""
        for operation in self.all():
            if events & operation.wants:
                operation.finish(events & operation.wants)
        return 0


class Link(core.Looker):
    """One socket in one loop: its descriptor in the loop's selector, and who waits."""

    _reader: _selector_thread.Reader | None = None
    _fd = -1

    def __init__(
        self,
        socket: Any,
        loop: asyncio.AbstractEventLoop,
        senders_for: Callable[..., SendSide],
    ) -> None:
        self.loop = loop
        self.turn = turn = turn_of(loop)
        grip = core.Grip(self, loop, _KINDS)
        receivers = core.Side(grip, turn, IN)
        senders = senders_for(socket, grip, turn, OUT, True)
        pollers = PollSide(grip, turn, IN | OUT)
        super().__init__(socket, receivers, senders, pollers)
        self.lane = core.QuickLane(
            turn, asyncio._get_running_loop, socket._operation, receivers, senders, pollers
        )

    def watch(self) -> None:
        """Have the loop call `look` when the descriptor speaks, until the end or an error."""
        if self._reader is not None:
            return
        socket = self.socket
        if socket is None:
            return
        self.signal, self._fd = socket._ready_source()
        self._reader = _selector_thread.reader_of(self.loop)
        self._reader.add_reader(self._fd, self.grip.heard)
        self.grip.watching = True
        if self.signal is not None:  # it has not heard what came before it was made
            self.grip.used()

    def _unwatch(self) -> None:
        self.grip.watching = False
        reader, self._reader = self._reader, None
        if reader is not None and not self.loop.is_closed():
            reader.remove_reader(self._fd)
        self.signal = None

    def broken(self, error: ZMQError) -> None:
        """EVENTS cannot be read any more: a terminated socket's descriptor never falls silent."""
        self._unwatch()
        sides = ("recv", self.receivers), ("send", self.senders), ("poll", self.pollers)
        for name, side in sides:
            for operation in side.all():
                operation.fail(_renamed(error, name))

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
        self._unwatch()
        if not self.loop.is_closed():
            for operation in self.operations():
                operation.close()
