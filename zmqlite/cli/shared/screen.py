"""Figures in words, tables, and views that are drawn again and again on a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..output import OutputError

__all__ = [
    "View",
    "bar",
    "console",
    "histogram",
    "live_view",
    "percentile",
    "plain_signs",
    "printed",
    "round_size",
    "si",
    "size_of",
    "table",
    "took",
    "wide",
]

_NAME = 6  # columns that a name has at least
_BLOCKS = " ▏▎▍▌▋▊▉█"
_PLAIN_BLOCK = "#"
_GAP = f"{'...':>8}"


def si(number: float) -> str:
    """Return a number of things in three digits: 950, 12.3 k, 1.25 M."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= limit:
            scale = {" G": 1e9, " M": 1e6, " k": 1e3}[unit]
            return _three(number / scale) + unit
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def size_of(number: float) -> str:
    """Return a number of bytes: 950 B, 12.3 kB, 1.25 MB."""
    for scale, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= scale:
            return f"{_three(number / scale)} {unit}"
    return f"{number:.0f} B"


def round_size(number: int) -> str:
    """Return the size of a message as it is asked for: 16 B, 4 KiB, 1 MiB, 1.50 kB."""
    for scale, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number and number % scale == 0:
            return f"{number // scale} {unit}"
    return size_of(number)


def took(seconds: float) -> str:
    """Return a short time: 87.5 us, 1.20 ms, 3.00 s."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{_three(seconds / scale)} {unit}"
    return f"{_three(seconds * 1e6)} us"


def _three(number: float) -> str:
    """Return a number with three digits that tell something."""
    return f"{number:.{max(0, 2 - int(math.log10(number))) if number >= 1 else 2}f}"


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of an ordered list are not above."""
    place = math.ceil(percent / 100 * len(ordered)) - 1
    return ordered[min(max(place, 0), len(ordered) - 1)]


def bar(share: float, width: int, plain: bool = False) -> str:
    """Return a bar that fills a share of the width."""
    share = min(max(share, 0.0), 1.0)
    if plain:
        return _PLAIN_BLOCK * round(share * width)
    whole, rest = divmod(round(share * width * 8), 8)
    return "█" * whole + _BLOCKS[rest].strip()


def histogram(values: Iterable[float], width: int, plain: bool = False) -> list[str]:
    """Return lines that show how often which times were seen, on a scale of powers."""
    counts: dict[int, int] = {}
    for value in values:
        step = math.floor(2 * math.log2(max(value, 1e-9)))
        counts[step] = counts.get(step, 0) + 1
    if not counts:
        return []
    most = max(counts.values())
    digits = len(f"{most:,}")
    lines: list[str] = []
    for step in range(min(counts), max(counts) + 1):
        label = f"{took(2 ** (step / 2)):>8}"
        count = counts.get(step, 0)
        if not any(counts.get(near, 0) for near in (step - 1, step, step + 1)):
            if lines[-1] != _GAP:
                lines.append(_GAP)
            continue
        space = max(width - len(label) - digits - 4, 1)
        lines.append(f"{label}  {count:>{digits},}  {bar(count / most, space, plain)}".rstrip())
    return lines


def console(stderr: bool = False) -> Console:
    """Return what draws on standard output, or on standard error."""
    return Console(stderr=stderr, highlight=False)


def plain_signs(output: Console) -> bool:
    """Tell whether the output takes no more than ASCII."""
    return not output.encoding.lower().startswith("utf")


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, last: str = ""
) -> Group:
    """Return lines with a name and figures; without the last figures where they have no room.

    Figures are never cut; names are, with an ellipsis. `last` is a line below.
    """
    sizes = [max(len(cells[n]) for cells in (columns, *rows)) for n in range(len(columns))]
    while len(sizes) > 2 and _NAME + sum(sizes[1:]) + 2 * len(sizes) > width:
        sizes.pop()
    sizes[0] = max(min(sizes[0], width - sum(sizes[1:]) - 2 * len(sizes) + 1), _NAME)
    lines = [Text(_row(columns, sizes), "bold", no_wrap=True, overflow="crop")]
    lines += [Text(_row(cells, sizes), no_wrap=True, overflow="crop") for cells in rows]
    if last:
        lines.append(Text(last, "dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _row(cells: Sequence[str], sizes: Sequence[int]) -> str:
    name = cells[0] if len(cells[0]) <= sizes[0] else cells[0][: sizes[0] - 1] + "…"
    figures = [f"{cell:>{size}}" for cell, size in zip(cells[1:], sizes[1:], strict=False)]
    return "  ".join([f"{name:{sizes[0]}}", *figures])


def wide(output: Console) -> int:
    """Return the width for what is printed: a file has room for all."""
    return output.width if output.is_terminal else max(output.width, 100)


def printed(what: RenderableType, output: Console) -> str:
    """Return what would be drawn, as text."""
    kept = StringIO()
    colours: Any = output.color_system if output.is_terminal else None
    Console(
        file=kept, width=wide(output), highlight=False, color_system=colours,
        force_terminal=output.is_terminal, no_color=output.no_color,
    ).print(what)  # fmt: skip
    return "\n".join(line.rstrip() for line in kept.getvalue().splitlines())


class View:
    """What is drawn again and again in one place of a terminal."""

    def __init__(self, output: Console, live: Live) -> None:
        self.console, self._live = output, live

    def show(self, what: RenderableType) -> None:
        """Draw this in the place of what was drawn before."""
        try:
            self._live.update(what, refresh=True)
        except OSError as error:
            raise OutputError(error.strerror or str(error)) from error

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self.console.width

    @property
    def rows(self) -> int:
        """How many lines a table may have, so that all of it is seen."""
        return max(self.console.size.height - 4, 3)


@contextmanager
def live_view(stderr: bool = False, stays: bool = True) -> Generator[View | None, None, None]:
    """Yield a view, or None where no terminal shows one."""
    stream: Any = sys.stderr if stderr else sys.stdout
    output = console(stderr)
    if stream is None or not output.is_terminal or output.is_dumb_terminal:
        yield None
        return
    with Live(
        console=output,
        auto_refresh=False,
        transient=not stays,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    ) as live:
        yield View(output, live)
