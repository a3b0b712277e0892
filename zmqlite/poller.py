"""Waiting on many things at once: sockets, file descriptors, and objects that have one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._native import core
from ._native.core import zmq_poll
from .enums import PollEvent
from .options.socket import warn_of_seconds

__all__ = ["Poller", "select", "select_by", "zmq_poll"]

_IN, _OUT, _ERR = 1, 2, 4
_ALL = _IN | _OUT | _ERR | 8
_SHOWN = 3  # members in a repr


class Poller(core.Poller):
    """A set of things to wait for: zmq_poller(3), as pyzmq and ffi-rzmq spell it.

    Members are sockets, descriptors (int) and objects with `fileno()`, which `poll` reports as
    their descriptor. Waiting costs what is ready, not what is registered. Not for use by two
    threads at once.
    """

    _repr_cls = "zmqlite.Poller"
    _found: list[tuple[Any, int]] = []  # noqa: RUF012 - replaced, never changed

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until a member is ready and return the ready ones as (member, events) pairs.

        `timeout` is in milliseconds; None or a negative number waits for ever, 0 does not wait.
        Returns an empty list when the time runs out, and warns of a time below 1, which means
        seconds. A signal handler that raises ends the wait with its exception; one that returns
        does not, and the deadline is kept.
        """
        self._found = found = super().poll(timeout)
        if not found and timeout:
            self._warn_of_seconds(float(timeout))
        return found

    def _warn_of_seconds(self, timeout: float) -> None:
        if 0 < timeout < 1:
            warn_of_seconds(timeout)

    def poll_nonblock(self) -> list[tuple[Any, int]]:
        """Return what is ready now, without waiting."""
        self._found = found = super().poll(0)
        return found

    @property
    def readables(self) -> list[Any]:
        """The members that the last `poll` found readable."""
        return [member for member, events in self._found if events & _IN]

    @property
    def writables(self) -> list[Any]:
        """The members that the last `poll` found writable."""
        return [member for member, events in self._found if events & _OUT]

    @property
    def size(self) -> int:
        """How many members there are."""
        return len(self)

    def register_readable(self, socket: Any) -> None:
        """Watch `socket` for messages to read, besides what it is watched for already."""
        self.register(socket, self._watched(socket) | _IN)

    def register_writable(self, socket: Any) -> None:
        """Watch `socket` for room to write, besides what it is watched for already."""
        self.register(socket, self._watched(socket) | _OUT)

    def deregister(self, socket: Any, flags: int = _ALL) -> bool:
        """Stop watching `socket` for these events; with none left it is no member any more.

        Returns whether it was watched for one of them.
        """
        watched = self._watched(socket)
        if not watched & flags:
            return False
        left = watched & ~flags
        if left:
            self.modify(socket, left)
        else:
            self.unregister(socket)
        return True

    def deregister_readable(self, socket: Any) -> bool:
        """Stop watching `socket` for messages to read; tell whether it was."""
        return self.deregister(socket, _IN)

    def deregister_writable(self, socket: Any) -> bool:
        """Stop watching `socket` for room to write; tell whether it was."""
        return self.deregister(socket, _OUT)

    def delete(self, socket: Any) -> bool:
        """Forget `socket` altogether, also one that is closed; tell whether it was a member."""
        if socket not in self:
            return False
        self.unregister(socket)
        return True

    def __repr__(self) -> str:
        members = self.sockets
        shown = [f"{member!r} {_named(flags)}" for member, flags in members[:_SHOWN]]
        shown += ["..."] * (len(members) > _SHOWN)
        own = type(self).__dict__.get("_repr_cls")
        name = own or f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{name}({', '.join(shown)}) at {id(self):#x}>"

    def _watched(self, socket: Any) -> int:
        """Return the events that a member is watched for, 0 for a stranger."""
        if socket not in self:
            return 0
        return next(flags for member, flags in self.sockets if member == socket)


def _named(flags: int) -> str:
    names = [event.name or "" for event in PollEvent if flags & event]
    return "|".join(names) or str(flags)


def select(
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None = None,
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait as `select.select` does, for sockets too, and return three lists of what is ready.

    `timeout` is in SECONDS; None or a negative number waits for ever. Sockets come back as they
    are, everything else as its descriptor. A thing named in several lists is watched for all.
    """
    return select_by(zmq_poll, (rlist, wlist, xlist), timeout)


def select_by(
    poll: Callable[[list[tuple[Any, int]], float], list[tuple[Any, int]]],
    lists: tuple[Iterable[Any], Iterable[Any], Iterable[Any]],
    timeout: float | None,
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select` by what waits as `zmq_poll` does."""
    limit = core.time_limit("select", timeout, "seconds")
    wanted: dict[Any, int] = {}
    for members, event in zip(lists, (_IN, _OUT, _ERR), strict=True):
        # to iterate over a socket would wait for a message, over a file would read it
        if isinstance(members, (str, bytes)) or hasattr(members, "fileno"):
            raise _no_list(members)
        try:
            iterator = iter(members)
        except TypeError:
            raise _no_list(members) from None
        for member in iterator:
            try:
                wanted[member] = wanted.get(member, 0) | event
            except TypeError:
                raise _no_list(members) from None
    found = poll(list(wanted.items()), limit if limit < 0 else limit * 1000)
    readable, writable, failed = (
        [member for member, events in found if events & event] for event in (_IN, _OUT, _ERR)
    )
    return readable, writable, failed


def _no_list(members: object) -> TypeError:
    return TypeError(
        f"select() takes lists of sockets: write [socket], [] for none, not {members!r:.80}"
    )
