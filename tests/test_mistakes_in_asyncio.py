"""What is easily done wrong in asyncio, and what is said to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import zmqlite as zmq
import zmqlite.asyncio


def in_loop(work: Callable[[Any], Any]) -> None:
    async def main() -> None:
        async with zmqlite.asyncio.Context() as context:
            await work(context)

    asyncio.run(main())


def test_a_forgotten_await_is_answered_with_await() -> None:
    async def work(context: Any) -> None:
        with context.socket("pull", bind="inproc://a") as socket:
            for pending in (socket.recv(), socket.recv_multipart(), socket.poll()):
                assert "pending, await it for its result" in repr(pending)
                for name in ("decode", "split", "append", "items", "bytes"):
                    with pytest.raises(AttributeError, match=f"'{name}': await it first"):
                        getattr(pending, name)
                    assert not hasattr(type(pending), name)
                    assert name not in dir(pending)
                with pytest.raises(TypeError, match="not subscriptable: await it first"):
                    pending[0]
                with pytest.raises(RuntimeError, match="await it first"):
                    for _ in zip(range(9), pending, strict=False):  # it has no end by itself
                        pass
                with pytest.raises(AttributeError, match=r"'nonsense'$"):
                    pending.nonsense  # noqa: B018
                awaits = asyncio.ensure_future(asyncio.wait([pending]))
                await asyncio.sleep(0)
                assert "await it" not in repr(pending)
                awaits.cancel()
                pending.cancel()
                assert "await it" not in repr(pending)

    in_loop(work)


def test_errors_of_asyncio_name_the_call_and_the_endpoint() -> None:
    async def work(context: Any) -> None:
        receiver = context.socket("sub", rcvtimeo=1, bind="inproc://a")
        sender = context.socket("push", sndtimeo=1, bind="inproc://b")
        for call, words in (
            (receiver.recv, "recv on SUB socket (inproc://a): "),
            (receiver.recv, "RCVTIMEO of 1 ms is over: no message is waiting, and a SUB without"),
            (lambda: receiver.recv(zmq.NOBLOCK), "no message is waiting, and a SUB without"),
            (lambda: sender.send(b""), "send on PUSH socket (inproc://b): "),
            (lambda: sender.send_many([b""]), "SNDTIMEO of 1 ms is over: no peer can take"),
        ):
            with pytest.raises(zmq.Again) as late:
                await call()
            assert words in str(late.value)
        for call, name in (
            (sender.recv, "recv"), (sender.recv_multipart, "recv_multipart"),
            (sender.recv_string, "recv"), (sender.recv_many, "recv_many"),
        ):  # fmt: skip
            with pytest.raises(zmq.NotSupported, match=f"^{name} on PUSH socket"):
                await call()
        receiver.close()
        sender.close()
        for call, name in (
            (receiver.recv, "recv"), (receiver.recv_multipart, "recv_multipart"),
            (receiver.recv_json, "recv"), (receiver.poll, "poll"),
            (lambda: sender.send(b""), "send"),
            (lambda: sender.send_multipart([b""]), "send_multipart"),
        ):  # fmt: skip
            with pytest.raises(zmq.SocketClosed, match=f"^{name} on .*the socket is closed"):
                await call()

    in_loop(work)


def test_what_ends_with_the_context_names_its_own_call() -> None:
    async def work(context: Any) -> None:
        socket = context.socket("dealer", bind="inproc://a")
        waiting = {"recv": socket.recv(), "send": socket.send(b""), "poll": socket.poll()}
        await asyncio.sleep(0)
        context.shutdown()
        errors = []
        for name, operation in waiting.items():
            with pytest.raises(zmq.ContextTerminated, match=f"^{name} on DEALER socket") as caught:
                await operation
            errors.append(caught.value)
        assert len(set(map(id, errors))) == 3
        socket.close()

    in_loop(work)


def test_half_a_millisecond_in_asyncio() -> None:
    async def work(context: Any) -> None:
        with context.socket("pull") as socket:
            with pytest.warns(UserWarning, match=r"write poll\(500\)"):
                assert await socket.poll(0.5) == 0
            assert await socket.poll(1.0) == 0

    in_loop(work)
