"""The conversions of sockets that are awaited.

Written by the build from zmqlite/_serialize.py (vendor/stubs.py): change it there, not here.
"""

# fmt: off
# ruff: noqa
# mypy: disable-error-code="override, assignment"
# pyright: reportIncompatibleMethodOverride=false, reportUnusedImport=false
from asyncio import Future
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Literal, TypeVar, overload

from .._loops.socket import LoopSocket
from .._loops.uses import UsedSocket
from .._native import core

_T = TypeVar("_T")

class CoroutinePayload(LoopSocket):
    def send_string(self, u: str, flags: int=0, copy: bool=True, encoding: str='utf-8', **kwargs: Any) -> Coroutine[Any, Any, core.MessageTracker | None]:
        ...
    def recv_string(self, flags: int=0, encoding: str='utf-8') -> Coroutine[Any, Any, str]:
        ...
    send_unicode = send_string
    recv_unicode = recv_string
    def send_strings(self, strings: Iterable[str], flags: int=0, copy: bool=True, encoding: str='utf-8', **kwargs: Any) -> Coroutine[Any, Any, core.MessageTracker | None]:
        ...
    def recv_strings(self, flags: int=0, encoding: str='utf-8') -> Coroutine[Any, Any, list[str]]:
        ...
    def send_json(self, obj: Any, flags: int=0, *, routing_id: int | None=None, group: str | bytes | None=None, **kwargs: Any) -> Coroutine[Any, Any, core.MessageTracker | None]:
        ...
    def recv_json(self, flags: int=0, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        ...
    def send_pyobj(self, obj: Any, flags: int=0, protocol: int=..., copy: bool=True, **kwargs: Any) -> Coroutine[Any, Any, core.MessageTracker | None]:
        ...
    def recv_pyobj(self, flags: int=0) -> Coroutine[Any, Any, Any]:
        ...
    def send_serialized(self, msg: _T, serialize: Callable[[_T], Sequence[core.Data]], flags: int=0, copy: bool=True, **kwargs: Any) -> Coroutine[Any, Any, core.MessageTracker | None]:
        ...
    @overload
    def recv_serialized(self, deserialize: Callable[[list[bytes]], _T], flags: int=0, copy: Literal[True]=True) -> Coroutine[Any, Any, _T]:
        ...
    @overload
    def recv_serialized(self, deserialize: Callable[[list[core.Frame]], _T], flags: int=0, *, copy: Literal[False]) -> Coroutine[Any, Any, _T]:
        ...
    @overload
    def recv_serialized(self, deserialize: Callable[[Any], _T], flags: int=0, copy: bool=True) -> Coroutine[Any, Any, _T]:
        ...
    def recv_envelope(self, flags: int=0) -> Coroutine[Any, Any, tuple[list[bytes], list[bytes]]]:
        ...
