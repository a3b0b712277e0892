"""The pictures of the pages are those that docs/pictures.py draws, each shown and described."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
if not (DOCS / "pictures.py").is_file():
    pytest.skip("this copy has no docs", allow_module_level=True)
FILES: dict[str, str] = runpy.run_path(str(DOCS / "pictures.py"))["files"]()
SHOWN = {
    path.name: found
    for page in DOCS.rglob("*.md")
    for found in [re.findall(r"!\[(.+)\]\((?:\.\./)?pictures/(.+)\)", page.read_text())]
    for _, name in found
    for path in [DOCS / "pictures" / name]
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_as_drawn(name: str) -> None:
    text = (DOCS / "pictures" / name).read_text(encoding="utf-8")
    assert text == FILES[name], "run python docs/pictures.py"


def test_every_file_is_drawn_and_shown() -> None:
    there = {path.name for path in (DOCS / "pictures").iterdir()}
    assert there == set(FILES)
    assert set(SHOWN) == there


def test_the_words_beside_a_picture_are_its_title() -> None:
    """A reader who does not see it hears what it says."""
    for name, found in SHOWN.items():
        title = re.search("<title>(.*)</title>", FILES[name])
        assert title
        assert (title[1], name) in found
