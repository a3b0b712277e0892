"""A local port whose connections travel through a paramiko transport."""

from __future__ import annotations

import select
import socketserver
from typing import Any

__all__ = ["forward_tunnel"]

_CHUNK = 65536


class ForwardServer(socketserver.ThreadingTCPServer):
    """Accepts connections on a local port, each served by a thread of its own."""

    daemon_threads = True
    allow_reuse_address = True

    target: tuple[str, int]
    """Where the connections lead to, as the far end of the transport sees it."""
    transport: Any
    """The `paramiko.Transport`."""


class Handler(socketserver.BaseRequestHandler):
    """Carries the bytes of one connection in both directions until either end is done."""

    server: Any  # the ForwardServer

    def handle(self) -> None:
        """Open a channel to the target and relay."""
        channel = self.server.transport.open_channel(
            "direct-tcpip", self.server.target, self.request.getpeername()
        )
        try:
            other = {self.request: channel, channel: self.request}
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    data = ready.recv(_CHUNK)
                    if not data:
                        return
                    other[ready].sendall(data)
        finally:
            channel.close()


def forward_tunnel(local_port: int, remote_host: str, remote_port: int, transport: Any) -> None:
    """Serve `local_port` of this machine as `remote_host:remote_port` of the far one, for ever.

    `transport` is a connected `paramiko.Transport`. Raises `OSError` if the port is taken.
    """
    with ForwardServer(("127.0.0.1", local_port), Handler) as server:
        server.target, server.transport = (remote_host, remote_port), transport
        server.serve_forever()
