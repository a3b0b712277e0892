"""pynng under the names that the workloads call: a context, sockets, send and recv.

Nothing is made quicker or slower: `send` and `recv` are pynng's own methods.
"""

from __future__ import annotations

from socket import ntohs
from typing import Any

import pynng

__version__ = pynng.__version__
PUSH, PULL = pynng.Push0, pynng.Pull0
REQ, REP = pynng.Req0, pynng.Rep0


class Socket:
    """One of pynng's sockets. The wildcard of a port is 0 there."""

    def __init__(self, kind: Any) -> None:
        self._socket = kind()
        self.send, self.recv = self._socket.send, self._socket.recv
        self.last_endpoint = ""
        self.linger = self.sndhwm = self.rcvhwm = 0

    def bind(self, place: str) -> None:
        listener = self._socket.listen(place.replace(":*", ":0"))
        self.last_endpoint = place
        if place.startswith("tcp:"):
            port = ntohs(listener.local_address.port)
            self.last_endpoint = place.replace(":*", f":{port}")

    def connect(self, place: str) -> None:
        self._socket.dial(place, block=True)


class Context:
    """pynng has no contexts."""

    def socket(self, kind: Any) -> Socket:
        return Socket(kind)
