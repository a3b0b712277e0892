"""The conversions of an asyncio socket: those of every socket (`_serialize.py`), as Futures."""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from .._loops.uses import UsedSocket
from .._native import core

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    from .._serialize import PayloadSocket

    _P = ParamSpec("_P")
    _T = TypeVar("_T")

    def like(call: Callable[_P, _T]) -> Callable[[object], Callable[_P, Future[_T]]]: ...


__all__ = ["FuturePayload"]


class FuturePayload(UsedSocket["Future[Any]"]):
    """What the calls that convert return: they end in `_receive`, `send` and the like."""

    __slots__ = ()

    if TYPE_CHECKING:

        @like(PayloadSocket.recv_string)
        def recv_string(self) -> None: ...
        @like(PayloadSocket.recv_unicode)
        def recv_unicode(self) -> None: ...
        @like(PayloadSocket.recv_strings)
        def recv_strings(self) -> None: ...
        @like(PayloadSocket.recv_json)
        def recv_json(self) -> None: ...
        @like(PayloadSocket.recv_pyobj)
        def recv_pyobj(self) -> None: ...
        @like(PayloadSocket.recv_envelope)
        def recv_envelope(self) -> None: ...

        @overload
        def recv_serialized(
            self,
            deserialize: Callable[[list[bytes]], _T],
            flags: int = 0,
            copy: Literal[True] = True,
        ) -> Future[_T]: ...
        @overload
        def recv_serialized(
            self,
            deserialize: Callable[[list[core.Frame]], _T],
            flags: int = 0,
            *,
            copy: Literal[False],
        ) -> Future[_T]: ...
        @overload
        def recv_serialized(
            self, deserialize: Callable[[Any], _T], flags: int = 0, copy: bool = True
        ) -> Future[_T]: ...
        def recv_serialized(self, deserialize: Any, flags: int = 0, copy: bool = True) -> Any: ...

        @like(PayloadSocket.send_string)
        def send_string(self) -> None: ...
        @like(PayloadSocket.send_unicode)
        def send_unicode(self) -> None: ...
        @like(PayloadSocket.send_strings)
        def send_strings(self) -> None: ...
        @like(PayloadSocket.send_json)
        def send_json(self) -> None: ...
        @like(PayloadSocket.send_pyobj)
        def send_pyobj(self) -> None: ...
        @like(PayloadSocket.send_serialized)
        def send_serialized(self) -> None: ...
