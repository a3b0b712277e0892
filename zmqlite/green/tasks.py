"""The greenlets that a proxy runs in, and the proxy itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent

from .._loops.proxies import LoopRunner, WaitingProxy
from ..socket.requests import finished
from .wakeup import Wakeup

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GreenProxy", "TaskRunner"]


class TaskRunner(LoopRunner):
    """Runs a proxy in greenlets."""

    new_wakeup: Any = Wakeup

    def spawn(self, run: Callable[[], Any]) -> Callable[[], object]:
        """Run a coroutine function, which blocks and never suspends, in a greenlet of its own."""
        began = False

        def noted() -> None:
            nonlocal began
            began = True
            finished(run())

        def over(_: object) -> None:
            if not began:  # a greenlet that is killed before its first step runs nothing
                self.ended()

        spawn: Any = gevent.spawn
        greenlet = spawn(noted)
        greenlet.link(over)
        return partial(greenlet.kill, block=False)


class GreenProxy(WaitingProxy):
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

    def __enter__(self) -> Self:
        return self if self._state == "started" else self.start()

    def __exit__(self, kind: Any, *exc: object) -> None:
        self._told = self._told or kind is not None
        self.stop()
