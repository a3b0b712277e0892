"""What a type of socket can do for a verb: one that never receives has nothing to print."""

from __future__ import annotations

from typing import Literal, TypeAlias

import click

from ...enums import SocketType
from ..command import CommandError

__all__ = ["Task", "check_pair", "check_parts", "check_stream", "check_type"]

Task: TypeAlias = Literal["receive", "send"]

LACKS: dict[Task, dict[str, str]] = {
    "receive": {
        **dict.fromkeys(("PUB", "PUSH", "RADIO", "SCATTER"), "never receives"),
        "REQ": "receives only answers: `zmqlite request` asks for them",
    },
    "send": {
        **dict.fromkeys(("SUB", "PULL", "DISH", "GATHER"), "never sends"),
        "REP": "sends only answers: `zmqlite reply` gives them",
    },
}
_ADDRESSED = ("ROUTER", "STREAM")


def check_type(kind: SocketType, task: Task) -> None:
    """Refuse a type that cannot do what a verb is for."""
    why = LACKS[task].get(kind.name)
    if why is not None:
        raise click.UsageError(
            f"--type {kind.name.lower()} makes no sense here: a {kind.name} {why}"
        )


def check_stream(kind: SocketType, count: int | None) -> None:
    """Refuse a type that stops after one message, where there may be more: it waits for ever."""
    if kind.name == "REP" and count != 1:
        raise click.UsageError(
            "a REP has to answer a request before it receives the next: `zmqlite reply --show` "
            "does"
        )


def check_pair(one: SocketType, other: SocketType) -> None:
    """Refuse two types between which a proxy has nothing to pass, in either direction."""
    # no type lacks both, so what one of the two receives the other can send
    for lacks in LACKS.values():
        if one.name in lacks and other.name in lacks:
            raise click.UsageError(
                f"nothing can pass between a {one.name} and a {other.name}: "
                "one has to receive, one to send"
            )


def check_parts(kind: SocketType, parts: list[bytes]) -> None:
    """Refuse a message that goes nowhere, without an error: one that has no address."""
    if kind.name in _ADDRESSED and len(parts) < 2:
        name = kind.name
        raise CommandError(f"a {name} sends two parts or more: a peer's routing id, and the rest")
