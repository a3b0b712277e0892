"""The data calls of an asyncio socket: what `zmqlite.Socket` has, returning Futures.

Here are those that send. Each is an attempt (`_loops.operations`) that is made at once, or waits
in a queue (`_native/loop/wait_queue.pxi`). What checkers see of those that return what their
arguments say, and of the conversions, stands in `_typed`, which the build writes.
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .._loops import operations as _attempts
from .._native import core
from .futures import Sending
from .receives import Receives

if TYPE_CHECKING:
    from .futures import Count

__all__ = ["Calls"]


class Calls(Receives):
    """The half of an asyncio `Socket` that moves messages."""

    __slots__ = ()

    def send(
        self,
        data: core.Data,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Any:
        """Send one part: a Future of None, or of a MessageTracker as `zmqlite.Socket.send` says.

        Sent at once if a peer can take it, whether the Future is awaited or not; else in order, as
        soon as one can. Cancelled before that, it is not sent.
        """
        fast_path = self._fast_path
        if fast_path is not None and copy and routing_id is None and group is None:
            done = fast_path.send(self, data, flags)
            if done is not None:
                return done
        attempt = partial(_attempts.send, self, data, flags, copy, track, routing_id, group)
        binding = self._current_binding()
        return self._submit(binding, binding.senders, attempt, flags)

    def send_multipart(
        self,
        msg_parts: Sequence[core.Data],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        *,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Future[core.MessageTracker | None]:
        """Send a sequence of parts as one message; see `send`."""
        attempt = partial(
            _attempts.send_parts, self, msg_parts, flags, copy, track, routing_id, group
        )
        binding = self._current_binding()
        sent = self._submit(binding, binding.senders, attempt, flags)
        return cast("Future[core.MessageTracker | None]", sent)

    def send_many(
        self, messages: Iterable[core.Data | Sequence[core.Data]], flags: int = 0
    ) -> Count:
        """Send every message of an iterable; a Future of how many.

        They are drawn as they are sent, each when its turn comes, and other tasks run meanwhile; a
        list is copied first. The attribute ``sent`` of the Future, and of its exception, counts
        them: also after it was cancelled (`CancelledError` has it, too), when one more may have
        been drawn. SNDTIMEO is for each message; with DONTWAIT it ends, with the number, when the
        next one would have to wait.
        """
        batch = core.Batch(self, messages, flags)
        binding = self._current_binding()
        queue = binding.senders
        # with DONTWAIT a batch ends where it would have to wait
        limit = -1 if flags == _attempts.without_waiting(flags) else None
        sending = self._submit(binding, queue, batch, flags, Sending.of(queue, batch), limit=limit)
        return cast("Count", sending)
