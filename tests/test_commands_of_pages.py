"""The commands that stand on pages: each runs here as a reader would type it, or says why not.

A new command fails until one of the tables below knows it. The examples of the command line are
those of `zmqlite COMMAND --help`, which tests/cli runs.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from run_page import blocks
from support import FACTOR

import zmqlite as zmq

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(zmq.__file__).parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts),
    *sorted(p for n in ("examples", "benchmarks", "vendor") for p in (ROOT / n).rglob("*.md")),
]
VERBS = ROOT / "docs" / "command-line.md"

INSTALLS = "installs packages, or builds them: .ci/run does so"
REASONS = {
    "pip install": INSTALLS,
    ".venv/bin/pip install": INSTALLS,
    "python3 -m venv": INSTALLS,
    "python -m build": INSTALLS,
    "python -m zmqlite demo": "takes all of its seconds in tests/test_cli.py",
    ".venv/bin/pytest": "is this suite",
    "tests/interop/install-peers": "installs Debian packages: .ci/run does so",
    "pyinstaller": "takes minutes: tests/pyzmq/test_frozen.py packs programs",
    "npm install": "needs a network: tests/interop/install-peers does so",
    "npx esbuild": "needs what npm has installed",
    "python benchmarks/run.py": "takes minutes, and a machine of its own",
    "python benchmarks/builds.py": "takes minutes, and a machine of its own",
    "python benchmarks/instructions.py": "needs valgrind: .ci/run does so",
}
"""Commands that cannot run here, by their first words."""

SERVER = "import sys, zmq; print(sys.argv, zmq.__name__, hasattr(zmq, 'has_draft'))"
PRINTS = {
    "python -m zmqlite version": "libzmq ",
    "python -m zmqlite.pyzmq run server.py --port 5555": "['server.py', '--port', '5555'] zmq",
    "python -m zmqlite.pyzmq run -m jupyterlab": "jupyterlab.py'] zmq",
    "python -m zmqlite.pyzmq activate": "",
    "python -m zmqlite.pyzmq status": "zmqlite",
    "python -m zmqlite.pyzmq deactivate": "",
    "zmqlite --help": "To begin with, in two shells:",
}
"""Commands that run, in the order of their page, and a text of what they print."""


def commands(page: Path) -> list[str]:
    """Return the commands of a page's blocks for a shell, without remarks."""
    found: list[str] = []
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language not in ("sh", "console"):
            continue
        whole = block.text.replace("\\\n", " ")
        lines = [line.removeprefix("$ ").partition("  #")[0] for line in whole.splitlines()]
        found += [" ".join(line.split()) for line in lines if line.strip() and line[0] != "#"]
    return found


def reason(command: str) -> str:
    """Return why a command does not run here, "" for one that does."""
    fitting = [why for words, why in REASONS.items() if f"{command} ".startswith(f"{words} ")]
    return fitting[0] if fitting else ""


def examples() -> set[str]:
    if not all(map(importlib.util.find_spec, ("click", "rich"))):
        pytest.skip("needs click and rich")
    from zmqlite.cli.table import VERBS as TABLE

    modules = {entry.module for entry in TABLE.values()}
    loaded = [importlib.import_module(f"zmqlite.cli.verbs.{name}") for name in modules]
    verbs = [getattr(module, name) for module in loaded for name in module.__all__]
    return {one.command for verb in verbs if hasattr(verb, "examples") for one in verb.examples}


def test_every_command_is_known() -> None:
    known = set(PRINTS)
    found = {page: commands(page) for page in PAGES if page.is_file()}
    assert any(found.values())
    for page, lines in found.items():
        more = examples() if page == VERBS else set[str]()
        for command in lines:
            assert command in known | more or reason(command), f"{page.name}: {command}"
    everywhere = [" ".join(command.split()) for lines in found.values() for command in lines]
    assert set(PRINTS) <= set(everywhere), "a table has what no page has"
    for words in REASONS:
        assert any(f"{command} ".startswith(f"{words} ") for command in everywhere), words


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of the reader's own, with zmqlite, and what the pages take for granted."""
    folder = tmp_path_factory.mktemp("reader")
    words = [sys.executable, "-m", "venv", "--without-pip", "--system-site-packages", "venv"]
    subprocess.run(words, check=True, cwd=folder)
    scripts = folder / "venv" / "bin"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    paths = [str(PACKAGE.parent), *(p for p in sys.path if p.endswith("site-packages"))]
    (site / "here.pth").write_text("\n".join(paths) + "\n")
    command = scripts / "zmqlite"
    command.write_text(f'#!/bin/sh\nexec "{scripts / "python"}" -m zmqlite "$@"\n')
    command.chmod(0o755)
    (folder / "server.py").write_text(SERVER)
    (folder / "jupyterlab.py").write_text(SERVER)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the pages have commands of a Unix shell")
@pytest.mark.parametrize("command", PRINTS)
def test_the_command_runs(command: str, home: Path) -> None:
    if command.startswith("zmqlite "):
        examples()
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PATH"] = f"{home / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=home,
        env=environment, timeout=30 * FACTOR,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert PRINTS[command] in done.stdout


@pytest.mark.parametrize("name", ["run", "builds", "instructions"])
def test_options_of_commands_that_do_not_run_exist(name: str) -> None:
    """Of our own programs, and so do the patches that they name."""
    program = ROOT / "benchmarks" / f"{name}.py"
    if not program.is_file():
        pytest.skip("this copy has no benchmarks")
    words = [sys.executable, str(program), "--help"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    start = f"python benchmarks/{name}.py"
    used = [command for page in PAGES for command in commands(page) if command.startswith(start)]
    assert used
    assert set(re.findall(r"--[\w-]+", " ".join(used))) <= set(re.findall(r"--[\w-]+", told))
    patches = {path.stem for path in (ROOT / "vendor" / "libzmq" / "patches").rglob("*.patch")}
    for names in re.findall(r"--without (\S+)", " ".join(used)):
        assert set(names.split(",")) <= patches


def test_extras_that_are_installed_exist() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = set(re.findall(r"^(\w+) = \[", table, re.MULTILINE))
    named = {
        extra
        for page in PAGES
        for group in re.findall(
            r"(?:zmqlite|\.)\[([\w,]+)\]['`\"]", page.read_text(encoding="utf-8")
        )
        for extra in group.split(",")
    }
    assert {"cli", "test"} <= named <= extras
