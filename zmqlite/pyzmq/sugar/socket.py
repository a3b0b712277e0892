"""`zmq.Socket`: zmqlite's, with pyzmq's name for itself.

The asynchronous sockets of the guest room inherit from their loop's socket in zmqlite first, and
from this one second, so that `isinstance(sock, zmq.Socket)` holds for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ... import socket as _ours

__all__ = ["Socket", "SyncSocket"]

_T = TypeVar("_T")


class Socket(_ours.Socket[_T]):
    """A ZeroMQ socket; see `zmqlite.Socket` for what its methods do."""

    _repr_cls = "zmq.Socket"


if TYPE_CHECKING:
    from typing import TypeAlias

    SyncSocket: TypeAlias = Socket[bytes]
else:
    SyncSocket = Socket[bytes]
