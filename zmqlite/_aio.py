"""What ties one socket to one asyncio loop: operations that wait, and the order they are served in.

The promise: cancelling a receive never loses a message, and a cancelled send did not happen. It rests on
one rule: whoever awaits an operation performs it himself, in the very step in which he wakes up.
The loop only tells him that it is worth a try (`Link.look`), so between taking a message and having it
there is no moment at which he could be cancelled. An operation that nobody awaits but that has callbacks
or is kept by its owner (wait, gather, wait_for before Python 3.12) is performed by the link.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from . import _selector_thread
from ._native import core
from ._readiness import IN, OUT, Readiness
from .error import Again, ContextTerminated, SocketClosed, ZMQError

if TYPE_CHECKING:
    _Future = asyncio.Future[Any]
else:
    _Future = asyncio.Future

__all__ = ["NOTHING", "Link", "Operation", "turn_of"]

NOTHING: Any = object()
"""What an attempt returns when the socket cannot do it now."""


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


class Operation(_Future):
    """A send, receive or poll that has to wait. A real Future; see the head of this file."""

    def __init__(
        self,
        side: Side,
        attempt: Callable[[], Any],
        *,
        ends: bool = False,
    ) -> None:
        super().__init__(loop=side.link.loop)
        self._side = side
        self._attempt = attempt
        self._ends = ends  # an iteration: the end of the socket is the end of it, no error
        self._awaited = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        if self.done():
            return self.result()
        if self._awaited:  # a second one waits as for any other future
            return (yield from super().__await__())
        self._awaited = True
        try:
            while not self.done():
                self._waiter = self.get_loop().create_future()
                yield from self._waiter
                if not self.done():
                    self.perform()
        except BaseException:
            if not self.done():
                self.cancel()
            raise
        finally:
            self._awaited = False
            self._waiter = None
        return self.result()

    __iter__ = __await__

    def perform(self) -> bool:
        """Try it now; return whether it is over, well or badly."""
        try:
            value = self._attempt()
        except Again:
            return False
        except BaseException as error:
            self.fail(error)
            if not isinstance(error, Exception):
                raise
            return True
        if value is NOTHING:
            self._side.link.used()  # the try may have silenced what others wait for
            return False
        self.set_result(value)
        self._over()
        return True

    def wake(self) -> None:
        """Tell the one who awaits that it is worth a try."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel. A cancelled send was not sent; a cancelled receive took no message."""
        if not super().cancel(msg):
            return False
        self._over()
        return True

    def fail(self, error: BaseException) -> None:
        """End with an exception."""
        if self.done():
            return
        if self._ends and isinstance(error, (ContextTerminated, SocketClosed)):
            error = StopAsyncIteration()
        self.set_exception(error)
        self._over()

    def close(self) -> None:
        """The socket was closed: end."""
        if self._ends:
            self.fail(StopAsyncIteration())
        else:
            self.cancel()

    def expire_after(self, seconds: float, text: str) -> None:
        """End with Again unless it is over before."""
        self._timer = self.get_loop().call_later(seconds, self._expire, text)

    def _expire(self, text: str) -> None:
        self.fail(Again(msg=text))

    def _over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.wake()
        self._side.leave(self)

    def add_done_callback(self, fn: Callable[[Any], object], **context: Any) -> None:
        """As of any Future. From now on the operation lives until it is over."""
        super().add_done_callback(fn, **context)
        if not self.done():
            self._side.kept.add(self)


class Side:
    """The operations that wait for one direction of a socket, served in order.

    A receive that its owner has dropped disappears and takes no message with it. Sends stay.
    """

    def __init__(self, link: Link, name: str, mask: int, weak: bool) -> None:
        self.link = link
        self.mask = mask
        self._name = name
        self.kept: set[Operation] = set()
        self.queue: deque[ReferenceType[Operation]] = deque()
        self._weak = weak

    def join(self, operation: Operation, tried: bool) -> None:
        """Wait in line. `tried` says that the socket has just refused it."""
        if not self._weak:
            self.kept.add(operation)
        self.queue.append(ref(operation, self._dropped))
        self._count()
        due = self.link.readiness.begin(self.mask)
        if due:
            if tried:  # the refusal was as good as a look
                self.link.readiness.forget()
            else:
                self.link.soon()
        self.link.watch()

    def leave(self, operation: Operation) -> None:
        """The operation is over; let the next one have a look."""
        self.kept.discard(operation)
        for place, entry in enumerate(self.queue):
            if entry() is operation:
                del self.queue[place]
                self._left()
                return

    def _dropped(self, entry: ReferenceType[Operation]) -> None:
        if entry in self.queue:
            self.queue.remove(entry)
            self._left()

    def _count(self) -> None:
        """Tell the quick way how many wait here."""
        setattr(self.link.lane, self._name, len(self.queue))

    def _left(self) -> None:
        self._count()
        if self.link.readiness.end(self.mask):
            self.link.soon()

    def serve(self) -> None:
        """The socket is ready: perform what nobody awaits, wake the first one that somebody does."""
        while self.queue:
            operation = self.queue[0]()
            if operation is None or operation.done():
                self.queue.popleft()
                self._left()
                continue
            if operation._awaited:
                operation.wake()
                return
            if not self.link.turn.take():
                self.link.used()
                return
            if not operation.perform():
                return

    def all(self) -> list[Operation]:
        """Return what waits."""
        return [operation for entry in self.queue if (operation := entry()) is not None]


class PollSide(Side):
    """Operations that look and take nothing: all are tried at each look, whoever awaits them."""

    def serve(self) -> None:
        for operation in self.all():
            if not operation.done():
                operation.perform()


class Link:
    """One socket in one loop: its descriptor in the loop's selector, and who waits."""

    def __init__(self, socket: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._socket = ref(socket)
        self.loop = loop
        self.turn = turn_of(loop)
        self.readiness = Readiness()
        self.lane = core.QuickLane(
            self.turn, loop, asyncio._get_running_loop, asyncio.Future, _weakly(self)
        )
        self.receivers = Side(self, "receivers", IN, weak=True)
        self.senders = Side(self, "senders", OUT, weak=False)
        self.pollers = PollSide(self, "pollers", IN | OUT, weak=True)
        self._fd = -1
        self._watched: Any = None

    @property
    def waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self.receivers.queue or self.senders.queue or self.pollers.queue)

    def watch(self) -> None:
        """Have the loop call `look` when the descriptor speaks. Once for the life of the link."""
        if self._fd >= 0:
            return
        socket = self._socket()
        if socket is None:
            return
        self._watched, self._fd = socket._ready_source()
        reader = _selector_thread.reader_of(self.loop)
        reader.add_reader(self._fd, _look, ref(self))

    def used(self) -> None:
        """The socket was used: if somebody waits, have a look soon."""
        if self.readiness.used():
            self.soon()

    def soon(self) -> None:
        """Look in the next pass of the loop."""
        self.loop.call_soon(_look, ref(self))

    def look(self) -> None:
        """Read EVENTS and wake whom they concern."""
        socket = self._socket()
        if socket is None or socket.closed:
            return
        try:
            events = socket._read_events(self._watched)
        except ZMQError as error:
            self.readiness.forget()
            for operation in self.operations():
                operation.fail(error)
            return
        wake = self.readiness.look(events)
        if wake & IN:
            self.receivers.serve()
        if wake & OUT:
            self.senders.serve()
        if self.pollers.queue:
            self.pollers.serve()

    def operations(self) -> list[Operation]:
        """Return all that wait."""
        return self.receivers.all() + self.senders.all() + self.pollers.all()

    def end(self) -> None:
        """Leave the loop; what waits is cancelled."""
        if self._fd >= 0:
            if not self.loop.is_closed():
                _selector_thread.reader_of(self.loop).remove_reader(self._fd)
            self._fd = -1
            self._watched = None
        if not self.loop.is_closed():
            for operation in self.operations():
                operation.close()


def _weakly(link: Link) -> Callable[[], None]:
    target = ref(link)

    def used() -> None:
        alive = target()
        if alive is not None:
            alive.used()

    return used


def _look(link: ReferenceType[Link]) -> None:
    """The loop holds links weakly: a dropped socket must not live on in a selector."""
    target = link()
    if target is not None:
        target.look()
