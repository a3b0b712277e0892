"""Waiting for several sockets: as zmqlite does it, with pyzmq's late refusals."""

from __future__ import annotations

from typing import Any

from ... import poller as _ours
from ...enums import PollEvent
from ...poller import select

__all__ = ["Poller", "select"]

_BOTH = (PollEvent.POLLIN | PollEvent.POLLOUT).value


class Poller(_ours.Poller):
    """A set of things to wait for; see `zmqlite.Poller` for what its methods do.

    A habit of pyzmq: `register` takes anything, such as the mock of a socket, and only `poll`
    refuses what cannot be waited for.
    """

    _repr_cls = "zmq.Poller"

    def __init__(self) -> None:
        super().__init__()
        self._strangers: dict[Any, int] = {}

    def _warn_of_seconds(self, timeout: float) -> None:
        """Say nothing, as pyzmq does."""

    def register(self, socket: Any, flags: int = _BOTH) -> None:
        """Watch `socket` for these events, which replace those that it was watched for."""
        self._strangers.pop(socket, None)
        try:
            super().register(socket, flags)
        except TypeError:
            self._strangers[socket] = flags

    def unregister(self, socket: Any) -> None:
        """Stop watching `socket`. Raises `KeyError` if it is not watched."""
        if self._strangers.pop(socket, None) is None:
            super().unregister(socket)

    @property
    def sockets(self) -> list[tuple[Any, int]]:
        """The (socket, flags) pairs registered, in order."""
        return super().sockets + list(self._strangers.items())

    def __contains__(self, socket: Any) -> bool:
        return super().__contains__(socket) or socket in self._strangers

    def __len__(self) -> int:
        return super().__len__() + len(self._strangers)

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until a member is ready and return the ready ones as (member, events) pairs."""
        self._refuse_strangers()
        return super().poll(timeout)

    def poll_nonblock(self) -> list[tuple[Any, int]]:
        """Return what is ready now, as (member, events) pairs."""
        self._refuse_strangers()
        return super().poll_nonblock()

    def _refuse_strangers(self) -> None:
        for stranger, flags in self._strangers.items():
            super().register(stranger, flags)  # says why it cannot
