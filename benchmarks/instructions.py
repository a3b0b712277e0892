"""Count instructions a message on the main paths and compare them with the accepted figures.

    python benchmarks/instructions.py            check; the exit code is 1 if a path got dearer
    python benchmarks/instructions.py --update   accept what is counted now

Needs valgrind and a C compiler. Instructions, unlike seconds, do not depend on what else the
machine does: two counts of one build agree to a fraction of a percent.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ACCEPTED = HERE / "instructions.json"
SHORT, LONG = 3000, 9000
RUNS = 2
STALL_SECONDS = 300

Figures = dict[str, float]


class CannotCount(Exception):
    """Instructions cannot be counted here; the text says what is missing."""


# --- counting -------------------------------------------------------------------------------


def count(runs: int = RUNS, short: int = SHORT) -> Figures:
    """Return instructions a message by path: the least of several runs.

    The least, because libzmq looks at the processor's clock to decide how often a send looks for
    commands, and a loaded machine makes it look more often.
    """
    valgrind, compiler = shutil.which("valgrind"), shutil.which(os.environ.get("CC", "cc"))
    if valgrind is None or compiler is None:
        raise CannotCount("valgrind or a C compiler is missing")
    with tempfile.TemporaryDirectory(prefix="zmqlite-") as name:
        folder = Path(name)
        marks = folder / "marks.so"
        _call([compiler, "-O2", "-shared", "-fPIC", str(HERE / "marks.c"), "-o", str(marks)])
        counted = [_count_once(valgrind, marks, folder / str(i), short) for i in range(runs)]
    return {path: min(figures[path] for figures in counted) for path in counted[0]}


def _count_once(valgrind: str, marks: Path, folder: Path, short: int) -> Figures:
    folder.mkdir()
    program = [sys.executable, "-X", "utf8", str(HERE / "counted.py"), str(marks), str(short)]
    options = ["--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes"]
    _call([valgrind, "-q", *options, f"--callgrind-out-file={folder / 'out'}", *program])
    totals: dict[str, int] = {}
    for dump in folder.glob("out*"):
        totals |= read_dump(dump.read_text())
    return by_difference(totals, short)


def read_dump(text: str) -> dict[str, int]:
    """Return {name of the mark: instructions of the main thread} from one of callgrind's files."""
    name = re.search(r"^desc: Trigger: Client Request: (.+/\d+)$", text, re.MULTILINE)
    main_thread = re.search(r"^thread: 1$", text, re.MULTILINE)
    total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
    return {name[1]: int(total[1])} if name and main_thread and total else {}


def by_difference(totals: Mapping[str, int], short: int = SHORT) -> Figures:
    """Return instructions a message: what the long run took more than the short one.

    Raises CannotCount when a run is missing.
    """
    long = short * LONG // SHORT
    names = {name.rpartition("/")[0] for name in totals} - {""}
    try:
        return {
            name: round((totals[f"{name}/{long}"] - totals[f"{name}/{short}"]) / (long - short), 1)
            for name in sorted(names)
        }
    except KeyError as error:
        raise CannotCount(f"callgrind did not report {error}") from error


def _call(command: Sequence[str]) -> None:
    # nothing of the environment may change what Python does: hashes, warnings, allocators
    kept = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ
    }
    environment = {**kept, "PYTHONHASHSEED": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=STALL_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise CannotCount(f"{command[0]} did not finish in {STALL_SECONDS} s") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise CannotCount(f"{Path(command[0]).name} failed: {last[0]}")


# --- the accepted figures -------------------------------------------------------------------


def surroundings() -> dict[str, str]:
    """Return what decides how many instructions a message takes, besides our code."""
    from zmqlite import _build

    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "compiler": _compiler(_build.COMPILER),
        "libzmq": ".".join(map(str, _build.LIBZMQ_VERSION)),
    }


def _compiler(banner: str) -> str:
    """Shorten "g++ (Debian 12.2.0-14) 12.2.0" to "g++ 12.2"."""
    name = banner.split(" ")[0]
    version = re.findall(r"(?<= )(\d+\.\d+)\.\d+", banner)
    return f"{name} {version[-1]}" if version else name


@dataclass(frozen=True, slots=True)
class Verdict:
    """One path beside its accepted figure. `change` is a fraction: 0.02 is two percent dearer."""

    path: str
    counted: float
    accepted: float | None
    margin: float

    @property
    def change(self) -> float:
        return 0.0 if self.accepted is None else self.counted / self.accepted - 1

    @property
    def word(self) -> str:
        """Say what to make of it; only "DEARER" fails."""
        if self.accepted is None:
            return "new: accept it with --update"
        if self.change > self.margin:
            return "DEARER"
        return "cheaper: accept it with --update" if self.change < -self.margin else "as accepted"


def choose(document: Mapping[str, Any], here: Mapping[str, str]) -> tuple[Figures, float]:
    """Return the figures to compare with, and the margin.

    Figures of these very surroundings have the narrow margin. Where there are none, those of the
    same version of Python on the same kind of machine serve with the wide one, which still finds
    what no compiler explains. Where there are neither, there are no figures.
    """
    entries = document["accepted"]
    for entry in entries:
        if entry["surroundings"] == here:
            return entry["paths"], document["margin"]
    for entry in entries:
        if all(entry["surroundings"][key] == here[key] for key in ("python", "machine")):
            return entry["paths"], document["wide_margin"]
    return {}, document["wide_margin"]


def judge(counted: Figures, accepted: Figures, margin: float) -> list[Verdict]:
    """Compare path by path. A path that is accepted but no longer counted is an error."""
    lost = sorted(accepted.keys() - counted.keys())
    if lost:
        raise CannotCount(f"accepted but no longer counted: {', '.join(lost)}; see --update")
    return [Verdict(path, figure, accepted.get(path), margin) for path, figure in counted.items()]


def accept(document: dict[str, Any], here: dict[str, str], counted: Figures) -> None:
    """Put the figures of these surroundings into the document."""
    others = [entry for entry in document["accepted"] if entry["surroundings"] != here]
    entries = [*others, {"surroundings": here, "paths": counted}]
    document["accepted"] = sorted(entries, key=lambda entry: sorted(entry["surroundings"].items()))


# --- the command ----------------------------------------------------------------------------


def main() -> int:
    """Count, compare, say so."""
    summary, _, usage = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="accept what is counted now")
    parser.add_argument("--runs", type=int, default=RUNS, help="the least of so many counts")
    arguments = parser.parse_args()
    document, here = json.loads(ACCEPTED.read_text()), surroundings()
    print(", ".join(f"{key} {value}" for key, value in here.items()))
    try:
        counted = count(arguments.runs)
        if arguments.update:
            accept(document, here, counted)
            ACCEPTED.write_text(json.dumps(document, indent=1) + "\n")
        figures, margin = choose(document, here)
        verdicts = judge(counted, figures, margin)
    except CannotCount as error:
        print(f"not counted: {error}")
        return 2
    print(f"instructions a message; the margin is {margin:.0%}")
    for verdict in verdicts:
        known = "-" if verdict.accepted is None else f"{verdict.accepted:,.1f}"
        print(
            f"{verdict.path:32} {verdict.counted:10,.1f} {known:>10} "
            f"{verdict.change:+7.1%}  {verdict.word}"
        )
    return 1 if any(verdict.word == "DEARER" for verdict in verdicts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
