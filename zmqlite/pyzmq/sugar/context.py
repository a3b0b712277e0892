"""`zmq.Context`: zmqlite's, making sockets of the guest room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ... import context as _ours
from .socket import Socket

__all__ = ["Context", "SyncContext"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVarWithDefault

    _SocketT = _TypeVarWithDefault("_SocketT", default=Socket[bytes])
else:
    _SocketT = TypeVar("_SocketT")


class Context(_ours.Context[_SocketT]):
    """The home of sockets; see `zmqlite.Context` for what its methods do."""

    _socket_class: Callable[..., Any] = Socket
    _repr_cls = "zmq.Context"


if TYPE_CHECKING:
    from typing import TypeAlias

    SyncContext: TypeAlias = Context[Socket[bytes]]
else:
    SyncContext = Context[Socket[bytes]]
