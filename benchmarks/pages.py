"""Puts the figures into docs/performance.md and docs/figures.md, and the plots beside them.

Each page has two markers. What is outside them is written by hand and stays.
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
    texts = {"performance.md": short(document, samples), "figures.md": figures(document, samples)}
    for name, text in texts.items():
        page = docs / name
        page.write_text(put_between(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    return [*(docs / name for name in texts), *drawn]


def put_between(page: str, text: str) -> str:
    """Return the page with this text between its markers.

    Raises ValueError when the page has not exactly one of each, in this order.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(END) < page.index(BEGIN):
        raise ValueError(f"the page must have {BEGIN!r} and then {END!r}, once each")
    head, tail = page[: page.index(BEGIN)], page[page.index(END) :]
    return f"{head}{BEGIN}\n\n{text}\n\n{tail}"


def short(document: dict[str, Any], samples: Sequence[Sample]) -> str:
    """Return what a reader wants to know first: one table, and the plots."""
    parts = [
        report.summary(Samples(samples)),
        "PUSH to PULL by the size of a message, one call each, except the last two columns: round "
        "trips. Above 1 zmqlite is faster.",
    ]
    parts += [f"![{caption}](plots/{name}.svg)" for name, caption in plots.CAPTIONS.items()]
    return "\n\n".join([*parts, report.circumstances(document, samples)])


def figures(document: dict[str, Any], samples: Sequence[Sample]) -> str:
    """Return everything that was measured, in Markdown."""
    whole = Samples(samples)
    parts = [report.circumstances(document, samples)]
    parts += [
        "## Targets",
        "What this library set out to reach. Values are medians of rounds in which both sides "
        "ran, one after the other.",
        report.verdicts(whole),
    ]
    for title, table in report.sections(whole):
        parts += [f"## {title}", table]
    parts += report.losses(document)
    return "\n\n".join(parts)
