"""Measure zmqlite beside its rivals, in fresh processes, in turn, and print the tables.

    python benchmarks/run.py                  everything, three rounds, 15 to 25 minutes
    python benchmarks/run.py --quick          the main cells once, under two minutes
    python benchmarks/run.py --cells tcp/16   the cells whose name contains tcp/16
    python benchmarks/run.py --resume         go on where an interrupted run stopped

Progress goes to stderr, the tables to stdout in Markdown, every sample to a JSON file.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import report
from cells import LIBRARIES, Cell, choose
from cpptools import ToolsMissing, build
from runner import Failed, Sample, measure, watch_others
from workloads import MODULES

HERE = Path(__file__).resolve().parent
QUIET = 0.25
"""A measurement made while others kept more cores busy than this is made again."""
RETRIES = 3
QUIET_PATIENCE = 60.0
"""Seconds to wait for the others to finish before it is made again anyway."""


def main() -> int:
    """Run what the command line asks for."""
    arguments = parse()
    if arguments.table:
        print_report(load(arguments.out))
        return 0
    make_importable()
    libraries = available(arguments.libraries.split(","))
    groups = choose(arguments.cells, arguments.quick)
    if not groups:
        say(f"no cell matches {arguments.cells}: see --list\n")
        return 2
    document = load(arguments.out) if arguments.resume and arguments.out.exists() else start()
    try:
        measure_all(document, groups, libraries, arguments)
    except KeyboardInterrupt:
        say("interrupted; go on with --resume\n")
        return 130
    say("\n")
    print_report(document)
    return 1 if document["failures"] else 0


def parse() -> argparse.Namespace:
    summary, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the main cells, one short round")
    parser.add_argument("--cells", metavar="PATTERN", help="only cells that match; see --list")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds (default: 3; quick: 1)")
    parser.add_argument("--seconds", type=float, help="length of a measurement (1.0; quick: 0.2)")
    parser.add_argument("--libraries", default=",".join(LIBRARIES), help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "latest.json")
    parser.add_argument("--resume", action="store_true", help="keep what --out holds already")
    parser.add_argument("--table", action="store_true", help="only print the tables of --out")
    parser.add_argument("--list", action="store_true", help="print the names of the cells")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    arguments.seconds = arguments.seconds or (0.2 if arguments.quick else 1.0)
    if arguments.list:
        groups = choose(arguments.cells, arguments.quick)
        print("\n".join(cell.key for group in groups for cell in group))
        parser.exit()
    return arguments


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


def start() -> dict[str, Any]:
    """Return an empty document that says where and with what it was measured."""
    versions = {"python": platform.python_version()}
    for library, module in MODULES.items():
        try:
            versions[library] = str(getattr(importlib.import_module(module), "__version__", "?"))
        except ImportError:
            continue
    cpu = [
        line.partition(":")[2].strip()
        for line in _read("/proc/cpuinfo").splitlines()
        if line.startswith("model name")
    ]
    return {
        "begun": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "machine": f"{os.cpu_count()} x {cpu[0] if cpu else platform.machine()}",
        "system": platform.platform(),
        "versions": versions,
        "load_at_start": round(os.getloadavg()[0], 2),
        "failures": [],
        "samples": [],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def measure_all(
    document: dict[str, Any],
    groups: list[list[Cell]],
    libraries: list[str],
    arguments: argparse.Namespace,
) -> None:
    """Measure group by group: round after round, and in a round library after library."""
    plan = [
        (cell, library, number)
        for group in groups
        for number in range(arguments.rounds)
        for cell in group
        for library in libraries
        if cell.supports(library)
    ]
    done = {(s["cell"], s["library"], s["round"]) for s in document["samples"]}
    todo = [step for step in plan if (step[0].key, step[1], step[2]) not in done]
    document["failures"] = []
    begin = time.monotonic()
    for index, (cell, library, number) in enumerate(todo):
        left = (time.monotonic() - begin) / index * (len(todo) - index) if index else 0.0
        say(
            f"[{index + 1}/{len(todo)}, {left / 60:.0f} min left] "
            f"{cell.key}, {library}, round {number + 1}"
        )
        try:
            sample = quietly(cell, library, number, arguments.seconds)
        except Failed as error:
            say(f"failed: {error}\n")
            document["failures"].append(f"{cell.key}: {error}")
            continue
        document["samples"].append(asdict(sample))
        save(document, arguments.out)


def quietly(cell: Cell, library: str, number: int, seconds: float) -> Sample:
    """Measure, again if the machine was busy with something else; keep the quietest."""
    samples = [measure(cell, library, number, seconds)]
    while samples[-1].foreign > QUIET and len(samples) <= RETRIES:
        wait_for_quiet()
        samples.append(measure(cell, library, number, seconds))
    return min(samples, key=lambda sample: sample.foreign)


def wait_for_quiet() -> None:
    """Wait until other programs leave the machine alone, but not for ever."""
    deadline = time.monotonic() + QUIET_PATIENCE
    while time.monotonic() < deadline:
        busy = watch_others()
        time.sleep(0.5)
        if busy() < QUIET:
            return


def say(text: str) -> None:
    """Write progress: over the last line on a terminal, line by line elsewhere."""
    live = sys.stderr.isatty()
    sys.stderr.write(f"\r\x1b[K{text}" if live else text if text.endswith("\n") else text + "\n")
    sys.stderr.flush()


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def save(document: dict[str, Any], path: Path) -> None:
    """Write the results so that an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(document, indent=1))
    draft.replace(path)


def print_report(document: dict[str, Any]) -> None:
    """Print the circumstances and the tables."""
    samples = [Sample(**entry) for entry in document["samples"]]
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    print(f"{document['machine']}, {document['system']}; {versions}.")
    print(f"Begun {document['begun']} at load {document['load_at_start']};")
    print(f"{report.noise(samples)}.")
    for title, table in report.sections(report.Samples(samples)):
        print(f"\n### {title}\n\n{table}")
    for failure in document["failures"]:
        print(f"\nFailed: {failure}")


if __name__ == "__main__":
    raise SystemExit(main())
