"""`recv`, and its short forms `sub` and `pull`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import click

from ...enums import SocketType
from ..command import SUCCESS
from ..output import write_bytes
from ..shared.abilities import check_stream
from ..shared.asking import socket_settings
from ..shared.formats import Format, as_bytes, named
from ..shared.opening import Opening, PlainSocket
from ..shared.sources import MESSAGES, format_settings
from ..shared.values import COUNT
from ..shared.verb import Example, option, verb

__all__ = ["pull", "recv", "sub"]

Taking: TypeAlias = Callable[[PlainSocket], None]

_SUBSCRIBERS = ("SUB", "XSUB")
PATIENCE = "Give up when no message comes in this time: 2, 250ms."
BATCH = 1000

count_option = option(
    "-n", "--count", type=COUNT, metavar="N", section=MESSAGES,
    help="End after N messages.",
)  # fmt: skip
topic_option = option(
    "--topic", multiple=True, metavar="TEXT", section=MESSAGES,
    help="Take what begins like this, of a SUB; may be repeated. Everything, if not given.",
)  # fmt: skip
join_option = option(
    "--join", multiple=True, metavar="GROUP", section=MESSAGES,
    help="A group, of a DISH; may be repeated.",
)  # fmt: skip


def print_all(opening: Opening, form: Format, count: int | None, taking: Taking) -> int:
    """Print what arrives until there are enough, and return the exit code."""
    with opening.open(taking) as socket:
        left = count
        while left is None or left:
            opening.await_message(socket)
            left = print_batch(socket, form, left)
    return SUCCESS


def print_batch(socket: PlainSocket, form: Format, left: int | None) -> int | None:
    """Print a message with those that are there too; return how many are left."""
    most = BATCH if left is None else min(left, BATCH)
    messages = socket.recv_many(most, multipart=True)
    write_bytes(b"".join([form.line(parts) for parts in messages]))
    return None if left is None else left - len(messages)


def taking(opening: Opening, topics: tuple[str, ...], groups: tuple[str, ...] = ()) -> Taking:
    """Return what has a socket take topics, everything unless some are given, or groups.

    It is called before the socket is bound or connected.
    """
    name = opening.type.name
    if topics and name not in _SUBSCRIBERS:
        raise click.UsageError(f"--topic is for a SUB: a {name} takes all that comes")
    if groups and name != "DISH":
        raise click.UsageError(f"--join is for a DISH: a {name} has no groups")
    if name == "DISH" and not groups:
        raise click.UsageError("a DISH takes what is sent to its groups: --join GROUP says which")
    if name == "SUB":
        opening.options.setdefault("subscribe", list(topics) or [""])

    def prepare(socket: PlainSocket) -> None:
        if name == "XSUB":  # which subscribes by messages
            for topic in topics or ("",):
                socket.send(b"\1" + as_bytes(topic))
        for group in groups:
            socket.join(group)

    return prepare


@verb(
    "recv",
    Example("Print what workers are sent, a line a message", "zmqlite recv -b tcp://*:5555"),
    Example(
        "Print one message of a DEALER, exactly",
        "zmqlite recv -t dealer -b tcp://127.0.0.1:5555 -n 1 -f quoted",
    ),
    Example(
        "Be the server that --server-key of others names",
        "zmqlite recv -b tcp://*:5555 --key-file server.key_secret",
    ),
)
@format_settings
@count_option
@topic_option
@join_option
@socket_settings(SocketType.PULL, choose=True, task="receive", timeout=PATIENCE)
def recv(
    opening: Opening,
    format_name: str,
    separator: str | None,
    count: int | None,
    topic: tuple[str, ...],
    join: tuple[str, ...],
) -> int:
    """Print.

    One line a message, its parts with --separator between them (a tab, a blank for quoted and
    hex). Ctrl-C ends it. With --timeout the exit code is 124 when nothing has come for so long.
    """
    check_stream(opening.type, count)
    takes = taking(opening, topic, join)
    return print_all(opening, named(format_name, separator), count, takes)


@verb(
    "sub",
    Example("Print all that is published", "zmqlite sub -c tcp://127.0.0.1:5556"),
    Example(
        "Print five messages of two topics",
        "zmqlite sub -c tcp://127.0.0.1:5556 --topic weather --topic sports -n 5",
    ),
)
@format_settings
@count_option
@topic_option
@socket_settings(SocketType.SUB, timeout=PATIENCE)
def sub(
    opening: Opening,
    format_name: str,
    separator: str | None,
    count: int | None,
    topic: tuple[str, ...],
) -> int:
    """Subscribe.

    Topics are compared with the beginning of a message.
    """
    takes = taking(opening, topic)
    return print_all(opening, named(format_name, separator), count, takes)


@verb(
    "pull",
    Example("Take tasks from two places", "zmqlite pull -c tcp://127.0.0.1:5557 -b ipc://tasks"),
    Example(
        "Save one message as a file", "zmqlite pull -b tcp://*:5557 -n 1 -f raw > message.bin"
    ),
)
@format_settings
@count_option
@socket_settings(SocketType.PULL, timeout=PATIENCE)
def pull(opening: Opening, format_name: str, separator: str | None, count: int | None) -> int:
    """Pull.

    Messages of all who push to here.
    """
    takes = taking(opening, ())
    return print_all(opening, named(format_name, separator), count, takes)
