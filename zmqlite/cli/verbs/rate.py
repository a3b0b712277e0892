"""`rate`: messages and bytes a second, by topic."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group

from ...enums import SocketType
from ...error import ZMQError
from ..command import SUCCESS
from ..output import write
from ..shared.abilities import check_stream
from ..shared.asking import socket_settings
from ..shared.formats import as_bytes, visible
from ..shared.opening import Opening, PlainSocket, known_of
from ..shared.screen import View, live_view, si, size_of, table
from ..shared.values import COUNT, PERIOD
from ..shared.verb import Example, option, verb
from .recv import BATCH, join_option, taking, topic_option

__all__ = ["rate"]

_LONGEST = 60  # characters of a topic
_KNOWN = 10_000  # topics that are counted apart
_PATIENCE = 0.9  # seconds without a message, after which it is told what goes wrong
_OTHERS = "(others)"


@dataclass
class Counts:
    """Messages and bytes, in this interval and in all."""

    messages: int = 0
    bytes: int = 0
    all_messages: int = 0
    all_bytes: int = 0

    def add(self, size: int) -> None:
        self.messages += 1
        self.bytes += size

    def close(self) -> None:
        """Begin a new interval."""
        self.all_messages += self.messages
        self.all_bytes += self.bytes
        self.messages = self.bytes = 0


@dataclass
class Meter:
    """What has come, by topic."""

    split: bytes
    topics: dict[str, Counts] = field(default_factory=dict[str, Counts])
    total: Counts = field(default_factory=Counts)

    def add(self, parts: list[bytes]) -> None:
        """Count a message."""
        size = sum(map(len, parts))
        name = self._topic(parts)
        counts = self.topics.get(name)
        if counts is None:
            if len(self.topics) >= _KNOWN:
                name = _OTHERS
            counts = self.topics.setdefault(name, Counts())
        counts.add(size)
        self.total.add(size)

    def _topic(self, parts: list[bytes]) -> str:
        first = parts[0] if len(parts) > 1 else parts[0].partition(self.split)[0]
        return visible(first[:_LONGEST]).decode()

    def close(self) -> None:
        """Begin a new interval."""
        for counts in [*self.topics.values(), self.total]:
            counts.close()

    def lines(self, seconds: float, at: float, as_json: bool) -> list[str]:
        """Return a line for each topic of which something came, and one for all."""
        rows = [(n, c) for n, c in sorted(self.topics.items()) if c.messages]
        if as_json:
            return [
                json.dumps(
                    {
                        "time": round(at, 3),
                        "seconds": round(seconds, 6),
                        "messages": self.total.messages,
                        "bytes": self.total.bytes,
                        "topics": {n: [c.messages, c.bytes] for n, c in rows},
                    }
                )
            ]
        return [
            f"{at:.1f}\t{c.messages / seconds:.1f}\t{c.bytes / seconds:.0f}\t{name}"
            for name, c in [*rows, ("(all)", self.total)]
        ]

    def drawn(self, seconds: float, rows: int, width: int, state: str = "") -> Group:
        """Return a table of the busiest topics, and the state of the socket below it."""
        ordered = sorted(self.topics.items(), key=lambda item: -item[1].all_messages)
        ordered.sort(key=lambda item: -item[1].messages)
        cells = [
            (
                name,
                si(counts.messages / seconds),
                size_of(counts.bytes / seconds),
                si(counts.all_messages + counts.messages),
                size_of(counts.all_bytes + counts.bytes),
            )
            for name, counts in [*ordered[: rows - 1], ("(all)", self.total)]
        ]
        more = len(ordered) - rows + 1
        last = "; ".join(filter(None, [f"and {more:,} topics more" * (more > 0), state]))
        return table(("topic", "messages/s", "bytes/s", "messages", "bytes"), cells, width, last)


def count_until(socket: PlainSocket, meter: Meter, end: float) -> bool:
    """Count what comes until a time; tell whether something did."""
    came = False
    while (left := end - time.monotonic()) > 0:
        if socket.poll(max(1, left * 1000)):
            came = True
            for parts in socket.recv_many(BATCH, multipart=True):
                meter.add(parts)
    return came


@verb(
    "rate",
    Example("Show what a publisher does", "zmqlite rate -c tcp://127.0.0.1:5556"),
    Example(
        "Three seconds of two topics, for a program",
        "zmqlite rate -c tcp://127.0.0.1:5556 --topic weather --topic sports -n 3 --json",
    ),
)
@option("-i", "--interval", type=PERIOD, default=1.0, metavar="TIME",
        help="How long messages are counted for a figure.  [default: 1 s]")  # fmt: skip
@option("-n", "--count", type=COUNT, metavar="N", help="End after N intervals.")
@option("--split", default=" ", metavar="TEXT",
        help="What ends the topic of a message of one part; else it is the first part."
        "  [default: a blank]",
        )  # fmt: skip
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each interval.")
@topic_option
@join_option
@socket_settings(
    SocketType.SUB, choose=True, task="receive", timeout="Give up when nothing comes in this time."
)
def rate(
    opening: Opening,
    interval: float,
    count: int | None,
    split: str,
    as_json: bool,
    topic: tuple[str, ...],
    join: tuple[str, ...],
) -> int:
    """Rate.

    On a terminal a table changes in place. Elsewhere each interval prints a line a topic: the
    time in seconds, messages a second, bytes a second, the topic, with tabs between them; and one
    for (all).
    """
    check_stream(opening.type, None)
    takes = taking(opening, topic, join)
    with opening.open(takes) as socket, live_view() as view:
        watch(opening, socket, Meter(as_bytes(split) or b" "), interval, count, as_json, view)
    return SUCCESS


def watch(
    opening: Opening,
    socket: PlainSocket,
    meter: Meter,
    interval: float,
    count: int | None,
    as_json: bool,
    view: View | None,
) -> None:
    """Show the figures of each interval."""
    begin = start = last = time.monotonic()
    number = 0
    while count is None or number < count:
        number += 1
        came = count_until(socket, meter, begin + number * interval)
        now = time.monotonic()
        last = now if came else last
        if view is not None and not as_json:
            view.show(meter.drawn(now - start, view.rows, view.width, state(socket)))
        else:
            write("\n".join(meter.lines(now - start, now - begin, as_json)))
            if now - last > _PATIENCE:
                opening.tell_news(socket)
        meter.close()
        start = now
        if opening.timeout is not None and now - last >= opening.timeout:
            raise opening.too_late("no message", socket)


def state(socket: PlainSocket) -> str:
    """Return who is connected, what failed, and how far behind the counting is."""
    known = known_of(socket)
    said = [known.who if socket.endpoints else "", known.end if known.failed else ""]
    with suppress(ZMQError):  # a libzmq that does not count
        waiting = socket.stats().queued_in
        said.append(f"{waiting:,} messages wait to be counted" * (waiting > BATCH))
    return "; ".join(filter(None, said))
