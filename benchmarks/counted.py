"""What the instruction guard counts: the main paths of zmqlite, run by callgrind.

Started by instructions.py as `counted.py MARKS SHORT STIR`: MARKS is the compiled marks.c, and
STIR decides how much is allocated first. Every path is run SHORT times, then three times as often;
what a message costs is the difference, so that starting, warming up and marking cancel. Everything
happens in one thread over inproc.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from typing import Any

import zmqlite as zmq
import zmqlite.asyncio

SMALL, LARGE = bytes(16), bytes(4096)
BATCH = 20
"""Small: under callgrind a long batch would last a millisecond, and let other threads run."""
LONG = 3
"""How many times longer the long run is."""
WATCHING: list[Any] = []
"""What was asked, and what hears of events as long as it is kept."""
Section = tuple[str, Callable[[int], object]]


def pair(context: Any, name: str, kinds: tuple[str, str] = ("PULL", "PUSH")) -> tuple[Any, Any]:
    """Return two connected sockets that never refuse: the binding one first."""
    bound, connected = (context.socket(getattr(zmq, kind)) for kind in kinds)
    for socket in (bound, connected):
        socket.sndhwm = socket.rcvhwm = 0
    bound.bind(f"inproc://{name}")
    connected.connect(f"inproc://{name}")
    return bound, connected


def single(context: Any, name: str, payload: bytes, **options: bool) -> list[Section]:
    """One call a message; all are sent, then all received."""
    pull, push = pair(context, name)

    def send(count: int) -> None:
        call = push.send
        if options:
            for _ in repeat(None, count):
                call(payload, copy=False)
        else:
            for _ in repeat(None, count):
                call(payload)

    def recv(count: int) -> None:
        call = pull.recv
        if options:
            for _ in repeat(None, count):
                call(copy=False)
        else:
            for _ in repeat(None, count):
                call()

    return [(f"send {name}", send), (f"recv {name}", recv)]


def watched(context: Any) -> list[Section]:
    """The same while the program knows what happens: it has asked, and hears of each event."""
    before = context.sockets()
    made = single(context, "16 B, watched", SMALL)
    for socket in context.sockets():
        if socket not in before:
            WATCHING.append((socket.stats(), socket.peers, socket.monitor_events()))
    assert len(WATCHING) == 2
    return made


def iterating(context: Any) -> list[Section]:
    pull, push = pair(context, "iterate")

    def send(count: int) -> None:
        push.send_many([SMALL] * count)

    def receive(count: int) -> None:
        for _ in islice(pull, count):
            pass

    return [("", send), ("for message in socket", receive)]


def multipart(context: Any) -> list[Section]:
    pull, push = pair(context, "multipart")
    message = [SMALL] * 3

    def send(count: int) -> None:
        for _ in repeat(None, count):
            push.send_multipart(message)

    def recv(count: int) -> None:
        for _ in repeat(None, count):
            pull.recv_multipart()

    return [("send_multipart, 3 parts", send), ("recv_multipart, 3 parts", recv)]


def batches(context: Any, name: str, payload: bytes) -> list[Section]:
    pull, push = pair(context, name.replace(" ", "-"))
    batch = [payload] * BATCH

    def send(count: int) -> None:
        for _ in repeat(None, count // BATCH):
            push.send_many(batch)

    def recv(count: int) -> None:
        for _ in repeat(None, count // BATCH):
            pull.recv_many(BATCH)

    return [(f"send_many, {name}", send), (f"recv_many, {name}", recv)]


def requests(context: Any) -> list[Section]:
    server, client = pair(context, "requests", ("REP", "REQ"))

    def trips(count: int) -> None:
        for _ in repeat(None, count):
            client.send(SMALL)
            server.send(server.recv())
            client.recv()

    return [("request and reply", trips)]


def refusals(context: Any) -> list[Section]:
    pull, _ = pair(context, "refusals")

    def ask(count: int) -> None:
        for _ in repeat(None, count):
            pull.recv_nonblock()

    return [("recv_nonblock, nothing there", ask)]


def polls(context: Any) -> list[Section]:
    """A poller with a hundred sockets, one of them always ready."""
    poller, pairs = zmq.Poller(), [pair(context, f"poll-{number}") for number in range(100)]
    for pull, _ in pairs:
        poller.register(pull, zmq.POLLIN)
    pairs[-1][1].send(SMALL)

    def ask(count: int) -> None:
        for _ in repeat(None, count):
            if not poller.poll(1000):
                raise AssertionError("the ready socket was not seen")

    return [("poll, one of 100 ready", ask)]


def awaiting(context: Any) -> list[Section]:
    """The ready path of asyncio: nothing ever has to wait."""
    pull, push = pair(zmq.asyncio.Context(context), "asyncio")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def send(count: int) -> None:
        # no pause by the clock, which runs slowly here
        zmq.asyncio.set_fairness(seconds=3600, count=10**9)
        for _ in repeat(None, count):
            await push.send(SMALL)

    async def recv(count: int) -> None:
        for _ in repeat(None, count):
            await pull.recv()

    async def iterate(count: int) -> None:
        left = count
        async for _ in pull:
            left -= 1
            if not left:
                break

    def run(work: Callable[[int], Any]) -> Callable[[int], object]:
        return lambda count: loop.run_until_complete(work(count))

    return [
        ("await send", run(send)),
        ("await recv", run(recv)),
        ("", run(send)),
        ("async for", run(iterate)),
    ]


def sections(context: Any) -> Iterator[list[Section]]:
    """Yield every path, made ready. A section without a name is run and not counted."""
    yield single(context, "16 B", SMALL)
    yield single(context, "4 KiB", LARGE)
    yield single(context, "4 KiB, copy=False", LARGE, copy=False)
    yield watched(context)
    yield multipart(context)
    yield batches(context, "a message", SMALL)
    yield batches(context, "a message of 1 KiB", bytes(1024))
    yield iterating(context)
    yield requests(context)
    yield refusals(context)
    yield polls(context)
    yield awaiting(context)


def main() -> None:
    """Run every path at both lengths and mark each run as `name/length`."""
    marks, short = ctypes.CDLL(sys.argv[1]), int(sys.argv[2])
    kept = [bytes(100 * number) for number in range(37 * int(sys.argv[3]))]
    context = zmq.Context(max_sockets=1000)
    made = list(sections(context))
    gc.disable()  # when it runs depends on what was allocated before
    marks.begin()
    for path in made:
        for length in (short // LONG, short, short * LONG):
            for name, work in path:
                marks.mark(b"")
                work(length)
                marks.mark(f"{name}/{length}".encode())
    del kept  # it had to live until here
    os._exit(0)


if __name__ == "__main__":
    main()
