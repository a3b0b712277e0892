"""How a task of trio waits until another one has done its work."""

from __future__ import annotations

import trio

__all__ = ["Wakeup"]


class Wakeup:
    """Ends the wait of one task, at once or later; it may come before the wait."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = trio.Event()

    def set(self) -> None:
        """End the wait."""
        self._event.set()

    async def wait(self, timeout: int) -> bool:
        """Wait at most so many ms, -1 for ever; return whether the end came in time."""
        if timeout < 0:
            await self._event.wait()
        else:
            with trio.move_on_after(timeout / 1000):
                await self._event.wait()
        return self._event.is_set()
