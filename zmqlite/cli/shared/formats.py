"""Messages as text, one a line, and text as messages.

text     the bytes as they are; parts with a tab between them
quoted   "like this\\n" "and this": any bytes, and back again without a loss
hex      68656c6c6f, parts with a blank between them; back without a loss
json     each part is a JSON value, written in one line; parts with a tab between them
msgpack  the same, but the payload is msgpack: needs the package msgpack
raw      the bytes, and nothing else: no line ends, no separators
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..command import USAGE, CommandError

__all__ = ["FORMATS", "Format", "FormatError", "as_bytes", "named", "visible"]

FORMATS = ("text", "raw", "quoted", "hex", "json", "msgpack")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}
_PLAIN = {escape[1:].encode(): sign.encode() for sign, escape in _ESCAPES.items()}
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\udc80-\udcff]")
_RARE = re.compile("[\x7f-\x9f\ud800-\udfff]")  # JSON leaves them as they are
_QUOTED = re.compile(rb'\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")


def as_bytes(word: str) -> bytes:
    """Return the bytes that a word of the command line is, UTF-8 or not."""
    return word.encode("utf-8", "surrogateescape")


class FormatError(CommandError):
    """A text is not what its format says, or a message cannot be written in it."""


class Format:
    """How messages are written and read; `separator` goes between the parts of one."""

    def __init__(self, name: str, separator: str | None = None) -> None:
        self.name = name
        default = {"quoted": " ", "hex": " ", "raw": ""}.get(name, "\t")
        self.splits = separator is not None or name not in ("text", "raw")
        self.separator = as_bytes(default if separator is None else separator)
        self._show, self._read = _CODECS[name]()

    def line(self, parts: list[bytes]) -> bytes:
        """Return a message as its line, with the line's end."""
        return self.text(parts) + b"\n" * (self.name != "raw")

    def text(self, parts: list[bytes]) -> bytes:
        """Return a message as text without a line's end."""
        return self.separator.join([self._show(part) for part in parts])

    def parts(self, line: bytes) -> list[bytes]:
        """Return the message that a line, without its end, stands for."""
        if self.name == "quoted":
            return _unquoted(line)
        words = line.split(self.separator) if self.splits and self.separator else [line]
        return [self._read(word) for word in words]

    def word(self, word: bytes) -> list[bytes]:
        """Return the message that a word of the command line stands for; quotes are optional."""
        if not self.splits or (self.name == "quoted" and b'"' not in word):
            return [self._read(word)]
        return self.parts(word)

    def part(self, word: bytes) -> bytes:
        """Return the part that a word of the command line stands for."""
        return self._read(word)


def named(name: str, separator: str | None = None) -> Format:
    """Return a format for `--format NAME --separator TEXT`; escapes such as \\t are known."""
    if separator is not None:
        separator = separator.replace("\\t", "\t").replace("\\0", "\0").replace("\\n", "\n")
    return Format(name, separator)


# -- the formats ---------------------------------------------------------------------------------

Codec = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]


def _same(data: bytes) -> bytes:
    return data


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    number = ord(sign)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is no UTF-8
        number -= 0xDC00
    elif number > 0x7F:
        return "".join(f"\\x{byte:02x}" for byte in sign.encode())
    return _ESCAPES.get(sign) or f"\\x{number:02x}"


def visible(data: bytes) -> bytes:
    """Return text without what a terminal would obey."""
    return _CONTROL.sub(_escape, data.decode("utf-8", "surrogateescape")).encode()


def _text() -> Codec:
    watched = sys.stdout is not None and sys.stdout.isatty()
    return (visible if watched else _same), _same


def _quote(data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogateescape").replace("\\", "\\\\").replace('"', '\\"')
    return b'"' + _CONTROL.sub(_escape, text.replace("\t", "\\t")).encode() + b'"'


def _unquoted(line: bytes) -> list[bytes]:
    parts: list[bytes] = []
    place = 0
    while found := _QUOTED.match(line, place):
        parts.append(_ESCAPED.sub(_unescape, found[1]))
        place = found.end()
    if line[place:].strip() or not parts:
        raise FormatError(f'not in quotes: {line!r:.60}; write "like this" "and this"')
    return parts


def _unescape(found: re.Match[bytes]) -> bytes:
    sign = found[1]
    return bytes([int(sign[1:], 16)]) if len(sign) == 3 else _PLAIN.get(sign, sign)


def _unquote_word(word: bytes) -> bytes:
    """A word of the command line may leave its quotes with the shell."""
    if word[:1] == b'"':
        return b"".join(_unquoted(word))
    return _ESCAPED.sub(_unescape, word)


def _unhex(word: bytes) -> bytes:
    try:
        return bytes.fromhex(word.decode())
    except ValueError:
        raise FormatError(f"not hexadecimal: {word!r:.60}") from None


def _json_of(word: bytes) -> Any:
    try:
        return json.loads(word)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {word!r:.60}: {error}") from None


def _as_json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_unknown)
    except RecursionError:
        raise FormatError("it is nested too deep") from None
    text = _RARE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode()


def _unknown(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _json() -> Codec:
    def both(data: bytes) -> bytes:
        return _as_json(_json_of(data))

    return both, both


def _msgpack() -> Codec:
    try:
        msgpack: Any = import_module("msgpack")
    except ModuleNotFoundError:
        raise CommandError(
            "--format msgpack needs a package: pip install msgpack", USAGE
        ) from None

    def show(data: bytes) -> bytes:
        try:
            return _as_json(msgpack.unpackb(data, strict_map_key=False))
        except Exception as error:  # it has many ways to say that this is none
            raise FormatError(f"not msgpack: {data!r:.60}: {error}") from None

    def read(word: bytes) -> bytes:
        value = _json_of(word)
        try:
            return bytes(msgpack.packb(value))
        except Exception as error:  # a number of more than 64 bits, half a surrogate pair
            raise FormatError(f"no msgpack for {word!r:.60}: {error}") from None

    return show, read


_CODECS: dict[str, Callable[[], Codec]] = {
    "text": _text,
    "raw": lambda: (_same, _same),
    "quoted": lambda: (_quote, _unquote_word),
    "hex": lambda: (lambda data: data.hex().encode(), _unhex),
    "json": _json,
    "msgpack": _msgpack,
}
