"""A gate that greenlets serve."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent

from .._gate_service import Service
from ..error import ContextTerminated, SocketClosed, ZMQError

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
                parts = self._door.recv_multipart()
                self._spawn(self._answer, parts[:2], parts[2:])

    def _answer(self, envelope: list[bytes], frames: list[bytes]) -> None:
        reply = None
        quiet: Any = False  # a limit that ends the block and raises nothing
        with gevent.Timeout(self._limit, quiet):
            try:
                reply = self._gate.answer(frames)
            except TypeError as error:  # a coroutine
                self._gate.log.error("%s", error)
                reply = self._gate.answer_late(frames, "the check is a coroutine")
        with suppress(AttributeError, ZMQError):  # it ends meanwhile
            self._door.send_multipart([*envelope, *(reply or self._late(frames))])
