"""All programs of the guide are there, run by a test, explained, and listed for readers."""

from __future__ import annotations

import ast
from pathlib import Path

from guide_stage import GUIDE, HERE

# Those of the guide that exist in Ruby.
NAMES = """
    asyncsrv bstarcli bstarsrv hwclient hwserver identity interrupt lbbroker lpclient lpserver
    lvcache mdbroker mdclient2 mdworker mmiecho msgqueue mspoller msreader mtrelay mtserver
    pathopub pathosub peering1 peering2 peering3 psenvpub psenvsub rrbroker rrclient rrworker
    rtdealer rtreq syncpub syncsub tasksink tasksink2 taskvent taskwork taskwork2 ticlient titanic
    version wuclient wuproxy wuserver
"""
PROGRAMS = NAMES.split()
MODULES = ["mdcliapi2", "mdp", "mdwrkapi"]


def test_all_are_there() -> None:
    assert len(PROGRAMS) == 45
    assert sorted(path.stem for path in GUIDE.glob("*.py")) == sorted(PROGRAMS + MODULES)


def test_all_are_run() -> None:
    tests = "".join(path.read_text() for path in HERE.glob("test_*.py") if path != Path(__file__))
    assert [name for name in PROGRAMS if f'"{name}"' not in tests] == []


def test_all_are_explained_and_short() -> None:
    for path in GUIDE.glob("*.py"):
        text = path.read_text()
        assert ast.get_docstring(ast.parse(text)), path.name
        assert len(text.splitlines()) <= 160, path.name


def test_all_are_listed() -> None:
    readme = (GUIDE / "README.md").read_text()
    assert [name for name in PROGRAMS + MODULES if f"`{name}" not in readme] == []
