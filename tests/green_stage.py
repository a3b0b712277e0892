"""What the tests of zmqlite.green share: pairs, full sockets, and who waits."""

from __future__ import annotations

from typing import Any

import pytest
from support import FACTOR

gevent: Any = pytest.importorskip("gevent")
zmq: Any = pytest.importorskip("zmqlite.green")

LIMIT = 20 * FACTOR


def pair(context: Any, kinds: Any = (zmq.PAIR, zmq.PAIR), **options: Any) -> Any:
    first, second = (context.socket(kind, linger=0, **options) for kind in kinds)
    second.connect(first.bind(f"inproc://{id(first):x}"))
    return first, second


def full(push: Any) -> Any:
    while push.writable():
        push.send(b"full")
    return push


def wait_for_poll(poller: Any) -> None:
    """Come back when a greenlet waits in `poller.poll`."""
    while not poller._waits:
        gevent.sleep(0)
    gevent.sleep(0)


def wait_for(*sockets: Any, count: int = 1) -> None:
    """Come back when this many greenlets wait on each socket."""
    for socket in sockets:
        while socket._binding is None or len(socket._binding.waiters) < count:
            gevent.sleep(0)
