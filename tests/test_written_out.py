"""What stands in files and comes from elsewhere is as fresh as what it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

import zmqlite

if not (Path(__file__).resolve().parents[1] / "vendor" / "stubs.py").is_file():
    pytest.skip("needs a checkout", allow_module_level=True)

import written_out

PACKAGE = Path(zmqlite.__file__).parent  # in the tree, or installed


def test_enums_have_the_members_of_the_rows() -> None:
    assert (PACKAGE / "enums.py").read_text(encoding="utf-8") == written_out.enums(PACKAGE), (
        "run python tests/written_out.py"
    )


def test_stubs_are_what_a_build_would_write_today() -> None:
    made = written_out.stubs.stubs(PACKAGE)
    found = {name: (PACKAGE / name).read_text(encoding="utf-8") for name in made}
    assert found == made, "build again, or run python tests/written_out.py"


def test_git_ignores_the_stubs_of_the_build_and_no_other() -> None:
    ignored = Path(written_out.__file__).parents[1] / ".gitignore"
    if not ignored.is_file():
        pytest.skip("an unpacked sdist has none")
    lines = ignored.read_text(encoding="utf-8").split()
    made = {f"/zmqlite/{name}" for name in written_out.stubs.stubs(PACKAGE)}
    assert {line for line in lines if line.endswith(".pyi")} == made
