"""The contract of `Proxy` in every loop: what it moves, pauses, refuses and ends with."""

from __future__ import annotations

from typing import Any

import pytest
from support import FACTOR, needs_drafts
from worlds import World, awaitable

import zmqlite as zmq

PATIENCE = 15_000 * FACTOR  # ms


class Awaited:
    """A proxy of any loop, whose waits can be awaited."""

    def __init__(self, world: World, *sides: Any) -> None:
        plain = world.module.Proxy(*(getattr(side, "plain", side) for side in sides))
        self.plain = plain
        green = world.name == "gevent"
        self.wait = awaitable(plain.wait) if green else plain.wait
        self.stop = awaitable(plain.stop) if green else plain.stop

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


def line(world: World, context: Any, kinds: Any = (zmq.ROUTER, zmq.DEALER)) -> Any:
    """Return two sockets for a proxy, and the outer ones: those that ask and answer."""
    front, back = (world.socket(context, kind) for kind in kinds)
    outer = {zmq.ROUTER: (zmq.DEALER, zmq.REP), zmq.PULL: (zmq.PUSH, zmq.PULL)}[kinds[0]]
    ask = world.socket(context, outer[0], connect=front.bind(f"inproc://front-{id(front):x}"))
    answer = world.socket(context, outer[1], connect=back.bind(f"inproc://back-{id(back):x}"))
    return front, back, ask, answer


async def test_it_moves_both_ways(world: World, context: Any) -> None:
    front, back, ask, answer = line(world, context)
    proxy = Awaited(world, front, back)
    proxy.start()
    for number in range(300):
        await ask.send_multipart([b"", b"%d" % number])
    for _ in range(300):
        await answer.send(await answer.recv())
    got = [(await ask.recv_multipart())[1] for _ in range(300)]
    assert got == [b"%d" % number for number in range(300)]
    assert proxy.running
    counts = proxy.statistics()
    assert (counts.frontend_received, counts.backend_sent) == (300, 300)
    assert (counts.backend_received, counts.frontend_sent) == (300, 300)
    assert counts.frontend_received_bytes == counts.backend_sent_bytes > 300
    await proxy.stop()
    assert not proxy.running
    assert proxy.statistics() == counts
    await ask.send_multipart([b"", b"ours again"])
    assert (await front.recv_multipart())[2] == b"ours again"


async def test_requests_through_it(world: World, context: Any) -> None:
    front, back, ask, answer = line(world, context)
    proxy = Awaited(world, front, back)
    proxy.start()

    async def serve() -> None:
        for _ in range(100):
            await answer.send(await answer.recv())

    server = world.spawn(serve)
    jobs = [world.spawn(ask.request, b"%d" % number, PATIENCE) for number in range(100)]
    assert [await job.join() for job in jobs] == [b"%d" % number for number in range(100)]
    await server.join()
    await proxy.stop()


async def test_a_pause_loses_nothing(world: World, context: Any) -> None:
    front, back, source, sink = line(world, context, (zmq.PULL, zmq.PUSH))
    proxy = Awaited(world, front, back)
    proxy.start()
    for turn in range(3):
        await source.send(b"%d" % turn)
        assert await sink.recv() == b"%d" % turn
        proxy.pause()
        assert proxy.paused
        moved = proxy.statistics()
        for number in range(50):
            await source.send(b"%d" % number)
        await world.settle()
        assert not sink.readable()
        assert proxy.statistics() == moved
        proxy.resume()
        assert [await sink.recv() for _ in range(50)] == [b"%d" % n for n in range(50)]
    proxy.pause()
    await source.send(b"left")
    await world.settle()
    await proxy.stop()
    assert await front.recv() == b"left"


async def test_a_capture_gets_a_copy(world: World, context: Any) -> None:
    front, back, source, sink = line(world, context, (zmq.PULL, zmq.PUSH))
    capture = world.socket(context, zmq.PUSH)
    copies = world.socket(context, zmq.PULL, connect=capture.bind(f"inproc://{id(capture):x}"))
    proxy = Awaited(world, front, back, capture)
    proxy.start()
    await source.send_multipart([b"a", b"", b"b"])
    assert await sink.recv_multipart() == await copies.recv_multipart() == [b"a", b"", b"b"]
    await proxy.stop()


async def test_other_uses_are_refused(world: World, context: Any) -> None:
    front, back, ask, _ = line(world, context)
    waiting = world.spawn(front.recv)
    await world.waiting(front)
    proxy = Awaited(world, front, back)
    with pytest.raises(zmq.StateError, match="a task receives"):
        proxy.start()
    waiting.cancel()
    await waiting.join()
    proxy = Awaited(world, front, back)
    with pytest.raises(zmq.StateError, match="was not started"):
        await proxy.wait(1)
    await proxy.stop()
    proxy.start()
    for call in (front.recv, back.recv_multipart, front.recv_nonblock):
        with pytest.raises(zmq.StateError, match="a proxy has this socket"):
            await call()
    for call in (front.send, back.send):
        with pytest.raises(zmq.StateError, match="a proxy has this socket"):
            await call(b"x")
    with pytest.raises(zmq.StateError, match="starts once"):
        proxy.start()
    with pytest.raises(zmq.StateError, match="another proxy"):
        Awaited(world, front, back).start()
    assert not await proxy.wait(1)
    await proxy.stop()
    await ask.send(b"x")
    assert (await front.recv_multipart())[1] == b"x"


async def test_it_ends_with_its_sockets(world: World, context: Any) -> None:
    front, back, _, _ = line(world, context)
    proxy = Awaited(world, front, back)
    proxy.start()
    await world.settle()
    front.close()
    assert await proxy.wait(PATIENCE)
    assert back.closed
    await proxy.stop()


async def test_it_ends_with_its_context(world: World, context: Any) -> None:
    front, back, _, _ = line(world, context)
    proxy = Awaited(world, front, back)
    proxy.start()
    await world.settle()
    context.shutdown()
    assert await proxy.wait(PATIENCE)
    assert front.closed
    assert back.closed
    await proxy.stop()


async def test_stopped_before_its_first_step(world: World, context: Any) -> None:
    front, back, ask, _ = line(world, context)
    proxy = Awaited(world, front, back)
    proxy.start()
    await proxy.stop()
    await ask.send(b"x")
    assert (await front.recv_multipart())[1] == b"x"


@needs_drafts
@pytest.mark.parametrize("at", ["backend", "capture"])
async def test_an_error_inside_is_raised(world: World, context: Any, at: str) -> None:
    """A CLIENT takes no message of several parts. The error ends the proxy, and is told once."""
    front, back, source, _ = line(world, context, (zmq.PULL, zmq.PUSH))
    odd = world.socket(context, zmq.CLIENT)
    world.socket(context, zmq.SERVER, bind=f"inproc://odd-{id(odd):x}")
    odd.connect(f"inproc://odd-{id(odd):x}")
    proxy = Awaited(world, front, odd) if at == "backend" else Awaited(world, front, back, odd)
    proxy.start()
    await source.send_multipart([b"a", b"b"])
    with pytest.raises(zmq.ZMQError, match="CLIENT socket"):
        await proxy.wait(PATIENCE)
    assert not proxy.running
    assert proxy.statistics() == (0,) * 8
    assert await proxy.wait(PATIENCE)
    await proxy.stop()
    await source.send(b"ours again")
    assert await front.recv() == b"ours again"
    proxy = Awaited(world, front, odd) if at == "backend" else Awaited(world, front, back, odd)
    proxy.start()
    await source.send_multipart([b"a", b"b"])
    while proxy.running:
        await world.pause()
    with pytest.raises(zmq.ZMQError, match="CLIENT socket"):
        await proxy.stop()


async def test_sides_that_can_only_send_wait_until_they_are_stopped(
    world: World, context: Any
) -> None:
    front = world.socket(context, zmq.PUSH, bind=f"inproc://a-{id(context):x}")
    back = world.socket(context, zmq.PUSH, bind=f"inproc://b-{id(context):x}")
    proxy = Awaited(world, front, back)
    proxy.start()
    assert await proxy.wait(50) is False  # for what never comes
    await proxy.stop()


async def test_what_waits_for_room_is_not_counted(world: World, context: Any) -> None:
    front = world.socket(context, zmq.PULL)
    back = world.socket(context, zmq.PUSH, bind=f"inproc://b-{id(context):x}")
    source = world.socket(context, zmq.PUSH, connect=front.bind(f"inproc://a-{id(context):x}"))
    proxy = Awaited(world, front, back)
    proxy.start()
    await source.send_multipart([b"12345", b"678"])
    await world.settle()
    assert proxy.statistics() == (0,) * 8
    sink = world.socket(context, zmq.PULL, connect=f"inproc://b-{id(context):x}")
    assert await sink.recv_multipart() == [b"12345", b"678"]
    await proxy.stop()
    assert proxy.statistics() == (1, 8, 0, 0, 0, 0, 1, 8)


async def test_it_makes_sockets_of_addresses(world: World, context: Any) -> None:
    proxy = Awaited(
        world,
        ("ROUTER", "tcp://127.0.0.1:*"),
        (zmq.DEALER, ["tcp://127.0.0.1:*"], {"rcvhwm": 10}),
    )
    proxy.start()
    (front,), (back,) = proxy.endpoints
    ask = world.socket(context, zmq.REQ, connect=front)
    answer = world.socket(context, zmq.REP, connect=back)
    job = world.spawn(ask.request, b"x", PATIENCE)
    await answer.send(await answer.recv())
    assert await job.join() == b"x"
    await proxy.stop()
