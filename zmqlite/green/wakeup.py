"""How a greenlet waits until another one has done its work."""

from __future__ import annotations

from gevent.event import Event

__all__ = ["Wakeup"]


class Wakeup:
    """Ends the wait of one greenlet, at once or later; it may come before the wait."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """End the wait."""
        self._event.set()

    async def wait(self, timeout: int) -> bool:
        """Wait at most so many ms, -1 for ever; return whether the end came in time.

        It suspends the greenlet, and the coroutine around it never notices.
        """
        return bool(self._event.wait(None if timeout < 0 else timeout / 1000))
