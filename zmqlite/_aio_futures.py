"""The futures of an asyncio socket: finished ones, and those that wait in line."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from . import _attempts
from ._aio import Link
from ._aio_operation import Operation
from ._attempts import MORE, NOTHING
from ._native import core
from .enums import SocketOption
from .error import Again, ZMQError

__all__ = ["RCVTIMEO", "SNDTIMEO", "Sending", "try_now", "wait_in_line"]

RCVTIMEO, SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value
_DONTWAIT = 1

_get_option = core.Socket.get_option


class Sending(Operation):
    """What `send_many` returns: a Future of how many messages were sent."""

    _batch: _attempts.Batch

    @classmethod
    def of(cls, side: core.Side, batch: _attempts.Batch) -> Sending:
        """Return the sending of a batch."""
        sending = side.operation(cls, batch)
        sending._batch = batch
        return sending

    @property
    def sent(self) -> int:
        """How many messages are sent so far, also after it was cancelled."""
        return self._batch.sent


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
        if value is not NOTHING and value is not MORE:
            future.set_result(value)
        return (future if future.done() else None), value is NOTHING
    except Again:
        return None, True
    except Exception as error:
        future.set_exception(_attempts.without_us(error))
        return future, False
    finally:
        link.turn.weigh(monotonic() - begin)
        if link.waiting:  # the try may have silenced what others wait for
            link.grip.used()
        del future  # the traceback of a conversion's error leads to this frame


def wait_in_line(
    socket: core.Socket,
    link: Link,
    side: core.Side,
    operation: Operation,
    tried: bool,
    flags: int,
    option: int,
) -> Operation:
    """Let an operation wait in line, for as long as RCVTIMEO or SNDTIMEO allow."""
    try:
        timeout = 0 if flags & _DONTWAIT else int(_get_option(socket, option, 0))
    except ZMQError:  # a socket that fails says why when it is tried
        timeout = -1
    if timeout == 0 and not tried and not side.queue:
        operation.perform()
    if operation.done():
        return operation
    name = "recv" if option == RCVTIMEO else "send"
    if timeout == 0:
        operation.fail(socket._not_now(name, 0))
        return operation
    if timeout > 0:
        operation.expire_after(timeout / 1000, partial(_time_is_over, ref(socket), name, timeout))
    side.join(operation, tried)
    link.watch()
    return operation


def _time_is_over(
    socket: ReferenceType[core.Socket], name: str, limit: int, operation: Operation
) -> None:
    target = socket()  # (the operation keeps it, but for the moment in which it ends)
    operation.fail(Again() if target is None else target._not_now(name, limit))
