"""Plain data of the demo: what a worker is told, what it reports, what a scenario proves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

END = b"END"
"""A message that ends a stream."""

ROLL_CALL = b"WHO"
"""A message that a worker answers with its name, which proves that it is connected."""


class DemoFailure(Exception):
    """A message is missing, wrong or late; the text says which."""


@dataclass(frozen=True, slots=True)
class Task:
    """The order that a worker gets: where to connect, and what its role needs to know.

    `keys` are the server's public key, the worker's public key and its secret key, in Z85.
    """

    endpoint: str
    name: str = ""
    results: str = ""
    topic: str = ""
    seconds: float = 0.0
    patience: int = 5000
    lose: bool = False
    keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker counted. `trips` are round-trip times in microseconds."""

    sent: int = 0
    received: int = 0
    trips: Sequence[float] = ()
    sample: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario proved over one transport.

    `sent` counts the messages that had to arrive, `received` those that did, `seconds` is the
    time between the first and the last of them. `failure` and `skipped` are reasons, or empty.
    """

    pattern: str
    transport: str
    parties: str = ""
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    trips: Sequence[float] = ()
    sample: Sequence[str] = ()
    failure: str = ""
    skipped: str = ""

    @property
    def status(self) -> str:
        """One word: "ok", "FAILED" or "skipped"."""
        return "FAILED" if self.failure else "skipped" if self.skipped else "ok"

    @property
    def rate(self) -> float:
        """Messages that arrived in a second; 0.0 when nothing was measured."""
        return self.received / self.seconds if self.seconds > 0 else 0.0

    def trip(self, share: float) -> float | None:
        """Return the round-trip time, in microseconds, that this share of the trips stayed within.

        None when the scenario makes no round trips.
        """
        if not self.trips:
            return None
        ordered = sorted(self.trips)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as plain objects, figures rounded to what they are worth."""
        median, tail = self.trip(0.50), self.trip(0.99)
        return {
            "pattern": self.pattern,
            "transport": self.transport,
            "parties": self.parties,
            "status": self.status,
            "sent": self.sent,
            "received": self.received,
            "lost": self.sent - self.received,
            "seconds": round(self.seconds, 4),
            "messages_per_second": round(self.rate),
            "round_trip_us": None
            if median is None or tail is None
            else {"p50": round(median, 1), "p99": round(tail, 1)},
            "sample": list(self.sample),
            "reason": self.failure or self.skipped or None,
        }
