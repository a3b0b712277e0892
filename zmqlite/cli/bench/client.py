"""The near side of `bench`: tells a server what comes, sends, and takes the times."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any, NamedTuple, cast

from ...context import Context
from ...enums import SocketType
from ...error import Again, ContextTerminated, NotSupported
from ..command import CommandError
from .server import PATIENCE, PlainContext, PlainSocket, serve

__all__ = ["Figures", "measure", "near", "remote"]

WORKER = f"{__package__}.worker"
IMPORT_ROOT = str(Path(__file__).parents[WORKER.count(".")])
_CONNECTING = 5000  # ms
_STRETCH = 1 << 18  # bytes that are sent between two looks at the clock


class Figures(NamedTuple):
    """What was measured over a transport with messages of a size. Times are in seconds."""

    transport: str
    size: int
    messages_per_second: float
    bytes_per_second: float
    round_trips: list[float]
    """Ordered."""


class Server(NamedTuple):
    """A server, as it is reached from here."""

    context: PlainContext
    control: PlainSocket
    host: str
    """Where its data sockets are, if it is not here."""

    def ask(self, command: Any) -> dict[str, Any]:
        """Give a command and return the answer."""
        self.control.send_json(command)
        try:
            answer: Any = self.control.recv_json()
        except ValueError:
            answer = None
        found = cast("dict[str, Any]", answer if isinstance(answer, dict) else {"": answer})
        if "error" in found:
            raise CommandError(f"the server says: {found['error']}")
        if "" in found or ("test" in command and "endpoint" not in found):
            raise CommandError("what answers there is no `zmqlite bench --serve`")
        return found


@contextmanager
def near(transport: str) -> Generator[Server, None, None]:
    """Yield a server in a process of its own, for inproc in a thread of this one."""
    context = Context()
    try:
        control = context.socket(SocketType.REQ, rcvtimeo=3 * PATIENCE, linger=0)
        if transport == "inproc":
            there = context.socket(SocketType.REP, bind="inproc://control", linger=0)
            control.connect("inproc://control")
            with _threaded(context, there):
                yield Server(context, control, "")
        else:
            endpoint = control.bind("tcp://127.0.0.1:*")
            with _process(endpoint):
                yield Server(context, control, "")
    finally:
        context.destroy(linger=0)


@contextmanager
def _threaded(context: PlainContext, control: PlainSocket) -> Generator[None, None, None]:
    def work() -> None:
        with suppress(ContextTerminated):  # the bench is over
            serve(context, control, stops=True)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        context.shutdown()
        thread.join()


@contextmanager
def _process(endpoint: str) -> Generator[None, None, None]:
    path = os.pathsep.join(filter(None, [IMPORT_ROOT, os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, "-m", WORKER], text=True, env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches this process alone, which ends the other
    )  # fmt: skip
    assert process.stdin is not None
    try:
        print(endpoint, file=process.stdin, flush=True)
        yield
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def remote(address: str) -> Generator[Server, None, None]:
    """Yield the server of another host: a `zmqlite bench --serve` there."""
    context = Context()
    try:
        control = context.socket(SocketType.REQ, rcvtimeo=3 * PATIENCE, linger=0)
        control.connect(address)
        try:
            control.wait_peers(1, timeout=_CONNECTING)
        except NotSupported:  # a libzmq that does not know its peers
            pass
        except Again:
            raise CommandError(f"no `zmqlite bench --serve` answers at {address}") from None
        yield Server(context, control, address.partition("://")[2].rpartition(":")[0])
    finally:
        context.destroy(linger=0)


def measure(server: Server, transport: str, size: int, seconds: float, folder: str) -> Figures:
    """Measure throughput, then latency."""
    # a name of its own for each: the file of an ipc endpoint goes a while after its socket
    pushed, asked = (place(server, transport, folder, f"{size}{end}") for end in "pq")
    messages, taken = throughput(server, pushed, size, seconds)
    trips = latency(server, asked, size, seconds)
    rate = messages / taken if taken else 0.0
    return Figures(transport, size, rate, rate * size, trips)


def place(server: Server, transport: str, folder: str, name: str) -> str:
    """Return where the server is to bind."""
    if transport in ("ipc", "inproc"):
        return f"{transport}://{folder}/{name}"
    return f"{transport}://{'*' if server.host else '127.0.0.1'}:*"


@contextmanager
def _connected(
    server: Server, kind: SocketType, test: str, where: str, size: int
) -> Generator[PlainSocket, None, None]:
    answer = server.ask({"test": test, "bind": where, "size": size})
    endpoint = str(answer.get("endpoint"))
    if server.host:
        transport, _, rest = endpoint.partition("://")
        endpoint = f"{transport}://{server.host}:{rest.rpartition(':')[2]}"
    limit = PATIENCE
    with server.context.socket(
        kind, connect=endpoint, sndtimeo=limit, rcvtimeo=limit, linger=limit
    ) as socket:
        yield socket


def throughput(server: Server, where: str, size: int, seconds: float) -> tuple[int, float]:
    """Send for some time; return how many messages the server counted, and in how many seconds."""
    data, stretch = b"x" * size, max(1, min(1000, _STRETCH // max(size, 1)))
    with _connected(server, SocketType.PUSH, "throughput", where, size) as socket:
        send, end = socket.send, perf_counter() + seconds
        while perf_counter() < end:
            for _ in range(stretch):
                send(data)
        send(data + b"x")
        seen = server.ask("figures")
    return int(seen.get("messages", 0)), float(seen.get("seconds", 0))


def latency(server: Server, where: str, size: int, seconds: float) -> list[float]:
    """Ask for some time, one request after the other; return what the round trips took."""
    data, trips = b"x" * size, list[float]()
    with _connected(server, SocketType.REQ, "latency", where, size) as socket:
        send, receive, clock = socket.send, socket.recv, perf_counter
        send(data)
        receive()  # which waits for the connection too
        end = clock() + seconds
        while (start := clock()) < end or not trips:
            send(data)
            receive()
            trips.append(clock() - start)
        send(data + b"x")
        receive()
        server.ask("figures")
    return sorted(trips)
