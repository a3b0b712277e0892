"""Run the command line: `python -m zmqlite`, and the command `zmqlite`."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import NoReturn


def main() -> int:
    """Run the command line and return the exit code of the process.

    Ctrl-C while Python still imports it is one line, too. (What is left is the moment in which
    it imports `zmqlite` itself, before this.)
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:  # not where Ctrl-C is ignored
        signal.signal(signal.SIGINT, _leave)
    cli = import_module(f"{__package__}.cli")
    try:
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return int(cli.main())
    except KeyboardInterrupt:  # before `cli.main` could see to it
        _leave()


def _leave(*_: object) -> NoReturn:
    """End at once, with a line on standard error and the exit code of an interruption."""
    try:
        os.write(2, b"zmqlite: interrupted\n")
    finally:
        os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
