"""`record` and `replay`."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from ...enums import SocketType
from ...error import Again
from ..command import SUCCESS, TIMEOUT, USAGE, CommandError
from ..output import OutputError
from ..shared.asking import socket_settings
from ..shared.opening import Opening, duration
from ..shared.recording import Recorded, Writer, read_facts, records
from ..shared.screen import size_of
from ..shared.values import COUNT, DURATION
from ..shared.verb import Example, option, verb
from .recv import BATCH, count_option, topic_option, with_topics
from .send import TIMEOUT as SEND_TIMEOUT
from .send import send_one

__all__ = ["record", "replay"]

FILE = "Recording"


@contextmanager
def written(name: str, force: bool) -> Generator[BinaryIO, None, None]:
    """Open a file for a recording, - for standard output; an old one stays."""
    if name == "-":
        yield cast("BinaryIO", sys.stdout.buffer)
        return
    try:
        file = Path(name).open("wb" if force else "xb")  # noqa: SIM115 - closed below
    except FileExistsError:
        raise CommandError(f"{name} exists; --force replaces it", USAGE) from None
    with file:
        yield file


@contextmanager
def read(name: str) -> Generator[BinaryIO, None, None]:
    """Open a recording, - for standard input."""
    if name == "-":
        yield cast("BinaryIO", sys.stdin.buffer)
        return
    with Path(name).open("rb") as file:
        yield file


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
@socket_settings(SocketType.SUB, choose=True, timeout="Give up when nothing comes in this time.")
def record(
    opening: Opening,
    file: str,
    force: bool,
    period: float | None,
    count: int | None,
    topic: tuple[str, ...],
) -> int:
    """Record.

    FILE gets every message with the time of its arrival; - is standard output. Ctrl-C ends it.
    Each message is in the file at once, so that nothing is lost however this ends.
    """
    with_topics(opening, topic)
    with written(file, force) as stream, opening.open() as socket:
        facts = {"type": opening.type.name, "endpoints": socket.endpoints}
        try:
            writer = Writer(stream, **facts)
            try:
                _record(socket, writer, count, period, opening.timeout)
            finally:
                opening.say(f"{writer.messages:,} messages, {size_of(writer.bytes)}, in {file}")
        except OSError as error:
            if isinstance(error, Again) or file != "-":
                raise
            raise OutputError(error.strerror or str(error)) from error
    return SUCCESS


def _record(
    socket: Any, writer: Writer, count: int | None, period: float | None, timeout: float | None
) -> None:
    end = None if period is None else time.monotonic() + period
    while count is None or writer.messages < count:
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            return
        limits = [limit for limit in (left, timeout) if limit is not None]
        if not socket.poll(max(1, min(limits) * 1000) if limits else None):
            if timeout is not None and min(limits) == timeout:
                raise CommandError(f"no message within {duration(timeout)}", TIMEOUT)
            continue
        most = BATCH if count is None else min(count - writer.messages, BATCH)
        writer.write(socket.recv_many(most, multipart=True))


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
    "--speed", type=click.FloatRange(0), default=1.0, metavar="FACTOR", section=FILE,
    help="Twice as fast is 2; 0 is without any pauses.",
)  # fmt: skip
@option("-n", "--count", type=COUNT, metavar="N", section=FILE, help="End after N messages.")
@socket_settings(SocketType.PUB, choose=True, wait_peers=1, timeout=SEND_TIMEOUT)
def replay(opening: Opening, file: str, speed: float, count: int | None) -> int:
    """Replay.

    FILE is what `record` wrote; - is standard input. The exit code is 1 if it ends in the middle
    of a message, after those before it.
    """
    if opening.type in (SocketType.PUB, SocketType.XPUB):
        opening.options.setdefault("xpub_nodrop", 1)
    sent = 0
    with read(file) as stream:
        read_facts(stream, file)
        with opening.open() as socket:
            fault: CommandError | None = None
            try:
                for one in paced(records(stream, file), speed):
                    send_one(socket, one.parts)
                    sent += 1
                    if sent == count:
                        break
            except CommandError as error:
                fault = error
            opening.say(f"{sent:,} messages")
        if fault is not None:
            raise fault
    return SUCCESS


def paced(recorded: Iterator[Recorded], speed: float) -> Iterator[Recorded]:
    """Yield messages at the times that they came, counted from the first, so much faster."""
    start = first = None
    for one in recorded:
        if speed:
            if start is None or first is None:
                start, first = time.monotonic(), one.time
            due = start + (one.time - first) / speed
            time.sleep(max(0.0, due - time.monotonic()))
        yield one
