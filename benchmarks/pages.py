"""Puts the figures into docs/performance.md, between two markers, and the plots beside it.

What is outside the markers is written by hand and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plots
import report
from samples import Sample, Samples

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN = "<!-- figures: begin, written by `python benchmarks/run.py --write-docs` -->"
END = "<!-- figures: end -->"


def write(document: dict[str, Any], samples: Sequence[Sample], docs: Path = DOCS) -> list[Path]:
    """Draw the plots, put the tables between the markers, and return what was written."""
    drawn = plots.write(Samples(samples), docs / "plots")
    page = docs / "performance.md"
    page.write_text(put_between(page.read_text(encoding="utf-8"), figures(document, samples)))
    return [page, *drawn]


def put_between(page: str, text: str) -> str:
    """Return the page with this text between its markers.

    Raises ValueError when the page has not exactly one of each, in this order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(END) < page.index(BEGIN):
        raise ValueError(f"the page must have {BEGIN!r} and then {END!r}, once each")
    head, tail = page[: page.index(BEGIN)], page[page.index(END) :]
    return f"{head}{BEGIN}\n\n{text}\n\n{tail}"


def figures(document: dict[str, Any], samples: Sequence[Sample]) -> str:
    """Return everything that was measured, in Markdown."""
    whole = Samples(samples)
    parts = [report.circumstances(document, samples)]
    parts += [
        "### Targets",
        "What this library set out to reach: D is the design's section, I an issue. Values are "
        "medians of rounds in which both sides ran, one after the other.",
        report.verdicts(whole),
        "### At a glance",
    ]
    parts += [f"![{caption}](plots/{name}.svg)" for name, caption in plots.CAPTIONS.items()]
    for title, table in report.sections(whole):
        parts += [f"### {title}", table]
    parts += report.losses(document)
    return "\n\n".join(parts)
