"""The work itself, written once for every library: sockets, loops, clocks.

Runs inside the fresh processes that peers.py starts. Libraries are told apart by the module they
are imported from, nothing else: the calls are those that all of them share.
"""

from __future__ import annotations

import importlib
import os
import resource
import time
from collections.abc import Callable
from itertools import count as numbers
from itertools import islice, pairwise, repeat
from threading import Thread
from typing import Any

MODULES = {"zmqlite": "zmqlite", "pyzmq": "zmq", "pyomq": "pyomq"}
BATCH = 1000
QUEUED_BYTES = 64 * 1024 * 1024
"""Above 64 KiB the high water mark is lowered, so that queues hold this many bytes at most."""

Answer = dict[str, Any]


class Usage:
    """What the whole process, its library's threads included, has used since the mark."""

    def __init__(self) -> None:
        self.mark()

    def mark(self) -> None:
        self._cpu, self._switches = time.process_time(), _switches()

    def since(self) -> Answer:
        return {"cpu": time.process_time() - self._cpu, "switches": _switches() - self._switches}


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


class Workload:
    """One end of a cell, or both ends when the cell lives in one process.

    `role` is "bind", "connect" or "both". `run` does the work `count` times and returns when it
    began and ended on the system's monotonic clock, which processes share.
    """

    def __init__(self, spec: Answer) -> None:
        self.spec = spec
        self.zmq: Any = importlib.import_module(MODULES[spec["library"]])
        self.context: Any = self.zmq.Context()
        self.payload: bytes | list[bytes] = bytes(spec["size"])
        self.setup(spec["role"])

    def setup(self, role: str) -> None:
        raise NotImplementedError

    def run(self, count: int) -> Answer:
        raise NotImplementedError

    def socket(self, kind: str) -> Any:
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger = 0
        if self.spec["size"] > 64 * 1024:
            socket.sndhwm = socket.rcvhwm = QUEUED_BYTES // self.spec["size"]
        return socket

    def allow_sockets(self, number: int) -> None:
        """Raise the limits for this many sockets, as far as the system lets us."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        if hasattr(self.zmq, "MAX_SOCKETS"):
            self.context.set(self.zmq.MAX_SOCKETS, number)

    def bind(self, socket: Any) -> str:
        socket.bind(self.spec["bind"])
        place = socket.last_endpoint
        return place.decode().rstrip("\0") if isinstance(place, bytes) else str(place)

    def close(self) -> None:
        """Leave without waiting: the runner ends a run only when nothing is on its way."""
        os._exit(0)


class Throughput(Workload):
    """PUSH to PULL in one direction; both ends count."""

    endpoint = ""

    def setup(self, role: str) -> None:
        if role != "connect":
            self.pull = self.socket("PULL")
            self.endpoint = self.bind(self.pull)
        if role != "bind":
            self.push = self.socket("PUSH")
            self.push.connect(self.spec["connect"] or self.endpoint)
        self.send, self.receive = PASSING[self.spec["mode"]]
        if self.spec["work"] == "multipart":
            self.payload = [bytes(self.spec["size"])] * self.spec["parts"]
            self.send, self.receive = send_multipart, recv_multipart

    def run(self, count: int) -> Answer:
        role = self.spec["role"]
        begin = time.monotonic()
        if role == "connect":
            self.send(self.push, self.payload, count)
            return {"begin": begin, "end": time.monotonic()}
        sender = None
        if role == "both":
            sender = Thread(target=self.send, args=(self.push, self.payload, count))
            sender.start()
        last = self.receive(self.pull, count)
        end = time.monotonic()
        if sender:
            sender.join()
        if (last if isinstance(last, list) else bytes(last)) != self.payload:
            raise AssertionError("the last message is not the one that was sent")
        return {"begin": begin, "end": end}


def send_single(socket: Any, payload: Any, count: int) -> None:
    send = socket.send
    for _ in repeat(None, count):
        send(payload)


def recv_single(socket: Any, count: int) -> Any:
    recv = socket.recv
    for _ in repeat(None, count - 1):
        recv()
    return recv()


def send_nocopy(socket: Any, payload: Any, count: int) -> None:
    send = socket.send
    for _ in repeat(None, count):
        send(payload, copy=False)


def recv_nocopy(socket: Any, count: int) -> Any:
    recv = socket.recv
    for _ in repeat(None, count - 1):
        recv(copy=False)
    return recv(copy=False)


def send_many(socket: Any, payload: Any, count: int) -> None:
    for begin in range(0, count, BATCH):
        socket.send_many([payload] * min(BATCH, count - begin))


def recv_many(socket: Any, count: int) -> Any:
    messages: list[Any] = []
    while count:
        messages = socket.recv_many(min(BATCH, count))
        count -= len(messages)
    return messages[-1]


def recv_iterating(socket: Any, count: int) -> Any:
    message = b""
    for message in islice(socket, count):  # noqa: B007 - the last one is wanted
        pass
    return message


def send_multipart(socket: Any, payload: Any, count: int) -> None:
    send = socket.send_multipart
    for _ in repeat(None, count):
        send(payload)


def recv_multipart(socket: Any, count: int) -> Any:
    recv = socket.recv_multipart
    for _ in repeat(None, count - 1):
        recv()
    return recv()


PASSING: dict[str, tuple[Callable[[Any, Any, int], None], Callable[[Any, int], Any]]] = {
    "single": (send_single, recv_single),
    "many": (send_many, recv_many),
    "iterate": (send_single, recv_iterating),
    "nocopy": (send_nocopy, recv_nocopy),
}


class Latency(Workload):
    """REQ to REP and back, one request at a time, each trip timed."""

    endpoint = ""

    def setup(self, role: str) -> None:
        if role != "connect":
            self.rep = self.socket("REP")
            self.endpoint = self.bind(self.rep)
        if role != "bind":
            self.req = self.socket("REQ")
            self.req.connect(self.spec["connect"] or self.endpoint)

    def run(self, count: int) -> Answer:
        role = self.spec["role"]
        if role == "bind":
            self._answer(count)
            return {}
        server = Thread(target=self._answer, args=(count,)) if role == "both" else None
        if server:
            server.start()
        answer = self._ask(count)
        if server:
            server.join()
        return answer

    def _answer(self, count: int) -> None:
        recv, send = self.rep.recv, self.rep.send
        for _ in repeat(None, count):
            send(recv())

    def _ask(self, count: int) -> Answer:
        send, recv, payload, clock = self.req.send, self.req.recv, self.payload, time.monotonic_ns
        marks = [clock()]
        for _ in repeat(None, count):
            send(payload)
            recv()
            marks.append(clock())
        trips = sorted(after - before for before, after in pairwise(marks))
        return {
            "begin": marks[0] / 1e9,
            "end": marks[-1] / 1e9,
            "p50": trips[count // 2] / 1e3,
            "p99": trips[min(count - 1, count * 99 // 100)] / 1e3,
        }


class Poll(Workload):
    """Send to the last of many registered sockets, poll, receive: one cycle."""

    def setup(self, role: str) -> None:
        number = self.spec["sockets"]
        self.allow_sockets(number + 100)
        self.poller = self.zmq.Poller()
        self.sockets = [self.socket("PULL") for _ in range(number)]
        for index, socket in enumerate(self.sockets):
            socket.bind(f"inproc://poll-{index}")
            self.poller.register(socket, self.zmq.POLLIN)
        self.push = self.socket("PUSH")
        self.push.connect(f"inproc://poll-{number - 1}")

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
        self.allow_sockets(50_000)
        self.places = (f"inproc://create-{number}" for number in numbers(1))

    def run(self, count: int) -> Answer:
        begin = time.monotonic()
        for place in islice(self.places, count):
            socket = self.socket("PUSH")
            socket.bind(place)
            socket.close()
        return {"begin": begin, "end": time.monotonic()}


WORKLOADS: dict[str, type[Workload]] = {
    "throughput": Throughput,
    "multipart": Throughput,
    "latency": Latency,
    "poll": Poll,
    "create": Create,
}
