"""How a task of asyncio waits until another one has done its work."""

from __future__ import annotations

import asyncio

__all__ = ["Wakeup", "is_cancelled"]


def is_cancelled(task: asyncio.Task[object] | None) -> bool:
    """Whether a task was asked to end; before Python 3.11 none can tell."""
    return bool(getattr(task, "cancelling", int)())


class Wakeup:
    """Ends the wait of one task, at once or later; it may come before the wait."""

    __slots__ = ("_future", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[bool] = self._loop.create_future()

    def set(self) -> None:
        """End the wait."""
        self._end(True)

    def _end(self, in_time: bool) -> None:
        if not self._future.done():
            self._future.set_result(in_time)

    async def wait(self, timeout: int) -> bool:
        """Wait at most so many ms, -1 for ever; return whether the end came in time."""
        if timeout < 0 or self._future.done():
            return await self._future
        timer = self._loop.call_later(timeout / 1000, self._end, False)
        try:
            return await self._future
        finally:
            timer.cancel()
