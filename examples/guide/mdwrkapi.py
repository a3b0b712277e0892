"""Majordomo for workers: take a request, return its reply with the call for the next one."""

from __future__ import annotations

import time

import mdp

import zmqlite as zmq


class MajorDomoWorker:
    """A worker for one service of one broker, for one thread.

    While it waits for work it sends heartbeats; when the broker sends none for long, it connects
    anew. Times are in milliseconds. As a context manager it closes its socket.
    """

    heartbeat = 2500
    liveness = 3

    def __init__(self, broker: str, service: str) -> None:
        self._broker, self._service = broker, service
        self._reply_to: list[bytes] = []
        self._connect()

    def __enter__(self) -> MajorDomoWorker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def recv(self, reply: list[str] | None = None) -> list[str]:
        """Send the reply to the last request, if there is one, and wait for the next."""
        if reply is not None:
            parts = [part.encode(errors="surrogateescape") for part in reply]
            self._send(mdp.W_REPLY, *self._reply_to, *parts)
        while True:
            if self.socket.poll(self._until_beat()):
                self._broker_alive_until = self._in(self.heartbeat * self.liveness)
                request = self._handle(self.socket.recv_multipart())
                if request is not None:
                    return [part.decode(errors="surrogateescape") for part in request]
            elif time.monotonic() > self._broker_alive_until:
                self._reconnect()
            if self._until_beat() == 0:
                self._send(mdp.W_HEARTBEAT)
                self._beat_at = self._in(self.heartbeat)

    def _handle(self, message: list[bytes]) -> list[bytes] | None:
        """Do what the broker says; return the body if it is a request."""
        _empty, header, command, *rest = message
        if header != mdp.W_WORKER:
            print("E: not a message of Majordomo:", message)
        elif command == mdp.W_REQUEST:
            cut = rest.index(b"") + 1
            self._reply_to, body = rest[:cut], rest[cut:]
            return body
        elif command == mdp.W_DISCONNECT:
            self._reconnect()
        return None

    def _connect(self) -> None:
        self.socket = zmq.DEALER(connect=self._broker, linger=0)
        self._send(mdp.W_READY, self._service.encode())
        self._beat_at = self._in(self.heartbeat)
        self._broker_alive_until = self._in(self.heartbeat * self.liveness)

    def _reconnect(self) -> None:
        self.socket.close()
        self._connect()

    def _send(self, command: bytes, *parts: bytes) -> None:
        self.socket.send_multipart([b"", mdp.W_WORKER, command, *parts])

    def _until_beat(self) -> float:
        return max(0.0, self._beat_at - time.monotonic()) * 1000

    @staticmethod
    def _in(milliseconds: float) -> float:
        return time.monotonic() + milliseconds / 1000
