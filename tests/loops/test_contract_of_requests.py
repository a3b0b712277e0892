"""The contract of `request` in every loop: many in flight, cancelled, late, refused, closed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from support import FACTOR
from worlds import NOTHING, World, awaitable, pair

import zmqlite as zmq

PATIENCE = 15_000 * FACTOR  # ms
KINDS = [zmq.DEALER, zmq.REQ]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=["DEALER", "REQ"])


async def served(world: World, context: Any, kind: int = zmq.DEALER) -> Any:
    """Return a ROUTER and a socket that is connected to it."""
    return pair(world, context, (zmq.ROUTER, kind))


async def echo(router: Any, times: int, prefix: bytes = b"re ") -> None:
    for _ in range(times):
        *envelope, body = await router.recv_multipart()
        await router.send_multipart([*envelope, prefix + body])


@each_kind
async def test_an_answer_has_the_shape_of_its_request(
    world: World, context: Any, kind: int
) -> None:
    router, client = await served(world, context, kind)
    server = world.spawn(echo, router, 3)
    assert await client.request(b"x", PATIENCE) == b"re x"
    assert await client.request([b"x"], timeout=PATIENCE) == [b"re x"]
    assert await client.request([b"x", b"y"], PATIENCE, retries=2) == [b"x", b"re y"]
    await server.join()


@each_kind
async def test_an_answer_of_several_parts_is_a_list(world: World, context: Any, kind: int) -> None:
    router, client = await served(world, context, kind)
    job = world.spawn(client.request, bytearray(b"x"), PATIENCE)
    envelope, body = await router.recv_envelope()
    await router.send_multipart([*envelope, body[0], b""])
    assert await job.join() == [b"x", b""]


async def test_a_router_may_leave_the_delimiter_out(world: World, context: Any) -> None:
    router, client = await served(world, context)
    job = world.spawn(client.request, b"x", PATIENCE)
    name, key, _, body = await router.recv_multipart()
    await router.send_multipart([name, key, body])
    assert await job.join() == b"x"


async def test_many_in_flight_are_answered_in_any_order(world: World, context: Any) -> None:
    router, client = await served(world, context)
    jobs = [world.spawn(client.request, b"%d" % n, PATIENCE) for n in range(1000)]
    questions = [await router.recv_multipart() for _ in jobs]
    for *envelope, body in questions[::2] + questions[:0:-2]:
        await router.send_multipart([*envelope, body * 2])
    assert [await job.join() for job in jobs] == [b"%d" % n * 2 for n in range(1000)]
    assert client.late_answers == 0


@pytest.mark.parametrize("cancelled", [0, 1, 2], ids=["reader", "second", "last"])
async def test_a_cancelled_request_costs_no_other_its_answer(
    world: World, context: Any, cancelled: int
) -> None:
    router, client = await served(world, context)
    jobs = []
    questions = []
    for number in range(3):
        jobs.append(world.spawn(client.request, b"%d" % number, PATIENCE))
        questions.append(await router.recv_multipart())
    await world.settle()
    jobs[cancelled].cancel()
    await jobs[cancelled].join()
    assert jobs[cancelled].cancelled
    for question in questions:
        await router.send_multipart(question)
    for number, job in enumerate(jobs):
        if number != cancelled:
            assert await job.join() == b"%d" % number
    server = world.spawn(echo, router, 1)
    assert await client.request(b"x", PATIENCE) == b"re x"
    await server.join()
    assert client.late_answers == 1


async def test_answers_that_come_twice_are_dropped_and_counted(world: World, context: Any) -> None:
    router, client = await served(world, context)
    for number in range(3):
        job = world.spawn(client.request, b"%d" % number, PATIENCE)
        question = await router.recv_multipart()
        for _ in range(2):
            await router.send_multipart(question)
        assert await job.join() == b"%d" % number
    server = world.spawn(echo, router, 1)
    assert await client.request(b"x", PATIENCE) == b"re x"
    await server.join()
    assert client.late_answers == 3


@each_kind
async def test_a_late_answer_is_not_taken_for_anothers(
    world: World, context: Any, kind: int
) -> None:
    router, client = await served(world, context, kind)
    with pytest.raises(zmq.NoAnswer) as raised:
        await client.request(b"late", 10, retries=1)
    assert raised.value.tries == 2
    assert raised.value.waited >= 18
    questions = [await router.recv_multipart() for _ in range(2)]
    job = world.spawn(client.request, b"next", PATIENCE)
    questions.append(await router.recv_multipart())
    for question in questions:
        await router.send_multipart(question)
    assert await job.join() == b"next"
    assert client.late_answers == (2 if kind == zmq.DEALER else 0)


@each_kind
async def test_an_answer_to_an_earlier_try_will_do(world: World, context: Any, kind: int) -> None:
    router, client = await served(world, context, kind)
    job = world.spawn(client.request, b"x", PATIENCE / 100, 99)
    first = await router.recv_multipart()
    second = await router.recv_multipart()
    assert first[-1] == second[-1] == b"x"
    await router.send_multipart(first if kind == zmq.DEALER else second)
    later = world.spawn(echo, router, 1000, b"")  # a REQ takes no other answer than the last one's
    assert await job.join() == b"x"
    later.cancel()
    await later.join()


async def test_a_receive_is_refused_meanwhile(world: World, context: Any) -> None:
    router, client = await served(world, context)
    job = world.spawn(client.request, b"x", PATIENCE)
    question = await router.recv_multipart()
    for call in (client.recv, client.recv_multipart, client.recv_nonblock, client.recv_json):
        with pytest.raises(zmq.StateError, match="requests are in flight"):
            await call()
    with pytest.raises(zmq.StateError, match="requests are in flight"):
        await client.__anext__()
    assert repr(getattr(client, "plain", client)).startswith("<zmqlite.")
    await client.send(b"plain")
    assert await router.recv_multipart() == [question[0], b"plain"]
    await router.send_multipart(question)
    assert await job.join() == b"x"
    await router.send_multipart([question[0], b"plain"])
    assert await client.recv() == b"plain"


async def test_a_request_is_refused_while_a_task_receives(world: World, context: Any) -> None:
    router, client = await served(world, context)
    receiver = world.spawn(client.recv)
    await world.waiting(client)
    with pytest.raises(zmq.StateError, match="a task waits to receive"):
        await client.request(b"x", PATIENCE)
    receiver.cancel()
    await receiver.join()
    server = world.spawn(echo, router, 1)
    assert await client.request(b"x", PATIENCE) == b"re x"
    await server.join()


async def test_requests_of_a_req_take_turns(world: World, context: Any) -> None:
    router, client = await served(world, context, zmq.REQ)
    jobs = []
    for number in range(5):
        jobs.append(world.spawn(client.request, b"%d" % number, PATIENCE))
        await world.settle()
    with pytest.raises(zmq.StateError, match="requests are in flight"):
        await client.send(b"x")
    jobs[1].cancel()  # it has not had its turn
    await jobs[1].join()
    assert (await router.recv_multipart())[-1] == b"0"
    jobs[0].cancel()  # it has; its answer never comes
    await jobs[0].join()
    server = world.spawn(echo, router, 3, b"")
    assert [await job.join() for job in jobs[2:]] == [b"2", b"3", b"4"]
    await server.join()


async def test_the_turn_counts_in_the_time(world: World, context: Any) -> None:
    _, client = await served(world, context, zmq.REQ)
    first = world.spawn(client.request, b"x", PATIENCE)
    await world.settle()
    with pytest.raises(zmq.NoAnswer, match="never sent") as raised:
        await client.request(b"y", 5, retries=1)
    assert raised.value.tries == 0
    first.cancel()
    await first.join()


@each_kind
async def test_nobody_is_connected_yet(world: World, context: Any, kind: int) -> None:
    """A bound socket without peers cannot send: that waits within the same time."""
    client = world.socket(context, kind)
    address = client.bind("inproc://later")
    with pytest.raises(zmq.NoAnswer, match="never sent"):
        await client.request(b"x", 5)
    job = world.spawn(client.request, b"x", PATIENCE)
    await world.settle()
    rep = world.socket(context, zmq.REP, connect=address)
    await rep.send(await rep.recv())
    assert await job.join() == b"x"


async def test_a_full_queue(world: World, context: Any) -> None:
    # room for answers: a ROUTER drops those that a full peer cannot take
    router = world.socket(context, zmq.ROUTER, rcvhwm=1, sndhwm=0)
    client = world.socket(context, zmq.DEALER, sndhwm=1, rcvhwm=0)
    client.connect(router.bind("inproc://full"))
    jobs = [world.spawn(client.request, b"%d" % n, PATIENCE) for n in range(20)]
    await world.settle()
    with pytest.raises(zmq.NoAnswer, match="never sent"):
        await client.request(b"x", 5)
    server = world.spawn(echo, router, 20, b"")
    assert [await job.join() for job in jobs] == [b"%d" % n for n in range(20)]
    await server.join()


@each_kind
async def test_closing_ends_what_is_in_flight(world: World, context: Any, kind: int) -> None:
    _, client = await served(world, context, kind)
    jobs = [world.spawn(client.request, b"x", PATIENCE) for _ in range(3)]
    await world.settle()
    client.close()
    for job in jobs:
        with pytest.raises(zmq.SocketClosed, match="request on"):
            await job.join()
    with pytest.raises(zmq.SocketClosed):
        await client.request(b"x")


async def test_the_end_of_the_context(world: World, context: Any) -> None:
    _, client = await served(world, context)
    jobs = [world.spawn(client.request, b"x") for _ in range(3)]
    await world.settle()
    context.shutdown()
    for job in jobs:
        with pytest.raises(zmq.ContextTerminated, match="request"):
            await job.join()


async def test_cancelled_from_outside(world: World, context: Any) -> None:
    router, client = await served(world, context)
    assert await world.within(0.01, client.request, b"x") is NOTHING
    server = world.spawn(echo, router, 2)
    assert await client.request(b"y", PATIENCE) == b"re y"
    await server.join()
    assert client.late_answers == 1


async def test_what_is_made_of_a_socket_with_a_request_is_no_part_of_it(
    world: World, context: Any
) -> None:
    """Its monitor's stream has messages of its own, and a second handle outlives the request."""
    server = world.socket(context, zmq.ROUTER)
    client = world.socket(context, zmq.DEALER)
    client.connect(server.bind("tcp://127.0.0.1:*"))
    request = world.spawn(client.request, b"question")
    asked = await server.recv_multipart()
    plain = getattr(client, "plain", client)
    other = copy.copy(plain)
    assert type(other) is plain._own_class
    with plain.monitor_events() as events:
        client.connect(server.bind("tcp://127.0.0.1:*"))
        following = getattr(events, "__anext__", None) or awaitable(events.__next__)
        event = await world.within(5 * FACTOR, following)
        assert event is not NOTHING
        assert event.event
    await server.send_multipart(asked)
    await request.join()
    assert other.poll(0) == 0 if plain is not client else await other.poll(0) == 0
    other.close()
    client.close()
    server.close()
