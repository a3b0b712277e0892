"""Calls that may take the news from the tasks that wait: none may cost one its wake-up.

Those that fail too: libzmq has looked at its commands by then.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .._native import core
from ..enums import SocketOption
from ..error import ForkError, SocketClosed, ThreadMisuse, ZMQError
from ..options.rows import Kind
from ..socket import Socket
from .operations import DONTWAIT, without_waiting

__all__ = ["UsedSocket"]

T = TypeVar("T")
_R = TypeVar("_R")
_REFUSED = (ThreadMisuse, SocketClosed, ForkError)
_EVENTS = SocketOption.EVENTS.value
_CONNECT_ROUTING_ID = SocketOption.CONNECT_ROUTING_ID.value
_RCVTIMEO, _SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value
_get_option = core.Socket._get_option


class UsedSocket(Socket[T]):
    """A socket that tasks wait on, of whatever loop: after such a call they have another look."""

    __slots__ = ()

    def _used(self) -> None:
        """The socket was used, in whatever thread: if a task waits, EVENTS are read soon."""
        raise NotImplementedError

    def _use(self, call: Callable[..., _R], *args: Any) -> _R:
        """Call, and say so; not after a refusal, which has not come so far as to hear news."""
        try:
            result = call(*args)
        except _REFUSED:
            raise
        except BaseException:
            self._used()
            raise
        self._used()
        return result

    def _get_option(self, option: int, kind: int) -> Any:
        if option != _EVENTS:
            return super()._get_option(option, kind)
        return self._use(super()._get_option, option, kind)

    def get_long_option(self, option: int) -> bytes:
        """As of any socket: what is asked for its numbers, or its peers, hears all news."""
        return self._use(super().get_long_option, option)

    def _set_option(self, option: int, kind: int, value: Any) -> None:
        if option != _CONNECT_ROUTING_ID:  # whose check has to know the peers
            super()._set_option(option, kind, value)
        else:
            self._use(super()._set_option, option, kind, value)

    def _poll_events(self, events: int = 1, timeout: float = 0) -> int:
        """Return which of the events hold now. Never waits: `poll` does."""
        return self._use(super()._poll_events, events, 0)

    def recv_nonblock(self, flags: int = 0) -> bytes | None:
        """As `zmqlite.Socket.recv_nonblock`; overtakes the tasks that wait."""
        return self._use(super().recv_nonblock, flags)

    def recv_multipart_nonblock(self, flags: int = 0, copy: bool = True) -> Any:
        """As `zmqlite.Socket.recv_multipart_nonblock`; overtakes the tasks that wait."""
        return self._use(super().recv_multipart_nonblock, flags, copy)

    def send_nonblock(self, data: core.Data, flags: int = 0) -> bool:
        """As `zmqlite.Socket.send_nonblock`; overtakes the tasks that wait."""
        return self._use(super().send_nonblock, data, flags)

    def loan(self, size: int, flags: int = 0) -> core.Loan:
        """As `zmqlite.Socket.loan`, but leaving the block never waits: it sends or raises
        `Again`."""
        return super().loan(size, without_waiting(flags))

    def _limit(self, flags: int, receives: bool) -> int:
        """Return how long an operation may wait, in ms; -1 for ever."""
        if flags & DONTWAIT:
            return 0
        try:
            return int(_get_option(self, _RCVTIMEO if receives else _SNDTIMEO, Kind.INT))
        except ZMQError:  # a socket that fails says why when it is tried
            return -1

    def _bind(self, address: str) -> str:
        return self._use(super()._bind, address)

    def _connect(self, address: str) -> str:
        return self._use(super()._connect, address)

    def _unbind(self, address: str) -> None:
        self._use(super()._unbind, address)

    def _disconnect(self, address: str) -> None:
        self._use(super()._disconnect, address)
