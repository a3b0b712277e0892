"""What the sockets of trio and gevent have in common: how they are bound to a loop, and which
of its tasks must hear of what."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._native import core
from ..enums import SocketOption
from ..error import Again, SocketClosed, ThreadMisuse
from ..options.rows import Kind
from .binding import TaskBinding
from .uses import UsedSocket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["DONTWAIT", "LoopSocket"]

DONTWAIT = 1
_RCVTIMEO, _SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value


class LoopSocket(UsedSocket[bytes]):
    """A socket that belongs to the loop that uses it, and moves when nobody waits on it.

    The thread-safe types belong to every loop that uses them.
    """

    __slots__ = ("_link", "_links")  # see SocketSettings
    _link: Any
    _links: dict[Any, Any]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._link, self._links = None, {}
        return self

    def _home(self) -> Any:
        """Return the running loop; raise RuntimeError where none runs."""
        raise NotImplementedError

    def _make_link(self, home: Any) -> TaskBinding:
        raise NotImplementedError

    def _attach(self, attempt: Callable[[], Any] | None = None) -> Any:
        """Return the link to the running loop, for an attempt that would raise if closed."""
        home = self._home()
        link = self._link
        if link is not None and link.home is home:
            return link
        if self.closed:
            if attempt is not None:
                attempt()  # says it under its own name
            raise SocketClosed.during("use", self._subject(), "the socket is closed")
        links = self._links
        if home not in links:
            for old in list(links.values()):
                if self.thread_safe and not old.over:
                    continue
                if not old.idle:
                    raise ThreadMisuse.during(
                        "use", self._subject(), "tasks of another loop wait on this socket"
                    )
                old.end()
                del links[old.home]
            links[home] = self._make_link(home)
        link = self._link = links[home]
        return link

    def _untie(self) -> None:
        """End what ties the socket to any loop."""
        links, self._link, self._links = self._links, None, {}
        for link in links.values():
            link.end()

    def close(self, linger: int | None = None) -> None:
        """Close the socket; what waits on it ends with `SocketClosed`, an iteration just ends."""
        super().close(linger)
        # Afterwards: a task that is woken from another thread must not find the socket open still,
        # and wait once more.
        if self._links:
            self._untie()

    # -- uses of the socket: none may cost a waiting task its wake-up -----------------------------

    def _used(self) -> None:
        link = self._link
        if link is None or link.idle or self.closed:
            return
        try:
            here = link.home is self._home()
        except RuntimeError:
            here = False
        if here:
            link.used()

    def loan(self, size: int, flags: int = 0) -> core.Loan:
        """As `zmqlite.Socket.loan`, but leaving the block never waits: it sends or raises
        `Again`."""
        return super().loan(size, flags | DONTWAIT)

    # -- time limits -----------------------------------------------------------------------------

    def _limit(self, flags: int, receives: bool) -> int:
        """Return how long an operation may wait, in ms; -1 for ever."""
        if flags & DONTWAIT:
            return 0
        return int(core.Socket._get_option(self, _RCVTIMEO if receives else _SNDTIMEO, Kind.INT))

    def _again(self, limit: int, receives: bool) -> Again:
        return self._not_now("recv" if receives else "send", limit)
