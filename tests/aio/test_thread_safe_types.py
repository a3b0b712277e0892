"""The draft types that threads may share have no descriptor; they are awaitable all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from support import FACTOR, awaiting, turns

import zmqlite as zmq
import zmqlite.asyncio as azmq

pytestmark = pytest.mark.skipif(not zmq.DRAFT_API, reason="this libzmq was built without drafts")
LIMIT = 5 * FACTOR


async def arrives(receiver: Any, send: Any) -> Any:
    """Wait first, send then; as a task and as a plain future in turn."""
    task = asyncio.ensure_future(awaiting(receiver.recv(copy=False)))
    future = receiver.recv()
    await turns()
    send()
    send()
    frame = await asyncio.wait_for(task, LIMIT)
    assert await asyncio.wait_for(future, LIMIT) == frame.bytes
    return frame


@pytest.mark.parametrize("at", ["inproc://drafts", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize(
    ("sender", "receiver"), [("SCATTER", "GATHER"), ("CHANNEL", "CHANNEL"), ("CLIENT", "SERVER")]
)
def test_one_way(run_both: Any, wire: Any, at: str, sender: str, receiver: str) -> None:
    async def main() -> None:
        left, right = wire(getattr(zmq, sender), getattr(zmq, receiver), at)
        for number in range(50):
            frame = await arrives(right, lambda n=number: left.send(b"%d" % n))
            assert frame.bytes == b"%d" % number
        assert await right.poll(10) == 0

    run_both(main())


def test_client_and_server(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        client, server = wire(zmq.CLIENT, zmq.SERVER)

        async def serve() -> None:
            while True:
                frame = await server.recv(copy=False)
                await server.send(frame.bytes.upper(), routing_id=frame.routing_id)

        task = asyncio.ensure_future(serve())
        for number in range(500):
            await client.send(b"x%d" % number)
            assert await asyncio.wait_for(client.recv(), LIMIT) == b"X%d" % number
        task.cancel()

    run_both(main())


def test_peers(run: Any, actx: Any) -> None:
    async def main() -> None:
        left, right = actx.socket(zmq.PEER), actx.socket(zmq.PEER)
        right.bind("inproc://peers")
        routing_id = left.connect_peer("inproc://peers")
        future = right.recv(copy=False)
        await left.send(b"hello", routing_id=routing_id)
        frame = await asyncio.wait_for(future, LIMIT)
        await right.send(b"back", routing_id=frame.routing_id)
        assert await asyncio.wait_for(left.recv(), LIMIT) == b"back"
        left.close()
        right.close()

    run(main())


def test_radio_and_dish(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        radio, dish = wire(zmq.RADIO, zmq.DISH)
        dish.join("news")
        future = dish.recv(copy=False)
        while not future.done():  # until the subscription has arrived
            await radio.send(b"hello", group="news")
            await asyncio.sleep(0.001)
        assert (await future).group == "news"

    run_both(main())


def test_sends_wait_for_room(run: Any, wire: Any) -> None:
    async def main() -> None:
        scatter, gather = wire(zmq.SCATTER, zmq.GATHER, "inproc://room", hwm=2)
        sends = [scatter.send(b"%d" % number) for number in range(50)]
        assert not sends[-1].done()
        assert [int(await asyncio.wait_for(gather.recv(), LIMIT)) for _ in range(50)] == [
            *range(50)
        ]
        await asyncio.gather(*sends)

    run(main())


def test_waiting_is_no_polling(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        _, gather = wire(zmq.SCATTER, zmq.GATHER)
        waits = [gather.recv(), asyncio.ensure_future(awaiting(gather.recv())), gather.poll()]
        await asyncio.sleep(0.02)  # the beginning is over
        before = time.thread_time()
        await asyncio.sleep(0.3)  # time is the subject: what waits uses none
        assert time.thread_time() - before < 0.05 * FACTOR
        for wait in waits:
            wait.cancel()
        await turns()

    run_both(main())


def test_in_a_poller_and_from_another_thread(run: Any, context: Any) -> None:
    async def main() -> None:
        gather = azmq.Socket(context, zmq.GATHER)
        plain = context.socket(zmq.GATHER)
        poller = azmq.Poller()
        senders = []
        for member, name in ((gather, "inproc://one"), (plain, "inproc://two")):
            member.bind(name)
            poller.register(member, zmq.POLLIN)
            senders.append(context.socket(zmq.SCATTER, connect=name))
        for sender, member in zip(senders, (gather, plain), strict=True):
            poll = poller.poll(LIMIT * 1000)
            await turns()
            assert not poll.done()
            thread = threading.Thread(target=sender.send, args=(b"x",))
            thread.start()
            assert await poll == [(member, zmq.POLLIN)]
            thread.join()
            member.recv_nonblock()
        for socket in (gather, plain, *senders):
            socket.close()

    run(main())


def test_cancelling_loses_nothing(run: Any, wire: Any) -> None:
    async def main() -> None:
        scatter, gather = wire(zmq.SCATTER, zmq.GATHER, "inproc://cancel")
        for number in range(700):
            got: list[bytes] = []

            async def receive(got: list[bytes] = got) -> None:
                got.append(await gather.recv())

            task = asyncio.ensure_future(receive())
            await turns(2)
            scatter.send_nonblock(b"%d" % number)
            await turns(number % 7)
            task.cancel()
            await asyncio.wait({task})
            part = gather.recv_nonblock()
            assert [*got, *([part] if part is not None else [])] == [b"%d" % number]

    run(main())


def test_what_arrives_before_the_signal_exists_is_heard(run: Any, actx: Any) -> None:
    """Between the first refusal and the making of what watches the socket."""

    async def main() -> None:
        scatter = actx.socket(zmq.SCATTER, linger=0)

        class Interrupted(azmq.Socket):
            def _ready_source(self) -> tuple[Any, int]:
                scatter.send_nonblock(b"in between")
                return super()._ready_source()

        gather = actx.socket(zmq.GATHER, Interrupted)
        scatter.connect(gather.bind("inproc://between"))
        assert await asyncio.wait_for(gather.recv(), LIMIT) == b"in between"

    run(main())
