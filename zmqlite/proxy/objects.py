"""A proxy as an object: started, paused, resumed and stopped, in a thread or in a process.

What runs it is behind four calls, its runner: a thread (`thread.py`), a process (`process.py`),
tasks of an event loop (`_loops/proxies.py`). The sockets belong to it from the start to the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from .._native import core
from ..context import Context
from ..error import StateError
from .process import ProcessRunner
from .sides import Sides
from .steering import NOTHING_MOVED, ProxyStatistics
from .thread import ThreadRunner

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Self

    # A socket; or a type, where it is bound, and maybe its options.
    Where: TypeAlias = str | Iterable[str] | None
    Address: TypeAlias = tuple[int | str, Where] | tuple[int | str, Where, dict[str, Any]]
    Side: TypeAlias = core.Socket | Address

__all__ = ["Proxy", "ProxyBase"]


class ProxyBase:
    """What the proxies of all worlds have in common; see `Proxy`."""

    _thread_runner: ClassVar[Any] = ThreadRunner  # or what runs it in an event loop
    _new_context: ClassVar[Any] = Context
    _state, _paused, _told = "new", False, False

    def __init__(self, frontend: Side, backend: Side, capture: Side | None = None) -> None:
        sides = Sides((frontend, backend, capture))
        self._runner: Any = self._thread_runner(sides, self._new_context)

    @classmethod
    def in_process(
        cls, frontend: Address, backend: Address, capture: Address | None = None
    ) -> Self:
        """Return a proxy that runs in a process of its own, with sockets that are made there.

        Each side is a type, where it is bound, and maybe a dict of options (``connect`` among
        them): ``("ROUTER", "tcp://*:5555", {"rcvhwm": 100})``. Ctrl-C does not reach it; it ends
        with the process that started it. The process is spawned, so a program's main module needs
        its ``if __name__ == "__main__"``.
        """
        self = cls.__new__(cls)
        self._runner = ProcessRunner(Sides((frontend, backend, capture)))
        return self

    def start(self) -> Self:
        """Begin to move messages, and return the proxy. From now on the sockets are its own."""
        if self._state != "new":
            raise StateError("a proxy starts once: make another one with the same sockets")
        self._state = "failed"
        self._runner.start()
        self._state = "started"
        return self

    def pause(self) -> None:
        """Stop moving messages: when it returns nothing moves any more. They wait in the sockets'
        queues, and none is lost."""
        self._order("pause")
        self._paused = True

    def resume(self) -> None:
        """Move messages again after `pause`."""
        self._order("resume")
        self._paused = False

    def statistics(self) -> ProxyStatistics:
        """Return how many messages and bytes were moved so far, in each direction."""
        return self._runner.statistics() if self._state == "started" else NOTHING_MOVED

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._state == "started" and not self._runner.wait(0)

    @property
    def paused(self) -> bool:
        """Whether it was told to pause."""
        return self._paused

    @property
    def endpoints(self) -> tuple[tuple[str, ...], ...]:
        """The endpoints of frontend, backend and capture, once it is started."""
        found: tuple[tuple[str, ...], ...] = self._runner.endpoints
        return found

    def _order(self, order: str) -> None:
        self._need_start(order)
        self._runner.order(order)

    def _need_start(self, operation: str) -> None:
        if self._state != "started":
            raise StateError(f"{operation}() of a proxy that was not started: start() it first")

    def _tell(self) -> None:
        """It is over: raise what ended it, once."""
        error = self._runner.error
        if error is not None and not self._told:
            self._told = True
            raise error


class Proxy(ProxyBase):
    """Moves messages between two sockets, both ways, in a thread of its own.

    Each side is a socket, or a type and where it is bound, such as ``("ROUTER", "tcp://*:5555")``;
    what is given so is made and closed by the proxy. ``capture`` gets a copy of every message.
    From `start` to the end the sockets belong to the proxy, and other uses raise `ThreadMisuse`.
    After `stop` they are as they were, open. When their context ends, the proxy ends and closes
    them. What goes wrong inside is raised by `wait`, `stop` or the end of the ``with``.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it ends by itself, with its context or an error; return whether it has.

        ``timeout`` in milliseconds, None for ever. Raises what ended it.
        """
        self._need_start("wait")
        limit = core.time_limit("wait", timeout)
        over: bool = self._runner.wait(None if limit < 0 else limit / 1000)
        if over:
            self._tell()
        return over

    def stop(self) -> None:
        """End it, and wait until it has ended. Messages that it has not taken stay in the queues.

        One in each direction may be lost: taken from one side, with no room at the other. Raises
        what ended it before, unless `wait` has done so. Nothing if it was not started.
        """
        if self._state == "started":
            self._runner.order("terminate")
            self._runner.wait(None)
            self._tell()

    def __enter__(self) -> Self:
        return self if self._state == "started" else self.start()

    def __exit__(self, kind: Any, *exc: object) -> None:
        self._told = self._told or kind is not None
        self.stop()
