"""`zmq.asyncio`: sockets whose data calls return asyncio's Futures.

Works in any loop of asyncio, uvloop's and Windows' proactor included; the latter needs neither
tornado nor a warning.
"""

# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

import asyncio as _asyncio
import selectors as _selectors
import warnings
from typing import Any

from .. import asyncio as _aio
from ..asyncio.selector_thread import reader_of as _get_selector
from . import _future
from . import sugar as _sugar

__all__ = ["Context", "Poller", "Socket", "ZMQEventLoop", "install"]


class ProactorSelectorThreadWarning(RuntimeWarning):
    """Never issued here: what pyzmq says when it starts a thread of tornado's on Windows."""


class _AsyncIO(_future._Async):
    """What belongs to a loop of asyncio."""

    _READ = _selectors.EVENT_READ
    _WRITE = _selectors.EVENT_WRITE

    def _default_loop(self) -> _asyncio.AbstractEventLoop:
        try:
            return _asyncio.get_running_loop()
        except RuntimeError:
            text = "no event loop is running: sockets of zmq.asyncio are used inside coroutines"
            _future.warn(text, RuntimeWarning)
        return self._silent_loop()

    def _get_selector(self, io_loop: Any = None) -> Any:
        return _get_selector(self._get_loop() if io_loop is None else io_loop)


class Poller(_AsyncIO, _future._AsyncPoller):
    """A `zmq.Poller` whose `poll` returns a Future."""

    _socket_class: type[Socket]


class Socket(_AsyncIO, _future._AsyncSocket):  # type: ignore[misc]
    """A `zmq.Socket` whose data calls return Futures; see `zmqlite.asyncio.Socket`."""

    _repr_cls = "zmq.asyncio.Socket"
    _poller_class = Poller


Poller._socket_class = Socket


class Context(_sugar.Context[Socket]):
    """A context that makes asyncio sockets. `instance()` is another one than `zmq.Context`'s."""

    _socket_class = Socket
    _repr_cls = "zmq.asyncio.Context"
    _instance = None

    def __init__(self, io_threads: int | _sugar.Context[Any] = 1, shadow: Any = 0) -> None:
        super().__init__(io_threads, shadow)

    __aenter__ = _aio.Context.__aenter__
    __aexit__ = _aio.Context.__aexit__


class ZMQEventLoop(_asyncio.SelectorEventLoop):
    """Deprecated: the loop of asyncio under another name."""

    def __init__(self, selector: _selectors.BaseSelector | None = None) -> None:
        _deprecated()
        super().__init__(selector)


def install() -> None:
    """Deprecated: do nothing."""
    _deprecated()


_told = False


def _deprecated() -> None:
    global _told
    if not _told:
        _told = True
        warnings.warn(
            "ZMQEventLoop and install() are not needed: every loop of asyncio will do",
            DeprecationWarning,
            stacklevel=3,
        )
