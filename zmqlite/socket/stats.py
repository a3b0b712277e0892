"""What sockets have sent, received and dropped, what waits, and waiting until nothing does.

libzmq, as zmqlite builds it, counts in the thread that uses a pipe; `known-numbers` in its
patches. Any thread may read the numbers, whatever the owner of the socket is doing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .._native import core
from ..enums import SocketType
from ..error import (
    ContextTerminated,
    InvalidArgument,
    NotSupported,
    SocketClosed,
    ThreadMisuse,
)
from .monitor_events import WatchedSocket
from .peers import Wait, not_ours, read_texts

__all__ = ["CountedSocket", "PeerStats", "SocketStats"]

_NUMBERS = core.OWN_OPTIONS["numbers"]
_HEAD = struct.Struct("=17q")
_CONNECT = 2  # a direction, as libzmq says it; 1 is bound, 0 neither
_DIRECTIONS = ("", "bound", "connected")
_SHOWN = 5  # peers in an error


class PeerStats(NamedTuple):
    """What went to and came from one connection, or one place that a socket connects to.

    `endpoint`, `address` and `direction` are as in `Peer`; before a connection is made both are
    where it goes to. The numbers are as in `SocketStats`.
    """

    endpoint: str
    address: str
    direction: str
    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    drops: int
    queued_in: int
    queued_out: int
    unsent: int


class SocketStats(NamedTuple):
    """What a socket, or all sockets of a context, have counted since they were made.

    A message counts once, however many parts it has, and once for each peer that it goes to;
    bytes are those of all parts, without a ROUTER's address part. `queued_in` waits to be
    received here, `queued_out` is in the queues to peers, and `unsent` has not left this process.
    `drops` found no room (PUB, XPUB, RADIO and ROUTER drop silently, and so does `overflow=`),
    `unroutable` had no peer of that name. `connects` and `disconnects` are of connections that
    had shaken hands, `retries` tries to connect again. `peers` are the connections there are.
    """

    messages_in: int
    bytes_in: int
    messages_out: int
    bytes_out: int
    queued_in: int
    queued_out: int
    unsent: int
    drops: int
    unroutable: int
    connects: int
    disconnects: int
    failed_handshakes: int
    retries: int
    peers: tuple[PeerStats, ...]


class Row(NamedTuple):
    """What libzmq writes for a connection, an endpoint of a socket, or one of closed sockets."""

    is_peer: bool
    type: int
    socket: int
    peer: PeerStats
    unroutable: int
    connects: int
    disconnects: int
    failed_handshakes: int
    retries: int


def rows(data: bytes) -> Iterator[Row]:
    """Decode what libzmq writes: seventeen numbers and two texts for each row."""
    place = 0
    while place < len(data):
        kind, number, socket, direction, *counts = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        (local, remote), place = read_texts(data, place, 2)
        endpoint = remote if direction == _CONNECT else local
        peer = PeerStats(endpoint, remote, _DIRECTIONS[direction], *counts[:5], *counts[10:])
        yield Row(kind == 1, number, socket, peer, *counts[5:10])


def summed(found: list[Row]) -> SocketStats:
    """Add up rows."""

    def total(name: str) -> int:
        return sum(getattr(row.peer if name in PeerStats._fields else row, name) for row in found)

    *numbers, _ = SocketStats._fields
    return SocketStats._make(
        [*map(total, numbers), tuple(row.peer for row in found if row.is_peer)]
    )


def rows_of_context(context: Any) -> list[Row]:
    """Return all rows of a context. Raises as `Context.stats` does."""
    try:
        return list(rows(context._get_numbers()))
    except (InvalidArgument, NotSupported):
        raise not_ours("stats", "Context") from None


def by_endpoint(numbers: Iterable[Row]) -> dict[tuple[str, str], SocketStats]:
    """Add up rows by the names of socket types and by endpoints."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in numbers:
        try:
            name = SocketType(row.type).name
        except ValueError:
            name = str(row.type)
        found.setdefault((name, row.peer.endpoint), []).append(row)
    return {key: summed(found[key]) for key in sorted(found)}


class CountedSocket(WatchedSocket):
    """The part of `Socket` that tells what was counted, and waits for what was sent."""

    __slots__ = ()

    def stats(self) -> SocketStats:
        """Return what this socket has sent, received and dropped, and what waits in its queues.

        May be called from any thread, also while another one is inside the socket: then news of
        peers that have come or gone may be missing, and so may those of a socket whose FD was
        asked for, until its `events` are read: to hear of them would take the wake-up from who
        watches that descriptor. It is never in the way of who uses the socket, or of tasks that
        wait for it. Costs a moment; counting itself is always on.

        Raises `NotSupported` with a libzmq that zmqlite did not build, `SocketClosed`.
        """
        return summed(self._rows("stats"))

    def _rows(self, operation: str) -> list[Row]:
        """Return the rows of this socket, for its owner with all news of peers."""
        owner = self._shadowed() or self
        home: Any = owner.context  # None of what was made elsewhere
        try:
            if operation == "stats" and getattr(owner, "_fd_given", False) and home is not None:
                return self._rows_from_context(operation, home)
            return list(rows(self.get_long_option(_NUMBERS)))
        except ThreadMisuse:
            if home is None:
                raise
            return self._rows_from_context(operation, home)
        except InvalidArgument:
            raise not_ours(operation, self._subject()) from None
        except (SocketClosed, ContextTerminated) as error:
            error.operation = operation
            raise

    def _rows_from_context(self, operation: str, home: Any) -> list[Row]:
        """The context may be asked when another thread is inside this socket; it takes no news."""
        own = self._number
        if self.closed:
            raise SocketClosed.during(operation, self._subject(), "the socket is closed")
        try:
            found = [row for row in rows(home._get_numbers()) if row.socket == own]
        except RuntimeError:  # the context has ended in this moment, as its sockets have
            found = []
        if self.closed:
            raise SocketClosed.during(operation, self._subject(), "it was closed meanwhile")
        return found

    def wait_drained(self, timeout: float | None = None) -> int:
        """Wait until all that was sent has left this process; return how much there is left: 0.

        ``timeout`` in milliseconds, None for ever. Over tcp, ipc, ws and wss a message has left
        when the system has taken its last byte, over udp when it was taken from the queue, over
        inproc when the peer is there. That says nothing of whether the peer has received it.
        What goes down with a broken connection counts as gone, as libzmq sends it to nobody else;
        at a socket that receives, only once what that peer has sent has been received.

        Raises `Again` when the time is over, which says how many messages wait and for whom;
        `SocketClosed` when the socket is closed meanwhile; `NotSupported` with a libzmq that
        zmqlite did not build. While it waits it uses the socket, as a receive would.
        """
        return self._wait(Drain(self, timeout))


class Drain(Wait):
    """One wait until nothing is unsent."""

    def __init__(self, socket: CountedSocket, timeout: float | None) -> None:
        super().__init__(socket, "wait_drained", 0, timeout)
        self._counted = socket
        self._last: SocketStats | None = None

    def _count(self) -> int:
        self._last = self._numbers()
        if self._last.unsent:
            # What a peer that has gone did not take is given up once its end is read, which comes
            # after its messages: a look at EVENTS reads it where none is left.
            _ = self._counted.events
            self._last = self._numbers()
        return -self._last.unsent

    def _numbers(self) -> SocketStats:
        return summed(self._counted._rows("wait_drained"))

    def _refuse_vain(self) -> None:
        """Nothing is in vain: what cannot leave now may later."""

    def state(self) -> str:
        """Say how many messages wait, and for whom."""
        last = self._last
        waiting = [] if last is None else [peer for peer in last.peers if peer.unsent]
        waiting.sort(key=lambda peer: -peer.unsent)
        total = 0 if last is None else last.unsent
        named = [
            f"{peer.unsent} for {peer.address or peer.endpoint or 'a peer'}"
            for peer in waiting[:_SHOWN]
        ]
        more = ", ..." * (len(waiting) > _SHOWN)
        messages = "1 message waits" if total == 1 else f"{total} messages wait"
        return f"{messages}: " + ", ".join(named) + more
