"""A full peer holds up nobody who sends to another one; each peer's messages keep their order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR, awaiting, needs_drafts, turns

import zmqlite as zmq
import zmqlite.asyncio as azmq

LIMIT = 10 * FACTOR


@pytest.fixture
def star(actx: Any) -> Callable[..., Any]:
    """A maker of a ROUTER that must deliver, and of peers that have little room."""

    async def make(*names: bytes, at: str = "inproc://star", **options: Any) -> Any:
        router = actx.socket(
            zmq.ROUTER, router_mandatory=1, sndhwm=2, rcvhwm=100, linger=0, **options
        )
        address = router.bind(at)
        peers = {}
        for name in names:
            peer = actx.socket(zmq.DEALER, routing_id=name, rcvhwm=2, linger=0)
            peer.connect(address)
            await peer.send(b"hello")
            await router.recv_multipart()
            peers[name] = peer
        return router, peers

    return make


async def fill(router: Any, name: bytes) -> int:
    """Send to a peer until it is full; return how many messages that took."""
    for number in itertools.count():
        try:
            await router.send_multipart([name, b"fill"], zmq.DONTWAIT)
        except zmq.Again:
            return number
    raise AssertionError


async def received(peer: Any, count: int) -> list[Any]:
    return [(await asyncio.wait_for(peer.recv_multipart(), LIMIT))[-1] for _ in range(count)]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_full_peer_does_not_hold_up_the_others(run_both: Any, star: Any, awaited: bool) -> None:
    async def main() -> None:
        router, peers = await star(b"full", b"idle", b"late")
        filled = await fill(router, b"full")
        blocked: Any = router.send_multipart([b"full", b"last"])
        if awaited:
            blocked = asyncio.ensure_future(awaiting(blocked))
        await turns()
        for number in range(5):
            send = router.send_multipart([b"idle", b"%d" % number])
            assert await asyncio.wait_for(send, LIMIT) is None
            assert await received(peers[b"idle"], 1) == [b"%d" % number]
        others = [router.send_multipart([b"late", b"1"])]
        others += [router.send(b"late", zmq.SNDMORE), router.send(b"2")]
        assert await received(peers[b"late"], 2) == [b"1", b"2"]
        assert all(future.done() for future in others)
        assert not blocked.done()
        assert await received(peers[b"full"], filled + 1) == [b"fill"] * filled + [b"last"]
        await asyncio.wait_for(blocked, LIMIT)
        assert not router._binding.waiting

    run_both(main())


def test_each_peer_has_its_messages_in_order(run_both: Any, star: Any) -> None:
    """Sends to several full peers, not awaited, awaited, cancelled, served as there is room."""

    async def main() -> None:
        names = [b"a", b"b", b"c"]
        router, peers = await star(*names)
        filled = {name: await fill(router, name) for name in names}
        sends, cancelled = [], set()
        for number in range(60):
            name = names[number % 3]
            future = router.send_multipart([name, b"%d" % number])
            if number % 7 == 0:
                future = asyncio.ensure_future(awaiting(future))
                await turns()
            if number % 5 == 0:
                await turns()
                future.cancel()
                cancelled.add(number)
            sends.append(future)
        for offset, name in reversed(list(enumerate(names))):  # the last one has room first
            wanted = [b"%d" % number for number in range(offset, 60, 3) if number not in cancelled]
            got = await received(peers[name], filled[name] + len(wanted))
            assert got[filled[name] :] == wanted
        await asyncio.wait(sends, timeout=LIMIT)
        assert {n for n, future in enumerate(sends) if future.cancelled()} == cancelled
        for peer in peers.values():
            assert await peer.poll(10) == 0

    run_both(main())


@pytest.mark.parametrize("awaited", [False, True])
def test_a_message_in_parts_that_waits_stays_in_one_piece(
    run_both: Any, star: Any, awaited: bool
) -> None:
    """Others pass it, in parts themselves, and none of their parts gets into it."""

    async def main() -> None:
        router, peers = await star(b"full", b"idle")
        filled = await fill(router, b"full")

        async def send_parts() -> None:
            await router.send(b"full", zmq.SNDMORE)
            await asyncio.sleep(0.001)
            await router.send(b"one", zmq.SNDMORE)
            await asyncio.sleep(0.001)
            await router.send(b"two")

        if awaited:
            first: Any = asyncio.ensure_future(send_parts())
            await turns()
        else:
            parts = [router.send(b"full", 2), router.send(b"one", 2), router.send(b"two")]
            first = asyncio.gather(*parts)
        assert not first.done()
        for _ in range(3):
            if awaited:
                await router.send(b"idle", zmq.SNDMORE)
                await turns()  # the other one is tried meanwhile, if someone is not careful
                await peers[b"full"].poll(1)
                await router.send(b"x", zmq.SNDMORE)
                await router.send(b"y")
            else:
                await asyncio.wait_for(router.send_multipart([b"idle", b"x", b"y"]), LIMIT)
            got = await asyncio.wait_for(peers[b"idle"].recv_multipart(), LIMIT)
            assert got == [b"x", b"y"]
        assert await received(peers[b"full"], filled) == [b"fill"] * filled
        got = await asyncio.wait_for(peers[b"full"].recv_multipart(), LIMIT)
        assert got == [b"one", b"two"]
        await asyncio.wait_for(first, LIMIT)

    run_both(main())


def test_a_part_waits_for_its_turn_behind_the_first(run: Any, star: Any) -> None:
    """The turn is over in the middle of a message; the peer that others wait for has room then."""

    async def main() -> None:
        router, peers = await star(b"full", b"idle")
        filled = await fill(router, b"full")
        blocked = router.send_multipart([b"full", b"last"])
        azmq.set_fairness(count=1)
        await turns()
        parts = [router.send(b"idle", zmq.SNDMORE), router.send(b"x", zmq.SNDMORE)]
        parts += [router.send(b"y"), router.send_multipart([b"idle", b"z"])]
        got = received(peers[b"full"], filled + 1)
        assert await asyncio.wait_for(got, LIMIT) == [b"fill"] * filled + [b"last"]
        assert await asyncio.wait_for(peers[b"idle"].recv_multipart(), LIMIT) == [b"x", b"y"]
        assert await asyncio.wait_for(peers[b"idle"].recv_multipart(), LIMIT) == [b"z"]
        await asyncio.wait_for(asyncio.gather(blocked, *parts), LIMIT)

    run(main())


@pytest.mark.parametrize("kind", [list, iter])
def test_a_batch_passes_and_is_passed(run_both: Any, star: Any, kind: Any) -> None:
    async def main() -> None:
        router, peers = await star(b"full", b"idle")
        filled = await fill(router, b"full")
        blocked = router.send_multipart([b"full", b"0"])
        batch = router.send_many(
            kind([[b"idle", b"1"], [b"idle", b"2"], [b"full", b"3"], [b"idle", b"4"]])
        )
        assert await received(peers[b"idle"], 2) == [b"1", b"2"]
        assert batch.sent == 2
        after = router.send_multipart([b"full", b"5"])  # behind the batch, which is at this peer
        assert await asyncio.wait_for(router.send_multipart([b"idle", b"6"]), LIMIT) is None
        assert await received(peers[b"idle"], 1) == [b"6"]
        got = await received(peers[b"full"], filled + 3)
        assert got[filled:] == [b"0", b"3", b"5"]
        assert await received(peers[b"idle"], 1) == [b"4"]
        assert await asyncio.wait_for(batch, LIMIT) == 4
        await asyncio.wait_for(asyncio.gather(blocked, after), LIMIT)

    run_both(main())


def test_what_the_iterable_of_a_batch_raises_comes_in_its_turn(run: Any, star: Any) -> None:
    """Though it was asked for the next message before that was its turn."""

    async def main() -> None:
        router, peers = await star(b"full", b"idle")
        filled = await fill(router, b"full")
        blocked = router.send_multipart([b"full", b"0"])

        def failing() -> Any:
            yield [b"idle", b"1"]
            yield [b"full", b"2"]
            raise zmq.Again

        batch = router.send_many(failing())
        assert await received(peers[b"idle"], 1) == [b"1"]
        assert await received(peers[b"full"], filled + 2) == [b"fill"] * filled + [b"0", b"2"]
        with pytest.raises(zmq.Again) as caught:
            await asyncio.wait_for(batch, LIMIT)
        assert caught.value.sent == 2
        with pytest.raises(KeyError):
            await router.send_many(_raise() for _ in range(3))
        await blocked

    run(main())


def _raise() -> bytes:
    raise KeyError


def test_a_peer_that_goes_fails_what_waits_for_it(run_both: Any, star: Any) -> None:
    async def main() -> None:
        router, peers = await star(b"full", b"other")
        await fill(router, b"other")
        await fill(router, b"full")
        kept = router.send_multipart([b"other", b"x"])
        blocked = [router.send_multipart([b"full", b"%d" % number]) for number in range(3)]
        with pytest.raises(zmq.HostUnreachable):
            await router.send_multipart([b"stranger", b"x"])
        peers[b"full"].close()
        await asyncio.wait(blocked, timeout=LIMIT)
        assert all(isinstance(future.exception(), zmq.HostUnreachable) for future in blocked)
        assert not kept.done()

    run_both(main())


@needs_drafts
def test_a_server_serves_its_other_clients(run_both: Any, actx: Any) -> None:
    async def main() -> None:
        server = actx.socket(zmq.SERVER, sndhwm=2, linger=0, bind="inproc://server")
        full, idle = (actx.socket(zmq.CLIENT, rcvhwm=2, linger=0) for _ in range(2))
        ids = []
        for client in (full, idle):
            client.connect("inproc://server")
            await client.send(b"hello")
            ids.append((await server.recv(copy=False)).routing_id)
        count = 0
        with contextlib.suppress(zmq.Again):
            while True:
                await server.send(b"fill", zmq.DONTWAIT, routing_id=ids[0])
                count += 1
        blocked = server.send(b"last", routing_id=ids[0])
        await turns()
        assert await asyncio.wait_for(server.send(b"x", routing_id=ids[1]), LIMIT) is None
        assert await asyncio.wait_for(idle.recv(), LIMIT) == b"x"
        assert not blocked.done()
        for _ in range(count):
            assert await asyncio.wait_for(full.recv(), LIMIT) == b"fill"
        assert await asyncio.wait_for(full.recv(), LIMIT) == b"last"
        await asyncio.wait_for(blocked, LIMIT)

    run_both(main())


def test_no_spinning_and_no_slowness_while_many_wait(run_both: Any, star: Any) -> None:
    async def main() -> None:
        router, peers = await star(b"full", b"idle")
        await fill(router, b"full")
        blocked = [router.send_multipart([b"full", b"%d" % number]) for number in range(5000)]
        await turns()
        start = time.thread_time()
        await asyncio.sleep(0.3)  # time is the subject: what waits uses none
        assert time.thread_time() - start < 0.1 * FACTOR
        start = time.thread_time()
        for _ in range(1000):
            await router.send_multipart([b"idle", b"x"])
            await peers[b"idle"].recv()
        assert time.thread_time() - start < 2 * FACTOR
        for future in blocked:
            future.cancel()
        await turns()
        assert not router._binding.waiting

    run_both(main())
