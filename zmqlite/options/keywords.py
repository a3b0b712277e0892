"""The keywords of `Context.socket()`: which are options, which the socket class takes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..enums import SocketOption, SocketType
from ..error import InvalidArgument
from .table import SOCKET_OPTIONS

__all__ = ["set_by_name", "sort_keywords", "type_named"]

# Set after all others, since the others prepare them; `bind` and `connect` come last of all.
_LATER = frozenset(
    option.name.lower()
    for option in (
        SocketOption.ROUTING_ID,
        SocketOption.SUBSCRIBE,
        SocketOption.UNSUBSCRIBE,
        SocketOption.CURVE_PUBLICKEY,
        SocketOption.CURVE_SECRETKEY,
        SocketOption.CURVE_SERVERKEY,
    )
)
# What the keywords of `socket()` set: older names lead to the attribute of today's.
_ATTRIBUTES = {name.lower(): row.name.lower() for name, row in SOCKET_OPTIONS.by_name.items()}
_ATTRIBUTES["hwm"] = "hwm"
_ENDPOINTS = ("bind", "connect", "context")  # the keywords of a socket type beside the options
_OTHER_KEYWORDS = {
    **dict.fromkeys(("addr", "address", "endpoint", "host", "port", "url"), "connect or bind"),
    "ctx": "context",
}
_OF_CONTEXTS = ("io_threads", "max_sockets")
_STOCK_ARGUMENTS = ("shadow", "copy_threshold")
CO_VARKEYWORDS = 8  # of `inspect`, which takes long to load


def type_named(name: str) -> SocketType:
    """Return the socket type of that name, in any case, or suggest the nearest."""
    try:
        return SocketType[name.upper()]
    except KeyError:
        from difflib import get_close_matches  # only the failure branch pays for it

        near = get_close_matches(name.upper(), SocketType.__members__, n=1)
        hint = f"did you mean {near[0]}?" if near else "see SocketType for all of them"
        problem = f"no socket type is called {name!r}"
        raise InvalidArgument.during("socket", "Context", hint, text=problem) from None


def sort_keywords(
    make: Callable[..., Any], stock: bool, keywords: dict[str, Any]
) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """Part keywords into attributes to set, in order, and arguments of the socket class `make`.

    Unknown names go to the class if it takes any; else, and of the `stock` one, they raise
    `TypeError`.
    """
    taken = _STOCK_ARGUMENTS if stock else _arguments(make)
    settings: list[tuple[str, Any]] = []
    own: dict[str, Any] = {}
    refuses = stock or not _takes_any(make)
    for name, value in keywords.items():
        attribute = None if name in taken else _ATTRIBUTES.get(name.lower())
        if attribute is not None:
            settings.append((attribute, value))
        elif name in taken or not refuses:
            own[name] = value
        else:
            if name.lower() in _OF_CONTEXTS:
                raise TypeError(
                    f"{name!r} is no socket option: it belongs to the context, Context({name}=...)"
                )
            near = _OTHER_KEYWORDS.get(name.lower())
            near = near or SOCKET_OPTIONS.nearest(name, _ENDPOINTS + taken)
            hint = f"; did you mean {near}?" if near else ""
            raise TypeError(f"{name!r} is no socket option{hint}")
    settings.sort(key=_comes_later)
    return settings, own


def _comes_later(setting: tuple[str, Any]) -> bool:
    return setting[0] in _LATER


def _code(make: Callable[..., Any]) -> Any:
    """Return the code that takes the arguments; None of what is compiled."""
    code = getattr(getattr(make, "__init__", make), "__code__", None)
    return code or getattr(make, "__code__", None)


def _arguments(make: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that a socket class, or a function that makes sockets, declares."""
    code = _code(make)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


def _takes_any(make: Callable[..., Any]) -> bool:
    """Return whether it has a `**` for more keywords, as far as can be told."""
    code = _code(make)
    return code is None or bool(code.co_flags & CO_VARKEYWORDS)


def set_by_name(socket: Any, name: str, value: Any) -> None:
    """Set an option through its attribute; the topics of SUBSCRIBE may come as a list."""
    if name in ("subscribe", "unsubscribe") and not isinstance(value, (str, bytes)):
        for topic in value:
            setattr(socket, name, topic)
    else:
        setattr(socket, name, value)
