"""The runner of other packages' suites: what it reads, what it calls a difference."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).with_name("packages")
REPORT = """<testsuites><testsuite>
<testcase classname="tests.test_a.TestA" name="test_good[1]"/>
<testcase classname="tests.test_a" name="test_bad"><failure message="no"/></testcase>
<testcase classname="tests.test_a" name="test_left_out"><skipped/></testcase>
<testcase classname="tests.test_a" name="test_bad_end"/>
<testcase classname="tests.test_a" name="test_bad_end"><error message="at the end"/></testcase>
</testsuite></testsuites>"""


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    found = importlib.import_module(name)
    for loaded in ("junit", "runner", "suites"):  # plain names: leave none of them behind
        sys.modules.pop(loaded, None)
    return found


def test_outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    junit = module("junit", monkeypatch)
    (tmp_path / "report.xml").write_text(REPORT)
    found = junit.outcomes(tmp_path / "report.xml")
    assert found == {
        "tests.test_a.TestA::test_good[1]": "passed",
        "tests.test_a::test_bad": "failed",
        "tests.test_a::test_left_out": "skipped",
        "tests.test_a::test_bad_end": "failed",
    }
    assert junit.counts(found) == {"passed": 1, "skipped": 1, "failed": 2}


def test_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    junit = module("junit", monkeypatch)
    theirs = {"a": "passed", "b": "passed", "c": "passed", "d": "failed", "e": "skipped"}
    ours = {"a": "passed", "b": "failed", "d": "passed", "e": "failed"}
    assert junit.lost(theirs, ours) == ["b", "c"]
    assert junit.gained(theirs, ours) == ["d"]


def test_names_that_pytest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = module("runner", monkeypatch)
    assert runner.node("tests.test_a.TestA::test_x[1]") == "tests/test_a.py::TestA::test_x[1]"
    assert runner.node("tests.inner.test_b::test_y") == "tests/inner/test_b.py::test_y"


def test_what_the_page_prints_is_of_these_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    suites = module("suites", monkeypatch).SUITES
    rows = json.loads((FOLDER / "results.json").read_text())
    assert [(r["name"], r["version"]) for r in rows] == [(s.name, s.version) for s in suites]
    for row, suite in zip(rows, suites, strict=True):
        assert row["lost"] == {name: suite.accepted[name] for name in row["lost"]}
        assert row["zmqlite"]["passed"] > 0
