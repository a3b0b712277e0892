"""Compare builds of zmqlite with each other, turn and turn about; build some without a patch.

    python benchmarks/builds.py --without small-pipes,no-news --into FOLDER    builds them
    python benchmarks/builds.py FOLDER/all FOLDER/small-pipes                  compares them
    python benchmarks/builds.py FOLDER/all FOLDER/[!a]* --short                where patches claim

A build is a folder with zmqlite in it, as `pip install --target` makes one. The first one is what
the others are compared with: the ratios say how much more, or less, it is without the patch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

import instructions
from cells import BY_KEY, KIB, MIB, OURS, Cell
from runner import Failed, measure
from samples import MEASURES, Sample, short
from workloads import Cannot

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PATCH = "speed/{}.patch"
WORTH = {"memory": 0.2}
"""What a patch has to bring somewhere to stay; anything else a tenth."""
USUAL_WORTH = 0.1

SHORT = {
    "latency/inproc/16": "fork-count",
    "throughput/inproc/16/many": "small-pipes several-messages",
    "throughput/tcp/16/many": "less-traffic small-pipes several-messages",
    "throughput/inproc/128/single": "message-pool",
    f"throughput/inproc/{KIB}/many": "lent-bodies several-messages",
    f"throughput/tcp/{KIB}/many": "message-pool less-traffic",
    f"throughput/tcp/{32 * KIB}/single": "gathering-output large-input",
    f"throughput/tcp/{MIB}/single": "local-buffer gathering-output",
    f"throughput/ipc/{MIB}/single": "gathering-output large-input",
    "peers/inproc/16/5000": "no-news ready-answer",
    Cell("connections", "inproc", 16, number=1000).key: "small-pipes",
}
"""The cells in which a patch for speed says that it brings something, and which patches do."""

Figures = dict[str, dict[str, list[float]]]
"""Figures by what was measured (`cell: measure`), then by build, one a round."""


def cells() -> list[Cell]:
    """Return what is measured: the patterns and sizes that any of the patches is for."""
    found = [
        BY_KEY[f"throughput/{transport}/{size}/{mode}"]
        for transport in ("inproc", "tcp", "ipc")
        for size in (16, 128, KIB, 32 * KIB, MIB)
        for mode in ("single", "many")
    ]
    found += [BY_KEY[f"latency/{transport}/16"] for transport in ("inproc", "tcp", "ipc")]
    found += [BY_KEY["pubsub/inproc/16/100subscribers"], BY_KEY["pubsub/tcp/16/100subscribers"]]
    found += [
        BY_KEY[f"peers/{transport}/16/{peers}"]
        for transport in ("inproc", "tcp")
        for peers in (100, 5000)
    ]
    return [
        *found,
        *(Cell("connections", transport, 16, number=1000) for transport in ("inproc", "tcp")),
    ]


def measures(cell: Cell) -> tuple[str, ...]:
    """Return what is compared in a cell, by the names of samples.MEASURES."""
    return ("memory",) if cell.work == "connections" else ("us", "cpu")


def concerns(cell: Cell, build: str) -> bool:
    """Tell whether a short comparison measures this cell with this build.

    A build without some patches is measured where one of them claims something, any other
    build everywhere.
    """
    name = Path(build).name
    known = {patch for patches in SHORT.values() for patch in patches.split() if patch in name}
    return not known or not known.isdisjoint(SHORT.get(cell.key, "").split())


# --- building ---------------------------------------------------------------------------------


def build_without(names: Iterable[str], into: Path) -> Path:
    """Build zmqlite without these patches for speed (none: with all) and return the folder.

    Patches that do not fit without one of them are left out, too, and named.
    """
    names = list(names)
    target = into / ("-".join(names) or "all")
    source = into / ".source"
    _copy(source)
    pin = source / "vendor" / "libzmq" / "PIN"
    for name in names:
        text = pin.read_text(encoding="utf-8")
        kept = re.sub(rf"^{re.escape(PATCH.format(name))} = .*\n", "", text, flags=re.MULTILINE)
        if kept == text:
            raise SystemExit(f"there is no {PATCH.format(name)}")
        # what has to fit stops a build, what may fit is left out with a warning
        pin.write_text(re.sub(r"^(speed/\S+ = ).*", r"\1*?", kept, flags=re.MULTILINE))
    words = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade"]
    subprocess.run([*words, "--target", str(target), str(source)], check=True)
    told = subprocess.run(
        [sys.executable, "-m", "zmqlite", "version", "--json"],
        capture_output=True, text=True, check=True, cwd=target,
        env={**os.environ, "PYTHONPATH": str(target)},
    )  # fmt: skip
    there = set(json.loads(told.stdout)["libzmq_patches"])
    gone = {Path(PATCH.format(name)).name for name in names}
    also = sorted(
        {patch.name for patch in (ROOT / "vendor/libzmq/patches/speed").glob("*.patch")}
        - there
        - gone
    )
    print(
        f"{target}: {'and so without ' + ', '.join(also) if also else 'nothing else is missing'}"
    )
    return target


def _copy(source: Path) -> None:
    """Copy what git knows of this checkout; the same folder serves all builds, one by one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, place)


# --- comparing --------------------------------------------------------------------------------


def compare(
    builds: Sequence[str], wanted: Sequence[Cell], rounds: int, seconds: float, few: bool = False
) -> list[Sample]:
    """Measure every cell with every build, in alternating order, so many rounds.

    `few`: only with the builds that it concerns, and the first.
    """
    taken: list[Sample] = []
    for cell in wanted:
        asked = [b for b in builds if not few or b == builds[0] or concerns(cell, b)]
        for number in range(rounds):
            for build in asked if number % 2 == 0 else reversed(asked):
                try:
                    taken.append(measure(cell, OURS, number, seconds, build))
                except (Failed, Cannot) as error:
                    print(f"{cell.key}: {error}", file=sys.stderr)
        print(f"{cell.key} is measured", file=sys.stderr)
    return taken


def gather(taken: Iterable[Sample]) -> Figures:
    """Sort samples by what they tell of which build."""
    found: Figures = {}
    for sample in taken:
        cell = BY_KEY.get(sample.cell) or Cell("connections")
        for measure_name in measures(cell):
            value = MEASURES[measure_name](sample)
            if value is not None:
                place = found.setdefault(f"{sample.cell}: {measure_name}", {})
                place.setdefault(sample.library, []).append(value)
    return found


def count_instructions(builds: Sequence[str], runs: int) -> Figures:
    """Count the instructions of the main paths with every build; see instructions.py."""
    found: Figures = {}
    before = os.environ.get("PYTHONPATH")
    try:
        for build in builds:
            os.environ["PYTHONPATH"] = build
            for path, figure in instructions.count(runs).items():
                found.setdefault(f"{path}: instructions", {}).setdefault(build, []).append(figure)
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    return found


def ratios(figures: Figures, first: str, other: str) -> dict[str, list[float]]:
    """Return, by what was measured, the other build's figures as multiples of the first one's."""
    return {
        name: [mine / base for mine, base in zip(by_build[other], by_build[first], strict=False)]
        for name, by_build in figures.items()
        if first in by_build and other in by_build
    }


def worth(name: str) -> float:
    """Return how much more a figure has to be without a patch, for the patch to stay."""
    return WORTH.get(name.rpartition(": ")[2], USUAL_WORTH)


def table(figures: Figures, builds: Sequence[str]) -> str:
    """Write what every build without something costs, and whether that is worth a patch."""
    first, *others = builds
    lines = ["| measured | with all | " + " | ".join(Path(b).name for b in others) + " |"]
    lines += ["|---|" + "---|" * len(builds)]
    most: dict[str, tuple[float, str]] = {}
    for name, by_build in figures.items():
        row = [name, short(median(by_build[first])) if first in by_build else "-"]
        for other in others:
            found = ratios({name: by_build}, first, other).get(name)
            row.append(f"{median(found):.2f}" if found else "-")
            if found and median(found) - 1 >= worth(name):
                most[other] = max(most.get(other, (0.0, "")), (median(found), name))
        lines.append("| " + " | ".join(row) + " |")
    for other in others:
        ratio, name = most.get(other, (0.0, ""))
        verdict = f"{ratio:.2f} without it ({name})" if name else "nothing that is worth a patch"
        lines.append(f"\n{Path(other).name}: {verdict}")
    return "\n".join(lines)


def main() -> int:
    """Build or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("builds", nargs="*", help="folders with zmqlite in them")
    parser.add_argument(
        "--without", default="", help="names of patches, each left out alone; a+b: both at once"
    )
    parser.add_argument("--into", type=Path, help="the folder for builds")
    parser.add_argument("--cells", default="", help="parts of the names of cells, with commas")
    parser.add_argument("--short", action="store_true", help="only what each patch claims")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="the length of a measurement")
    parser.add_argument("--instructions", type=int, default=0, metavar="RUNS", help="count them")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "builds.json")
    chosen = parser.parse_args()
    if chosen.into:
        for names in ([], *(name.split("+") for name in chosen.without.split(",") if name)):
            build_without(names, chosen.into.resolve())
        return 0
    builds = [str(Path(build).absolute()) for build in chosen.builds]
    if len(builds) < 2:
        parser.error("two builds at least")
    words = [word for word in chosen.cells.split(",") if word]
    wanted = [cell for cell in cells() if not words or any(word in cell.key for word in words)]
    wanted = [cell for cell in wanted if not chosen.short or cell.key in SHORT]
    taken = compare(builds, wanted, chosen.rounds, chosen.seconds, chosen.short)
    figures = gather(taken)
    if chosen.instructions:
        figures |= count_instructions(builds, chosen.instructions)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"figures": figures, "samples": [asdict(sample) for sample in taken]}
    chosen.out.write_text(json.dumps(document, indent=1) + "\n")
    print(table(figures, builds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
