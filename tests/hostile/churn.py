"""Contexts that come and go under attack: bound to the same ports again and again.

Sockets close with their connections at every stage, some with messages that linger, and each
context must end in time.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import fleet
from stations import Worker, prepared, quiet

import zmqlite as zmq

PLACES = 6
"""How many sockets one context has."""


class Churn(threading.Thread):
    """The thread that opens and ends them."""

    def __init__(self, posts: list[fleet.Post], seed: int, limit: float) -> None:
        super().__init__(name="churn", daemon=True)
        self.posts = [post for post in posts if "tcp" in post.ways and post.mechanism == "NULL"]
        self.rng = random.Random(f"{seed}churn")
        self.limit = limit
        self.rounds = 0
        self.failure = ""
        self.over = threading.Event()
        self.targets: list[dict[str, Any]] = []
        self._places = [self._place(number) for number in range(PLACES if self.posts else 0)]

    def _place(self, number: int) -> str:
        """Find a free port, once and for all rounds, and tell the attackers of it."""
        with zmq.Context() as context, context.socket(zmq.STREAM, linger=0) as probe:
            endpoint = str(probe.bind("tcp://127.0.0.1:*"))
        # who is bound there changes: the attackers take any type they like
        target = {"post": f"churn-{number}", "kind": "ROUTER", "way": "tcp", "reads": "moody"}
        target |= {"endpoint": endpoint, "mechanism": "NULL", "hwm": fleet.HWM, "raw": False}
        self.targets.append({**target, "pings": False, "honest": False})
        return endpoint

    def run(self) -> None:
        try:
            while not self.over.is_set():
                self._round()
                self.rounds += 1
        except Exception as error:
            self.failure = f"churn, round {self.rounds}: {error!r}"

    def _round(self) -> None:
        context = zmq.Context()
        workers = [self._open(context, endpoint) for endpoint in self._places]
        until = time.monotonic() + self.rng.choice((0.03, 0.1, 0.3, 0.6))
        while time.monotonic() < until:
            now = time.monotonic()
            for worker in workers:
                worker.serve(now)
            time.sleep(0.005)
        self.rng.shuffle(workers)
        for worker in workers:
            if self.rng.random() < 0.3:
                quiet(worker.socket.unbind, worker.socket.last_endpoint.decode())
            worker.socket.close()
        began = time.monotonic()
        context.term(timeout=self.limit)
        if time.monotonic() - began > self.limit:
            raise TimeoutError("a context was slow to end")

    def _open(self, context: Any, endpoint: str) -> Worker:
        post = self.rng.choice(self.posts)
        options: dict[str, Any] = {"sndhwm": fleet.HWM, "rcvhwm": fleet.HWM, **post.options}
        options |= {"backlog": 1000, "linger": self.rng.choice((0, 0, 30, 300))}
        if self.rng.random() < 0.3:
            options["sndbuf"] = 4096
        socket = context.socket(getattr(zmq, post.kind), **options)
        deadline = time.monotonic() + self.limit
        while True:  # the port is ours, but its last socket may be on its way out
            try:
                socket.bind(endpoint)
                break
            except zmq.AddressInUse:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
        prepared(socket, post.kind)
        return Worker(post.kind, socket, post.reads, self.rng)
