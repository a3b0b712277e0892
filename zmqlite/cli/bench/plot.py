"""The figures of `bench` as an SVG: two charts over the size of a message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from ..shared.screen import percentile, round_size, si, took
from .client import Figures

__all__ = ["svg"]

WIDTH, HEIGHT, MARGIN, GAP = 840, 360, 70, 40
COLOURS = ("#3b6fb6", "#c8553d", "#3d8159", "#7d5ba6", "#8f6f00", "#5f6b73")
IN_THE_DARK = ("#7fabe8", "#f0917d", "#7cc79d", "#bda0e0", "#e0bb4a", "#b4bec9")

STYLE = """
  .card { fill: #fff; stroke: #d5d9de; }
  .grid { stroke: #e1e4e8; } .axis { stroke: #6b7681; }
  text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #1c2733; }
  .title { font-weight: bold; }
"""
STYLE_IN_THE_DARK = """
    .card { fill: #16191d; stroke: #3a424b; }
    .grid { stroke: #2c333b; } .axis { stroke: #97a3af; }
    text { fill: #e6eaee; }
"""


class Scale:
    """Where values stand between two ends, by their logarithm."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        positive = [value for value in values if value > 0] or [1.0]
        self.low, self.high = math.log10(min(positive)), math.log10(max(positive))
        if self.high - self.low < 0.3:
            self.low, self.high = self.low - 0.15, self.high + 0.15
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = max((math.log10(max(value, 1e-12)) - self.low) / (self.high - self.low), 0.0)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values inside, every tenfold or, on a short scale, more."""
        tens = self.high - self.low
        steps = range(1, 10) if tens < 0.6 else (1, 2, 5) if tens < 2 else (1,)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [step * 10.0**power for power in powers for step in steps]
        return [v for v in values if self.low - 0.01 <= math.log10(v) <= self.high + 0.01]


def style() -> str:
    """Return the colours, for light and for dark."""

    def lines(colours: Sequence[str]) -> str:
        return "".join(
            f"  .line{n} {{ stroke: {c}; }} .dot{n} {{ fill: {c}; }}\n"
            for n, c in enumerate(colours)
        )

    dark = f"{STYLE_IN_THE_DARK}{lines(IN_THE_DARK)}"
    media = f"  @media (prefers-color-scheme: dark) {{{dark}  }}\n"
    return f"<style>{STYLE}{lines(COLOURS)}{media}</style>"


def text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def chart(
    left: float, title: str, figures: Sequence[Figures], values: Sequence[float], label: str
) -> list[str]:
    """Return the elements of one chart."""
    right, top, bottom = left + (WIDTH - GAP) / 2 - MARGIN, 50.0, HEIGHT - 70.0
    sizes = sorted({one.size for one in figures})
    across, up = Scale([float(s) for s in sizes], left, right), Scale(values, bottom, top)
    made = [text((left + right) / 2, 28, title, extra=' class="title"')]
    name = {"rate": si, "time": took}[label]
    for value in up.ticks():
        y = up(value)
        made.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" class="grid"/>')
        made.append(text(left - 6, y + 4, name(value), "end"))
    for ends in (f'y2="{bottom}" x2="{right}"', f'y2="{top}" x2="{left}"'):
        made.append(f'<line x1="{left}" y1="{bottom}" {ends} class="axis"/>')
    made += [text(across(max(s, 1)), bottom + 18, round_size(s)) for s in sizes]
    for number, transport in enumerate(dict.fromkeys(one.transport for one in figures)):
        shade = number % len(COLOURS)
        own = zip(figures, values, strict=True)
        points = [(across(max(f.size, 1)), up(v)) for f, v in own if f.transport == transport]
        line = " ".join(f"{x},{y}" for x, y in points)
        made.append(
            f'<polyline points="{line}" fill="none" class="line{shade}" stroke-width="2"/>'
        )
        made += [f'<circle cx="{x}" cy="{y}" r="3" class="dot{shade}"/>' for x, y in points]
        x = left + 90 * number
        made.append(f'<rect x="{x}" y="{HEIGHT - 24}" width="12" height="12" class="dot{shade}"/>')
        made.append(text(x + 18, HEIGHT - 14, transport, "start"))
    return made


def svg(figures: Sequence[Figures]) -> str:
    """Return the picture."""
    rates = [one.messages_per_second for one in figures]
    middles = [percentile(one.round_trips, 50) for one in figures]
    body = [
        *chart(MARGIN, "messages a second, by size", figures, rates, "rate"),
        *chart(MARGIN + (WIDTH + GAP) / 2, "round trip (p50), by size", figures, middles, "time"),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + MARGIN}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH + MARGIN} {HEIGHT}">'
    )
    card = (
        f'<rect x="0.5" y="0.5" width="{WIDTH + MARGIN - 1}" height="{HEIGHT - 1}" class="card"/>'
    )
    return "\n".join([head, style(), card, *body, "</svg>\n"])
