"""What is left of pyzmq's garbage collector: nothing to collect.

pyzmq keeps the memory of messages that it sends without a copy alive in a table, and has a thread
with a context of its own take entries out when libzmq is done with them. In zmqlite the core
itself holds that memory and lets go of it, so there is no thread, and the table stays empty.
Programs that look at it, or stop it before a fork, find what they expect.
"""

from __future__ import annotations

from typing import Any

from ..sugar.context import Context

__all__ = ["GarbageCollector", "gc"]


class GarbageCollector:
    """A collector that holds nothing and runs no thread."""

    refs: dict[int, Any]
    """What is kept for libzmq by this object: nothing."""
    url = "inproc://pyzmq.gc.01"
    """Where pyzmq's collector listens; nobody listens here."""

    def __init__(self, context: Context[Any] | None = None) -> None:
        self.refs = {}
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
