"""What a command of the command line is, and what its exit codes mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

SUCCESS = 0
FAILURE = 1
USAGE = 2
TIMEOUT = 124  # as timeout(1) has it
INTERRUPTED = 130  # what a shell reports for a process ended by Ctrl-C


class CommandError(Exception):
    """A command cannot go on: a line for standard error, and the exit code of the process."""

    def __init__(self, text: str, code: int = FAILURE) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `python -m zmqlite` that needs no extra: help line, options, what it does."""

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
