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

    new_wakeup = Wakeup

    def spawn(self, run: Callable[[], Any], over: Callable[..., object]) -> Callable[[], object]:
        """Run a coroutine function in a task of its own; return what cancels it."""
        task = asyncio.get_running_loop().create_task(run())
        task.add_done_callback(over)
        return task.cancel
