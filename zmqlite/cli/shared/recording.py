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
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, cast

from ..command import CommandError
from .reading import bytes_left, most_bytes, too_large

__all__ = ["FIRST_LINE", "Reader", "Recorded", "Writer"]

FIRST_LINE = b"zmqlite recording 1\n"
_KIND = b"zmqlite recording "
_HEAD, _SIZE = struct.Struct("<QI"), struct.Struct("<Q")
_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20
_FEW = 1 << 12  # parts that need no look at the size of the file


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


class Reader:
    """Reads a recording: an iterator of its messages, which raises `CommandError` where it ends in
    the middle of one, or is damaged, and says where that is.

    `facts` are those of the second line. No size is believed: a damaged file may claim any.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name
        self.number, self.place = 0, 0  # of the message that is read, and where it begins
        self._at, self._most = 0, most_bytes()
        self.facts = self._facts()

    def _facts(self) -> dict[str, Any]:
        first = self._line(len(FIRST_LINE))
        if first != FIRST_LINE:
            newer = first.startswith(_KIND)
            what = "a recording of a newer zmqlite" if newer else "no recording of zmqlite"
            raise CommandError(f"{self.name} is {what}")
        line = self._line(_LONGEST_LINE)
        if len(line) < _LONGEST_LINE and not line.endswith(b"\n"):
            raise CommandError(f"{self.name} ends before its first message")
        try:
            facts: Any = json.loads(line)
        except (ValueError, RecursionError):
            facts = None
        if not isinstance(facts, dict):
            raise CommandError(f"{self.name} is damaged: its second line is no JSON object")
        return cast("dict[str, Any]", facts)

    def __iter__(self) -> Iterator[Recorded]:
        while True:
            self.place = self._at
            head = self._read(_HEAD.size)
            if not head:
                return
            self.number += 1
            stamp, count = _HEAD.unpack(self._whole(head, _HEAD.size))
            yield Recorded(stamp / 1e9, self._parts(count))

    def _parts(self, count: int) -> list[bytes]:
        if not count:
            raise self._damaged("has no parts")
        if count > _FEW:
            self._compare(count * _SIZE.size, f"claims {count:,} parts")
        parts: list[bytes] = []
        held = 0
        for _ in range(count):
            (size,) = _SIZE.unpack(self._whole(self._read(_SIZE.size), _SIZE.size))
            held += size + _SIZE.size
            if size > _CHUNK:
                self._compare(size, f"claims a part of {size:,} bytes")
            if held > self._most:
                raise self._damaged(f"is {too_large(self._most)}")
            parts.append(self._whole(self._read(size), size))
        return parts

    def _compare(self, size: int, claim: str) -> None:
        """Refuse what cannot be in the file."""
        left = bytes_left(self.file)
        if left is not None and size > left:
            raise self._ends(f" and {claim}")

    def _whole(self, data: bytes, size: int) -> bytes:
        if len(data) < size:
            raise self._ends("")
        return data

    def _ends(self, claim: str) -> CommandError:
        text = f"{self.name} ends in the middle of message {self.number}, which begins at byte"
        return CommandError(f"{text} {self.place:,}{claim}; those before it are whole")

    def _damaged(self, what: str) -> CommandError:
        which = f"message {self.number}, which begins at byte {self.place:,}, {what}"
        return CommandError(f"{self.name} is damaged: {which}; those before it are whole")

    def _read(self, size: int) -> bytes:
        """Return so many bytes, or as many as there are; in pieces, as a pipe may claim any."""
        data = self._try(self.file.read, min(size, _CHUNK))
        if len(data) < size and data:
            pieces, have = [data], len(data)
            while have < size and (piece := self._try(self.file.read, min(size - have, _CHUNK))):
                pieces.append(piece)
                have += len(piece)
            data = b"".join(pieces)
        return data

    def _line(self, size: int) -> bytes:
        return self._try(self.file.readline, size)

    def _try(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = read(size)
        except OSError as error:
            where = f"cannot read {self.name} at byte {self._at:,}"
            raise CommandError(f"{where}: {error.strerror or error}") from None
        self._at += len(data)
        return data
