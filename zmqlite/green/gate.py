"""A gate that greenlets serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import gevent

from ..security.service import AwaitedService
from ..security.zap import Outcome
from ..socket.requests import finished

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GateService"]


class GateService(AwaitedService):
    """See `zmqlite.auth.Gate.serve`. What it awaits suspends the greenlet, and no coroutine."""

    def __enter__(self) -> Self:
        self._open()
        self._greenlets: set[Any] = set()
        self._spawn(self._serve, self._spawn)
        return self

    def __exit__(self, *exc: object) -> None:
        gevent.killall(list(self._greenlets), block=True, timeout=1)
        self._close()

    def _spawn(self, function: Any, *args: Any) -> None:
        spawn: Any = gevent.spawn
        greenlet = spawn(lambda: finished(function(*args)))
        self._greenlets.add(greenlet)
        greenlet.link(self._greenlets.discard)

    async def _receive(self) -> list[bytes]:
        parts: list[bytes] = self._socket.recv_multipart()
        return parts

    async def _send(self, parts: list[bytes]) -> None:
        self._socket.send_multipart(parts)

    async def _within(self, frames: list[bytes]) -> Outcome:
        """Return the answer, or `_late` after the limit."""
        outcome: Any = None
        quiet: Any = False  # a limit that ends the block and raises nothing
        with gevent.Timeout(self._limit, quiet) as limit:
            try:
                outcome = self._gate.decide(frames)
            except BaseException as error:  # a Timeout of the check's own, say
                if error is limit or isinstance(error, (gevent.GreenletExit, KeyboardInterrupt)):
                    raise
                outcome = self._failed(frames, error)
        return cast("Outcome", outcome or self._late(frames))
