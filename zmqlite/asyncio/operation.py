"""An operation of an asyncio socket that has to wait.

The promise: cancelling a receive never loses a message, and a cancelled send did not happen. It
rests on one rule: the task that awaits an operation performs it by itself, in the very step in
which it wakes up. The loop only tells it that it is worth a try (`Dispatcher.dispatch`), so
between taking a message and having it there is no moment at which it could be cancelled. An
operation that no task awaits, but that has callbacks or is kept by its owner (wait, gather,
wait_for before Python 3.12), is performed by the binding.

What happens between the arrival of a message and its reader's next step is compiled:
`_native/loop/wait_queue.pxi` and `_native/loop/awaiting.pxi`.
"""

from __future__ import annotations

import asyncio
from asyncio import InvalidStateError
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from .._loops.operations import IN, strip_internal_traceback
from .._native import core
from ..error import Again, ContextTerminated, SocketClosed

if TYPE_CHECKING:
    _Future = asyncio.Future[Any]
else:
    _Future = asyncio.Future

__all__ = ["Operation"]


class Operation(_Future):
    """A send, receive or poll that has to wait. A real Future; see the head of this file.

    `core.WaitQueue.operation` makes them.
    """

    __slots__ = ("_waiter",)

    _waiter: core.OperationWaiter
    """What it does, and where it waits."""

    if TYPE_CHECKING:

        def __await__(self) -> Generator[Any, None, Any]: ...

    else:
        __await__ = core.awaiting
        set_result = core.set_result
        set_exception = core.set_exception

    __iter__ = __await__

    def __repr__(self) -> str:
        """As of any Future; one that nobody awaits says that it should be."""
        text: str = super().__repr__()
        if self.done() or self._waiter.awaited or self._callbacks:
            return text
        return text.replace(" pending", " pending, await it for its result", 1)

    if not TYPE_CHECKING:

        def __dir__(self) -> list[str]:
            return [name for name in super().__dir__() if name not in _RESULTS]

        def __getitem__(self, key: object) -> Any:
            raise TypeError(_forgotten("is not subscriptable"))

    @property
    def events(self) -> int:
        """Of a poll: the events."""
        return self._waiter.events

    def perform(self) -> bool:
        """Try it now; return whether it is over, well or badly."""
        try:
            return self._waiter.perform(self)
        finally:
            del self  # the traceback of a conversion's error leads to this frame

    def cancel(self, msg: Any = None) -> bool:
        """Cancel. A cancelled send was not sent; a cancelled receive took no message."""
        if not super().cancel(msg):
            return False
        self._waiter.end(self)
        return True

    def fail(self, error: BaseException) -> None:
        """End with an exception."""
        if self.done():
            return
        if self._waiter.is_iteration and isinstance(error, (ContextTerminated, SocketClosed)):
            error = StopAsyncIteration()
        error = strip_internal_traceback(error)
        with suppress(InvalidStateError):  # a finalizer or a signal handler has ended it meanwhile
            self.set_exception(error)

    def close(self) -> None:
        """The socket was closed: end."""
        if self._waiter.is_iteration:
            self.fail(StopAsyncIteration())
        else:
            self.cancel()

    def expire(self, socket: core.Socket | None, limit: float, tried: bool = True) -> None:
        """Its time limit is over: a poll has found nothing, all else fails, tried at least once.

        There is no ``socket`` if it went in this moment.
        """
        waiter = self._waiter
        if isinstance(waiter.queue, core.PollQueue):
            waiter.finish(self, 0)
            return
        if not tried and not waiter.queue.waiters:
            self.perform()
        name = "recv" if waiter.queue.events == IN else "send"
        self.fail(Again() if socket is None else socket._not_now(name, int(limit)))

    def expire_after(
        self, socket: core.Socket | None, limit: float, seconds: float | None = None
    ) -> None:
        """Expire after ``limit`` ms, or after the ``seconds`` that are left of them, unless it is
        over before. The timer keeps nothing alive."""
        me: ReferenceType[Operation] = ref(self)
        whose = None if socket is None else ref(socket)
        delay = limit / 1000 if seconds is None else seconds
        self._waiter.timer = self.get_loop().call_later(delay, _expire, me, whose, limit)

    def add_done_callback(self, fn: Callable[[Any], object], **context: Any) -> None:
        """As of any Future. From now on the operation lives until it is over."""
        super().add_done_callback(fn, **context)
        if not self.done():
            self._waiter.queue.loop_handle.pending.add(self)

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """As of any Future. With no callback left, it lives as long as its owner keeps it."""
        count = super().remove_done_callback(fn)
        waiter = self._waiter
        if not waiter.awaited and not self._callbacks and not waiter.queue.keep_unawaited:
            waiter.queue.loop_handle.pending.discard(self)
        return count


# A forgotten await: what programs ask of a result is asked of the operation. Attributes that only
# say so, since a `__getattr__` would make the use of every other one slower.
_RESULTS = frozenset(
    name
    for kind in (bytes, str, list, dict, int, core.Frame)
    for name in dir(kind)
    if not name.startswith("_") and not hasattr(Operation, name)
)


def _forgotten(lacks: str) -> str:
    return f"'Operation' object {lacks}: await it first, it is the future of a result"


class _OfResult:
    """An attribute that the result has, and the operation has not."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, operation: Operation | None, owner: type) -> Any:
        raise AttributeError(_forgotten(f"has no attribute {self.name!r}"))


for _name in _RESULTS:
    setattr(Operation, _name, _OfResult(_name))


def _expire(
    operation: ReferenceType[Operation], socket: ReferenceType[core.Socket] | None, limit: float
) -> None:
    target = operation()
    if target is not None and not target.done():
        target.expire(None if socket is None else socket(), limit)
