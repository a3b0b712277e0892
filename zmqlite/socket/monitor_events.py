"""What happens to a socket's connections, as it happens: an iterator of typed events.

libzmq has one monitor a socket. Here it is a PUB, made at the first use; each iterator has a SUB
of its own on it, without a limit, so that several can watch and none can stall the socket.
"""

from __future__ import annotations

import sys
from itertools import count
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from weakref import WeakSet, ref

from .._native import core
from .._threads import first_use_lock
from ..enums import Event, SocketType
from ..error import ContextTerminated, NotSupported, SocketClosed, StateError
from ..monitor import parse_monitor_message, reason_for
from ..options.check import is_number
from .peers import TELLS_NAMES, PeerSocket, routing_id_in

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["EventStream", "MonitorEvent", "WatchedSocket"]

_numbers = count(1)
_TOLD = Event.ALL_V2 & ~Event.PIPES_STATS
_ONES = [member for member in Event if member & _TOLD == member and member.bit_count() == 1]


class MonitorEvent(NamedTuple):
    """One thing that happened to a connection.

    `endpoint` is where this socket is bound or connected, `address` where the peer is; both are
    empty where it is not known. `reason` says in words why (the text of an errno, a ZAP status,
    what was wrong with the handshake), `retry` in how many milliseconds the next try comes.
    `value` is libzmq's number: a descriptor, an errno, milliseconds, a status. `routing_id` is
    what the socket addresses the peer by, as in `Peer`, where it was known when this happened:
    that of a peer that has left, but mostly not yet that of one that has just come
    (HANDSHAKE_SUCCEEDED). It is never that of another peer before it at the same address.
    """

    event: Event
    endpoint: str
    address: str
    reason: str
    retry: int | None
    value: int
    routing_id: bytes | int | None = None

    def __str__(self) -> str:
        where = " ".join(dict.fromkeys(filter(None, [self.endpoint, self.address])))
        detail = self.reason and f"({self.reason})"
        return " ".join(filter(None, [self.event.name, where, detail]))


def _decode(parts: list[bytes], endpoints: tuple[str, ...]) -> MonitorEvent:
    name = parts.pop() if TELLS_NAMES else b""
    message = parse_monitor_message(parts)
    event, value = message["event"], message["value"]
    local, remote = (
        message.get(side, b"").decode("utf-8", "surrogateescape")  # type: ignore[attr-defined]
        for side in ("local", "remote")
    )
    connected = not local or remote in endpoints
    retry = value if event == Event.CONNECT_RETRIED else None
    return MonitorEvent(
        event,
        remote if connected else local,
        remote,
        reason_for(event, value),
        retry,
        value,
        routing_id_in(name),
    )


class EventStream:
    """An iterator of `MonitorEvent`, from `monitor_events()` of a socket; it may be closed early.

    It ends after MONITOR_STOPPED: when the socket is closed, or the monitor is stopped. It has
    a socket of its own in the context, which is closed at the end, or by `close`.
    """

    __slots__ = ("__weakref__", "_source", "_watched")

    def __init__(self, watched: WatchedSocket, source: Any, events: int) -> None:
        self._watched, self._source = ref(watched), source
        for one in _ONES:
            if one & (events | Event.MONITOR_STOPPED):
                source.subscribe(int(one).to_bytes(8, sys.byteorder))

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return bool(self._source.closed)

    def close(self) -> None:
        """End it, where it is iterated; the socket that it watches goes on."""
        self._source.close(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> MonitorEvent:
        if self.closed:
            raise StopIteration
        try:
            return self._event(self._source.recv_multipart())
        except (ContextTerminated, SocketClosed):
            self.close()
            raise StopIteration from None

    def _event(self, parts: list[bytes]) -> MonitorEvent:
        watched = self._watched()
        event = _decode(parts, () if watched is None else watched.endpoints)
        if event.event == Event.MONITOR_STOPPED:
            self.close()
        return event


class WatchedSocket(PeerSocket):
    """The part of `Socket` that tells what happens to its connections; see `Socket`."""

    __slots__ = ("_events_at", "_monitor_taken", "_streams")
    _events_at: str
    _monitor_taken: bool
    _streams: WeakSet[EventStream]
    _stream_class: ClassVar[type[EventStream]] = EventStream

    @property
    def _own_class(self) -> type[Any]:
        """The class that its program made it of, while it has another one for a time."""
        return type(self)

    def monitor_events(self, events: int = Event.ALL) -> EventStream:
        """Return an iterator of what happens to the connections from now on.

        It yields a `MonitorEvent` for each of the kinds in ``events``, waits between them, and
        ends when the socket is closed; as a context manager it is closed at the end. Several may
        watch one socket, in any threads. Nothing is reported about inproc connections.

        Raises `StateError` where `monitor` or `get_monitor_socket` has taken libzmq's one monitor,
        `NotSupported` where libzmq has no drafts, and `SocketClosed`.
        """
        if not is_number(events):
            raise TypeError(f"monitor_events() takes a sum of EVENT_..., not {events!r:.80}")
        if self.closed:
            raise SocketClosed.during("monitor_events", self._subject(), "the socket is closed")
        if not core.DRAFT_API:
            hint = "it takes a libzmq with its draft API"
            raise NotSupported.during("monitor_events", self._subject(), hint)
        world = next(kind for kind in self._own_class.__mro__ if "_repr_cls" in vars(kind))
        # A second monitor would end the first: a stream is among those that watch before others
        # may ask for one.
        with first_use_lock:
            address = self._publish_events()
            source: Any = world(self.context, SocketType.SUB)
            try:
                source.rcvhwm = 0
                source.connect(address)
                stream = self._stream_class(self, source, index(events))
                self._streams.add(stream)
            except BaseException:
                source.close(0)
                raise
        return stream

    def _publish_events(self) -> str:
        """Return where the socket's monitor publishes, which is made at the first use."""
        if getattr(self, "_monitor_taken", False):
            hint = "the socket's one monitor is in use: disable_monitor() first"
            raise StateError.during("monitor_events", self._subject(), hint)
        if not hasattr(self, "_events_at"):
            address = f"inproc://zmqlite.events-{next(_numbers)}-{id(self):x}"
            try:
                self._monitor(address, int(_TOLD), 3 if TELLS_NAMES else 2, SocketType.PUB.value)
            except (SocketClosed, ContextTerminated) as error:
                error.operation = "monitor_events"
                raise
            self._events_at, self._streams = address, WeakSet()
        return self._events_at

    def _take_monitor(self, address: str | None) -> None:
        """The program wants the monitor for itself, or stops it."""
        with first_use_lock:
            streams = getattr(self, "_streams", ())
            if address is not None and any(not stream.closed for stream in streams):
                hint = "monitor_events() watches this socket: close what it returned first"
                raise StateError.during("monitor", self._subject(), hint)
            if hasattr(self, "_events_at"):
                del self._events_at
            self._monitor_taken = address is not None
