"""The options that ask for a socket, the same for each verb that opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from ...enums import SocketType
from .abilities import Task, check_type
from .allowing import Allowed
from .opening import Opening, curve_options
from .values import ADDRESS, COUNT_OR_NONE, DURATION, KIND, SETTING
from .verb import option

__all__ = ["allowed_by", "curve_settings", "quiet_option", "socket_settings"]

SOCKET, ENCRYPTION = "Socket", "Encryption (CURVE), and who may connect"
TYPES = "Socket type, such as dealer."


def quiet_option(function: Any) -> Any:
    """Add --quiet."""
    return option(
        "-q", "--quiet", is_flag=True, help="Say on standard error only what goes wrong."
    )(function)


def curve_settings(function: Any) -> Any:
    """Add --server-key, --key-file, --allow and --allow-from."""
    function = option(
        "--allow-from",
        multiple=True,
        metavar="IP",
        section=ENCRYPTION,
        help="Let in clients from this IP address alone; may be repeated.",
    )(function)
    function = option(
        "--allow",
        multiple=True,
        metavar="KEY",
        section=ENCRYPTION,
        help="As a server, let in this client alone: its public key, its NAME.key, or a folder "
        "of such files; may be repeated.",
    )(function)
    function = option(
        "--key-file",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        section=ENCRYPTION,
        help="Our keys: a NAME.key_secret of `zmqlite keygen`. "
        "Alone it makes this socket the server.",
    )(function)
    return option(
        "--server-key",
        metavar="KEY",
        section=ENCRYPTION,
        help="As a client: the server's public key, or its NAME.key.",
    )(function)


def allowed_by(
    keys: tuple[str, ...], places: tuple[str, ...], options: Mapping[str, Any]
) -> Allowed:
    """Return who may connect to a server with these options; refuse keys for what is none."""
    if keys and not options.get("curve_server"):
        raise click.UsageError("--allow is for a server: --key-file FILE has its keys")
    return Allowed(keys, places)


def socket_settings(
    kind: SocketType,
    *,
    choose: bool = False,
    task: Task | None = None,
    wait_peers: int = 0,
    timeout: str = "Give up when it takes longer: 2, 250ms.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add what opens a socket; the function gets an `Opening` first.

    `kind` is the socket's type; with `choose` it is the default of --type, for a `task` that not
    every type can do. `wait_peers` is how many peers are waited for unless the command line says
    otherwise.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def opened(**given: Any) -> Any:
            if not given["bind"] and not given["connect"]:
                raise click.UsageError("say where: --bind ADDRESS or --connect ADDRESS")
            if task is not None:
                check_type(given["type"], task)
            options = curve_options(given.pop("server_key"), given.pop("key_file"))
            options.update(given.pop("option"))
            allowed = allowed_by(given.pop("allow"), given.pop("allow_from"), options)
            opening = Opening(
                type=given.pop("type", kind),
                bind=given.pop("bind"),
                connect=given.pop("connect"),
                options=options,
                timeout=given.pop("timeout"),
                wait_peers=given.pop("wait_peers"),
                quiet=given.pop("quiet"),
                allowed=allowed,
            )
            return function(opening, **given)

        decorated: Any = quiet_option(opened)
        decorated = option("-T", "--timeout", type=DURATION, metavar="TIME", help=timeout)(
            decorated
        )
        decorated = option(
            "-w", "--wait-peers", type=COUNT_OR_NONE, default=wait_peers, metavar="N",
            section=SOCKET, show_default=bool(wait_peers),
            help="Begin when N peers are connected (of a pub: have subscribed).",
        )(decorated)  # fmt: skip
        decorated = curve_settings(decorated)
        decorated = option(
            "-o", "--option", type=SETTING, multiple=True, metavar="NAME=VALUE", section=SOCKET,
            help="Set a socket option, such as sndhwm=10; may be repeated.",
        )(decorated)  # fmt: skip
        decorated = option(
            "-c", "--connect", type=ADDRESS, multiple=True, metavar="ADDRESS", section=SOCKET,
            help="Connect to an address; may be repeated.",
        )(decorated)  # fmt: skip
        decorated = option(
            "-b", "--bind", type=ADDRESS, multiple=True, metavar="ADDRESS", section=SOCKET,
            help="Bind an address, with * as a free port; may be repeated.",
        )(decorated)  # fmt: skip
        if choose:
            decorated = option(
                "-t", "--type", type=KIND, default=kind.name.lower(), metavar="TYPE",
                section=SOCKET, show_default=True, help=TYPES,
            )(decorated)  # fmt: skip
        return decorated  # type: ignore[no-any-return]

    return decorate
