"""Data calls for sockets of a trio run: each an async function, each a checkpoint, exactly
cancellable.

The quick way comes first: not cancelled, nobody waits, this pass of the run has had no more than
its share, and libzmq can do it now. Everything else, errors included, goes the long way through
`trio/binding.py`. What checkers see of calls that return what their arguments say, and of the
conversions, stands in `_typed`, which the build writes.
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import trio as _trio
from trio.lowlevel import (
    TrioToken,
    checkpoint_if_cancelled,
    current_trio_token,
    enable_ki_protection,
)

from .._loops import operations as attempts
from .._loops.operations import DONTWAIT, WOULD_BLOCK
from .._loops.socket import LoopSocket
from .._native import core
from ..enums import PollEvent
from ..error import ContextTerminated, ZMQError
from ..error import SocketClosed as _SocketClosed
from .binding import LoopBinding, Task

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitedSocket", "SocketClosed"]

_POLLIN = PollEvent.POLLIN.value


class SocketClosed(_SocketClosed, _trio.ClosedResourceError):
    """The socket was closed before the call or while it waited; a `trio.ClosedResourceError`
    too."""


class AwaitedSocket(LoopSocket):
    """The half of `zmqlite.trio.Socket` that knows trio: it waits, sends and receives."""

    _make_binding = LoopBinding

    def _running_loop(self) -> TrioToken:
        return current_trio_token()

    # -- the long way ----------------------------------------------------------------------------

    @enable_ki_protection
    async def _perform(self, attempt: Any, flags: int, receives: bool = True) -> Any:
        """Do an operation at once or when its turn comes; see `_loops.operations` for attempts."""
        try:
            at_once = flags & DONTWAIT
        except TypeError:
            raise attempts.no_flags(flags) from None
        try:
            binding = self._attach(attempt)
            if not binding.budget.consume():
                await binding.rest()
            queue = binding.receivers if receives else binding.senders
            waiter = Task(binding, queue, attempt)
            tried = bool(at_once) or not queue.waiters or queue.passes(attempt)
            if tried:
                value = waiter.first_try()
                if value is not WOULD_BLOCK:
                    return value
            limit = self._limit(flags, receives)
            if limit < 0:
                return await binding.wait(waiter, tried)
            if limit:
                with _trio.move_on_after(limit / 1000):
                    return await binding.wait(waiter, tried)
        except _SocketClosed as error:
            raise SocketClosed.during(error.operation, error.subject, error.hint) from None
        raise self._again(limit, receives)

    # -- receiving -------------------------------------------------------------------------------

    @enable_ki_protection
    async def _receive(self, convert: Callable[[bytes], Any], flags: int) -> Any:
        return convert(await self.recv(flags))

    @enable_ki_protection
    async def _receive_parts(
        self, convert: Callable[[Any], Any], flags: int, copy: bool = True
    ) -> Any:
        return convert(await self.recv_multipart(flags, copy))

    @enable_ki_protection
    async def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part as bytes, or as a Frame with ``copy=False``."""
        await checkpoint_if_cancelled()
        binding = self._binding
        if binding is not None and copy and not flags:
            part = binding.try_recv(self)
            if part is not None:
                return part
        attempt = self if copy else partial(attempts.recv, self, False)
        return await self._perform(attempt, flags)

    async def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one message as the list of its parts."""
        await checkpoint_if_cancelled()
        return await self._perform(partial(attempts.recv_parts, self, copy, None), flags)

    async def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into a writable buffer; return the part's full size."""
        await checkpoint_if_cancelled()
        return int(await self._perform(partial(attempts.recv_into, self, buffer, nbytes), flags))

    async def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        await checkpoint_if_cancelled()
        return await self._perform(partial(attempts.recv_many, self, max, multipart), flags)

    def __aiter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    @enable_ki_protection
    async def __anext__(self) -> bytes:
        await checkpoint_if_cancelled()
        binding = self._binding
        if binding is not None:
            part: bytes | None
            try:
                part = binding.try_recv(self)
            except ZMQError:
                part = None  # the long way meets it again
            if part is not None:
                return part
        try:
            last: bytes = await self._perform(self, 0)
        except (ContextTerminated, _SocketClosed):
            raise StopAsyncIteration from None
        return last

    def __iter__(self) -> Any:
        raise TypeError("a trio socket is iterated with `async for`")

    # -- sending ---------------------------------------------------------------------------------

    @enable_ki_protection
    async def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> core.MessageTracker | None:
        """Send one part as soon as a peer can take it; see `zmqlite.Socket.send`."""
        await checkpoint_if_cancelled()
        binding = self._binding
        plain = copy and not track and routing_id is None and group is None
        if plain and binding is not None and binding.try_send(self, data, flags):
            return None
        attempt = partial(attempts.send, self, data, flags, copy, track, routing_id, group)
        tracker: core.MessageTracker | None = await self._perform(attempt, flags, False)
        return tracker

    async def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        *,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> core.MessageTracker | None:
        """Send a sequence of parts as one message: all of it or nothing."""
        await checkpoint_if_cancelled()
        attempt = partial(
            attempts.send_parts, self, msg_parts, flags, copy, track, routing_id, group
        )
        tracker: core.MessageTracker | None = await self._perform(attempt, flags, False)
        return tracker

    @enable_ki_protection
    async def send_many(self, messages: Iterable[Any], flags: int = 0) -> int:
        """Send every message of an iterable; return how many.

        They are drawn as they are sent, each when its turn comes, and other tasks run meanwhile; a
        list is copied first. An exception, `trio.Cancelled` included, carries the number of those
        sent before it in its attribute ``sent``; one more may have been drawn. SNDTIMEO is for
        each message; with DONTWAIT it returns when the next one would have to wait.
        """
        with core.Batch(self, messages, flags) as batch:
            await checkpoint_if_cancelled()
            while await self._perform(batch, flags, False) is attempts.YIELD:
                pass
        return batch.sent

    # -- waiting ---------------------------------------------------------------------------------

    @enable_ki_protection
    async def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> int:
        """Wait until one of the events in ``flags`` holds; return those that do.

        ``timeout`` in ms, None for ever; 0 when it is over. Takes no message, waits in no queue.
        """
        await checkpoint_if_cancelled()
        look = partial(attempts.poll, self, flags)
        limit = core.time_limit("poll", timeout)
        try:
            binding = self._attach(look)
            if not binding.budget.consume():
                await binding.rest()
            waiter = Task(binding, binding.pollers, look, flags)
            found = waiter.first_try()
            if found is WOULD_BLOCK and limit < 0:
                found = await binding.wait(waiter, True)
            elif found is WOULD_BLOCK and limit:
                if limit < 1:
                    self._warn_of_seconds(limit)
                with _trio.move_on_after(limit / 1000):
                    found = await binding.wait(waiter, True)
        except _SocketClosed as error:
            raise SocketClosed.during(error.operation, error.subject, error.hint) from None
        return 0 if found is WOULD_BLOCK else int(found)
