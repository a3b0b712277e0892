"""The contract of zmqlite's event-loop sockets, stated once and kept by every loop: calls, order,
cancelling, the end. Polls, fairness, routers and time limits: test_contract_of_turns.py.

Each test is a coroutine that is run in asyncio, uvloop, trio and gevent (worlds.py), and after
which nothing may be left (conftest.py). What is special to one loop stands beside the loop's other
tests; what a machine under load brings to light stands in tests/aio/test_stress.py and the like.
"""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import Source, in_thread, wait_until
from worlds import NOTHING, World, narrow, pair

import zmqlite as zmq

# -- the calls ------------------------------------------------------------------------------------

CALLS: list[tuple[str, tuple[Any, ...], str, tuple[Any, ...], Any]] = [
    ("send", (b"x",), "recv", (), b"x"),
    ("send", (bytearray(b"x"),), "recv", (), b"x"),
    ("send", (b"x" * 100_000,), "recv", (), b"x" * 100_000),
    ("send_multipart", ([b"a", b"b"],), "recv_multipart", (), [b"a", b"b"]),
    ("send_string", ("caf\xe9\udcff",), "recv_string", (), "caf\xe9\udcff"),
    ("send_strings", (["a", "b"],), "recv_strings", (), ["a", "b"]),
    ("send_json", ({"a": [1]},), "recv_json", (), {"a": [1]}),
    ("send_pyobj", ({1: b"x"},), "recv_pyobj", (), {1: b"x"}),
    ("send_serialized", (7, lambda n: [b"%d" % n]), "recv_serialized", (lambda p: int(p[0]),), 7),
    ("send_multipart", ([b"id", b"", b"x"],), "recv_envelope", (), ([b"id", b""], [b"x"])),
    ("send_many", ([b"a", [b"b", b"c"]],), "recv_many", (), [b"a", b"b", b"c"]),
]


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "suspended"])
@pytest.mark.parametrize(("send", "given", "recv", "taken", "value"), CALLS)
async def test_calls(
    world: World, context: Any, send: str, given: Any, recv: str, taken: Any, value: Any,
    waits: bool,
) -> None:  # fmt: skip
    first, second = pair(world, context)
    if waits:
        receiver = world.spawn(getattr(second, recv), *taken)
        await world.waiting(second)
    await getattr(first, send)(*given)
    if not waits:
        receiver = world.spawn(getattr(second, recv), *taken)
    assert await receiver.join() == value


@pytest.mark.parametrize("call", ["send", "send_multipart", "send_many"])
async def test_a_send_waits_for_room(world: World, context: Any, call: str) -> None:
    push, pull, count = await narrow(world, context)
    sender = world.spawn(getattr(push, call), b"x" if call == "send" else [b"x"])
    await world.waiting(push)
    got = [await pull.recv() for _ in range(count + 1)]
    await sender.join()
    assert got == [b"full"] * count + [b"x"]


async def test_receivers_are_served_in_order(world: World, context: Any) -> None:
    first, second = pair(world, context)
    jobs = []
    for number in range(20):
        jobs.append(world.spawn(second.recv))
        await world.waiting(second, number + 1)
    await first.send_many([b"%d" % number for number in range(20)])
    assert [await job.join() for job in jobs] == [b"%d" % number for number in range(20)]


async def test_senders_are_served_in_order(world: World, context: Any) -> None:
    push, pull, count = await narrow(world, context)
    jobs = []
    for number in range(20):
        jobs.append(world.spawn(push.send, b"%d" % number))
        await world.waiting(push, number + 1)
    got = [await pull.recv() for _ in range(count + 20)]
    assert got[count:] == [b"%d" % number for number in range(20)]
    for job in jobs:
        await job.join()


async def test_a_woken_receiver_is_not_overtaken(world: World, context: Any) -> None:
    first, second = pair(world, context)
    job = world.spawn(second.recv)
    await world.waiting(second)
    await first.send_many([b"1", b"2"])
    assert await second.recv() == b"2"
    assert await job.join() == b"1"


async def test_send_many_draws_as_it_sends(world: World, context: Any) -> None:
    push, pull = pair(world, context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
    source = Source([b"x", b"y"])
    sender = world.spawn(push.send_many, source)
    await world.waiting(push)
    assert source.drawn == 21
    for _ in range(1000):
        assert await pull.recv_multipart() == [b"x", b"y"]
    while source.drawn < 1021:
        await world.pause()
    await world.waiting(push)
    sender.cancel()
    await sender.join()
    assert sender.cancelled
    assert source.drawn == 1021
    assert sender.error.sent == 1020  # type: ignore[union-attr]
    assert len(await pull.recv_many(multipart=True)) == 20


@pytest.mark.parametrize("error", [KeyError, zmq.Again])
@pytest.mark.parametrize("hwm", [2, 1000])
async def test_an_exception_of_what_send_many_draws(
    world: World, context: Any, error: Any, hwm: int
) -> None:
    push, pull = pair(world, context, (zmq.PUSH, zmq.PULL), sndhwm=hwm, rcvhwm=hwm)

    def failing() -> Iterator[bytes]:
        for number in range(20):
            yield b"%d" % number
        raise error

    sender = world.spawn(push.send_many, failing())
    for number in range(20):
        assert await pull.recv() == b"%d" % number
    with pytest.raises(error):
        await sender.join()
    assert sender.error.sent == 20  # type: ignore[union-attr]


async def test_using_a_socket_takes_no_news_from_a_receiver(world: World, context: Any) -> None:
    """Its descriptor is edge-triggered: any call may silence it under a task that waits."""
    first, second = pair(world, context)
    uses: list[Callable[[], Any]] = [
        lambda: second.get(zmq.EVENTS),
        lambda: second.events,
        second.readable,
        lambda: second.send_nonblock(b"x"),
        lambda: second.bind("inproc://more"),
    ]
    for use in uses:
        job = world.spawn(second.recv)
        await world.waiting(second)
        first.send_nonblock(b"news")
        use()
        assert await job.join() == b"news"


async def test_connect_wakes_a_sender(world: World, context: Any) -> None:
    push, pull = (world.socket(context, kind) for kind in (zmq.PUSH, zmq.PULL))
    pull.bind("inproc://late")
    sender = world.spawn(push.send, b"x")
    await world.waiting(push)
    push.connect("inproc://late")
    await sender.join()
    assert await pull.recv() == b"x"


# -- cancelling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["inproc://moments", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("call", ["recv", "recv_string", "recv_multipart", "recv_many"])
async def test_a_cancelled_receive_took_no_message(
    world: World, context: Any, call: str, transport: str
) -> None:
    """The message comes at each of some passes, the cancellation at each of some others."""
    pull, push = (world.socket(context, kind, hwm=0) for kind in (zmq.PULL, zmq.PUSH))
    push.connect(pull.bind(transport))
    got: list[int] = []
    sent = cancelled = 0

    async def take() -> None:
        found = await getattr(pull, call)()
        got.extend(int(part) for part in (found if isinstance(found, list) else [found]))

    for comes in range(5):
        for ends in range(7):
            for receivers in (1, 2):
                jobs = [world.spawn(take) for _ in range(receivers)]
                for moment in range(max(comes, ends) + 1):
                    if moment == comes:
                        push.send_nonblock(b"%d" % sent)
                        sent += 1
                    if moment == ends:
                        for job in jobs:
                            job.cancel()
                    await world.pause()
                for job in jobs:
                    await job.join()
                    cancelled += job.cancelled
    for limit in (0, 1e-6, 1e-5, 1e-4) * 10:  # a deadline passes while the message is on its way
        push.send_nonblock(b"%d" % sent)
        sent += 1
        cancelled += await world.within(limit, take) is NOTHING
    while len(got) < sent:
        await take()
    assert got == list(range(sent))
    assert cancelled > 20, "the storm was none"


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_cancelled_receiver_hands_over(world: World, context: Any, which: int) -> None:
    first, second = pair(world, context)
    jobs = []
    for number in range(3):
        jobs.append(world.spawn(second.recv))
        await world.waiting(second, number + 1)
    jobs.pop(which).cancel()
    await world.settle()
    await first.send_many([b"1", b"2"])
    assert [await job.join() for job in jobs] == [b"1", b"2"]
    assert not world.binding(second).waiting


@pytest.mark.parametrize("call", ["send", "send_multipart", "send_many"])
async def test_a_cancelled_send_did_not_happen(world: World, context: Any, call: str) -> None:
    """Or it did, and then it was not cancelled; `sent` of `send_many` says how many did."""
    chance = random.Random(call)
    push, pull = pair(world, context, (zmq.PUSH, zmq.PULL), sndhwm=2, rcvhwm=2)
    sent: list[bytes] = []
    got: list[bytes] = []
    for number in range(300):
        parts = [b"%d.%d" % (number, place) for place in range(5 if call == "send_many" else 1)]
        if call == "send_many":
            job = world.spawn(push.send_many, parts)
        else:
            job = world.spawn(getattr(push, call), parts[0] if call == "send" else parts)
        for _ in range(chance.randrange(5)):
            await world.pause()
            if chance.random() < 0.4 and pull.readable():
                got += await pull.recv_many()
        job.cancel()
        await job.join()
        if not job.cancelled:
            sent += parts
        elif call == "send_many":
            sent += parts[: getattr(job.error, "sent", 0)]  # none if it had not begun
    while pull.readable():
        got += await pull.recv_many()
    assert got == sent
    assert 50 < len(sent) < 300 * len(parts)


# -- the end --------------------------------------------------------------------------------------


def end_close(context: Any, socket: Any) -> None:
    socket.close()


def end_close_elsewhere(context: Any, socket: Any) -> Any:
    return in_thread(socket.close)


def end_destroy(context: Any, socket: Any) -> None:
    context.destroy(0)


def end_destroy_elsewhere(context: Any, socket: Any) -> Any:
    return in_thread(context.destroy, 0)


def end_plain_destroy(context: Any, socket: Any) -> None:
    """The core closes the sockets and asks no loop."""
    zmq.Context.destroy(context, 0)


def end_shutdown(context: Any, socket: Any) -> None:
    context.shutdown()


ENDS = [value for name, value in list(globals().items()) if name.startswith("end_")]


@pytest.mark.parametrize("end", ENDS)
async def test_the_end_ends_what_waits(world: World, context: Any, end: Any) -> None:
    """A closed socket and a context that ends say so; an iteration just ends."""
    first, _second = pair(world, context, sndhwm=1, rcvhwm=1)
    while first.writable():
        await first.send(b"full")

    async def iterate() -> str:
        async for _ in first:
            pytest.fail("nothing was sent")
        return "over"

    calls = (first.recv, first.recv_multipart, first.recv_many, first.poll)
    jobs = [world.spawn(call) for call in calls] + [world.spawn(first.send, b"x")]
    iteration = world.spawn(iterate)
    await world.waiting(first, 6)
    join = end(context, first)
    for job in jobs:
        await job.over.wait()
    closed = () if end is end_shutdown else world.CLOSED
    ended = () if end in (end_close, end_close_elsewhere) else (zmq.ContextTerminated,)
    for job in jobs:
        assert isinstance(job.error, (*closed, *ended)), job.error
    assert await iteration.join() == "over"
    if join:
        join()
    first.close()
    _second.close()


async def test_a_task_that_is_woken_before_another_thread_has_closed(
    world: World, context: Any
) -> None:
    """It would find the socket open still, and wait once more, for what never comes."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await world.pause()

    class Slow(world.module.Socket):  # type: ignore[misc,name-defined]
        def _untie(self) -> None:  # of those loops whose tasks are suspended in the middle
            super()._untie()
            before = ticks
            wait_until(lambda: ticks > before + 10, what="the loop to go round")

    socket = world.socket(context, zmq.PULL, cls=Slow)
    receiver = world.spawn(socket.recv)
    await world.waiting(socket)
    ticker = world.spawn(tick)
    join = in_thread(socket.close)
    await receiver.over.wait()
    assert isinstance(receiver.error, world.CLOSED)
    while join.thread.is_alive():  # type: ignore[attr-defined]
        await world.pause()
    join()
    ticker.cancel()
    await ticker.join()


@pytest.mark.parametrize("call", ["recv", "recv_multipart", "recv_many", "poll", "send"])
async def test_a_closed_socket_says_so(world: World, context: Any, call: str) -> None:
    first, _ = pair(world, context)
    if call == "send":
        await first.send(b"x")  # it has been in use, or not
    first.close()
    with pytest.raises(zmq.SocketClosed, match=f"{call} on PAIR socket.* is closed"):
        await getattr(first, call)(*[b"x"] if call == "send" else [])
    async for _ in first:
        pytest.fail("a closed socket has no messages")


async def test_an_iteration_has_all_messages_and_ends_at_close(world: World, context: Any) -> None:
    first, second = pair(world, context)
    got: list[bytes] = []

    async def iterate() -> None:
        async for part in second:
            got.append(part)

    job = world.spawn(iterate)
    await first.send_many([b"%d" % number for number in range(100)])
    while len(got) < 100:
        await world.pause()
    await world.waiting(second)
    second.close()
    await job.join()
    assert got == [b"%d" % number for number in range(100)]


def test_ctrl_c_ends_a_wait(world: World, context: Any) -> None:
    """And takes no message with it: the next run of the loop has it."""
    first, second = pair(world, context)
    main = threading.main_thread().ident

    async def interrupted() -> None:
        waiter = world.spawn(second.recv)
        await world.waiting(second)
        in_thread(signal.pthread_kill, main, signal.SIGINT)
        await second.recv()
        waiter.cancel()

    async def receive() -> bytes:
        return await second.recv()  # type: ignore[no-any-return]

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            world.run(interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    first.send_nonblock(b"kept")
    assert world.run(receive) == b"kept"
