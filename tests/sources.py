"""The package's own sources, for the tests that read them."""

from __future__ import annotations

import ast
from pathlib import Path

import zmqlite

PACKAGE = Path(zmqlite.__file__).parent
CHECKOUT = Path(__file__).resolve().parents[1]


def python_files() -> list[Path]:
    """Return the package's own Python files."""
    return sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


def native_files() -> list[Path]:
    """Return the core's sources; an installed package has only those that others cimport."""
    folder = PACKAGE / "_native"
    return sorted(p for e in ("pyx", "pxi", "pxd", "h", "hpp") for p in folder.rglob(f"*.{e}"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
