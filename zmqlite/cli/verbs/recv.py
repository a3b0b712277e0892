"""`recv`, and its short forms `sub` and `pull`."""

from __future__ import annotations

from ...enums import SocketType
from ..command import SUCCESS
from ..output import write_bytes
from ..shared.asking import socket_settings
from ..shared.formats import Format, named
from ..shared.opening import Opening, PlainSocket
from ..shared.sources import MESSAGES, format_settings
from ..shared.values import COUNT
from ..shared.verb import Example, option, verb

__all__ = ["pull", "recv", "sub"]

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


def print_all(opening: Opening, form: Format, count: int | None, groups: tuple[str, ...]) -> int:
    """Print what arrives until there are enough, and return the exit code."""
    with opening.open() as socket:
        for group in groups:
            socket.join(group)
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


def with_topics(opening: Opening, topics: tuple[str, ...]) -> None:
    """Have a SUB subscribe, to everything unless topics are given."""
    if opening.type in (SocketType.SUB, SocketType.XSUB):
        opening.options.setdefault("subscribe", list(topics) or [""])


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
@option("--join", multiple=True, metavar="GROUP", section=MESSAGES, help="A group, of a DISH.")
@socket_settings(SocketType.PULL, choose=True, timeout=PATIENCE)
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
    with_topics(opening, topic)
    return print_all(opening, named(format_name, separator), count, join)


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
    with_topics(opening, topic)
    return print_all(opening, named(format_name, separator), count, ())


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
    return print_all(opening, named(format_name, separator), count, ())
