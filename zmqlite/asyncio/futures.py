"""The futures of an asyncio socket: finished ones, and those that wait in a queue."""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Generator
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, cast

from .._loops import operations as _attempts
from .._loops.operations import WOULD_BLOCK, YIELD
from .._native import core
from ..error import Again
from .binding import LoopBinding
from .operation import Operation

__all__ = [
    "Raising",
    "Sending",
    "try_now",
    "wait_in_queue",
]


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

    def expire(self, socket: core.Socket | None, limit: float, tried: bool = True) -> None:
        """Fail, unless it gets on: the limit is for each message. With one of 0 it may go on, but
        not wait for room."""
        left = limit / 1000 - self._batch.quiet
        if left > 0:
            self.expire_after(socket, limit, left)
        elif limit or tried:
            super().expire(socket, limit)
        elif socket is not None:
            self._batch.refusal = socket._not_now("send", 0)

    def result(self) -> int:
        """Return how many were sent, as of any Future; a CancelledError says it, too."""
        try:
            return cast("int", super().result())
        except CancelledError as error:
            error.sent = self.sent  # type: ignore[attr-defined]
            raise

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


def try_now(binding: LoopBinding, attempt: Any, future: Future[Any]) -> bool:
    """End a future with what an attempt gets, if it can be done now; return whether the socket
    refused."""
    begin = monotonic()
    try:
        value = _attempts.perform(attempt)
        if value is not WOULD_BLOCK and value is not YIELD:
            future.set_result(value)
    except Again:
        return True
    except (KeyboardInterrupt, SystemExit):
        raise
    except core.ForeignAgain as foreign:
        future.set_exception(_attempts.strip_internal_traceback(foreign.error))
        return False
    except BaseException as error:
        future.set_exception(_attempts.strip_internal_traceback(error))
        return False
    finally:
        binding.budget.charge(monotonic() - begin)
        if binding.waiting:  # the try may have silenced what others wait for
            binding.loop_handle.used()
        del future  # the traceback of a conversion's error leads to this frame
    return value is WOULD_BLOCK


def wait_in_queue(
    socket: core.Socket,
    binding: LoopBinding,
    operation: Operation,
    limit: float,
    tried: bool,
    paused: bool,
) -> None:
    """Let an operation wait in its queue, ``limit`` ms at most; less than 0 is for ever.

    ``tried`` says that the socket refused it a moment ago, ``paused`` that it was not asked: the
    loop had had enough of its sockets.
    """
    if limit == 0:
        operation.expire(socket, 0, tried)
        if operation.done():
            return
    # first: what cannot be watched is refused, and nothing of it stays in a queue
    try:
        tried = not binding.watch() and tried
    except (OSError, ValueError):
        if not socket.closed:
            raise
    if limit > 0:
        operation.expire_after(socket, limit)
    waiter = operation._waiter
    if paused:
        waiter.pause()
    waiter.queue.join(operation, tried)
    if socket.closed:  # amid all this, by a finalizer or a signal handler
        binding.unwatch()
        operation.perform()  # it says so


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
