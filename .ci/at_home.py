"""Write into a checkout where it is at home, for a package index: python .ci/at_home.py URL REF

The links of README.md become absolute ones, and pyproject.toml gets the project's URLs. The
release workflow runs this before it builds the sdist: where the repository is, it does not know.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def absolute(text: str, url: str, ref: str) -> str:
    """Return a page whose links to files lead into the repository at that version."""

    def replace(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        kind = "raw" if picture else "tree" if target.endswith("/") else "blob"
        return f"{picture}[{words}]({url}/{kind}/{ref}/{target})"

    return LINK.sub(replace, text)


def with_urls(text: str, url: str, ref: str) -> str:
    """Return a pyproject.toml with the project's URLs."""
    if "[project.urls]" in text:
        return text
    urls = {
        "Homepage": url,
        "Source": url,
        "Documentation": f"{url}/blob/{ref}/docs/index.md",
        "Changelog": f"{url}/blob/{ref}/CHANGELOG.md",
        "Issues": f"{url}/issues",
        "Security": f"{url}/blob/{ref}/SECURITY.md",
    }
    table = "".join(f'{name} = "{value}"\n' for name, value in urls.items())
    mark = "[project.optional-dependencies]\n"
    assert text.count(mark) == 1
    return text.replace(mark, f"[project.urls]\n{table}\n{mark}")


def main(url: str, ref: str) -> None:
    root = Path(__file__).resolve().parents[1]
    for name, change in (("README.md", absolute), ("pyproject.toml", with_urls)):
        path = root / name
        path.write_text(change(path.read_text(encoding="utf-8"), url, ref), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
