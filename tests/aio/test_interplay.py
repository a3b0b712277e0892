"""Guarantee 6: one context serves sockets that block and sockets that are awaited."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import zmqlite as zmq
import zmqlite.asyncio as azmq


def test_inproc_between_a_thread_that_blocks_and_a_loop(run_both: Any, context: Any) -> None:
    view = azmq.Context.shadow(context)

    def serve() -> None:
        with context.socket(zmq.REP) as server:
            server.bind("inproc://upper")
            for request in server:
                server.send(request.upper())

    async def main() -> None:
        client = view.socket(zmq.REQ)
        assert isinstance(client, azmq.Socket)
        assert isinstance(client, zmq.Socket)
        client.connect("inproc://upper")
        for number in range(500):
            await client.send(b"request %d" % number)
            assert await client.recv() == b"REQUEST %d" % number
        client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        run_both(main())
    finally:
        context.shutdown()
        thread.join()


def test_an_asyncio_socket_in_a_plain_context(run: Any, context: Any) -> None:
    async def main() -> None:
        pull = azmq.Socket(context, zmq.PULL)
        named = context.socket(zmq.PUSH, azmq.Socket, linger=0)
        plain = context.socket(zmq.PUSH)
        address = pull.bind("inproc://plain")
        for sender in (named, plain):
            sender.connect(address)
        plain.send(b"1")
        assert await pull.recv() == b"1"
        await named.send(b"2")
        assert await pull.recv() == b"2"
        for socket in (pull, named, plain):
            socket.close()

    run(main())


def test_one_socket_with_two_handles(run: Any, context: Any) -> None:
    """`from_socket` makes a blocking socket awaitable; closing the handle leaves it open."""

    async def main() -> None:
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        push.connect(pull.bind("inproc://handles"))
        handle = azmq.Socket.from_socket(pull)
        future = handle.recv()
        push.send(b"1")
        assert await future == b"1"
        handle.close()
        push.send(b"2")
        assert pull.recv() == b"2"

    run(main())


def test_a_monitor_is_awaited(run: Any, wire: Any, actx: Any) -> None:
    async def main() -> None:
        server = actx.socket(zmq.PULL)
        monitor = server.get_monitor_socket()
        assert isinstance(monitor, azmq.Socket)
        address = server.bind("tcp://127.0.0.1:*")
        client = actx.socket(zmq.PUSH, connect=address)
        seen = []
        while zmq.Event.ACCEPTED not in seen:
            message = await asyncio.wait_for(monitor.recv_multipart(), 10)
            seen.append(zmq.Event(int.from_bytes(message[0][:2], "little")))
        server.disable_monitor()
        for socket in (monitor, client, server):
            socket.close()

    run(main())


def test_the_end_of_a_view_ends_nothing_of_its_owner(run_both: Any) -> None:
    async def main() -> None:
        owner = azmq.Context()
        kept = owner.socket(zmq.PULL, bind="inproc://kept")
        async with azmq.Context.shadow(owner) as view:
            push = view.socket(zmq.PUSH, connect="inproc://kept")
            await push.send(b"x")
            push.close()
        assert view.closed
        assert await kept.recv() == b"x"
        kept.close()
        owner.term()

    run_both(main())
