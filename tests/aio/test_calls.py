"""What the calls return: real futures, usable in every way that asyncio's users know."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import Any

import pytest
from support import FACTOR, awaiting, turns

import zmqlite as zmq
import zmqlite.asyncio as azmq

LIMIT = 5 * FACTOR


@pytest.fixture(params=["now", "later"])
def moment(request: pytest.FixtureRequest) -> Any:
    """Have messages sent before the receive is called, or while it waits."""

    async def receive(push: Any, pull: Any, data: bytes = b"x") -> Any:
        if request.param == "later":
            future = pull.recv()
            assert not future.done()
            push.send(data)
            return future
        push.send(data)
        assert await pull.poll(LIMIT * 1000)
        return pull.recv()

    return receive


def test_a_future_is_returned(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        for call in (push.send(b"1"), pull.recv(), pull.poll(), push.send_many([b"2"])):
            assert isinstance(call, asyncio.Future)
            assert asyncio.isfuture(call)
            assert call.get_loop() is asyncio.get_running_loop()
            call.cancel()

    run_both(main())


@pytest.mark.parametrize(
    "how",
    ["await", "wait_for", "timeout", "gather", "wait", "wrapper", "ensure_future", "shield",
     "as_completed", "callback"],
)  # fmt: skip
def test_futures_are_used_in_every_way(run_both: Any, wire: Any, moment: Any, how: str) -> None:
    async def use(future: Any) -> Any:
        loop = asyncio.get_running_loop()
        if how == "wait_for":
            return await asyncio.wait_for(future, LIMIT)
        if how == "timeout":
            timeout = getattr(asyncio, "timeout", None) or pytest.skip("new in 3.11")
            async with timeout(LIMIT):
                return await future
        if how == "gather":
            return (await asyncio.gather(future, asyncio.sleep(0)))[0]
        if how == "wait":
            done, pending = await asyncio.wait({future}, timeout=LIMIT)
            assert not pending
            return done.pop().result()
        if how == "wrapper":

            async def wrapped() -> Any:
                return await future

            return await loop.create_task(wrapped())
        if how == "ensure_future":
            assert asyncio.ensure_future(future) is future
        if how == "shield":
            return await asyncio.shield(future)
        if how == "as_completed":
            return await next(iter(asyncio.as_completed([future])))
        if how == "callback":
            called = loop.create_future()
            future.add_done_callback(called.set_result)
            assert await called is future
            return future.result()
        return await future

    async def main() -> None:
        push, pull = wire()
        assert await use(await moment(push, pull)) == b"x"
        assert await use(push.send(b"y")) is None
        assert await pull.recv() == b"y"

    run_both(main())


def test_a_pending_receive_that_nobody_awaits_becomes_done(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        future = pull.recv()
        await push.send(b"1")
        while not future.done():
            await asyncio.sleep(0)
        assert future.result() == b"1"
        await push.send(b"2")
        assert await pull.poll(LIMIT * 1000)
        assert pull.recv().done(), "what can be done at once is done at once"

    run_both(main())


@pytest.mark.parametrize("late", [False, True])
def test_every_data_call(run_both: Any, wire: Any, late: bool) -> None:
    async def main() -> None:
        push, pull = wire()

        async def both(send: Any, receive: Any) -> Any:
            if not late:
                await send()
                await pull.poll(LIMIT * 1000)
                return await receive()
            future = receive()
            await send()
            return await future

        assert await both(lambda: push.send(b"a"), pull.recv) == b"a"
        frame = await both(lambda: push.send(b"f"), lambda: pull.recv(copy=False))
        assert frame.bytes == b"f"
        two = [b"a", b"b"]
        assert await both(lambda: push.send_multipart(two), pull.recv_multipart) == two
        frames = await both(
            lambda: push.send_multipart(two), lambda: pull.recv_multipart(copy=False)
        )
        assert [part.bytes for part in frames] == two
        assert await both(lambda: push.send_string("ü"), pull.recv_string) == "ü"
        assert await both(lambda: push.send_strings(["ü", "b"]), pull.recv_strings) == [
            "ü",
            "b",
        ]
        assert await both(lambda: push.send_json({"a": 1}), pull.recv_json) == {"a": 1}
        assert await both(lambda: push.send_pyobj({1}), pull.recv_pyobj) == {1}
        assert await both(lambda: push.send_unicode("u"), pull.recv_unicode) == "u"
        assert await both(
            lambda: push.send_serialized({"k": 2}, lambda v: [json.dumps(v).encode()]),
            lambda: pull.recv_serialized(lambda parts: json.loads(parts[0])),
        ) == {"k": 2}
        envelope = [b"id", b"", b"body"]
        assert await both(lambda: push.send_multipart(envelope), pull.recv_envelope) == (
            [b"id", b""],
            [b"body"],
        )
        buffer = bytearray(3)
        assert await both(lambda: push.send(b"12345"), lambda: pull.recv_into(buffer)) == 5
        assert buffer == b"123"
        found = await both(lambda: push.send_many([b"1", b"2"]), pull.recv_many)
        while len(found) < 2:
            found += await pull.recv_many()
        assert found == [b"1", b"2"]
        parts = await both(
            lambda: push.send_multipart(two), lambda: pull.recv_many(multipart=True)
        )
        assert parts == [two]
        mixed = await both(
            lambda: push.send_many([two, b"c"]), lambda: pull.recv_many(multipart=True)
        )
        while len(mixed) < 2:
            mixed += await pull.recv_many(multipart=True)
        assert mixed == [two, [b"c"]]

    run_both(main())


def test_sends_go_out_in_order_without_being_awaited(run_both: Any, wire: Any) -> None:
    """Also past the high-water mark, also with batches and whole messages between them."""

    async def main() -> None:
        push, pull = wire(at="inproc://order", hwm=5)
        futures = []
        for number in range(0, 3000, 10):
            futures += [push.send(b"%d" % (number + place)) for place in range(5)]
            futures.append(push.send_many([b"%d" % (number + place) for place in range(5, 8)]))
            futures.append(push.send_multipart([b"%d" % (number + 8)]))
            futures.append(push.send_string(str(number + 9)))
        assert not futures[-1].done()
        del futures  # nobody keeps them
        gc.collect()
        assert [int(await pull.recv()) for _ in range(3000)] == list(range(3000))

    run_both(main())


def test_a_message_is_sent_part_by_part(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        for _ in range(3):
            await push.send(b"whole")
            await push.send(b"first", zmq.SNDMORE)
            await push.send(b"second", zmq.SNDMORE)
            await push.send(b"last")
            assert await pull.recv_multipart() == [b"whole"]
            assert await pull.recv_multipart() == [b"first", b"second", b"last"]

    run_both(main())


def test_a_send_that_waits_sends_what_was_passed(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://frozen", hwm=1)
        while push.send_nonblock(b"fill"):
            pass
        single, parts = bytearray(b"single"), [bytearray(b"one"), b"two"]
        waits = [push.send(single), push.send_multipart(parts)]
        single[:] = b"XXXXXX"
        parts[0][:] = b"YYY"  # type: ignore[index]
        parts.append(b"more")
        got: list[Any] = []
        while got[-1:] != [[b"one", b"two"]]:
            got.append(await asyncio.wait_for(pull.recv_multipart(), LIMIT))
        assert [b"single"] in got
        await asyncio.gather(*waits)

    run(main())


def test_pending_receives_are_served_in_the_order_of_the_calls(run_both: Any, wire: Any) -> None:
    """Awaited, with callbacks, merely kept, in a shield: it makes no difference."""

    async def main() -> None:
        push, pull = wire()
        order: list[tuple[int, bytes]] = []

        async def awaiting(number: int, future: Any) -> None:
            order.append((number, await future))

        tasks, kept = [], []
        for number in range(60):
            future = pull.recv() if number % 2 else pull.recv_multipart()
            if number % 3 == 0:
                tasks.append(asyncio.ensure_future(awaiting(number, future)))
            elif number % 3 == 1:
                kept.append((number, future))
            else:
                tasks.append(asyncio.ensure_future(awaiting(number, asyncio.shield(future))))
            if number % 7 == 0:
                await asyncio.sleep(0)
        for number in range(60):
            await push.send(b"%d" % number)
            if number % 5 == 0:
                await turns()
        await asyncio.gather(*tasks)
        order += [(number, await future) for number, future in kept]
        flat = [(n, int(v[0] if isinstance(v, list) else v)) for n, v in order]  # type: ignore[arg-type]
        assert sorted(flat) == [(n, n) for n in range(60)]

    run_both(main())


def test_exceptions_are_in_the_future(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        with pytest.raises(TypeError, match="send_string"):
            await push.send("text")
        with pytest.raises(zmq.NotSupported):
            await pull.send(b"x")
        with pytest.raises(zmq.NotSupported):
            await push.recv()
        for late in (False, True):
            future = pull.recv_json() if late else None
            await push.send(b"no json")
            if not late:
                await pull.poll(LIMIT * 1000)
            with pytest.raises(ValueError, match="Expecting"):
                await (future or pull.recv_json())
        future = pull.recv_serialized(lambda parts: next(iter(())))
        await push.send(b"x")
        with pytest.raises(RuntimeError, match="StopIteration"):
            await future
        await push.send(b"still works")
        assert await pull.recv() == b"still works"

    run(main())


def test_timeouts_and_dontwait(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://limits", hwm=1)
        loop = asyncio.get_running_loop()
        for call in (pull.recv, pull.recv_multipart, pull.recv_string, pull.recv_many):
            future = call(flags=zmq.DONTWAIT)
            assert isinstance(future.exception(), zmq.Again)
        pull.rcvtimeo = 0
        assert isinstance(pull.recv().exception(), zmq.Again)
        pull.rcvtimeo = 30
        start = loop.time()
        with pytest.raises(zmq.Again, match="RCVTIMEO of 30 ms"):
            await pull.recv()
        assert 0.029 <= loop.time() - start < 15 * FACTOR
        while push.send_nonblock(b"x"):
            pass
        assert isinstance(push.send(b"", zmq.DONTWAIT).exception(), zmq.Again)
        push.sndtimeo = 0
        assert isinstance(push.send(b"").exception(), zmq.Again)
        push.sndtimeo = 30
        with pytest.raises(zmq.Again, match="SNDTIMEO of 30 ms"):
            await push.send(b"late")
        batch = push.send_many([b"1"] * 10)
        with pytest.raises(zmq.Again):
            await batch
        assert batch.sent == 0
        assert await push.send_many([b"1"] * 10, zmq.DONTWAIT) == 0
        assert await pull.recv() == b"x", "a timeout takes nothing away"
        while pull.recv_nonblock() is not None:
            pass
        pull.rcvtimeo = -1
        assert not (await asyncio.wait({pull.recv()}, timeout=0.1))[0], "for ever"

    run_both(main())


def test_a_timeout_of_0_tries_even_when_the_turn_is_over(run: Any, wire: Any) -> None:
    async def main() -> None:
        azmq.set_fairness(count=10)
        push, pull = wire(at="inproc://turn")
        pull.rcvtimeo = push.sndtimeo = 0
        for number in range(100):
            assert push.send(b"%d" % number).exception() is None
        for number in range(100):
            assert pull.recv().result() == b"%d" % number

    run(main())


def test_close_cancels_what_waits(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()

        async def iterate() -> str:
            async for _ in pull:
                pass
            return "ended"

        loop_task = asyncio.ensure_future(iterate())
        kept, task = pull.recv(), asyncio.ensure_future(awaiting(pull.recv()))
        poll = pull.poll()
        await turns()
        pull.close()
        assert await loop_task == "ended"
        assert kept.cancelled()
        assert poll.cancelled()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(zmq.SocketClosed):
            await pull.recv()
        assert [message async for message in pull] == []
        push.close()

    run_both(main())


def test_a_terminated_context_ends_what_waits_and_the_loop_stays_calm(
    run_both: Any, wire: Any, actx: Any
) -> None:
    async def main() -> None:
        _, pull = wire()

        async def iterate() -> str:
            async for _ in pull:
                pass
            return "ended"

        task, kept = asyncio.ensure_future(iterate()), pull.recv()
        await turns()
        actx.shutdown()
        assert await asyncio.wait_for(task, LIMIT) == "ended"
        with pytest.raises(zmq.ContextTerminated):
            await kept
        with pytest.raises(zmq.ContextTerminated):
            await pull.recv()
        before = time.thread_time()
        await asyncio.sleep(0.3)  # a descriptor that never falls silent would keep the loop busy
        assert time.thread_time() - before < 0.05 * FACTOR

    run_both(main())


def test_async_with(run_both: Any) -> None:
    async def main() -> None:
        async with azmq.Context() as context:
            async with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
                client.connect(server.bind("inproc://with"))
                await client.send(b"hello")
                async for request in server:
                    await server.send(request.upper())
                    break
                assert await client.recv() == b"HELLO"
            assert server.closed
            assert client.closed
        assert context.closed

    run_both(main())


def test_leaving_a_context_lets_other_tasks_deliver(run: Any) -> None:
    """The context waits for its last messages; whoever reads them may be a task of this loop."""

    async def main() -> None:
        async with azmq.Context() as other, other.socket(zmq.PULL, rcvhwm=1) as pull:
            address = pull.bind("tcp://127.0.0.1:*")
            body = bytes(200_000)

            async def read() -> int:
                return sum([len(await pull.recv()) for _ in range(100)])

            task = asyncio.ensure_future(read())
            async with azmq.Context() as context, context.socket(zmq.PUSH) as push:
                push.connect(address)
                for _ in range(100):
                    assert push.send_nonblock(body)
            assert await asyncio.wait_for(task, LIMIT) == 100 * len(body)

    run(main())


def test_two_tasks_use_one_socket(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        left, right = wire(zmq.DEALER, zmq.DEALER)

        async def send(socket: Any) -> None:
            for number in range(2000):
                await socket.send(b"%d" % number)

        async def receive(socket: Any) -> list[int]:
            return [int(await socket.recv()) for _ in range(2000)]

        _, _, one, two = await asyncio.gather(
            send(left), send(right), receive(left), receive(right)
        )
        assert one == two == list(range(2000))

    run_both(main())


def test_reading_events_never_costs_a_wake_up(run_both: Any, wire: Any) -> None:
    """Whatever hears the descriptor's shout in place of the loop has the loop look again."""

    async def main() -> None:
        left, right = wire(zmq.DEALER, zmq.DEALER)
        other = right.bind("tcp://127.0.0.1:*")
        uses = [
            lambda: right.get(zmq.EVENTS),
            lambda: right.getsockopt(zmq.EVENTS),
            lambda: right.events,
            right.readable,
            right.writable,
            lambda: right.poll(0),
            lambda: right._poll_events(zmq.POLLOUT),
            lambda: right.send_nonblock(b"x"),
            lambda: right.send(b"x"),
            lambda: right.send_multipart([b"x"]),
            lambda: right.send_many([b"x"]),
            lambda: right.disconnect(right.connect(other)),
            lambda: right.unbind(right.bind("inproc://elsewhere")),
            lambda: poller.poll(0),
        ]
        poller = azmq.Poller()
        poller.register(right, zmq.POLLOUT)
        wait = __import__("select").select
        for number in range(40 * len(uses)):
            future = right.recv()
            task = asyncio.ensure_future(awaiting(future)) if number % 2 else future
            await turns(2)
            left.send_nonblock(b"%d" % number)
            wait([right.fd], [], [], LIMIT)  # arrived; the loop has not looked yet
            uses[number % len(uses)]()
            assert await asyncio.wait_for(task, LIMIT) == b"%d" % number
            while left.recv_nonblock() is not None:
                pass

    run_both(main())
