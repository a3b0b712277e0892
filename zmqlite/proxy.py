"""Message pumps between two sockets: zmq_proxy(3) and its steerable sister.

Both run inside libzmq, let other Python threads run, and end only when the context ends
(`ContextTerminated`), on Ctrl-C, or, the steerable one, on command.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, overload

from ._native import core
from ._native.core import proxy, proxy_steerable

__all__ = ["ProxyStatistics", "Steering", "device", "proxy", "proxy_steerable"]


@overload
def device(frontend: core.Socket, backend: core.Socket, /) -> None: ...
@overload
def device(device_type: int, frontend: core.Socket, backend: core.Socket, /) -> None: ...
def device(*args: Any) -> None:
    """Run `proxy(frontend, backend)`, under the name it had in libzmq 2.

    A device type in front of the sockets is accepted and means nothing: the types of the
    sockets decide. Blocks like `proxy`.
    """
    if len(args) == 3:
        args = args[1:]
    if len(args) != 2:
        raise TypeError(
            f"device() takes a frontend and a backend, with a device type before them or "
            f"without: {len(args)} arguments were given"
        )
    proxy(*args)


class ProxyStatistics(NamedTuple):
    """What a steerable proxy has moved so far."""

    frontend_received: int
    frontend_received_bytes: int
    frontend_sent: int
    frontend_sent_bytes: int
    backend_received: int
    backend_received_bytes: int
    backend_sent: int
    backend_sent_bytes: int


class Steering:
    """The far end of a steerable proxy's control socket: zmq_proxy_steerable(3).

    Give it a PAIR that is connected to the PAIR which the proxy got as `control`. Commands are
    queued and the proxy obeys between two messages; only `statistics` waits for an answer.
    """

    def __init__(self, control: core.Socket) -> None:
        self.control: core.Socket = control
        """The socket that commands go out on; closing it stays with the caller."""

    def pause(self) -> None:
        """Stop moving messages; they wait in the sockets' queues."""
        self.control.send(b"PAUSE")

    def resume(self) -> None:
        """Move messages again after `pause`."""
        self.control.send(b"RESUME")

    def terminate(self) -> None:
        """Make `proxy_steerable` return. Messages in the sockets' queues stay there."""
        self.control.send(b"TERMINATE")

    def statistics(self) -> ProxyStatistics:
        """Ask for the proxy's counters and wait for them, as long as RCVTIMEO of the PAIR allows.

        Raises `Again` when that time runs out.
        """
        self.control.send(b"STATISTICS")
        while True:
            # Some releases of libzmq answer every command with an empty message: skip those.
            parts = self.control.recv_multipart()
            if len(parts) == len(ProxyStatistics._fields):
                return ProxyStatistics(*(_counter(part) for part in parts))


def _counter(part: bytes) -> int:
    return int.from_bytes(part, sys.byteorder)
