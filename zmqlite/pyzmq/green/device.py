"""`device`, for gevent."""

from __future__ import annotations

from typing import Any

from ... import green as _ours

__all__ = ["device"]


def device(device_type: int, isocket: Any, osocket: Any) -> None:
    """Move messages between two sockets, both ways, until one is closed or the context ends.

    The type means nothing; -1 as the second socket is the first again.
    """
    _ours.proxy(isocket, isocket if osocket == -1 else osocket)
