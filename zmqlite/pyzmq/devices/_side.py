"""One socket of a device, before it is made."""

from __future__ import annotations

from typing import Any

from ..sugar.context import Context

__all__ = ["Side"]


class Side:
    """What one socket of a device shall be: its type, options and endpoints."""

    def __init__(self, socket_type: int | None, name: str) -> None:
        if socket_type is None:
            raise TypeError(f"{name} must be specified")
        self.socket_type = socket_type
        self.options: list[tuple[int, Any]] = []
        self.binds: list[str] = []
        self.connects: list[str] = []

    def open(self, context: Context[Any], shared: Any = None) -> Any:
        """Make the socket; a negative type stands for `shared`, the socket of the other side."""
        own = shared is None or self.socket_type >= 0
        socket: Any = context.socket(self.socket_type) if own else shared
        for option, value in self.options:
            socket.setsockopt(option, value)
        for addr in self.binds:
            socket.bind(addr)
        for addr in self.connects:
            socket.connect(addr)
        return socket
