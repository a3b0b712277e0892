"""What a session may do: the vocabulary between scenes (what is said) and the engine (how).

A scene is a generator. It yields bytes to send, a float to pause for so many seconds, or one of
these; it ends with an ending. All its decisions come from one random.Random, so that the number of
the session and the seed say the whole of it.
"""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Await:
    """Read until something was said, or the time is over; gives all that was said until then."""

    wanted: bytes | None
    """None: whatever comes, for all the time."""
    limit: float = 1.0


@dataclass(frozen=True)
class Park:
    """Stay, without a place among the active ones; ends early when there are too many."""

    limit: float


class Ending:
    """A way to leave."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


HALF = Ending("half")
"""Nothing more comes from here; the session goes on."""
RESET = Ending("reset")
CLOSE = Ending("close")
FLUSH = float(0)
"""A pause of nothing: others have their turn."""

Scene = Generator[Any, Any, Any]
PAUSES = (0.0, 0.0, 0.001, 0.004, 0.012, 0.03)


def leave(r: random.Random, pause: bool = True) -> Scene:
    """End the session in one of the ways in which sessions end."""
    if pause and (seconds := r.choice(PAUSES)):
        yield seconds
    how = r.random()
    if how < 0.6:
        yield RESET
    elif how < 0.8:
        yield CLOSE
    else:
        yield HALF
        yield Await(None, r.choice((0.0, 0.01, 0.05)))
        yield RESET if r.random() < 0.5 else CLOSE
