"""What the project shows on a package index and on its repository's pages."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FORGE = ROOT / ".github"
FORMS = sorted((FORGE / "ISSUE_TEMPLATE").glob("*.yml"))
HOME = "https://example.org/someone/zmqlite"


def at_home() -> dict[str, Any]:
    script = ROOT / ".ci" / "at_home.py"
    if not script.is_file():
        pytest.skip("this copy has no .ci")
    return runpy.run_path(str(script))


def read_yaml(path: Path) -> Any:
    return pytest.importorskip("yaml").safe_load(path.read_text(encoding="utf-8"))


def test_figures_are_those_of_the_page_of_figures() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:PUSH|REQ|the same).*$", README, re.MULTILINE)
    assert len(rows) == 7
    for row in rows:
        figures = [cell.strip().removesuffix(" µs") for cell in row.split("|")[2:-1]]
        measured = [f for f in figures if f[0].isdigit()]
        lines = [line for line in page.splitlines() if f"| {measured[0]} |" in line]
        assert any(all(f"| {f} |" in line for f in measured) for line in lines), row


def test_links_are_absolute_on_a_package_index() -> None:
    text = at_home()["absolute"](README, HOME, "v1.0")
    links = re.findall(r"\]\(([^)]*)\)", text)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert f"]({HOME}/blob/v1.0/docs/performance.md)" in text
    for target in re.findall(rf"{HOME}/\w+/v1.0/([^)\s]*)", text):
        assert (ROOT / target).exists(), target


def test_only_links_to_files_change() -> None:
    absolute = at_home()["absolute"]
    same = "[a](https://b/c) [d](#e) [f](mailto:g) text (h) `[i] (j)`"
    assert absolute(same, HOME, "v1") == same
    picture, folder = absolute("![p](docs/p.png)[q](docs/)", HOME, "v1").split("[q]")
    assert picture == f"![p]({HOME}/raw/v1/docs/p.png)"
    assert folder == f"({HOME}/tree/v1/docs/)"


def test_urls_of_the_project() -> None:
    tomllib = pytest.importorskip("tomllib")
    with_urls = at_home()["with_urls"]
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    once = with_urls(text, HOME, "v1.0")
    urls = tomllib.loads(once)["project"]["urls"]
    assert urls["Homepage"] == HOME
    assert {"Source", "Documentation", "Changelog", "Issues", "Security"} <= set(urls)
    assert with_urls(once, HOME, "v1.0") == once


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_have_what_a_form_needs(path: Path) -> None:
    form = read_yaml(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "body"} <= set(form)
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    assert all({"id", "attributes"} <= set(field) for field in asked)
    assert len({field["id"] for field in asked}) == len(asked)
    assert {field["type"] for field in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert any(field.get("validations", {}).get("required") for field in asked)
    for name in re.findall(r"docs/[\w./-]*\w", path.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


def test_the_security_page_points_at_what_is_mended() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:\s]+)", text):
        assert (ROOT / target).exists(), target
    assert "docs/engine.md" in text
