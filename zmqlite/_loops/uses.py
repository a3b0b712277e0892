"""Calls that may take the news from the tasks that wait: none may cost one its wake-up."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import Any, TypeVar

from .._native import core
from ..enums import SocketOption
from ..socket import Socket

__all__ = ["UsedSocket"]

T = TypeVar("T")
_EVENTS = SocketOption.EVENTS.value


class UsedSocket(Socket[T]):
    """A socket that tasks wait on, of whatever loop: after such a call they have another look."""

    __slots__ = ()

    def _used(self) -> None:
        """The socket was used: if a task waits, EVENTS are read soon."""
        raise NotImplementedError

    def _get_option(self, option: int, kind: int) -> Any:
        value = super()._get_option(option, kind)
        if option == _EVENTS:
            self._used()
        return value

    def _poll_events(self, events: int = 1, timeout: float = 0) -> int:
        """Return which of the events hold now. Never waits: `poll` does."""
        ready = super()._poll_events(events, 0)
        self._used()
        return ready

    def recv_nonblock(self, flags: int = 0) -> bytes | None:
        """As `zmqlite.Socket.recv_nonblock`; overtakes the tasks that wait."""
        part = super().recv_nonblock(flags)
        self._used()
        return part

    def recv_multipart_nonblock(self, flags: int = 0, copy: bool = True) -> Any:
        """As `zmqlite.Socket.recv_multipart_nonblock`; overtakes the tasks that wait."""
        parts = super().recv_multipart_nonblock(flags, copy)
        self._used()
        return parts

    def send_nonblock(self, data: core.Data, flags: int = 0) -> bool:
        """As `zmqlite.Socket.send_nonblock`; overtakes the tasks that wait."""
        sent = super().send_nonblock(data, flags)
        self._used()
        return sent

    def _note(self, operation: str, address: str, resolved: str) -> None:
        super()._note(operation, address, resolved)
        self._used()

    def _remove_endpoint(self, operation: str, addr: Any) -> None:
        super()._remove_endpoint(operation, addr)
        self._used()
