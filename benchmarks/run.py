"""Measure zmqlite beside its rivals, in fresh processes, in turn, and print the tables.

    python benchmarks/run.py --quick          the main cells once, under two minutes
    python benchmarks/run.py --targets        what the targets need, five rounds, and the verdicts
    python benchmarks/run.py --publish        that, and one round of everything else
    python benchmarks/run.py                  everything, three rounds, about an hour
    python benchmarks/run.py --cells tcp/16/  the cells whose name contains tcp/16/
    python benchmarks/run.py --resume ...     go on where an interrupted run stopped
    python benchmarks/run.py --write-docs     put tables and plots of the last run into docs/

Progress goes to stderr, the tables to stdout in Markdown, every sample to a JSON file.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import plan
import report
import results
import targets
from cells import LIBRARIES, matching
from cpptools import ToolsMissing, build
from runner import Failed, measure, watch_others
from samples import Sample, Samples
from workloads import MODULES, Cannot

HERE = Path(__file__).resolve().parent
QUIET = 0.25
"""A measurement made while others kept more cores busy than this is made again."""
RETRIES = 3


def main() -> int:
    """Run what the command line asks for."""
    arguments = parse()
    if arguments.list:
        print("\n".join(cell.key for cell in matching(arguments.cells)))
        return 0
    if arguments.write_docs or arguments.table:
        return tell(results.load(arguments.out), arguments)
    make_importable()
    steps = choose(arguments, available(arguments.libraries.split(",")))
    if not steps:
        say(f"no cell matches {arguments.cells}: see --list\n")
        return 2
    old = arguments.resume and arguments.out.exists()
    document = results.load(arguments.out) if old else results.start(arguments.seconds)
    try:
        measure_all(document, steps, arguments)
    except KeyboardInterrupt:
        say("interrupted; go on with --resume\n")
        return 130
    say("\n")
    return tell(document, arguments)


def parse() -> argparse.Namespace:
    summary, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--quick", action="store_true", help="the main cells, one short round")
    what.add_argument("--targets", action="store_true", help="measure and judge the targets")
    what.add_argument("--publish", action="store_true", help="targets, and one round of the rest")
    what.add_argument("--cells", metavar="PATTERN", help="only cells that match; see --list")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 3; quick: 1; targets: 5")
    parser.add_argument("--seconds", type=float, help="length of a measurement (0.6; quick: 0.1)")
    parser.add_argument("--minutes", type=float, help="stop then; --resume goes on")
    parser.add_argument("--patience", type=float, metavar="SECONDS",
                        help="wait so long for a quiet machine (10; quick: 0)")  # fmt: skip
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "latest.json")
    parser.add_argument("--resume", action="store_true", help="keep what --out holds already")
    parser.add_argument("--table", action="store_true", help="measure nothing: print --out again")
    parser.add_argument("--write-docs", action="store_true", help="put --out into docs/")
    parser.add_argument("--list", action="store_true", help="print the names of the cells")
    arguments = parser.parse_args()
    usual = 1 if arguments.quick else targets.ROUNDS if judging(arguments) else 3
    arguments.rounds = arguments.rounds or usual
    arguments.seconds = arguments.seconds or (0.1 if arguments.quick else 0.6)
    if arguments.patience is None:
        arguments.patience = 0.0 if arguments.quick else 10.0
    return arguments


def judging(arguments: argparse.Namespace) -> bool:
    return bool(arguments.targets or arguments.publish)


def choose(arguments: argparse.Namespace, libraries: Sequence[str]) -> list[plan.Step]:
    """Return the steps that the command line asks for."""
    if judging(arguments):
        make = plan.targeted if arguments.targets else plan.published
        return make(libraries, targets.needed(), arguments.rounds)
    return plan.chosen(arguments.cells, arguments.quick, libraries, arguments.rounds)


def make_importable() -> None:
    """Let the fresh processes import a zmqlite that was built in this tree and not installed."""
    if importlib.util.find_spec("zmqlite") is None:
        root = str(HERE.parent)
        sys.path.append(root)
        old = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = root if not old else os.pathsep.join([old, root])


def available(wanted: Sequence[str]) -> list[str]:
    """Return the libraries that can be measured here, and say why the others cannot."""
    found = []
    for library in wanted:
        try:
            build() if library == "libzmq" else importlib.import_module(MODULES[library])
        except (ImportError, ToolsMissing) as error:
            say(f"without {library}: {error}\n")
        else:
            found.append(library)
    return found


def measure_all(
    document: dict[str, Any], steps: list[plan.Step], arguments: argparse.Namespace
) -> None:
    """Take the steps that are left; what fails once is not tried again in this run."""
    todo = plan.remaining(steps, document)
    progress, begin = plan.Progress(todo), time.monotonic()
    document["failures"], given_up = [], set()
    for step in todo:
        if arguments.minutes and time.monotonic() - begin > arguments.minutes * 60:
            say(f"the time is up, {progress.minutes_left:.0f} min short; go on with --resume\n")
            return
        say(progress.begin(step))
        try:
            if step.place not in given_up:
                sample = quietly(step, arguments.seconds, arguments.patience)
                document["samples"].append(asdict(sample))
        except Cannot as error:
            given_up.add(step.place)
            document["left_out"].append([*step.place, str(error)])
        except Failed as error:
            given_up.add(step.place)
            say(f"failed: {error}\n")
            document["failures"].append(f"{step.cell.key}: {error}")
        progress.end(step)
        results.save(document, arguments.out)


def quietly(step: plan.Step, seconds: float, patience: float) -> Sample:
    """Measure, again if the machine was busy with something else; keep the quietest."""
    samples = [measure(step.cell, step.library, step.round, seconds)]
    deadline = time.monotonic() + patience
    while samples[-1].foreign > QUIET and len(samples) <= RETRIES:
        if not quiet_before(deadline):
            break
        samples.append(measure(step.cell, step.library, step.round, seconds))
    return min(samples, key=lambda sample: sample.foreign)


def quiet_before(deadline: float) -> bool:
    """Wait until other programs leave the machine alone; tell whether they did in time."""
    while time.monotonic() < deadline:
        busy = watch_others()
        time.sleep(0.3)
        if busy() < QUIET:
            return True
    return False


def say(text: str) -> None:
    """Write progress: over the last line on a terminal, line by line elsewhere."""
    live = sys.stderr.isatty()
    sys.stderr.write(f"\r\x1b[K{text}" if live else text if text.endswith("\n") else text + "\n")
    sys.stderr.flush()


def tell(document: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Print the circumstances, the verdicts and the tables, or write them into the docs."""
    samples = [Sample(**entry) for entry in document["samples"]]
    if arguments.write_docs:
        import pages  # needs matplotlib

        for path in pages.write(document, samples):
            print(path.relative_to(HERE.parent))
        return 0
    print(report.circumstances(document, samples))
    whole = Samples(samples)
    if judging(arguments):
        print(f"\n### Targets\n\n{report.verdicts(whole)}")
    if not arguments.targets:
        for title, text in report.sections(whole):
            print(f"\n### {title}\n\n{text}")
    for line in report.losses(document):
        print(f"\n{line}")
    return 1 if document["failures"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
