"""`zmq.Context`: zmqlite's, making sockets of the guest room."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ... import context as _ours
from .socket import Socket

__all__ = ["Context", "SyncContext"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVarWithDefault

    _SocketT = _TypeVarWithDefault("_SocketT", default=Socket[bytes])
else:
    _SocketT = TypeVar("_SocketT")

_ContextT = TypeVar("_ContextT", bound="Context[Any]")


class Context(_ours.Context[_SocketT]):
    """The home of sockets; see `zmqlite.Context` for what its methods do.

    A program that ends without ending its contexts does not wait for ever: pyzmq loses at once
    what is unsent then, this after a second.
    """

    _exit_limit = 1.0
    _socket_class: Callable[..., Any] = Socket
    _repr_cls = "zmq.Context"
    _instance: ClassVar[Any] = None

    def destroy(self, linger: int | None = None) -> None:
        """Close every socket, then end; `linger` may be any number, as in pyzmq."""
        super().destroy(None if linger is None else int(linger))

    @classmethod
    def instance(cls: type[_ContextT], io_threads: int = 1) -> _ContextT:
        """Return the default context; see `zmqlite.Context.instance`.

        A subclass shares its parent's, as long as there is one, unless it has an `_instance` of
        its own.
        """
        if "_instance" not in cls.__dict__ and cls._instance_pid == os.getpid():
            shared: _ContextT | None = cls._instance
            if shared is not None and not shared.closed:
                return shared
        return super().instance(io_threads)


if TYPE_CHECKING:
    from typing import TypeAlias

    SyncContext: TypeAlias = Context[Socket[bytes]]
else:
    SyncContext = Context[Socket[bytes]]
