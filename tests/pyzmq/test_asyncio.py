"""zmq.asyncio: real futures, honest timeouts, handles between the worlds; and nothing lost."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from pyzmq.async_stage import SECONDS, joined, run
from pyzmq.conftest import LIMIT, OURS

import zmqlite.pyzmq as guest
import zmqlite.pyzmq.asyncio as guest_asyncio

Tree = Callable[[str], Any]


@pytest.fixture
def zmq(tree: Tree) -> Any:
    return tree("")


# -- what it is ----------------------------------------------------------------------------------


def test_its_sockets_and_contexts_are_those_of_zmq(zmq: Any, azmq: Any, actx: Any) -> None:
    socket = actx.socket(zmq.PULL)
    assert isinstance(actx, zmq.Context)
    assert isinstance(socket, azmq.Socket)
    assert isinstance(socket, zmq.Socket)
    assert not isinstance(zmq.Context, azmq.Context)
    assert issubclass(azmq.Poller, zmq.Poller)
    assert issubclass(azmq.ProactorSelectorThreadWarning, RuntimeWarning)
    assert socket.type == zmq.PULL
    assert "zmq" in repr(socket)


def test_the_default_context_is_another_one(zmq: Any, azmq: Any) -> None:
    ours, plain = azmq.Context.instance(), zmq.Context.instance()
    try:
        assert ours is azmq.Context.instance()
        assert ours is not plain
        assert isinstance(ours, azmq.Context)
        assert not isinstance(plain, azmq.Context)
    finally:
        ours.destroy()
        plain.destroy()
    assert azmq.Context.instance() is not ours
    azmq.Context.instance().term()


def test_data_calls_return_futures_and_work_at_once(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        for call in (
            pull.recv, pull.recv_multipart, pull.recv_string, pull.recv_json, pull.recv_pyobj,
            pull.poll, lambda: pull.recv_into(bytearray(9)),
            lambda: pull.recv_serialized(list),
        ):  # fmt: skip
            future = call()
            assert isinstance(future, asyncio.Future)
            assert asyncio.isfuture(future)
            assert not future.done()
            assert future.cancel()
        await asyncio.sleep(0)
        sent = push.send(b"one")
        assert isinstance(sent, asyncio.Future)
        assert sent.done()
        assert sent.result() is None
        assert await pull.recv() == b"one"

    run(main())


def test_every_kind_of_message(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        await push.send(b"part")
        assert await pull.recv() == b"part"
        await push.send_multipart([b"a", b"b"])
        assert await pull.recv_multipart() == [b"a", b"b"]
        await push.send_multipart([b"a", b"b"])
        frames = await pull.recv_multipart(copy=False)
        assert [frame.bytes for frame in frames] == [b"a", b"b"]
        assert [frame.more for frame in frames] == [True, False]
        await push.send_string("é")
        assert await pull.recv_string() == "é"
        await push.send_json({"a": [1]})
        assert await pull.recv_json() == {"a": [1]}
        await push.send_pyobj((1, "x"))
        assert await pull.recv_pyobj() == (1, "x")
        await push.send_serialized({b"k": b"v"}, lambda msg: [*msg.keys(), *msg.values()])
        assert await pull.recv_serialized(tuple) == (b"k", b"v")
        await push.send(b"12345")
        buffer = bytearray(8)
        assert await pull.recv_into(buffer) == 5
        assert buffer == b"12345\0\0\0"
        await push.send(b"more", zmq.SNDMORE)
        await push.send(b"last")
        assert await pull.recv() == b"more"
        assert pull.getsockopt(zmq.RCVMORE)
        assert await pull.recv() == b"last"

    run(main())


def test_a_conversion_that_fails_is_in_the_future(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        await push.send(b"{")
        future = pull.recv_json()
        with pytest.raises(ValueError, match=r"Expecting|property"):
            await future
        pending = pull.recv_serialized(lambda parts: 1 / 0)
        await push.send(b"x")
        with pytest.raises(ZeroDivisionError):
            await pending

    run(main())


def test_what_cannot_be_sent(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        _, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        with pytest.raises(TypeError):
            await push.send("text")
        with pytest.raises(TypeError):
            await push.send_multipart([b"a", 5])
        with pytest.raises(TypeError):
            await push.send_string(b"bytes")

    run(main())


def test_large_messages_have_trackers(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        tracker = await push.send(b"x" * 100_000, copy=False, track=True)
        assert isinstance(tracker, zmq.MessageTracker)
        frame = await pull.recv(copy=False)
        assert len(frame) == 100_000
        del frame
        tracker.wait(LIMIT / 1000)
        assert tracker.done

    run(main())


# -- waiting -------------------------------------------------------------------------------------


def test_who_waits_is_seen_in_the_deques(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        assert len(pull._recv_futures) == len(push._send_futures) == 0
        first, second = pull.recv(), pull.recv_multipart()
        assert len(pull._recv_futures) == 2
        assert pull._recv_futures[0].future is first
        assert not pull._send_futures
        assert second.cancel()
        await asyncio.sleep(0)
        assert len(pull._recv_futures) == 1
        await push.send(b"x")
        assert await first == b"x"
        assert len(pull._recv_futures) == len(push._send_futures) == 0
        waiting = pull.poll(1)
        assert len(pull._recv_futures) == 1
        assert await waiting == 0
        assert len(pull._recv_futures) == 0
        assert pull._get_loop() is asyncio.get_running_loop()

    run(main())


def test_receivers_are_served_in_order(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH, "tcp://127.0.0.1:*")
        futures = [pull.recv() for _ in range(20)]
        for number in range(20):
            await push.send(b"%d" % number)
        assert await asyncio.gather(*futures) == [b"%d" % number for number in range(20)]

    run(main())


def test_a_send_waits_for_room(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        push = actx.socket(zmq.PUSH)
        push.linger = 0
        push.bind("inproc://late")
        sending = push.send_multipart([b"a", b"b"])
        assert not sending.done()
        assert len(push._send_futures) == 1
        pull = actx.socket(zmq.PULL)
        pull.connect("inproc://late")
        assert await pull.recv_multipart() == [b"a", b"b"]
        await sending

    run(main())


def test_timeouts_end_in_again(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        socket = actx.socket(zmq.DEALER)
        socket.linger = 0
        with pytest.raises(zmq.Again):
            await socket.recv(zmq.DONTWAIT)
        at_once = socket.recv(flags=zmq.DONTWAIT)
        assert at_once.done()
        assert isinstance(at_once.exception(), zmq.Again)
        assert isinstance(socket.send(b"x", flags=zmq.DONTWAIT).exception(), zmq.Again)
        socket.rcvtimeo = socket.sndtimeo = 10
        for call in (socket.recv, socket.recv_multipart, socket.recv_string):
            with pytest.raises(zmq.Again):
                await call()
        with pytest.raises(zmq.Again):
            await socket.send(b"x")
        assert len(socket._recv_futures) == len(socket._send_futures) == 0

    run(main())


def test_a_cancelled_receive_leaves_the_message(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pull.recv(), 0.01)
        future = pull.recv()
        future.cancel()
        await push.send(b"kept")
        assert await pull.recv() == b"kept"
        assert future.cancelled()

    run(main())


@pytest.mark.parametrize("call", ["recv", "recv_string", "recv_multipart"])
def test_cancelling_at_any_tick_loses_nothing(call: str) -> None:
    """D3: pyzmq loses a message when the task is cancelled one or two ticks after it arrived."""

    async def one(pull: Any, push: Any, ticks: int) -> None:
        async def receive() -> Any:
            return await getattr(pull, call)()

        task = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await push.send(b"m")
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
            return
        assert await asyncio.wait_for(pull.recv(), SECONDS) == b"m"

    async def main() -> None:
        with guest_asyncio.Context() as context:
            pull, push = joined(guest, context, guest.PULL, guest.PUSH)
            for ticks in range(8):
                for _ in range(20):
                    await one(pull, push, ticks)
            assert await pull.poll(0) == 0
            pull.close()
            push.close()

    run(main())


def test_closing_cancels_what_waits(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        socket = actx.socket(zmq.DEALER)
        socket.linger = 0
        waiting = [socket.recv(), socket.send(b"x"), socket.poll()]
        if zmq.__name__ in OURS:  # pyzmq forgets this one
            waiting.append(socket.recv_string())
        socket.close()
        assert socket.closed
        await asyncio.wait(waiting, timeout=SECONDS)
        assert all(future.cancelled() for future in waiting)
        with pytest.raises(zmq.ZMQError):
            await socket.recv()
        with pytest.raises(zmq.ZMQError):
            socket.poll()

    run(main())


def test_poll(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        one, other = joined(zmq, actx, zmq.PAIR, zmq.PAIR)
        assert await one.poll(0) == 0
        assert await one.poll(5) == 0
        assert await one.poll(5, zmq.POLLOUT) == zmq.POLLOUT
        waiting = one.poll(flags=zmq.POLLIN)
        assert not waiting.done()
        await other.send(b"x")
        assert await waiting == zmq.POLLIN
        assert await one.poll(0, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
        assert await one.recv() == b"x"
        gone = one.poll()
        gone.cancel()
        await other.send(b"y")
        assert await one.recv() == b"y"

    run(main())


def test_poller_of_everything(zmq: Any, azmq: Any, actx: Any) -> None:
    async def main() -> None:
        one, other = joined(zmq, actx, zmq.PAIR, zmq.PAIR)
        blocking = zmq.Context.shadow(actx.underlying).socket(zmq.PULL)
        blocking.bind("inproc://blocking")
        push = actx.socket(zmq.PUSH)
        push.connect("inproc://blocking")
        reader, writer = os.pipe()
        poller = azmq.Poller()
        poller.register(one, zmq.POLLIN)
        poller.register(blocking, zmq.POLLIN)
        poller.register(reader, zmq.POLLIN)
        assert await poller.poll(5) == []
        assert isinstance(poller.poll(0), asyncio.Future)
        for act, member in (
            (lambda: other.send(b"x"), one),
            (lambda: push.send(b"x"), blocking),
        ):
            waiting = poller.poll(LIMIT)
            assert not waiting.done()
            await act()
            assert await waiting == [(member, zmq.POLLIN)]
            poller.unregister(member)
        waiting = poller.poll()
        os.write(writer, b"x")
        assert await waiting == [(reader, zmq.POLLIN)]
        for fd in (reader, writer):
            os.close(fd)
        blocking.close()

    run(main())


def test_reading_events_costs_nobody_his_message(zmq: Any, actx: Any) -> None:
    async def main() -> None:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH, "tcp://127.0.0.1:*")
        for number in range(200):
            waiting = asyncio.ensure_future(pull.recv())
            await push.send(b"%d" % number)
            while not pull.get(zmq.EVENTS) & zmq.POLLIN and not waiting.done():
                await asyncio.sleep(0)
            assert await waiting == b"%d" % number

    run(main())


# -- loops ---------------------------------------------------------------------------------------


def test_a_socket_moves_to_the_running_loop(zmq: Any, actx: Any) -> None:
    pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH, "tcp://127.0.0.1:*")

    async def once(message: bytes) -> bytes:
        waiting = pull.recv()
        await push.send(message)
        received: bytes = await waiting
        return received

    for message in (b"first", b"second", b"third"):
        assert run(once(message)) == message


def test_a_call_before_the_loop_runs_warns_and_works(zmq: Any, azmq: Any, actx: Any) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        pull, push = joined(zmq, actx, zmq.PULL, zmq.PUSH, "tcp://127.0.0.1:*")
        with pytest.warns(RuntimeWarning, match="loop") as caught:
            future = pull.recv()
        if zmq.__name__ in OURS:
            assert caught[0].filename == __file__
        with pytest.warns(RuntimeWarning, match="loop"):
            poll = pull.poll(LIMIT)
        poller = azmq.Poller()
        poller.register(pull, zmq.POLLIN)
        with pytest.warns(RuntimeWarning, match="loop"):
            ready = poller.poll(LIMIT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # it may have to wait for the peer
            push.send(b"early")
            push.send(b"later")

        async def main() -> list[Any]:
            return [await future, await poll, await ready]

        received, events, members = loop.run_until_complete(main())
        assert (received, events, members) == (b"early", zmq.POLLIN, [(pull, zmq.POLLIN)])
    finally:
        actx.destroy(0)
        asyncio.set_event_loop(None)
        loop.close()


@pytest.mark.parametrize("name", ["zmq", OURS[0]])
def test_deprecated_names_say_so_once(name: str) -> None:
    code = f"""
import asyncio, warnings
import {name}.asyncio as azmq
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    azmq.install()
    loop = azmq.ZMQEventLoop()
assert isinstance(loop, asyncio.SelectorEventLoop)
loop.close()
print([entry.category.__name__ for entry in caught])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['DeprecationWarning']"


def test_io_loop_is_deprecated(zmq: Any, azmq: Any, actx: Any) -> None:
    async def main() -> None:
        with pytest.deprecated_call(match="io_loop"):
            azmq.Socket(actx, zmq.PULL, io_loop=asyncio.get_running_loop()).close()
        blocking = zmq.Context.shadow(actx.underlying).socket(zmq.PULL)
        with pytest.deprecated_call(match="io_loop"):
            handle = azmq.Socket.from_socket(blocking, io_loop=asyncio.get_running_loop())
        handle.close()

    run(main())
