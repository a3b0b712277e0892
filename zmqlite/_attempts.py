"""What an event loop's socket tries: each attempt does its work at once, or says that it cannot.
 No loop is known here. An attempt returns NOTHING (or raises Again) when the socket is not ready,
and MORE when it paused in the middle of long work; anything else is its result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic
from typing import Any

from ._native import core

__all__ = [
    "MORE",
    "NOTHING",
    "Batch",
    "frozen",
    "poll",
    "recv",
    "recv_converted",
    "recv_into",
    "recv_many",
    "recv_parts",
    "send",
    "send_parts",
    "some_of",
    "without_us",
]

NOTHING: Any = core.NOTHING
"""The socket cannot do it now."""
MORE: Any = core.MORE
"""The socket could go on; others should have their turn first."""

_DONTWAIT = 1
_SECONDS = 0.0005  # how much of a batch is sent at a stretch
_SMALL, _LARGE = (
    256,
    4,
)  # how many messages of a batch, small or large, between two looks at the clock

_recv_nonblock = core.Socket._try_recv
_recv_multipart_nonblock = core.Socket._try_recv_multipart
_send = core.Socket.send
_send_multipart = core.Socket.send_multipart


def recv(socket: Any, copy: bool) -> Any:
    """Receive one part."""
    if not copy:
        return core.Socket.recv(socket, _DONTWAIT, False)
    part = _recv_nonblock(socket)
    return NOTHING if part is None else part


def recv_converted(socket: Any, convert: Callable[[bytes], Any]) -> Any:
    """Receive one part and convert it."""
    part = _recv_nonblock(socket)
    return NOTHING if part is None else _converted(convert, part)


def recv_parts(socket: Any, copy: bool, convert: Callable[[Any], Any] | None) -> Any:
    """Receive one message, and convert the list of its parts."""
    parts = _recv_multipart_nonblock(socket, 0, copy)
    if parts is None:
        return NOTHING
    return parts if convert is None else _converted(convert, parts)


def _converted(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except StopIteration as error:
        raise RuntimeError("a conversion raised StopIteration") from error


def without_us(error: BaseException) -> BaseException:
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
    return core.Socket.recv_into(socket, buffer, nbytes=nbytes, flags=_DONTWAIT)


def recv_many(socket: Any, most: int, multipart: bool) -> Any:
    """Receive what is there."""
    receive: Any = core.Socket.recv_many
    return receive(socket, most, _DONTWAIT, multipart=multipart)


def send(
    socket: Any, data: Any, flags: int, copy: bool, track: bool, routing_id: Any, group: Any
) -> Any:
    """Send one part."""
    return _send(socket, data, flags | _DONTWAIT, copy, track, routing_id, group)


def send_parts(
    socket: Any, parts: Any, flags: int, copy: bool, track: bool, kwargs: dict[str, Any]
) -> Any:
    """Send one message."""
    return _send_multipart(socket, parts, flags | _DONTWAIT, copy, track, **kwargs)


def poll(socket: Any, flags: int) -> Any:
    """Say which events hold."""
    return core.Socket.poll_events(socket, flags, 0) or NOTHING


def some_of(messages: list[Any], start: int) -> list[Any]:
    """Return so many messages from `start` on as are sent in a small part of a millisecond."""
    first: Any = messages[start] if start < len(messages) else b""
    parts: Iterable[Any] = first if type(first) in (list, tuple) else (first,)
    large = any(hasattr(part, "__len__") and len(part) >= 65536 for part in parts)
    return messages[start : start + (_LARGE if large else _SMALL)]


class Batch:
    """Send many messages, going on where the last attempt stopped. `sent` counts them."""

    def __init__(self, socket: Any, messages: Iterable[Any], flags: int) -> None:
        self._socket = socket
        self._messages = list(messages)
        self._flags = flags | _DONTWAIT
        self.sent = 0

    def __call__(self) -> Any:
        end = monotonic() + _SECONDS
        while True:
            chunk = some_of(self._messages, self.sent)
            try:
                count = core.Socket.send_many(self._socket, chunk, self._flags)
            except BaseException as error:
                self.sent += getattr(error, "sent", 0)
                error.__dict__["sent"] = self.sent
                raise
            self.sent += count
            if self.sent == len(self._messages):
                return self.sent
            if count < len(chunk):
                return NOTHING
            if monotonic() > end:
                return MORE


def frozen(attempt: Any) -> Any:
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
