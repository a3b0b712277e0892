"""The senders of a socket whose messages have addressees of their own: in every loop, a full peer
holds up nothing that is for another one.

What waits for one peer stands in one line, in the order of the calls, and each line is served by
itself. A message that is sent part by part stays in one piece: a part that was called behind an
earlier one that waits belongs to its message, and while a message is half sent no other begins.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from contextlib import suppress
from itertools import count
from typing import Any

from .._native import core
from ..enums import SocketType
from .operations import OUT, WOULD_BLOCK, YIELD, addressee

__all__ = ["RoutedSenders", "senders_for"]

# Each message has an addressee: one peer may be full while another is not.
_BY_PEER = frozenset((SocketType.ROUTER, SocketType.STREAM, SocketType.SERVER, SocketType.PEER))


def senders_for(socket: core.Socket, handle: core.LoopHandle) -> core.WaitQueue:
    """Return the queue of those that send through a socket."""
    if socket._type_number in _BY_PEER:
        return RoutedSenders(handle)
    return core.WaitQueue(handle, OUT, True)


class _Message:
    """What belongs together: all parts of one message."""

    __slots__ = ("begun", "peer")

    def __init__(self, peer: Any, begun: bool = False) -> None:
        self.peer = peer
        self.begun = begun  # its first part is sent, its last one is not


class _Send:
    """The attempt of a send that waits: one part, one message, or a batch of them."""

    __slots__ = ("_attempt", "_queue", "line", "message", "more", "number")

    def __init__(
        self, queue: RoutedSenders, attempt: Any, message: _Message, more: bool, number: int
    ) -> None:
        self._queue = queue
        self._attempt = attempt
        self.message = message
        self.more = more
        self.number = number
        self.line: Any = self if isinstance(attempt, core.Batch) else message.peer

    @property
    def peer(self) -> Any:
        """The peer that the next message is for."""
        if isinstance(self._attempt, core.Batch):
            return addressee(self._attempt)[0]
        return self.message.peer

    def __call__(self) -> Any:
        if isinstance(self._attempt, core.Batch):
            return self._send_batch(self._attempt)
        if not self._queue.may_send(self):
            return WOULD_BLOCK
        value = self._attempt()
        if value is not WOULD_BLOCK:
            self.message.begun = self.more
        return value

    def _send_batch(self, batch: core.Batch) -> Any:
        """Message by message while others wait: each may be for one of them."""
        while self._queue.may_send(self):
            before = batch.sent
            batch.most = 1 if self._queue.crowded(self) else 0
            value = batch()
            if value is not YIELD or batch.most == 0 or batch.sent == before:
                return value
        return WOULD_BLOCK


class RoutedSenders(core.WaitQueue):
    """The senders, in a line for each peer."""

    def __init__(self, handle: core.LoopHandle) -> None:
        super().__init__(handle, OUT, True)
        # (copies are gone through: a finalizer or a signal handler may close the socket amid it)
        self._lines: OrderedDict[Any, deque[Any]] = OrderedDict()
        self._sends: dict[Any, _Send] = {}
        self._numbers = count()
        self._serving = False

    # -- what belongs where ----------------------------------------------------------------------

    def _half_sent(self) -> bool:
        binding = self.loop_handle.binding()
        socket = None if binding is None else binding.socket
        return socket is not None and socket.half_sent

    def _tail(self) -> _Send | None:
        """Return the send called last if it waits and the next part is called behind it."""
        waiter = next(reversed(self.waiters), None)
        if waiter is None:
            return None
        send = self._sends.get(waiter)
        return send if send is not None and send.more and not waiter.awaited else None

    def passes(self, attempt: Any) -> bool:
        """Whether a new send may be tried though others wait."""
        if self._tail() is not None:
            return False
        if self._half_sent():
            return not any(send.message.begun for send in list(self._sends.values()))
        return self._passes(addressee(attempt)[0])

    def _passes(self, peer: Any) -> bool:
        return peer not in self._lines and all(send.peer != peer for send in self._batches())

    def _batches(self) -> list[_Send]:
        return [line for line in list(self._lines) if isinstance(line, _Send)]

    def may_send(self, send: _Send) -> bool:
        """Whether this holds up nothing that was called earlier and waits for the same peer."""
        if send.message.begun != self._half_sent():
            return False
        if send.message.begun:
            return True
        peer = send.peer
        first = self._lines.get(peer)
        earlier = self._sends.get(first[0]) if first else None
        if earlier is not None and send.line is send and earlier.number < send.number:
            return False
        return all(other.number >= send.number or other.peer != peer for other in self._batches())

    def crowded(self, send: _Send) -> bool:
        """Whether others wait besides."""
        return any(other is not send for other in list(self._sends.values()))

    # -- as of any queue -------------------------------------------------------------------------

    def route(self, attempt: Any) -> Any:
        """Return the attempt of one that is to wait, which keeps to its line."""
        peer, more = addressee(attempt)
        tail = self._tail()
        if tail is not None:
            message = tail.message
        elif self._half_sent() and not any(
            send.message.begun for send in list(self._sends.values())
        ):
            message = _Message(object(), begun=True)
        else:
            message = _Message(peer)
        return _Send(self, attempt, message, more, next(self._numbers))

    def joined(self, waiter: Any) -> int:
        """A waiter stands in the queue."""
        send = waiter.attempted
        if send is not None:  # else it has ended meanwhile
            self._sends[waiter] = send
            self._lines.setdefault(send.line, deque()).append(waiter)
        return 0

    def left(self, waiter: Any) -> int:
        """A waiter has left the queue."""
        send = self._sends.pop(waiter, None)
        line = None if send is None else self._lines.get(send.line)
        if send is not None and line is not None:
            line.remove(waiter)
            if not line:
                self._lines.pop(send.line, None)
        return 0

    def serve(self, events: int, at_once: bool) -> int:
        """Perform, or wake, the first of each line, whatever the events: they say that some peer
        has room, and nothing of one that has gone."""
        if not self._serving:
            self._serving = True
            try:
                self._serve_lines(at_once)
            finally:
                self._serving = False
        return 0

    def _serve_lines(self, at_once: bool) -> None:
        for line in list(self._lines):
            served = 1
            while line in self._lines and served == 1:
                served = self._serve_first(line, at_once)
            if served == core.BUDGET_SPENT:
                return  # they go on in the next iteration, with this line
            with suppress(KeyError):  # the others come first next time
                self._lines.move_to_end(line)

    def _serve_first(self, line: Any, at_once: bool) -> int:
        """Return what `core.Waiter.serve` does: whether the next one may be served too."""
        waiters = self._lines.get(line)
        waiter = waiters[0] if waiters else None
        send = self._sends.get(waiter)
        if waiter is None or send is None or not (waiter.over or self.may_send(send)):
            return 0
        return int(waiter.serve(at_once))

    def refused(self, waiter: Any, operation: Any) -> Any:
        """As of any sender; but while all are served EVENTS were read a moment ago."""
        if self._serving:
            binding = self.loop_handle.binding()
            if binding is not None:
                binding.dispatch_later()
            return WOULD_BLOCK
        self._serving = True
        try:
            return super().refused(waiter, operation)
        finally:
            self._serving = False
