"""The parser and the table of commands."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

from .command import INTERRUPTED, Command
from .demo.command import DEMO
from .output import Parser, complain, guarded
from .version import VERSION, describe

COMMANDS: tuple[Command, ...] = (DEMO, VERSION)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line, one subparser a command."""
    parser = Parser(
        prog="python -m zmqlite", description="ZeroMQ for Python, from the command line."
    )
    parser.add_argument("-V", "--version", action="version", version=describe()[0])
    words = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        word = words.add_parser(command.name, help=command.summary, description=command.summary)
        command.add_options(word)
        word.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process.

    0 is success, 1 a failure that has been explained on stderr, a standard output that takes
    nothing among them, 130 an interruption by Ctrl-C. A faulty command line raises SystemExit(2),
    as argparse does.
    """

    def run() -> int:
        arguments = build_parser().parse_args(argv)
        code: int = arguments.run(arguments)
        return code

    try:
        return guarded(run)
    except KeyboardInterrupt:
        # Ctrl-C may strike between opening something and noting it down; that is no news now
        warnings.simplefilter("ignore", ResourceWarning)
        complain("zmqlite: interrupted")
        return INTERRUPTED
