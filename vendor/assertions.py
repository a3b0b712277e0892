"""List the assertions of a libzmq source tree and compare them with docs/assertions.md.

    python vendor/assertions.py                    # the tree that the build unpacked
    python vendor/assertions.py TREE               # another one, with its src/
    python vendor/assertions.py TREE --rows        # and print rows for what is new

An assertion is known by its file, its function and its text, never by its line, so that a patch
elsewhere in a file changes nothing here. A row of the page has the file, then
`text`: function, function ×2; ... (shortened as `shorten` does it), the class and the reason.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fetch import find_unpacked
from pins import read_pin

PAGE = Path(__file__).resolve().parents[1] / "docs" / "assertions.md"
ENGINE = PAGE.with_name("engine.md")  # which has the sum in a sentence
CLASSES = "UPSL"
LONGEST = 64

_MACROS = (
    "zmq_assert",
    "errno_assert",
    "posix_assert",
    "alloc_assert",
    "gai_assert",
    "wsa_assert_no",
    "wsa_assert",
    "win_assert",
    "zmq_abort",
    "assert",
    "abort",
)
_HIDDEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*(define|include|error|pragma)\b(?:\\\n|[^\n])*", re.MULTILINE)
_TOKEN = re.compile(
    r"^[ \t]*#[ \t]*(?P<directive>if|el|endif)[^\n]*"
    r"|(?P<mark>[{};])"
    rf"|\b(?P<macro>{'|'.join(_MACROS)})\s*\(",
    re.MULTILINE,
)
_NO_FUNCTION = re.compile(r"^\s*(?:typedef\s+)?(?:namespace|class|struct|union|enum|extern)\b")
_NOISE = re.compile(
    r"^\s*#[^\n]*|\b(?:public|private|protected)\s*:|\bZMQ_(?!ACT)\w+(?:\s*\([^)]*\))?"
    r"|__attribute__\s*\(\(.*?\)\)|\btemplate\s*<[^<>]*(?:<[^<>]*>[^<>]*)*>",
    re.MULTILINE | re.DOTALL,
)
_NAME = re.compile(r"((?:~\s*)?\w+|operator\s*\S+?)\s*\(")


class Assertion(NamedTuple):
    """Where an assertion is, and what it says."""

    file: str
    function: str
    text: str


@dataclass(frozen=True)
class Row:
    """A row of the page: assertions of one file with the same reason."""

    file: str
    places: Counter[Assertion]
    kind: str
    reason: str

    def __len__(self) -> int:
        return sum(self.places.values())


def assertions(tree: Path) -> list[Assertion]:
    """Return the assertions below src/, file by file, in their order."""
    folder = tree / "src"
    files = (p for p in folder.iterdir() if p.suffix in {".c", ".cpp", ".hpp", ".h"})
    return [one for path in sorted(files) for one in _of_file(path)]


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _without_comments(found: re.Match[str]) -> str:
    # a string stays, since it is part of what an assertion says; braces in it do not count
    if found[0][0] in "\"'":
        return re.sub(r"[{};()]", "_", found[0])
    return _blank(found)


def _of_file(path: Path) -> Iterator[Assertion]:
    source = _HIDDEN.sub(_without_comments, path.read_text("utf-8", "replace"))
    source = _DEFINE.sub(_blank, source)
    scopes: list[str] = []  # the function that each open brace belongs to, or ""
    saved: list[list[str]] = []  # the scopes before each #if: all branches begin with them
    begin = 0
    for token in _TOKEN.finditer(source):
        if token["directive"]:
            _branch(token["directive"], scopes, saved)
        elif token["macro"]:
            text = f"{token['macro']} ({_argument(source, token.end())})"
            function = scopes[-1] if scopes and scopes[-1] else "?"
            if function not in _MACROS and not _declares(source, token.start()):
                yield Assertion(path.name, function, shorten(text))
        else:
            if token["mark"] == "{":
                outer = scopes[-1] if scopes else ""
                scopes.append(outer or _function(source[begin : token.start()]))
            elif token["mark"] == "}" and scopes:
                scopes.pop()
            begin = token.end()


def _branch(directive: str, scopes: list[str], saved: list[list[str]]) -> None:
    if directive == "if":
        saved.append(list(scopes))
    elif saved and directive == "el":
        scopes[:] = saved[-1]
    elif saved:
        saved.pop()


def _declares(source: str, at: int) -> bool:
    return re.search(r"\b(?:void|static_)\s*$|::$", source[max(0, at - 20) : at]) is not None


def _argument(source: str, at: int) -> str:
    depth = 1
    for found in re.compile(r"[()]").finditer(source, at):
        depth += 1 if found[0] == "(" else -1
        if not depth:
            return " ".join(source[at : found.start()].split())
    return ""


def _function(head: str) -> str:
    """Return the name of the function whose body comes after `head`, or nothing."""
    head = _NOISE.sub(" ", head)
    if _NO_FUNCTION.match(head) and "(" not in head:
        return ""
    name = _NAME.search(head)
    return re.sub(r"\s", "", name[1]) if name else ""


def shorten(text: str) -> str:
    """Return an assertion's text as the page has it."""
    text = text.replace("`", "'")
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


# --- the page ---------------------------------------------------------------------------------

_ROW = re.compile(r"\| `([\w.]+\.[ch](?:pp)?)` \|")
_BETWEEN = re.compile(r"(?<!\\)\|")
_PLACE = re.compile(r"`([^`]+)`: ([^;`]+)")
_LETTERS = {"cannot": "U", "a peer": "P", "depends": "S", "misuse": "L"}  # of engine.md
_COUNTS = re.compile(
    rf"^\| ([UPSL]|{'|'.join(_LETTERS)})\b.*\| (\d+)(?: \(pgm and norm\))? \| (\d+) \|$",
    re.MULTILINE,
)
_SUM = re.compile(r"(?:There are|lists all of them,) ([\d,]+) places (?:with|in the patched)")


def rows(page: str) -> list[Row]:
    """Return the rows of the page's tables."""
    found: list[Row] = []
    for line in page.splitlines():
        name = _ROW.match(line)
        if name:
            where, kind, reason = (
                c.strip() for c in _BETWEEN.split(line[name.end() :], maxsplit=2)
            )
            places = _places(name[1], where.replace("\\|", "|"))
            found.append(Row(name[1], places, kind, reason.rstrip("| ")))
    return found


def _places(file: str, cell: str) -> Counter[Assertion]:
    places: Counter[Assertion] = Counter()
    for text, functions in _PLACE.findall(cell):
        for function in functions.split(","):
            name, _, times = function.strip().partition(" ×")
            places[Assertion(file, name, text)] += int(times or 1)
    return places


def cell(places: Counter[Assertion]) -> str:
    """Return what `_places` reads."""
    by_text: dict[str, list[str]] = {}
    for one, times in places.items():
        name = one.function + (f" ×{times}" if times > 1 else "")
        by_text.setdefault(one.text, []).append(name)
    parts = (f"`{text}`: {', '.join(names)}" for text, names in by_text.items())
    return "; ".join(parts).replace("|", "\\|")


def differences(found: list[Assertion], page: str, engine: str = "") -> list[str]:
    """Say what is new in the tree, what is gone, and what either page counts wrongly."""
    listed = rows(page)
    places = sum((row.places for row in listed), Counter[Assertion]())
    there = Counter(found)
    lines = [f"new: {_say(one, n)}" for one, n in (there - places).items()]
    lines += [f"gone: {_say(one, n)}" for one, n in (places - there).items()]
    lines += [
        f"{row.file}: {what} for {cell(row.places)}"
        for row in listed
        for what, wrong in (("no class", row.kind not in CLASSES), ("no reason", not row.reason))
        if wrong
    ]
    return lines + _wrong_counts(listed, page, engine)


def _wrong_counts(listed: list[Row], page: str, engine: str) -> list[str]:
    counted = {kind: _counts(listed, kind) for kind in CLASSES}
    total = f"{sum(map(len, listed)):,}"
    wrong: list[str] = []
    for name, text in (("the summary", page), (ENGINE.name, engine)):
        claimed = {
            _LETTERS.get(kind, kind): (int(all_), int(here))
            for kind, all_, here in _COUNTS.findall(text)
        }
        said = _SUM.findall(text)
        if text:
            wrong += [
                f"{name} has {claimed.get(kind)} for {kind}, the list {counted[kind]}"
                for kind in CLASSES
                if claimed.get(kind) != counted[kind]
            ]
            wrong += [f"{name} has {said} places, the list {total}"] * (said != [total])
    return wrong


def _counts(listed: list[Row], kind: str) -> tuple[int, int]:
    """Return how many of a class there are, and how many in the default build on Linux."""
    of_kind = [row for row in listed if row.kind == kind]
    here = [row for row in of_kind if not row.reason.startswith("(")]
    return sum(map(len, of_kind)), sum(map(len, here))


def _say(one: Assertion, times: int) -> str:
    return f"{one.file}, {one.function}: {one.text}" + (f" ×{times}" if times > 1 else "")


def main(arguments: list[str]) -> int:
    """Compare a tree with the page; return 1 if they differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tree", nargs="?", type=Path, help="default: what the build unpacked")
    parser.add_argument("--rows", action="store_true", help="print rows for what is new")
    chosen = parser.parse_args(arguments)
    tree = chosen.tree or unpacked()
    if tree is None:
        print("no unpacked tree: build first, or name one")
        return 2
    page = PAGE.read_text("utf-8")
    found = assertions(tree)
    wrong = differences(found, page, ENGINE.read_text("utf-8"))
    print("\n".join(wrong) or f"{len(found)} assertions, all of them in the list")
    if chosen.rows:
        listed = sum((row.places for row in rows(page)), Counter[Assertion]())
        for one, times in (Counter(found) - listed).items():
            print(f"| `{one.file}` | {cell(Counter({one: times}))} | ? | |")
    return 1 if wrong else 0


def unpacked() -> Path | None:
    """Return the tree that the build unpacked with all of our patches, if there is one."""
    pin = read_pin("libzmq")
    source = find_unpacked(pin)
    if source is None or source.version != pin.version:
        return None
    theirs, ours = source.distribution_patches, source.own_patches
    wanted = (p for p in pin.patches if pin.version in p.versions and p.unless not in theirs)
    return Path(source.path) if all(p.path.name in ours for p in wanted) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
