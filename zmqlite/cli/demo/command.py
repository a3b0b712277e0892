"""The command `demo`: run every pattern, show the figures, succeed if nothing was lost."""

from __future__ import annotations

import argparse
import json
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from ..._native.core import has, zmq_version_info
from ..._version import __version__
from ...error import ZMQBaseError
from ..command import FAILURE, SUCCESS, Command
from ..output import complain, write
from .patterns import PATTERNS, Pattern
from .run import Run

FULL_SECONDS, QUICK_SECONDS = 0.3, 0.05
DAY = 86400
ROW = "{:13}  {:6}  {:>9}  {:>9}  {:>10}  {:7}  {}"
HEAD = ROW.format("pattern", "over", "sent", "received", "messages/s", "result", "between")


class Result(NamedTuple):
    """What one pattern showed over one transport; `reason` says why it failed or was skipped."""

    pattern: str
    transport: str
    status: str
    reason: str | None = None
    parties: str = ""
    sent: int = 0
    received: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> int:
        return round(self.received / self.seconds) if self.seconds else 0

    def row(self) -> str:
        figures = f"{self.sent:,}", f"{self.received:,}", f"{self.rate:,}"
        cells = (self.pattern, self.transport, *figures, self.status, self.parties)
        return ROW.format(*cells).rstrip()


def add_options(parser: argparse.ArgumentParser) -> None:
    add, names = parser.add_argument, [pattern.name for pattern in PATTERNS]
    add("--quick", action="store_true", help="measure for a moment only")
    add("--json", action="store_true", help="print the figures as JSON")
    add("--only", action="append", choices=names, help="run this pattern; may be repeated")
    text = "how long a message may take before it counts as lost (default: %(default)g)"
    add("--patience", type=patience, default=10.0, metavar="SECONDS", help=text)
    text = "lose a message of this pattern on purpose, to see the demo notice"
    add("--lose", choices=names, help=text)


def patience(text: str) -> float:
    """Return a time in seconds that any message may take: more than none, a day at most."""
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not 0 < seconds <= DAY:
        raise argparse.ArgumentTypeError(f"{text} s: above 0 and at most {DAY}, a day")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Run the patterns, print what they showed, and return the exit code."""
    start = perf_counter()
    results = run_all(arguments)
    seconds = perf_counter() - start
    last, failed = verdict(results, seconds), any(r.status == "FAILED" for r in results)
    libzmq = ".".join(map(str, zmq_version_info()))
    if arguments.json:
        head = {"zmqlite": __version__, "libzmq": libzmq, "ok": not failed, "seconds": seconds}
        body = [{**r._asdict(), "messages_per_second": r.rate} for r in results]
        write(json.dumps({**head, "scenarios": body}, indent=2))
        if failed:
            complain(last)
    else:
        table = "\n".join([HEAD, *(r.row() for r in results)])
        write(f"zmqlite {__version__}, libzmq {libzmq}\n\n{table}\n\n{last}")
    return FAILURE if failed else SUCCESS


def run_all(arguments: argparse.Namespace) -> list[Result]:
    """Run each wanted pattern over its transports; a failure does not stop those that follow."""
    wanted = [p for p in PATTERNS if not arguments.only or p.name in arguments.only]
    steps = [(pattern, transport) for pattern in wanted for transport in pattern.transports]
    seconds = QUICK_SECONDS if arguments.quick else FULL_SECONDS
    results: list[Result] = []
    # the name is short because the path of an ipc endpoint may have 107 bytes at most
    with TemporaryDirectory(prefix="zmqlite-", ignore_cleanup_errors=True) as folder:
        for number, (pattern, transport) in enumerate(steps, 1):
            complain(f"[{number}/{len(steps)}] {pattern.title} over {transport}")
            lose = arguments.lose == pattern.name
            run = Run(transport, f"{folder}/{number}", seconds, arguments.patience, lose)
            results.append(run_one(pattern, transport, run))
    return results


def run_one(pattern: Pattern, transport: str, run: Run) -> Result:
    """Run one pattern; what goes wrong becomes the reason in its result."""
    for feature, needed in (("ipc", transport == "ipc"), ("CURVE", pattern.name == "curve")):
        if needed and not has(feature.lower()):
            reason = f"this libzmq has no {feature}"
            return Result(pattern.title, transport, "skipped", reason)
    figures, problem = ("", 0, 0, 0.0), ""
    try:
        with run:
            figures = pattern.measure(run)
    except ZMQBaseError as error:
        problem = f"{type(error).__name__}: {error}"
    if lost := figures[1] - figures[2]:
        problem = f"{lost} of {figures[1]} messages did not arrive as sent"
    problem = next(iter(run.troubles), problem)
    status = "FAILED" if problem else "ok"
    return Result(pattern.title, transport, status, problem or None, *figures)


def verdict(results: list[Result], seconds: float) -> str:
    """Return the last words: every message arrived, or what went wrong where."""
    other = [r for r in results if r.status != "ok"]
    lines = [f"{r.status}: {r.pattern} over {r.transport}: {r.reason}" for r in other]
    failed = sum(r.status == "FAILED" for r in results)
    if failed:
        tried = sum(r.status != "skipped" for r in results)
        lines.append(f"{failed} of {tried} scenarios failed, in {seconds:.1f} s")
    else:
        total = sum(r.received for r in results)
        lines.append(f"All {total:,} messages arrived, in {seconds:.1f} s")
    return "\n".join(lines)


DEMO = Command("demo", "Exchange messages between real threads and processes.", add_options, run)
