"""No use of a socket takes the news from the tasks that wait on it, and they hear of its end.

A use may fail and have had the news all the same. And a socket may be closed in the middle of a
call: by a finalizer, which runs wherever the collector does, or by a signal handler.
"""

from __future__ import annotations

import contextlib
import itertools
import select
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from support import FACTOR, in_thread, needs_patch, wait_inside
from worlds import NOTHING, World, pair

import zmqlite as zmq
from zmqlite._native import core
from zmqlite.options.rows import Kind

# -- uses that have the news ----------------------------------------------------------------------


def poll_by_poller(socket: Any, plain: Any) -> None:
    poller = zmq.Poller()
    poller.register(plain, zmq.POLLIN)
    poller.poll(0)


def poll_beside_one_that_is_closed(socket: Any, plain: Any) -> None:
    with zmq.PAIR(context=zmq.Context.shadow(plain.context)) as other:
        poller = zmq.Poller()
        poller.register(plain, zmq.POLLIN)
        poller.register(other, zmq.POLLIN)
    poller.poll(0)


def loan(socket: Any, plain: Any) -> None:
    with plain.loan(1):
        pass


USES: dict[str, Callable[[Any, Any], object]] = {
    "events": lambda socket, plain: socket.events,
    "stats": lambda socket, plain: socket.stats(),
    "stats, in a thread": lambda socket, plain: in_thread(plain.stats)(),
    "peers": lambda socket, plain: socket.peers,
    "peers, in a thread": lambda socket, plain: in_thread(lambda: plain.peers)(),
    "events, in a thread": lambda socket, plain: in_thread(lambda: plain.events)(),
    "bind": lambda socket, plain: socket.bind("inproc://another"),
    "bind, refused": lambda socket, plain: socket.bind(socket.last_endpoint),
    "connect": lambda socket, plain: socket.connect("inproc://another"),
    "unbind, refused": lambda socket, plain: socket.unbind("inproc://never"),
    "disconnect, refused": lambda socket, plain: socket.disconnect("inproc://never"),
    "send_nonblock": lambda socket, plain: socket.send_nonblock(b"x"),
    "CONNECT_ROUTING_ID": lambda socket, plain: socket.set(zmq.CONNECT_ROUTING_ID, b"id"),
    "Poller": poll_by_poller,
    "Poller, refused": poll_beside_one_that_is_closed,
    "zmq_poll": lambda socket, plain: zmq.zmq_poll([(plain, zmq.POLLIN)], 0),
    "select": lambda socket, plain: zmq.select([plain], [], [], 0),
    "loan": loan,
}


@needs_patch("known-numbers", "known-peers")
@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.ROUTER], ids=["DEALER", "ROUTER"])
@pytest.mark.parametrize("call", ["recv_multipart", "poll"])
@pytest.mark.parametrize("use", USES)
async def test_a_use_leaves_the_message_to_who_waits(
    world: World, context: Any, use: str, call: str, kind: int
) -> None:
    socket, peer = pair(world, context, (kind, zmq.DEALER))
    waits = world.spawn(getattr(socket, call))
    await world.waiting(socket)
    plain = getattr(socket, "plain", socket)
    await peer.send(b"x")
    speaks = core.Socket._get_option(plain, zmq.FD, Kind.FD)
    assert select.select([speaks], [], [], 5 * FACTOR)[0]
    with contextlib.suppress(zmq.ZMQError):
        USES[use](socket, plain)
    assert await world.within(5 * FACTOR, waits.join) is not NOTHING
    peer.close()
    socket.close()


@needs_patch("known-numbers", "known-peers")
@pytest.mark.parametrize("use", USES)
async def test_a_use_leaves_the_end_to_who_waits(world: World, context: Any, use: str) -> None:
    socket = world.socket(context, zmq.DEALER)
    socket.bind("inproc://ends")
    poller = world.poller()
    poller.register(socket, zmq.POLLIN)
    waits = [world.spawn(call) for call in (socket.recv, socket.poll, poller.poll)]
    await world.waiting(socket, 2)
    plain = getattr(socket, "plain", socket)
    context.shutdown()
    with contextlib.suppress(zmq.ZMQError):
        USES[use](socket, plain)
    for job in waits:
        with pytest.raises(zmq.ContextTerminated):
            assert await world.within(5 * FACTOR, job.join) is not NOTHING, job.call
    socket.close()


async def test_a_use_that_is_refused_ends_no_task(world: World, context: Any) -> None:
    """Another thread is inside for a while: that is no news for a task that waits."""
    socket, peer = pair(world, context, (zmq.DEALER, zmq.DEALER))
    waits = world.spawn(socket.recv)
    await world.waiting(socket)
    plain = getattr(socket, "plain", socket)
    left = in_thread(lambda: zmq.zmq_poll([(plain, zmq.POLLIN)], int(300 * FACTOR)))
    wait_inside(plain)
    for use in (lambda: plain.peers, lambda: plain.events, plain.recv_nonblock):
        with contextlib.suppress(zmq.ThreadMisuse):  # unless the thread has just left
            use()
    assert left() == []
    await peer.send(b"x")
    assert await world.within(5 * FACTOR, waits.join) == b"x"
    peer.close()
    socket.close()


async def test_a_poll_that_fails_leaves_the_end_to_polls_that_wait(
    world: World, context: Any
) -> None:
    socket = world.socket(context, zmq.DEALER)
    poller = world.poller()
    poller.register(socket, zmq.POLLIN)
    waits = world.spawn(poller.poll)
    await world.settle()
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        await poller.poll(0)
    with pytest.raises(zmq.ContextTerminated):
        assert await world.within(5 * FACTOR, waits.join) is not NOTHING
    socket.close()


# -- closed in the middle of a call ---------------------------------------------------------------


class AtLine:
    """Acts before the n-th line of zmqlite that a call runs, as finalizers and handlers may."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.left, self.act = number, act

    async def run(self, call: Callable[[], Any]) -> Any:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return await call()
        finally:
            sys.settrace(before)

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Whether it runs for the call, and not for another task that has its turn meanwhile."""
        while frame is not None:
            if frame.f_code is AtLine.run.__code__:
                return True
            frame = frame.f_back
        return False

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        inside = frame.f_globals.get("__name__", "").startswith("zmqlite.")
        return self._line if self.left and inside and self._is_ours(frame) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line" and self.left:
            self.left -= 1
            if not self.left:
                self.act()
        return self._line if self.left else None


CALLS: dict[str, Callable[[Any], Any]] = {
    "recv": lambda socket: socket.recv(),
    "recv_multipart": lambda socket: socket.recv_multipart(),
    "send": lambda socket: socket.send(bytearray(b"x")),
    "send_many": lambda socket: socket.send_many([b"x", [b"y", b"z"]]),
    "poll": lambda socket: socket.poll(),
}

ROUTED: dict[str, Callable[[Any], Any]] = {
    "recv_multipart": CALLS["recv_multipart"],
    "send_multipart": lambda socket: socket.send_multipart([b"full", bytearray(b"x")]),
    "send part by part": lambda socket: send_in_parts(socket),
    "send_many": lambda socket: socket.send_many([[b"open", b"x"], (b"full", b"y")]),
    "poll": lambda socket: socket.poll(None, zmq.POLLIN),
}


async def send_in_parts(router: Any) -> None:
    await router.send(b"full", zmq.SNDMORE)
    await router.send(b"x")


async def close_at_each_line(
    world: World,
    make: Callable[[], Any],
    call: Callable[[Any], Any],
    others: Callable[[Any], list[Callable[[], Any]]],
) -> None:
    """Close a socket at one line after the other of a call on it: all that waits is told."""
    number = 1
    while True:
        socket = make()
        jobs = [world.spawn(other) for other in others(socket)]
        if jobs:
            await world.waiting(socket, len(jobs))
        at = AtLine(number, socket.close)
        jobs.append(world.spawn(at.run, lambda: call(socket)))  # noqa: B023
        await world.settle()
        reached = not at.left
        if not reached:
            socket.close()
        for job in jobs:
            assert await world.within(5 * FACTOR, job.over.wait) is not NOTHING, number
            assert job.error is None or isinstance(job.error, (zmq.SocketClosed, *world.CLOSED))
        if not reached:
            break
        number += 1
    assert number > 5, "nothing of it runs in Python"


not_midline = pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="what a trace function of Python 3.11 calls in the middle of a line can confuse it",
)


@not_midline
@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside-others"])
@pytest.mark.parametrize("call", CALLS)
async def test_a_socket_closed_in_the_middle_of_a_call(
    world: World, context: Any, call: str, others: bool
) -> None:
    await close_at_each_line(
        world,
        lambda: world.socket(context, zmq.DEALER),
        CALLS[call],
        lambda socket: [socket.recv, lambda: socket.send(b"w")] if others else [],
    )


@not_midline
@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside-others"])
@pytest.mark.parametrize("call", ROUTED)
async def test_a_router_closed_in_the_middle_of_a_call(
    world: World, context: Any, call: str, others: bool
) -> None:
    peers: list[Any] = []
    numbers = itertools.count()  # of names: one of a closed socket is in use a little longer

    def half_full_router() -> Any:
        """One of its peers takes messages, the other one none."""
        while peers:
            peers.pop().close()
        router = world.socket(context, zmq.ROUTER, router_mandatory=True, sndhwm=1)
        endpoint = router.bind(f"inproc://full-{next(numbers)}")
        for name, most in ((b"open", 0), (b"full", 1)):
            peers.append(world.socket(context, zmq.DEALER, routing_id=name, rcvhwm=most))
            peers[-1].connect(endpoint)
        while router.send_nonblock(b"full", zmq.SNDMORE):
            router.send_nonblock(b"x")
        return router

    await close_at_each_line(
        world,
        half_full_router,
        ROUTED[call],
        lambda router: [
            router.recv_multipart,
            lambda: router.send_multipart([b"full", b"w"]),
            lambda: router.send_multipart([b"open", b"w"]),
        ][: 2 if others else 0],
    )
