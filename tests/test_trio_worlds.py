"""zmqlite.trio beside other runs, threads and loops; draft types; anyio."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from support import in_thread
from trio_stage import LIMIT, pair, run, waiting

import zmqlite

trio: Any = pytest.importorskip("trio")
testing: Any = pytest.importorskip("trio.testing")
zmq: Any = pytest.importorskip("zmqlite.trio")


def test_a_socket_moves_from_run_to_run(trio_context: Any) -> None:
    first, second = pair(trio_context)

    async def talk() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            await waiting(second)
            await first.send(b"x")

    for _ in range(3):
        run(talk)
    in_thread(run, talk)()
    run(talk)


def test_a_socket_that_is_waited_on_stays(trio_context: Any) -> None:
    first, second = pair(trio_context)

    def elsewhere() -> None:
        async def receive() -> None:
            await second.recv()

        with pytest.raises(zmqlite.ThreadMisuse):
            run(receive)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            await waiting(second)
            await trio.to_thread.run_sync(elsewhere)
            await first.send(b"x")

    run(main)


def test_one_context_serves_three_worlds(trio_context: Any) -> None:
    """trio, asyncio and a blocking thread in a ring over inproc."""
    import asyncio

    import zmqlite.asyncio

    plain = zmqlite.Context.shadow(trio_context)
    looped = zmqlite.asyncio.Context.shadow(trio_context)
    count = 500
    to_loop = trio_context.socket(zmq.PUSH, bind="inproc://1", linger=0)
    from_thread = trio_context.socket(zmq.PULL, bind="inproc://3", linger=0)

    def thread() -> None:
        with plain.socket(zmq.PULL, connect="inproc://2") as pull, \
                plain.socket(zmq.PUSH, connect="inproc://3") as push:  # fmt: skip
            for _ in range(count):
                push.send(pull.recv() + b" thread")

    def loop() -> None:
        async def main() -> None:
            with looped.socket(zmq.PULL, connect="inproc://1") as pull, \
                    looped.socket(zmq.PUSH, bind="inproc://2") as push:  # fmt: skip
                ready.set()
                for _ in range(count):
                    await push.send(await pull.recv() + b" asyncio")

        asyncio.run(main())

    ready = threading.Event()
    join_loop = in_thread(loop)
    assert ready.wait(LIMIT)
    join_thread = in_thread(thread)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(to_loop.send_many, [b"%d" % n for n in range(count)])
            for number in range(count):
                assert await from_thread.recv() == b"%d asyncio thread" % number

    run(main)
    join_loop()
    join_thread()


DRAFT_PAIRS = [("SERVER", "CLIENT"), ("GATHER", "SCATTER"), ("CHANNEL", "CHANNEL")]


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
@pytest.mark.parametrize("names", DRAFT_PAIRS)
def test_draft_types_wait_without_a_descriptor(trio_context: Any, names: Any) -> None:
    async def main() -> None:
        kinds = tuple(zmqlite.SocketType[name] for name in names)
        receiver, sender = pair(trio_context, kinds, rcvhwm=2, sndhwm=2)
        got: list[bytes] = []

        async def receive() -> None:
            while len(got) < 3000:
                got.append(await receiver.recv())

        async def send() -> None:
            for number in range(3000):
                await sender.send(b"%d" % number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await waiting(receiver)
            nursery.start_soon(send)
        assert got == [b"%d" % number for number in range(3000)]

    run(main)


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
def test_draft_groups_and_ids(trio_context: Any) -> None:
    async def main() -> None:
        radio, dish = pair(trio_context, (zmq.RADIO, zmq.DISH))
        dish.join("news")
        server, client = pair(trio_context, (zmq.SERVER, zmq.CLIENT))
        answers: list[Any] = []

        async def listen() -> None:
            answers.append(await dish.recv(copy=False))

        async def ask() -> None:
            await client.send(b"ask")
            answers.append(await client.recv())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            frame = await server.recv(copy=False)
            await server.send(b"answer", routing_id=frame.routing_id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await waiting(dish)
            while len(answers) < 2:  # the radio learns of the group some time
                await radio.send(b"x", group="news")
                await trio.sleep(0.001)
        assert answers[0] == b"answer"
        assert answers[1].group == "news"

    run(main)


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
def test_a_thread_safe_socket_serves_two_runs(trio_context: Any) -> None:
    server, client = pair(trio_context, (zmq.SERVER, zmq.CLIENT))

    async def receive() -> bytes:
        return await server.recv()

    joins = [in_thread(run, receive) for _ in range(2)]

    async def main() -> None:
        while sum(not ln.idle for ln in dict(server._bindings).values()) < 2:
            await trio.sleep(0.001)
        await client.send_many([b"1", b"2"])

    run(main)
    assert sorted(join() for join in joins) == [b"1", b"2"]
    server.close()


# -- anyio ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    import zmqlite.asyncio

    module: Any = {"asyncio": zmqlite.asyncio, "trio": zmq}[backend]

    async def main() -> None:
        got: list[bytes] = []

        async def receive() -> None:
            async for part in pull:
                got.append(part)

        async with module.Context() as context:
            push, pull = pair(context, (zmq.PUSH, zmq.PULL))
            with anyio.fail_after(LIMIT):
                number = 0
                for delay in [0, 1e-6, 1e-5, 1e-4] * 50:
                    with anyio.move_on_after(delay):
                        await push.send(b"%d" % number)
                        number += 1
                    with anyio.move_on_after(delay):
                        got.append(await pull.recv())
                async with anyio.create_task_group() as group:
                    group.start_soon(receive)
                    await push.send_many([b"x"] * 10)
                    while b"x" not in got[-1:] or got.count(b"x") < 10:
                        await anyio.sleep(0)
                    pull.close()
                assert got == [b"%d" % n for n in range(number)] + [b"x"] * 10
            push.close()

    anyio.run(main, backend=backend)
