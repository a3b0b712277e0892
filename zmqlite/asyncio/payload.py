"""The conversions of an asyncio socket: those of every socket (`_serialize.py`), as Futures.

Checkers read `payload.pyi`, which the build writes from them.
"""

from __future__ import annotations

from typing import Any

from .._loops.uses import UsedSocket

__all__ = ["FuturePayload"]


class FuturePayload(UsedSocket[Any]):
    """What the calls that convert return: they end in `_receive`, `send` and the like."""

    __slots__ = ()
