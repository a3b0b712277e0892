"""The plots of the performance page, as small SVG files that are the same for the same samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from math import ceil, floor, log10
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
import schemes
from cells import LIBRARIES, OURS, TRANSPORTS, Cell
from samples import Samples

mpl.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

STYLE: Any = {
    "svg.hashsalt": "zmqlite",  # ids by content, not by chance
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "figure.constrained_layout.use": True,
}
# told apart by people who see few colours, too; markers help where lines cross
LOOKS: dict[str, dict[str, str]] = {
    "zmqlite": {"color": "#0072b2", "marker": "o"},
    "zmqlite, batches": {"color": "#56b4e9", "marker": "o"},
    "pyzmq": {"color": "#d55e00", "marker": "s"},
    "pyomq": {"color": "#009e73", "marker": "^"},
    "pynng": {"color": "#cc79a7", "marker": "v"},
    "libzmq": {"color": "#222222", "marker": "D", "linestyle": "--"},
    "zmqlite, uvloop": {"color": "#56b4e9", "marker": "o"},
    "zmqlite, trio": {"color": "#999933", "marker": "o"},
}
LABELS = {"libzmq": "libzmq's C++ tool"}
Points = list[tuple[float, float]]


def write(samples: Samples, folder: Path) -> list[Path]:
    """Draw what was measured into the folder and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with mpl.rc_context(STYLE):
        for name, draw in DRAWINGS.items():
            figure = draw(samples)
            path = folder / f"{name}.svg"
            drawn = StringIO()
            figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
            pyplot.close(figure)
            path.write_text(schemes.in_both(drawn.getvalue()), encoding="utf-8")
            written.append(path)
    return written


def value(samples: Samples, cell: Cell, library: str, measure: str) -> float | None:
    """Return the median, or None when it was not measured."""
    figures = samples.figures(cell.key, library, measure)
    return median(figures.values()) if figures else None


# --- lines ----------------------------------------------------------------------------------


def lines(axes: Any, series: Iterator[tuple[str, Points]]) -> None:
    """Draw the series that have points, both axes logarithmic."""
    for name, points in series:
        if points:
            xs, ys = zip(*sorted(points), strict=True)
            axes.plot(xs, ys, label=LABELS.get(name, name), **LOOKS[name])
    axes.set_xscale("log")
    axes.set_yscale("log")
    # whole decades, so that small differences look small
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** floor(log10(low)), 10 ** ceil(log10(high)))
    for axis, most in ((axes.xaxis, 6), (axes.yaxis, 8)):
        axis.set_major_locator(LogLocator(10, numticks=most))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda figure, _: prefixed(figure)))


def prefixed(figure: float) -> str:
    """Write a power of ten as people do: 0.1, 10, 10 k, 1 M."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if figure >= limit:
            return f"{figure / limit:g}{unit}"
    return f"{figure:g}"


def by_number(
    samples: Samples, work: str, transport: str, measure: str, at: Callable[[Cell], float]
) -> Iterator[tuple[str, Points]]:
    """Yield, library by library, a measure over what a work's cells differ in."""
    plain = [
        c for c in samples.cells if (c.work, c.transport, c.mode) == (work, transport, "single")
    ]
    for library in LIBRARIES:
        found = [(at(cell), value(samples, cell, library, measure)) for cell in plain]
        yield library, [(x, y) for x, y in found if y is not None]
    many = [c for c in samples.cells if (c.work, c.transport, c.mode) == (work, transport, "many")]
    found = [(at(cell), value(samples, cell, OURS, measure)) for cell in many]
    yield f"{OURS}, batches", [(x, y) for x, y in found if y is not None]


def legend(figure: Any, panels: Sequence[Any]) -> None:
    """Put one legend for all panels below them."""
    known: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    if known:
        figure.legend(
            known.values(), known.keys(), loc="outside lower center", ncols=6, frameon=False
        )


def passing(samples: Samples) -> Any:
    """PUSH/PULL: rate and CPU time over the size of a message."""
    figure, grid = pyplot.subplots(2, len(TRANSPORTS), figsize=(9, 5.4), sharex=True, sharey="row")
    rows = (("rate", "messages a second"), ("cpu", "CPU µs a message"))
    for panels, (measure, label) in zip(grid, rows, strict=True):
        panels[0].set_ylabel(label)
        for axes, transport in zip(panels, TRANSPORTS, strict=True):
            lines(axes, by_number(samples, "throughput", transport, measure, lambda c: c.size))
    for axes, transport in zip(grid[0], TRANSPORTS, strict=True):
        axes.set_title(transport)
    for axes in grid[1]:
        axes.set_xlabel("bytes a message")
    legend(figure, list(grid.flat))
    return figure


def growth(samples: Samples) -> Any:
    """What one costs when there are many."""
    figure, grid = pyplot.subplots(2, 2, figsize=(9, 6))
    plans = (
        ("poll", "inproc", "cpu", "send, poll, receive: CPU µs", "sockets in the poller"),
        ("peers", "tcp", "cpu", "round trip: CPU µs", "peers of a ROUTER, tcp"),
        ("subscriptions", "inproc", "cpu", "send, match, receive: CPU µs", "subscriptions"),
        ("pubsub", "tcp", "rate", "deliveries a second", "subscribers, tcp"),
    )
    for axes, (work, transport, measure, label, along) in zip(grid.flat, plans, strict=True):
        lines(axes, by_number(samples, work, transport, measure, lambda c: c.number))
        axes.set_ylabel(label)
        axes.set_xlabel(along)
    legend(figure, list(grid.flat))
    return figure


# --- bars -----------------------------------------------------------------------------------


def bars(axes: Any, groups: Sequence[str], series: dict[str, list[float | None]]) -> None:
    """Draw groups of bars side by side; what was not measured leaves its place empty."""
    shown = {name: found for name, found in series.items() if any(found)}
    width = 0.8 / max(1, len(shown))
    for index, (name, found) in enumerate(shown.items()):
        places = [group - 0.4 + width * (index + 0.5) for group in range(len(groups))]
        label = LABELS.get(name, name)
        bars = axes.bar(
            places, [f or 0 for f in found], width * 0.92, label=label, color=LOOKS[name]["color"]
        )
        words = [f"{figure:.3g}" if figure else "" for figure in found]
        axes.bar_label(bars, words, padding=2, fontsize=7)
    axes.set_xticks(range(len(groups)), groups)
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)


def trips(samples: Samples) -> Any:
    """REQ/REP: the median of a round trip, blocking and in asyncio."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6))
    for axes, work, mode, title in (
        (panels[0], "latency", "single", "blocking"),
        (panels[1], "asynclatency", "asyncio", "asyncio"),
    ):
        series = {
            library: [
                value(samples, Cell(work, transport, 16, mode), library, "p50")
                for transport in TRANSPORTS
            ]
            for library in LIBRARIES
        }
        bars(axes, TRANSPORTS, series)
        axes.set_title(f"REQ/REP, 16 B, {title}")
        axes.set_ylabel("µs a round trip, median")
    legend(figure, panels)
    return figure


def loops(samples: Samples) -> Any:
    """PUSH/PULL in event loops: CPU time and rate."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6))
    plan = [("zmqlite", "zmqlite", "asyncio"), ("zmqlite, uvloop", "zmqlite", "uvloop")]
    plan += [("zmqlite, trio", "zmqlite", "trio")]
    plan += [("pyzmq", "pyzmq", "asyncio"), ("pyomq", "pyomq", "asyncio")]
    for axes, measure, factor, label in (
        (panels[0], "rate", 1e-6, "million messages a second"),
        (panels[1], "cpu", 1.0, "CPU µs a message"),
    ):
        series = {}
        for name, library, mode in plan:
            cells = [Cell("async", transport, 16, mode) for transport in TRANSPORTS]
            found = [value(samples, cell, library, measure) for cell in cells]
            series[name] = [None if figure is None else figure * factor for figure in found]
        bars(axes, TRANSPORTS, series)
        axes.set_title("asyncio, uvloop, trio: PUSH/PULL, 16 B")
        axes.set_ylabel(label)
    legend(figure, panels)
    return figure


DRAWINGS: dict[str, Callable[[Samples], Any]] = {
    "passing": passing,
    "trips": trips,
    "loops": loops,
    "growth": growth,
}
CAPTIONS = {
    "passing": "PUSH to PULL by size of a message, one call a message and in batches",
    "trips": "REQ/REP round trips of 16 bytes; the C++ tool tells a mean",
    "loops": "Event loops, one awaited call a message",
    "growth": "What one costs when there are many",
}
