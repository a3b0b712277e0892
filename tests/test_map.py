"""docs/internals.md, the map of the source, against the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zmqlite

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = Path(zmqlite.__file__).parent
NATIVE = PACKAGE / "_native"
MAP = (CHECKOUT / "docs" / "internals.md").read_text(encoding="utf-8")
GENERATED = {"include", "licenses", "__pycache__"}
# (a folder that git has taken away may still hold what Python compiled)
FOLDERS = sorted(
    folder
    for folder in PACKAGE.iterdir()
    if folder.is_dir() and folder.name not in GENERATED and any(folder.glob("*.py"))
)

pytestmark = pytest.mark.skipif(
    not (NATIVE / "core.pyx").is_file(), reason="an installed package has not all sources"
)


def test_few_names_stand_at_the_top() -> None:
    """A new file goes into a room that a stranger would guess."""
    files = {p.name.removesuffix("i") for p in PACKAGE.iterdir() if p.is_file()} - {"_build.py"}
    names = files | {folder.name for folder in FOLDERS}
    assert len(names) <= 28, sorted(names)


def test_every_folder_is_on_the_map() -> None:
    for folder in FOLDERS:
        assert f"`{folder.name}/`" in MAP, folder.name


@pytest.mark.parametrize("folder", sorted(p.name for p in NATIVE.iterdir() if p.is_dir()))
def test_every_file_of_the_core_is_on_the_map(folder: str) -> None:
    if folder == "__pycache__":
        return
    row = re.search(rf"^\| `{folder}/` \| (.*) \|$", MAP, re.MULTILINE)
    assert row, f"no row for _native/{folder}/"
    named = set(re.findall(r"`([\w.]+)`", row[1]))
    files = {p.name for p in (NATIVE / folder).iterdir() if p.suffix in (".pxi", ".hpp")}
    assert named >= files, f"not named: {sorted(files - named)}"
    assert files >= {n for n in named if n.endswith((".pxi", ".hpp"))}, "a file that is not there"


def test_every_name_stands_in_its_file() -> None:
    found = re.findall(r"`(\w+)`(?: of `\w+`)? in `([\w./]+)`", MAP)
    assert len(found) > 15
    for name, place in found:
        path = PACKAGE / place
        assert path.is_file(), f"{place} is not there"
        text = path.read_text(encoding="utf-8")
        assert re.search(rf"\b{name}\b", text), f"{place} has no {name}"


def test_every_path_exists() -> None:
    for place in re.findall(r"`((?:[\w.]+/)+[\w.]*|\w+\.py)`", MAP):
        roots = (CHECKOUT, PACKAGE, NATIVE)
        assert any((root / place).exists() for root in roots), place


def test_the_core_includes_every_file() -> None:
    included = set(re.findall(r'^include "(.+)"', (NATIVE / "core.pyx").read_text(), re.MULTILINE))
    assert included == {str(p.relative_to(NATIVE)) for p in NATIVE.rglob("*.pxi")}
