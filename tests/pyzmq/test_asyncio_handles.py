"""Sockets that are shared between blocking code and asyncio, subclasses, and monitors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from pyzmq.async_stage import joined, run

Tree = Callable[[str], Any]


@pytest.fixture
def zmq(tree: Tree) -> Any:
    return tree("")


def test_handles_both_ways(zmq: Any, azmq: Any, tree: Tree) -> None:
    async def main() -> None:
        with zmq.Context() as plain:
            world = azmq.Context(plain)
            assert isinstance(world, azmq.Context)
            assert world.underlying == plain.underlying
            pull, push = plain.socket(zmq.PULL), world.socket(zmq.PUSH)
            push.bind("inproc://worlds")
            pull.connect("inproc://worlds")
            await push.send(b"over")
            assert pull.recv() == b"over"

            handle = azmq.Socket.from_socket(pull)
            assert isinstance(handle, azmq.Socket)
            waiting = handle.recv()
            await push.send(b"again")
            assert await waiting == b"again"

            sync = zmq.Socket(push)
            assert not isinstance(sync, azmq.Socket)
            assert sync.send(b"sync") is None
            assert await handle.recv() == b"sync"
            twin = copy.copy(push)
            assert type(twin) is azmq.Socket
            await twin.send(b"twin")
            assert await handle.recv() == b"twin"
            again = zmq.Socket.shadow(push.underlying)
            again.send(b"number")
            assert await handle.recv() == b"number"

            back = zmq.Context(world)
            assert back.underlying == plain.underlying
            pull.close()
            push.close()

    run(main())


def test_closing_a_handle_closes_the_socket(zmq: Any, azmq: Any) -> None:
    async def main() -> None:
        context = zmq.Context()
        for socket in (context.socket(zmq.PULL), context.socket(zmq.PULL)):
            azmq.Socket.from_socket(socket).close()
            assert socket.closed
        socket = azmq.Context.shadow(context).socket(zmq.PULL)
        zmq.Socket.shadow(socket).close(linger=0)
        assert socket.closed
        number = context.socket(zmq.PULL)
        zmq.Socket.shadow(number.underlying).close()
        assert number.closed
        with context.socket(zmq.PULL) as kept:
            handle = azmq.Socket.from_socket(kept)
            del handle  # dropped, not closed
            assert not kept.closed
        context.term()

    run(main())


def test_subclasses(zmq: Any, azmq: Any) -> None:
    class Socket(azmq.Socket):  # type: ignore[misc, name-defined]
        counted: int = 0

        def recv(self, *args: Any, **kwargs: Any) -> Any:
            self.counted += 1
            return super().recv(*args, **kwargs)

    class Context(azmq.Context):  # type: ignore[misc, name-defined]
        _socket_class = Socket

    async def main() -> None:
        with Context() as context:
            pull, push = joined(zmq, context, zmq.PULL, zmq.PUSH)
            assert type(pull) is Socket
            await push.send(b"x")
            assert await pull.recv() == b"x"
            assert pull.counted == 1
            pull.close()
            push.close()

    run(main())


def test_monitors_are_awaited(tree: Tree, zmq: Any, azmq: Any, actx: Any) -> None:
    monitor = tree("utils.monitor")

    async def main() -> None:
        rep = actx.socket(zmq.REP)
        watch = rep.get_monitor_socket()
        assert isinstance(watch, azmq.Socket)
        req = actx.socket(zmq.REQ)
        req.linger = 0
        port = rep.bind_to_random_port("tcp://127.0.0.1")
        req.connect(f"tcp://127.0.0.1:{port}")
        found = set()
        while zmq.EVENT_HANDSHAKE_SUCCEEDED not in found:
            message = await monitor.recv_monitor_message(watch)
            found.add(message["event"])
            assert message["endpoint"].startswith(b"tcp://127.0.0.1")
        rep.disable_monitor()
        while message["event"] != zmq.EVENT_MONITOR_STOPPED:
            message = await monitor.recv_monitor_message(watch)
        watch.close()

    run(main())
