"""`bench`: throughput and latency, over sizes and transports."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Group

from ..._native.info import has, zmq_version
from ..._version import __version__
from ...context import Context
from ...enums import SocketType
from ..bench.client import Figures, Server, measure, near, remote
from ..bench.plot import svg
from ..bench.server import serve
from ..command import SUCCESS, CommandError
from ..output import complain, write
from ..shared.asking import quiet_option
from ..shared.screen import (
    View,
    console,
    live_view,
    percentile,
    printed,
    round_size,
    si,
    size_of,
    table,
    took,
    wide,
)
from ..shared.values import ADDRESS, PERIOD, SIZE
from ..shared.verb import Example, option, verb

__all__ = ["bench"]

TRANSPORTS = ("inproc", "ipc", "tcp", "ws")
_SIZES = (16, 256, 4096, 65536, 1 << 20)


def drawn(figures: list[Figures], width: int, now: str = "") -> Group:
    """Return the table of what is known so far."""
    rows: list[tuple[str, ...]] = []
    for one in figures:
        trips = one.round_trips
        middle, high, most = (took(percentile(trips, p)) for p in (50, 99, 100))
        rates = si(one.messages_per_second), size_of(one.bytes_per_second)
        rows.append((one.transport, round_size(one.size), rates[0], middle, rates[1], high, most))
    columns = ("over", "size", "messages/s", "trip p50", "bytes/s", "trip p99", "max")
    return table(columns, rows, width, now)


def as_json(figures: list[Figures]) -> str:
    """Return the figures for programs; times in seconds."""
    rows: list[dict[str, Any]] = []
    for one in figures:
        trips = one.round_trips
        times = {f"p{p}": percentile(trips, p) for p in (50, 90, 99)}
        facts: dict[str, Any] = one._asdict()
        facts["round_trips"] = {"count": len(trips), "min": trips[0], **times, "max": trips[-1]}
        rows.append(facts)
    head = {"zmqlite": __version__, "libzmq": zmq_version()}
    return json.dumps({**head, "figures": rows}, indent=2)


@contextmanager
def server_for(transport: str, address: str | None) -> Generator[Server, None, None]:
    """Yield what takes part: a remote server, or one of our own."""
    with nullcontext() if address is None else remote(address) as far:
        if far is not None:
            yield far
        else:
            with near(transport) as own:
                yield own


def run_all(
    transports: list[str],
    sizes: list[int],
    seconds: float,
    address: str | None,
    view: View | None,
    speak: bool,
) -> list[Figures]:
    """Measure one cell after the other, and show how far it is."""
    figures: list[Figures] = []
    steps = len(transports) * len(sizes)
    with TemporaryDirectory(prefix="zmqlite-", ignore_cleanup_errors=True) as folder:
        for transport in transports:
            with server_for(transport, address) as server:
                for size in sizes:
                    now = f"[{len(figures) + 1}/{steps}] {round_size(size)} over {transport}"
                    if view is not None:
                        view.show(drawn(figures, view.width, now))
                    elif speak:
                        complain(now)
                    figures.append(measure(server, transport, size, seconds, folder))
        if view is not None:
            view.show(drawn(figures, view.width))
    return figures


def serve_here(addresses: tuple[str, ...], speak: bool) -> None:
    """Serve clients of other hosts until Ctrl-C."""
    context = Context()
    try:
        control = context.socket(SocketType.REP, linger=0)
        for address in addresses:
            endpoint = control.bind(address)
            if speak:
                complain(f"zmqlite: the bench is bound to {endpoint}, other ports are chosen")
        serve(context, control, stops=False)
    finally:
        context.destroy(linger=0)


def wanted_transports(names: tuple[str, ...], address: str | None) -> list[str]:
    """Return the transports to measure: those that were named, else all that make sense."""
    if address is not None:
        if set(names) & {"inproc", "ipc"}:
            raise click.UsageError("inproc and ipc do not reach another host")
        return list(dict.fromkeys(names)) or ["tcp"]
    usual = [name for name in TRANSPORTS[:3] if name != "ipc" or has("ipc")]
    chosen = list(dict.fromkeys(names)) or usual
    for name in chosen:
        if name not in ("inproc", "tcp") and not has(name):
            raise CommandError(f"this libzmq has no {name}")
    return chosen


@verb(
    "bench",
    Example("What this machine can do", "zmqlite bench"),
    Example(
        "Two sizes over tcp, as JSON and as a picture",
        "zmqlite bench -t tcp -s 64 -s 4KiB --seconds 0.2 --json --plot bench.svg",
    ),
    Example(
        "The far end of a measurement over a network", "zmqlite bench --serve -b tcp://*:5570"
    ),
    Example("The near end", "zmqlite bench -c tcp://127.0.0.1:5570"),
)
@option("-t", "--transport", "transports", multiple=True, type=click.Choice(TRANSPORTS),
        metavar="NAME", help="inproc, ipc, tcp or ws; may be repeated.  [default: all but ws]",
        )  # fmt: skip
@option("-s", "--size", "sizes", multiple=True, type=SIZE, metavar="SIZE",
        help="Bytes of a message; may be repeated.  [default: 16 to 1MiB]")  # fmt: skip
@option("--seconds", type=PERIOD, default=0.3, metavar="TIME",
        help="How long each figure is measured for.  [default: 0.3 s]")  # fmt: skip
@option("--json", "json_wanted", is_flag=True, help="Print the figures as JSON.")
@option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw them, as an SVG.")
@option("--serve", is_flag=True, help="Be the far end for other hosts; needs --bind.")
@option("-b", "--bind", multiple=True, type=ADDRESS, metavar="ADDRESS",
        help="Where to serve: tcp://*:5570.")  # fmt: skip
@option("-c", "--connect", type=ADDRESS, metavar="ADDRESS",
        help="Measure against the `bench --serve` that is there.")  # fmt: skip
@quiet_option
def bench(
    transports: tuple[str, ...],
    sizes: tuple[int, ...],
    seconds: float,
    json_wanted: bool,
    plot: str | None,
    serve: bool,
    bind: tuple[str, ...],
    connect: str | None,
    quiet: bool,
) -> int:
    """Bench.

    For each transport and size: PUSH to PULL, as many messages as there can be, one `send` and
    one `recv` each; then REQ to REP, one round trip after the other. The two ends are processes
    of their own, for inproc threads of one, which hand large messages on without a copy. What
    else the machine does shows in the figures.
    """
    if serve != bool(bind):
        raise click.UsageError("--serve and --bind ADDRESS go together")
    if serve:
        serve_here(bind, not quiet)
        return SUCCESS
    chosen = wanted_transports(transports, connect)
    if plot is not None:
        try_file(plot)  # better now than when all is measured
    with nullcontext() if json_wanted else live_view() as view:
        figures = run_all(chosen, list(sizes or _SIZES), seconds, connect, view, not quiet)
    if json_wanted:
        write(as_json(figures))
    elif view is None:
        output = console()
        write(printed(drawn(figures, wide(output)), output))
    if plot is not None:
        write_file(plot, svg(figures))
        if not quiet:
            complain(f"zmqlite: drew {plot}")
    return SUCCESS


def try_file(name: str) -> None:
    """See whether a file can be written; leave it as it is, and none where there is none."""
    with refusing(name):
        path = Path(name)
        if path.exists():
            path.open("ab").close()
        else:
            path = path.resolve()  # a link that leads nowhere stays
            path.open("xb").close()
            path.unlink()


def write_file(name: str, text: str) -> None:
    """Write a file."""
    with refusing(name):
        Path(name).write_text(text, encoding="utf-8")


@contextmanager
def refusing(name: str) -> Generator[None, None, None]:
    """Say which file cannot be written."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"cannot write to {name}: {error.strerror or error}") from None
