"""`ping`: round trips, and how long they take."""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group
from rich.text import Text

from ...enums import SocketType
from ...error import Again, NotSupported
from ..command import FAILURE, SUCCESS
from ..output import write
from ..shared.asking import socket_settings
from ..shared.opening import Opening, PlainSocket, milliseconds
from ..shared.screen import (
    View,
    console,
    histogram,
    live_view,
    percentile,
    plain_signs,
    round_size,
    took,
)
from ..shared.values import COUNT, DURATION, SIZE
from ..shared.verb import Example, option, verb

__all__ = ["ping"]

_PATIENCE = 2.0
_REFRESH = 0.1
_SHARE = 20  # drawing takes one part in so many of the time, at most
_KEPT = 100_000  # round trips that the figures are made of
_PERCENTS = (50, 90, 99)


@dataclass
class Trips:
    """What the last round trips took, in seconds, and how many there were, answered or not."""

    place: str
    size: int
    times: deque[float] = field(default_factory=lambda: deque[float](maxlen=_KEPT))
    answers: int = 0
    lost: int = 0

    def add(self, seconds: float) -> None:
        """Note a round trip."""
        self.times.append(seconds)
        self.answers += 1

    def figures(self) -> dict[str, float]:
        """Return the least, the percentiles and the most, of the last ones."""
        ordered = sorted(self.times)
        middle = {f"p{p}": percentile(ordered, p) for p in _PERCENTS}
        return {"min": ordered[0], **middle, "max": ordered[-1]}

    def lines(self, width: int, plain: bool) -> list[str]:
        """Return what to show: a sentence, the figures, the histogram."""
        what = f"{self.answers:,} round trips of {round_size(self.size)}"
        lines = [f"{what} to {self.place}, {self.lost:,} without an answer"]
        if self.answers > len(self.times):
            lines.append(f"the last {len(self.times):,} of them:")
        if self.times:
            figures = self.figures().items()
            lines += ["  ".join(f"{name} {took(value)}" for name, value in figures), ""]
            lines += histogram(self.times, width, plain)
        return lines

    def as_json(self) -> str:
        """Return the same for programs; times in seconds."""
        figures = self.figures() if self.times else {}
        facts = {"to": self.place, "size": self.size, "answers": self.answers}
        return json.dumps({**facts, "lost": self.lost, **figures})


def measure(
    socket: PlainSocket, trips: Trips, count: int | None, interval: float, view: View | None
) -> None:
    """Send requests, one at a time, and note how long each answer takes."""
    data, due = b"x" * trips.size, 0.0
    start, number = time.perf_counter(), 0
    while count is None or number < count:
        if interval:
            time.sleep(max(0.0, start + number * interval - time.perf_counter()))
        number += 1
        begin = time.perf_counter()
        try:
            socket.send(data)
            socket.recv()
        except Again:
            trips.lost += 1
        else:
            trips.add(time.perf_counter() - begin)
        if view is not None and time.perf_counter() > due:
            due = draw(view, trips)


def draw(view: View, trips: Trips) -> float:
    """Draw what is known so far, as much of it as the window has room for.

    Returns when it is to be drawn again.
    """
    start = time.perf_counter()
    lines = trips.lines(view.console.width - 1, plain_signs(view.console))
    kept = [line[: view.console.width - 1] for line in lines[: view.rows]]
    view.show(Group(*(Text(line, no_wrap=True) for line in kept)))
    end = time.perf_counter()
    return end + max(_REFRESH, _SHARE * (end - start))


@verb(
    "ping",
    Example("A hundred round trips", "zmqlite ping -c tcp://127.0.0.1:5558"),
    Example(
        "A thousand of 1 KiB, without a pause, for a program",
        "zmqlite ping -c tcp://127.0.0.1:5558 -n 1000 -i 0 --size 1KiB --json",
    ),
)
@option("-n", "--count", type=COUNT, default=100, metavar="N", show_default=True,
        help="How many round trips.")  # fmt: skip
@option("--forever", is_flag=True, help="Go on until Ctrl-C.")
@option("-i", "--interval", type=DURATION, default=0.01, metavar="TIME",
        help="Pause between them; 0 is none.  [default: 10 ms]")  # fmt: skip
@option("--size", type=SIZE, default=64, metavar="SIZE", show_default=True,
        help="Bytes of a message.")  # fmt: skip
@option("--json", "as_json", is_flag=True, help="Print the figures as JSON, times in seconds.")
@socket_settings(SocketType.REQ, timeout="How long to wait for an answer.  [default: 2 s]")
def ping(
    opening: Opening, count: int, forever: bool, interval: float, size: int, as_json: bool
) -> int:
    """Ping.

    Asks a `zmqlite reply --echo`, or any REP that answers at once, and draws how often a round
    trip took how long. Exit code 1 if some got no answer, 124 if none did.
    """
    if opening.timeout is None:
        opening.timeout = _PATIENCE
    opening.options = {"req_relaxed": 1, "req_correlate": 1, **opening.options}
    trips = Trips(" ".join(opening.connect + opening.bind), size)
    with opening.open() as socket:
        with suppress(Again, NotSupported):  # the first round trip is not to have the connection
            socket.wait_peers(1, timeout=milliseconds(opening.timeout))
        try:
            with live_view(stays=False) as view:
                measure(socket, trips, None if forever else count, interval, view)
        finally:
            output = console()
            lines = trips.lines(output.width - 1, plain_signs(output))
            write(trips.as_json() if as_json else "\n".join(lines))
        if not trips.times:
            raise opening.too_late("no answer", socket)
    return FAILURE if trips.lost else SUCCESS
