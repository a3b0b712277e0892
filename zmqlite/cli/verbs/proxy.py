"""`proxy`: pass messages on, and show how many."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import click
from rich.console import Group

from ...context import Context
from ...enums import SocketType
from ...error import Again, ContextTerminated
from ...proxy import ProxyStatistics, Steering, proxy_steerable
from ..command import SUCCESS
from ..output import complain
from ..shared.asking import quiet_option
from ..shared.opening import PlainSocket
from ..shared.screen import View, live_view, si, size_of, table
from ..shared.values import ADDRESS, DURATION, SETTING
from ..shared.verb import Example, option, verb

__all__ = ["proxy"]

PAIRS = {
    "queue": (SocketType.ROUTER, SocketType.DEALER),
    "forwarder": (SocketType.XSUB, SocketType.XPUB),
    "streamer": (SocketType.PULL, SocketType.PUSH),
}
SIDES = ("frontend", "backend")
CONTROL = "inproc://zmqlite.control"
_ANSWER = 1000  # ms that a busy proxy may take to say how busy it is


def kinds_of(name: str) -> tuple[SocketType, SocketType]:
    """Return the two socket types for queue, forwarder, streamer, or for TYPE:TYPE."""
    if name in PAIRS:
        return PAIRS[name]
    known = SocketType.__members__
    front, _, back = name.upper().partition(":")
    if front not in known or back not in known:
        raise click.UsageError(f"--types takes {', '.join(PAIRS)}, or two types: xsub:xpub")
    return known[front], known[back]


@dataclass
class Proxy:
    """A proxy in a thread, with what was asked for on each side."""

    kinds: tuple[SocketType, SocketType]
    bind: tuple[tuple[str, ...], tuple[str, ...]]
    connect: tuple[tuple[str, ...], tuple[str, ...]]
    capture: tuple[str, ...]
    options: dict[str, Any]
    quiet: bool

    @contextmanager
    def run(self) -> Generator[Steering, None, None]:
        """Run it; at the end it stops, and what is on its way is dropped."""
        context = Context()
        try:
            sides = [self._side(context, number) for number in range(2)]
            capture = self._capture(context)
            ours = context.socket(SocketType.PAIR, bind=CONTROL, rcvtimeo=_ANSWER, linger=0)
            control = context.socket(SocketType.PAIR, connect=CONTROL, linger=0)
            thread = Thread(target=pass_on, args=(*sides, capture, control))
            thread.start()
            try:
                yield Steering(ours)
            finally:
                context.shutdown()  # the proxy leaves its wait with ContextTerminated
                thread.join()
        finally:
            context.destroy(linger=0)

    def _side(self, context: Context[PlainSocket], number: int) -> PlainSocket:
        socket: PlainSocket = context.socket(self.kinds[number], linger=0, **self.options)
        for address in self.bind[number]:
            self._say(f"the {SIDES[number]} is bound to {socket.bind(address)}")
        for address in self.connect[number]:
            socket.connect(address)
        return socket

    def _capture(self, context: Context[PlainSocket]) -> PlainSocket | None:
        if not self.capture:
            return None
        socket = context.socket(SocketType.PUB, linger=0)
        for address in self.capture:
            self._say(f"the capture is bound to {socket.bind(address)}")
        return socket

    def _say(self, text: str) -> None:
        if not self.quiet:
            complain(f"zmqlite: {text}")


def pass_on(*sockets: Any) -> None:
    """Run the proxy until its context ends."""
    with suppress(ContextTerminated):
        proxy_steerable(*sockets)


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


class Watch:
    """Asks a proxy now and then what has passed, and shows it."""

    def __init__(self, steering: Steering) -> None:
        self.steering = steering
        self.total = steering.statistics()

    def show(self, interval: float, view: View | None) -> None:
        """Show the rates until Ctrl-C."""
        before, start = self.total, time.monotonic()
        while True:
            time.sleep(interval)
            with suppress(Again):  # a busy proxy answers in a while
                self.total = self.steering.statistics()
                end = time.monotonic()
                if view is not None:
                    view.show(rates(self.total, before, end - start, view.width))
                before, start = self.total, end


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
    "-i", "--interval", type=DURATION, default=1.0, metavar="TIME",
    help="How often rates are shown.  [default: 1 s]",
)  # fmt: skip
@quiet_option
def proxy(types: str, interval: float, quiet: bool, **given: Any) -> int:
    """Proxy.

    Runs until Ctrl-C. On a terminal the rates are shown as they change; the sums are told at the
    end.
    """
    bind = given["frontend"], given["backend"]
    connect = given["frontend_connect"], given["backend_connect"]
    for number, side in enumerate(SIDES):
        if not bind[number] and not connect[number]:
            raise click.UsageError(f"say where: --{side} ADDRESS or --{side}-connect ADDRESS")
    wanted = Proxy(kinds_of(types), bind, connect, given["capture"], dict(given["options"]), quiet)
    with wanted.run() as steering:
        watch = Watch(steering)
        try:
            with live_view(stderr=True) as view:
                watch.show(interval, None if quiet else view)
        finally:
            if not quiet:
                complain(f"zmqlite: {summary(watch.total)}")
    return SUCCESS
