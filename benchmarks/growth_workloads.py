"""Workloads about numbers: what one costs when there are many of them."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import count as numbers
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any

from workloads import Answer, Cannot, Workload

TOPICS_SENT = {"single": 10, "spread": 1000}
"""Messages go round so many topics, spread over all that are subscribed.

Ten, so that what grows is the work of matching. A thousand also miss the processor's caches.
"""


class Poll(Workload):
    """Send to the last of many registered sockets, poll, receive: one cycle."""

    def setup(self, role: str) -> None:
        self.allow_sockets(self.number + 100)
        self.poller = self.zmq.Poller()
        self.sockets = [self.socket("PULL") for _ in range(self.number)]
        for index, socket in enumerate(self.sockets):
            socket.bind(f"inproc://poll-{index}")
            self.poller.register(socket, self.zmq.POLLIN)
        self.push = self.socket("PUSH")
        self.push.connect(f"inproc://poll-{self.number - 1}")

    def run(self, count: int) -> Answer:
        send, poll, recv = self.push.send, self.poller.poll, self.sockets[-1].recv
        begin = time.monotonic()
        for _ in repeat(None, count):
            send(b"x")
            poll(1000)
            recv()
        return {"begin": begin, "end": time.monotonic()}


class Create(Workload):
    """Open a socket, bind it, close it. Binding, because some libraries open at first use."""

    def setup(self, role: str) -> None:
        # closing goes on in the background: a name cannot be used again at once, and a library
        # that is quick to open has many sockets that are still being closed
        try:
            self.allow_sockets(50_000)
        except Cannot:
            self.allow_sockets(10_000)
        self.names = (f"inproc://create-{number}" for number in numbers(1))

    def run(self, count: int) -> Answer:
        begin = time.monotonic()
        for name in islice(self.names, count):
            socket = self.socket("PUSH")
            socket.bind(name)
            socket.close()
        return {"begin": begin, "end": time.monotonic()}


class Peers(Workload):
    """Many DEALERs ask one ROUTER, one after the other, one request at a time.

    One at a time, so that a message costs the same system calls however many peers there are;
    over inproc all of it happens in one thread.
    """

    def setup(self, role: str) -> None:
        if role != "connect":
            self.allow_sockets(self.number, 2)
            self.router = self.socket("ROUTER")
            with suppress(Exception):  # pyomq refuses the option, with an error of its own
                self.router.backlog = self.number + 100
            self.endpoint = self.bind(self.router)
        if role != "bind":
            self.allow_sockets(self.number, 3)
            self.peers = [self.socket("DEALER") for _ in range(self.number)]
            for peer in self.peers:
                peer.connect(*self.places())
        self.turn = cycle(self.peers) if role != "bind" else None
        self.met = False

    def run(self, count: int) -> Answer:
        # the first time round connects them all, and is not timed
        begin = time.monotonic()
        for length in (count,) if self.met else (self.number, count):
            begin = time.monotonic()
            {"both": self._alone, "bind": self._answer, "connect": self._ask}[self.role](length)
        self.met = True
        return {} if self.role == "bind" else {"begin": begin, "end": time.monotonic()}

    def _answer(self, count: int) -> None:
        recv, send = self.router.recv_multipart, self.router.send_multipart
        for _ in repeat(None, count):
            send(recv())

    def _ask(self, count: int) -> None:
        payload = self.payload
        for peer in islice(self.turn or (), count):
            peer.send(payload)
            peer.recv()

    def _alone(self, count: int) -> None:
        payload, recv, send = self.payload, self.router.recv_multipart, self.router.send_multipart
        for peer in islice(self.turn or (), count):
            peer.send(payload)
            send(recv())
            peer.recv()


class Subscriptions(Workload):
    """PUB to one SUB that has many subscriptions, each message matching one of them."""

    def setup(self, role: str) -> None:
        self.publisher, self.subscriber = self.socket("PUB"), self.socket("SUB")
        # nothing waits in a queue but the subscriptions themselves
        for socket in (self.publisher, self.subscriber):
            socket.sndhwm = socket.rcvhwm = 0
        self.endpoint = self.bind(self.publisher)
        self.subscriber.connect(self.endpoint)
        for number in range(self.number):
            self.subscriber.subscribe(b"%07d" % number)
            if number % 500 == 0:
                self.publisher.send(b"nobody has subscribed to this")
        step = max(1, self.number // TOPICS_SENT[self.spec["mode"]])
        filling = b" " * (self.spec["size"] - 7)
        self.messages = [b"%07d" % number + filling for number in range(0, self.number, step)]
        while not self.subscriber.poll(1):  # until the publisher has seen the last of them
            self.publisher.send(self.messages[-1])
        while self.subscriber.poll(0):
            self.subscriber.recv()

    def run(self, count: int) -> Answer:
        send, recv = self.publisher.send, self.subscriber.recv
        begin = time.monotonic()
        for message in islice(cycle(self.messages), count):
            send(message)
            recv()
        return {"begin": begin, "end": time.monotonic()}


def resident() -> int:
    """Return how many bytes of memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Messages(Workload):
    """Queue messages and see how much memory each takes."""

    def setup(self, role: str) -> None:
        self.pull, self.push = self.socket("PULL"), self.socket("PUSH")
        for socket in (self.pull, self.push):
            socket.sndhwm = socket.rcvhwm = 0
        self.endpoint = self.bind(self.pull)
        self.push.connect(self.endpoint)
        self.push.send(self.payload)  # what is made at the first message is not counted
        self.pull.recv()

    def run(self, count: int) -> Answer:
        send, size = self.push.send, self.spec["size"]
        before, begin = resident(), time.monotonic()
        for _ in repeat(None, count):
            send(bytes(size))
        end = time.monotonic()
        return {"begin": begin, "end": end, "more": {"memory": (resident() - before) / count}}


class Sockets(Workload):
    """Open many sockets, bind them, and see what each takes."""

    def setup(self, role: str) -> None:
        self.allow_sockets(self.number + 100)
        first = self.socket("PULL")
        first.bind("inproc://first")
        self.kept = [first]

    def run(self, count: int) -> Answer:
        memory, files, begin = resident(), descriptors(), time.monotonic()
        for number in range(count):
            socket = self.socket("PULL")
            socket.bind(f"inproc://sockets-{number}")
            self.kept.append(socket)
        end = time.monotonic()
        more = {
            "memory": (resident() - memory) / count,
            "descriptors": (descriptors() - files) / count,
        }
        return {"begin": begin, "end": end, "more": more}


class Connections(Workload):
    """Connect many sockets to one, and see what a connection takes, both its ends together."""

    def setup(self, role: str) -> None:
        self.allow_sockets(self.number, 3)
        self.pull = self.socket("PULL")
        self.pull.backlog = self.number + 100
        self.endpoint = self.bind(self.pull)
        self.kept = [self._connected()]  # what the first one takes is taken once

    def _connected(self) -> Any:
        push = self.socket("PUSH")
        push.connect(self.endpoint)
        push.send(self.payload)
        self.pull.recv()
        return push

    def run(self, count: int) -> Answer:
        memory, files, begin = resident(), descriptors(), time.monotonic()
        self.kept += [self._connected() for _ in range(count)]
        more = {
            "memory": (resident() - memory) / count,
            "descriptors": (descriptors() - files) / count,
        }
        return {"begin": begin, "end": time.monotonic(), "more": more}


GROWTH_WORKLOADS: dict[str, type[Workload]] = {
    "poll": Poll,
    "create": Create,
    "peers": Peers,
    "subscriptions": Subscriptions,
    "messages": Messages,
    "sockets": Sockets,
    "connections": Connections,
}
COUNTED_ONCE = ("messages", "sockets", "connections")
"""Works that are done once, as often as the cell says: a second time would find memory free."""
