"""The senders of a socket whose messages have addressees of their own: a full peer holds up nobody
who writes to another one.

Who waits for one peer stands in one line, in the order of the calls, and each line is served by
itself. A message that is sent part by part stays in one piece: a part that was called behind an
earlier one that waits belongs to its message, and while a message is half sent no other begins.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from time import monotonic
from typing import Any

from .._loops.operations import MORE, NOTHING, Batch, addressee
from .._native import core
from .binding import SendSide

__all__ = ["RoutedSenders", "senders_for"]

_ROUTING = (6, 11, 12, 19)  # ROUTER, STREAM, SERVER, PEER


def senders_for(socket: core.Socket, *args: Any) -> SendSide:
    """Return the senders of a socket of that type."""
    if socket.type_number in _ROUTING:
        return RoutedSenders(socket, *args)
    return SendSide(*args)


class _Message:
    """What belongs together: all parts of one message."""

    __slots__ = ("begun", "peer")

    def __init__(self, peer: Any, begun: bool = False) -> None:
        self.peer = peer
        self.begun = begun  # its first part is sent, its last one is not


class _Send:
    """The attempt of a send that waits: one part, one message, or a batch of them."""

    __slots__ = ("_attempt", "_side", "line", "message", "more", "number")

    def __init__(
        self, side: RoutedSenders, attempt: Any, message: _Message, more: bool, number: int
    ) -> None:
        self._side = side
        self._attempt = attempt
        self.message = message
        self.more = more
        self.number = number
        self.line: Any = self if isinstance(attempt, Batch) else message.peer

    @property
    def peer(self) -> Any:
        """Whom the next message is for."""
        if isinstance(self._attempt, Batch):
            return addressee(self._attempt)[0]
        return self.message.peer

    def __call__(self) -> Any:
        if isinstance(self._attempt, Batch):
            return self._send_batch(self._attempt)
        if not self._side.may_send(self):
            return NOTHING
        value = self._attempt()
        if value is not NOTHING:
            self.message.begun = self.more
        return value

    def _send_batch(self, batch: core.Batch) -> Any:
        """Message by message while others wait: each may be for one of them."""
        while self._side.may_send(self):
            before = batch.sent
            batch.most = 1 if self._side.crowded(self) else 0
            value = batch()
            if value is not MORE or batch.most == 0 or batch.sent == before:
                return value
        return NOTHING


class RoutedSenders(SendSide):
    """The senders, in a line for each peer."""

    def __init__(self, socket: core.Socket, grip: core.Grip, turn: core.Turn, *args: Any) -> None:
        super().__init__(grip, turn, *args)
        self._turn = turn
        self._lines: dict[Any, deque[core.Place]] = {}
        self._sends: dict[core.Place, _Send] = {}
        self._numbers = count()
        self._serving = False
        self._is_over = False  # the turn of this pass

    # -- who belongs where -----------------------------------------------------------------------

    def _half_sent(self) -> bool:
        link = self.grip.link()
        socket = None if link is None else link.socket
        return socket is not None and socket.half_sent

    def _tail(self) -> _Send | None:
        """Return the send called last if it waits and the next part is called behind it."""
        if not self.queue:
            return None
        place = self.queue[-1]
        send = self._sends.get(place)
        return send if send is not None and send.more and not place.awaited else None

    def passes(self, attempt: Any) -> bool:
        """Whether a new send may be tried though others wait."""
        if self._tail() is not None:
            return False
        if self._half_sent():
            return not any(send.message.begun for send in self._sends.values())
        return self._passes(addressee(attempt)[0])

    def _passes(self, peer: Any) -> bool:
        return peer not in self._lines and all(send.peer != peer for send in self._batches())

    def _batches(self) -> list[_Send]:
        return [line for line in self._lines if isinstance(line, _Send)]

    def may_send(self, send: _Send) -> bool:
        """Whether nobody who was called earlier, and waits for the same peer, is held up so."""
        if send.message.begun != self._half_sent():
            return False
        if send.message.begun:
            return True
        peer = send.peer
        first = self._lines.get(peer)
        if first and send.line is send and self._sends[first[0]].number < send.number:
            return False
        return all(other.number >= send.number or other.peer != peer for other in self._batches())

    def crowded(self, send: _Send) -> bool:
        """Whether others wait besides."""
        return any(other is not send for other in self._sends.values())

    # -- the line, as of any side ----------------------------------------------------------------

    def operation(self, kind: Any, attempt: Any, *, ends: bool = False, wants: int = 0) -> Any:
        """Return a new operation, not yet in a line."""
        peer, more = addressee(attempt)
        tail = self._tail()
        if tail is not None:
            message = tail.message
        elif self._half_sent() and not any(send.message.begun for send in self._sends.values()):
            message = _Message(object(), begun=True)
        else:
            message = _Message(peer)
        send = _Send(self, attempt, message, more, next(self._numbers))
        return super().operation(kind, send, ends=ends, wants=wants)

    def join(self, operation: Any, tried: bool) -> None:
        """Wait in line."""
        place = operation._place
        send = self._sends[place] = place.attempted
        self._lines.setdefault(send.line, deque()).append(place)
        super().join(operation, tried)

    def left(self, place: core.Place) -> int:
        """An operation has left the line."""
        send = self._sends.pop(place, None)
        line = None if send is None else self._lines.get(send.line)
        if send is not None and line is not None:
            line.remove(place)
            if not line:
                del self._lines[send.line]
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
            while line in self._lines and self._serve_first(line, at_once):
                pass
            if self._is_over:
                return  # they go on in the next pass, with this line
            if line in self._lines:  # the others come first next time
                self._lines[line] = self._lines.pop(line)

    def _serve_first(self, line: Any, at_once: bool) -> bool:
        """Return whether the next one may be served too."""
        self._is_over = False
        place = self._lines[line][0]
        operation = place.operation()
        if operation is None or operation.done():
            place(None)
            return True
        if not self.may_send(self._sends[place]):
            return False
        if place.awaited:
            place.ring(at_once)
            return False
        if not self._turn.take():
            self._is_over = True
            self.grip.used()
            return False
        begin = monotonic()
        over = place.perform(operation)
        self._turn.weigh(monotonic() - begin)
        return over

    def refused(self, operation: Any) -> Any:
        """As of any sender; but while all are served EVENTS were read a moment ago."""
        if self._serving:
            self.look_later()
            return NOTHING
        self._serving = True
        try:
            return super().refused(operation)
        finally:
            self._serving = False
