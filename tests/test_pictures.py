"""The pictures of the pages are those that docs/pictures.py draws, each shown and described.

They and the plots of the benchmarks can be read on a white page and on a dark one.
"""

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
    for found in [re.findall(r"!\[(.+)\]\((?:\.\./)?pictures/(.+\.svg)\)", page.read_text())]
    for _, name in found
    for path in [DOCS / "pictures" / name]
}


@pytest.mark.parametrize("name", FILES)
def test_files_are_as_drawn(name: str) -> None:
    text = (DOCS / "pictures" / name).read_text(encoding="utf-8")
    assert text == FILES[name], "run python docs/pictures.py"


def test_every_drawing_is_drawn_and_shown() -> None:
    there = {path.name for path in (DOCS / "pictures").glob("*.svg")}
    assert there == set(FILES)
    assert set(SHOWN) == there


def test_the_words_beside_a_picture_are_its_title() -> None:
    """A reader who does not see it hears what it says."""
    for name, found in SHOWN.items():
        title = re.search("<title>(.*)</title>", FILES[name])
        assert title
        assert (title[1], name) in found


# -- light and dark -------------------------------------------------------------------------------

PLOTS = sorted((DOCS / "plots").glob("*.svg"))
SCHEMES = DOCS.parent / "benchmarks" / "schemes.py"
schemes = runpy.run_path(str(SCHEMES)) if SCHEMES.is_file() else {}


def luminance(colour: str) -> float:
    """Return how bright a colour is to an eye, from 0 to 1, as WCAG 2 computes it."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted(map(luminance, (one, other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.skipif(not schemes, reason="this copy has no benchmarks")
@pytest.mark.parametrize("path", PLOTS, ids=lambda path: path.stem)
def test_plots_have_both_schemes(path: Path) -> None:
    """Each colour that a plot uses has one for a dark ground, as the source says."""
    text = path.read_text(encoding="utf-8")
    assert schemes["rules"]() in text, "run it through benchmarks/schemes.py"
    used = {colour for style in re.findall('style="([^"]*)"', text)
            for colour in re.findall("#[0-9a-f]{6}", style)}  # fmt: skip
    assert used <= set(schemes["DARK"])


@pytest.mark.skipif(not schemes, reason="this copy has no benchmarks")
def test_lines_stand_out_from_a_dark_ground() -> None:
    dark = schemes["DARK"]
    ground = dark["#ffffff"]
    assert contrast(schemes["WORDS"], ground) > 7
    lines = {
        light: colour for light, colour in dark.items() if light not in ("#ffffff", "#dddddd")
    }
    assert {light for light, colour in lines.items() if contrast(colour, ground) < 4.5} == set()
    assert len(set(dark.values())) == len(dark)


@pytest.mark.parametrize("name", FILES)
def test_pictures_have_both_schemes(name: str) -> None:
    assert "prefers-color-scheme: dark" in FILES[name]
