"""The command `zmqlite`: Ctrl-C is one line from the start, while Python still imports.

It stands beside the package, since whatever is inside of it is imported after it.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def leave(*_: object) -> NoReturn:
    """End at once, with a line on standard error and the exit code of an interruption."""
    try:
        os.write(2, b"zmqlite: interrupted\n")
    finally:
        os._exit(130)


def main() -> int:
    """Run the command line and return the exit code of the process."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:  # not where Ctrl-C is ignored
        signal.signal(signal.SIGINT, leave)
    from zmqlite.cli import main as run

    try:
        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:  # before `run` could see to it
        leave()
