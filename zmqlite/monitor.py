"""What a monitor socket says, in numbers and names: zmq_socket_monitor(3).

libzmq reports on a socket's connections through a second socket, made by
`Socket.get_monitor_socket()`. Each report is a message in one of two layouts:

    version 1: [event u16, value u32] [endpoint]
    version 2: [event u64] [count u64] [value u64] x count [local endpoint] [remote endpoint]

What the value means depends on the event: a file descriptor, an errno, a reconnect interval in
milliseconds, a ZAP status, or a protocol error.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypedDict, overload

from ._native import core
from .enums import Event
from .error import Again, ContextTerminated, SocketClosed, strerror_for

__all__ = [
    "MonitorMessage",
    "describe",
    "monitor_events",
    "parse_monitor_message",
    "recv_monitor_message",
]

_HEAD_V1 = struct.Struct("=HI")
_NUMBER_V2 = struct.Struct("=Q")
_POLLIN, _DONTWAIT = 1, 1

_ERRNO_EVENTS = (
    Event.CONNECT_DELAYED
    | Event.BIND_FAILED
    | Event.ACCEPT_FAILED
    | Event.CLOSE_FAILED
    | Event.HANDSHAKE_FAILED_NO_DETAIL
)
_FD_EVENTS = Event.CONNECTED | Event.LISTENING | Event.ACCEPTED | Event.CLOSED | Event.DISCONNECTED


class _VersionTwo(TypedDict, total=False):
    values: tuple[int, ...]
    local: bytes
    remote: bytes


class MonitorMessage(_VersionTwo):
    """One report of a monitor.

    `event` is what happened. `value` is a plain number (descriptor, errno, milliseconds or ZAP
    status), and for HANDSHAKE_FAILED_PROTOCOL the `PROTOCOL_ERROR_...` member. `endpoint` is
    where. Reports of version 2 add `values` (all of them; PIPES_STATS has two), `local` and
    `remote`; their `endpoint` is the side that version 1 would name.
    """

    event: Event
    value: int
    endpoint: bytes


def parse_monitor_message(msg: Sequence[bytes]) -> MonitorMessage:
    """Decode a message of a monitor socket, of either version.

    Raises `ValueError` for anything that is no such message.
    """
    try:
        parts = [bytes(part) for part in msg]
    except TypeError:
        raise TypeError(
            f"parse_monitor_message() takes the list of parts of a message, not {msg!r:.80}"
        ) from None
    if len(parts) == 2 and len(parts[0]) == _HEAD_V1.size:
        number, value = _HEAD_V1.unpack(parts[0])
        event = Event(number)
        return {"event": event, "value": _meaning(event, value), "endpoint": parts[1]}
    if len(parts) >= 4 and all(len(part) == _NUMBER_V2.size for part in parts[:-2]):
        number, count, *values = (_NUMBER_V2.unpack(part)[0] for part in parts[:-2])
        if count == len(values):
            event, (local, remote) = Event(number), parts[-2:]
            return {
                "event": event,
                "value": _meaning(event, values[0] if values else 0),
                "endpoint": local or remote,
                "values": tuple(values),
                "local": local,
                "remote": remote,
            }
    raise ValueError(f"not the message of a monitor socket: {msg!r:.80}")


def _meaning(event: Event, value: int) -> int:
    """Return the value as what it is for this event."""
    if event == Event.HANDSHAKE_FAILED_PROTOCOL and value in Event._value2member_map_:
        return Event(value)
    return value


class _Awaited(Protocol):
    """A socket of an event loop whose calls are awaited."""

    _is_awaited: ClassVar[Literal[True]]


@overload
def recv_monitor_message(socket: _Awaited, flags: int = 0) -> Awaitable[MonitorMessage]: ...
@overload
def recv_monitor_message(socket: core.Socket, flags: int = 0) -> MonitorMessage: ...
@overload
def recv_monitor_message(socket: Any, flags: int = 0) -> Any: ...
def recv_monitor_message(socket: Any, flags: int = 0) -> Any:
    """Receive and decode the next report of a monitor socket.

    Blocks as `socket.recv_multipart(flags)` does and raises what it raises: `Again` when the
    flags or the socket's timeout say not to wait. On an asynchronous socket the result is to be
    awaited.
    """
    if not hasattr(socket, "recv_multipart"):
        raise TypeError(f"recv_monitor_message() takes a monitor socket, not {socket!r:.80}")
    received: Any = socket.recv_multipart(flags)
    if hasattr(received, "__await__"):
        return _parse_later(received)
    return parse_monitor_message(received)


async def _parse_later(received: Awaitable[list[bytes]]) -> MonitorMessage:
    return parse_monitor_message(await received)


@overload
def monitor_events(socket: _Awaited) -> AsyncIterator[MonitorMessage]: ...
@overload
def monitor_events(socket: core.Socket) -> Iterator[MonitorMessage]: ...
@overload
def monitor_events(socket: Any) -> Any: ...
def monitor_events(socket: Any) -> Any:
    """Yield the reports of a monitor socket until it stops; with ``async for`` if it is awaited.

    Waits between reports. Ends after MONITOR_STOPPED, which is yielded last, and when the
    monitor socket or the context closes. `Again` passes through if the socket has a timeout.
    """
    return _events_later(socket) if hasattr(socket, "_is_awaited") else _events(socket)


def _events(socket: core.Socket) -> Iterator[MonitorMessage]:
    while True:
        try:
            message = parse_monitor_message(socket.recv_multipart())
        except (ContextTerminated, SocketClosed):
            return
        yield message
        if message["event"] == Event.MONITOR_STOPPED:
            return


async def _events_later(socket: Any) -> AsyncIterator[MonitorMessage]:
    while True:
        try:
            message = parse_monitor_message(await recv_report(socket))
        except (ContextTerminated, SocketClosed):
            return
        yield message
        if message["event"] == Event.MONITOR_STOPPED:
            return


async def recv_report(socket: Any) -> list[bytes]:
    """Receive the next report of a monitor socket that is awaited, as it came.

    Where the socket is closed meanwhile this raises `SocketClosed` in every loop; a receive of
    asyncio would be cancelled, and with it a task that nobody has cancelled.
    """
    while True:
        ready = await socket._ready(_POLLIN, socket.rcvtimeo)
        try:
            parts: list[bytes] = await socket.recv_multipart(_DONTWAIT)
            return parts
        except Again:  # another task has taken it, or time is over
            if not ready:
                raise


def describe(message: MonitorMessage) -> str:
    """Return a report as one line for people: what, where, and what the value says."""
    event, value = message["event"], message["value"]
    where = message["endpoint"].decode("utf-8", "surrogateescape")
    detail = f"fd {value}" if event & _FD_EVENTS else reason_for(event, value)
    return " ".join(filter(None, [event.name or hex(event), where, f"({detail})" * bool(detail)]))


_LIKELY: dict[int, str] = {
    Event.PROTOCOL_ERROR_ZMTP_INVALID_METADATA: ": most likely a socket type that does not fit",
}


def reason_for(event: Event, value: int) -> str:
    """Return in words what an event's value says of why it happened; empty for a descriptor."""
    if event & _ERRNO_EVENTS:
        return strerror_for(value) if value else ""
    if event == Event.CONNECT_RETRIED:
        return f"next try in {value} ms"
    if event == Event.HANDSHAKE_FAILED_AUTH:
        return f"ZAP status {value}"
    if event == Event.HANDSHAKE_FAILED_PROTOCOL:
        value = _meaning(event, value)
        name = value.name if isinstance(value, Event) and value.name else hex(value)
        words = name.removeprefix("PROTOCOL_ERROR_").lower().replace("_", " ")
        return words + _LIKELY.get(value, "")
    return ""
