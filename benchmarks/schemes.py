"""Plots that can be read on a white page and on a dark one.

A file drawn by matplotlib names its colours where it uses them. A rule for each, in the file
itself, replaces it where the reader prefers dark; whatever does not know the rule shows the file
as it was drawn.
"""

from __future__ import annotations

# colour as drawn: the same on a dark ground. Those of the lines keep their order of brightness
DARK = {
    "#ffffff": "#16191d",  # the ground of docs/pictures
    "#000000": "#aeb8c2",
    "#dddddd": "#353d46",
    "#222222": "#e6eaee",
    "#0072b2": "#3d9be0",
    "#56b4e9": "#a3daf9",
    "#d55e00": "#f58549",
    "#009e73": "#35c795",
    "#cc79a7": "#e3a0c4",
    "#999933": "#cfcf6a",
}
WORDS = "#e6eaee"
STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"  # where matplotlib's own rules stand


def rules() -> str:
    """Return what is added to matplotlib's own style."""
    lines = [f"text {{fill: {WORDS}}}"]
    for light, dark in DARK.items():
        for what in ("fill", "stroke"):
            lines.append(f'[style*="{what}: {light}"] {{{what}: {dark} !important}}')
    return "\n@media (prefers-color-scheme: dark) {\n" + "\n".join(lines) + "\n}\n"


def in_both(svg: str) -> str:
    """Return a file of matplotlib's with the rules in it."""
    if svg.count(STYLE) != 1:
        raise ValueError(f"matplotlib writes its style in another way: no {STYLE!r}")
    return svg.replace(STYLE, STYLE + rules())
