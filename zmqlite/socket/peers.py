"""Who is connected to a socket, and waiting for it, in place of a pause that is long enough.

libzmq, as zmqlite builds it, knows which connections have shaken hands; `known-peers` in its
patches. A wait looks at that, and again after a pause that grows to some milliseconds. It is one
function of an event loop away from the others: `_sleep`.
"""

from __future__ import annotations

import errno
import struct
import sys
import time
from operator import index
from typing import Any, ClassVar, NamedTuple

from .._build import LIBZMQ_PATCHES
from .._native import core
from ..enums import Event, SecurityMechanism, SocketOption
from ..error import Again, ContextTerminated, InvalidArgument, NotSupported, SocketClosed
from ..monitor import reason_for
from ..options.check import is_number
from ..options.rows import Kind
from ..options.socket import SocketSettings

__all__ = [
    "TELLS_NAMES",
    "PastPeer",
    "Peer",
    "PeerSocket",
    "Wait",
    "checked_timeout",
    "not_ours",
    "read_texts",
    "routing_id_in",
]

_COUNT, _LIST, _PAST, _TAKERS = (
    core.OWN_OPTIONS[name] for name in ("peers_count", "peers_list", "peers_gone", "topic_takers")
)
_EVENTS = SocketOption.EVENTS.value
_MECHANISM = SocketOption.MECHANISM.value
_HEAD, _SIZE = struct.Struct("=7q"), struct.Struct("=q")
TELLS_NAMES = "known-names.patch" in LIBZMQ_PATCHES
"""Whether libzmq ends what it says of a peer with its routing id, in lists and in events."""
_TEXTS = 4 if TELLS_NAMES else 3
_BOUND = 1
_CONNECTIONLESS = ("udp://", "pgm://", "epgm://", "norm://")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds
_SHOWN = 5  # endpoints in an error
_ENDS = {
    -2: "turned away by this socket",
    -1: "closed by this socket",
    0: "the peer broke the protocol",
    2: "no sign of life",
}
_GONE = {0: "the peer closed it", errno.EPIPE: "the peer closed it"}


class Peer(NamedTuple):
    """A peer that is connected: it has shaken hands, and nobody has noticed its end.

    `endpoint` is where this socket was bound or connected, `address` where the peer is (both are
    empty where the transport does not know), `direction` "bound" if the peer came to us and
    "connected" if we went there. `mechanism` is None where there is none (inproc, STREAM).
    `user_id` is what the ZAP handler said. `since` is in seconds as of `time.time()`; None for
    inproc. `routing_id` is what this socket addresses it by: the identity for a ROUTER or STREAM,
    the number for a SERVER or PEER; None for other types, and before the socket has heard of it.
    """

    endpoint: str
    address: str
    direction: str
    mechanism: SecurityMechanism | None
    user_id: str
    since: float | None
    routing_id: bytes | int | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, [self.address or self.endpoint, self.user_id]))


class PastPeer(NamedTuple):
    """A connection that ended, or failed to begin: whose, when, by which event, and why.

    `peer` is as it was; its `since` is None if it never shook hands.
    """

    peer: Peer
    until: float
    event: Event
    reason: str

    def __str__(self) -> str:
        what = "" if self.event == Event.DISCONNECTED else "handshake failed: "
        return f"{self.peer.address or self.peer.endpoint}: {what}{self.reason}"


def read_texts(data: bytes, place: int, count: int) -> tuple[list[str], int]:
    """Decode texts that libzmq wrote, each behind its size; return them and the place after."""
    texts: list[str] = []
    for _ in range(count):
        (size,) = _SIZE.unpack_from(data, place)
        place += _SIZE.size + size
        texts.append(data[place - size : place].decode("utf-8", "surrogateescape"))
    return texts, place


def _parse(data: bytes) -> list[tuple[Peer, PastPeer | None]]:
    """Decode what libzmq writes: seven numbers and some texts for each peer."""
    found: list[tuple[Peer, PastPeer | None]] = []
    place, now = 0, time.time()
    while place < len(data):
        kind, mechanism, age, ago, event, value, error = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        (local, remote, user_id, *name), place = read_texts(data, place, _TEXTS)
        bound, known = kind == _BOUND, mechanism >= 0
        peer = Peer(
            local if bound else remote,
            remote,
            "bound" if bound else "connected",
            SecurityMechanism(mechanism) if known else None,
            user_id,
            now - age / 1e6 if age >= 0 and event & ~Event.DISCONNECTED == 0 else None,
            routing_id_in("".join(name).encode("utf-8", "surrogateescape")),
        )
        past = None
        if ago >= 0:
            past = PastPeer(peer, now - ago / 1e6, Event(event), _why(Event(event), value, error))
        found.append((peer, past))
    return found


def routing_id_in(name: bytes) -> bytes | int | None:
    """Decode how libzmq writes a routing id: an identity behind "=", a number behind "#"."""
    if name[:1] == b"#":
        return int.from_bytes(name[1:], sys.byteorder)
    return name[1:] if name else None


def last_past(socket: core.Socket) -> PastPeer | None:
    """Return the last connection of a socket that ended, or failed; None for none."""
    ends = [past for _, past in _parse(socket.get_long_option(_PAST)) if past is not None]
    return ends[-1] if ends else None


def last_end(socket: core.Socket) -> str:
    """Say how the last connection of a socket ended, or failed, and when; "" for none."""
    return end_in_words(socket, last_past(socket))


def end_in_words(socket: core.Socket, past: PastPeer | None) -> str:
    """Say how and when a connection of a socket ended, or failed; "" for none."""
    if past is None:
        return ""
    where = past.peer.address or past.peer.endpoint
    ago = f"{max(time.time() - past.until, 0):.1f} s ago"
    if past.event == Event.DISCONNECTED:
        return f"the last connection ({where}) ended {ago}: {past.reason}"
    return f"the last handshake ({where}) failed {ago}: {_in_words(socket, past)}"


def _in_words(socket: core.Socket, past: PastPeer) -> str:
    """Say what a failed handshake most likely means for who reads it."""
    event, to_us = past.event, past.peer.direction == "bound"
    if event == Event.HANDSHAKE_FAILED_AUTH:
        return (
            f"this socket's ZAP handler refused it ({past.reason})"
            if to_us
            else (f"the server refused us ({past.reason})")
        )
    curve = socket._get_option(_MECHANISM, Kind.INT) == SecurityMechanism.CURVE
    if curve and to_us and event == Event.HANDSHAKE_FAILED_PROTOCOL and "crypto" in past.reason:
        return f"the client has another server key than ours ({past.reason})"
    if curve and not to_us and event == Event.HANDSHAKE_FAILED_NO_DETAIL:
        return "the server key does not belong to that server, or the server refused ours"
    return past.reason


core.explain_ends_with(last_end)


def _why(event: Event, value: int, error: int) -> str:
    if event != Event.DISCONNECTED:
        if event == Event.HANDSHAKE_FAILED_NO_DETAIL and value in _GONE:
            return "the connection ended before it was done"
        return reason_for(event, value) or "no detail"
    return _ENDS.get(value) or _GONE.get(error) or reason_for(Event.CLOSE_FAILED, error)


class PeerSocket(SocketSettings):
    """The half of `Socket` that knows its peers; see `Socket`."""

    __slots__ = ()
    _sleep: Any = staticmethod(time.sleep)  # may be awaited
    _closed_error: ClassVar[type[SocketClosed]] = SocketClosed  # of a wait

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Who is connected now.

        Raises `NotSupported` with a libzmq that zmqlite did not build, `SocketClosed`.
        """
        return tuple(peer for peer, _ in _parse(self._known(_LIST, "peers")))

    @property
    def past_peers(self) -> tuple[PastPeer, ...]:
        """The last 16 connections that ended or failed their handshake, the oldest first.

        Peers of inproc are not among them. Raises as `peers` does.
        """
        known = _parse(self._known(_PAST, "past_peers"))
        return tuple(past for _, past in known if past is not None)

    def _known(self, option: int, operation: str) -> bytes:
        try:
            with_news = self._get_option(_EVENTS, Kind.INT)  # libzmq hears of its peers
            return self.get_long_option(option) if with_news is not None else b""
        except InvalidArgument:
            raise not_ours(operation, self._subject()) from None
        except (SocketClosed, ContextTerminated) as error:
            error.operation = operation
            raise

    def wait_peers(self, n: int = 1, timeout: float | None = None) -> int:
        """Wait until at least ``n`` peers are connected; return how many are.

        ``timeout`` in milliseconds, None for ever. Peers that were there before count, and so do
        those of inproc. After it returns, a message can be sent to each of them.

        Raises `Again` when the time is over, which says who came and who did not; `SocketClosed`
        when the socket is closed meanwhile; `NotSupported` where there are no connections (udp),
        and with a libzmq that zmqlite did not build. While it waits it uses the socket, as a
        receive would.
        """
        return self._wait(Wait(self, "wait_peers", n, timeout))

    def wait_subscribers(
        self, n: int = 1, topic: bytes | str = b"", timeout: float | None = None
    ) -> int:
        """Wait until a PUB or XPUB has at least ``n`` subscribers; return how many there are.

        Those count that would get a message which begins with ``topic``; without a topic, those
        that subscribed to anything. ``timeout`` in milliseconds, None for ever. An XPUB still
        receives each subscription. In manual mode those count that the program has granted.

        Raises as `wait_peers` does, and `NotSupported` on other types.
        """
        return self._wait(Wait(self, "wait_subscribers", n, timeout, topic))

    def _wait(self, wait: Wait) -> int:
        """Pause between looks; another world's sockets do that in their own way."""
        while (pause := wait.look()) is not None:
            self._sleep(pause)
        return wait.found


def checked_timeout(socket: SocketSettings, operation: str, timeout: Any) -> float | None:
    """Return a timeout in ms, None for ever. Raises TypeError or ValueError for what is none, and
    warns of one that is meant in seconds."""
    limit = core.time_limit(operation, timeout)
    if 0 < limit < 1:
        socket._warn_of_seconds(limit, operation)
    return None if limit < 0 else limit


class Wait:
    """One wait for peers or subscribers: looks, and says how long to pause before the next."""

    def __init__(
        self,
        socket: PeerSocket,
        operation: str,
        n: int,
        timeout: float | None,
        topic: bytes | str = b"",
    ) -> None:
        if not isinstance(topic, (str, bytes, bytearray, memoryview)):
            raise TypeError(
                f"{operation}() takes a topic as bytes or str, not {topic!r}: a limit is written "
                "timeout=..."
            )
        if not is_number(n):
            raise TypeError(f"{operation}() takes a number of peers, not {n!r:.80}")
        self.found = 0
        self._socket, self._operation, self._n = socket, operation, index(n)
        self._topic = (
            topic.encode("utf-8", "surrogateescape") if isinstance(topic, str) else bytes(topic)
        )
        self._timeout = checked_timeout(socket, operation, timeout)
        self._end = None if self._timeout is None else time.monotonic() + self._timeout / 1000
        self._pause = _FIRST_PAUSE

    def look(self) -> float | None:
        """Return how many seconds to pause, None if the wait is over; `found` is how many there
        are."""
        socket = self._socket
        subject = socket._subject()
        try:
            self.found = self._count()
            if self.found >= self._n:
                self._see_news()  # what they are sent now reaches them all
                return None
            self._refuse_vain()
            left = _LONGEST_PAUSE if self._end is None else self._end - time.monotonic()
            if left <= 0:
                hint = f"{self._timeout:g} ms are over: {self.state()}"
                raise Again.during(self._operation, subject, hint)
        except SocketClosed as error:
            kind = socket._closed_error
            raise kind.during(self._operation, subject, error.hint) from None
        except ContextTerminated as error:
            error.operation = self._operation
            raise
        pause = min(self._pause, left)
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE)
        return pause

    def _see_news(self) -> None:
        self._socket._get_option(_EVENTS, Kind.INT)

    def _count(self) -> int:
        socket = self._socket
        self._see_news()
        try:
            if self._operation == "wait_peers":
                return int(socket._get_option(_COUNT, Kind.INT))
            socket._set_option(_TAKERS, Kind.BYTES, self._topic)
            return int(socket._get_option(_TAKERS, Kind.INT))
        except InvalidArgument:
            raise not_ours(self._operation, socket._subject()) from None
        except NotSupported:
            raise NotSupported.during(
                self._operation, socket._subject(), "only PUB and XPUB know their subscribers"
            ) from None

    def _refuse_vain(self) -> None:
        """Raise where nobody can ever come."""
        endpoints = self._socket.endpoints
        if self._operation != "wait_peers" or not endpoints:
            return
        if all(one.startswith(_CONNECTIONLESS) for one in endpoints):
            hint = f"{endpoints[0].partition(':')[0]} has no connections to wait for"
            raise NotSupported.during(self._operation, self._socket._subject(), hint)

    def state(self) -> str:
        """Say who came and who did not, and what went wrong last."""
        socket = self._socket
        if self._operation == "wait_subscribers":
            what = f"{self.found} of {self._n} subscribers"
            if self._topic:
                what += f" to {self._topic[:80]!r}" + "..." * (len(self._topic) > 80)
            said = [f"{what}, {len(socket.peers)} connected"]
        else:
            came = socket.peers
            said = [f"{self.found} of {self._n} peers" + _listed(" (", map(str, came), ")")]
            reached = {peer.endpoint for peer in came}
            missing = [one for one in socket.endpoints if one not in reached]
            if missing:
                said.append(_listed("nobody at ", missing, ""))
            if not socket.endpoints:
                said.append("this socket is neither bound nor connected")
        said.append(last_end(socket))
        return "; ".join(filter(None, said))


def _listed(before: str, names: Any, after: str) -> str:
    known = list(names)
    if not known:
        return ""
    return before + ", ".join(known[:_SHOWN]) + ", ..." * (len(known) > _SHOWN) + after


def not_ours(operation: str, subject: str) -> NotSupported:
    """Return (not raise) the error for what only our own libzmq can do."""
    return NotSupported.during(
        operation, subject, "it takes the libzmq that zmqlite builds, with its patches"
    )
