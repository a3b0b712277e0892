"""The tasks of trio that a proxy runs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from .._loops.proxies import LoopRunner
from .wakeup import Wakeup

__all__ = ["TaskRunner"]


class TaskRunner(LoopRunner):
    """Runs a proxy in system tasks of the run: it has no nursery, and keeps its errors itself."""

    new_wakeup = Wakeup

    def spawn(self, run: Callable[[], Any], over: Callable[..., object]) -> Callable[[], object]:
        """Run a coroutine function in a task of its own, always its first step; return what
        cancels it."""
        scope = trio.CancelScope()

        async def scoped() -> None:
            with scope:
                await run()

        trio.lowlevel.spawn_system_task(scoped)
        return scope.cancel
