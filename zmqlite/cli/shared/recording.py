"""The file of `record` and `replay`: messages with the times of their arrival.

    the line  zmqlite recording 1
    a line of JSON: facts about the recording (started, type, endpoints), none of them needed
    records   time in nanoseconds since the first line was written  8 bytes
              number of parts                                       4 bytes
              for each part: its length                             8 bytes
                             its bytes

Numbers are unsigned and little-endian. A file may end anywhere: what is whole in it counts.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from ..command import CommandError

__all__ = ["FIRST_LINE", "Recorded", "Writer", "read_facts", "records"]

FIRST_LINE = b"zmqlite recording 1\n"
_KIND = b"zmqlite recording "
_HEAD, _SIZE = struct.Struct("<QI"), struct.Struct("<Q")
_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20


class Recorded(NamedTuple):
    """A message, and when it came: seconds since the recording began."""

    time: float
    parts: list[bytes]


class Writer:
    """Writes a recording to a file that is open for bytes."""

    def __init__(self, file: BinaryIO, **facts: Any) -> None:
        self.file = file
        self.messages = self.bytes = 0
        self._start = time.monotonic_ns()
        line = json.dumps({"started": time.time(), **facts})
        file.write(FIRST_LINE + line.encode() + b"\n")
        file.flush()

    def write(self, messages: Iterable[list[bytes]]) -> None:
        """Add messages that have come now, and see to it that they are in the file."""
        now = time.monotonic_ns() - self._start
        for parts in messages:
            pieces = [_HEAD.pack(now, len(parts))]
            for part in parts:
                pieces += (_SIZE.pack(len(part)), part)
                self.bytes += len(part)
            self.file.write(b"".join(pieces))
            self.messages += 1
        self.file.flush()


def read_facts(file: BinaryIO, name: str) -> dict[str, Any]:
    """Read the first two lines and return the facts of the second."""
    first = file.readline(len(FIRST_LINE))
    if first != FIRST_LINE:
        newer = first.startswith(_KIND)
        what = "a recording of a newer zmqlite" if newer else "no recording of zmqlite"
        raise CommandError(f"{name} is {what}")
    try:
        facts: dict[str, Any] = json.loads(file.readline(_LONGEST_LINE))
    except ValueError:
        raise CommandError(f"{name} ends before its first message") from None
    return facts


def records(file: BinaryIO, name: str) -> Iterator[Recorded]:
    """Yield the messages that follow; raises `CommandError` after the last whole one of a file
    that ends in the middle."""
    number = 0
    try:
        while head := file.read(_HEAD.size):
            number += 1
            stamp, count = _HEAD.unpack(_whole(head, _HEAD.size))
            parts = [_part(file) for _ in range(count)]
            yield Recorded(stamp / 1e9, parts)
    except EOFError:
        text = f"{name} ends in the middle of message {number}; those before it are whole"
        raise CommandError(text) from None


def _part(file: BinaryIO) -> bytes:
    (size,) = _SIZE.unpack(_whole(file.read(_SIZE.size), _SIZE.size))
    pieces: list[bytes] = []
    while size:  # in pieces: a damaged file may claim any size
        piece = file.read(min(size, _CHUNK))
        if not piece:
            raise EOFError
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise EOFError
    return data
