"""The workflows that run elsewhere: what of them can be checked here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read_yaml(path: Path) -> Any:
    return pytest.importorskip("yaml").safe_load(path.read_text(encoding="utf-8"))


def workflow(name: str) -> Any:
    path = ROOT / ".github" / "workflows" / f"{name}.yml"
    if not path.is_file():
        pytest.skip("this copy has no .github")
    return read_yaml(path)


def steps(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each step, with its job."""
    for job in read_yaml(path)["jobs"].values():
        for step in job["steps"]:
            yield job, step


@each
def test_it_is_pinned_and_may_do_little(path: Path) -> None:
    found = read_yaml(path)
    assert found["permissions"] == {"contents": "read"}
    for name, job in found["jobs"].items():
        assert job["timeout-minutes"] <= 180, name
        allowed = {"id-token": "write"} if name == "publish" else None
        assert job.get("permissions") == allowed, name
        for step in job["steps"]:
            assert len({"uses", "run"} & set(step)) == 1, step
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "values come in by env"


def test_an_action_has_one_version_everywhere_and_says_which() -> None:
    found: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, version in re.findall(
            r"uses: ([\w./-]+)@(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert re.fullmatch(r"[0-9a-f]{40} # v\d+(\.\d+)*", version), version
            found.setdefault(action, set()).add(version)
    assert all(len(versions) == 1 for versions in found.values()), found


@each
def test_its_commands_are_commands_of_a_shell(path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    for job, step in steps(path):
        if "run" not in step:
            continue
        done = subprocess.run(
            [bash, "-n"], input=step["run"], text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), step["run"]
        if "windows" in str(job) and "$" in step["run"]:
            assert step["shell"] == "bash", "where PowerShell is usual"


@each
def test_its_variables_are_set(path: Path) -> None:
    given = set(read_yaml(path).get("env", {})) | {"PATH"}
    for job, step in steps(path):
        names = set(re.findall(r"\$\{?([A-Za-z_]\w*)", step.get("run", "")))
        known = given | set(job.get("env", {})) | set(step.get("env", {}))
        assert {n for n in names - known if not n.startswith("GITHUB_")} == set(), step


@each
def test_what_it_names_is_here(path: Path) -> None:
    for _, step in steps(path):
        words = step.get("run", "").split()
        for number, word in enumerate(words):
            name = word.strip("\"'")
            if not re.fullmatch(r"(\.ci|tests|docs|benchmarks|vendor)/[\w./-]+", name):
                continue
            assert (ROOT / name).exists(), name
            if "python" not in words[max(number - 1, 0)]:
                assert os.access(ROOT / name, os.X_OK), f"{name} cannot be run"


def test_the_nightly_builds_are_known() -> None:
    script = (ROOT / ".ci" / "features") if (ROOT / ".ci").is_dir() else None
    names = workflow("nightly")["jobs"]["features"]["strategy"]["matrix"]["feature"]
    assert script is not None
    known = re.search(r"^ALL=\((.*)\)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert known is not None
    assert set(names) <= set(known[1].split())


def test_the_pythons_are_those_of_the_package() -> None:
    """Each that the package claims is tested on every change, and has its wheels."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    claimed = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text))
    jobs = workflow("tests")["jobs"]
    matrix = jobs["suite"]["strategy"]["matrix"]
    tested = {*matrix["python"], *(entry["python"] for entry in matrix["include"])}
    tested |= {
        step["with"]["python-version"]
        for step in jobs["everything"]["steps"]
        if "setup-python" in step.get("uses", "")
    }
    assert {version.removesuffix("t") for version in tested} == claimed
    assert any(version.endswith("t") for version in tested), "one without a GIL"
    wheels = re.search(r'^build = "(.*)"$', text, re.MULTILINE)
    assert wheels is not None
    built = {f"{n[0]}.{n[1:]}" for n in re.findall(r"cp(\d+)-", wheels[1])}
    assert built == claimed
    oldest = min(claimed, key=lambda version: int(version.partition(".")[2]))
    assert f'requires-python = ">={oldest}"' in text


def test_commands_are_run_without_forks_too() -> None:
    """As people start them; see forked.py."""
    jobs = workflow("nightly")["jobs"].values()
    (job,) = [job for job in jobs if job.get("env", {}).get("ZMQLITE_TEST_FORKED") == "0"]
    assert [step["run"] for step in job["steps"] if "pytest" in step.get("run", "")] == [
        "pytest tests/cli"
    ]
