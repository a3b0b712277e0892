"""`proxy`: pass messages on, and show how many."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Group

from ...context import Context
from ...enums import SocketType
from ...proxy import Proxy, ProxyStatistics
from ..command import SUCCESS
from ..output import complain
from ..shared.abilities import check_pair
from ..shared.allowing import Allowed
from ..shared.asking import allowed_by, curve_settings, quiet_option
from ..shared.opening import PlainSocket, curve_options
from ..shared.screen import View, live_view, si, size_of, table
from ..shared.values import ADDRESS, PERIOD, SETTING
from ..shared.verb import Example, option, verb

__all__ = ["proxy"]

PAIRS = {
    "queue": (SocketType.ROUTER, SocketType.DEALER),
    "forwarder": (SocketType.XSUB, SocketType.XPUB),
    "streamer": (SocketType.PULL, SocketType.PUSH),
}
SIDES = ("frontend", "backend")


def kinds_of(name: str) -> tuple[SocketType, SocketType]:
    """Return the two socket types for queue, forwarder, streamer, or for TYPE:TYPE."""
    if name in PAIRS:
        return PAIRS[name]
    known = SocketType.__members__
    front, _, back = name.upper().partition(":")
    if front not in known or back not in known:
        raise click.UsageError(f"--types takes {', '.join(PAIRS)}, or two types: xsub:xpub")
    check_pair(known[front], known[back])
    return known[front], known[back]


@dataclass
class Sockets:
    """The sockets of a proxy, as they were asked for."""

    kinds: tuple[SocketType, SocketType]
    bind: tuple[tuple[str, ...], tuple[str, ...]]
    connect: tuple[tuple[str, ...], tuple[str, ...]]
    capture: tuple[str, ...]
    options: dict[str, Any]
    quiet: bool
    server: dict[str, Any] = field(default_factory=dict[str, Any])
    client: dict[str, Any] = field(default_factory=dict[str, Any])
    allowed: Allowed = field(default_factory=Allowed)
    opened: list[PlainSocket] = field(default_factory=list[PlainSocket])
    """They live until the context ends, however early that is."""

    @contextmanager
    def open(self) -> Generator[tuple[PlainSocket, PlainSocket, PlainSocket | None], None, None]:
        """Yield frontend, backend and capture; at the end what is on its way is dropped."""
        context = Context()
        try:
            with self.allowed.serve(context, self._say):
                try:
                    yield self._side(context, 0), self._side(context, 1), self._capture(context)
                finally:  # before their gate
                    for socket in self.opened:
                        socket.close(0)
        finally:
            context.destroy(linger=0)

    def _side(self, context: Context[PlainSocket], number: int) -> PlainSocket:
        keys = self.server if self.bind[number] else self.client
        options: dict[str, Any] = {"linger": 0, **keys, **self.options}
        socket: PlainSocket = context.socket(self.kinds[number], **options)
        self.opened.append(socket)
        for address in self.bind[number]:
            self._say(f"the {SIDES[number]} is bound to {socket.bind(address)}")
        for address in self.connect[number]:
            socket.connect(address)
        return socket

    def _capture(self, context: Context[PlainSocket]) -> PlainSocket | None:
        if not self.capture:
            return None
        socket: PlainSocket = context.socket(SocketType.PUB, linger=0, **self.server)
        self.opened.append(socket)
        for address in self.capture:
            self._say(f"the capture is bound to {socket.bind(address)}")
        return socket

    def _say(self, text: str) -> None:
        if not self.quiet:
            complain(f"zmqlite: {text}")


def rates(now: ProxyStatistics, before: ProxyStatistics, seconds: float, width: int) -> Group:
    """Return a table of what has passed, and of how much of it passes in a second."""
    rows: list[tuple[str, ...]] = []
    for number, side in enumerate(SIDES):
        messages, amount = now[4 * number], now[4 * number + 1]
        more = messages - before[4 * number], amount - before[4 * number + 1]
        rates = si(more[0] / seconds), size_of(more[1] / seconds)
        rows.append((side, *rates, si(messages), size_of(amount)))
    return table(("from", "messages/s", "bytes/s", "messages", "bytes"), rows, width)


def summary(total: ProxyStatistics) -> str:
    """Return in a line what has passed."""
    front, back = total.frontend_received, total.backend_received
    amounts = size_of(total.frontend_received_bytes), size_of(total.backend_received_bytes)
    words = f"{front:,} messages ({amounts[0]}) from the frontend"
    return f"{words}, {back:,} ({amounts[1]}) from the backend"


def watch(running: Proxy, interval: float, view: View | None) -> None:
    """Show the rates until Ctrl-C; raises what ends the proxy."""
    before, start = running.statistics(), time.monotonic()
    while not running.wait(interval * 1000):
        if view is not None:
            total, end = running.statistics(), time.monotonic()
            view.show(rates(total, before, end - start, view.width))
            before, start = total, end


@verb(
    "proxy",
    Example(
        "Deal the requests of many clients out to many servers",
        "zmqlite proxy --frontend tcp://*:5559 --backend tcp://*:5560",
    ),
    Example(
        "Join publishers and subscribers that do not know each other",
        "zmqlite proxy --types forwarder --frontend tcp://*:5561 --backend tcp://*:5562",
    ),
    Example(
        "Hand on work from elsewhere, and let others look at it (zmqlite sub)",
        "zmqlite proxy --types streamer --frontend-connect tcp://127.0.0.1:5563"
        " --backend tcp://*:5564 --capture tcp://127.0.0.1:5565",
    ),
)
@option(
    "-t", "--types", default="queue", metavar="TYPES", show_default=True,
    help="queue (router:dealer), forwarder (xsub:xpub), streamer (pull:push), or two types.",
)  # fmt: skip
@option("--frontend", multiple=True, type=ADDRESS, metavar="ADDRESS", help="Bind the frontend.")
@option("--backend", multiple=True, type=ADDRESS, metavar="ADDRESS", help="Bind the backend.")
@option(
    "--frontend-connect", multiple=True, type=ADDRESS, metavar="ADDRESS",
    help="Connect the frontend.",
)  # fmt: skip
@option(
    "--backend-connect", multiple=True, type=ADDRESS, metavar="ADDRESS",
    help="Connect the backend.",
)  # fmt: skip
@option(
    "--capture", multiple=True, type=ADDRESS, metavar="ADDRESS",
    help="Publish here all that passes, in both directions.",
)  # fmt: skip
@option(
    "-o", "--option", "options", type=SETTING, multiple=True, metavar="NAME=VALUE",
    help="Set a socket option on both sides, such as sndhwm=10.",
)  # fmt: skip
@option(
    "-i", "--interval", type=PERIOD, default=1.0, metavar="TIME",
    help="How often rates are shown.  [default: 1 s]",
)  # fmt: skip
@curve_settings
@quiet_option
def proxy(types: str, interval: float, quiet: bool, **given: Any) -> int:
    """Proxy.

    Runs until Ctrl-C. On a terminal the rates are shown as they change; the sums are told at the
    end. With --key-file what is bound is a server with CURVE; with --server-key a side that only
    connects is a client.
    """
    bind = given["frontend"], given["backend"]
    connect = given["frontend_connect"], given["backend_connect"]
    for number, side in enumerate(SIDES):
        if not bind[number] and not connect[number]:
            raise click.UsageError(f"say where: --{side} ADDRESS or --{side}-connect ADDRESS")
    facts = dict(given["options"])
    key_file, server_key = given["key_file"], given["server_key"]
    keys = curve_options(None, key_file)
    allowed = allowed_by(given["allow"], given["allow_from"], {**keys, **facts})
    wanted = Sockets(kinds_of(types), bind, connect, given["capture"], facts, quiet)
    wanted.allowed = allowed
    wanted.server = {**keys, **allowed.options()}
    if server_key is not None:
        wanted.client = dict(curve_options(server_key, key_file))
    with wanted.open() as sockets:
        running = Proxy(*sockets)
        try:
            with running, live_view(stderr=True) as view:
                watch(running, interval, None if quiet else view)
        except KeyboardInterrupt:
            if not quiet:
                complain(f"zmqlite: {summary(running.statistics())}")
            raise
    return SUCCESS
