"""The victim's connecting sockets: they call hostile servers, hang up, call again."""

from __future__ import annotations

import random
import socket as system
from typing import Any

import fleet
from stations import Keys, Worker, client_side, prepared, quiet

import zmqlite as zmq


def address_of(caller: fleet.Caller, server: dict[str, Any]) -> str:
    """Return where the caller finds its hostile server."""
    if caller.way == "ipc":
        return f"ipc://{server['path']}"
    if caller.way == "ws":
        return f"ws://127.0.0.1:{server['port']}/"
    if caller.way in ("socks", "no-socks"):
        return "tcp://127.0.0.1:9"  # the proxy says how it went
    return f"tcp://127.0.0.1:{server['port']}"


def closed_port() -> int:
    """Return a port that is not bound."""
    with system.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Call:
    """One caller: a socket, replaced now and then, at any moment of its connection."""

    def __init__(
        self, context: Any, caller: fleet.Caller, server: dict[str, Any], keys: Keys, seed: int
    ) -> None:
        self.context = context
        self.caller = caller
        self.address = address_of(caller, server)
        self.rng = random.Random(f"{seed}{caller.name}")
        self.options = {"sndhwm": fleet.HWM, "rcvhwm": fleet.HWM, **caller.options}
        self.options |= {"reconnect_ivl": 5, "handshake_ivl": 1000}
        self.options |= client_side(caller.mechanism, keys)
        if caller.kind == "REQ":
            self.options |= {"req_relaxed": 1, "req_correlate": 1}
        if caller.way in ("socks", "no-socks"):
            port = closed_port() if caller.way == "no-socks" else server["port"]
            self.options["socks_proxy"] = f"127.0.0.1:{port}"
        self.opened = 0
        self.until = 0.0
        self.worker: Worker | None = None

    def serve(self, now: float) -> None:
        """Have one turn."""
        if now >= self.until:
            self.until = now + self.rng.choice((0.03, 0.1, 0.3, 1.0))
            if self.worker is not None and self.rng.random() < 0.5:
                self._again()
            else:
                self.hang_up()
                self._open()
        if self.worker is not None:
            self.worker.serve(now)

    def _open(self) -> None:
        linger = self.rng.choice((0, 20, 200))
        kind = getattr(zmq, self.caller.kind)
        socket = self.context.socket(kind, linger=linger, **self.options)
        prepared(socket, self.caller.kind)
        quiet(socket.connect, self.address)
        self.opened += 1
        reads = self.rng.choice(("moody", "eager", "eager"))
        self.worker = Worker(self.caller.kind, socket, reads, self.rng)

    def _again(self) -> None:
        assert self.worker is not None
        quiet(self.worker.socket.disconnect, self.address)  # it may be gone by itself
        quiet(self.worker.socket.connect, self.address)
        self.opened += 1

    def hang_up(self) -> None:
        """Close the socket."""
        if self.worker is not None:
            self.worker.socket.close()
            self.worker = None
