"""The sockets of zmqlite for asyncio (and uvloop): the same names; awaiting is the only difference.

    import zmqlite.asyncio as zmq

    async with zmq.Context() as context, context.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        async for request in server:
            await server.send(request.upper())

What the data calls return is a real ``asyncio.Future``; their work starts at the call. Cancelling a
receive never loses a message, and a cancelled send did not happen. How that is kept: `_aio`.
"""

from __future__ import annotations

import asyncio as _asyncio
import json
import pickle
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

from ._aio import NOTHING, Link, Operation, turn_of
from ._native import core
from .constants import *  # noqa: F403
from .context import Context as _Context
from .enums import PollEvent, SocketOption
from .error import Again, ZMQError
from .poller import Poller as _Poller
from .socket import Socket as _Socket

__all__ = ["Context", "Poller", "Socket", "set_fairness"]

_T = TypeVar("_T")
_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value
_DONTWAIT = 1
_RCVTIMEO, _SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value
_EVENTS = SocketOption.EVENTS.value
_LOSSLESS = "surrogateescape"

_running_loop = _asyncio._get_running_loop
_recv_nonblock = core.Socket.recv_nonblock
_recv_multipart_nonblock = core.Socket.recv_multipart_nonblock
_send = core.Socket.send
_send_multipart = core.Socket.send_multipart
_get_option = core.Socket.get_option


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of the running loop its sockets may use before other tasks run.

    A flooded socket never has to wait, so its task would never pause by itself. After ``seconds`` (2 ms
    unless set) or ``count`` (4096) operations that could be done at once, the next one waits for the next
    pass of the loop.
    """
    turn = turn_of(_asyncio.get_running_loop())
    if seconds is not None:
        turn.seconds = seconds
    if count is not None:
        turn.count = max(count, 1)


class Socket(_Socket[Future]):  # type: ignore[type-arg]
    """A ZeroMQ socket whose data calls are awaited; see `zmqlite.Socket` for all else.

    Belongs to the loop that runs when it is first used, and moves when it is used in another. Pending
    receives are served in the order of their calls, and so are sends. RCVTIMEO, SNDTIMEO and DONTWAIT
    are honoured: the future ends with `Again`. `close` cancels what waits; iteration ends.
    """

    _repr_cls = "zmqlite.asyncio.Socket"
    _link: Link | None = None
    _lane: Any = None

    # -- the loop --------------------------------------------------------------------------------

    def _attach(self) -> Link:
        """Tie the socket to the running loop."""
        loop = _asyncio.get_running_loop()
        link = self._link
        if link is not None:
            if link.loop is loop:
                return link
            link.end()
        link = Link(self, loop)
        self.__dict__["_link"] = link
        self.__dict__["_lane"] = link.lane
        return link

    def _ready_source(self) -> tuple[Any, int]:
        """What speaks when the socket may be ready: FD, or a signal for the types that have none."""
        if self.thread_safe:
            signal = core.ReadySignal(self)
            return signal, signal.fileno()
        return None, self.fd

    def _read_events(self, signal: Any) -> int:
        if signal is not None:
            return int(signal.events())
        return self.poll_events(_POLLIN | _POLLOUT, 0)

    def close(self, linger: int | None = None) -> None:
        """Close the socket and cancel what waits on it; an iteration ends."""
        link = self._link
        if link is not None and not self.closed:
            link.end()
            self.__dict__["_link"] = self.__dict__["_lane"] = None
        super().close(linger)

    def get(self, option: int) -> Any:
        """As `zmqlite.Socket.get`; reading EVENTS never costs a waiting task its wake-up."""
        value = super().get(option)
        if option == _EVENTS and self._link is not None:
            self._link.used()
        return value

    # -- receiving -------------------------------------------------------------------------------

    def _begin_recv(self, attempt: Callable[[], Any], flags: int, ends: bool = False) -> Any:
        """Try at once, else wait in line. `attempt` returns NOTHING when there is no message."""
        link = self._link
        if link is None or link.loop is not _running_loop():
            link = self._attach()
        tried = False
        if not link.receivers.queue and link.turn.take() or flags & _DONTWAIT:
            done = _try(link, attempt)
            if done is not None:
                return done
            tried = True
        timeout = 0 if flags & _DONTWAIT else _limit(self, _RCVTIMEO)
        operation = Operation(link.receivers, attempt, ends=ends)
        return _wait(link.receivers, operation, tried, timeout, "recv")

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:  # type: ignore[override]
        """Receive one part: a Future of bytes, or of a Frame with ``copy=False``."""
        lane = self._lane
        if lane is not None and copy and not flags:
            done = lane.recv(self)
            if done is not None:
                return done
        return self._begin_recv(partial(_attempt_recv, self, copy), flags)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:  # type: ignore[override]
        """Receive one message: a Future of the list of its parts."""
        return self._begin_recv(partial(_attempt_multipart, self, copy, None), flags)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:  # type: ignore[override]
        """Receive one part into a buffer: a Future of the part's full size."""
        return self._begin_recv(partial(_attempt_into, self, buffer, nbytes), flags)

    def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:  # type: ignore[override]
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        return self._begin_recv(partial(_attempt_many, self, max, multipart), flags)

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> Any:  # type: ignore[override]
        """Receive one part as text."""
        convert: Callable[[bytes], Any] = partial(str, encoding=encoding, errors=_LOSSLESS)
        return self._begin_recv(partial(_attempt_converted, self, convert), flags)

    recv_unicode = recv_string

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:  # type: ignore[override]
        """Receive one part and decode it as JSON."""
        return self._begin_recv(partial(_attempt_converted, self, partial(json.loads, **kwargs)), flags)

    def recv_pyobj(self, flags: int = 0) -> Any:  # type: ignore[override]
        """Receive one part and unpickle it. Never from peers that you do not trust."""
        return self._begin_recv(partial(_attempt_converted, self, pickle.loads), flags)

    def recv_strings(self, flags: int = 0, encoding: str = "utf-8") -> Any:  # type: ignore[override]
        """Receive all parts of a message as texts."""

        def convert(parts: list[bytes]) -> list[str]:
            return [part.decode(encoding, _LOSSLESS) for part in parts]

        return self._begin_recv(partial(_attempt_multipart, self, True, convert), flags)

    def recv_serialized(  # type: ignore[override]
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True
    ) -> Any:
        """Receive a message and pass its parts through ``deserialize``."""
        return self._begin_recv(partial(_attempt_multipart, self, copy, deserialize), flags)

    def recv_envelope(self, flags: int = 0) -> Any:  # type: ignore[override]
        """Receive a message as (envelope, body), parted at the first empty part."""
        return self._begin_recv(partial(_attempt_multipart, self, True, _part_envelope), flags)

    def __aiter__(self) -> Socket:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if self.closed:
            raise StopAsyncIteration
        lane = self._lane
        if lane is not None:
            ready = lane.next(self)
            if ready is not None:
                return ready  # type: ignore[no-any-return]
        return self._begin_recv(partial(_attempt_recv, self, True), 0, ends=True)  # type: ignore[no-any-return]

    def __iter__(self) -> Any:
        raise TypeError("an asyncio socket is iterated with `async for`")

    # -- sending ---------------------------------------------------------------------------------

    def _begin_send(self, attempt: Callable[[], Any], flags: int) -> Any:
        link = self._link
        if link is None or link.loop is not _running_loop():
            link = self._attach()
        tried = False
        if not link.senders.queue and link.turn.take() or flags & _DONTWAIT:
            done = _try(link, attempt)
            if done is not None:
                return done
            tried = True
        timeout = 0 if flags & _DONTWAIT else _limit(self, _SNDTIMEO)
        operation = Operation(link.senders, attempt)
        return _wait(link.senders, operation, tried, timeout, "send")

    def send(  # type: ignore[override]
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Any:
        """Send one part: a Future of None, or of a MessageTracker as `zmqlite.Socket.send` says.

        Sent at once if a peer can take it, whether the Future is awaited or not; else in order, as soon
        as one can. Cancelled before that, it is not sent.
        """
        lane = self._lane
        if lane is not None and copy and routing_id is None and group is None:
            done = lane.send(self, data, flags)
            if done is not None:
                return done
        if copy and not isinstance(data, (bytes, str, core.Frame)):
            data = _snapshot(data)
        attempt = partial(_attempt_send, self, data, flags, copy, track, routing_id, group)
        return self._begin_send(attempt, flags)

    def send_multipart(  # type: ignore[override]
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Send a sequence of parts as one message; see `send`."""
        attempt = partial(_attempt_send_parts, self, msg_parts, flags, copy, track, kwargs)
        return self._begin_send(attempt, flags)

    def send_many(self, messages: Iterable[Any], flags: int = 0) -> Any:  # type: ignore[override]
        """Send every message of an iterable; a Future of how many.

        Its attribute ``sent`` counts them while it waits, and after it was cancelled.
        """
        batch = _Batch(self, messages, flags)
        operation = self._begin_send(batch, flags)
        operation.sent = batch
        return operation

    # -- waiting ---------------------------------------------------------------------------------

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> Any:  # type: ignore[override]
        """A Future of the mask of events that hold, 0 when ``timeout`` ms are over first."""
        link = self._attach()
        attempt = partial(_attempt_poll, self, flags)
        done = _try(link, attempt)
        if done is not None:
            return done
        operation = Operation(link.pollers, attempt)
        if timeout == 0:
            operation.set_result(0)
            return operation
        if timeout is not None and timeout > 0:
            link.loop.call_later(timeout / 1000, _end_poll, operation)
        link.pollers.join(operation, True)
        return operation

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


# -- attempts: each does its work at once, or returns NOTHING ----------------------------------------


def _attempt_recv(socket: Any, copy: bool) -> Any:
    part = _recv_nonblock(socket) if copy else core.Socket.recv(socket, _DONTWAIT, False)
    return NOTHING if part is None else part


def _attempt_converted(socket: Any, convert: Callable[[bytes], Any]) -> Any:
    part = _recv_nonblock(socket)
    return NOTHING if part is None else convert(part)


def _attempt_multipart(socket: Any, copy: bool, convert: Callable[[Any], Any] | None) -> Any:
    parts = _recv_multipart_nonblock(socket, 0, copy)
    if parts is None:
        return NOTHING
    return parts if convert is None else convert(parts)


def _attempt_into(socket: Any, buffer: Any, nbytes: int) -> Any:
    return core.Socket.recv_into(socket, buffer, nbytes=nbytes, flags=_DONTWAIT)


def _attempt_many(socket: Any, most: int, multipart: bool) -> Any:
    return core.Socket.recv_many(socket, most, _DONTWAIT, multipart=multipart)


def _attempt_send(
    socket: Any, data: Any, flags: int, copy: bool, track: bool, routing_id: Any, group: Any
) -> Any:
    return _send(socket, data, flags | _DONTWAIT, copy, track, routing_id, group)


def _attempt_send_parts(
    socket: Any, parts: Any, flags: int, copy: bool, track: bool, kwargs: dict[str, Any]
) -> Any:
    return _send_multipart(socket, parts, flags | _DONTWAIT, copy, track, **kwargs)


def _attempt_poll(socket: Any, flags: int) -> Any:
    return socket.poll_events(flags, 0) or NOTHING


class _Batch:
    """send_many: goes on where it stopped. An int to whoever asks how far it is."""

    def __init__(self, socket: Any, messages: Iterable[Any], flags: int) -> None:
        self._socket = socket
        self._messages = list(messages)
        self._flags = flags
        self.sent = 0

    def __call__(self) -> Any:
        rest = self._messages[self.sent :] if self.sent else self._messages
        self.sent += core.Socket.send_many(self._socket, rest, self._flags | _DONTWAIT)
        return self.sent if self.sent == len(self._messages) else NOTHING

    def __index__(self) -> int:
        return self.sent

    def __eq__(self, other: object) -> bool:
        return self.sent == other

    __hash__ = None  # type: ignore[assignment]


# -- futures ---------------------------------------------------------------------------------------


def _failed(link: Link, error: BaseException) -> Any:
    future: Future[Any] = Future(loop=link.loop)
    future.set_exception(error)
    return future


def _try(link: Link, attempt: Callable[[], Any]) -> Any:
    """Return a finished future, or None if it cannot be done now."""
    try:
        value = attempt()
    except Again:
        value = NOTHING
    except Exception as error:
        return _failed(link, error)
    if link.waiting:
        link.used()
    if value is NOTHING:
        return None
    future: Future[Any] = Future(loop=link.loop)
    future.set_result(value)
    return future


def _wait(side: Any, operation: Operation, tried: bool, timeout: int, name: str) -> Operation:
    if timeout == 0:
        operation.fail(Again(msg=f"{name}: the socket is not ready, and DONTWAIT or a timeout of 0 is set"))
        return operation
    if timeout > 0:
        option = "RCVTIMEO" if name == "recv" else "SNDTIMEO"
        operation.expire_after(timeout / 1000, f"{name}: {option} of {timeout} ms is over")
    side.join(operation, tried)
    return operation


def _limit(socket: Any, option: int) -> int:
    """The timeout in ms, -1 for none; a socket that fails says why when it is tried."""
    try:
        return int(_get_option(socket, option, 0))
    except ZMQError:
        return -1


def _snapshot(data: Any) -> Any:
    """What the caller may change before it is sent is copied now; errors come from the send."""
    try:
        return bytes(memoryview(data))
    except TypeError:
        return data


def _part_envelope(parts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    cut = parts.index(b"") + 1 if b"" in parts else 0
    return parts[:cut], parts[cut:]


def _end_poll(operation: Operation) -> None:
    if not operation.done():
        operation.set_result(0)
        operation._over()


class Context(_Context[Socket]):
    """A context whose `socket` makes asyncio sockets; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _repr_cls = "zmqlite.asyncio.Context"
    _instance = None

    async def __aenter__(self) -> Context:
        return self

    async def __aexit__(self, kind: Any, *exc: object) -> None:
        self.__exit__(kind, *exc)


class Poller(_Poller):
    """A `zmqlite.Poller` whose `poll` is awaited: a Future of the (socket, mask) pairs that are ready."""

    def poll(self, timeout: float | None = None) -> Any:  # type: ignore[override]
        """Wait for registered events; ``timeout`` in ms, None for ever."""
        loop = _asyncio.get_running_loop()
        return loop.create_task(self._poll(None if timeout is None or timeout < 0 else timeout))

    async def _poll(self, timeout: float | None) -> list[tuple[Any, int]]:
        ready = super().poll(0)
        if ready or timeout == 0:
            return ready
        waits = [self._wait_for(source, flags) for source, flags in self.sockets]
        if not waits:
            await _asyncio.sleep(3600 if timeout is None else timeout / 1000)
            return []
        try:
            await _asyncio.wait(
                [wait for wait, _ in waits],
                timeout=None if timeout is None else timeout / 1000,
                return_when=_asyncio.FIRST_COMPLETED,
            )
        finally:
            for _, stop in waits:
                stop()
        return super().poll(0)

    def _wait_for(self, source: Any, flags: int) -> tuple[Future[Any], Callable[[], object]]:
        """Return a future that ends when `source` may be ready, and what to call afterwards."""
        if isinstance(source, Socket):
            future = source.poll(None, flags)
            return future, future.cancel
        loop = _asyncio.get_running_loop()
        waiter: Future[Any] = loop.create_future()
        if isinstance(source, core.Socket):
            return waiter, _watch(loop, waiter, source.get_option(14, 6), _POLLIN)
        fd = source if isinstance(source, int) else source.fileno()
        return waiter, _watch(loop, waiter, fd, flags)


def _watch(loop: Any, waiter: Future[Any], fd: int, flags: int) -> Callable[[], None]:
    def speak() -> None:
        if not waiter.done():
            waiter.set_result(None)

    if flags & _POLLIN:
        loop.add_reader(fd, speak)
    if flags & _POLLOUT:
        loop.add_writer(fd, speak)

    def stop() -> None:
        loop.remove_reader(fd)
        loop.remove_writer(fd)
        waiter.cancel()

    return stop
