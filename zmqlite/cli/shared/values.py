"""What options take: times, sizes, socket types, socket options by name."""

from __future__ import annotations

import difflib
import re
import sys
import time
from math import ceil
from typing import TYPE_CHECKING, Any, cast

import click
from click.shell_completion import CompletionItem

from ...enums import SocketType
from ...options import SOCKET_OPTIONS, Kind, Option

__all__ = [
    "ADDRESS",
    "COUNT",
    "COUNT_OR_NONE",
    "DURATION",
    "FACTOR",
    "KIND",
    "PERIOD",
    "SETTING",
    "SIZE",
    "duration",
    "end_of",
    "milliseconds_left",
]

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_SCALES = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1000,
    "kib": 1024,
    "m": 10**6,
    "mb": 10**6,
    "mib": 1 << 20,
    "g": 10**9,
    "gb": 10**9,
    "gib": 1 << 30,
}
_LONGEST = 2**31 / 1000 - 1  # seconds; libzmq counts milliseconds in 32 bits
_YES, _NO = ("1", "on", "true", "yes"), ("0", "off", "false", "no")
_ADDRESSES = ("tcp://", "ipc://", "ws://", "inproc://")
_OLD_NAMES = {"XREQ", "XREP"}


if TYPE_CHECKING:
    Value = click.ParamType[Any]
else:
    Value = click.ParamType  # which an older click has no brackets for


class Duration(Value):
    """A time in seconds, or with a unit: 250ms, 1.5s, 2m."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) ?(us|ms|s|m|h|)", str(value).strip())
        if not found:
            self.fail(f"{value!r} is no time: write 2 (seconds), 250ms or 1.5m", param, ctx)
        seconds = float(found[1]) * _UNITS[found[2]]
        if seconds > _LONGEST:
            self.fail(f"{value!r} is longer than 24 days", param, ctx)
        return seconds


def duration(seconds: float) -> str:
    """Return a time in words: 250 ms, 1.5 s."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def end_of(milliseconds: int) -> float | None:
    """Return when what begins now is too late, None for never: below 0."""
    return None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def milliseconds_left(end: float | None, most: int) -> int:
    """Return how many there are until `end`, `most` at most."""
    return most if end is None else max(0, min(most, ceil((end - time.monotonic()) * 1000)))


class Period(Duration):
    """A time that is not 0."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        seconds = super().convert(value, param, ctx)
        if not seconds:
            self.fail("it has to be more than 0", param, ctx)
        return seconds


class Size(Value):
    """A number of bytes, or with a unit: 64, 4KiB, 1MB."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+) ?([kmg]?i?b?)", str(value).strip().lower())
        if not found or found[2] not in _SCALES:
            self.fail(f"{value!r} is no size: write 64, 4KiB or 1MB", param, ctx)
        return int(found[1]) * _SCALES[found[2]]


class Factor(Value):
    """A number that is 0 or more."""

    name = "factor"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1
        if not 0 <= number < float("inf"):
            self.fail(f"{value!r} is no number of 0 or more", param, ctx)
        return number


class Count(Value):
    """A whole number, of at least so much."""

    name = "number"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = int(value)
        except ValueError:
            number = -1
        if number > sys.maxsize:
            self.fail(f"{value!r} is too large", param, ctx)
        if number < self.least:
            self.fail(f"{value!r} is no number of {self.least} or more", param, ctx)
        return number


class SocketKind(Value):
    """A socket type by name, in any case."""

    name = "type"

    def convert(self, value: Any, param: Any, ctx: Any) -> SocketType:
        if isinstance(value, SocketType):
            return value
        names = SocketType.__members__
        known = names.get(str(value).upper())
        if known is None:
            near = difflib.get_close_matches(str(value).upper(), names, n=1)
            hint = f"did you mean {near[0].lower()}?" if near else f"there are {_listed()}"
            self.fail(f"{value!r} is no socket type: {hint}", param, ctx)
        return known

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        names = [name.lower() for name in SocketType.__members__ if name not in _OLD_NAMES]
        return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]


def _listed() -> str:
    return ", ".join(n.lower() for n in SocketType.__members__ if n not in _OLD_NAMES)


class SocketSetting(Value):
    """A socket option and its value: sndhwm=10."""

    name = "name=value"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return cast("tuple[str, Any]", value)
        name, equals, text = str(value).partition("=")
        row = SOCKET_OPTIONS.find(name.replace("-", "_"))
        if row is None:
            near = SOCKET_OPTIONS.nearest(name.replace("-", "_"))
            self.fail(f"{name!r} is no socket option" + f"; did you mean {near}?" * bool(near))
        if not equals:
            self.fail(f"{name!r} needs a value: {name}=...", param, ctx)
        if not row.writable:
            self.fail(f"{name} can only be read", param, ctx)
        return row.name.lower(), self._value(row, text, param, ctx)

    def _value(self, row: Option, text: str, param: Any, ctx: Any) -> Any:
        if row.kind in (Kind.BYTES, Kind.STRING, Kind.KEY):
            return text
        lowered = text.strip().lower()
        if (row.flag or row.high == 1) and lowered in _YES + _NO:
            return int(lowered in _YES)
        try:
            return int(text, 0)
        except ValueError:
            self.fail(f"{row.name.lower()} takes a number, not {text!r}", param, ctx)

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        rows = [row for row in SOCKET_OPTIONS if row.writable]
        names = [(f"{row.name.lower()}=", row.doc) for row in rows]
        return [CompletionItem(n, help=doc) for n, doc in names if n.startswith(incomplete)]


class Address(Value):
    """An endpoint; zmqlite itself says what is wrong with it."""

    name = "address"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        return str(value)

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(a) for a in _ADDRESSES if a.startswith(incomplete)]


DURATION, SIZE, COUNT, COUNT_OR_NONE = Duration(), Size(), Count(1), Count(0)
FACTOR, PERIOD = Factor(), Period()
KIND, SETTING, ADDRESS = SocketKind(), SocketSetting(), Address()
