"""The messages to send: words and files of the command line, or lines of standard input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from itertools import chain, islice, repeat
from typing import Any

import click

from ..command import CommandError
from ..output import complain
from .formats import FORMATS, Format, as_bytes, named
from .reading import lines, opened, read_all, standard_input
from .values import COUNT, DURATION
from .verb import option

__all__ = ["Source", "message_settings"]

MESSAGES = "Messages"
STDIN = "standard input"


@dataclass
class Source:
    """Where messages come from, how many are wanted, and with what pause between them."""

    words: tuple[str, ...]
    parts: tuple[str, ...]
    files: tuple[str, ...]
    format: Format
    count: int | None = None
    interval: float = 0.0
    topic: str | None = None
    """A part that goes before each message."""
    quiet: bool = False

    def __iter__(self) -> Iterator[list[bytes]]:
        messages = self._paced(self._counted())
        if self.topic is None:
            return messages
        topic = as_bytes(self.topic)
        return ([topic, *parts] for parts in messages)

    def _counted(self) -> Iterable[list[bytes]]:
        given = list(self._given())
        if not given:
            return islice(self._lines(), self.count)
        return chain.from_iterable(repeat(given, 1 if self.count is None else self.count))

    def _given(self) -> Iterator[list[bytes]]:
        for word in self.words:
            yield self.format.word(as_bytes(word))
        if self.parts:
            yield [self.format.part(as_bytes(part)) for part in self.parts]
        for name in self.files:
            with opened(name) as file:
                yield [read_all(file, name)]

    def _lines(self) -> Iterator[list[bytes]]:
        stream = standard_input()
        if stream.isatty() and not self.quiet:
            complain("zmqlite: each line that you write is a message; Ctrl-D ends them")
        if self.format.name == "raw":
            yield [read_all(stream, STDIN)]
            return
        for number, line in lines(stream, STDIN):
            try:
                yield self.format.parts(line)
            except CommandError as error:
                raise CommandError(f"{STDIN}, line {number}: {error}") from None

    def _paced(self, messages: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
        start = time.monotonic()
        for number, parts in enumerate(messages):
            if self.interval and number:
                time.sleep(max(0.0, start + number * self.interval - time.monotonic()))
            yield parts


def message_settings(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which messages to send; the function gets a `Source` as `source`."""

    @wraps(function)
    def with_source(*args: Any, **given: Any) -> Any:
        source = Source(
            words=given.pop("messages"),
            parts=given.pop("part"),
            files=given.pop("file"),
            format=named(given.pop("format_name"), given.pop("separator")),
            count=given.pop("count"),
            interval=given.pop("interval"),
            quiet=given["quiet"],
        )
        return function(*args, source=source, **given)

    decorated: Any = option(
        "-i", "--interval", type=DURATION, default=0.0, metavar="TIME", section=MESSAGES,
        help="Pause between messages.",
    )(with_source)  # fmt: skip
    decorated = option(
        "-n", "--count", type=COUNT, metavar="N", section=MESSAGES,
        help="Send what is given N times; of standard input, at most N lines.",
    )(decorated)  # fmt: skip
    decorated = format_settings(decorated)
    decorated = option(
        "-F", "--file", multiple=True, metavar="FILE", section=MESSAGES,
        help="Send a file as a message; may be repeated.",
    )(decorated)  # fmt: skip
    decorated = option(
        "-p", "--part", multiple=True, metavar="TEXT", section=MESSAGES,
        help="A part of one message; repeat it for all of its parts.",
    )(decorated)  # fmt: skip
    argument = click.argument("messages", nargs=-1, metavar="[MESSAGE]...")
    return argument(decorated)  # type: ignore[no-any-return]


def format_settings(function: Any) -> Any:
    """Add --format and --separator."""
    function = option(
        "-S", "--separator", metavar="TEXT", section=MESSAGES,
        help="What stands between the parts of a message, such as , or \\t.",
    )(function)  # fmt: skip
    return option(
        "-f", "--format", "format_name", type=click.Choice(FORMATS), default="text",
        metavar="FORMAT", section=MESSAGES, show_default=True,
        help=f"How messages are written: {', '.join(FORMATS)}.",
    )(function)  # fmt: skip
