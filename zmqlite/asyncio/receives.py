"""The calls of an asyncio socket that receive: what `zmqlite.Socket` has, returning Futures.

Each is an attempt (`_loops.operations`) that is made at once, or waits in line
(`_native/loop/wait_queue.pxi`).
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio
import json
import pickle
from asyncio import Future
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, cast, overload

from .._loops import operations as _attempts
from .._loops.uses import UsedSocket
from .._native import core
from .._serialize import refuse_timeout
from .binding import Link
from .futures import (
    RCVTIMEO,
    Raising,
    try_now,
    wait_in_line,
)
from .operation import Operation

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Receives"]

_T = TypeVar("_T")
_DONTWAIT = 1
_LOSSLESS = "surrogateescape"


class Receives(UsedSocket["Future[Any]"]):
    """The calls of an asyncio `Socket` that receive, and its tie to a loop."""

    __slots__ = ("_fast_path", "_link")  # see SocketSettings
    _link: Link | None
    _fast_path: core.FastPath | None
    _operation: type[Operation] = Operation  # what a call returns that has to wait

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._link = self._fast_path = None
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
        self._link = link = Link(self, loop)
        self._fast_path = link.fast_path
        return link

    def _linked(self) -> Link:
        link = self._link
        if link is None or not link.fast_path.in_loop():
            link = self._attach()
        return link

    # -- receiving -------------------------------------------------------------------------------

    def _begin_recv(
        self, attempt: Callable[[], Any], flags: int, is_iteration: bool = False
    ) -> Any:
        """Try at once, else wait in line. `attempt` returns WOULD_BLOCK if there is nothing."""
        link = self._linked()
        tried = False
        if flags & _DONTWAIT or (not link.receivers.waiters and link.budget.consume()):
            done, tried = try_now(link, attempt)
            try:
                if done is not None:
                    return done
            finally:
                del done  # the traceback of a conversion's error leads to this frame
        operation = link.receivers.operation(self._operation, attempt, is_iteration=is_iteration)
        return wait_in_line(self, link, link.receivers, operation, tried, flags, RCVTIMEO)

    def _wait_to_recv(self, is_iteration: bool = False) -> Any:
        """Wait in line for a part: the quick way has just tried in vain, and left this to us."""
        link: Any = self._link
        operation = link.receivers.operation(self._operation, self, is_iteration=is_iteration)
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
        fast_path = self._fast_path
        if fast_path is not None and copy and not flags:
            done = fast_path.recv(self)
            if done is not None:
                return done
            if fast_path.would_block:
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

    def __aiter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __anext__(self) -> Awaitable[bytes]:
        if self.closed:
            return Raising(StopAsyncIteration())
        if (fast_path := self._fast_path) is not None:
            try:
                ready = fast_path.next(self)
            except Exception as error:
                return Raising(error)
            if ready is not None:
                return cast("Awaitable[bytes]", ready)
            if fast_path.would_block:
                return self._wait_to_recv(is_iteration=True)  # type: ignore[no-any-return]
        attempt = partial(_attempts.recv, self, True)
        return cast("Awaitable[bytes]", self._begin_recv(attempt, 0, is_iteration=True))

    def __iter__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")

    def __next__(self) -> NoReturn:
        raise TypeError("an asyncio socket is iterated with `async for`")


def _part_envelope(parts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    cut = parts.index(b"") + 1 if b"" in parts else 0
    return parts[:cut], parts[cut:]
