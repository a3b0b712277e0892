"""How long a file of the package may be, and a function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import native_files, parse, python_files

FILES = python_files()
MAX_LINES = 400
LONG_FILES = {  # tables read best in one piece
    "enums.py": 475,
    "rows.py": 450,
}
MAX_FUNCTION = 60


@pytest.mark.parametrize("path", [*FILES, *native_files()], ids=lambda p: p.name)
def test_files_stay_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    limit = LONG_FILES.get(path.name, MAX_LINES)
    assert lines <= limit, f"{path.name} has {lines} lines: find the second noun in it"


def function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, lines without docstring) for every function of a Python file."""
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            text = ast.get_docstring(node, clean=False)
            documented = body[0].end_lineno if text is not None else None
            start = documented or node.lineno
            yield node.name, (node.end_lineno or start) - start


def native_function_lengths(path: Path) -> Iterator[tuple[str, int]]:
    """The same for Cython, by indentation."""
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = re.compile(r"(\s*)(?:cdef|cpdef|def)\b(?! class)[^=]*?(\w+)\(")
    for number, line in enumerate(lines):
        found = starts.match(line)
        if not found or (line.rstrip().endswith(")") and not line.rstrip().endswith(":")):
            continue
        indent, length = len(found[1]), 1
        for following in lines[number + 1 :]:
            if following.strip() and len(following) - len(following.lstrip()) <= indent:
                if following.lstrip().startswith(")"):  # the end of a long signature
                    length += 1
                    continue
                break
            length += 1
        body = "\n".join(lines[number : number + length])
        yield found[2], len(re.sub(r'"""(.|\n)*?"""', "", body).strip().splitlines())


@pytest.mark.parametrize("path", [*FILES, *native_files()], ids=lambda p: p.name)
def test_functions_fit_on_a_screen(path: Path) -> None:
    measure = function_lengths if path.suffix == ".py" else native_function_lengths
    if path.suffix in (".h", ".hpp"):
        return
    for name, length in measure(path):
        assert length <= MAX_FUNCTION, f"{name}() has {length} lines"
