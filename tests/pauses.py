"""How long a flood keeps others waiting: in operations, which no other process can falsify.

`SlowClock` is a time in which each operation takes 50 µs, whatever the machine does. With it the
promise of another turn every 5 ms is a number of operations, and the test is exact. `typical` is
for the real clock.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

PROMISE = 0.005
"""Seconds: another task runs at least this often."""


class SlowClock:
    """A time that goes on by one step whenever someone asks for it."""

    step = 50e-6

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


MOST = round(PROMISE / SlowClock.step)
"""How many operations of a `SlowClock` the promise leaves room for."""


def typical(pauses: Sequence[float]) -> float:
    """The median: what the rule brings about, and not what a busy machine did now and then."""
    assert len(pauses) > 10
    return statistics.median(pauses)
