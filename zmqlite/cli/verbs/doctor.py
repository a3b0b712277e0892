"""`doctor`: what is wrong with this environment, and what to do."""

from __future__ import annotations

import json
from itertools import chain

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..command import FAILURE, SUCCESS
from ..doctor.environment import examine
from ..doctor.finding import FINE, NOTE, WRONG, Finding
from ..doctor.places import the_address, the_keys
from ..output import write
from ..shared.screen import console, printed
from ..shared.values import ADDRESS, DURATION
from ..shared.verb import Example, option, verb

__all__ = ["doctor"]

_STYLES = {FINE: "green", NOTE: "yellow", WRONG: "bold red"}


def drawn(findings: list[Finding]) -> Table:
    """Return the findings as a table that wraps where it must."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=len(max((f.subject for f in findings), key=len)) < 30)
    made.add_column(overflow="fold")
    for one in findings:
        made.add_row(Text(one.status, _STYLES[one.status]), Text(one.subject), Text(one.text))
        if one.remedy:
            made.add_row("", "", Padding(Text(one.remedy, "italic"), (0, 0, 0, 2)))
    return made


def show(findings: list[Finding], output: Console) -> None:
    """Print the findings, and the sum of them."""
    wrong = sum(one.status == WRONG for one in findings)
    last = f"{wrong} of {len(findings)} are wrong" if wrong else "Nothing is wrong."
    if output.is_terminal:
        with output.capture() as kept:
            output.print(drawn(findings))
        write(kept.get().rstrip("\n"))
    else:
        write(printed(drawn(findings), output))
    write(last)


@verb(
    "doctor",
    Example("Examine this installation", "zmqlite doctor"),
    Example("Ask who is at an address", "zmqlite doctor tcp://127.0.0.1:5558"),
    Example(
        "Try an encrypted connection, with keys",
        "zmqlite doctor tcp://127.0.0.1:5558 --server-key server.key --key-file me.key_secret",
    ),
)
@click.argument("addresses", nargs=-1, type=ADDRESS, metavar="[ADDRESS]...")
@option("--server-key", metavar="KEY", help="The public key of the server there, or its file.")
@option("--key-file", type=click.Path(), metavar="FILE", help="Keys to examine, and to use.")
@option("-T", "--timeout", type=DURATION, default=2.0, metavar="TIME",
        help="How long to wait for a peer.  [default: 2 s]")  # fmt: skip
@option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(
    addresses: tuple[str, ...],
    server_key: str | None,
    key_file: str | None,
    timeout: float,
    as_json: bool,
) -> int:
    """Examine.

    Versions, features, patches, limits, and whether messages arrive over each transport; then the
    addresses and keys that are given. Exit code 1 if something is wrong.
    """
    keys = the_keys(key_file) if key_file is not None else iter(())
    places = (the_address(one, timeout, server_key, key_file) for one in addresses)
    findings = [*examine(), *keys, *chain.from_iterable(places)]
    if as_json:
        write(json.dumps([one._asdict() for one in findings], indent=2))
    else:
        show(findings, console())
    return FAILURE if any(one.status == WRONG for one in findings) else SUCCESS
