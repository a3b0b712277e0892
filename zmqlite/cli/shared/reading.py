"""Files and standard input, which may be anything: endless, damaged, not there.

What is read becomes a message, and stands in memory: so no more is read than memory can hold, and
what is too large says so before it is there.
"""

from __future__ import annotations

import os
import stat
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..command import CommandError
from .screen import size_of

__all__ = ["bytes_left", "lines", "most_bytes", "opened", "read_all", "standard_input"]

_CHUNK = 1 << 20
_PHYSICAL = 1 << 32  # where the system does not tell


def most_bytes() -> int:
    """Return how large a message may be that is read: half of the memory of this machine, or of
    what this process may have of it."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        memory = _PHYSICAL
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:  # not a Unix
        return memory // 2
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    return (memory if allowed == resource.RLIM_INFINITY else min(memory, allowed)) // 2


def too_large(most: int) -> str:
    return f"larger than a message can be on this machine ({size_of(most)})"


def opened(name: str) -> BinaryIO:
    """Open a file to read, - for standard input."""
    if name == "-":
        return standard_input()
    try:
        return Path(name).open("rb")
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from None


def standard_input() -> BinaryIO:
    """Return standard input, for bytes."""
    stream: Any = sys.stdin  # None when the process was started without one
    if stream is None:
        raise CommandError("there is no standard input to take messages from")
    return cast("BinaryIO", stream.buffer)


def _unreadable(name: str, error: Exception) -> CommandError:
    return CommandError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}")


def bytes_left(file: BinaryIO) -> int | None:
    """Return how many bytes follow in a file; None of what has no end that is known."""
    try:
        facts = os.fstat(file.fileno())
        if stat.S_ISREG(facts.st_mode):
            return max(facts.st_size - file.tell(), 0)
    except (OSError, ValueError):  # it is no file of the system
        pass
    return None


def read_all(file: BinaryIO, name: str) -> bytes:
    """Read to the end. Raises `CommandError` for what cannot be read, or is too large."""
    most = most_bytes()
    left = bytes_left(file)
    if left is not None and left > most:
        raise CommandError(f"{name} ({size_of(left)}) is {too_large(most)}")
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := file.read(_CHUNK):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise CommandError(f"{name} is {too_large(most)}")
    except OSError as error:
        raise _unreadable(name, error) from None
    return b"".join(pieces)


def lines(file: BinaryIO, name: str) -> Any:
    """Yield the lines, each with its number, without their ends."""
    most = most_bytes()
    number = 0
    try:
        while line := file.readline(most + 1):
            number += 1
            if len(line) > most:
                raise CommandError(f"{name}, line {number}: {too_large(most)}")
            yield number, line[:-1] if line.endswith(b"\n") else line
    except OSError as error:
        raise _unreadable(name, error) from None
