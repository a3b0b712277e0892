"""Ctrl-C while something waits."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["allow_interrupt"]


class allow_interrupt:
    """On Windows, call `action` when Ctrl-C comes inside the `with`; elsewhere do nothing.

    pyzmq needs this to get out of a blocking call on Windows. Here every call that waits obeys
    Ctrl-C by itself, so the action is just called before what SIGINT does anyway. Only the main
    thread of Python hears signals; in another, nothing is done.
    """

    def __init__(self, action: Callable[[], Any] | None = None) -> None:
        self.action = action
        self._before: Any = None
        self._on = sys.platform == "win32" and action is not None

    def __enter__(self) -> None:
        if self._on and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *args: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        if self.action is not None:
            self.action()
        if callable(self._before):
            self._before(signum, frame)
