"""`zmq.Socket`: zmqlite's, with pyzmq's name for itself.

The asynchronous sockets of the guest room inherit from their loop's socket in zmqlite first, and
from this one second, so that `isinstance(sock, zmq.Socket)` holds for all of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from ... import options
from ... import socket as _ours
from ...endpoint import Endpoint

__all__ = ["Socket", "SyncSocket"]

_T = TypeVar("_T")
_NOWHERE = re.compile(r"tcp://[\w.*]+:0$").match


class _SocketContext(Endpoint[Any]):
    """What `bind` and `connect` return: the endpoint, a str, by pyzmq's name for it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<SocketContext({self._operation}={str(self)!r})>"


class Socket(_ours.Socket[_T]):
    """A ZeroMQ socket; see `zmqlite.Socket` for what its methods do.

    Habits of pyzmq: closing the `shadow` of a socket closes the socket, nothing is said of an
    option that is set too late to act, nor of a loop that a blocking call stops, and `setsockopt`
    refuses a str.
    """

    _repr_cls = "zmq.Socket"
    _takes_text = False
    _warns_of_loops = False
    _given_context: Any = None
    _dropped = False

    @property
    def context(self) -> Any:
        """The context that this socket lives in, or the one that was put in its place."""
        return self._given_context or super().context

    @context.setter
    def context(self, context: Any) -> None:
        self._given_context = context

    def _add_endpoint(self, operation: str, addr: Any) -> Any:
        if operation == "connect" and isinstance(addr, str) and _NOWHERE(addr):
            self._connect(addr)  # no use, and no harm: some programs and tests do that
            return _SocketContext(addr, self, operation)
        return _SocketContext(str(super()._add_endpoint(operation, addr)), self, operation)

    def close(self, linger: int | None = None) -> None:
        """Close the socket, also through a second handle on it: see `shadow`.

        A handle that is merely dropped closes nothing.
        """
        owner = None if self._dropped else self._shadowed()
        linger = None if linger is None else int(linger)  # whatever number it is
        super().close(linger)
        if owner is not None:
            owner.close(linger)

    def __del__(self) -> None:
        self._dropped = True
        super().__del__()

    def _warn_late(self, row: options.Option) -> None:
        """Say nothing: a program that was not written for us may set any option at any time."""

    def _warn_of_seconds(self, timeout: float, operation: str = "poll") -> None:
        """Say nothing, as pyzmq does."""


if TYPE_CHECKING:
    from typing import TypeAlias

    SyncSocket: TypeAlias = Socket[bytes]
else:
    SyncSocket = Socket[bytes]
