"""A loop of each kind, watched: what the loop's exception handler hears fails the test."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from support import FACTOR, LONG, keeping

import zmqlite.asyncio as azmq

Runner = Callable[[Coroutine[Any, Any, Any]], Any]
LOOPS = ["asyncio", "uvloop"]
LIMIT = 3600 if LONG else 30 * FACTOR


def make_loop(kind: str = "asyncio") -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    if sys.platform == "win32":
        pytest.skip("there is no uvloop on Windows")
    uvloop = pytest.importorskip("uvloop")
    return uvloop.new_event_loop()  # type: ignore[no-any-return]


def run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], limit: float) -> Any:
    """Run to the end, cancel what is left over, and fail if anything went wrong on the side."""
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    main = loop.create_task(work)
    hang = loop.call_later(limit, main.cancel, f"not done after {limit} s")
    try:
        return loop.run_until_complete(main)
    finally:
        hang.cancel()
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        if rest:
            loop.run_until_complete(asyncio.wait(rest))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        assert not complaints, complaints


@pytest.fixture
def run() -> Runner:
    """Run a coroutine in a standard loop."""
    return lambda work: run_in(make_loop(), work, LIMIT)


@pytest.fixture
def run_uvloop() -> Runner:
    """Run a coroutine in uvloop's loop."""
    loop = make_loop("uvloop")
    return lambda work: run_in(loop, work, LIMIT)


@pytest.fixture(params=LOOPS)
def run_both(request: pytest.FixtureRequest) -> Runner:
    """Run a coroutine in a loop of each kind in turn."""
    loop = make_loop(request.param)
    return lambda work: run_in(loop, work, LIMIT)


@pytest.fixture(params=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """A maker of loops of each kind in turn, which the test closes."""
    return lambda: make_loop(request.param)


@pytest.fixture
def actx(make_context: Any) -> Iterator[azmq.Context]:
    """A context whose sockets are asyncio's, ended after the test."""
    return make_context(cls=keeping(azmq.Context))  # type: ignore[no-any-return]


@pytest.fixture
def wire(actx: azmq.Context) -> Callable[..., tuple[azmq.Socket, azmq.Socket]]:
    """A maker of two connected asyncio sockets; the sender comes first."""

    def make(
        sender: int = azmq.PUSH,
        receiver: int = azmq.PULL,
        at: str = "tcp://127.0.0.1:*",
        **options: Any,
    ) -> tuple[azmq.Socket, azmq.Socket]:
        bound = actx.socket(receiver, linger=0, **options)
        peer = actx.socket(sender, linger=0, **options)
        peer.connect(bound.bind(at))
        return peer, bound

    return make
