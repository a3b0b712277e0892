"""The suite itself: how long a file of tests may be, and that nothing is skipped by a slip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from programs import run_program

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


AT_EXIT = """
import atexit
def go_on():
    leaving.wait()
    %s
leaving, thread = threading.Event(), threading.Thread(target=go_on, daemon=True)
atexit.register(lambda: (leaving.set(), thread.join(20)))
thread.start()
"""
"""A thread goes on while an exit handler waits for it."""


def test_a_thread_that_can_start_no_other_one_at_exit_is_no_news() -> None:
    """A peer accepts one more connection of a client that is about to go: Python 3.12 refuses."""
    assert run_program(AT_EXIT % "threading.Thread(target=print).start()").strip() == ""


def test_any_other_error_of_a_thread_at_exit_is_news() -> None:
    with pytest.raises(pytest.fail.Exception, match="an error of its own"):
        run_program(AT_EXIT % 'raise OSError("an error of its own")')
