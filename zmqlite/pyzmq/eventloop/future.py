"""Sockets for tornado's coroutines: those of `zmq.asyncio`, in tornado's loop, which is asyncio's.

One thing differs. A future that is cancelled here has the exception `CancelledError` of this
module, an ordinary `Exception`, so that a coroutine of tornado can catch it.
"""

# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio
from typing import Any
from weakref import ref

from tornado.ioloop import IOLoop

from ...asyncio.operation import Operation
from .. import _future
from .. import sugar as _sugar

__all__ = ["CancelledError", "Context", "IOLoop", "Poller", "Socket"]


class CancelledError(Exception):
    """The exception of a future that was cancelled."""


class _TornadoFuture(Operation):
    """A call that waits, for tornado's coroutines."""

    def cancel(self, msg: Any = None) -> bool:
        """End with this module's `CancelledError`. Nothing was sent or received."""
        if self.done():
            return False
        self.fail(CancelledError())
        self.exception()  # seen: nobody has to be told that it was not
        return True

    def cancelled(self) -> bool:
        """Whether it ended by `cancel`."""
        if super().cancelled():
            return True
        return self.done() and isinstance(self.exception(), CancelledError)


class _AsyncTornado(_future._Async):
    """What belongs to a loop of tornado."""

    _Future = _TornadoFuture
    _READ = IOLoop.READ
    _WRITE = IOLoop.WRITE

    def _default_loop(self) -> IOLoop:
        return IOLoop.current()

    def _silent_loop(self) -> asyncio.AbstractEventLoop:
        loop: Any = IOLoop.current()
        return loop.asyncio_loop  # type: ignore[no-any-return]


class Poller(_AsyncTornado, _future._AsyncPoller):
    """A `zmq.Poller` whose `poll` returns a Future."""

    _socket_class: type[Socket]


class _Member:
    """A socket as a loop knows it: a loop that closes all descriptors closes it."""

    def __init__(self, socket: Socket) -> None:
        self._socket = ref(socket)
        self._fd = socket.fd

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        socket = self._socket()
        if socket is not None:
            socket.close()


class Socket(_AsyncTornado, _future._AsyncSocket):  # type: ignore[misc]
    """A `zmq.Socket` whose data calls return Futures; see `zmqlite.asyncio.Socket`."""

    _repr_cls = "zmq.eventloop.future.Socket"
    _poller_class = Poller
    _operation = _TornadoFuture
    _home_loop: tuple[IOLoop, _Member] | None = None

    def _get_loop(self) -> Any:
        """Return the current loop, which knows the socket from now on."""
        loop = super()._get_loop()
        if self._home_loop is None or self._home_loop[0] is not loop:
            self._leave_loop()
            if not self.thread_safe:
                member = _Member(self)
                loop.add_handler(member, _ignore, 0)
                self._home_loop = loop, member
        return loop

    def _attach(self) -> Any:
        self._get_loop()
        return super()._attach()

    def _leave_loop(self) -> None:
        home, self._home_loop = self._home_loop, None
        if home is not None:
            home[0].remove_handler(home[1].fileno())

    def close(self, linger: int | None = None) -> None:
        """Close the socket and cancel what waits on it."""
        self._leave_loop()
        super().close(linger)


def _ignore(*_: object) -> None:
    pass


Poller._socket_class = Socket


def _make_socket(context: Any, socket_type: int) -> Socket:
    return Socket(context, socket_type)


class Context(_sugar.Context[Socket]):
    """A context that makes sockets for tornado. `instance()` is one of its own."""

    io_loop: Any = None
    _socket_class = staticmethod(_make_socket)
    _repr_cls = "zmq.eventloop.future.Context"
    _instance = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("io_loop", None) is not None:
            kind = type(self).__name__
            _future.warn(
                f"{kind}(io_loop) means nothing: the current loop is used", DeprecationWarning
            )
        super().__init__(*args, **kwargs)
