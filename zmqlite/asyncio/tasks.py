"""The tasks of asyncio that a proxy runs in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .._loops.proxies import LoopRunner
from .wakeup import Wakeup

__all__ = ["TaskRunner"]


class TaskRunner(LoopRunner):
    """Runs a proxy in tasks of the running loop."""

    new_wakeup: Any = Wakeup

    def spawn(self, run: Callable[[], Any]) -> Callable[[], object]:
        """Run a coroutine function in a task of its own; return what cancels it."""
        began = False

        async def noted() -> None:
            nonlocal began
            began = True
            await run()

        def over(_: object) -> None:
            if not began:  # a task that is cancelled before its first step runs nothing
                self.ended()

        task = asyncio.get_running_loop().create_task(noted())
        task.add_done_callback(over)
        return task.cancel
