"""The pages tell the truth: their code runs, their commands are CI's, their tables are whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from run_page import blocks
from support import FACTOR

import zmqlite as zmq
from zmqlite import _build, options

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)]
PAGES_WITH_CODE = [
    page
    for page in PAGES
    if any(b.language in ("python", "pycon") for b in blocks(page.read_text()))
]
NEEDS = {"trio.md": "trio", "gevent.md": "gevent", "numpy.md": "numpy"}
RUNNER = Path(__file__).with_name("run_page.py")


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT).with_suffix(""))


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=name_of)
def test_code_runs(page: Path, tmp_path: Path) -> None:
    """In an empty folder, with warnings as errors, and without a word on stderr."""
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name])
    text = page.read_text()
    if re.search("curve_keypair|certificates", text) and not zmq.has("curve"):
        pytest.skip("built without CURVE")
    asks_for_peers = re.search(r"wait_(peers|subscribers)\(|\.(past_)?peers\b", text)
    if asks_for_peers and "known-peers.patch" not in _build.LIBZMQ_PATCHES:
        pytest.skip("built without known-peers.patch")
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(RUNNER), str(page)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=env, timeout=50 * FACTOR,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def test_every_page_is_in_the_contents() -> None:
    """In that of the site, or of its folder."""
    for folder in (DOCS, *(path.parent for path in DOCS.glob("*/index.md"))):
        index = (folder / "index.md").read_text()
        listed = set(re.findall(r"^([\w/-]+)$", index, re.MULTILINE))
        here = {page.stem for page in folder.glob("*.md")} - {"index"}
        here |= {f"{path.parent.name}/index" for path in folder.glob("*/index.md")}
        assert here <= listed, folder


def test_every_example_and_extra_has_its_place() -> None:
    page = (DOCS / "examples.md").read_text()
    shown = set(re.findall(r"^```{literalinclude} \.\./(.*)$", page, re.MULTILINE))
    assert shown == {f"examples/{path.name}" for path in (ROOT / "examples").glob("*.py")}
    assert "{include} ../examples/guide/README.md" in page
    assert "{include} ../CHANGELOG.md" in (DOCS / "changelog.md").read_text()
    install = (DOCS / "install.md").read_text()
    named = set(re.findall(r"^\| `zmqlite\[(\w+)\]`", install, re.MULTILINE))
    text = (ROOT / "pyproject.toml").read_text()
    extras = text.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    found = set(re.findall(r"^(\w+) = ", extras, re.MULTILINE))
    assert named == found - {"suite", "test", "docs", "bench", "dev"}, "those for users"


def test_no_code_block_is_left_unmarked() -> None:
    """Every fence names its language, so that none escapes the run by a typing error."""
    known = {"python", "pycon", "text", "console", "sh", "ruby", "toml"}
    for page in PAGES:
        fences = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)
        for opening in fences[::2]:
            directive = opening.startswith("{")
            assert directive or opening.split(" ")[0] in known, f"{page.name}: ```{opening}"


def test_no_page_sleeps_until_a_peer_is_there() -> None:
    """There are waits for that; a reader copies what stands here."""
    allowed = {"asyncio.sleep(60)"}  # a task that is cancelled
    for page in PAGES_WITH_CODE:
        for block in blocks(page.read_text()):
            found = set(re.findall(r"[\w.]*\bsleep\([^)]*\)", block.text))
            assert found <= allowed or block.language != "python", f"{page.name}: {found}"


def test_readme_commands_are_those_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    commands = [b.text.strip() for b in blocks(readme) if b.language == "sh"]
    assert sum("-m zmqlite demo" in c for c in commands) == 1
    assert sum(c.endswith("bin/pytest") for c in commands) == 1
    script = ROOT / ".ci" / "run"
    if not script.is_file():
        pytest.skip("this copy has no .ci")
    assert "readme_command" in script.read_text()


def test_local_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]+)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_error_page_names_every_class() -> None:
    names = [n for n in zmq.__all__ if isinstance(getattr(zmq, n), type)]
    errors = [n for n in names if issubclass(getattr(zmq, n), (zmq.ZMQBaseError, Warning))]
    text = "".join(page.read_text() for page in PAGES)
    assert errors
    assert "{error-table}" in text
    assert "{option-list}" in text


def test_every_option_has_a_line_for_the_table() -> None:
    for row in [*options.SOCKET_OPTIONS, *options.CONTEXT_OPTIONS, *options.MESSAGE_OPTIONS]:
        assert row.doc.strip(), row.name


def test_new_imports_work() -> None:
    """The right column of the table of imports, in the page for programs of pyzmq."""
    page = (DOCS / "porting-from-pyzmq.md").read_text()
    part = page.partition("## Old import, new import")[2].partition("\n## ")[0]
    cells = [line.split("|")[2] for line in part.splitlines() if line.startswith("| `")]
    texts = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    assert len(texts) > 15
    for text in texts:
        statement = text if " import " in f" {text}" else ""
        if re.fullmatch(r"zmqlite(\.\w+)+", text):
            module, _, name = text.rpartition(".")
            statement = f"from {module} import {name}"
        if not statement or "cimport" in text or "..." in text:
            continue
        try:
            exec(statement, {})
        except ModuleNotFoundError as error:
            if error.name not in ("gevent", "tornado", "paramiko"):
                raise


def test_switches_of_the_build_are_documented() -> None:
    """What setup.py and vendor/ read from the environment stands in docs/building.md."""
    page = (ROOT / "docs" / "building.md").read_text()
    sources = [ROOT / "setup.py", *(ROOT / "vendor").glob("*.py")]
    if not sources[0].is_file():
        pytest.skip("this copy has no setup.py")
    names = set()
    for source in sources:
        text = source.read_text()
        names |= set(re.findall(r'"(ZMQLITE_[A-Z_]+)"', text))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "switch":
                names |= {f"ZMQLITE_{a.value}" for a in node.args if isinstance(a, ast.Constant)}
    assert names
    assert [name for name in sorted(names) if name.upper() not in page] == []
