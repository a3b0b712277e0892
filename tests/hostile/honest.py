"""The well-behaved peers: real sockets (zmqlite's or pyzmq's) that must get on all the time.

`honest.py MODULE`: orders come as lines of JSON on stdin, first {"targets", "keys", "seed"}; the
next one ends. Twice a second a line says how often each has heard the victim. What the victim has
heard from them it says itself: each message begins with the name of its sender.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import socket as system
import sys
import time
from typing import Any

import fleet

zmq: Any = None
TICK = 0.02
NEWS = 0.5
RENEWED = 0.25
"""So often one of them is replaced: newcomers must be served too."""
SELDOM = 20
CONSTANT = ("PAIR", "CHANNEL")
"""What leaves these may not come in again."""


def quiet(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call it; there may be nothing to receive, or no room to send."""
    try:
        return call(*args, **kwargs)
    except zmq.ZMQError:
        return None


class Link:
    """One peer, and what it has heard."""

    def __init__(self, context: Any, target: dict[str, Any], keys: dict[str, str], mark: str):
        self.context = context
        self.target = target
        self.keys = keys
        self.kind = target["kind"]
        self.mark = f"{mark}-{target['way']}"
        self.name = f"{self.mark} < {target['post']}"
        self.sent = 0
        self.got = 0
        self.idle = True
        self.id: Any = None
        self.socket: Any = None
        self.act = getattr(self, f"_with_{self.kind.lower()}")
        self.open()

    def word(self) -> bytes:
        self.sent += 1
        return fleet.TOKEN + b"%s/%d" % (self.mark.encode(), self.sent)

    def open(self) -> None:
        """Connect, as every program would."""
        kind = getattr(zmq, fleet.PARTNERS[self.kind][0])
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.sndhwm = socket.rcvhwm = 100
        if self.target["mechanism"] == "PLAIN":
            socket.plain_username = b"user"
            socket.plain_password = fleet.PASSWORDS["user"].encode()
        elif self.target["mechanism"] == "CURVE":
            socket.curve_serverkey = self.keys["server"].encode()
            socket.curve_publickey = self.keys["public"].encode()
            socket.curve_secretkey = self.keys["secret"].encode()
        if self.kind in ("PUB", "XPUB"):
            socket.setsockopt(zmq.SUBSCRIBE, fleet.TOPIC)
        elif self.kind == "RADIO":
            for group in fleet.GROUPS:
                socket.join(group)
        endpoint = self.target["endpoint"] + "/" * (self.target["way"] == "ws")
        if self.kind == "PEER":
            self.id = socket.connect_peer(endpoint)
        else:
            socket.connect(endpoint)
        self.socket, self.idle = socket, True

    def close(self) -> None:
        self.socket.close()

    def _drain(self) -> list[Any]:
        taken = []
        while len(taken) < 200:
            parts = quiet(self.socket.recv_multipart, zmq.DONTWAIT)
            if parts is None:
                break
            taken.append(parts)
        self.got += len(taken)
        return taken

    def _drain_frames(self) -> list[Any]:
        taken = []
        while (frame := quiet(self.socket.recv, zmq.DONTWAIT, copy=False)) is not None:
            taken.append(frame)
        self.got += len(taken)
        return taken

    # one for each type of the victim -------------------------------------------------------------

    def _with_pull(self) -> None:
        quiet(self.socket.send, self.word(), zmq.DONTWAIT)

    _with_gather = _with_sub = _with_xsub = _with_pull

    def _with_dish(self) -> None:
        group = fleet.GROUPS[self.sent % len(fleet.GROUPS)]
        quiet(self.socket.send, self.word(), zmq.DONTWAIT, group=group)

    def _with_push(self) -> None:
        self._drain()

    _with_scatter = _with_pub = _with_xpub = _with_radio = _with_push

    def _with_rep(self) -> None:
        if self._drain():
            self.idle = True
        if self.idle:
            try:
                self.socket.send(self.word(), zmq.DONTWAIT)
                self.idle = False
            except zmq.ZMQError:  # not connected yet
                pass

    def _with_router(self) -> None:
        quiet(self.socket.send, self.word(), zmq.DONTWAIT)
        self._drain()

    _with_pair = _with_channel = _with_server = _with_router

    def _with_dealer(self) -> None:
        for parts in self._drain():
            quiet(self.socket.send_multipart, [parts[0], self.word()], zmq.DONTWAIT)

    def _with_req(self) -> None:
        parts = quiet(self.socket.recv_multipart, zmq.DONTWAIT)
        if parts is not None:
            self.got += 1
            quiet(self.socket.send, self.word(), zmq.DONTWAIT)

    def _with_client(self) -> None:
        for frame in self._drain_frames():
            quiet(self.socket.send, self.word(), zmq.DONTWAIT, routing_id=frame.routing_id)

    def _with_peer(self) -> None:
        quiet(self.socket.send, self.word(), zmq.DONTWAIT, routing_id=self.id)
        self._drain_frames()


class RawLink(Link):
    """A peer of a STREAM or a DGRAM: a socket of the system."""

    turn = 0

    def open(self) -> None:
        host, port = self.target["endpoint"].rpartition("/")[2].split(":")
        if self.target["way"] == "udp":
            self.socket = system.socket(system.AF_INET, system.SOCK_DGRAM)
            self.socket.connect((host, int(port)))
        else:
            self.socket = system.create_connection((host, int(port)), timeout=30)
        self.socket.setblocking(False)

    def _with_stream(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(self.word())
        with contextlib.suppress(OSError):
            if self.socket.recv(65536):
                self.got += 1

    def _with_dgram(self) -> None:
        # seldom: what waits over udp comes too late for a peer that is soon replaced
        self.turn += 1
        if self.turn % SELDOM == 0:
            self._with_stream()


def wanted(target: dict[str, Any]) -> bool:
    """Return whether this module can talk to it."""
    if not target["honest"]:
        return False
    if zmq.__name__ == "zmqlite":
        return True
    if target["kind"] in fleet.DRAFTS | set(CONSTANT) | {"STREAM"} or target["way"] == "ws":
        return False
    if target["pings"]:  # pyzmq's libzmq aborts if it is pinged while it is full
        return False
    return bool(target["mechanism"] != "CURVE" or zmq.has("curve"))


def choose(targets: list[dict[str, Any]], turn: int) -> list[dict[str, Any]]:
    """Return one way for each post, so that all ways are used."""
    posts: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        if wanted(target):
            posts.setdefault(target["post"], []).append(target)
    return [ways[(turn + n) % len(ways)] for n, ways in enumerate(posts.values())]


def announced(links: list[Link]) -> dict[str, Any]:
    """Return whose counters have to grow: of those here, and of what the victim hears."""
    inward = ("PULL", "GATHER", "SUB", "XSUB", "DISH")
    # (a REQ that has many peers does not wait long for the reply of one)
    outward = ("PUSH", "SCATTER", "PUB", "XPUB", "RADIO", "REQ")
    return {
        "ready": len(links),
        "heard": [link.name for link in links if link.kind not in inward],
        "told": [f"{n.target['post']} < {n.mark}" for n in links if n.kind not in outward],
    }


def serve(links: list[Link]) -> None:
    """Let each act, and replace one now and then, until a line comes or the driver dies."""
    renewable = [link for link in links if link.kind not in CONSTANT]
    news = renewed = 0.0
    turn = 0
    while not select.select([0], [], [], TICK)[0]:
        now = time.monotonic()
        for link in links:
            link.act()
        if now > renewed and renewable:
            renewed, turn = now + RENEWED, turn + 1
            link = renewable[turn % len(renewable)]
            link.close()
            link.open()
        if now > news:
            news = now + NEWS
            print(json.dumps({"heard": {link.name: link.got for link in links}}), flush=True)


def main() -> None:
    global zmq
    zmq = importlib.import_module(sys.argv[1])
    order = json.loads(sys.stdin.buffer.raw.readline())
    mark = f"{sys.argv[1]}{os.getpid()}"
    context = zmq.Context()
    links = [
        (RawLink if target["kind"] in ("STREAM", "DGRAM") else Link)(
            context, target, order["keys"], mark
        )
        for target in choose(order["targets"], order["seed"])
    ]
    print(json.dumps(announced(links)), flush=True)
    serve(links)
    for link in links:
        link.close()
    context.term()


if __name__ == "__main__":
    main()
