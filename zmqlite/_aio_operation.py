"""An operation of an asyncio socket that has to wait, and how its loop holds on to it.
 The promise: cancelling a receive never loses a message, and a cancelled send did not happen. It
rests on one rule: whoever awaits an operation performs it himself, in the very step in which he
wakes up. The loop only tells him that it is worth a try (`Link.look`), so between taking a
message and having it there is no moment at which he could be cancelled. An operation that nobody
awaits, but that has callbacks or is kept by its owner (wait, gather, wait_for before Python
3.12), is performed by the link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ReferenceType, ref

from ._attempts import MORE, NOTHING, without_us
from ._readiness import Readiness
from .error import Again, ContextTerminated, SocketClosed

if TYPE_CHECKING:
    _Future = asyncio.Future[Any]
else:
    _Future = asyncio.Future

__all__ = ["Grip", "Line", "Looker", "Operation"]


class Bell(_Future):
    """What a task waits for that awaits an operation: the loop rings it, and the task goes on.

    A Future tells its task in the next pass of the loop, which costs a system call and as much
    again around it. A bell that is rung by a callback of the loop runs the task there and then.
    """

    _task: tuple[Callable[[Any], object], Any] | None = None

    def add_done_callback(self, fn: Callable[[Any], object], *, context: Any = None) -> None:
        """The first one to ask is the task that waits."""
        if self._task is None and context is not None and not self.done():
            self._task = fn, context
        else:
            super().add_done_callback(fn, context=context)

    def ring(self, at_once: bool) -> None:
        """Have the task go on: here and now, or in the next pass."""
        if not self.done():
            self.set_result(None)
            self._tell(at_once)

    def cancel(self, msg: Any = None) -> bool:
        """Have the task go on with CancelledError, in the next pass."""
        if not super().cancel(msg):
            return False
        self._tell(False)
        return True

    def _tell(self, at_once: bool) -> None:
        if self._task is None:
            return
        step, context = self._task
        self._task = None
        try:
            if at_once:
                try:
                    context.run(step, self)
                except RuntimeError:  # another task runs, and waits in us for this callback
                    at_once = False
            if not at_once:
                self.get_loop().call_soon(step, self, context=context)
        finally:
            del step, context  # the traceback of the task's exception may lead to this frame


class Looker(Protocol):
    """What can read EVENTS: a link."""

    def look(self, without: int = 0, at_once: bool = False) -> int: ...


class Line(Protocol):
    """Where an operation waits: the side of a link."""

    grip: Grip
    stays: bool

    def leave(self, operation: Operation) -> None: ...
    def refused(self, operation: Operation) -> Any: ...


class Operation(_Future):
    """A send, receive or poll that has to wait. A real Future; see the head of this file."""

    def __init__(
        self, side: Line, attempt: Callable[[], Any], *, ends: bool = False, wants: int = 0
    ) -> None:
        super().__init__(loop=side.grip.loop)
        self.wants = wants  # of a poll: the events
        self.awaited = False
        self._side = side
        self._attempt: Callable[[], Any] | None = attempt
        self._ends = ends  # an iteration: the end of the socket is the end of it, no error
        self._bell: Bell | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        try:
            if self.awaited:  # a second one waits as for any other future
                return (yield from super().__await__())
            if not self.done():
                yield from self._perform_awaited()
            return self.result()
        finally:
            del self  # the traceback of an exception leads to this frame

    __iter__ = __await__

    def _perform_awaited(self) -> Generator[Any, None, None]:
        self.awaited = True
        self._side.grip.kept.add(self)
        try:
            while not self.done():
                self._bell = Bell(loop=self._side.grip.loop)
                yield from self._bell
                if not self.done():
                    self.perform()
        except BaseException:
            if not self.done():
                self.cancel()
            raise
        finally:
            self.awaited = False
            self._bell = None
            del self

    def perform(self) -> bool:
        """Try it now; return whether it is over, well or badly."""
        try:
            value = self.attempt()
            if value is NOTHING:
                value = self._side.refused(self)
            if value is MORE:
                self._side.grip.used()
            if value is NOTHING or value is MORE:
                return self.done()
            self.finish(value)
            return True
        finally:
            del self

    def attempt(self) -> Any:
        """Return the result, NOTHING or MORE; an error ends the operation."""
        attempt = self._attempt
        if attempt is None:
            return NOTHING
        try:
            return attempt()
        except Again:
            return NOTHING
        except BaseException as error:
            self._side.grip.used()  # the try may have silenced what others wait for
            self.fail(error)
            if not isinstance(error, Exception):
                raise
            return NOTHING
        finally:
            del self

    def wake(self, at_once: bool = False) -> None:
        """Tell the one who awaits that it is worth a try. `at_once`: no other task runs now."""
        bell = self._bell
        del self  # as in `Bell._tell`
        if bell is not None:
            bell.ring(at_once)

    def finish(self, value: Any) -> None:
        """End well."""
        if not self.done():
            self.set_result(value)
            self._over()

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
        self.set_exception(without_us(error))
        self._over()

    def close(self) -> None:
        """The socket was closed: end."""
        if self._ends:
            self.fail(StopAsyncIteration())
        else:
            self.cancel()

    def expire_after(self, seconds: float, end: Callable[[Operation], object]) -> None:
        """Call `end` unless it is over before. The timer does not keep it alive."""
        me: ReferenceType[Operation] = ref(self)
        self._timer = self.get_loop().call_later(seconds, _expire, me, end)

    def _over(self) -> None:
        self._attempt = None  # neither the socket nor the data
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._bell is not None and not self._bell.done():
            self._bell.ring(False)
        self._side.leave(self)

    def add_done_callback(self, fn: Callable[[Any], object], **context: Any) -> None:
        """As of any Future. From now on the operation lives until it is over."""
        super().add_done_callback(fn, **context)
        if not self.done():
            self._side.grip.kept.add(self)

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """As of any Future. With no callback left, it lives as long as its owner keeps it."""
        count = super().remove_done_callback(fn)
        if not self.awaited and not self._callbacks and not self._side.stays:
            self._side.grip.kept.discard(self)
        return count


def _expire(operation: ReferenceType[Operation], end: Callable[[Operation], object]) -> None:
    target = operation()
    if target is not None and not target.done():
        end(target)


class Grip:
    """What a loop holds of a link, in its selector and in its callbacks.

    Weakly, so that a dropped socket does not live on in a selector; firmly while an operation is
    awaited, has callbacks or is a send, so that a task that waits cannot vanish with its socket.
    """

    def __init__(self, link: Looker, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.readiness = Readiness()
        self.link = ref(link)
        self.kept: set[Operation] = set()
        """Operations that live, and their sockets with them, until they are over."""

    def used(self) -> None:
        """The socket was used: if somebody waits, have a look soon."""
        if self.readiness.used():
            self.soon()

    def soon(self) -> None:
        """Look in the next pass of the loop."""
        if self.loop.is_closed():
            self.readiness.forget()
        else:
            self.loop.call_soon(self.look)

    def look(self) -> None:
        """Look now, if the link is still there. A callback of the loop."""
        link = self.link()
        if link is not None:
            link.look(at_once=True)
