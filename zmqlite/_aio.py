"""What ties one socket to one asyncio loop: who waits for it, and in which order they are served.

Why no message gets lost on the way: `_aio_operation`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from . import _selector_thread
from ._aio_operation import Grip, Operation
from ._attempts import NOTHING
from ._native import core
from ._readiness import IN, OUT
from .error import ZMQError

__all__ = ["Link", "PollSide", "SendSide", "Side", "turn_of"]

_LATER = 0.05  # seconds; see SendSide.refused
_PATIENCE = 1.0  # seconds that another thread waits for a loop to let go of a socket

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


class Side:
    """The operations that wait for one direction of a socket, served in order.

    A receive that its owner has dropped disappears and takes no message with it. Sends stay.
    """

    def __init__(self, link: Link, name: str, mask: int, stays: bool) -> None:
        self.grip = link.grip
        self.stays = stays
        self.queue: deque[ReferenceType[Operation]] = deque()
        self._lane = link.lane
        self._turn = link.turn
        self._name = name
        self._mask = mask

    def join(self, operation: Operation, tried: bool) -> None:
        """Wait in line. `tried` says that the socket has just refused it."""
        if self.stays:
            self.grip.kept.add(operation)
        self.queue.append(ref(operation, self._dropped))
        setattr(self._lane, self._name, len(self.queue))  # tell the quick way how many wait here
        if self.grip.readiness.begin(self._mask):
            if tried:  # the refusal was as good as a look
                self.grip.readiness.forget()
            else:
                self.grip.soon()

    def leave(self, operation: Operation) -> None:
        """The operation is over; let the next one have a look."""
        self.grip.kept.discard(operation)
        for place, entry in enumerate(self.queue):
            if entry() is operation:
                del self.queue[place]
                self._left()
                return

    def _dropped(self, entry: ReferenceType[Operation]) -> None:
        if entry in self.queue:
            self.queue.remove(entry)
            self._left()

    def _left(self) -> None:
        setattr(self._lane, self._name, len(self.queue))
        if self.grip.readiness.end(self._mask):
            self.grip.soon()

    def serve(self, events: int, at_once: bool) -> None:
        """Perform what nobody awaits, wake the first one that somebody does."""
        if not events & self._mask:
            return
        while self.queue and self._serve_first(at_once):
            pass

    def _serve_first(self, at_once: bool) -> bool:
        """Return whether the next one may be served too."""
        operation = self.queue[0]()
        try:
            if operation is None or operation.done():
                self.queue.popleft()
                self._left()
                return True
            if operation.awaited:
                operation.wake(at_once)
                return False
            if not self._turn.take():
                self.grip.used()
                return False
            begin = monotonic()
            done = operation.perform()
            self._turn.weigh(monotonic() - begin)
            return done
        finally:
            del operation  # the traceback of a conversion's error leads to this frame

    def refused(self, operation: Operation) -> Any:
        """An attempt got NOTHING although the socket seemed ready. Return what a last one gets.

        EVENTS tells the truth about receiving: the next look will do.
        """
        self.grip.used()
        return NOTHING

    def all(self) -> list[Operation]:
        """Return what waits."""
        return [operation for entry in self.queue if (operation := entry()) is not None]


class SendSide(Side):
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
        if value is NOTHING and not operation.done() and self._again is None:
            me: ReferenceType[SendSide] = ref(self)
            self._again = self.grip.loop.call_later(_LATER, _look_again, me)
        return value

    def look_again(self) -> None:
        """Have the later look."""
        self._again = None
        self.grip.used()


def _look_again(side: ReferenceType[SendSide]) -> None:
    target = side()
    if target is not None:
        target.look_again()


class PollSide(Side):
    """Operations that look and take nothing: each look serves all, whoever awaits them."""

    def serve(self, events: int, at_once: bool) -> None:
        """End those whose events hold."""
        for operation in self.all():
            if events & operation.wants:
                operation.finish(events & operation.wants)


class Link:
    """One socket in one loop: its descriptor in the loop's selector, and who waits."""

    def __init__(self, socket: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = ref(socket)
        self.loop = loop
        self.turn = turn_of(loop)
        self.grip = Grip(self, loop)
        self.lane = core.QuickLane(
            self.turn, loop, asyncio._get_running_loop, asyncio.Future, self.grip.used
        )
        self.receivers = Side(self, "receivers", IN, stays=False)
        self.senders = SendSide(self, "senders", OUT, stays=True)
        self.pollers = PollSide(self, "pollers", IN | OUT, stays=False)
        self._reader: _selector_thread.Reader | None = None
        self._signal: Any = None
        self._fd = -1

    @property
    def waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self.receivers.queue or self.senders.queue or self.pollers.queue)

    def watch(self) -> None:
        """Have the loop call `look` when the descriptor speaks, until the end or an error."""
        if self._reader is not None:
            return
        socket = self._socket()
        if socket is None:
            return
        self._signal, self._fd = socket._ready_source()
        self._reader = _selector_thread.reader_of(self.loop)
        self._reader.add_reader(self._fd, self.grip.look)
        if self._signal is not None:  # it has not heard what came before it was made
            self.grip.used()

    def _unwatch(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not self.loop.is_closed():
            reader.remove_reader(self._fd)
        self._signal = None

    def look(self, without: int = 0, at_once: bool = False) -> int:
        """Read EVENTS and wake whom they concern, but not who waits for `without` alone.

        `at_once` is for a callback of the loop, while no task runs: who is woken runs within it.
        """
        socket = self._socket()
        if socket is None or socket.closed:
            self.grip.readiness.forget()
            return 0
        try:
            events = int(socket._read_events(self._signal))
        except ZMQError as error:
            self.grip.readiness.forget()
            self._unwatch()  # a terminated socket's descriptor never falls silent
            for operation in self.operations():
                operation.fail(error)
            return 0
        del socket  # a task that runs at once may drop it
        self.grip.readiness.look(events)
        # Those who only look come first: tasks that run at once may change what holds, and what
        # they begin to wait for has not been seen yet.
        if self.pollers.queue:
            self.pollers.serve(events, at_once)
        if self.receivers.queue:
            self.receivers.serve(events & ~without, at_once)
        if self.senders.queue:
            self.senders.serve(events & ~without, at_once)
        return events

    def operations(self) -> list[Operation]:
        """Return all that wait."""
        return self.receivers.all() + self.senders.all() + self.pollers.all()

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
