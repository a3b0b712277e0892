"""What the demo prints: progress on stderr, the table or JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TextIO

from .records import Outcome

COLUMNS: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
    ("pattern", lambda outcome: outcome.pattern),
    ("over", lambda outcome: outcome.transport),
    ("sent", lambda outcome: f"{outcome.sent:,}"),
    ("received", lambda outcome: f"{outcome.received:,}"),
    ("messages/s", lambda outcome: f"{outcome.rate:,.0f}" if outcome.seconds else "-"),
    ("trip p50 us", lambda outcome: _trip(outcome, 0.50)),
    ("trip p99 us", lambda outcome: _trip(outcome, 0.99)),
    ("result", lambda outcome: outcome.status),
)
LEFT_ALIGNED = ("pattern", "over", "result")


def _trip(outcome: Outcome, share: float) -> str:
    trip = outcome.trip(share)
    return "-" if trip is None else f"{trip:,.0f}"


class Progress:
    """Tells what is going on: in one line that changes on a terminal, a line a step elsewhere."""

    def __init__(self, steps: int, stream: TextIO | None = None) -> None:
        self._steps = steps
        self._step = 0
        self._stream: TextIO | None = stream or sys.stderr  # which a process may lack
        self._live = self._stream is not None and self._stream.isatty()

    def step(self, title: str) -> None:
        """Announce the next step."""
        self._step += 1
        line = f"[{self._step}/{self._steps}] {title}"
        self._show(f"\r\x1b[K{line} ..." if self._live else f"{line}\n")

    def clear(self) -> None:
        """Leave the line free for what is printed next."""
        if self._live:
            self._show("\r\x1b[K")

    def _show(self, text: str) -> None:
        if self._stream is not None:
            with suppress(OSError):  # the demo is about messages
                self._stream.write(text)
                self._stream.flush()


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the figures as a table of plain text, one line a scenario."""
    rows = [[name for name, _ in COLUMNS]]
    rows += [[cell(outcome) for _, cell in COLUMNS] for outcome in outcomes]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.ljust(width) if name in LEFT_ALIGNED else cell.rjust(width)
        for cell, width, (name, _) in zip(row, widths, COLUMNS, strict=True)
    ]
    return "  ".join(cells).rstrip()


def exchange(outcomes: Sequence[Outcome]) -> str:
    """Return a sample of what was exchanged: a paragraph a pattern, once for all transports."""
    lines: list[str] = []
    seen: set[str] = set()
    for outcome in outcomes:
        if outcome.sample and outcome.pattern not in seen:
            seen.add(outcome.pattern)
            lines.append(f"{outcome.pattern} over {outcome.transport}: {outcome.parties}")
            lines += [f"    {line}" for line in outcome.sample]
    return "\n".join(lines)


def verdict(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the last words: every message arrived, or what went wrong where."""
    failed = [outcome for outcome in outcomes if outcome.failure]
    played = [outcome for outcome in outcomes if not outcome.skipped]
    lines = [
        f"skipped: {o.pattern} over {o.transport}: {o.skipped}" for o in outcomes if o.skipped
    ]
    lines += [f"FAILED: {o.pattern} over {o.transport}: {o.failure}" for o in failed]
    total = sum(outcome.received for outcome in played)
    if failed:
        lines.append(f"{len(failed)} of {len(played)} scenarios failed, in {seconds:.1f} s")
    else:
        lines.append(f"All {total:,} messages arrived, in {seconds:.1f} s")
    return "\n".join(lines)


def as_json(outcomes: Sequence[Outcome], seconds: float, versions: dict[str, str]) -> str:
    """Return the figures as JSON."""
    document: dict[str, Any] = {
        **versions,
        "ok": not any(outcome.failure for outcome in outcomes),
        "seconds": round(seconds, 2),
        "scenarios": [outcome.as_json() for outcome in outcomes],
    }
    return json.dumps(document, indent=2)
