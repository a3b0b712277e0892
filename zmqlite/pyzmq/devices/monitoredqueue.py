"""A proxy that tells its monitor which way each message went."""

from __future__ import annotations

from ..._native.core import Socket
from ...constants import POLLIN, ROUTER
from ...poller import Poller

__all__ = ["monitored_queue"]

_BURST = 100  # messages one way before the other way gets its turn


def monitored_queue(
    in_socket: Socket,
    out_socket: Socket,
    mon_socket: Socket,
    in_prefix: bytes = b"in",
    out_prefix: bytes = b"out",
) -> None:
    """Pass messages between two sockets, and copies of them, each behind a prefix, to a third.

    Between two ROUTERs the first two parts change places, so that a message which says
    [to whom, what] arrives as [from whom, what]; shorter ones are dropped. Blocks until the
    context ends (`ContextTerminated`), or a signal handler raises.
    """
    sockets = {"in_socket": in_socket, "out_socket": out_socket, "mon_socket": mon_socket}
    for name, socket in sockets.items():
        if not isinstance(socket, Socket):
            raise TypeError(f"{name} is no socket but {type(socket).__name__}")
    for name, prefix in (("in_prefix", in_prefix), ("out_prefix", out_prefix)):
        if not isinstance(prefix, bytes):
            raise TypeError(f"{name} takes bytes, not {type(prefix).__name__}")
    swap = in_socket._type_number == out_socket._type_number == ROUTER
    poller = Poller()
    poller.register(in_socket, POLLIN)
    poller.register(out_socket, POLLIN)
    while True:
        for ready, _ in poller.poll():
            if ready is in_socket:
                _relay(in_socket, out_socket, mon_socket, in_prefix, swap)
            else:
                _relay(out_socket, in_socket, mon_socket, out_prefix, swap)


def _relay(source: Socket, target: Socket, monitor: Socket, prefix: bytes, swap: bool) -> None:
    """Pass on what has come. By the core's own methods: those of an event loop's sockets wait."""
    for _ in range(_BURST):
        parts = Socket.recv_multipart_nonblock(source, 0, copy=False)
        if parts is None:
            return
        if swap:
            if len(parts) < 2:
                continue
            parts[:2] = parts[1], parts[0]
        Socket.send_multipart(monitor, [prefix, *parts], copy=False)
        Socket.send_multipart(target, parts, copy=False)
