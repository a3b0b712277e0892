"""A gate that greenlets serve."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import gevent

from ..error import ContextTerminated, SocketClosed, ZMQError
from ..security import service as _service
from ..security.service import Service
from ..security.zap import Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GateService"]


class GateService(Service):
    """See `zmqlite.auth.Gate.serve`."""

    def __enter__(self) -> Self:
        self._open()
        self._greenlets: set[Any] = set()
        self._spawn(self._serve)
        return self

    def __exit__(self, *exc: object) -> None:
        gevent.killall(list(self._greenlets), block=True, timeout=1)
        self._close()

    def _spawn(self, function: Any, *args: Any) -> None:
        spawn: Any = gevent.spawn
        greenlet = spawn(function, *args)
        self._greenlets.add(greenlet)
        greenlet.link(self._greenlets.discard)

    def _serve(self) -> None:
        with suppress(ContextTerminated, SocketClosed):
            while True:
                parts = self._socket.recv_multipart()
                self._spawn(self._answer, parts[:2], parts[2:])

    def _answer(self, envelope: list[bytes], frames: list[bytes]) -> None:
        if self._under_way >= _service._AT_ONCE:
            outcome = self._too_many(frames)
        else:
            self._under_way += 1
            try:
                outcome = self._within(frames)
            finally:
                self._under_way -= 1
        sent = False
        with suppress(AttributeError, ZMQError):  # it ends meanwhile
            self._socket.send_multipart([*envelope, *outcome.reply])
            sent = True
        if sent:
            self._gate.tell(outcome.decision)

    def _within(self, frames: list[bytes]) -> Outcome:
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
