"""What stands in files and comes from elsewhere: `python tests/written_out.py` writes it again.

    zmqlite/enums.py            the members of SocketOption, ContextOption and MessageOption
    zmqlite/options/_flat.pyi   the flat names of the constants, for checkers
    zmqlite/constants.pyi       the same with the types of sockets
    zmqlite/*/constants.pyi     the same for the event loops, whose types make their sockets
    zmqlite/options/_typed.pyi  the options as attributes and as keywords, for checkers

Members come from the rows of `zmqlite.options.rows`, constants from the enums. Run it twice after
a new row: the constants are read from the enums as they were when it started.
`test_written_out.py` compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zmqlite
from zmqlite import constants
from zmqlite.options import rows
from zmqlite.options.rows import Kind, Option

PACKAGE = Path(zmqlite.__file__).parent
MARK = "Written by tests/written_out.py from {}: change it there, not here."
TRAVELS = {
    Kind.INT64: ", _INT64",
    Kind.UINT64: ", _INT64",
    Kind.FD: ", _FD",
    **dict.fromkeys(rows.TEXTUAL, ", _BYTES"),
}


# -- the members of the enums --------------------------------------------------------------------


def socket_members() -> Iterator[str]:
    """Yield a line for each member of SocketOption, by number, older names last."""
    lines = [(row.number, f"{row.name} = {row.number}{TRAVELS.get(row.kind, '')}", row)
             for row in rows.SOCKET_ROWS]  # fmt: skip
    named: list[tuple[int, str, Option | None]] = [*lines]
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


def plain_members(table: Iterable[Option]) -> Iterator[str]:
    """Yield a line for each member of an enum that has the rows' names, by number."""
    table = sorted(table, key=lambda row: row.number)
    for row in table:
        shared = sum(other.number == row.number for other in table) > 1
        why = f"to {'read' if row.readable else 'write'}: libzmq gave two of them one number"
        notes = [why] * shared + ["draft"] * row.draft
        yield f"{row.name} = {row.number}" + (f"  # {', '.join(notes)}" if notes else "")


def enums() -> str:
    """Return `enums.py` with its members as the rows have them."""
    text = (PACKAGE / "enums.py").read_text(encoding="utf-8")
    members = {
        "SocketOption": socket_members(),
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


# -- the flat names ------------------------------------------------------------------------------


def head(what: str) -> list[str]:
    """Return how a stub of constants begins."""
    return [f'"""{what}', "", MARK.format("the enums"), '"""', "", "# fmt: off", "# ruff: noqa"]


def families() -> list[str]:
    return sorted(family.__name__ for family in constants._FAMILIES)


def names_without_types() -> str:
    """Return the stub of the constants that are the same for every event loop."""
    types = {"SocketType", *zmqlite.SocketType.__members__}
    lines = head("The flat names of the constants, without the types of sockets.")
    lines += [f"from ..enums import {n} as {n}" for n in families() if n not in types]
    lines += [""]
    lines += [
        f"{name}: {type(getattr(constants, name)).__name__}"
        for name in constants.__all__
        if name not in types and name not in families()
    ]
    return "\n".join(lines) + "\n"


def flat_names() -> str:
    """Return the stub of the constants."""
    lines = head("The flat names of the constants.")
    lines += ["from typing import NoReturn", "", "from .enums import SocketType as SocketType"]
    lines += ["from .options._flat import *", "", "_REMOVED: dict[str, str]", ""]
    lines += ["def _raise_missing(name: str, module: str) -> NoReturn: ...", ""]
    lines += [f"{name}: SocketType" for name in zmqlite.SocketType.__members__]
    return "\n".join(lines) + "\n"


# -- the options ---------------------------------------------------------------------------------

HEAD = '''"""The options of sockets and contexts, as attributes and as keywords.

{mark}
"""

# fmt: off
# ruff: noqa: E702, E501 - one line an option
from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypedDict, TypeVar, overload

from typing_extensions import Self

# What a socket type makes: `enums` stands below these and knows them by this stub alone.
from ..context import Context as Context
from ..enums import SocketType
from ..socket import Socket as Socket

_R = TypeVar("_R")
_W = TypeVar("_W")

class _Option(Generic[_R, _W]):
    """What reading gives, and what may be assigned."""

    @overload
    def __get__(self, owner: None, cls: type) -> Self: ...
    @overload
    def __get__(self, owner: object, cls: type | None = None) -> _R: ...
    def __set__(self, owner: Any, value: _W) -> None: ...

'''
DESCRIPTORS = {
    # name -> what reading gives, what may be assigned
    "_Type": ("SocketType", "NoReturn"),
    "_Int": ("int", "int"),
    "_ReadOnlyInt": ("int", "NoReturn"),
    "_WriteOnlyInt": ("NoReturn", "int | None"),
    "_Bytes": ("bytes", "bytes | str | None"),
    "_ReadOnlyBytes": ("bytes", "NoReturn"),
    "_WriteOnlyBytes": ("NoReturn", "bytes | str | None"),
    "_Assignable": ("Callable[[bytes | str], None]", "bytes | str"),
}


def descriptor(row: Option) -> str:
    """Return the type of an option as an attribute."""
    if row.name == "TYPE":
        return "_Type"
    if row.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return "_Assignable"
    access = "" if row.readable and row.writable else "ReadOnly" if row.readable else "WriteOnly"
    return f"_{access}{'Bytes' if row.kind in rows.TEXTUAL else 'Int'}"


def keyword_type(row: Option) -> str:
    """Return the type of an option as a keyword of what makes sockets."""
    if row.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return "str | bytes | Iterable[str | bytes]"
    kind = "str | bytes" if row.kind in rows.TEXTUAL else "int"
    return f"{kind} | None" if row.resettable else kind


def typed_options() -> str:
    """Return the stub of the options."""
    text = HEAD.format(mark=MARK.format("options/rows.py"))
    for name, (reads, takes) in DESCRIPTORS.items():
        text += f"{name}: TypeAlias = _Option[{reads}, {takes}]\n"
    text += "\n"
    attributes = {row.name: descriptor(row) for row in rows.SOCKET_ROWS}
    attributes["HWM"] = "_Int"
    attributes |= {alias: attributes[name] for alias, name in rows.SOCKET_ALIASES.items()}
    text += owner("SocketOptions", attributes)
    attributes = {row.name: descriptor(row) for row in rows.CONTEXT_ROWS}
    text += owner("ContextOptions", attributes)
    types: dict[str, Any] = {
        row.name: keyword_type(row) for row in rows.SOCKET_ROWS if row.writable
    }
    types["HWM"] = "int"
    types |= {alias: types[name] for alias, name in rows.SOCKET_ALIASES.items()}
    text += "class SocketKeywords(TypedDict, total=False):\n"
    text += "    harden: bool\n"
    text += "    overflow: Literal['block', 'drop_newest', 'latest']\n"
    text += "    copy_threshold: int\n    shadow: Any\n"
    for name, kind in types.items():
        text += row_of(name, kind)
    return text


def owner(name: str, attributes: dict[str, str]) -> str:
    lines = [row_of(each, kind) for each, kind in attributes.items()]
    return f"class {name}:\n" + "".join(lines) + "\n"


def row_of(name: str, kind: str) -> str:
    """Return the line of an option, which may be written in small letters or in capitals."""
    return f"    {name.lower()}: {kind}; {name}: {kind}\n"


# -- the types of sockets of each event loop -----------------------------------------------------

WORLDS = ("asyncio", "trio", "green")
FACTORY = """
    _contexts: Any

    def __call__(
        self,
        *misplaced: NoReturn,
        connect: str | bytes | Iterable[str | bytes] | None = None,
        bind: str | bytes | Iterable[str | bytes] | None = None,
        context: Any = None,
        **options: Unpack[SocketKeywords],
    ) -> Socket: ...
"""


def types_of_a_loop() -> str:
    """Return the stub of the constants of an event loop's module: its types make its sockets."""
    types = [*zmqlite.SocketType.__members__.items()]
    lines = head("The constants, with types of sockets for this event loop.")
    lines += ["from collections.abc import Iterable", "from enum import IntEnum"]
    lines += ["from typing import Any, NoReturn", "", "from typing_extensions import Unpack", ""]
    lines += ["from ..options._flat import *"]
    lines += ["from ..options._typed import SocketKeywords", "from . import Socket", ""]
    lines += ["class SocketType(IntEnum):"]
    lines += [f"    {name} = {member.value}" for name, member in types]
    lines += [FACTORY.rstrip(), "", *(f"{name}: SocketType" for name, _ in types)]
    return "\n".join(lines) + "\n"


FILES = {
    "options/_flat.pyi": names_without_types,
    **{f"{world}/constants.pyi": types_of_a_loop for world in WORLDS},
    "enums.py": enums,
    "constants.pyi": flat_names,
    "options/_typed.pyi": typed_options,
}


if __name__ == "__main__":
    for name, text in FILES.items():
        (PACKAGE / name).write_text(text(), encoding="utf-8")
