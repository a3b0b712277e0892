"""Requests of the sockets of event loops: many tasks may have some in flight on one socket."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, overload

from .._native import core
from ..error import StateError
from ..socket.answers import Asked, PendingRequest
from ..socket.requests import RequestSocket
from .peers import AwaitedPeers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AwaitedRequests", "SharedRequests"]

# What begins like this is refused: while requests are in flight, while those of a REQ are, which
# must not send either, and while a proxy has the socket.
_RECEIVES = ("recv", "__next__", "__anext__")
_REFUSED = {
    "requests": _RECEIVES,
    "turns": (*_RECEIVES, "send", "loan"),
    "proxy": (*_RECEIVES, "send", "loan", "request"),
}
_HINT = "requests are in flight, whose answers it would take: wait for them first"


def _reserved(kind: type[Any], purpose: str, hint: str) -> type[Any]:
    """Return a class like this one some of whose calls are refused, for such a purpose.

    A socket has it only meanwhile. So those that are never reserved do not pay for a look.
    """
    name = f"_reserved_for_{purpose}"
    found: type[Any] | None = vars(kind).get(name)
    if found is None:
        found = _make_reserved(kind, _REFUSED[purpose], hint)
        setattr(kind, name, found)
    return found


def _make_reserved(kind: type[Any], refused: tuple[str, ...], hint: str) -> type[Any]:
    members: dict[str, Any] = {
        name: _refusal(name, hint) for name in dir(kind) if name.startswith(refused)
    }
    members["__slots__"], members["_is_reserved"] = (), True
    members["_own_class"] = property(lambda _: kind)
    members["__module__"], members["__qualname__"] = kind.__module__, kind.__qualname__
    if "_repr_cls" in vars(kind):
        members["_repr_cls"] = vars(kind)["_repr_cls"]
    return type(kind.__name__, (kind,), members)


def _refusal(name: str, hint: str) -> Any:
    def refuse(self: Any, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise StateError.during(name.strip("_"), self._subject(), hint)

    async def refuse_later(self: Any) -> NoReturn:
        refuse(self)

    return refuse_later if name == "__anext__" else refuse


class SharedRequests(RequestSocket):
    """What requests and proxies need of a socket that tasks share."""

    __slots__ = ()
    _is_reserved = False

    if TYPE_CHECKING:

        def _use(self, call: Callable[..., Any], *args: Any) -> Any: ...

    def _receives(self) -> bool:
        binding: Any = getattr(self, "_binding", None)
        return bool(binding and binding.receivers.waiters)

    def _reserve(self, reserved: bool) -> None:
        if reserved:
            self._keep_out("turns" if self._asked.by_turns else "requests", _HINT)
        else:
            self._let_in()

    def _keep_out(self, purpose: str, hint: str) -> None:
        """Refuse some calls of others from now on."""
        self.__class__ = _reserved(type(self), purpose, hint)

    def _let_in(self) -> None:
        self.__class__ = type(self).__bases__[0]

    def _send_now(self, asked: Asked, message: list[Any]) -> None:
        self._use(super()._send_now, asked, message)

    def _read_now(self, asked: Asked, request: PendingRequest) -> None:
        self._use(super()._read_now, asked, request)


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
