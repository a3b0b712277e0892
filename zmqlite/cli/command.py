"""What a command of the command line is, and what its exit codes mean."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

SUCCESS = 0
FAILURE = 1
INTERRUPTED = 130  # what a shell reports for a process ended by Ctrl-C


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `python -m zmqlite`: its help line, its options, and what it does."""

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
