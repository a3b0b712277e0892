"""The forms of a patch: what it is for versions of libzmq that lie a little differently.

`faults/name.patch` is written for the pinned version. `faults/4.3.5/name.patch`, where there is
one, is laid over it for 4.3.5: its diffs take the place of those of the same files, and its head
may say `Not: file file` for files that need nothing there. `From: ...` in its head tells which
text it was made from, so that a form cannot stay behind unnoticed when the patch changes.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path


def find_forms(patch: Path) -> dict[str, Path]:
    """Return the forms of a patch by version, the newest first."""
    found = patch.parent.glob(f"[0-9]*/{patch.name}")
    return {form.parent.name: form for form in sorted(found, key=_version, reverse=True)}


def _version(form: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in form.parent.name.split("."))


def lay_over(text: str, form: str) -> str:
    """Return the patch `text` with the diffs of `form` in the place of those of the same files."""
    head, diffs = split_diffs(text)
    own_head, own_diffs = split_diffs(form)
    diffs |= own_diffs
    for name in _field(own_head, "Not").split():
        del diffs[name]
    return head + "".join(diffs[name] for name in sorted(diffs))


def split_diffs(text: str) -> tuple[str, dict[str, str]]:
    """Return the head of a patch, and its diffs by the names of their files."""
    head, *diffs = re.split(r"^(?=--- .*\n\+\+\+ )", text, flags=re.MULTILINE)
    return head, {_name(diff): diff for diff in diffs}


def _name(diff: str) -> str:
    old, new = (line[4:].split("\t")[0].strip() for line in diff.split("\n", 2)[:2])
    return (old if new == "/dev/null" else new).partition("/")[2]


def _field(head: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", head, re.MULTILINE)
    return found[1] if found else ""


def made_from(form: str) -> str:
    """Return what the head of a form says it was made from."""
    return _field(split_diffs(form)[0], "From")


def essence(text: str, form: str) -> str:
    """Return a hash over what a patch adds and takes in the files that `form` replaces."""
    own_head, own_diffs = split_diffs(form)
    names = {*own_diffs, *_field(own_head, "Not").split()}
    diffs = split_diffs(text)[1]
    lines = [
        line
        for name in sorted(names & diffs.keys())
        for line in diffs[name].splitlines()
        if line.startswith(("+", "-"))
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
