"""The constants, with types of sockets that make sockets for asyncio.

Checkers read `constants.pyi`, which `python tests/written_out.py` writes.
"""

from __future__ import annotations

from .._loops import constants as _constants
from .._loops.constants import *  # noqa: F403
from .._loops.types import types_of

SocketType = types_of(__name__.rpartition(".")[0])
globals().update(SocketType.__members__)

__all__ = [*_constants.__all__, "SocketType", *SocketType.__members__]  # pyright: ignore[reportUnsupportedDunderAll]
