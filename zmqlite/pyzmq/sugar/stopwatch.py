"""A clock that libzmq once had."""

from __future__ import annotations

import time

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measure a stretch of time in microseconds. Deprecated in pyzmq: use `time.perf_counter`."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def start(self) -> None:
        """Start the watch, or start it anew."""
        self._start = time.perf_counter()

    def stop(self) -> int:
        """Return the microseconds since `start`; the watch runs on."""
        return int((time.perf_counter() - self._start) * 1_000_000)
