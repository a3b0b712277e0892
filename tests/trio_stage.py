"""What the tests of zmqlite.trio share: runs that end, pairs, and who waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support import FACTOR

trio: Any = pytest.importorskip("trio")
testing: Any = pytest.importorskip("trio.testing")
zmq: Any = pytest.importorskip("zmqlite.trio")

LIMIT = 10 * FACTOR


def run(main: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
    """Run a test's main function; fail if it hangs."""

    async def limited() -> Any:
        with trio.fail_after(LIMIT * 1000 if "clock" in options else LIMIT):
            return await main(*args)

    return trio.run(limited, **options)


def pair(context: Any, kinds: tuple[int, int] = (zmq.PAIR, zmq.PAIR), **options: Any) -> Any:
    """Return two sockets of one context, connected over inproc."""
    first = context.socket(kinds[0], linger=0, **options)
    second = context.socket(kinds[1], linger=0, **options)
    second.connect(first.bind(f"inproc://{id(first):x}"))
    return first, second


async def waiting(*sockets: Any, count: int = 1) -> None:
    """Come back when this many tasks wait on each socket."""
    for socket in sockets:
        while socket._binding is None or len(socket._binding.waiters) < count:
            await trio.lowlevel.checkpoint()
    await testing.wait_all_tasks_blocked()
