"""Majordomo for clients: send any number of requests, then receive the replies."""

from __future__ import annotations

import mdp

import zmqlite as zmq


class MajorDomoClient:
    """A client of one broker, for one thread. As a context manager it closes its socket.

    `timeout` is how long `recv` waits, in milliseconds; `options` are those of sockets.
    """

    timeout = 2500

    def __init__(self, broker: str, **options: int) -> None:
        self.socket = zmq.DEALER(connect=broker, linger=0, **options)

    def __enter__(self) -> MajorDomoClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, service: str, request: str | list[str]) -> None:
        """Send a request, of one part or several, to a service."""
        parts = [request] if isinstance(request, str) else request
        # The empty part is what a REQ would add, so that both kinds look alike to the broker.
        self.socket.send_strings(["", mdp.C_CLIENT.decode(), service, *parts])

    def recv(self) -> list[str] | None:
        """Wait for the next reply and return its parts, or None if none comes in time."""
        if not self.socket.poll(self.timeout):
            return None
        empty, header, _service, *reply = self.socket.recv_strings()
        if empty or header != mdp.C_CLIENT.decode():
            raise ValueError(f"not a message of Majordomo: {header!r}")
        return reply
