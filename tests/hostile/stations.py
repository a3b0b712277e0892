"""The victim's bound sockets at work: each reads in its rhythm, answers, and sends on its own."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path
from typing import Any

import fleet

import zmqlite as zmq

LATE = 5.0
ONE_TURN = 500
"""How many messages a socket takes before the next one has its turn."""


class Keys:
    """Two pairs of keys: the server's, and the one that its clients may have."""

    def __init__(self) -> None:
        if zmq.has("curve"):
            self.server = zmq.curve_keypair()
            self.client = zmq.curve_keypair()
        else:
            self.server = self.client = (b"", b"")

    def told(self) -> dict[str, str]:
        """Return them all: the attackers are as well equipped as they can be."""
        return {
            "server": self.server[0].decode(),
            "server-secret": self.server[1].decode(),
            "public": self.client[0].decode(),
            "secret": self.client[1].decode(),
        }


def server_side(mechanism: str, keys: Keys) -> dict[str, Any]:
    """Return the options that make a socket the server of a mechanism."""
    if mechanism == "PLAIN":
        return {"plain_server": 1, "zap_domain": b"names"}
    if mechanism == "CURVE":
        return {"curve_server": 1, "curve_secretkey": keys.server[1], "zap_domain": b"keys"}
    return {}


def client_side(mechanism: str, keys: Keys) -> dict[str, Any]:
    """Return the options of its client."""
    if mechanism == "PLAIN":
        return {"plain_username": "user", "plain_password": fleet.PASSWORDS["user"]}
    if mechanism == "CURVE":
        public, secret = keys.client
        serverkey = keys.server[0]
        return {
            "curve_serverkey": serverkey,
            "curve_publickey": public,
            "curve_secretkey": secret,
        }
    return {}


def quiet(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call it; what it refuses is part of the day's work."""
    try:
        return call(*args, **kwargs)
    except zmq.ContextTerminated:
        raise
    except zmq.ZMQError:
        return None


class Worker:
    """A socket that does what its type does: reads, answers, and sends on its own."""

    def __init__(self, kind: str, socket: Any, reads: str, rng: random.Random) -> None:
        self.kind = kind
        self.socket = socket
        self.reads = reads
        self.rng = rng
        self.wake = 0.0
        self.asked = 0.0
        self.sent = 0
        self.taken = 0
        self.heard: dict[bytes, int] = {}
        self.unconfirmed: deque[tuple[float, bytes]] = deque()
        self.manual = False
        self.read = getattr(self, f"_read_{kind.lower()}", self._read_only)
        self.send = getattr(self, f"_send_{kind.lower()}", None)

    def serve(self, now: float) -> None:
        """Have one turn, if it is time."""
        if now < self.wake:
            return
        if self.reads == "moody":
            self.wake = now + self.rng.choice((0.0, 0.01, 0.02, 0.08, 0.15))
        elif self.reads == "late":
            self.wake = now + LATE
        if self.reads != "never":
            for _ in range(ONE_TURN * (100 if self.reads == "late" else 1)):
                if not self.read(now):
                    break
        if self.send is not None:
            self.send(now)

    def note(self, body: bytes) -> None:
        """Count what a well-behaved peer has said."""
        self.taken += 1
        if body.startswith(fleet.TOKEN):
            name = body.split(b"/", 2)[1]
            self.heard[name] = self.heard.get(name, 0) + 1

    def word(self) -> bytes:
        """Return something new to say."""
        self.sent += 1
        return fleet.TOPIC + b"%d" % self.sent

    def _take(self, copy: bool = True) -> list[Any] | None:
        return quiet(self.socket.recv_multipart_nonblock, copy=copy)

    # receivers -----------------------------------------------------------------------------------

    def _read_only(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        return True

    _read_push = _read_pub = _read_radio = _read_scatter = lambda self, now: False

    def _read_xpub(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        if self.manual:
            if parts[0][1:] == fleet.TOPIC:  # it is the last speaker whom a confirmation is for
                self._confirm(parts[0])
            else:
                self.unconfirmed.append((now + self.rng.choice((0.0, 0.01, 0.1)), parts[0]))
        return True

    def _confirm(self, said: bytes) -> None:
        if said[:1] in (b"\0", b"\1"):
            option = zmq.SUBSCRIBE if said[0] else zmq.UNSUBSCRIBE
            quiet(self.socket.setsockopt, option, said[1:])

    # those that answer ---------------------------------------------------------------------------

    def _read_rep(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        quiet(self.socket.send_multipart, [*parts[:3], self.word()], zmq.DONTWAIT)
        return True

    def _read_router(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        envelope = parts[:1] if len(parts) < 2 or parts[1] else parts[:2]
        quiet(self.socket.send_multipart, [*envelope, self.word()], zmq.DONTWAIT)
        return True

    def _read_stream(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        if parts[-1]:  # an empty part says that a peer came or went, or closes a connection
            quiet(self.socket.send_multipart, [parts[0], self.word()], zmq.DONTWAIT)
        return True

    _read_dgram = _read_stream

    def _read_pair(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        quiet(self.socket.send, self.word(), zmq.DONTWAIT)
        return True

    _read_channel = _read_pair

    def _read_server(self, now: float) -> bool:
        frames = self._take(copy=False)
        if frames is None:
            return False
        self.note(frames[-1].bytes)
        answer = self.word()
        quiet(self.socket.send, answer, zmq.DONTWAIT, routing_id=frames[-1].routing_id)
        return True

    _read_peer = _read_server

    def _read_req(self, now: float) -> bool:
        parts = self._take()
        if parts is None:
            return False
        self.note(parts[-1])
        self.asked = 0.0
        return True

    # those that speak first ----------------------------------------------------------------------

    def _send_push(self, now: float) -> None:
        for _ in range(10):
            if quiet(self.socket.send_nonblock, self.word()) is not True:
                return

    _send_dealer = _send_client = _send_scatter = _send_push

    def _send_pub(self, now: float) -> None:
        quiet(self.socket.send_multipart, [self.word(), b"x" * 300], zmq.DONTWAIT)

    def _send_xpub(self, now: float) -> None:
        while self.unconfirmed and self.unconfirmed[0][0] <= now:
            self._confirm(self.unconfirmed.popleft()[1])
        if self.manual:  # the next message may be for the last speaker alone
            self._send_pub(now)
        self._send_pub(now)

    def _send_xsub(self, now: float) -> None:
        said = self.rng.choice((b"\1", b"\1topic", b"\0topic"))
        quiet(self.socket.send, said, zmq.DONTWAIT)

    def _send_radio(self, now: float) -> None:
        for group in fleet.GROUPS:
            quiet(self.socket.send, self.word(), zmq.DONTWAIT, group=group)

    def _send_req(self, now: float) -> None:
        if now > self.asked + 0.04:  # it is relaxed: a peer that never answers is left behind
            self.asked = now
            quiet(self.socket.send, self.word(), zmq.DONTWAIT)


def prepared(socket: Any, kind: str) -> Any:
    """Return the socket, with what a receiver needs."""
    if kind == "SUB":
        socket.subscribe = b""
    elif kind == "XSUB":
        quiet(socket.send, b"\1", zmq.DONTWAIT)
    elif kind == "DISH":
        for group in fleet.GROUPS:
            socket.join(group)
    return socket


class Station(Worker):
    """A post at work."""

    def __init__(self, context: Any, post: fleet.Post, keys: Keys, seed: int) -> None:
        self.post = post
        options = {"linger": 0, "sndhwm": fleet.HWM, "rcvhwm": fleet.HWM, "backlog": 1000}
        options |= {"handshake_ivl": 2000, **post.options, **server_side(post.mechanism, keys)}
        socket = context.socket(getattr(zmq, post.kind), **options)
        super().__init__(post.kind, socket, post.reads, random.Random(f"{seed}{post.name}"))
        self.manual = any(name.startswith("xpub_manual") for name in post.options)
        self.targets = [target for way in post.ways if (target := self._bind(way, options))]
        prepared(socket, post.kind)

    def _bind(self, way: str, options: dict[str, Any]) -> dict[str, Any] | None:
        if way in ("ipc", "ws") and not zmq.has(way):
            return None
        endpoint = f"{way}://127.0.0.1:*"
        if way == "ipc":
            endpoint = f"ipc://{Path.cwd()}/{self.post.name}"
        elif way == "udp":
            endpoint = free_udp()
        endpoint = str(self.socket.bind(endpoint)).rstrip("/")
        return {
            "post": self.post.name,
            "kind": self.kind,
            "way": way,
            "endpoint": endpoint,
            "mechanism": self.post.mechanism,
            "hwm": options["rcvhwm"],
            "reads": self.reads,
            "raw": bool(self.post.options.get("router_raw")) or self.kind == "STREAM",
            "pings": "heartbeat_ivl" in self.post.options,
            "honest": self.post.honest,
        }


def free_udp() -> str:
    """Return an endpoint that is free just now: udp has no wildcard."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"udp://127.0.0.1:{probe.getsockname()[1]}"
