"""Write what type checkers read of names that are made at import, from the tables of the package.

    options/_flat.pyi    the flat names of the constants
    constants.pyi        the same with the types of sockets
    */constants.pyi      the same for the event loops, whose types make their sockets
    options/_typed.pyi   the options as attributes and as keywords
    */_typed.pyi         what the calls of sockets return that are awaited

Every build writes them into the package; `python tests/written_out.py` does so without a build.
Constants come from `enums` and `constants`, options from the rows of `options.rows`, conversions
from the signatures in `_serialize`, the other calls from those of the core.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["load", "stubs"]

_TABLES = "zmqlite_tables"
WORLDS = ("asyncio", "trio", "green")
UNCHECKED = ("# fmt: off", "# ruff: noqa")
MARK = "Written by the build from {} (vendor/stubs.py): change it there, not here."


def load(package: Path, name: str) -> Any:
    """Return a module of the lowest floor as it is in a source tree, where nothing is built.

    It is loaded beside the package, under another name: it imports from its neighbours only, and
    of what a build writes it needs one number, which no stub has.
    """
    for part, folder in ((_TABLES, package), (f"{_TABLES}.options", package / "options")):
        sys.modules[part] = ModuleType(part)
        sys.modules[part].__path__ = [str(folder)]
    known: Any = ModuleType(f"{_TABLES}._build")
    known.RECONNECT_STOP_AFTER_DISCONNECT = 0
    sys.modules[known.__name__] = known
    try:
        return importlib.import_module(f"{_TABLES}.{name}")
    finally:
        for each in [each for each in sys.modules if each.split(".")[0] == _TABLES]:
            del sys.modules[each]


def stubs(package: Path) -> dict[str, str]:
    """Return the stubs of a source tree: where each stands in the package, and its text."""
    constants, rows = load(package, "constants"), load(package, "options.rows")
    types: dict[str, int] = {
        name: member.value for name, member in constants.SocketType.__members__.items()
    }
    return {
        "options/_flat.pyi": _names_without_types(constants, types),
        "constants.pyi": _flat_names(types),
        **{f"{world}/constants.pyi": _types_of_a_loop(types) for world in WORLDS},
        "options/_typed.pyi": _typed_options(rows),
        "asyncio/_typed.pyi": _calls(package, "calls import Calls", "Future[{}]"),
        "trio/_typed.pyi": _calls(
            package, "socket import AwaitedSocket", "Coroutine[Any, Any, {}]"
        ),
    }


# -- the flat names ------------------------------------------------------------------------------


def _head(what: str) -> list[str]:
    """Return how a stub of constants begins."""
    return [f'"""{what}', "", MARK.format("zmqlite/enums.py"), '"""', "", *UNCHECKED]


def _names_without_types(constants: Any, types: Iterable[str]) -> str:
    """Return the stub of the constants that are the same for every event loop."""
    families = sorted(family.__name__ for family in constants._FAMILIES)
    lines = _head("The flat names of the constants, without the types of sockets.")
    lines += [f"from ..enums import {n} as {n}" for n in families if n != "SocketType"]
    lines += [""]
    lines += [
        f"{name}: {type(getattr(constants, name)).__name__}"
        for name in constants.__all__
        if name not in types and name not in families
    ]
    return "\n".join(lines) + "\n"


def _flat_names(types: Iterable[str]) -> str:
    """Return the stub of the constants."""
    lines = _head("The flat names of the constants.")
    lines += ["from typing import NoReturn", "", "from .enums import SocketType as SocketType"]
    lines += ["from .options._flat import *", "", "_REMOVED: dict[str, str]", ""]
    lines += ["def _raise_missing(name: str, module: str) -> NoReturn: ...", ""]
    lines += [f"{name}: SocketType" for name in types]
    return "\n".join(lines) + "\n"


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


def _types_of_a_loop(types: dict[str, int]) -> str:
    """Return the stub of the constants of an event loop's module: its types make its sockets."""
    lines = _head("The constants, with types of sockets for this event loop.")
    lines += ["from collections.abc import Iterable", "from enum import IntEnum"]
    lines += ["from typing import Any, NoReturn", "", "from typing_extensions import Unpack", ""]
    lines += ["from ..options._flat import *"]
    lines += ["from ..options._typed import SocketKeywords", "from . import Socket", ""]
    lines += ["class SocketType(IntEnum):"]
    lines += [f"    {name} = {value}" for name, value in types.items()]
    lines += [FACTORY.rstrip(), "", *(f"{name}: SocketType" for name in types)]
    return "\n".join(lines) + "\n"


# -- the options ---------------------------------------------------------------------------------

HEAD = '''"""The options of sockets and contexts, as attributes and as keywords.

{mark}
"""

# fmt: off
# ruff: noqa
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
KEYWORDS = """\
class SocketKeywords(TypedDict, total=False):
    harden: bool
    overflow: Literal['block', 'drop_newest', 'latest']
    copy_threshold: int
    shadow: Any
"""


def _descriptor(row: Any, textual: Iterable[int]) -> str:
    """Return the type of an option as an attribute."""
    if row.name == "TYPE":
        return "_Type"
    if row.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return "_Assignable"
    access = "" if row.readable and row.writable else "ReadOnly" if row.readable else "WriteOnly"
    return f"_{access}{'Bytes' if row.kind in textual else 'Int'}"


def _keyword_type(row: Any, textual: Iterable[int]) -> str:
    """Return the type of an option as a keyword of what makes sockets."""
    if row.name in ("SUBSCRIBE", "UNSUBSCRIBE"):
        return "str | bytes | Iterable[str | bytes]"
    kind = "str | bytes" if row.kind in textual else "int"
    return f"{kind} | None" if row.resettable else kind


def _typed_options(rows: Any) -> str:
    """Return the stub of the options."""
    text = HEAD.format(mark=MARK.format("zmqlite/options/rows.py"))
    for name, (reads, takes) in DESCRIPTORS.items():
        text += f"{name}: TypeAlias = _Option[{reads}, {takes}]\n"
    attributes = {row.name: _descriptor(row, rows.TEXTUAL) for row in rows.SOCKET_ROWS}
    attributes["HWM"] = "_Int"
    attributes |= {alias: attributes[name] for alias, name in rows.SOCKET_ALIASES.items()}
    text += "\nclass SocketOptions:\n" + _lines(attributes)
    attributes = {row.name: _descriptor(row, rows.TEXTUAL) for row in rows.CONTEXT_ROWS}
    text += "\nclass ContextOptions:\n" + _lines(attributes)
    settable = [row for row in rows.SOCKET_ROWS if row.writable]
    keywords = {row.name: _keyword_type(row, rows.TEXTUAL) for row in settable}
    keywords["HWM"] = "int"
    keywords |= {alias: keywords[name] for alias, name in rows.SOCKET_ALIASES.items()}
    return text + "\n" + KEYWORDS + _lines(keywords)


def _lines(types: dict[str, str]) -> str:
    """Return a line an option, which may be written in small letters or in capitals."""
    return "".join(f"    {n.lower()}: {kind}; {n}: {kind}\n" for n, kind in types.items())


# -- what is awaited -----------------------------------------------------------------------------

AWAITED = ("send", "recv", "recv_multipart", "recv_many")  # whose results the arguments say
CALLS = '''"""The calls of sockets that are awaited, and what they return.

{mark}
"""

# fmt: off
# ruff: noqa
# mypy: disable-error-code="override, assignment"
# pyright: reportIncompatibleMethodOverride=false, reportUnusedImport=false
from asyncio import Future
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Literal, TypeVar, overload

from .._native import core
from .._native.core import Data, Frame, MessageTracker
from .{source} as _Calls

_T = TypeVar("_T")

class Calls(_Calls):
'''


def _calls(package: Path, source: str, awaited: str) -> str:
    """Return the stub of the calls of one event loop's sockets."""
    names = "_serialize.py", "_native/core.pyi"
    conversions, core = (_classes((package / name).read_text(encoding="utf-8")) for name in names)
    nodes = conversions["PayloadSocket"]
    nodes += [node for node in core["Socket"] if getattr(node, "name", "") in AWAITED]
    mark = MARK.format(" and ".join(f"zmqlite/{name}" for name in names))
    lines = (f"    {line}" for line in _signatures(nodes, awaited))
    return CALLS.format(mark=mark, source=source) + "\n".join(lines) + "\n"


def _classes(text: str) -> dict[str, list[ast.stmt]]:
    return {one.name: one.body for one in ast.parse(text).body if isinstance(one, ast.ClassDef)}


def _signatures(nodes: list[ast.stmt], awaited: str) -> Iterator[str]:
    """Yield the lines of the calls of a class as checkers read them, each result to be awaited."""
    calls = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    overloaded = {node.name for node in calls if node.decorator_list}
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            if node.name in overloaded and not node.decorator_list:
                continue  # what checkers do not see
            result = ast.unparse(node.returns or ast.Constant(None))
            results = result.split(" | ") if node.name in AWAITED else [result]
            result = " | ".join(map(awaited.format, results))
            node.returns = ast.parse(result, mode="eval").body
            node.body = [ast.Expr(ast.Constant(...))]
            for place, value in enumerate(node.args.defaults):
                if not isinstance(value, ast.Constant):
                    node.args.defaults[place] = ast.Constant(...)
        elif not isinstance(node, ast.Assign):  # another name for a call
            continue
        yield from ast.unparse(node).splitlines()
