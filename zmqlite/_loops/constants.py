"""The constants but for the types of sockets, which each event loop has its own of.

Checkers read `constants.pyi`, which `python tests/written_out.py` writes.
"""

from __future__ import annotations

from .. import constants
from ..enums import SocketType

_TYPES = {"SocketType", *SocketType.__members__}
__all__ = [name for name in constants.__all__ if name not in _TYPES]  # pyright: ignore[reportUnsupportedDunderAll]
globals().update({name: getattr(constants, name) for name in __all__})
