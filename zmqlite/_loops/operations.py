"""What an event loop's socket tries: each attempt does its work at once, or says that it cannot.

No loop is known here. An attempt returns WOULD_BLOCK (or raises Again) when the socket is not
ready, and YIELD when it paused in the middle of long work; anything else is its result. The usual
one is no call but the socket itself: a part of it is to be received.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .._native import core
from ..error import Again, SocketClosed

__all__ = [
    "DONTWAIT",
    "IN",
    "OUT",
    "WOULD_BLOCK",
    "YIELD",
    "addressee",
    "no_flags",
    "perform",
    "poll",
    "recv",
    "recv_converted",
    "recv_into",
    "recv_many",
    "recv_parts",
    "send",
    "send_parts",
    "snapshot",
    "strip_internal_traceback",
    "without_waiting",
]

IN, OUT = 1, 2
"""The directions that a queue of a socket waits for, as EVENTS has them."""
WOULD_BLOCK: Any = core.WOULD_BLOCK
"""The socket cannot do it now."""
YIELD: Any = core.YIELD
"""The socket could go on; others should have their turn first."""

DONTWAIT, _SNDMORE = 1, 2
_recv_nonblock = core.Socket._try_recv
_recv_multipart_nonblock = core.Socket._try_recv_multipart
_send = core.Socket.send
_send_multipart = core.Socket.send_multipart


def no_flags(flags: object) -> TypeError:
    """Return (not raise) the error for flags that are no number, as the core says it."""
    return TypeError(
        "an integer is required: flags are numbers, such as zmq.DONTWAIT, and the parts of a "
        f"message come as one list; not {flags!r:.80}"
    )


def without_waiting(flags: int) -> int:
    """Return flags with DONTWAIT among them."""
    try:
        return flags | DONTWAIT
    except TypeError:
        raise no_flags(flags) from None


def perform(attempt: Any) -> Any:
    """Return what an attempt does: it is called, or a socket of which a part is to be received."""
    return recv(attempt, True) if isinstance(attempt, core.Socket) else attempt()


def recv(socket: Any, copy: bool) -> Any:
    """Receive one part."""
    if not copy:
        return core.Socket.recv(socket, DONTWAIT, False)
    part = _recv_nonblock(socket)
    return WOULD_BLOCK if part is None else part


def recv_converted(socket: Any, convert: Callable[[bytes], Any]) -> Any:
    """Receive one part and convert it."""
    part = _recv_nonblock(socket)
    return WOULD_BLOCK if part is None else _converted(convert, part)


def recv_parts(socket: Any, copy: bool, convert: Callable[[Any], Any] | None) -> Any:
    """Receive one message, and convert the list of its parts."""
    parts = _recv_multipart_nonblock(socket, 0, copy)
    if parts is None:
        return WOULD_BLOCK
    return parts if convert is None else _converted(convert, parts)


def _converted(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except StopIteration as error:
        raise RuntimeError("a conversion raised StopIteration") from error
    except Again as error:
        raise core.ForeignAgain(error) from None


def strip_internal_traceback(error: BaseException) -> BaseException:
    """Return an error with the traceback of the conversion that raised it, if any.

    Our own frames tell nothing, and would keep the socket alive.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code is not _CONVERTED:
        trace = trace.tb_next
    return error.with_traceback(trace)


_CONVERTED = _converted.__code__


def recv_into(socket: Any, buffer: Any, nbytes: int) -> Any:
    """Receive one part into a buffer."""
    return core.Socket.recv_into(socket, buffer, nbytes=nbytes, flags=DONTWAIT)


def recv_many(socket: Any, most: int, multipart: bool) -> Any:
    """Receive what is there."""
    receive: Any = core.Socket.recv_many
    return receive(socket, most, DONTWAIT, multipart=multipart)


def send(
    socket: Any, data: Any, flags: int, copy: bool, track: bool, routing_id: Any, group: Any
) -> Any:
    """Send one part."""
    return _send(socket, data, flags | DONTWAIT, copy, track, routing_id, group)


def send_parts(
    socket: Any, parts: Any, flags: int, copy: bool, track: bool, routing_id: Any, group: Any
) -> Any:
    """Send one message."""
    return _send_multipart(
        socket, parts, flags | DONTWAIT, copy, track, routing_id=routing_id, group=group
    )


def poll(socket: Any, flags: int) -> Any:
    """Say which events hold."""
    if socket.closed:
        raise SocketClosed.during("poll", socket._subject(), "the socket is closed")
    return core.Socket._poll_events(socket, flags, 0) or WOULD_BLOCK


def addressee(attempt: Any) -> tuple[Any, bool]:
    """Return whom a send of a routing socket is for, and whether another part is to follow."""
    if isinstance(attempt, core.Batch):
        message = attempt.peek()
        return _first(
            message[0] if isinstance(message, (list, tuple)) and message else message
        ), False
    _, data, flags, _, _, routing_id, _ = attempt.args
    try:
        if routing_id is None:
            routing_id = _first(data if attempt.func is send else data[0])
        return routing_id, bool(flags & _SNDMORE)
    except (IndexError, KeyError, TypeError):  # no message: the attempt will say so
        return None, False


def _first(part: Any) -> Any:
    """Return the routing id in the first part of a message; None if it is none."""
    try:
        return bytes(memoryview(part))
    except TypeError:
        return None


def snapshot(attempt: Any) -> Any:
    """Return a send that has to wait with copies of what its caller may change meanwhile.

    What is no message at all stays as it is: the attempt will say so.
    """
    function: Any = getattr(attempt, "func", None)
    if function not in (send, send_parts):
        return attempt
    socket, data, flags, copy, *rest = attempt.args
    if not copy:
        return attempt
    if function is send_parts:
        if hasattr(data, "__getitem__") and not isinstance(
            data, (str, bytes, bytearray, memoryview)
        ):
            data = tuple(_copied(part) for part in data)
    else:
        data = _copied(data)
    return partial(function, socket, data, flags, copy, *rest)


def _copied(data: Any) -> Any:
    if isinstance(data, (bytes, core.Frame)):
        return data
    try:
        return bytes(memoryview(data))
    except TypeError:
        return data
