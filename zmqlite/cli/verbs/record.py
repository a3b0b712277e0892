"""`record` and `replay`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from ...enums import SocketType
from ...error import ZMQError
from ..command import SUCCESS, USAGE, CommandError
from ..output import OutputError
from ..shared.abilities import check_stream
from ..shared.asking import socket_settings
from ..shared.opening import Opening, PlainSocket
from ..shared.reading import opened
from ..shared.recording import Reader, Recorded, Writer
from ..shared.screen import size_of
from ..shared.sources import STDIN
from ..shared.values import COUNT, DURATION, FACTOR, duration
from ..shared.verb import Example, option, verb
from .recv import BATCH, count_option, join_option, taking, topic_option
from .send import TIMEOUT as SEND_TIMEOUT

__all__ = ["record", "replay"]

FILE = "Recording"
_LONG, _DAY = 60.0, 86400.0  # seconds
_NAP = 0.2  # seconds; a signal that came just before a sleep is heard after it
_LOOK = 900.0  # ms; what goes wrong is told so often


@contextmanager
def written(name: str, force: bool) -> Generator[BinaryIO, None, None]:
    """Open a file for a recording, - for standard output; an old one stays."""
    try:
        if name != "-":
            with Path(name).open("wb" if force else "xb") as file:
                yield file
            return
        stream: Any = sys.stdout  # None when the process was started without one
        if stream is None:
            raise OutputError("it is closed")
        yield cast("BinaryIO", stream.buffer)
    except FileExistsError:
        raise CommandError(f"{name} exists; --force replaces it", USAGE) from None
    except OSError as error:
        if isinstance(error, ZMQError):
            raise
        reason = error.strerror or str(error)
        if name == "-":
            raise OutputError(reason) from error
        raise CommandError(f"cannot write to {name}: {reason}") from None


@verb(
    "record",
    Example("Record what is published", "zmqlite record talk.zmqrec -c tcp://127.0.0.1:5556"),
    Example(
        "Record the next 100 tasks that are pushed to here, for ten minutes at most",
        "zmqlite record tasks.zmqrec -t pull -b tcp://*:5557 -n 100 --for 10m",
    ),
)
@click.argument("file", type=click.Path())
@option("--force", is_flag=True, section=FILE, help="Replace FILE if it exists.")
@option(
    "--for", "period", type=DURATION, metavar="TIME", section=FILE, help="End after this time."
)
@count_option
@topic_option
@join_option
@socket_settings(
    SocketType.SUB, choose=True, task="receive", timeout="Give up when nothing comes in this time."
)
def record(
    opening: Opening,
    file: str,
    force: bool,
    period: float | None,
    count: int | None,
    topic: tuple[str, ...],
    join: tuple[str, ...],
) -> int:
    """Record.

    FILE gets every message with the time of its arrival; - is standard output. Ctrl-C ends it.
    Each message is in the file at once, so that nothing is lost however this ends.
    """
    check_stream(opening.type, count)
    takes = taking(opening, topic, join)
    if file != "-" and not force and Path(file).exists():
        raise CommandError(f"{file} exists; --force replaces it", USAGE)
    # a socket that cannot be opened leaves no file behind, which would be in the way next time
    with opening.open(takes) as socket, written(file, force) as stream:
        writer = Writer(stream, type=opening.type.name, endpoints=socket.endpoints)
        try:
            _record(opening, socket, writer, count, period)
        finally:
            opening.say(f"{writer.messages:,} messages, {size_of(writer.bytes)}, in {file}")
    return SUCCESS


def _record(
    opening: Opening, socket: PlainSocket, writer: Writer, count: int | None, period: float | None
) -> None:
    end = None if period is None else time.monotonic() + period
    patience, start = opening.timeout, time.monotonic()
    while count is None or writer.messages < count:
        now = time.monotonic()
        if end is not None and now >= end:
            return
        limits = [limit for limit in (end, patience and start + patience) if limit is not None]
        if not socket.poll(max(1, min([_LOOK, *(1000 * (limit - now) for limit in limits)]))):
            opening.tell_news(socket)
            if patience is not None and time.monotonic() >= start + patience:
                raise opening.too_late("no message", socket)
            continue
        most = BATCH if count is None else min(count - writer.messages, BATCH)
        writer.write(socket.recv_many(most, multipart=True))
        start = time.monotonic()


@verb(
    "replay",
    Example(
        "Publish a recording, for its first subscriber on",
        "zmqlite replay talk.zmqrec -b tcp://*:5556",
    ),
    Example(
        "Push recorded tasks, ten times as fast",
        "zmqlite replay tasks.zmqrec -t push -c tcp://127.0.0.1:5557 --speed 10",
    ),
)
@click.argument("file", type=click.Path())
@option(
    "--speed", type=FACTOR, default=1.0, metavar="FACTOR", section=FILE,
    help="Twice as fast is 2; 0 is without any pauses.",
)  # fmt: skip
@option("-n", "--count", type=COUNT, metavar="N", section=FILE, help="End after N messages.")
@socket_settings(SocketType.PUB, choose=True, task="send", wait_peers=1, timeout=SEND_TIMEOUT)
def replay(opening: Opening, file: str, speed: float, count: int | None) -> int:
    """Replay.

    FILE is what `record` wrote; - is standard input. The exit code is 1 if it ends in the middle
    of a message, after those before it.
    """
    opening.delivers = True
    if opening.type in (SocketType.PUB, SocketType.XPUB):
        opening.options.setdefault("xpub_nodrop", 1)
    sent = 0
    with opened(file) as stream:
        recorded = iter(Reader(stream, STDIN if file == "-" else file))
        first = list(islice(recorded, 1))  # a file that is no good needs no subscriber
        with opening.open() as socket:
            fault: CommandError | None = None
            try:
                for one in paced(chain(first, recorded), speed, opening.say):
                    opening.send(socket, one.parts)
                    sent += 1
                    if sent == count:
                        break
            except CommandError as error:
                fault = error
            opening.say(f"{sent:,} messages")
        if fault is not None:
            raise fault
    return SUCCESS


def paced(
    recorded: Iterable[Recorded], speed: float, say: Callable[[str], None]
) -> Iterator[Recorded]:
    """Yield messages at the times that they came, counted from the first, so much faster."""
    start = first = None
    for number, one in enumerate(recorded, 1):
        if speed:
            if start is None or first is None:
                start, first = time.monotonic(), one.time
            due = start + (one.time - first) / speed
            if due - time.monotonic() > _LONG:
                say(f"message {number:,} follows in {in_days(due - time.monotonic())}")
            while (left := due - time.monotonic()) > 0:
                time.sleep(min(left, _NAP))
        yield one


def in_days(seconds: float) -> str:
    """Return a long time in words."""
    return duration(round(seconds)) if seconds < _DAY else f"{seconds / _DAY:,.1f} days"
