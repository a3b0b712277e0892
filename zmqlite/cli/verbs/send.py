"""`send`, and its short forms `pub` and `push`."""

from __future__ import annotations

from typing import Any

import click

from ...enums import SocketType
from ..command import SUCCESS
from ..shared.asking import socket_settings
from ..shared.opening import Opening
from ..shared.sources import MESSAGES, Source, message_settings
from ..shared.verb import Example, option, verb

__all__ = ["pub", "push", "send"]

TIMEOUT = "Give up when a message cannot be sent, or does not leave, in this time: 2, 250ms."


def send_all(opening: Opening, source: Source, group: str | None = None) -> int:
    """Send every message, wait until they have left, and return the exit code."""
    opening.delivers = True
    if opening.type is SocketType.ROUTER:
        opening.options.setdefault("router_mandatory", 1)  # an unknown peer is an error
    with opening.open() as socket:
        for parts in source:
            opening.send(socket, parts, group)
    return SUCCESS


@verb(
    "send",
    Example("Send two messages to a worker", "zmqlite send -c tcp://127.0.0.1:5555 one two"),
    Example(
        "Send one message of two parts from a DEALER",
        "zmqlite send -t dealer -c tcp://127.0.0.1:5555 -p head -p body",
    ),
    Example(
        "Send a line a message, encrypted",
        "zmqlite send -c tcp://127.0.0.1:5555 --server-key server.key < lines.txt",
    ),
)
@message_settings
@option("--group", metavar="GROUP", section=MESSAGES, help="The group, of a RADIO.")
@socket_settings(SocketType.PUSH, choose=True, task="send", timeout=TIMEOUT)
def send(opening: Opening, source: Source, group: str | None) -> int:
    """Send.

    MESSAGEs are sent one after the other; without any, and without --part and --file, every line
    of standard input is one. With --separator a line, or a word, is taken apart at it. The command
    ends when all has left, or when --timeout is over.
    """
    if group is not None and opening.type.name != "RADIO":
        raise click.UsageError(f"--group is for a RADIO: a {opening.type.name} has no groups")
    return send_all(opening, source, group)


@verb(
    "pub",
    Example(
        "Publish a message under a topic, as soon as someone has subscribed",
        "zmqlite pub -b tcp://127.0.0.1:5556 --topic weather rain",
    ),
    Example(
        "Publish a message each second, for all who come and go",
        "zmqlite pub -b tcp://127.0.0.1:5556 -w 0 -n 3600 -i 1 tick",
    ),
)
@message_settings
@option(
    "--topic", metavar="TEXT", section=MESSAGES,
    help="Send this as the first part of each message.",
)  # fmt: skip
@socket_settings(SocketType.PUB, wait_peers=1, timeout=TIMEOUT)
def pub(opening: Opening, source: Source, **more: Any) -> int:
    """Publish.

    A publisher drops what nobody has subscribed to. So this one waits for its first subscriber;
    --wait-peers 0 does not. Nor does it drop what a slow subscriber has no room for, but waits;
    -o xpub_nodrop=0 does not.
    """
    source.topic = more["topic"]
    opening.options.setdefault("xpub_nodrop", 1)
    return send_all(opening, source)


@verb(
    "push",
    Example("Deal three tasks out", "zmqlite push -b tcp://127.0.0.1:5557 -w 1 a b c"),
    Example(
        "Send each JSON value of a file as msgpack",
        "zmqlite push -c tcp://127.0.0.1:5557 -f msgpack < values.json",
    ),
)
@message_settings
@socket_settings(SocketType.PUSH, timeout=TIMEOUT)
def push(opening: Opening, source: Source) -> int:
    """Push.

    A PUSH deals its messages out in turn to those who are connected.
    """
    return send_all(opening, source)
