"""The calls of an asyncio socket that receive: what `zmqlite.Socket` has, returning Futures.

Each is an attempt (`_loops.operations`) that is made at once, or waits in a queue
(`_native/loop/wait_queue.pxi`).
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from .._loops import operations as _attempts
from .._loops.operations import DONTWAIT
from .._loops.uses import UsedSocket
from .._native import core
from .binding import LoopBinding
from .futures import Raising, try_now, wait_in_queue
from .operation import Operation

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Receives"]


class Receives(UsedSocket[Any]):
    """The calls of an asyncio `Socket` that receive, and its tie to a loop."""

    __slots__ = ("_binding", "_fast_path")  # see SocketSettings
    _binding: LoopBinding | None
    _fast_path: core.FastPath | None
    _operation: type[Operation] = Operation  # what a call returns that has to wait

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._binding = self._fast_path = None
        return self

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop to work in."""
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "no running event loop: an asyncio socket is used inside a coroutine; "
                "zmqlite.Socket is the one that blocks"
            ) from None

    def _attach(self) -> LoopBinding:
        """Tie the socket to the running loop."""
        loop = self._running_loop()
        binding = self._binding
        if binding is not None:
            if binding.loop is loop:
                return binding
            binding.end()
        self._binding = binding = LoopBinding(self, loop)
        self._fast_path = binding.fast_path
        return binding

    def _current_binding(self) -> LoopBinding:
        binding = self._binding
        if binding is None or not binding.fast_path.in_loop():
            binding = self._attach()
        return binding

    def _submit(
        self,
        binding: LoopBinding,
        queue: core.WaitQueue,
        attempt: Any,
        flags: int,
        operation: Operation | None = None,
        limit: float | None = None,
        events: int = 0,
        is_iteration: bool = False,
        tried: bool = False,
    ) -> Any:
        """Do an operation at once if nothing comes first, else have it wait in a queue.

        All calls that may have to wait end here. The ``binding``, and the queue of it, are the
        socket's when the call began: a finalizer or a signal handler may close it any moment.
        ``attempt`` is a socket of which a part is to be
        received, or is called and returns WOULD_BLOCK if it cannot be done; ``tried`` says that
        it just was refused. An ``operation`` is what to return if it is more than a Future, a
        ``limit`` its time limit in ms if that is no option of the socket.
        """
        paused = False
        try:
            at_once = flags & DONTWAIT
        except TypeError:
            raise _attempts.no_flags(flags) from None
        if not tried and (at_once or not queue.waiters or queue.passes(attempt)):
            if at_once or binding.budget.consume():
                future: Future[Any] = operation or Future(loop=binding.loop)
                try:
                    one = attempt if operation is None else operation._waiter.attempted
                    tried = try_now(binding, one, future)
                    if future.done():
                        return future
                finally:
                    del future  # the traceback of a conversion's error leads to this frame
            else:
                paused = True
        if operation is None:
            if queue.keep_unawaited:
                attempt = _attempts.snapshot(attempt)
            operation = queue.operation(
                self._operation, attempt, is_iteration=is_iteration, events=events
            )
        if limit is None:
            limit = self._limit(flags, queue.events == _attempts.IN)
        wait_in_queue(self, binding, operation, limit, tried, paused)
        return operation

    # -- receiving -------------------------------------------------------------------------------

    def _receive_by(
        self, attempt: Any, flags: int, *, tried: bool = False, is_iteration: bool = False
    ) -> Any:
        binding = self._current_binding()
        return self._submit(
            binding, binding.receivers, attempt, flags, is_iteration=is_iteration, tried=tried
        )

    def _receive(self, convert: Callable[[bytes], Any], flags: int) -> Any:
        attempt = partial(_attempts.recv_converted, self, convert)
        return self._receive_by(attempt, flags)

    def _receive_parts(self, convert: Callable[[Any], Any], flags: int, copy: bool = True) -> Any:
        attempt = partial(_attempts.recv_parts, self, copy, convert)
        return self._receive_by(attempt, flags)

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part: a Future of bytes, or of a Frame with ``copy=False``."""
        fast_path = self._fast_path
        if fast_path is not None and copy and not flags:
            done = fast_path.recv(self)
            if done is not None:
                return done
            if fast_path.would_block:
                binding = self._current_binding()
                return self._submit(binding, binding.receivers, self, 0, tried=True)
        attempt = self if copy else partial(_attempts.recv, self, False)
        return self._receive_by(attempt, flags)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one message: a Future of the list of its parts."""
        binding = self._current_binding()
        attempt = partial(_attempts.recv_parts, self, copy, None)
        return self._submit(binding, binding.receivers, attempt, flags)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Future[int]:
        """Receive one part into a buffer: a Future of the part's full size."""
        attempt = partial(_attempts.recv_into, self, buffer, nbytes)
        return cast("Future[int]", self._receive_by(attempt, flags))

    def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        attempt = partial(_attempts.recv_many, self, max, multipart)
        return self._receive_by(attempt, flags)

    def __aiter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if self.closed:
            return Raising(StopAsyncIteration())
        tried = False
        if (fast_path := self._fast_path) is not None:
            try:
                ready = fast_path.next(self)
            except Exception as error:
                return Raising(error)
            if ready is not None:
                return cast("Awaitable[bytes]", ready)
            tried = fast_path.would_block
        waiting = self._receive_by(self, 0, tried=tried, is_iteration=True)
        return cast("Awaitable[bytes]", waiting)

    def __iter__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")

    def __next__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")
