"""What the sockets for asyncio and tornado have in common: pyzmq's habits over `zmqlite.asyncio`.

The machinery is zmqlite's. Here is what pyzmq's users see of theirs: sockets that can be used
before the loop runs, `_recv_futures` and `_send_futures`, `from_socket` with its arguments.
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio
import sys
import warnings
from asyncio import Future
from collections import deque
from typing import Any, NamedTuple, TypeVar, cast

from .. import asyncio as _aio
from ..asyncio import operation as _aio_operation
from ..asyncio.binding import budget_of
from .sugar import Poller, Socket

__all__: list[str] = []

T = TypeVar("T", bound="_AsyncSocket")

_POLLIN, _POLLOUT = 1, 2
_PACKAGE = __name__.partition(".")[0]
_get_running_loop = asyncio._get_running_loop


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that names the line outside of this package that called."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class _FutureEvent(NamedTuple):
    """A call that waits."""

    future: Future[Any]
    kind: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - nobody adds to it
    msg: Any = None
    timer: Any = None


class _Async:
    """Something that belongs to a loop."""

    _current_loop: Any = None
    _Future: type[Future[Any]] = Future

    def _get_loop(self) -> Any:
        """Return the loop that is in use now, with a RuntimeWarning if none runs."""
        self._current_loop = self._default_loop()
        return self._current_loop

    def _default_loop(self) -> Any:
        raise NotImplementedError("the module of the loop adds this")

    def _init_io_state(self, loop: Any = None) -> None:
        """Do nothing: a descriptor is watched when someone waits."""

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, or the one that this thread would run."""
        running = _get_running_loop()
        if running is not None:
            return running
        loop = self._silent_loop()
        budget_of(loop).reset()  # it does not pass by itself
        return loop

    def _silent_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that is not running yet."""
        return asyncio.get_event_loop()


class _AsyncPoller(_Async, _aio.Poller, Poller):
    """A Poller whose `poll` returns a Future."""

    _socket_class: type[_AsyncSocket]

    def poll(self, timeout: float | None = -1) -> Future[list[tuple[Any, int]]]:
        """Wait for a member: a Future of the (member, events) pairs that are ready."""
        future = super().poll(timeout)
        if not future.done() and _get_running_loop() is None:
            self._get_loop()  # warns
        return future


class _AsyncSocket(_Async, _aio.Socket, Socket["Future[Any]"]):  # type: ignore[misc]
    """A Socket whose data calls return Futures; see `zmqlite.asyncio.Socket`.

    As in pyzmq a call may be made before the loop runs, which warns if it has to wait.
    """

    _poller_class: type[_AsyncPoller] = _AsyncPoller

    def __init__(
        self,
        context: Any = None,
        socket_type: int = -1,
        io_loop: Any = None,
        _from_socket: Socket[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(context, Socket):
            context, _from_socket = None, cast("Socket[Any]", context)
        if _from_socket is None:
            super().__init__(context, socket_type, **kwargs)
        else:
            super().__init__(shadow=_from_socket)
        if io_loop is not None:
            kind = type(self).__name__
            warn(f"{kind}(io_loop) means nothing: the running loop is used", DeprecationWarning)

    @classmethod
    def from_socket(cls: type[T], socket: Socket[Any], io_loop: Any = None) -> T:
        """Return an asynchronous handle on a blocking socket, which stays its owner."""
        return cls(_from_socket=socket, io_loop=io_loop)

    def _submit(self, *args: Any, **kwargs: Any) -> Any:
        """As of any asyncio socket; warns if what waits does so for a loop that does not run."""
        future = super()._submit(*args, **kwargs)
        if _get_running_loop() is None and not future.done():
            self._get_loop()
        return future

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> Future[int]:
        """A Future of the mask of events that hold, 0 when ``timeout`` ms are over first."""
        self._poll_events(0)  # a closed socket says so at once
        return super().poll(timeout, flags)

    # -- what some look at -----------------------------------------------------------------------

    @property
    def _recv_futures(self) -> deque[_FutureEvent]:
        """The calls that wait for a message. A snapshot."""
        binding = self._binding
        if binding is None:
            return deque()
        return _events("recv", binding.receivers.all()) + _polls(binding.pollers.all(), _POLLIN)

    @property
    def _send_futures(self) -> deque[_FutureEvent]:
        """The calls that wait for room. A snapshot."""
        binding = self._binding
        if binding is None:
            return deque()
        return _events("send", binding.senders.all()) + _polls(binding.pollers.all(), _POLLOUT)

    @property
    def _shadow_sock(self) -> Socket[bytes]:
        """A blocking handle on this socket."""
        found: Socket[bytes] | None = self.__dict__.get("_blocking")
        if found is None:
            owner: Any = self._shadow_obj
            own = isinstance(owner, Socket)
            found = cast("Socket[bytes]", owner if own else Socket.shadow(self.underlying))
            self.__dict__["_blocking"] = found
        return found


def _events(kind: str, waiting: list[_aio_operation.Operation]) -> deque[_FutureEvent]:
    return deque(_FutureEvent(one, kind) for one in waiting if not one.done())


def _polls(waiting: list[_aio_operation.Operation], event: int) -> deque[_FutureEvent]:
    return _events("poll", [one for one in waiting if one.events & event])
