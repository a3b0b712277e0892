"""The figures of `bench` as an SVG: two charts over the size of a message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from ..shared.screen import percentile, round_size, si, took
from .client import Figures

__all__ = ["svg"]

WIDTH, HEIGHT, MARGIN, GAP = 840, 360, 70, 40
COLOURS = ("#3b6fb6", "#c8553d", "#4c956c", "#7d5ba6", "#b08900", "#5f6b73")


class Scale:
    """Where values stand between two ends, by their logarithm."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        positive = [value for value in values if value > 0] or [1.0]
        self.low, self.high = math.log10(min(positive)), math.log10(max(positive))
        if self.high - self.low < 0.3:
            self.low, self.high = self.low - 0.15, self.high + 0.15
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (math.log10(max(value, 1e-12)) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values inside, every tenfold or, on a short scale, some between."""
        steps = (1, 2, 5) if self.high - self.low < 2 else (1,)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [step * 10.0**power for power in powers for step in steps]
        return [v for v in values if self.low - 0.01 <= math.log10(v) <= self.high + 0.01]


def text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def chart(
    left: float, title: str, figures: Sequence[Figures], values: Sequence[float], label: str
) -> list[str]:
    """Return the elements of one chart."""
    right, top, bottom = left + (WIDTH - GAP) / 2 - MARGIN, 50.0, HEIGHT - 70.0
    sizes = sorted({one.size for one in figures})
    across, up = Scale([float(s) for s in sizes], left, right), Scale(values, bottom, top)
    made = [text((left + right) / 2, 28, title, extra=' font-weight="bold"')]
    name = {"rate": si, "time": took}[label]
    for value in up.ticks():
        y = up(value)
        made.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="#ddd"/>')
        made.append(text(left - 6, y + 4, name(value), "end"))
    made += [text(across(max(s, 1)), bottom + 18, round_size(s)) for s in sizes]
    for number, transport in enumerate(dict.fromkeys(one.transport for one in figures)):
        colour = COLOURS[number % len(COLOURS)]
        own = zip(figures, values, strict=True)
        points = [(across(max(f.size, 1)), up(v)) for f, v in own if f.transport == transport]
        line = " ".join(f"{x},{y}" for x, y in points)
        made.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        made += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in points]
        x = left + 90 * number
        made.append(f'<rect x="{x}" y="{HEIGHT - 24}" width="12" height="12" fill="{colour}"/>')
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
        f'viewBox="0 0 {WIDTH + MARGIN} {HEIGHT}" font-family="sans-serif" font-size="12">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *body, "</svg>\n"])
