"""The two honest ends of the mutating relay: `ends.py server` binds, `ends.py client` connects.

Every message carries a digest, so that its receiver knows whether it is what was sent.
Orders are lines of JSON on stdin. The server answers the first one, {"seed"}, with the ports of
its links and its key; the client gets those of the relay. {"do": "steady"} ends the coming and
going of the client's sockets, {"do": "again"} replaces each once more, {"do": "end"} closes. Twice
a second both say what they have received: whole, changed, and twice.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import random
import select
import struct
import sys
import threading
import time
from collections import deque
from typing import Any

import zmqlite as zmq
from zmqlite.auth import ZAP_ENDPOINT, Gate

MECHANISMS = ("NULL", "PLAIN", "CURVE")
PAIRS = (("PULL", "PUSH"), ("ROUTER", "DEALER"), ("REP", "REQ"), ("PUB", "SUB"))
PAIRS += (("SUB", "PUB"), ("SERVER", "CLIENT"), ("RADIO", "DISH"))
SIZES = (0, 1, 10, 33, 34, 100, 255, 256, 1000, 4096, 20_000, 100_000)
WEIGHTS = (1, 5, 5, 3, 3, 5, 2, 2, 5, 2, 1, 1)
NOISE = random.Random(1).randbytes(1 << 18)
TURN = 0.003
NEWS = 0.5
HWM = 50
TORN = -1


def names() -> list[str]:
    """Return all links that this build can have: transport, mechanism, bound, connected."""
    found = []
    for way in ("tcp", "ws"):
        for mechanism in MECHANISMS:
            for bound, connected in PAIRS:
                drafts = bound in ("SERVER", "RADIO") and not zmq.DRAFT_API
                lacking = (way == "ws" and not zmq.has("ws")) or (
                    mechanism == "CURVE" and not zmq.has("curve")
                )
                if not drafts and not lacking:
                    found.append(f"{way}-{mechanism}-{bound}-{connected}")
    return found


def sealed(number: int, size: int, place: int) -> bytes:
    """Return a body that says whether it was changed."""
    body = struct.pack(">Q", number) + NOISE[place : place + size]
    return hashlib.blake2b(body, digest_size=16).digest() + body


def opened(parts: list[bytes]) -> int | None:
    """Return the number of a whole message, TORN if parts are missing, None if it was changed."""
    numbers = set()
    for part in parts:
        body = part[16:]
        if len(body) < 8 or hashlib.blake2b(body, digest_size=16).digest() != part[:16]:
            return None
        numbers.add(body[:8])
    if not numbers:
        return None
    return int.from_bytes(numbers.pop(), "big") if len(numbers) == 1 else TORN


class End:
    """One side of a link."""

    def __init__(self, context: Any, name: str, keys: dict[str, Any], rng: random.Random) -> None:
        self.context = context
        self.name = name
        self.keys = keys
        self.rng = rng
        self.way, self.mechanism, *self.kinds = name.split("-")
        self.whole = self.changed = self.twice = 0
        self.number = rng.randrange(1 << 32) << 24
        self.seen: set[int] = set()
        self.order: deque[int] = deque()
        self.asked = 0.0
        self.until = 0.0
        self.socket: Any = None

    def make(self, kind: str, **options: Any) -> Any:
        """Return a socket of this link."""
        self.kind = kind
        if kind == "REQ":
            options |= {"req_relaxed": 1, "req_correlate": 1}
        socket = self.context.socket(
            getattr(zmq, kind),
            linger=0,
            sndhwm=HWM,
            rcvhwm=HWM,
            maxmsgsize=1 << 20,
            handshake_ivl=1000,
            **options,
        )
        if kind == "SUB":
            socket.subscribe = b""
        elif kind == "DISH":
            socket.join("a group of some length")
        return socket

    def serve(self, now: float) -> None:
        """Take what is there, answer, and send on one's own."""
        for _ in range(50):
            frames = self._try(self.socket.recv_multipart_nonblock, copy=False)
            if frames is None:
                break
            self._take(frames)
        if self.kind in ("PUSH", "PUB", "DEALER", "CLIENT", "RADIO"):
            self._send(self._message())
        elif self.kind == "REQ" and now > self.asked + 0.1:
            self.asked = now
            self._send(self._message())

    def _take(self, frames: list[Any]) -> None:
        parts = [frame.bytes for frame in frames]
        if self.kind in ("ROUTER",):
            envelope, parts = parts[:1], parts[1:]
        number = opened(parts)
        if number is None and self.kind == "REP" and b"" in parts:
            # the last part of one was lost, and the next followed with its envelope (a number of 4
            # bytes, and the empty part)
            inner = [part for part in parts if len(part) not in (0, 4)]
            number = None if opened(inner) is None else TORN
        if number is None:
            self.changed += 1
        elif number == TORN:
            pass  # a part that is lost as a whole is not missed, by CURVE neither
        elif number in self.seen:
            self.twice += 1
        else:
            self.whole += 1
            self.seen.add(number)
            self.order.append(number)
            if len(self.order) > 20_000:
                self.seen.discard(self.order.popleft())
        if self.kind == "ROUTER":
            self._send([*envelope, *self._message()])
        elif self.kind == "REP":
            self._send(self._message())
        elif self.kind == "SERVER":
            answer = self._message()[0]
            self._try(self.socket.send, answer, zmq.DONTWAIT, routing_id=frames[0].routing_id)
        elif self.kind == "REQ":
            self.asked = 0.0

    def _message(self) -> list[bytes]:
        self.number += 1
        single = self.kind in ("CLIENT", "SERVER", "RADIO")
        count = 1 if single or self.rng.random() < 0.7 else 3
        sizes = self.rng.choices(SIZES, WEIGHTS, k=count)
        return [sealed(self.number, size, self.rng.randrange(1000)) for size in sizes]

    def _send(self, parts: list[bytes]) -> None:
        if self.kind == "RADIO":
            group = "a group of some length"
            self._try(self.socket.send, parts[0], zmq.DONTWAIT, group=group)
        else:
            self._try(self.socket.send_multipart, parts, zmq.DONTWAIT)

    @staticmethod
    def _try(call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except zmq.ZMQError:
            return None


class Bound(End):
    """The server's side: it stays."""

    def open(self) -> int:
        """Bind, and return the port."""
        options: dict[str, Any] = {}
        if self.mechanism == "PLAIN":
            options = {"plain_server": 1}
        elif self.mechanism == "CURVE":
            options = {"curve_server": 1, "curve_secretkey": self.keys["secret"]}
        self.socket = self.make(self.kinds[0], **options)
        endpoint = str(self.socket.bind(f"{self.way}://127.0.0.1:*"))
        return int(endpoint.rstrip("/").rpartition(":")[2])


class Connected(End):
    """The client's side: it comes and goes, unless it has to be steady."""

    steady = False

    def open(self) -> None:
        """Connect to the relay."""
        if self.socket is not None:
            self.socket.close()
        options: dict[str, Any] = {"reconnect_ivl": 5}
        if self.mechanism == "PLAIN":
            options |= {"plain_username": "name", "plain_password": "word"}
        elif self.mechanism == "CURVE":
            options |= {"curve_serverkey": self.keys["public"]}
            options |= {"curve_publickey": self.keys["own"], "curve_secretkey": self.keys["key"]}
        self.socket = self.make(self.kinds[1], **options)
        slash = "/" * (self.way == "ws")
        self.socket.connect(f"{self.way}://127.0.0.1:{self.keys['ports'][self.name]}{slash}")

    def serve(self, now: float) -> None:
        """The same, and now and then with a new socket."""
        if now > self.until and not self.steady:
            self.until = now + self.rng.uniform(0.05, 0.5)
            self.open()
        super().serve(now)


def keep(door: Any) -> None:
    """Let in all that have the name, or a key."""
    gate = Gate()
    gate.plain({"name": "word"})
    gate.curve(None)
    try:
        while True:
            door.send_multipart(gate.answer(door.recv_multipart()))
    except zmq.ContextTerminated:
        door.close()


def say(**what: Any) -> None:
    """Tell the driver."""
    print(json.dumps(what), flush=True)


def main() -> None:
    faulthandler.enable()
    server = sys.argv[1] == "server"
    order = json.loads(sys.stdin.buffer.raw.readline())
    context = zmq.Context(2)
    rng = random.Random(f"{order['seed']}{sys.argv[1]}")
    ends: list[Any] = []
    keeper = None
    if server:
        door = context.socket(zmq.REP, bind=ZAP_ENDPOINT, linger=0)
        keeper = threading.Thread(target=keep, args=(door,), daemon=True)
        keeper.start()
        public, secret = zmq.curve_keypair() if zmq.has("curve") else (b"", b"")
        ends = [Bound(context, name, {"secret": secret}, rng) for name in names()]
        say(ports={end.name: end.open() for end in ends}, public=public.decode())
    else:
        own, key = zmq.curve_keypair() if zmq.has("curve") else (b"", b"")
        keys = {**order, "own": own, "key": key}
        ends = [Connected(context, name, keys, rng) for name in order["ports"]]
        for end in ends:
            end.open()
    serve(ends)
    began = time.monotonic()
    for end in ends:
        end.socket.close()
    if keeper is not None:
        context.shutdown()
        keeper.join(20)
    context.term(timeout=20)
    say(ended=round(time.monotonic() - began, 3))


def serve(ends: list[Any]) -> None:
    """Serve all links until the order to end comes."""
    news = 0.0
    pending = b""
    while True:
        now = time.monotonic()
        for end in ends:
            end.serve(now)
        if now > news:
            news = now + NEWS
            say(received={end.name: (end.whole, end.changed, end.twice) for end in ends})
        if not select.select([0], [], [], TURN)[0]:
            continue
        data = os.read(0, 65536)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            what = json.loads(line)["do"]
            Connected.steady |= what in ("steady", "again")
            for end in ends if what == "again" else ():
                end.open()
        if not data or any(json.loads(line)["do"] == "end" for line in lines):
            return


if __name__ == "__main__":
    main()
