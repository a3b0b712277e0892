"""Calling back from a loop of tornado: functions and coroutines, and no error gets lost."""

from __future__ import annotations

from asyncio import Future, ensure_future
from collections.abc import Callable
from typing import Any

from tornado.log import gen_log

__all__ = ["Caller", "check_callback"]

_FAILED = "Uncaught exception in ZMQStream callback of %s"


class NotCallable(TypeError, AssertionError):
    """Something else than a callback was given; pyzmq's users know it as AssertionError."""


class Caller:
    """Calls back for someone, and keeps the coroutines that are under way."""

    def __init__(self, owner: object, io_loop: Any) -> None:
        self._name = f"<{type(owner).__name__} at {id(owner):#x}>"
        self._io_loop = io_loop
        self._tasks: set[Future[Any]] = set()

    def call(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call back. An exception is logged and goes on to the loop; a coroutine's is logged."""
        try:
            found: Any = callback(*args, **kwargs)
        except Exception:
            gen_log.exception(_FAILED, self._name)
            raise
        if hasattr(found, "__await__"):
            task: Future[Any] = ensure_future(found, loop=self._io_loop.asyncio_loop)
            self._tasks.add(task)  # a loop alone does not keep a task alive
            task.add_done_callback(self._done)

    def _done(self, task: Future[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            gen_log.error(_FAILED, self._name, exc_info=error)


def check_callback(callback: object) -> None:
    """Raise `NotCallable` unless it can be called, or is None."""
    if callback is not None and not callable(callback):
        raise NotCallable(f"a callback is callable or None, not {callback!r:.80}")
