"""Every number against the zmq.h that was compiled, in both directions.

ZMQLITE_TEST_HEADER names another header to compare with.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from zmqlite import _build, constants, enums
from zmqlite.options.rows import CONTEXT_ROWS, MESSAGE_ROWS, SOCKET_ROWS

HEADER = Path(
    os.environ.get("ZMQLITE_TEST_HEADER", Path(enums.__file__).parent / "include" / "zmq.h")
)
# What zmq.h defines for itself or for the C compiler.
NOT_VOCABULARY = re.compile(
    r"VERSION|EXPORT$|HAVE_|HAS_CAP|HAUSNUMERO|DEFINED_STDINT|H_INCLUDED|^_"
)
# What is older than this header, or Ruby's, or from <errno.h>.
NOT_IN_HEADER = {"HWM", "UPSTREAM", "DOWNSTREAM", "EAGAIN", "EFAULT", "EINVAL"}


def read_defines(text: str) -> dict[str, tuple[int | str, bool]]:
    """Return name -> (value, draft) for every #define of a number, a string or an alias."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found: dict[str, tuple[int | str, bool]] = {}
    draft = False
    pattern = r'#\s*define\s+(?:ZMQ_)?(\w+)\s+\(?("[^"]*"|[\w+| -]+?)\)?\s*(?://.*)?$'
    for line in text.splitlines():
        if re.match(r"#\s*if.*ZMQ_BUILD_DRAFT_API", line):
            draft = True
        match = re.match(pattern, line)
        if match:
            name, value = match.groups()
            try:
                found[name] = (evaluate(value, found), draft)
            except KeyError:
                continue  # a macro that is no constant
    return found


def evaluate(text: str, known: dict[str, tuple[int | str, bool]]) -> int | str:
    if text.startswith('"'):
        return text.strip('"')
    total = 0
    for sign, word in re.findall(r"([|+-]?)\s*(\w+)", text):
        value = int(word, 0) if word[0].isdigit() else known[word.removeprefix("ZMQ_")][0]
        assert isinstance(value, int)
        total = total | value if sign == "|" else total + (-value if sign == "-" else value)
    return total


if not HEADER.exists():
    pytest.skip(f"there is no {HEADER}", allow_module_level=True)
DEFINES = read_defines(HEADER.read_text("utf-8"))
VERSION = tuple(int(DEFINES[f"VERSION_{part}"][0]) for part in ("MAJOR", "MINOR", "PATCH"))
ROWS = (*SOCKET_ROWS, *CONTEXT_ROWS, *MESSAGE_ROWS)
TOO_NEW = {
    row.name
    for row in ROWS
    if row.since > VERSION and f"{row.patch}.patch" not in _build.LIBZMQ_PATCHES
}
if VERSION < (4, 3, 5):
    TOO_NEW |= {f"NORM_{mode.name}" for mode in enums.NormMode}


def test_the_header_was_understood() -> None:
    assert VERSION >= (4, 3, 4)
    assert DEFINES["PUSH"] == (8, False)
    assert DEFINES["XREQ"] == (5, False)
    assert DEFINES["EVENT_ALL_V2"] == (0x1FFFF, True)
    assert DEFINES["THREAD_PRIORITY_DFLT"] == (-1, False)
    assert DEFINES["ETERM"] == (156384765, False)
    assert len(DEFINES) > 230


def test_whatever_the_header_defines_we_have() -> None:
    errnos = {member.name for member in enums.Errno}
    for name, (value, _) in DEFINES.items():
        if NOT_VOCABULARY.search(name):
            continue
        ours = getattr(constants, name)
        if name in errnos and ours < enums.HAUSNUMERO:
            continue  # the system's own number; the header's is for systems without
        assert ours == value, name


def test_whatever_we_have_the_header_defines() -> None:
    for name in constants.__all__:
        ours = getattr(constants, name)
        if isinstance(ours, type) or name in NOT_IN_HEADER:
            continue
        if name in TOO_NEW:
            assert name not in DEFINES, f"{name} is older than the table says"
        else:
            assert name in DEFINES, name


def test_numbers_and_drafts_of_the_option_table() -> None:
    for row in ROWS:
        if row.name not in TOO_NEW:
            assert DEFINES[row.name] == (row.number, row.draft), row.name


def test_only_what_is_draft_in_the_header_is_called_draft() -> None:
    drafts = {kind.name for kind in enums.SocketType if DEFINES[kind.name][1]}
    assert drafts == {kind.name for kind in enums.SocketType if kind >= enums.SocketType.SERVER}
