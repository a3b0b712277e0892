"""The data calls of a gevent socket: what `zmqlite.Socket` has, suspending only their greenlet.

Each is an attempt (`_loops.operations`) that is made at once, or waits in a queue
(`green.binding`).
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent

from .._loops import operations as attempts
from .._loops.operations import DONTWAIT, WOULD_BLOCK
from .._loops.socket import LoopSocket
from .._native import core
from ..error import ContextTerminated, SocketClosed
from .binding import LoopBinding, Sleeper

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Calls", "deadline"]

_hub = gevent.get_hub


def deadline(milliseconds: float) -> float | None:
    """Return when a limit is over, None for never."""
    if milliseconds < 0:
        return None
    return time.monotonic() + milliseconds / 1000


class Calls(LoopSocket):
    """The half of a gevent `Socket` that moves messages."""

    _make_binding = LoopBinding

    def _running_loop(self) -> Any:
        return _hub()

    def _perform(self, attempt: Any, flags: int, receives: bool = True) -> Any:
        """Do an operation at once or when its turn comes; see `_loops.operations` for attempts."""
        try:
            at_once = flags & DONTWAIT
        except TypeError:
            raise attempts.no_flags(flags) from None
        binding: LoopBinding = self._attach(attempt)
        if not binding.budget.consume():
            binding.rest()
        queue = binding.receivers if receives else binding.senders
        waiter = Sleeper(queue, attempt)
        tried = bool(at_once) or not queue.waiters or queue.passes(attempt)
        if tried:
            value = waiter.first_try()
            if value is not WOULD_BLOCK:
                return value
        limit = self._limit(flags, receives)
        if limit:
            value = binding.wait(waiter, tried, deadline(limit))
            if value is not WOULD_BLOCK:
                return value
        raise self._again(limit, receives)

    # -- receiving -------------------------------------------------------------------------------

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part as bytes, or as a Frame with ``copy=False``."""
        binding = self._binding
        if binding is not None and copy and not flags and binding.loop is _hub():
            part = binding.try_recv(self)
            if part is not None:
                return part
        return self._perform(self if copy else partial(attempts.recv, self, False), flags)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one message as the list of its parts."""
        return self._perform(partial(attempts.recv_parts, self, copy, None), flags)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into a writable buffer; return the part's full size."""
        return int(self._perform(partial(attempts.recv_into, self, buffer, nbytes), flags))

    def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        return self._perform(partial(attempts.recv_many, self, max, multipart), flags)

    def __iter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __next__(self) -> bytes:
        try:
            part: bytes = self.recv()
        except (ContextTerminated, SocketClosed):
            raise StopIteration from None
        return part

    # -- sending ---------------------------------------------------------------------------------

    def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Any:
        """Send one part as soon as a peer can take it; see `zmqlite.Socket.send`."""
        binding = self._binding
        plain = copy and not track and routing_id is None and group is None
        if (
            plain
            and binding is not None
            and binding.loop is _hub()
            and binding.try_send(self, data, flags)
        ):
            return None
        attempt = partial(attempts.send, self, data, flags, copy, track, routing_id, group)
        return self._perform(attempt, flags, False)

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        *,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Any:
        """Send a sequence of parts as one message: all of it or nothing."""
        attempt = partial(
            attempts.send_parts, self, msg_parts, flags, copy, track, routing_id, group
        )
        return self._perform(attempt, flags, False)

    def send_many(self, messages: Iterable[Any], flags: int = 0) -> int:
        """Send every message of an iterable; return how many.

        They are drawn as they are sent, each when its turn comes, and other greenlets run
        meanwhile; a list is copied first. An exception carries the number of those sent before it
        in its attribute ``sent``; one more may have been drawn. SNDTIMEO is for each message; with
        DONTWAIT it returns when the next one would have to wait.
        """
        with core.Batch(self, messages, flags) as batch:
            while self._perform(batch, flags, False) is attempts.YIELD:
                pass
        return batch.sent
