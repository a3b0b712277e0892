"""Calls that may take the news from the tasks that wait: none may cost one its wake-up.

Those that fail too: libzmq has looked at its commands by then.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import Any, TypeVar

from .._native import core
from ..enums import SocketOption
from ..socket import Socket

__all__ = ["UsedSocket"]

T = TypeVar("T")
_EVENTS = SocketOption.EVENTS.value
_CONNECT_ROUTING_ID = SocketOption.CONNECT_ROUTING_ID.value


class UsedSocket(Socket[T]):
    """A socket that tasks wait on, of whatever loop: after such a call they have another look."""

    __slots__ = ()

    def _used(self) -> None:
        """The socket was used: if a task waits, EVENTS are read soon."""
        raise NotImplementedError

    def _get_option(self, option: int, kind: int) -> Any:
        if option != _EVENTS:
            return super()._get_option(option, kind)
        try:
            return super()._get_option(option, kind)
        finally:
            self._used()

    def get_long_option(self, option: int) -> bytes:
        """As of any socket: what is asked for its numbers, or its peers, hears all news."""
        try:
            return super().get_long_option(option)
        finally:
            self._used()

    def visit_long_option(self, option: int) -> bytes | None:
        """The same from any thread: None says that the loop of another one was not disturbed."""
        found = super().visit_long_option(option)
        if found is not None:
            self._used()
        return found

    def _set_option(self, option: int, kind: int, value: Any) -> None:
        if option != _CONNECT_ROUTING_ID:  # whose check has to know the peers
            super()._set_option(option, kind, value)
            return
        try:
            super()._set_option(option, kind, value)
        finally:
            self._used()

    def _poll_events(self, events: int = 1, timeout: float = 0) -> int:
        """Return which of the events hold now. Never waits: `poll` does."""
        try:
            return super()._poll_events(events, 0)
        finally:
            self._used()

    def recv_nonblock(self, flags: int = 0) -> bytes | None:
        """As `zmqlite.Socket.recv_nonblock`; overtakes the tasks that wait."""
        try:
            return super().recv_nonblock(flags)
        finally:
            self._used()

    def recv_multipart_nonblock(self, flags: int = 0, copy: bool = True) -> Any:
        """As `zmqlite.Socket.recv_multipart_nonblock`; overtakes the tasks that wait."""
        try:
            return super().recv_multipart_nonblock(flags, copy)
        finally:
            self._used()

    def send_nonblock(self, data: core.Data, flags: int = 0) -> bool:
        """As `zmqlite.Socket.send_nonblock`; overtakes the tasks that wait."""
        try:
            return super().send_nonblock(data, flags)
        finally:
            self._used()

    def _bind(self, address: str) -> str:
        try:
            return super()._bind(address)
        finally:
            self._used()

    def _connect(self, address: str) -> str:
        try:
            return super()._connect(address)
        finally:
            self._used()

    def _unbind(self, address: str) -> None:
        try:
            super()._unbind(address)
        finally:
            self._used()

    def _disconnect(self, address: str) -> None:
        try:
            super()._disconnect(address)
        finally:
            self._used()
