"""The greenlets that a proxy runs in, and the proxy itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gevent

from .._loops.proxies import LoopRunner, WaitingProxy
from ..proxy import Proxy
from ..socket.requests import finished
from .wakeup import Wakeup

__all__ = ["GreenProxy", "TaskRunner"]


class TaskRunner(LoopRunner):
    """Runs a proxy in greenlets."""

    new_wakeup = Wakeup

    def spawn(self, run: Callable[[], Any], over: Callable[..., object]) -> Callable[[], object]:
        """Run a coroutine function, which blocks and never suspends, in a greenlet of its own."""
        spawn: Any = gevent.spawn
        greenlet = spawn(lambda: finished(run()))
        greenlet.link(over)
        return partial(greenlet.kill, block=False)


class GreenProxy(WaitingProxy, Proxy):
    """Moves messages between two sockets in greenlets; see `zmqlite.Proxy` for all else.

    The sockets are of gevent. What else uses them meanwhile raises `StateError`.
    """

    _sleep: Any = staticmethod(gevent.sleep)

    async def _pause(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it ends by itself; see `zmqlite.Proxy.wait`."""
        return finished(self._wait(timeout))

    def stop(self) -> None:
        """End it, and wait until it has ended; see `zmqlite.Proxy.stop`."""
        finished(self._stop())
