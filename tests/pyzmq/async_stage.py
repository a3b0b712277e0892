"""What the tests of pyzmq's asyncio share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from support import FACTOR

SECONDS = 20 * FACTOR


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in a loop of its own; what the loop complains about fails the test."""

    async def main() -> Any:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
        result = await asyncio.wait_for(work, SECONDS)
        assert not complaints, complaints
        return result

    return asyncio.run(main())


def joined(zmq: Any, ctx: Any, one: int, other: int, addr: str = "inproc://joined") -> Any:
    first, second = ctx.socket(one), ctx.socket(other)
    first.linger = second.linger = 0
    first.bind(addr)
    second.connect(first.last_endpoint.decode())
    return first, second
