"""The conversions of a trio socket: those of every socket (`_serialize.py`), as coroutines.

Checkers read `payload.pyi`, which the build writes from them.
"""

from __future__ import annotations

from .._loops.socket import LoopSocket

__all__ = ["CoroutinePayload"]


class CoroutinePayload(LoopSocket):
    """What the calls that convert return: they end in `recv`, `send` and the like."""
