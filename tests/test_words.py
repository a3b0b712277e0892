"""Plain, standard English in what people read: comments, docstrings, texts, pages, patches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".py", ".pyi", ".pyx", ".pxi", ".pxd", ".hpp", ".h", ".md"}
# word -> what to say; a socket, a peer, a task and a thread are "it"
AVOIDED = {
    "he": "it",
    "him": "it",
    "his": "its",
    "himself": "itself",
    "whoever": "the peer, socket or task that ...",
    "somebody": "a peer, a task, the owner",
    "shout": "an edge-triggered event",
    "crossing": "one call into libzmq",
    "comes home": "is released",
    "came home": "was released",
}
# the same for the package itself, where what is meant has a name
IN_THE_PACKAGE = {
    **AVOIDED,
    "someone": "a peer, a task, the owner",
    "bell": "the wake-up descriptor",
    "in line": "in a queue",
}
GUESTS = {"cli", "pyzmq"}


def any_of(words: dict[str, str]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(words)})\b", re.IGNORECASE)


WORDS, WORDS_OF_THE_PACKAGE = any_of(AVOIDED), any_of(IN_THE_PACKAGE)
QUOTED = {"Off with his head"}
"""Other people's sentences."""


def texts() -> Iterator[Path]:
    for folder in ("zmqlite", "docs", "examples", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = set(path.relative_to(ROOT).parts)
            generated = parts & {"include", "licenses", "_build", "__pycache__"}
            if path.suffix in SUFFIXES and not generated:
                yield path
    yield from sorted((ROOT / "vendor").glob("*.py"))
    yield from sorted((ROOT / "vendor").glob("*.md"))
    yield from (ROOT / n for n in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))


TEXTS = [path for path in texts() if path.is_file()]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_words(path: Path) -> None:
    parts = path.relative_to(ROOT).parts
    inside = parts[0] == "zmqlite" and not GUESTS & set(parts)
    words = WORDS_OF_THE_PACKAGE if inside else WORDS
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = words.search(line)
        if found and not any(quoted in line for quoted in QUOTED):
            better = IN_THE_PACKAGE[found[0].lower()]
            pytest.fail(f"line {number}: {found[0]!r}; say {better}: {line}")


def test_words_in_the_heads_of_patches() -> None:
    for path in sorted((ROOT / "vendor" / "libzmq" / "patches").rglob("*.patch")):
        head = path.read_text(encoding="utf-8").partition("\n--- ")[0]
        found = WORDS.search(head)
        assert not found, f"{path.name}: {found and found[0]!r}"


def test_words_in_the_comments_of_patches() -> None:
    """In what they add; sentences of libzmq's authors stay."""
    for path in sorted((ROOT / "vendor" / "libzmq" / "patches").rglob("*.patch")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.startswith("+") or line.startswith("+++ "):
                continue
            found = WORDS.search(line.partition("//")[2])
            assert not found, f"{path.name}:{number}: {found and found[0]!r}: {line}"
