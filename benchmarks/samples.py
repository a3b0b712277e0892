"""Samples and what is read from them: medians with their range, ratios within a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from cells import CELLS, OURS, Cell


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement. Times are seconds.

    `cpu` and `switches` (voluntary context switches) cover every thread of every process taking
    part. `foreign` is how many cores other programs kept busy meanwhile, by the kernel's count.
    `more` has what only some works tell: `p50`, `p99` and `p999` are microseconds of one round
    trip; `loop` and `calls` are those of the receiving thread's CPU time for one message; `memory`
    is bytes and `descriptors` a number for one of what was counted.
    """

    cell: str
    library: str
    round: int
    count: int
    seconds: float
    cpu: float
    switches: int
    foreign: float = 0.0
    more: dict[str, float] = field(default_factory=dict)


def _p50(sample: Sample) -> float | None:
    """The median trip, or the mean where a tool tells no more."""
    return sample.more.get("p50", sample.seconds / sample.count * 1e6)


MEASURES: dict[str, Callable[[Sample], float | None]] = {
    "rate": lambda sample: sample.count / sample.seconds,
    "seconds": lambda sample: sample.seconds,
    "us": lambda sample: sample.seconds / sample.count * 1e6,
    "cpu": lambda sample: sample.cpu / sample.count * 1e6,
    "switches": lambda sample: sample.switches / sample.count * 1000,
    "count": lambda sample: sample.count,
    "p50": _p50,
    "p99": lambda sample: sample.more.get("p99"),
    "p999": lambda sample: sample.more.get("p999"),
    "loop": lambda sample: sample.more.get("loop"),
    "calls": lambda sample: sample.more.get("calls"),
    "memory": lambda sample: sample.more.get("memory"),
    "descriptors": lambda sample: sample.more.get("descriptors"),
}
"""Rates are a second; us and cpu are microseconds each; switches are for a thousand."""

Figures = dict[int, float]
"""A figure for every round in which it was taken."""


class Samples:
    """All samples, by cell, library and round."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._places: dict[tuple[str, str], dict[int, Sample]] = {}
        for sample in samples:
            place = self._places.setdefault((sample.cell, sample.library), {})
            place[sample.round] = sample

    @property
    def cells(self) -> list[Cell]:
        """The cells that were measured, in the order of the tables."""
        measured = {cell for cell, _ in self._places}
        return [cell for cell in CELLS if cell.key in measured]

    def figures(self, cell: str, library: str, measure: str) -> Figures:
        """Return one figure a round; rounds that have none are left out."""
        value = MEASURES[measure]
        place = self._places.get((cell, library), {})
        found = {number: value(place[number]) for number in sorted(place)}
        return {number: figure for number, figure in found.items() if figure is not None}

    def beside(self, cell: Cell, library: str, measure: str) -> Figures:
        """Return a rival's figures, those of its plainest way if it has no other.

        So send_many and iteration are compared with what a rival offers: one call a message.
        """
        place = cell if cell.supports(library) else cell.plain
        return self.figures(place.key, library, measure)

    def ratios(self, cell: Cell, rival: str, measure: str) -> list[float]:
        """Return ours divided by the rival's, one ratio a round: what ran side by side."""
        return paired(self.figures(cell.key, OURS, measure), self.beside(cell, rival, measure))


def paired(ours: Figures, theirs: Figures) -> list[float]:
    """Return the ratios of the rounds that both have."""
    return [ours[number] / theirs[number] for number in ours if theirs.get(number)]


# --- how figures are written ----------------------------------------------------------------


def short(figure: float) -> str:
    """Write a figure with three digits and a unit prefix: 2.31 M, 94.0 k, 812."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if figure >= limit * 0.9995:
            return f"{figure / limit:.3g}{unit}"
    return f"{figure:.3g}"


def middle(figures: Sequence[float]) -> str:
    """Write the median, or a dash when there is none."""
    return short(median(figures)) if figures else "-"


def times(ratios: Sequence[float]) -> str:
    """Write the median of ratios and, when there are several, their range."""
    if not ratios:
        return "-"
    text = f"**{median(ratios):.2f}**"
    return text if len(ratios) == 1 else f"{text} ({min(ratios):.2f} to {max(ratios):.2f})"


def noise(samples: Sequence[Sample]) -> str:
    """Say how busy other programs kept the machine while it measured."""
    foreign = sorted(sample.foreign for sample in samples)
    if not foreign:
        return "nothing was measured"
    return (
        f"other programs kept {median(foreign):.2f} cores busy (median of {len(foreign)} "
        f"measurements; {foreign[int(len(foreign) * 0.9)]:.2f} at the 90th percentile, "
        f"{foreign[-1]:.2f} at most)"
    )
