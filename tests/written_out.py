"""What stands in files and comes from elsewhere: `python tests/written_out.py` writes it again.

    zmqlite/enums.py    the members of SocketOption, ContextOption and MessageOption
    zmqlite/**/*.pyi    the stubs that a build makes (`vendor/stubs.py`), without a build

Members come from the rows of `zmqlite.options.rows`. `test_written_out.py` compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "vendor"))

import stubs  # noqa: E402

PACKAGE = ROOT / "zmqlite"


# -- the members of the enums --------------------------------------------------------------------


def socket_members(rows: Any) -> Iterator[str]:
    """Yield a line for each member of SocketOption, by number, older names last."""
    travels = {
        rows.Kind.INT64: ", _INT64",
        rows.Kind.UINT64: ", _INT64",
        rows.Kind.FD: ", _FD",
        **dict.fromkeys(rows.TEXTUAL, ", _BYTES"),
    }
    lines = [(row.number, f"{row.name} = {row.number}{travels.get(row.kind, '')}", row)
             for row in rows.SOCKET_ROWS]  # fmt: skip
    named: list[tuple[int, str, Any]] = [*lines]
    for name, (number, why) in rows.NAMES_ONLY.items():
        named.append((number, f"{name} = {number}  # {why}", None))
    part = ""
    for _, line, row in sorted(named, key=lambda each: each[0]):
        now = "" if row is None or not row.draft else "Draft options."
        if now and row is not None and row.since >= (4, 3, 5):
            now = "Draft options of libzmq 4.3.5 and later."
        if now and now != part:
            yield ""
            yield f"# {now}"
        part = now or part
        yield line
    yield ""
    yield "# Older names of the same options."
    for alias, name in rows.SOCKET_ALIASES.items():
        yield f"{alias} = {name}"


def plain_members(table: Iterable[Any]) -> Iterator[str]:
    """Yield a line for each member of an enum that has the rows' names, by number."""
    table = sorted(table, key=lambda row: row.number)
    for row in table:
        shared = sum(other.number == row.number for other in table) > 1
        why = f"to {'read' if row.readable else 'write'}: libzmq gave two of them one number"
        notes = [why] * shared + ["draft"] * row.draft
        yield f"{row.name} = {row.number}" + (f"  # {', '.join(notes)}" if notes else "")


def enums(package: Path) -> str:
    """Return `enums.py` with its members as the rows have them."""
    rows = stubs.load(package, "options.rows")
    text = (package / "enums.py").read_text(encoding="utf-8")
    members = {
        "SocketOption": socket_members(rows),
        "ContextOption": plain_members(rows.CONTEXT_ROWS),
        "MessageOption": plain_members(rows.MESSAGE_ROWS),
    }
    for name, lines in members.items():
        body = "".join(f"    {line}".rstrip() + "\n" for line in lines)
        text, count = re.subn(
            rf"(?s)(    # -- written out: {name}\n).*?(    # -- end\n)",
            lambda found, body=body: found[1] + body + found[2],  # type: ignore[misc]
            text,
        )
        assert count == 1, f"enums.py has no place for {name}"
    return text


if __name__ == "__main__":
    (PACKAGE / "enums.py").write_text(enums(PACKAGE), encoding="utf-8")
    for name, text in stubs.stubs(PACKAGE).items():  # by the enums as they are from now on
        (PACKAGE / name).write_text(text, encoding="utf-8")
