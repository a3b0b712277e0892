"""Apply a unified diff strictly: every line of context must match, or nothing is written.

A hunk may lie at another line than it says (other patches move lines), but its text must be
found exactly. That is enough for our own patches and for a distribution's, and needs neither
the `patch` program nor dpkg-dev.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class PatchError(Exception):
    """A patch does not fit the tree; the text names the patch, the file and the hunk."""


@dataclass
class Hunk:
    """One block of a diff: where it says it starts, the lines it expects and those it leaves."""

    start: int
    before: list[str] = field(default_factory=list[str])
    after: list[str] = field(default_factory=list[str])


@dataclass
class FileDiff:
    """All hunks of one file; `old` or `new` is None when the file is created or deleted."""

    old: str | None
    new: str | None
    hunks: list[Hunk] = field(default_factory=list[Hunk])


def parse(text: str) -> list[FileDiff]:
    """Split the text of a patch into one FileDiff per file; text around them is ignored."""
    files: list[FileDiff] = []
    lines = _split(text)
    position = 0
    while position < len(lines):
        line = lines[position]
        following = lines[position + 1] if position + 1 < len(lines) else ""
        if line.startswith("--- ") and following.startswith("+++ "):
            files.append(FileDiff(_name(line), _name(following)))
            position += 2
        elif files and (match := _HUNK.match(line)):
            hunk = Hunk(int(match[1]))
            position = _read_hunk(lines, position + 1, hunk, match)
            files[-1].hunks.append(hunk)
        else:
            position += 1
    return files


def apply(text: str, root: Path, label: str, strip: int = 1) -> list[str]:
    """Apply a patch below `root` and return the names of the files it changed.

    Raises PatchError before anything is written if one hunk does not fit.
    """
    results: dict[Path, str | None] = {}
    names: list[str] = []
    for diff in parse(text):
        name = _strip(diff.new or diff.old, strip, label)
        path = root / name
        names.append(name)
        if diff.old is None:
            results[path] = "".join(diff.hunks[0].after)
        else:
            content = results.get(path)
            if content is None:
                if not path.is_file():
                    raise PatchError(f"{label}: {name} does not exist in this tree")
                # newline="" keeps CRLF files as they are
                content = path.read_bytes().decode("utf-8", "surrogateescape")
            results[path] = None if diff.new is None else _patched(content, diff, name, label)
    if not names:
        raise PatchError(f"{label}: holds no diff")
    for path, result in results.items():
        if result is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(result.encode("utf-8", "surrogateescape"))
    return names


def _split(text: str) -> list[str]:
    # not str.splitlines: a form feed in C source does not end a line
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _name(line: str) -> str | None:
    name = line[4:].split("\t")[0].strip()
    return None if name == "/dev/null" else name


def _strip(name: str | None, strip: int, label: str) -> str:
    parts = PurePosixPath(name or "").parts[strip:]
    if not parts or ".." in parts or parts[0] == "/":
        raise PatchError(f"{label}: refuses the file name {name!r}")
    return str(PurePosixPath(*parts))


def _read_hunk(lines: list[str], position: int, hunk: Hunk, match: re.Match[str]) -> int:
    want_before, want_after = (int(n) if n is not None else 1 for n in (match[2], match[4]))
    while position < len(lines):
        line = lines[position]
        if line.startswith("\\"):  # "\ No newline at end of file" speaks of the line above
            previous = lines[position - 1][0]
            if previous in " -":
                hunk.before[-1] = hunk.before[-1].rstrip("\n")
            if previous in " +":
                hunk.after[-1] = hunk.after[-1].rstrip("\n")
        elif len(hunk.before) == want_before and len(hunk.after) == want_after:
            break
        elif line.startswith("-"):
            hunk.before.append(line[1:])
        elif line.startswith("+"):
            hunk.after.append(line[1:])
        else:  # some editors cut the blank that marks an empty line of context
            body = line[1:] if line.startswith(" ") else line
            hunk.before.append(body)
            hunk.after.append(body)
        position += 1
    return position


def _patched(content: str, diff: FileDiff, name: str, label: str) -> str:
    lines = _split(content)
    moved = 0
    for number, hunk in enumerate(diff.hunks, 1):
        at = _locate(lines, hunk, hunk.start - 1 + moved)
        if at is None:
            raise PatchError(
                f"{label}: hunk {number} does not fit {name} (near line {hunk.start}); "
                "is the source another version?"
            )
        lines[at : at + len(hunk.before)] = hunk.after
        moved = at - (hunk.start - 1) + len(hunk.after) - len(hunk.before)
    return "".join(lines)


def _locate(lines: list[str], hunk: Hunk, expected: int) -> int | None:
    size = len(hunk.before)
    places = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == hunk.before]
    return min(places, key=lambda at: abs(at - expected), default=None)
