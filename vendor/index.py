"""One index of our patches, from PIN and the head of each: `python vendor/index.py` writes it.

The table in a project's README stands between two marks; a build writes the names and sentences of
what it lacks into `zmqlite/_build.py`, for `python -m zmqlite version`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from pins import Pin, read_pin

BEGIN, END = "<!-- the index: python vendor/index.py -->", "<!-- the end of the index -->"


def table(pin: Pin) -> str:
    """Return the index as a table in Markdown, in the order of the PIN."""
    rows = ["| patch | what holds with it | for |", "|---|---|---|"]
    for patch in pin.patches:
        versions = ", ".join("others?" if v == "*?" else v for v in patch.versions)
        rows.append(f"| `{patch.name}` | {patch.sentence} | {versions} |")
    return "\n".join(rows)


def lacking(pin: Pin, version: str, applied: Iterable[str]) -> list[tuple[str, str]]:
    """Return the name and the sentence of each patch that `version` needs and does not have."""
    have = set(applied)
    return [
        (patch.name, patch.sentence)
        for patch in pin.patches
        if patch.wanted(version, ()) and patch.path.name not in have
    ]


def needless(pin: Pin, version: str) -> list[str]:
    """Return the files of the patches that `version` does not need: it has mended that itself."""
    return [patch.path.name for patch in pin.patches if not patch.wanted(version, ())]


def renewed(readme: str, pin: Pin) -> str:
    """Return the text of a README with the index of today between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(pin)}\n{END}{after}"


def main() -> int:
    """Write the index into the README of libzmq."""
    pin = read_pin("libzmq")
    readme: Path = pin.folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(renewed(text, pin), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
