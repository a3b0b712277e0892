"""Requests of the sockets of event loops: many tasks may have some in flight on one socket."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, overload

from .._native import core
from ..answers import Asked, Request
from ..error import StateError
from ..requests import RequestSocket
from .peers import AwaitedPeers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AwaitedRequests", "SharedRequests"]

_ENDS = ("recv", "__next__", "__anext__")  # what receives begins like this
_SENDS = ("send", "loan")  # and what sends, which a REQ must not do either


def _reserved(kind: type[Any], sends: bool) -> type[Any]:
    """Return a class like this one whose receives are refused; of a REQ the sends as well.

    A socket has it while requests are in flight. So those that make none do not pay for a look.
    """
    name = "_reserved_req" if sends else "_reserved_dealer"
    found: type[Any] | None = vars(kind).get(name)
    if found is None:
        found = _make_reserved(kind, sends)
        setattr(kind, name, found)
    return found


def _make_reserved(kind: type[Any], sends: bool) -> type[Any]:
    refused = _ENDS + _SENDS * sends
    members: dict[str, Any] = {
        name: _refusal(name) for name in dir(kind) if name.startswith(refused)
    }
    members["__slots__"] = ()
    members["__module__"], members["__qualname__"] = kind.__module__, kind.__qualname__
    if "_repr_cls" in vars(kind):
        members["_repr_cls"] = vars(kind)["_repr_cls"]
    return type(kind.__name__, (kind,), members)


def _refusal(name: str) -> Any:
    def refuse(self: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
        hint = "requests are in flight, whose answers it would take: wait for them first"
        raise StateError.during(name.strip("_"), self._subject(), hint)

    async def refuse_later(self: Any) -> NoReturn:
        refuse(self)

    return refuse_later if name == "__anext__" else refuse


class SharedRequests(RequestSocket):
    """What requests need of a socket that tasks share."""

    __slots__ = ()

    def _receives(self) -> bool:
        link: Any = getattr(self, "_link", None)
        return bool(link and link.receivers.waiters)

    def _reserve(self, reserved: bool) -> None:
        kind: type[Any] = type(self)
        if reserved:
            self.__class__ = _reserved(kind, self._asked.by_turns)
        else:
            self.__class__ = kind.__bases__[0]

    def _send_now(self, asked: Asked, message: list[Any]) -> None:
        super()._send_now(asked, message)
        self._used()  # type: ignore[attr-defined]

    def _read_now(self, asked: Asked, request: Request) -> None:
        super()._read_now(asked, request)
        self._used()  # type: ignore[attr-defined]


class AwaitedRequests(SharedRequests, AwaitedPeers):  # type: ignore[misc]
    """`request` as a coroutine."""

    __slots__ = ()

    @overload  # type: ignore[override]
    async def request(
        self, data: core.Data, timeout: float | None = None, retries: int = 0
    ) -> bytes | list[bytes]: ...
    @overload
    async def request(
        self, data: Sequence[core.Data], timeout: float | None = None, retries: int = 0
    ) -> list[bytes]: ...
    async def request(self, data: Any, timeout: float | None = None, retries: int = 0) -> Any:
        """Send a message, wait for its answer, and return it; see `zmqlite.Socket.request`.

        Any number of tasks may have requests in flight on one DEALER; on a REQ each waits for its
        turn. Meanwhile other calls that receive raise `StateError`. One that is cancelled costs no
        other its answer; its own is dropped, and counted in `late_answers`.
        """
        return await self._request(data, timeout, retries)

    async def _ready(self, events: int, timeout: int) -> bool:
        return bool(await self.poll(timeout, events))  # type: ignore[attr-defined]
