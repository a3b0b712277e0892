"""The suite itself: how long a file of tests may be, and that nothing is skipped by a slip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PATCHES = TESTS.parent / "vendor" / "libzmq" / "patches"
FILES = sorted(path for path in TESTS.rglob("*.py") if "__pycache__" not in path.parts)
MAX_LINES = 500
"""More than in the package: tests stand beside each other, and are read one at a time."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_files_stay_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{path.name} has {lines} lines: find the second subject in it"


@pytest.mark.skipif(not PATCHES.is_dir(), reason="needs a checkout")
def test_every_patch_that_a_test_needs_exists() -> None:
    """A name with a slip in it would skip the test everywhere."""
    known = {path.stem for path in PATCHES.rglob("*.patch")}
    for path in FILES:
        for call in re.findall(r"needs_patch\(([^)]*)\)", path.read_text(encoding="utf-8")):
            unknown = set(re.findall(r'"([^"]+)"', call)) - known
            assert not unknown, f"{path.name} needs {sorted(unknown)}"
