"""Which measurements to make, in which order, and which of them are done."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import mean
from typing import Any

from cells import BY_KEY, CELLS, Cell, grouped, matching


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement to make."""

    cell: Cell
    library: str
    round: int

    @property
    def place(self) -> tuple[str, str]:
        return self.cell.key, self.library


def everything(cells: Iterable[Cell], libraries: Collection[str], rounds: int) -> list[Step]:
    """Group by group, round after round, and in a round library after library."""
    return [
        Step(cell, library, number)
        for group in grouped(cells)
        for number in range(rounds)
        for cell in group
        for library in libraries
        if cell.supports(library)
    ]


def published(
    libraries: Collection[str], needed: Collection[tuple[str, str]], rounds: int
) -> list[Step]:
    """All rounds of what the targets need, one of everything else, which comes last."""
    judged = targeted(libraries, needed, rounds)
    places = {step.place for step in judged}
    rest = [step for step in everything(CELLS, libraries, 1) if step.place not in places]
    return judged + rest


def targeted(
    libraries: Collection[str], needed: Collection[tuple[str, str]], rounds: int
) -> list[Step]:
    """Only what the targets are made of.

    Round after round of all of it, so that a run that stops early has fewer rounds of every row
    rather than nothing of the last ones.
    """
    cells = sorted({BY_KEY[key] for key, _ in needed}, key=CELLS.index)
    steps = [step for step in everything(cells, libraries, rounds) if step.place in needed]
    return sorted(steps, key=lambda step: step.round)


def chosen(
    pattern: str | None, quick: bool, libraries: Collection[str], rounds: int
) -> list[Step]:
    """What a pattern names, or everything; quick is the main cells only."""
    cells = [cell for cell in matching(pattern) if cell.quick or not quick]
    return everything(cells, libraries, rounds)


def remaining(steps: Iterable[Step], document: dict[str, Any]) -> list[Step]:
    """Leave out what a results file holds already, and what it says cannot be done here."""
    done = {(s["cell"], s["library"], s["round"]) for s in document["samples"]}
    impossible = {(cell, library) for cell, library, _ in document["left_out"]}
    return [
        step
        for step in steps
        if (*step.place, step.round) not in done and step.place not in impossible
    ]


class Progress:
    """Tells how far a run is, and how long the rest will take by what its likes have taken."""

    def __init__(self, steps: list[Step]) -> None:
        self._left = list(steps)
        self._total = len(steps)
        self._took: dict[str, list[float]] = {}
        self._begun = time.monotonic()

    def begin(self, step: Step) -> str:
        """Return the line to show while this step runs."""
        self._begun = time.monotonic()
        number = self._total - len(self._left) + 1
        return (
            f"[{number}/{self._total}, {self.minutes_left:.0f} min left] "
            f"{step.cell.key}, {step.library}, round {step.round + 1}"
        )

    def end(self, step: Step) -> None:
        self._took.setdefault(step.cell.work, []).append(time.monotonic() - self._begun)
        self._left.remove(step)

    @property
    def minutes_left(self) -> float:
        known = [seconds for took in self._took.values() for seconds in took]
        usual = mean(known) if known else 1.5
        works = {work: mean(took) for work, took in self._took.items()}
        return sum(works.get(step.cell.work, usual) for step in self._left) / 60
