"""A clock that libzmq once had."""

from __future__ import annotations

import time

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measure a stretch of time in microseconds. Deprecated in pyzmq: use `time.perf_counter`."""

    def __init__(self) -> None:
        self._start: float | None = None

    def start(self) -> None:
        """Start the watch. Raises `RuntimeError` if it runs."""
        if self._start is not None:
            raise RuntimeError("the stopwatch is already running")
        self._start = time.perf_counter()

    def stop(self) -> int:
        """Stop the watch and return the microseconds since `start`.

        Raises `RuntimeError` if it does not run.
        """
        now = time.perf_counter()
        if self._start is None:
            raise RuntimeError("the stopwatch was not started")
        elapsed, self._start = now - self._start, None
        return int(elapsed * 1_000_000)
