"""The data calls of an asyncio socket: what `zmqlite.Socket` has, returning Futures.

Each is an attempt (`_attempts`) that is made at once, or waits in line (`_aio`).
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio
import json
import pickle
from asyncio import Future
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, cast, overload

from . import _attempts
from ._aio import Link
from ._aio_futures import (
    RCVTIMEO,
    SNDTIMEO,
    Raising,
    Sending,
    go_on_sending,
    try_now,
    wait_in_line,
)
from ._aio_operation import Operation
from ._aio_routing import senders_for
from ._attempts import MORE, NOTHING
from ._native import core
from ._payload import refuse_timeout
from .socket import Socket

if TYPE_CHECKING:
    from ._aio_futures import Count

__all__ = ["Calls"]

_T = TypeVar("_T")
_CallsT = TypeVar("_CallsT", bound="Calls")
_DONTWAIT = 1
_LOSSLESS = "surrogateescape"


class Calls(Socket["Future[Any]"]):
    """The half of an asyncio `Socket` that moves messages."""

    __slots__ = ("_lane", "_link")  # see SettingSocket
    _link: Link | None
    _lane: core.QuickLane | None
    _operation: type[Operation] = Operation  # what a call returns that has to wait

    def __new__(cls: type[_CallsT], *_args: Any, **_kwargs: Any) -> _CallsT:
        self = super().__new__(cls)
        self._link = self._lane = None
        return self

    def _home(self) -> asyncio.AbstractEventLoop:
        """Return the loop to work in."""
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "no running event loop: an asyncio socket is used inside a coroutine; "
                "zmqlite.Socket is the one that blocks"
            ) from None

    def _attach(self) -> Link:
        """Tie the socket to the running loop."""
        loop = self._home()
        link = self._link
        if link is not None:
            if link.loop is loop:
                return link
            link.end()
        self._link = link = Link(self, loop, senders_for)
        self._lane = link.lane
        return link

    def _linked(self) -> Link:
        link = self._link
        if link is None or not link.lane.here():
            link = self._attach()
        return link

    # -- receiving -------------------------------------------------------------------------------

    def _begin_recv(self, attempt: Callable[[], Any], flags: int, ends: bool = False) -> Any:
        """Try at once, else wait in line. `attempt` returns NOTHING when there is no message."""
        link = self._linked()
        tried = False
        if flags & _DONTWAIT or (not link.receivers.queue and link.turn.take()):
            done, tried = try_now(link, attempt)
            try:
                if done is not None:
                    return done
            finally:
                del done  # the traceback of a conversion's error leads to this frame
        operation = link.receivers.operation(self._operation, attempt, ends=ends)
        return wait_in_line(self, link, link.receivers, operation, tried, flags, RCVTIMEO)

    def _wait_to_recv(self, ends: bool = False) -> Any:
        """Wait in line for a part: the quick way has just tried in vain, and left this to us."""
        link: Any = self._link
        operation = link.receivers.operation(self._operation, self, ends=ends)
        return wait_in_line(self, link, link.receivers, operation, True, 0, RCVTIMEO)

    @overload
    def recv(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> Future[bytes]: ...
    @overload
    def recv(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> Future[core.Frame]: ...
    @overload
    def recv(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Future[bytes] | Future[core.Frame]: ...
    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part: a Future of bytes, or of a Frame with ``copy=False``."""
        lane = self._lane
        if lane is not None and copy and not flags:
            done = lane.recv(self)
            if done is not None:
                return done
            if lane.refused:
                return self._wait_to_recv()
        return self._begin_recv(partial(_attempts.recv, self, copy), flags)

    @overload
    def recv_multipart(
        self, flags: int = 0, copy: Literal[True] = True, track: bool = False
    ) -> Future[list[bytes]]: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, *, copy: Literal[False], track: bool = False
    ) -> Future[list[core.Frame]]: ...
    @overload
    def recv_multipart(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Future[list[bytes]] | Future[list[core.Frame]]: ...
    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one message: a Future of the list of its parts."""
        return self._begin_recv(partial(_attempts.recv_parts, self, copy, None), flags)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Future[int]:
        """Receive one part into a buffer: a Future of the part's full size."""
        attempt = partial(_attempts.recv_into, self, buffer, nbytes)
        return cast("Future[int]", self._begin_recv(attempt, flags))

    @overload
    def recv_many(
        self, max: int = 1000, flags: int = 0, *, multipart: Literal[False] = False
    ) -> Future[list[bytes]]: ...
    @overload
    def recv_many(
        self, max: int = 1000, flags: int = 0, *, multipart: Literal[True]
    ) -> Future[list[list[bytes]]]: ...
    def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        return self._begin_recv(partial(_attempts.recv_many, self, max, multipart), flags)

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> Future[str]:
        """Receive one part as text."""
        convert: Callable[[bytes], Any] = partial(str, encoding=encoding, errors=_LOSSLESS)
        attempt = partial(_attempts.recv_converted, self, convert)
        return cast("Future[str]", self._begin_recv(attempt, flags))

    recv_unicode = recv_string  # type: ignore[assignment]

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Future[Any]:
        """Receive one part and decode it as JSON."""
        refuse_timeout(kwargs)
        attempt = partial(_attempts.recv_converted, self, partial(json.loads, **kwargs))
        return cast("Future[Any]", self._begin_recv(attempt, flags))

    def recv_pyobj(self, flags: int = 0) -> Future[Any]:
        """Receive one part and unpickle it. Never from peers that you do not trust."""
        attempt = partial(_attempts.recv_converted, self, pickle.loads)
        return cast("Future[Any]", self._begin_recv(attempt, flags))

    def recv_strings(self, flags: int = 0, encoding: str = "utf-8") -> Future[list[str]]:
        """Receive all parts of a message as texts."""

        def convert(parts: list[bytes]) -> list[str]:
            return [part.decode(encoding, _LOSSLESS) for part in parts]

        attempt = partial(_attempts.recv_parts, self, True, convert)
        return cast("Future[list[str]]", self._begin_recv(attempt, flags))

    @overload
    def recv_serialized(
        self, deserialize: Callable[[list[bytes]], _T], flags: int = 0, copy: Literal[True] = True
    ) -> Future[_T]: ...
    @overload
    def recv_serialized(
        self,
        deserialize: Callable[[list[core.Frame]], _T],
        flags: int = 0,
        *,
        copy: Literal[False],
    ) -> Future[_T]: ...
    @overload
    def recv_serialized(
        self, deserialize: Callable[[Any], _T], flags: int = 0, copy: bool = True
    ) -> Future[_T]: ...
    def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True
    ) -> Any:
        """Receive a message and pass its parts through ``deserialize``."""
        return self._begin_recv(partial(_attempts.recv_parts, self, copy, deserialize), flags)

    def recv_envelope(self, flags: int = 0) -> Future[tuple[list[bytes], list[bytes]]]:
        """Receive a message as (envelope, body), parted at the first empty part."""
        attempt = partial(_attempts.recv_parts, self, True, _part_envelope)
        found = self._begin_recv(attempt, flags)
        return cast("Future[tuple[list[bytes], list[bytes]]]", found)

    def __aiter__(self: _CallsT) -> _CallsT:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if self.closed:
            return Raising(StopAsyncIteration())
        if (lane := self._lane) is not None:
            try:
                ready = lane.next(self)
            except Exception as error:
                return Raising(error)
            if ready is not None:
                return cast("Awaitable[bytes]", ready)
            if lane.refused:
                return self._wait_to_recv(ends=True)  # type: ignore[no-any-return]
        attempt = partial(_attempts.recv, self, True)
        return cast("Awaitable[bytes]", self._begin_recv(attempt, 0, ends=True))

    def __iter__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")

    def __next__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")

    # -- sending ---------------------------------------------------------------------------------

    def _begin_send(self, attempt: Callable[[], Any], flags: int) -> Any:
        link = self._linked()
        side = link.senders
        tried = False
        if flags & _DONTWAIT or ((not side.queue or side.passes(attempt)) and link.turn.take()):
            done, tried = try_now(link, attempt)
            if done is not None:
                return done
        operation = side.operation(self._operation, _attempts.frozen(attempt))
        return wait_in_line(self, link, side, operation, tried, flags, SNDTIMEO)

    @overload
    def send(
        self,
        data: core.Data,
        flags: int = 0,
        copy: Literal[True] = True,
        track: Literal[False] = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Future[None]: ...
    @overload
    def send(
        self,
        data: core.Data,
        flags: int = 0,
        *,
        copy: Literal[False],
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Future[core.MessageTracker]: ...
    @overload
    def send(
        self,
        data: core.Data,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Future[core.MessageTracker] | Future[None]: ...
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
        lane = self._lane
        if lane is not None and copy and routing_id is None and group is None:
            done = lane.send(self, data, flags)
            if done is not None:
                return done
        attempt = partial(_attempts.send, self, data, flags, copy, track, routing_id, group)
        return self._begin_send(attempt, flags)

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
        kwargs = {"routing_id": routing_id, "group": group}
        attempt = partial(_attempts.send_parts, self, msg_parts, flags, copy, track, kwargs)
        return cast("Future[core.MessageTracker | None]", self._begin_send(attempt, flags))

    def send_many(
        self, messages: Iterable[core.Data | Sequence[core.Data]], flags: int = 0
    ) -> Count:
        """Send every message of an iterable; a Future of how many.

        They are drawn as they are sent, each when its turn comes, and other tasks run meanwhile; a
        list is copied first. The attribute ``sent`` of the Future, and of its exception, counts
        them: also after it was cancelled, when one more may have been drawn. SNDTIMEO is for each
        message; with DONTWAIT it ends, with the number, when the next one would have to wait.
        """
        link = self._linked()
        side, batch = link.senders, core.Batch(self, messages, flags)
        operation = Sending.of(side, batch)
        tried = False
        if flags & _DONTWAIT or ((not side.queue or side.passes(batch)) and link.turn.take()):
            begin = monotonic()
            value = operation.attempt()
            link.turn.weigh(monotonic() - begin)
            if link.waiting:
                link.grip.used()
            if value is not NOTHING and value is not MORE:
                operation.finish(value)
            tried = value is NOTHING
        if not operation.done():
            go_on_sending(self, link, operation, tried, flags)
        return cast("Count", operation)

    if TYPE_CHECKING:  # these end in send and send_multipart

        def send_string(
            self,
            u: str,
            flags: int = 0,
            copy: bool = True,
            encoding: str = "utf-8",
            **kwargs: Any,
        ) -> Future[core.MessageTracker | None]: ...

        send_unicode = send_string  # type: ignore[assignment]

        def send_strings(
            self,
            strings: Iterable[str],
            flags: int = 0,
            copy: bool = True,
            encoding: str = "utf-8",
            **kwargs: Any,
        ) -> Future[core.MessageTracker | None]: ...
        def send_json(
            self,
            obj: Any,
            flags: int = 0,
            *,
            routing_id: int | None = None,
            group: str | bytes | None = None,
            **kwargs: Any,
        ) -> Future[core.MessageTracker | None]: ...
        def send_pyobj(
            self,
            obj: Any,
            flags: int = 0,
            protocol: int = pickle.DEFAULT_PROTOCOL,
            copy: bool = True,
            **kwargs: Any,
        ) -> Future[core.MessageTracker | None]: ...
        def send_serialized(
            self,
            msg: _T,
            serialize: Callable[[_T], Sequence[core.Data]],
            flags: int = 0,
            copy: bool = True,
            **kwargs: Any,
        ) -> Future[core.MessageTracker | None]: ...

    def loan(self, size: int, flags: int = 0) -> core.Loan:
        """As `zmqlite.Socket.loan`; leaving the block sends at once, or raises `Again`."""
        return super().loan(size, flags | _DONTWAIT)


def _part_envelope(parts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    cut = parts.index(b"") + 1 if b"" in parts else 0
    return parts[:cut], parts[cut:]
