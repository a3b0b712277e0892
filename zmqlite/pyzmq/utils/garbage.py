"""What pyzmq's garbage collector is here: a view of the memory that libzmq still reads.

pyzmq keeps the memory of messages that it sends without a copy alive in a table, and has a thread
with a context of its own take entries out when libzmq is done with them. In zmqlite the core
itself holds that memory and lets go of it, without a thread. `gc.refs` shows what it holds.
Programs that look at it, or stop the collector before a fork, find what they expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..._native import core
from ..sugar.context import Context

__all__ = ["GarbageCollector", "gc", "gcref"]


class gcref(NamedTuple):
    """What is known of memory that was lent."""

    obj: Any
    """The `bytes` that libzmq reads; None where it is another kind of buffer."""
    event: Any
    """None: trackers are told without one."""


class _Lent(Mapping[int, gcref]):
    """The memory that libzmq reads at this moment, by its address.

    Plain sends are among it when they lend: zmqlite copies no large `bytes`.
    """

    def __getitem__(self, key: int) -> gcref:
        return gcref(core.loans()[key], None)

    def __iter__(self) -> Iterator[int]:
        return iter(core.loans())

    def __len__(self) -> int:
        return len(core.loans())

    def __repr__(self) -> str:
        return repr(dict(self))


class GarbageCollector:
    """A collector that has nothing to do: it shows what the core holds, and runs no thread."""

    refs: Mapping[int, gcref]
    """What libzmq still reads, by its address."""
    url = "inproc://pyzmq.gc.01"
    """Where pyzmq's collector listens; nobody listens here."""

    def __init__(self, context: Context[Any] | None = None) -> None:
        self.refs = _Lent()
        self._context = context

    @property
    def context(self) -> Context[Any]:
        """The context that was given, or one made now."""
        if self._context is None:
            self._context = Context()
        return self._context

    @context.setter
    def context(self, context: Context[Any]) -> None:
        self._context = context

    def start(self) -> None:
        """Do nothing: there is no thread to start."""

    def stop(self) -> None:
        """Do nothing: there is no thread to stop."""

    def is_alive(self) -> bool:
        """Return False: there is no thread."""
        return False


gc = GarbageCollector()
"""The collector of the process."""
