"""The command `demo`: play every scenario, show what happened, succeed if nothing was lost."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from ..._native.core import has, zmq_version_info
from ..._version import __version__
from ...error import ZMQBaseError
from ..command import FAILURE, SUCCESS, Command
from ..output import complain, write
from .catalogue import SCENARIOS, Scenario
from .crew import ProcessCrew
from .records import DemoFailure, Outcome
from .show import Progress, as_json, exchange, table, verdict
from .stage import Pace, Stage

FULL_SECONDS = 0.3
QUICK_SECONDS = 0.05
DAY = 86400


def add_options(parser: argparse.ArgumentParser) -> None:
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--quick", action="store_true", help="measure for a moment only")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--only", action="append", choices=names, help="play this scenario; may be repeated"
    )
    parser.add_argument(
        "--patience",
        type=patience,
        default=10.0,
        metavar="SECONDS",
        help="how long a message may take before it counts as lost (default: %(default)g)",
    )
    parser.add_argument(
        "--lose",
        choices=names,
        help="lose a message of this scenario on purpose, to see the demo notice",
    )


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
    """Play, print, and return the exit code."""
    start = perf_counter()
    outcomes = play_all(arguments)
    seconds = perf_counter() - start
    versions = {
        "zmqlite": __version__,
        "libzmq": ".".join(str(number) for number in zmq_version_info()),
    }
    if arguments.json:
        write(as_json(outcomes, seconds, versions))
    else:
        head = f"zmqlite {versions['zmqlite']}, libzmq {versions['libzmq']}"
        parts = (head, exchange(outcomes), table(outcomes), verdict(outcomes, seconds))
        write("\n\n".join(filter(None, parts)))
    failed = any(outcome.failure for outcome in outcomes)
    if failed and arguments.json:
        complain(verdict(outcomes, seconds))
    return FAILURE if failed else SUCCESS


def play_all(arguments: argparse.Namespace) -> list[Outcome]:
    """Play the wanted scenarios one after the other; a failure does not stop those that follow."""
    pace = Pace(
        QUICK_SECONDS if arguments.quick else FULL_SECONDS, round(arguments.patience * 1000)
    )
    shows = list(_wanted(arguments.only))
    progress = Progress(len(shows))
    processes = ProcessCrew()
    outcomes: list[Outcome] = []
    # the name is short because the path of an ipc endpoint may have 107 bytes at most
    with TemporaryDirectory(prefix="zmqlite-", ignore_cleanup_errors=True) as folder:
        try:
            for scenario, transport in shows:
                progress.step(f"{scenario.title} over {transport}")
                place = Path(folder) / str(len(outcomes))
                place.mkdir()
                stage = Stage(transport, place, pace, processes, arguments.lose == scenario.name)
                outcomes.append(play(scenario, stage))
        finally:
            progress.clear()
            processes.dismiss()
    return outcomes


def _wanted(names: list[str] | None) -> Iterator[tuple[Scenario, str]]:
    for scenario in SCENARIOS:
        if names is None or scenario.name in names:
            for transport in scenario.transports:
                yield scenario, transport


def play(scenario: Scenario, stage: Stage) -> Outcome:
    """Play one scenario; what goes wrong becomes the reason in its outcome."""
    if stage.transport == "ipc" and not has("ipc"):
        return Outcome(scenario.title, "ipc", skipped="this libzmq has no ipc")
    try:
        with stage:
            try:
                outcome = scenario.play(stage)
            except (DemoFailure, ZMQBaseError) as error:
                reasons = [*stage.troubles(), f"{type(error).__name__}: {error}"]
                raise DemoFailure(reasons[0]) from error
    except DemoFailure as error:
        return Outcome(scenario.title, stage.transport, failure=str(error))
    missing = outcome.sent - outcome.received
    if outcome.skipped:
        return outcome
    if missing or not outcome.sent:
        reason = f"{missing} of {outcome.sent} messages did not arrive as sent"
        return replace(outcome, failure=reason)
    return outcome


DEMO = Command("demo", "Exchange messages between real threads and processes.", add_options, run)
