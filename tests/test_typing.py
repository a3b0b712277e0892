"""What users' type checkers see: asserted types, mistakes that must be found, stub against core.

Skipped where mypy or pyright is not installed; `.ci/run` installs both.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zmqlite

HERE = Path(__file__).parent / "typing"
ROOT = Path(zmqlite.__file__).parents[1]
INSTALLED = ROOT.name in ("site-packages", "dist-packages")
WRONG = {
    number
    for number, line in enumerate((HERE / "mistakes.py").read_text().splitlines(), 1)
    if "# WRONG" in line
}
LIBRARIES = ("zmq", "zmqlite", "zmqlite.pyzmq")

pytestmark = pytest.mark.timeout(300)


def needs(module: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


def run(*words: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True, text=True, check=False, cwd=cwd, env=environment(),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def environment() -> dict[str, str]:
    """Let the checkers find this zmqlite, however it is installed."""
    env = dict(os.environ, PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
    if not INSTALLED:
        env["MYPYPATH"] = str(ROOT)
        env["PYTHONPATH"] = str(ROOT)
    return env


def for_library(tmp_path: Path, library: str) -> Path:
    """Return a folder with the program of pyzmq's users, about a library of that name."""
    text = (HERE / "pyzmq_assertions.py").read_text()
    if library != "zmq":
        text = text.replace("import zmq\n", f"import {library} as zmq\n")
        text = text.replace("import zmq.asyncio", f"import {library}.asyncio")
        assert f"import {library}.asyncio" in text
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "program.py").write_text(text)
    return tmp_path / "source"


def mypy(tmp_path: Path, file: str, source: Path = HERE) -> tuple[int, str]:
    config = tmp_path / "mypy.ini"
    # only the user's own file is reported: the package is checked by `mypy` alone
    config.write_text("[mypy]\nstrict = True\n[mypy-zmqlite.*]\nignore_errors = True\n")
    cache = str(tmp_path / "cache")
    return run(
        "mypy",
        "--config-file",
        str(config),
        "--cache-dir",
        cache,
        str(source / file),
        cwd=tmp_path,
    )


def pyright(tmp_path: Path, file: str, source: Path = HERE) -> tuple[int, str]:
    config = {
        "typeCheckingMode": "standard",
        "include": [file],  # relative paths only
        "extraPaths": [str(ROOT)],
        "pythonVersion": ".".join(map(str, sys.version_info[:2])),
    }
    shutil.copy(source / file, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    return run("pyright", "-p", str(tmp_path), "--pythonpath", sys.executable, cwd=tmp_path)


@needs("mypy")
def test_mypy_sees_the_types(tmp_path: Path) -> None:
    code, output = mypy(tmp_path, "assertions.py")
    assert code == 0, output


@needs("mypy")
@pytest.mark.parametrize("library", LIBRARIES)
def test_mypy_sees_what_it_sees_in_pyzmq(tmp_path: Path, library: str) -> None:
    code, output = mypy(tmp_path, "program.py", for_library(tmp_path, library))
    assert code == 0, output


@needs("pyright")
@pytest.mark.parametrize("library", LIBRARIES)
def test_pyright_sees_what_it_sees_in_pyzmq(tmp_path: Path, library: str) -> None:
    code, output = pyright(tmp_path, "program.py", for_library(tmp_path, library))
    assert code == 0, output


def star_program(tmp_path: Path, library: str) -> Path:
    """Return a folder with a program that imports every name of a library."""
    text = (HERE / "star_assertions.py").read_text()
    (tmp_path / "source").mkdir()
    program = text.replace("from zmq import *", f"from {library} import *")
    assert f"from {library} import *" in program
    (tmp_path / "source" / "program.py").write_text(program)
    return tmp_path / "source"


@needs("mypy")
@pytest.mark.parametrize("library", LIBRARIES)
def test_mypy_sees_every_name_of_a_star_import(tmp_path: Path, library: str) -> None:
    code, output = mypy(tmp_path, "program.py", star_program(tmp_path, library))
    assert code == 0, output


@needs("pyright")
@pytest.mark.parametrize("library", LIBRARIES)
def test_pyright_sees_every_name_of_a_star_import(tmp_path: Path, library: str) -> None:
    code, output = pyright(tmp_path, "program.py", star_program(tmp_path, library))
    assert code == 0, output


@needs("mypy")
def test_mypy_finds_the_mistakes(tmp_path: Path) -> None:
    _, output = mypy(tmp_path, "mistakes.py")
    found = {int(n) for n in re.findall(r"mistakes\.py:(\d+): error", output)}
    assert found == WRONG, output


@needs("pyright")
def test_pyright_sees_the_types(tmp_path: Path) -> None:
    code, output = pyright(tmp_path, "assertions.py")
    assert code == 0, output


@needs("pyright")
def test_pyright_finds_the_mistakes(tmp_path: Path) -> None:
    _, output = pyright(tmp_path, "mistakes.py")
    found = {int(n) for n in re.findall(r"mistakes\.py:(\d+):\d+ - error", output)}
    assert found == WRONG, output


@needs("mypy")
def test_the_stub_of_the_core_is_true(tmp_path: Path) -> None:
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nignore_missing_imports = True\n[mypy-zmqlite.*]\n")
    code, output = run(
        "mypy.stubtest",
        "zmqlite._native.core",
        "--mypy-config-file",
        str(config),
        "--ignore-disjoint-bases",  # which classes are solid is Cython's affair
        "--allowlist",
        str(HERE / "stubtest-allowlist.txt"),
        "--ignore-unused-allowlist",
        cwd=tmp_path,
    )
    assert code == 0, output


def test_the_package_is_marked_as_typed() -> None:
    package = Path(zmqlite.__file__).parent
    assert (package / "py.typed").is_file()
    assert (package / "_native" / "core.pyi").is_file()
