"""Workloads of the patterns with more than two ends: fan-out to subscribers, a proxy."""

from __future__ import annotations

import time
from itertools import repeat
from typing import Any

from workloads import Answer, Workload, beside

WINDOW = 200
WINDOWS = 4
"""So many messages are on their way to a subscriber at most."""
OUTSTANDING = 100
HELLO, READY = b"hello", b"ready"


class Fanout(Workload):
    """PUB to some subscribers, who confirm every window of messages. Deliveries are counted.

    High water marks are off: windows bound the queues, and nothing is dropped.
    """

    def setup(self, role: str) -> None:
        if role != "connect":
            self.publisher, self.confirmed = self.socket("PUB"), self.socket("PULL")
            self.publisher.sndhwm = 0
            self.endpoint = f"{self.bind(self.publisher)} {self.bind(self.confirmed, '-confirm')}"
        if role != "bind":
            source, confirm = self.places()
            self.allow_sockets(self.number, 2)
            self.confirm = self.socket("PUSH")
            self.confirm.connect(confirm)
            self.subscribers = [self.socket("SUB") for _ in range(self.number)]
            for subscriber in self.subscribers:
                subscriber.rcvhwm = 0
                subscriber.subscribe(b"")
                subscriber.connect(source)
        self.met = False

    def run(self, count: int) -> Answer:
        """Publish `count` windows' worth of messages, or receive them, or both."""
        windows = max(1, count // WINDOW)
        subscribing = None
        if self.role == "connect":
            self._subscribe(windows)
            return {}
        if self.role == "both":
            subscribing = beside(self._subscribe, windows)
        begin = self._publish(windows)
        end = time.monotonic()
        if subscribing:
            subscribing.join()
        return {"begin": begin, "end": end, "count": windows * WINDOW * self.number}

    def _publish(self, windows: int) -> float:
        """Return when it began, after every subscriber was met."""
        send, payload, confirmed = self.publisher.send, self.payload, self.confirmed.recv
        if not self.met:
            while not self.confirmed.poll(5):
                send(HELLO)
            assert confirmed() == READY
            send(READY)
            self.met = True
        begin = time.monotonic()
        for window in range(windows + WINDOWS):
            if window >= WINDOWS:
                confirmed()
            if window < windows:
                for _ in repeat(None, WINDOW):
                    send(payload)
        return begin

    def _subscribe(self, windows: int) -> None:
        calls = [subscriber.recv for subscriber in self.subscribers]
        if not self.met:
            for recv in calls:
                recv()
            self.confirm.send(READY)
            for recv in calls:
                while recv() != READY:
                    pass
            self.met = True
        for _ in repeat(None, windows):
            for recv in calls:
                for _ in repeat(None, WINDOW):
                    recv()
            self.confirm.send(b"")


class Proxied(Workload):
    """DEALER to DEALER and back through a ROUTER-DEALER proxy, with many requests on their way.

    The proxy has a process or a thread of its own; client and worker are two threads.
    """

    def setup(self, role: str) -> None:
        if role != "connect":
            front, back = self.socket("ROUTER"), self.socket("DEALER")
            self.endpoint = f"{self.bind(front)} {self.bind(back, '-back')}"
            beside(self.zmq.proxy, front, back)
        if role != "bind":
            front, back = self.places()
            self.client, self.worker = self.socket("DEALER"), self.socket("DEALER")
            self.client.connect(front)
            self.worker.connect(back)
            beside(self._work)

    def _work(self) -> None:
        recv, send = self.worker.recv_multipart, self.worker.send_multipart
        while True:
            send(recv())

    def run(self, count: int) -> Answer:
        """Make `count` round trips; the proxy needs no orders."""
        if self.role == "bind":
            return {}
        send, recv, payload = self.client.send, self.client.recv, self.payload
        begin = time.monotonic()
        first = min(OUTSTANDING, count)
        for _ in repeat(None, first):
            send(payload)
        for _ in repeat(None, count - first):
            recv()
            send(payload)
        for _ in repeat(None, first):
            last: Any = recv()
        end = time.monotonic()
        if last != payload:
            raise AssertionError("what came back is not what was sent")
        return {"begin": begin, "end": end}


PATTERN_WORKLOADS: dict[str, type[Workload]] = {"pubsub": Fanout, "proxy": Proxied}
