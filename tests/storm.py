"""Cancel receives at every tick after a message has arrived; count what becomes of the messages.

    python storm.py zmqlite.asyncio|zmq.asyncio [ROUNDS]

A round: nothing is there and a task waits for it; one message is sent and has arrived (the
descriptor is readable, the loop has not run since); the loop runs `tick` passes; the task is
cancelled. With a negative `tick` it is cancelled so many passes before the message is sent, since
a cancellation takes some to get through a nest of tasks. Afterwards the message must have been
received by the task or still be in the socket.
tests/aio/test_cancel.py runs this; pyzmq loses messages here.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import select
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

TICKS = range(-3, 7)
_names = count(1)
ENDPOINTS = {"inproc": "inproc://storm-{}", "tcp": "tcp://127.0.0.1:*"}
CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "recv": lambda socket: socket.recv(),
    "recv_string": lambda socket: socket.recv_string(),
    "recv_multipart": lambda socket: socket.recv_multipart(),
    "recv_json": lambda socket: socket.recv_json(),
    "recv_many": lambda socket: socket.recv_many(),
}


async def _anext(socket: Any) -> Any:
    """By an await that asks for a new iterator at each step; what pyzmq's sockets lack."""
    return await anext(socket, None)


@dataclass
class Tally:
    """What became of the messages, by tick."""

    received: Counter[int] = field(default_factory=Counter)
    cancelled: Counter[int] = field(default_factory=Counter)
    lost: Counter[int] = field(default_factory=Counter)
    doubled: Counter[int] = field(default_factory=Counter)

    @property
    def rounds(self) -> int:
        return (self.received + self.cancelled).total()

    def __str__(self) -> str:
        shown = {name: dict(sorted(vars(self)[name].items())) for name in vars(self)}
        return " ".join(f"{name}={value}" for name, value in shown.items() if value)


def number_in(value: Any) -> int:
    """Return the number that a message carries, whichever call received it."""
    while isinstance(value, list):
        (value,) = value
    return int(value if isinstance(value, (bytes, str, int)) else json.loads(value))


async def by_task(call: Callable[[], Awaitable[Any]], got: list[Any]) -> None:
    got.append(await call())


async def by_wait_for(call: Callable[[], Awaitable[Any]], got: list[Any]) -> None:
    got.append(await asyncio.wait_for(call(), 60))


async def by_timeout(call: Callable[[], Awaitable[Any]], got: list[Any]) -> None:
    async with asyncio.timeout(60):  # type: ignore[attr-defined]
        got.append(await call())


async def by_gather(call: Callable[[], Awaitable[Any]], got: list[Any]) -> None:
    await asyncio.gather(asyncio.gather(by_task(call, got)), asyncio.sleep(60))


async def by_group(call: Callable[[], Awaitable[Any]], got: list[Any]) -> None:
    async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
        group.create_task(by_task(call, got))
        group.create_task(asyncio.sleep(60))


STYLES: dict[str, Callable[[Callable[[], Awaitable[Any]], list[Any]], Any]] = {
    "cancel": by_task,
    "wait_for": by_wait_for,
    "gather": by_gather,
}
if hasattr(asyncio, "timeout"):
    STYLES["timeout"] = by_timeout
if hasattr(asyncio, "TaskGroup"):
    STYLES["group"] = by_group


async def storm(
    zmq: Any, context: Any, transport: str, call: str, style: str, rounds: int
) -> Tally:
    """Run so many rounds."""
    blocking = importlib.import_module(zmq.__name__.partition(".")[0])
    tally = Tally()
    plain = blocking.Context(context)  # the same one
    with context.socket(blocking.PULL) as pull, plain.socket(blocking.PUSH) as push:
        pull.bind(ENDPOINTS[transport].format(next(_names)))
        address = pull.last_endpoint.decode()
        push.connect(address)
        push.send(b"0")
        await pull.recv()  # connected: from now on, only a message makes the descriptor speak
        peek = blocking.Socket(pull)
        for number in range(rounds):
            tick = TICKS[number % len(TICKS)]
            await one_round(blocking, pull, peek, push, call, style, tick, number, tally)
    return tally


async def one_round(
    zmq: Any,
    pull: Any,
    peek: Any,
    push: Any,
    call: str,
    style: str,
    tick: int,
    number: int,
    tally: Tally,
) -> None:
    got: list[Any] = []
    task = asyncio.ensure_future(STYLES[style](lambda: (CALLS.get(call) or _anext)(pull), got))
    for _ in range(4):  # let it begin to wait, and the nested ones too
        await asyncio.sleep(0)
    if tick < 0:
        task.cancel()
    for _ in range(-tick):
        await asyncio.sleep(0)
    push.send(b"%d" % number)
    select.select([pull.fd], [], [], 10)  # it has arrived, and the loop does not know
    for _ in range(tick):
        await asyncio.sleep(0)
    if tick >= 0:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    found = [number_in(value) for value in got]
    tally.received[tick] += bool(found)
    tally.cancelled[tick] += not found
    with contextlib.suppress(zmq.Again):
        while True:
            found.append(number_in(peek.recv_multipart(zmq.NOBLOCK)))
    if number not in found:
        tally.lost[tick] += 1
    if len(found) > 1:
        tally.doubled[tick] += 1


async def main(module: str, rounds: int) -> bool:
    zmq: Any = importlib.import_module(module)
    lost = 0
    with zmq.Context() as context:
        for transport in ENDPOINTS:
            for style in STYLES:
                for call in CALLS:
                    if hasattr(zmq.Socket, call):
                        tally = await storm(zmq, context, transport, call, style, rounds)
                        lost += sum((tally.lost + tally.doubled).values())
                        print(transport, style, call, tally, flush=True)
    return not lost


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main(sys.argv[1], int((sys.argv[2:] or ["1000"])[0]))) else 1)
