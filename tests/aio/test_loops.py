"""Sockets and their loop: none, another one, several in several threads."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from support import FACTOR, needs_drafts, needs_patch, turns

import zmqlite as zmq
import zmqlite.asyncio as azmq

LIMIT = 5 * FACTOR


def test_without_a_loop_the_error_says_what_to_do(wire: Any) -> None:
    push, pull = wire()
    for call in (
        pull.recv,
        pull.recv_multipart,
        pull.poll,
        lambda: push.send(b""),
        pull.__anext__,
    ):
        with pytest.raises(RuntimeError, match="no running event loop"):
            call()
    with pytest.raises(TypeError, match="async for"):
        iter(pull)
    with pytest.raises(TypeError, match="async for"):
        next(pull)


def test_a_socket_moves_to_another_loop(run_both: Any, wire: Any) -> None:
    push, pull = wire()

    async def exchange(number: int) -> None:
        future = pull.recv()
        await push.send(b"%d" % number)
        assert await future == b"%d" % number

    async def leave_one_waiting() -> Any:
        await exchange(0)
        return pull.recv()

    left = asyncio.run(leave_one_waiting())
    asyncio.run(exchange(1))
    run_both(exchange(2))
    assert not left.done() or left.cancelled()


def test_several_loops_in_several_threads(actx: Any) -> None:
    failures: list[BaseException] = []

    async def work(name: int) -> None:
        push, pull = actx.socket(zmq.PUSH), actx.socket(zmq.PULL)
        with push, pull:
            push.connect(pull.bind(f"inproc://loop-{name}"))

            async def send() -> None:
                for number in range(5000):
                    await push.send(b"%d" % number)
                    if number % 100 == 0:
                        await asyncio.sleep(0)

            task = asyncio.ensure_future(send())
            for number in range(5000):
                assert int(await pull.recv()) == number
            await task

    def in_own_loop(name: int) -> None:
        try:
            asyncio.run(asyncio.wait_for(work(name), 20 * FACTOR))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=in_own_loop, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_destroying_the_context_from_another_thread_wakes_the_loop(run: Any) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)  # refuses calls from other threads
        context = azmq.Context()
        pull = context.socket(zmq.PULL)
        pull.bind("inproc://nobody")
        future = pull.recv()
        await turns()
        thread = threading.Thread(target=context.destroy)
        thread.start()
        done, _ = await asyncio.wait({future}, timeout=LIMIT)
        assert done
        assert future.cancelled()
        await asyncio.to_thread(thread.join)

    run(main())


@needs_patch("known-numbers", "known-peers")
@pytest.mark.parametrize("kind", [zmq.DEALER, pytest.param(zmq.SERVER, marks=needs_drafts)])
@pytest.mark.parametrize("use", ["stats", "peers"])
def test_a_use_in_another_thread_touches_no_loop(run: Any, use: str, kind: int) -> None:
    async def main() -> None:
        asyncio.get_running_loop().set_debug(True)  # refuses calls from other threads
        with azmq.Context() as context, context.socket(kind, linger=0) as socket:
            endpoint = socket.bind("inproc://used")
            future = socket.recv()
            await turns()
            look = socket.stats if use == "stats" else lambda: socket.peers
            await asyncio.to_thread(look)
            assert not future.done()
            client = zmq.CLIENT if kind == zmq.SERVER else zmq.DEALER
            with context.socket(client, connect=endpoint) as peer:
                await peer.send(b"x")
                assert await asyncio.wait_for(future, LIMIT) == b"x"

    run(main())


def test_a_task_that_nobody_keeps_goes_on_waiting(run: Any) -> None:
    """The loop holds a socket whose operation is awaited, as it holds a transport of its own."""

    async def main() -> None:
        got = asyncio.get_running_loop().create_future()

        async def worker(context: Any) -> None:
            with context.socket(zmq.PULL) as pull:
                pull.bind("inproc://worker")
                got.set_result(await pull.recv())

        async with azmq.Context() as context:
            asyncio.ensure_future(worker(context))  # noqa: RUF006
            await turns()
            gc.collect()
            with context.socket(zmq.PUSH) as push:
                push.connect("inproc://worker")
                await push.send(b"still there")
                assert await asyncio.wait_for(got, LIMIT) == b"still there"

    run(main())
