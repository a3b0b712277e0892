"""A gate that tasks of an asyncio loop serve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..security.service import AwaitedService
from ..security.zap import Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GateService"]


class GateService(AwaitedService):
    """See `zmqlite.auth.Gate.serve`."""

    async def __aenter__(self) -> Self:
        self._open()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._serve, self._spawn)
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        self._close()
        if tasks:
            await asyncio.wait(tasks)

    def _spawn(self, function: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        task = asyncio.get_running_loop().create_task(function(*args))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _within(self, frames: list[bytes]) -> Outcome:
        answer = asyncio.ensure_future(self._gate.decide_async(frames))
        try:
            done, _ = await asyncio.wait({answer}, timeout=self._limit)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        if not done:
            answer.cancel()  # and it is not waited for: it may not want to end
            return self._late(frames)
        try:
            return answer.result()
        except BaseException as error:  # by what it awaited, it may have been cancelled
            return self._failed(frames, error)
