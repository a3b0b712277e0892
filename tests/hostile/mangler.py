"""The relay itself: it forwards connections, and changes what it forwards.

Orders are lines of JSON on stdin: first {"seed", "ports"} (where each link's server is), answered
by the relay's own ports; {"do": "clean"} breaks all connections and changes nothing from then on;
{"do": "end"} ends. Twice a second it says how much it has forwarded and changed.
"""

from __future__ import annotations

import collections
import contextlib
import heapq
import itertools
import json
import os
import random
import select
import socket
import sys
import time
from typing import Any

import wire

ROOM = 1 << 20
"""So many bytes wait for one side at most."""
NEWS = 0.5


def mangled(r: random.Random, data: bytes) -> tuple[str, list[bytes | float]]:
    """Return what is done with a segment: its pieces, with pauses between."""
    place = r.randrange(len(data))
    kind = r.choice(("flip", "flip", "flip", "drop", "double", "split", "late", "cut", "lose"))
    if kind == "flip":
        changed = bytearray(data)
        for _ in range(r.choice((1, 1, 3, 20))):
            changed[r.randrange(len(data))] ^= 1 << r.randrange(8)
        return kind, [bytes(changed)]
    if kind == "drop":
        return kind, []
    if kind == "double":
        return kind, [data, data]
    if kind == "split":
        pieces: list[bytes | float] = []
        for start in range(0, min(len(data), 40), 3):
            pieces += [data[start : start + 3], 0.0005]
        return kind, [*pieces, data[40:]] if len(data) > 40 else pieces
    if kind == "late":
        return kind, [r.choice((0.001, 0.01, 0.05)), data]
    if kind == "cut":  # the end of it is lost
        return kind, [data[:place]]
    return kind, [data[:place], data[place + r.choice((1, 2, 8, 50)) :]]


class Side:
    """One of the two connections of a pair, and what waits to be sent there."""

    def __init__(self, raw: socket.socket, pair: Pair) -> None:
        self.raw = raw
        self.pair = pair
        self.waiting: collections.deque[bytes | float] = collections.deque()
        self.size = 0
        self.resting = False
        self.interest = 0

    @property
    def other(self) -> Side:
        """The side that it is joined with."""
        one, two = self.pair.sides
        return two if self is one else one


class Pair:
    """A client's connection and the one to its server."""

    def __init__(self, number: int, seed: int, client: socket.socket, server: socket.socket):
        self.r = random.Random((seed << 40) ^ number)
        # some are disturbed from the first byte, some only after the handshake
        self.quiet = self.r.choice((0, 0, 2, 6, 20, 60))
        self.often = self.r.choice((0.05, 0.2, 0.6))
        self.left = self.r.choice((3, 20, 200, 1000))
        self.open = True
        self.sides = (Side(client, self), Side(server, self))


class Relay:
    """All connections, over one epoll."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.seed = order["seed"]
        self.epoll = select.epoll()
        self.sides: dict[int, Side] = {}
        self.listeners: dict[int, tuple[socket.socket, int]] = {}
        self.timers: list[tuple[float, int, Side]] = []
        self.serial = itertools.count()
        self.counts: collections.Counter[str] = collections.Counter()
        self.clean = False
        self.ports: dict[str, int] = {}
        for name, port in order["ports"].items():
            listener = socket.create_server(("127.0.0.1", 0), backlog=200)
            listener.setblocking(False)
            self.listeners[listener.fileno()] = listener, port
            self.epoll.register(listener.fileno(), select.EPOLLIN)
            self.ports[name] = listener.getsockname()[1]

    def accept(self, listener: socket.socket, port: int) -> None:
        """Join a client that has come with its server."""
        try:
            client = listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", port), timeout=5)
        except OSError:
            return
        self.counts["connections"] += 1
        pair = Pair(self.counts["connections"], self.seed, client, server)
        for side in pair.sides:
            side.raw.setblocking(False)
            side.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sides[side.raw.fileno()] = side
            side.interest = select.EPOLLIN
            self.epoll.register(side.raw.fileno(), side.interest)

    def end(self, pair: Pair, reset: bool) -> None:
        """Break a pair."""
        if not pair.open:
            return
        pair.open = False
        for side in pair.sides:
            fd = side.raw.fileno()
            del self.sides[fd]
            self.epoll.unregister(fd)
            if reset:
                with contextlib.suppress(OSError):
                    side.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.ABRUPT)
            side.raw.close()

    def forward(self, side: Side) -> None:
        """Take a segment from one side to the other."""
        pair = side.pair
        try:
            data = side.raw.recv(pair.r.choice((1000, 8192, 65536)))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.end(pair, reset=pair.r.random() < 0.3)
            return
        self.counts["segments"] += 1
        pieces: list[bytes | float] = [data]
        if not self.clean:
            if pair.quiet:
                pair.quiet -= 1
            elif pair.r.random() < pair.often:
                kind, pieces = mangled(pair.r, data)
                self.counts[kind] += 1
                self.counts["changed"] += 1
            pair.left -= 1
            if pair.left < 0:
                self.end(pair, reset=True)
                return
        other = side.other
        for piece in pieces:
            other.waiting.append(piece)
            if type(piece) is bytes:
                other.size += len(piece)
        self.flush(other)

    def flush(self, side: Side) -> None:
        """Send what waits."""
        waiting = side.waiting
        try:
            while waiting and not side.resting:
                piece = waiting[0]
                if type(piece) is float:
                    waiting.popleft()
                    side.resting = True
                    due = time.monotonic() + piece
                    heapq.heappush(self.timers, (due, next(self.serial), side))
                    break
                sent = side.raw.send(piece) if piece else 0
                side.size -= sent
                waiting.popleft()
                if sent < len(piece):
                    waiting.appendleft(piece[sent:])
                    break
        except BlockingIOError:
            pass
        except OSError:
            self.end(side.pair, reset=False)
            return
        self.watch(side)
        self.watch(side.other)

    def watch(self, side: Side) -> None:
        """Read while the other side has room, write while something waits."""
        blocked = side.waiting and not side.resting
        wanted = (select.EPOLLIN if side.other.size < ROOM else 0) | (
            select.EPOLLOUT if blocked else 0
        )
        if wanted != side.interest:
            side.interest = wanted
            self.epoll.modify(side.raw.fileno(), wanted)

    def run(self) -> None:
        """Forward until the driver has had enough."""
        self.epoll.register(0, select.EPOLLIN)
        news, pending = 0.0, b""
        while True:
            now = time.monotonic()
            if now > news:
                news = now + NEWS
                print(json.dumps({"counts": self.counts}), flush=True)
            limit = 0.1
            if self.timers:
                limit = min(limit, max(0.0, self.timers[0][0] - now))
            for fd, events in self.epoll.poll(limit):
                if fd == 0:
                    data = os.read(0, 65536)
                    *lines, pending = (pending + data).split(b"\n")
                    if not data or any(json.loads(line)["do"] == "end" for line in lines):
                        return
                    self.clean = True
                    for side in list(self.sides.values()):
                        self.end(side.pair, reset=True)
                elif fd in self.listeners:
                    self.accept(*self.listeners[fd])
                elif side := self.sides.get(fd):
                    if events & select.EPOLLOUT:
                        self.flush(side)
                    if side.pair.open and events & ~select.EPOLLOUT:
                        self.forward(side)
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                side = heapq.heappop(self.timers)[2]
                side.resting = False
                if side.pair.open:
                    self.flush(side)


def main() -> None:
    relay = Relay(json.loads(sys.stdin.buffer.raw.readline()))
    print(json.dumps({"ports": relay.ports}), flush=True)
    relay.run()
    print(json.dumps({"counts": relay.counts, "done": True}), flush=True)


if __name__ == "__main__":
    main()
