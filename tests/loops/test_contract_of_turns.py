"""The contract's second half: polls and pollers, whose turn it is, addressees, time limits."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import threading
import time
from typing import Any

import pytest
from pauses import MOST, SlowClock
from support import FACTOR, in_thread, needs_drafts
from worlds import NOTHING, World, narrow, pair

import zmqlite as zmq

PATIENCE = 10 * FACTOR


# -- polls ----------------------------------------------------------------------------------------


async def test_poll_of_a_socket(world: World, context: Any) -> None:
    first, second = pair(world, context)
    assert await second.poll(0) == 0
    assert await second.poll(1) == 0
    assert await second.poll(None, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLOUT
    polls = [world.spawn(second.poll) for _ in range(3)]
    await world.waiting(second, 3)
    await first.send(b"x")
    assert [await job.join() for job in polls] == [zmq.POLLIN] * 3  # all that look see it
    assert await second.poll(PATIENCE * 1000) == zmq.POLLIN
    assert await second.recv() == b"x"


async def test_a_poll_waits_for_room(world: World, context: Any) -> None:
    push, pull, count = await narrow(world, context)
    poll = world.spawn(push.poll, None, zmq.POLLOUT)
    await world.waiting(push)
    for _ in range(count):
        await pull.recv()
    assert await poll.join() == zmq.POLLOUT


def poller_of(world: World, *sockets: Any, events: int = zmq.POLLIN) -> Any:
    poller = world.poller()
    for socket in sockets:
        poller.register(socket, events)
    return poller


async def polling(world: World, poller: Any) -> Any:
    """Return a job that waits in the poller."""
    job = world.spawn(poller.poll, PATIENCE * 1000)
    await world.settle()
    assert not job.ended
    return job


async def test_a_poller_of_several(world: World, context: Any) -> None:
    pairs = [pair(world, context) for _ in range(5)]
    poller = poller_of(world, *(second for _, second in pairs))
    assert await poller.poll(0) == []
    assert await poller.poll(1) == []
    for first, second in pairs:
        job = await polling(world, poller)
        await first.send(b"x")
        assert await job.join() == [(second, zmq.POLLIN)]
        assert await second.recv() == b"x"
        assert await poller.poll(0) == []
    for first, _ in pairs:
        await first.send(b"y")
    assert {socket for socket, _ in await poller.poll()} == {second for _, second in pairs}


async def test_half_a_millisecond_is_meant_as_half_a_second(world: World, context: Any) -> None:
    _, second = pair(world, context)
    poller = poller_of(world, second)
    for poll in (second.poll, poller.poll):
        with pytest.warns(UserWarning, match=r"write poll\(500\)"):
            assert not await poll(0.5)
        assert not await poll(1.0)


async def test_a_poller_waits_for_room(world: World, context: Any) -> None:
    push, pull, count = await narrow(world, context)
    job = await polling(world, poller_of(world, push, events=zmq.POLLOUT))
    for _ in range(count):
        await pull.recv()
    assert await job.join() == [(push, zmq.POLLOUT)]


async def test_a_poller_of_a_thousand(world: World, context: Any) -> None:
    context.max_sockets = 1100
    pulls = [world.socket(context, zmq.PULL) for _ in range(1000)]
    poller = poller_of(world, *pulls)
    assert await poller.poll(0) == []
    for number in (0, 499, 999):
        push = world.socket(context, zmq.PUSH, connect=pulls[number].bind(f"inproc://{number}"))
        for _ in range(2):
            job = await polling(world, poller)
            await push.send(b"x")
            assert await job.join() == [(pulls[number], zmq.POLLIN)]
            assert await pulls[number].recv() == b"x"


async def test_news_that_another_call_has_taken_wakes_pollers(world: World, context: Any) -> None:
    """The descriptor is edge-triggered: a look at EVENTS silences it under all that wait."""
    first, second = pair(world, context)
    pollers = [poller_of(world, second) for _ in range(3)]
    for look in (
        lambda: second.get(zmq.EVENTS),
        second.readable,
        lambda: second.send_nonblock(b"x"),
        lambda: second.recv_nonblock(),
    ):
        jobs = [await polling(world, poller) for poller in pollers]
        jobs += [await polling(world, pollers[0])]  # two tasks may poll one poller
        first.send_nonblock(b"1")
        first.send_nonblock(b"2")
        look()
        for job in jobs:
            assert await job.join() == [(second, zmq.POLLIN)]
        assert set(await second.recv_many()) <= {b"1", b"2"}


async def test_a_poll_that_takes_the_news_wakes_what_else_waits(
    world: World, context: Any
) -> None:
    """Other tasks in the same poller, and a receive."""
    first, second = pair(world, context)
    poller, deaf = poller_of(world, second), poller_of(world, second, events=zmq.POLLERR)
    jobs = [await polling(world, poller) for _ in range(3)]
    first.send_nonblock(b"x")
    assert await poller.poll(0) == [(second, zmq.POLLIN)]
    for job in jobs:
        assert await job.join() == [(second, zmq.POLLIN)]
    assert await second.recv() == b"x"
    for _ in range(5):
        receive = world.spawn(second.recv)
        await world.waiting(second)
        first.send_nonblock(b"y")
        assert await deaf.poll(0) == []
        assert await receive.join() == b"y"


async def test_a_poller_that_comes_too_late_goes_on_waiting(world: World, context: Any) -> None:
    first, second = pair(world, context)
    job = await polling(world, poller_of(world, second))
    for _ in range(3):
        first.send_nonblock(b"x")
        assert second.recv_nonblock() == b"x"  # before the poller gets to run
        await world.settle()
        assert not job.ended
    await first.send(b"x")
    assert await job.join() == [(second, zmq.POLLIN)]


async def test_a_cancelled_poll_takes_nothing(world: World, context: Any) -> None:
    first, second = pair(world, context)
    poller = poller_of(world, second)
    jobs = [await polling(world, poller), world.spawn(second.poll)]
    await world.waiting(second)
    for job in jobs:
        job.cancel()
        await job.join()
        assert job.cancelled
    await first.send(b"x")
    assert await poller.poll() == [(second, zmq.POLLIN)]
    assert await second.recv() == b"x"


LATE = [(zmq.PULL, zmq.PUSH), pytest.param((zmq.SERVER, zmq.CLIENT), marks=needs_drafts)]


@pytest.mark.parametrize("kinds", LATE, ids=["PULL", "thread-safe"])
async def test_a_member_that_another_thread_registers(
    world: World, context: Any, kinds: Any
) -> None:
    """A poll that waits already hears of it, and of one that is unregistered."""
    world.debug()
    late, peer = pair(world, context, kinds)
    other = world.socket(context, zmq.PULL)
    poller = poller_of(world, other)
    poll = await polling(world, poller)
    await peer.send(b"x")
    in_thread(poller.register, late, zmq.POLLIN)()
    assert await poll.join() == [(late, zmq.POLLIN)]


async def test_a_closed_member_ends_the_poll(world: World, context: Any) -> None:
    _first, second = pair(world, context)
    job = await polling(world, poller_of(world, second))
    second.close()
    with pytest.raises(zmq.ZMQError):
        await job.join()


# -- whose turn it is -----------------------------------------------------------------------------


@pytest.mark.parametrize("floods", [1, 3])
async def test_a_flood_lets_others_run(world: World, context: Any, floods: int) -> None:
    """Producers and consumers that never have to wait, and a task that wants to run all the time:
    its pauses, in operations of a clock that no busy machine can falsify."""
    world.use_clock(SlowClock())
    done = [0] * floods

    async def produce(push: Any, number: int) -> None:
        while True:
            await push.send(b"x" * 16)
            done[number] += 1

    async def consume(pull: Any, number: int) -> None:
        while True:
            await pull.recv()
            done[number] += 1

    jobs = []
    for number in range(floods):
        push, pull = pair(world, context, (zmq.PUSH, zmq.PULL), hwm=0)
        jobs += [world.spawn(produce, push, number), world.spawn(consume, pull, number)]
    operations = []
    for _ in range(500):
        before = sum(done)
        await world.pause()
        operations.append(sum(done) - before)
    for job in jobs:
        job.cancel()
        await job.join()
    assert max(operations) <= MOST
    assert statistics.mean(operations) > 5, "a pass is used"
    assert min(done) > max(done) / 20, "none starves"


@pytest.mark.parametrize("call", ["recv", "recv_multipart", "iterate", "send", "poll"])
async def test_several_that_never_wait_share_alike(world: World, context: Any, call: str) -> None:
    """In messages after a number of passes of the loop: the first one does not use them up."""
    clock = SlowClock()
    clock.step = 10e-6  # the shares of a pass are large beside what a change of tasks takes
    world.use_clock(clock)
    done = [0] * 4

    async def use(number: int, push: Any, pull: Any) -> None:
        if call == "iterate":
            async for _ in pull:
                done[number] += 1
        while True:
            if call == "send":
                await push.send(b"x")
            elif call == "poll":
                await pull.poll()
            else:
                await getattr(pull, call)()
            done[number] += 1

    jobs = []
    for number in range(len(done)):
        push, pull = pair(world, context, (zmq.PUSH, zmq.PULL), hwm=0)
        await push.send_many([b"x"] * 4000)
        jobs.append(world.spawn(use, number, push, pull))
    for _ in range(100):
        await world.pause()
    counts = list(done)
    for job in jobs:
        job.cancel()
        await job.join()
    assert max(counts) < 4000
    assert sum(counts) > 100 * 20, "a pass is used"
    assert min(counts) > max(counts) / 2, counts


async def test_a_flood_lets_other_threads_run(world: World, context: Any) -> None:
    void = world.socket(context, zmq.PUB, bind="inproc://void")  # it never has to wait
    ticks, over = itertools.count(), threading.Event()

    def tick() -> int:
        while next(ticks) < 10 and not over.wait(0.005):
            pass
        return next(ticks)

    join = in_thread(tick)
    end = time.monotonic() + PATIENCE
    while join.thread.is_alive() and time.monotonic() < end:  # type: ignore[attr-defined]
        for _ in range(100):
            await void.send(b"x")
    over.set()
    assert join() > 10, "a loop that never waits keeps it out"


async def test_send_many_without_an_end_lets_others_run(world: World, context: Any) -> None:
    void = world.socket(context, zmq.PUB, bind="inproc://void")
    sender = world.spawn(void.send_many, itertools.repeat(b"x"))
    for _ in range(20):
        await world.pause()
    assert not sender.ended
    sender.cancel()
    await sender.join()
    assert sender.error.sent > 0  # type: ignore[union-attr]


# -- addressees -----------------------------------------------------------------------------------


async def star(world: World, context: Any, *names: bytes) -> Any:
    """Return a ROUTER that must deliver, its peers, and how many messages fill one of them."""
    router = world.socket(context, zmq.ROUTER, router_mandatory=1, sndhwm=1, bind="inproc://star")
    peers = {}
    for name in names:
        peers[name] = world.socket(context, zmq.DEALER, routing_id=name, rcvhwm=1)
        peers[name].connect("inproc://star")
        await peers[name].send(b"hello")
        assert await router.recv_multipart() == [name, b"hello"]
    return router, peers


async def fill(router: Any, name: bytes) -> int:
    """Send to a peer until it is full; return how many messages that took."""
    count = 0
    with contextlib.suppress(zmq.Again):
        while True:
            await router.send_multipart([name, b"full"], zmq.DONTWAIT)
            count += 1
    return count


async def test_a_full_peer_holds_up_only_what_is_for_it(world: World, context: Any) -> None:
    router, peers = await star(world, context, b"full", b"open")
    count = await fill(router, b"full")
    jobs = []
    for number in range(20):
        jobs.append(world.spawn(router.send_multipart, [b"full", b"%d" % number]))
        await world.waiting(router, number + 1)
    for number in range(5):
        await router.send_multipart([b"open", b"%d" % number])
        assert await peers[b"open"].recv() == b"%d" % number
    assert not any(job.ended for job in jobs)
    got = [await peers[b"full"].recv() for _ in range(count + 20)]
    assert got[count:] == [b"%d" % number for number in range(20)]
    for job in jobs:
        await job.join()
    assert not world.binding(router).waiting


async def test_each_of_several_full_peers_has_its_messages_in_order(
    world: World, context: Any
) -> None:
    names = [b"a", b"b", b"c"]
    router, peers = await star(world, context, *names)
    counts = {name: await fill(router, name) for name in names}
    jobs = []
    for number in range(30):
        jobs.append(world.spawn(router.send_multipart, [names[number % 3], b"%d" % number]))
        await world.waiting(router, number + 1)
    for number in (7, 12):
        jobs[number].cancel()
        await jobs[number].join()
    for place, name in reversed(list(enumerate(names))):  # the last one has room first
        wanted = [b"%d" % n for n in range(place, 30, 3) if n not in (7, 12)]
        got = [await peers[name].recv() for _ in range(counts[name] + len(wanted))]
        assert got[counts[name] :] == wanted
    for job in jobs:
        await job.join()
    assert [n for n, job in enumerate(jobs) if job.cancelled] == [7, 12]


async def test_a_peer_that_goes_fails_what_waits_for_it(world: World, context: Any) -> None:
    """Though no other peer has room, so that the socket does not become writable."""
    router, peers = await star(world, context, b"going", b"full")
    for name in peers:
        await fill(router, name)
    jobs = [world.spawn(router.send_multipart, [b"going", b"x"]) for _ in range(2)]
    kept = world.spawn(router.send_multipart, [b"full", b"x"])
    await world.waiting(router, 3)
    peers[b"going"].close()
    for job in jobs:
        with pytest.raises(zmq.HostUnreachable):
            await job.join()
    assert not kept.ended
    kept.cancel()
    await kept.join()


async def test_a_message_does_not_begin_in_the_middle_of_another(
    world: World, context: Any
) -> None:
    """Sent part by part by a task, while another waits for a full peer that has room then."""
    router, peers = await star(world, context, b"full", b"open")
    count = await fill(router, b"full")
    job = world.spawn(router.send_multipart, [b"full", b"x", b"y"])
    await world.waiting(router)
    await router.send(b"open", zmq.SNDMORE)
    for _ in range(count):
        assert await peers[b"full"].recv_multipart() == [b"full"]
    await world.settle()
    await router.send(b"1", zmq.SNDMORE)
    await world.settle()
    await router.send(b"2")
    assert await peers[b"open"].recv_multipart() == [b"1", b"2"]
    assert await peers[b"full"].recv_multipart() == [b"x", b"y"]
    await job.join()


# -- time limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["recv", "recv_string", "recv_multipart", "recv_many"])
@pytest.mark.parametrize("limit", [0, 20])
async def test_rcvtimeo(world: World, context: Any, call: str, limit: int) -> None:
    pull = world.socket(context, zmq.PULL, rcvtimeo=limit)
    start = time.monotonic()
    with pytest.raises(zmq.Again):
        await getattr(pull, call)()
    assert limit / 1000 - 0.001 < time.monotonic() - start < PATIENCE
    pull.rcvtimeo = -1
    with pytest.raises(zmq.Again):
        await getattr(pull, call)(flags=zmq.DONTWAIT)


async def test_rcvtimeo_ends_an_iteration(world: World, context: Any) -> None:
    pull = world.socket(context, zmq.PULL, rcvtimeo=5)
    with pytest.raises(zmq.Again, match="RCVTIMEO of 5 ms"):
        await pull.__aiter__().__anext__()


@pytest.mark.parametrize("limit", [0, 20])
async def test_sndtimeo(world: World, context: Any, limit: int) -> None:
    push, pull, count = await narrow(world, context)
    push.sndtimeo = limit
    start = time.monotonic()
    with pytest.raises(zmq.Again, match="SNDTIMEO of 20 ms" if limit else None):
        await push.send(b"x")
    assert limit / 1000 - 0.001 < time.monotonic() - start < PATIENCE
    with pytest.raises(zmq.Again):
        await push.send_multipart([b"x", b"y"])
    with pytest.raises(zmq.Again) as caught:
        await push.send_many([b"x"])
    assert caught.value.sent == 0  # type: ignore[attr-defined]
    push.sndtimeo = -1
    with pytest.raises(zmq.Again):
        await push.send(b"x", zmq.DONTWAIT)
    assert await push.send_many([b"x"], zmq.DONTWAIT) == 0
    assert await pull.recv_many() == [b"full"] * count


async def test_wait_peers(world: World, context: Any) -> None:
    first = world.socket(context, zmq.DEALER)
    address = first.bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.Again):
        await first.wait_peers(1, timeout=1)
    wait = world.spawn(first.wait_peers, 2, PATIENCE * 1000)
    peers = [world.socket(context, zmq.DEALER, connect=address) for _ in range(2)]
    assert await wait.join() == 2
    for peer in peers:
        assert await peer.wait_peers(1, timeout=PATIENCE * 1000) == 1
    assert await world.within(0.01, first.wait_peers, 3) is NOTHING


@needs_drafts
async def test_thread_safe_types(world: World, context: Any) -> None:
    """They have no descriptor for a loop to watch; they wait, keep order and end all the same."""
    server, client = pair(world, context, (zmq.SERVER, zmq.CLIENT), rcvhwm=2, sndhwm=2)
    got = []

    async def receive() -> None:
        while len(got) < 500:
            got.append(await server.recv())

    async def send() -> None:
        for number in range(500):
            await client.send(b"%d" % number)

    jobs = [world.spawn(receive)]
    await world.waiting(server)
    jobs.append(world.spawn(send))
    for job in jobs:
        await job.join()
    assert got == [b"%d" % number for number in range(500)]
    last = world.spawn(server.recv)
    await world.waiting(server)
    server.close()
    await last.over.wait()
    assert isinstance(last.error, world.CLOSED)
