"""The futures of an asyncio socket: finished ones, and those that wait in line."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, cast
from weakref import ReferenceType, ref

from .._loops import operations as _attempts
from .._loops.operations import WOULD_BLOCK, YIELD
from .._native import core
from ..enums import SocketOption
from ..error import Again, ZMQError
from ..options.rows import Kind
from .binding import Link
from .operation import Operation

__all__ = [
    "RCVTIMEO",
    "SNDTIMEO",
    "Raising",
    "Sending",
    "go_on_sending",
    "try_now",
    "wait_in_line",
]

RCVTIMEO, SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value
_DONTWAIT = 1

_get_option = core.Socket._get_option


class Sending(Operation):
    """What `send_many` returns: a Future of how many messages were sent."""

    _batch: core.Batch

    @classmethod
    def of(cls, queue: core.WaitQueue, batch: core.Batch) -> Sending:
        """Return the sending of a batch."""
        sending = queue.operation(cls, batch)
        sending._batch = batch
        return sending

    @property
    def sent(self) -> int:
        """How many messages are sent so far, also after it was cancelled."""
        return self._batch.sent

    @property
    def quiet(self) -> float:
        """Seconds since one was sent."""
        return self._batch.quiet

    def refuse(self, refusal: Again, tried: bool) -> None:
        """It may go on, but not wait for room: end with `refusal` as soon as that is lacking."""
        if tried:
            self.fail(refusal)
        else:
            self._batch.refusal = refusal

    def cancel(self, msg: Any = None) -> bool:
        """Cancel what is not sent yet; `sent` says how many were."""
        if not super().cancel(msg):
            return False
        self._batch.end()
        return True

    def fail(self, error: BaseException) -> None:
        """End with an exception that says how many were sent."""
        with suppress(AttributeError):  # an exception of the iterable with slots
            error.sent = self.sent  # type: ignore[attr-defined]
        self._batch.end()
        super().fail(error)


if TYPE_CHECKING:

    class Count(Future[int]):
        """A `Sending` as its users see it: an Operation says nothing of its result."""

        @property
        def sent(self) -> int: ...


def try_now(link: Link, attempt: Callable[[], Any]) -> tuple[Any, bool]:
    """Return (a finished future, or None if it cannot be done now; whether the socket refused)."""
    future: Future[Any] = Future(loop=link.loop)
    begin = monotonic()
    try:
        value = attempt()
        if value is not WOULD_BLOCK and value is not YIELD:
            future.set_result(value)
        return (future if future.done() else None), value is WOULD_BLOCK
    except Again:
        return None, True
    except _attempts.ForeignAgain as foreign:
        future.set_exception(_attempts.without_us(foreign.error))
        return future, False
    except Exception as error:
        future.set_exception(_attempts.without_us(error))
        return future, False
    finally:
        link.budget.charge(monotonic() - begin)
        if link.waiting:  # the try may have silenced what others wait for
            link.loop_handle.used()
        del future  # the traceback of a conversion's error leads to this frame


def wait_in_line(
    socket: core.Socket,
    link: Link,
    queue: core.WaitQueue,
    operation: Operation,
    tried: bool,
    flags: int,
    option: int,
) -> Operation:
    """Let an operation wait in line, for as long as RCVTIMEO or SNDTIMEO allow."""
    timeout = 0 if flags & _DONTWAIT else _timeout(socket, option)
    if timeout == 0 and not tried and not queue.waiters:
        operation.perform()
    if operation.done():
        return operation
    name = "recv" if option == RCVTIMEO else "send"
    if timeout == 0:
        operation.fail(socket._not_now(name, 0))
        return operation
    _join(socket, link, queue, operation, tried, timeout, name)
    return operation


def go_on_sending(
    socket: core.Socket, link: Link, operation: Sending, tried: bool, flags: int
) -> None:
    """Let a sending wait, for room or only for its next turn: each message as long as SNDTIMEO
    allows."""
    timeout = -1 if flags & _DONTWAIT else _timeout(socket, SNDTIMEO)
    if timeout == 0:
        operation.refuse(socket._not_now("send", 0), tried)
    if not operation.done():
        _join(socket, link, link.senders, operation, tried, timeout, "send")


def _timeout(socket: core.Socket, option: int) -> int:
    try:
        return int(_get_option(socket, option, Kind.INT))
    except ZMQError:  # a socket that fails says why when it is tried
        return -1


def _join(
    socket: core.Socket,
    link: Link,
    queue: core.WaitQueue,
    operation: Operation,
    tried: bool,
    timeout: int,
    name: str,
) -> None:
    # first: what cannot be watched is refused, and nothing of it stays in a queue
    tried = not link.watch() and tried
    if timeout > 0:
        operation.expire_after(timeout / 1000, partial(_time_is_over, ref(socket), name, timeout))
    queue.join(operation, tried)


def _time_is_over(
    socket: ReferenceType[core.Socket], name: str, limit: int, operation: Operation
) -> None:
    """Fail, unless it gets on: the limit is for each message."""
    left = limit / 1000 - operation.quiet if isinstance(operation, Sending) else 0
    if left > 0:
        operation.expire_after(left, partial(_time_is_over, socket, name, limit))
        return
    target = socket()  # (the operation keeps it, but for the moment in which it ends)
    operation.fail(Again() if target is None else target._not_now(name, limit))


class Raising:
    """An awaitable that fails at once. So `anext` with a default wants to meet the end of an
    iteration; where `__anext__` itself raises, Python crashes."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __await__(self) -> Generator[Any, Any, NoReturn]:
        return cast("Generator[Any, Any, NoReturn]", self)

    def __iter__(self) -> Raising:
        return self

    def __next__(self) -> NoReturn:
        raise self._error
