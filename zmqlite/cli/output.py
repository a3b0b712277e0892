"""What the commands write, to a standard output that may be full, broken or closed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = [
    "OutputError",
    "Parser",
    "complain",
    "for_reader",
    "guarded",
    "write",
    "write_bytes",
]

FAILURE = 1
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabs and line ends


class OutputError(Exception):
    """Standard output does not take what a command writes; the message says why."""


def write(text: str) -> None:
    """Write a line, or several, to standard output, at once. Raises `OutputError`."""
    stream: Any = sys.stdout  # None when the process was started without one
    if stream is None:
        raise OutputError("it is closed")
    try:
        stream.write(_encodable(f"{text}\n", stream))
        stream.flush()
    except (OSError, ValueError) as error:  # it was closed
        raise _refused(error) from error


def _encodable(text: str, stream: Any) -> str:
    """Return the text with what the encoding of a stream lacks as \\xfc, \\u20ac."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding, stream.errors or "strict")
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output, at once. Raises `OutputError`."""
    stream: Any = sys.stdout
    if stream is None:
        raise OutputError("it is closed")
    try:
        stream.buffer.write(data)
        stream.buffer.flush()
    except (OSError, ValueError) as error:
        raise _refused(error) from error


def _refused(error: OSError | ValueError) -> OutputError:
    return OutputError(getattr(error, "strerror", None) or str(error))


def for_reader(text: str, stream: Any) -> str:
    """Return a text for a stream: for a terminal without what it would obey, shown as \\x1b.

    Peers have a say in many texts.
    """
    if stream is None or not stream.isatty():
        return text
    return _OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def complain(text: str) -> None:
    """Write a line to standard error, if it takes one; a terminal obeys nothing in it."""
    stream: Any = sys.stderr
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.write(f"{for_reader(text, stream)}\n")
            stream.flush()


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code: 1, and a line on stderr, if it cannot write."""
    try:
        return command()
    except OutputError as error:
        complain(f"zmqlite: cannot write to standard output: {error}")
        _let_go()
        return FAILURE


def _let_go() -> None:
    """Have the interpreter's own flush at exit succeed: it would complain once more."""
    with suppress(OSError, ValueError, AttributeError):
        number = sys.stdout.fileno()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, number)
        os.close(nothing)


class Parser(argparse.ArgumentParser):
    """A parser whose --help and --version fail where they cannot be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if not message:
            return
        if file is None or file is sys.stderr:
            complain(message.rstrip("\n"))
        else:
            write(message.rstrip("\n"))
