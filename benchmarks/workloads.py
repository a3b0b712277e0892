"""The work itself, written once for every library: sockets, loops, clocks.

Runs inside the fresh processes that peer.py starts. Libraries are told apart by the module they
are imported from, nothing else: the calls are those that all of them share.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice, pairwise, repeat
from threading import Thread
from typing import Any

MODULES = {"zmqlite": "zmqlite", "pyzmq": "zmq", "pyomq": "pyomq", "pynng": "nng"}
BATCH = 1000
QUEUED_BYTES = 64 * 1024 * 1024
"""Above 64 KiB the high water mark is lowered, so that queues hold this many bytes at most."""

Answer = dict[str, Any]


class Cannot(Exception):
    """This library or this machine cannot do the work; the text says why. No failure."""


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


def allow_descriptors(number: int) -> None:
    """Raise the limit of open descriptors; raises Cannot when the system forbids so many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < number:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
        except (ValueError, OSError):
            raise Cannot(f"it needs {number} descriptors; the hard limit is {most}") from None
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Workload:
    """One end of a cell, or both ends when the cell lives in one process.

    `role` is "bind", "connect" or "both". `run` does the work `count` times and returns when it
    began and ended on the system's monotonic clock, which processes share. `endpoint` is what the
    other end must connect to; several are parted by spaces.
    """

    endpoint = ""

    def __init__(self, spec: Answer) -> None:
        self.spec = spec
        self.role: str = spec["role"]
        self.number: int = spec["number"]
        self.zmq: Any = importlib.import_module(MODULES[spec["library"]])
        self.context: Any = self.zmq.Context()
        self.payload: Any = bytes(spec["size"])
        self.setup(self.role)

    def setup(self, role: str) -> None:
        raise NotImplementedError

    def run(self, count: int) -> Answer:
        raise NotImplementedError

    def socket(self, kind: str) -> Any:
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger = 0
        if self.spec["size"] > 64 * 1024:
            socket.sndhwm = socket.rcvhwm = max(1, QUEUED_BYTES // self.spec["size"])
        return socket

    def allow_sockets(self, number: int, descriptors: int = 1) -> None:
        """Raise the limits for this many sockets with so many descriptors each."""
        allow_descriptors(number * descriptors + 100)
        if hasattr(self.zmq, "MAX_SOCKETS"):
            self.context.set(self.zmq.MAX_SOCKETS, number + 100)

    def bind(self, socket: Any, suffix: str = "") -> str:
        """Bind to the cell's place; a suffix makes a second one."""
        place = self.spec["bind"]
        socket.bind(place if place.startswith(("tcp:", "ws:")) else place + suffix)
        bound = socket.last_endpoint
        return bound.decode().rstrip("\0") if isinstance(bound, bytes) else str(bound)

    def places(self) -> list[str]:
        """Return the endpoints to connect to."""
        return (self.spec["connect"] or self.endpoint).split(" ")

    def close(self) -> None:
        """Leave without waiting: the runner ends a run only when nothing is on its way."""
        os._exit(0)


def beside(work: Callable[..., object], *arguments: Any) -> Thread:
    """Start work in a thread of its own; if it fails, the process ends and says why."""

    def run() -> None:
        try:
            work(*arguments)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


def trip_figures(marks: Sequence[int]) -> Answer:
    """Return the answer to a run of round trips, from the clock between them."""
    trips = sorted(after - before for before, after in pairwise(marks))
    at = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    more = {n: trips[min(len(trips) - 1, int(len(trips) * q))] / 1e3 for n, q in at.items()}
    return {"begin": marks[0] / 1e9, "end": marks[-1] / 1e9, "more": more}


class Throughput(Workload):
    """PUSH to PULL in one direction; both ends count."""

    def setup(self, role: str) -> None:
        if role != "connect":
            self.pull = self.socket("PULL")
            self.endpoint = self.bind(self.pull)
        if role != "bind":
            self.push = self.socket("PUSH")
            self.push.connect(*self.places())
        self.send, self.receive = PASSING[self.spec["mode"]]
        self.expected: Any = self.payload
        if self.spec["mode"] == "numpy":
            import numpy

            self.payload = numpy.zeros(self.spec["size"] // 8)
        if self.spec["work"] == "multipart":
            self.payload = self.expected = [self.payload] * self.number
            self.send, self.receive = send_multipart, recv_multipart

    def run(self, count: int) -> Answer:
        begin = time.monotonic()
        if self.role == "connect":
            self.send(self.push, self.payload, count)
            return {"begin": begin, "end": time.monotonic()}
        sender = None
        if self.role == "both":
            sender = beside(self.send, self.push, self.payload, count)
        last = self.receive(self.pull, count, self.spec["size"])
        end = time.monotonic()
        if sender:
            sender.join()
        if (last if isinstance(last, list) else bytes(last)) != self.expected:
            raise AssertionError("the last message is not the one that was sent")
        return {"begin": begin, "end": end}


class Turns(Throughput):
    """The same, received by a loop of calls and by iteration, turn and turn about.

    What they cost the receiving thread is told: both met the same process, neighbours and
    luck with the scheduler.
    """

    SLICES = 20

    def run(self, count: int) -> Answer:
        count = max(count, self.SLICES * 2)  # at both ends: a busy machine asks for less
        if self.role == "connect":
            return super().run(count)
        ways = {"loop": count_iterating, "calls": count_calls}
        used = dict.fromkeys(ways, 0.0)
        each = max(1, count // (self.SLICES * len(ways)))
        passed = 0

        def receive(pull: Any, whole: int, size: int) -> Any:
            nonlocal passed
            last: Any = None
            for _ in range(self.SLICES):
                for way, function in ways.items():
                    begin = time.thread_time()
                    last = function(pull, each)
                    used[way] += time.thread_time() - begin
            passed = self.SLICES * len(ways) * each
            return recv_single(pull, whole - passed, size) if whole > passed else last

        self.receive = receive
        answer = super().run(count)
        more = {way: seconds / (passed / len(ways)) * 1e6 for way, seconds in used.items()}
        return {**answer, "more": more}


def count_iterating(socket: Any, count: int) -> Any:
    """Receive so many, and do the counting as `count_calls` does it."""
    message = b""
    for message in socket:  # noqa: B007 - the last one is wanted
        count -= 1
        if not count:
            break
    return message


def count_calls(socket: Any, count: int) -> Any:
    recv = socket.recv
    while True:
        message = recv()
        count -= 1
        if not count:
            return message


def send_single(socket: Any, payload: Any, count: int) -> None:
    send = socket.send
    for _ in repeat(None, count):
        send(payload)


def recv_single(socket: Any, count: int, size: int) -> Any:
    recv = socket.recv
    for _ in repeat(None, count - 1):
        recv()
    return recv()


def send_nocopy(socket: Any, payload: Any, count: int) -> None:
    send = socket.send
    for _ in repeat(None, count):
        send(payload, copy=False)


def recv_nocopy(socket: Any, count: int, size: int) -> Any:
    recv = socket.recv
    for _ in repeat(None, count - 1):
        recv(copy=False)
    return recv(copy=False)


def send_many(socket: Any, payload: Any, count: int) -> None:
    for begin in range(0, count, BATCH):
        socket.send_many([payload] * min(BATCH, count - begin))


def recv_many(socket: Any, count: int, size: int) -> Any:
    messages: list[Any] = []
    while count:
        messages = socket.recv_many(min(BATCH, count))
        count -= len(messages)
    return messages[-1]


def recv_iterating(socket: Any, count: int, size: int) -> Any:
    message = b""
    for message in islice(socket, count):  # noqa: B007 - the last one is wanted
        pass
    return message


def send_loan(socket: Any, payload: Any, count: int) -> None:
    """Fill a lent buffer with the payload and let it go: one copy, and none after it."""
    loan, size = socket.loan, len(payload)
    for _ in repeat(None, count):
        with loan(size) as view:
            view[:] = payload


def recv_into(socket: Any, count: int, size: int) -> Any:
    """Receive into one buffer, again and again."""
    buffer, recv_into = bytearray(size), socket.recv_into
    for _ in repeat(None, count):
        if recv_into(buffer) != size:
            raise AssertionError("recv_into told another size")
    return buffer


def recv_array(socket: Any, count: int, size: int) -> Any:
    """Receive arrays that lie in the message itself."""
    from numpy import frombuffer

    recv, array = socket.recv, None
    for _ in repeat(None, count):
        array = frombuffer(recv(copy=False))
    return array


def send_multipart(socket: Any, payload: Any, count: int) -> None:
    send = socket.send_multipart
    for _ in repeat(None, count):
        send(payload)


def recv_multipart(socket: Any, count: int, size: int) -> Any:
    recv = socket.recv_multipart
    for _ in repeat(None, count - 1):
        recv()
    return recv()


PASSING: dict[str, tuple[Callable[[Any, Any, int], None], Callable[[Any, int, int], Any]]] = {
    "single": (send_single, recv_single),
    "many": (send_many, recv_many),
    "iterate": (send_single, recv_iterating),
    "nocopy": (send_nocopy, recv_nocopy),
    "loan": (send_loan, recv_nocopy),
    "into": (send_single, recv_into),
    "numpy": (send_nocopy, recv_array),
}


class Latency(Workload):
    """REQ to REP and back, one request at a time, each trip timed."""

    def setup(self, role: str) -> None:
        if role != "connect":
            self.rep = self.socket("REP")
            self.endpoint = self.bind(self.rep)
        if role != "bind":
            self.req = self.socket("REQ")
            self.req.connect(*self.places())

    def run(self, count: int) -> Answer:
        if self.role == "bind":
            self._answer(count)
            return {}
        server = beside(self._answer, count) if self.role == "both" else None
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
        return trip_figures(marks)


WORKLOADS: dict[str, type[Workload]] = {
    "throughput": Throughput,
    "turns": Turns,
    "multipart": Throughput,
    "latency": Latency,
}
