"""Turns samples into tables: medians with their range, ratios of paired measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from cells import CELLS, LIBRARIES, Cell
from runner import Sample

OURS = LIBRARIES[0]
Value = Callable[[Sample], float]


class Samples:
    """All samples, by cell, library and round."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._by_place = {(s.cell, s.library, s.round): s for s in samples}
        self.rounds = sorted({s.round for s in samples})
        self.cells = [cell for cell in CELLS if any(s.cell == cell.key for s in samples)]

    def of(self, cell: Cell, library: str) -> dict[int, Sample]:
        """Return the samples of a library by round; those of its plainest way if it has no other.

        So send_many and iteration are compared with what a rival offers: one call a message.
        """
        if not cell.supports(library):
            cell = Cell(cell.work, cell.transport, cell.size)
        places = ((number, (cell.key, library, number)) for number in self.rounds)
        return {number: self._by_place[at] for number, at in places if at in self._by_place}

    def ratios(self, cell: Cell, rival: str, value: Value) -> list[float]:
        """Return ours divided by the rival's, one ratio a round: what ran side by side."""
        ours, theirs = self.of(cell, OURS), self.of(cell, rival)
        return [value(ours[n]) / value(theirs[n]) for n in ours if n in theirs]


def short(figure: float) -> str:
    """Write a figure with three digits and a unit prefix: 2.31 M, 94.0 k, 812."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if figure >= limit * 0.9995:
            return f"{figure / limit:.3g}{unit}"
    return f"{figure:.3g}"


def spread(figures: Sequence[float]) -> str:
    """Write the median and, when there are several figures, their range."""
    if not figures:
        return "-"
    middle = short(median(figures))
    if len(figures) == 1:
        return middle
    return f"{middle} ({short(min(figures))} to {short(max(figures))})"


def times(ratios: Sequence[float]) -> str:
    """Write the median of ratios and their range."""
    if not ratios:
        return "-"
    text = f"**{median(ratios):.2f}**"
    return text if len(ratios) == 1 else f"{text} ({min(ratios):.2f} to {max(ratios):.2f})"


def _rate(sample: Sample) -> float:
    return sample.rate


def _cpu(sample: Sample) -> float:
    return sample.cpu_us


def _micros(sample: Sample) -> float:
    return sample.seconds / sample.count * 1e6


def _p50(sample: Sample) -> float:
    """The median trip, or the mean where a tool tells no more."""
    return _micros(sample) if sample.p50 is None else sample.p50


def _p99(sample: Sample) -> float:
    return sample.p99 or float("nan")


def _switches(sample: Sample) -> float:
    return sample.switches / sample.count * 1000


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sections(samples: Samples) -> Iterator[tuple[str, str]]:
    """Yield the title and the table of every kind of work that was measured."""
    plans: tuple[tuple[str, tuple[str, ...], Value, str, bool], ...] = (
        ("PUSH/PULL, messages a second", ("throughput",), _rate, "rate", True),
        ("PUSH/PULL, multipart, messages a second", ("multipart",), _rate, "rate", True),
        ("REQ/REP, microseconds a round trip", ("latency",), _p50, "p50", False),
        ("Event loops: PUSH/PULL, messages a second", ("async",), _rate, "rate", True),
        ("Event loops: REQ/REP, microseconds a round trip", ("asynclatency",), _p50, "p50", False),
        ("Waiting and sockets, microseconds", ("poll", "create", "import"), _micros, "us", False),
    )
    for title, works, value, unit, cpp in plans:
        cells = [cell for cell in samples.cells if cell.work in works]
        if cells:
            yield title, _speed(samples, cells, value, unit)
            if cpp or unit == "p50":
                yield f"{title.split(',')[0]}, what it costs", _cost(samples, cells)


def _present(samples: Samples, cells: Sequence[Cell]) -> list[str]:
    return [lib for lib in LIBRARIES if any(samples.of(cell, lib) for cell in cells)]


def _speed(samples: Samples, cells: Sequence[Cell], value: Value, unit: str) -> str:
    libraries = _present(samples, cells)
    rivals = [library for library in libraries if library != OURS]
    header = ["cell", *(f"{library} {unit}" for library in libraries)]
    header += [f"ratio to {rival}" for rival in rivals]
    tails = unit == "p50"
    header += [f"{library} p99" for library in libraries if library != "libzmq"] if tails else []
    rows = []
    for cell in cells:
        row = [cell.key]
        row += [spread([value(s) for s in samples.of(cell, lib).values()]) for lib in libraries]
        row += [times(samples.ratios(cell, rival, value)) for rival in rivals]
        if tails:
            named = [library for library in libraries if library != "libzmq"]
            row += [spread([_p99(s) for s in samples.of(cell, lib).values()]) for lib in named]
        rows.append(row)
    return table(header, rows)


def _cost(samples: Samples, cells: Sequence[Cell]) -> str:
    """CPU time over all threads and processes, and voluntary context switches."""
    libraries = _present(samples, cells)
    rivals = [library for library in libraries if library != OURS]
    header = ["cell", *(f"{library} CPU us" for library in libraries)]
    header += [f"ratio to {rival}" for rival in rivals]
    header += [f"{library} switches/1000" for library in libraries]
    rows = []
    for cell in cells:
        found = {library: list(samples.of(cell, library).values()) for library in libraries}
        row = [cell.key, *(spread([_cpu(s) for s in found[lib]]) for lib in libraries)]
        row += [times(samples.ratios(cell, rival, _cpu)) for rival in rivals]
        row += [
            short(median(_switches(s) for s in found[lib])) if found[lib] else "-"
            for lib in libraries
        ]
        rows.append(row)
    return table(header, rows)


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
