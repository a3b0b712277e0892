"""The context and the sockets of the demo: those that block, and do not block for ever."""

from __future__ import annotations

from typing import TypeAlias

from ...context import Context
from ...enums import SocketType
from ...socket import Socket

PlainSocket: TypeAlias = Socket[bytes]
PlainContext: TypeAlias = Context[PlainSocket]


def open_socket(context: PlainContext, kind: SocketType, patience: int) -> PlainSocket:
    """Open a socket that waits at most `patience` ms: for a message, for room, for its end."""
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = socket.linger = patience
    return socket
