"""zmqlite.trio: the calls, the waiting, the ends. Storms and floods: test_trio_load.py."""

from __future__ import annotations

import errno
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, in_thread
from trio_stage import LIMIT, pair, run, waiting

import zmqlite

trio: Any = pytest.importorskip("trio")
testing: Any = pytest.importorskip("trio.testing")
zmq: Any = pytest.importorskip("zmqlite.trio")


# -- the calls ------------------------------------------------------------------------------------


def test_recv_into_and_frames(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        buffer = bytearray(4)
        await first.send(b"abcdef")
        assert await second.recv_into(buffer) == 6
        assert buffer == b"abcd"
        tracker = await first.send(b"x" * 70_000, copy=False, track=True)
        frame = await second.recv(copy=False)
        assert isinstance(frame, zmqlite.Frame)
        assert len(frame) == 70_000
        del frame
        await trio.to_thread.run_sync(tracker.wait, LIMIT)

    run(main)


def test_every_call_is_a_checkpoint(trio_context: Any) -> None:
    """Also when it can be done at once: cancelled, it has done nothing."""

    async def main() -> None:
        first, second = pair(trio_context)
        await first.send(b"one")
        for call in ("recv", "recv_string", "recv_json", "recv_multipart", "recv_many", "poll"):
            with testing.assert_checkpoints(), trio.move_on_after(0) as scope:
                await getattr(second, call)()
            assert scope.cancelled_caught, call
        with trio.move_on_after(0) as scope:
            await first.send(b"two")
        assert scope.cancelled_caught
        with trio.move_on_after(0) as scope:
            await first.send_many([b"two"])
        assert scope.cancelled_caught
        assert await second.recv_many() == [b"one"]

    run(main)


def test_str_is_refused(trio_context: Any) -> None:
    async def main() -> None:
        first, _ = pair(trio_context)
        with pytest.raises(TypeError, match="send_string"):
            await first.send("text")
        with pytest.raises(TypeError, match="async for"):
            iter(first)

    run(main)


def test_nursery_takes_the_calls(trio_context: Any) -> None:
    """They are async functions, which trio insists on."""

    async def main() -> None:
        first, second = pair(trio_context)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            nursery.start_soon(first.send_string, "x")

    run(main)


# -- the end --------------------------------------------------------------------------------------


def test_endpoints_are_given_up(trio_context: Any) -> None:
    async def main() -> None:
        pull, push = (trio_context.socket(kind, linger=0) for kind in (zmq.PULL, zmq.PUSH))
        endpoint = pull.bind("tcp://127.0.0.1:*")
        with endpoint, push.connect(endpoint) as connected:
            await connected.send(b"x")
            assert await pull.recv() == b"x"
            assert len(push.endpoints) == 1
        assert pull.endpoints == push.endpoints == ()

    run(main)


def test_use_after_close(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        await second.poll(0)
        first.close()
        await second.aclose()
        for socket in (first, second):
            for call in (socket.recv, socket.recv_multipart, socket.poll, socket.recv_many):
                with pytest.raises(trio.ClosedResourceError) as caught:
                    await call()
                assert isinstance(caught.value, zmqlite.SocketClosed)
                assert caught.value.errno == errno.ENOTSOCK
            with pytest.raises(trio.ClosedResourceError):
                await socket.send(b"x")
            async for _ in socket:
                pytest.fail("a closed socket has no messages")

    run(main)


def test_errors_name_the_call_that_failed(trio_context: Any) -> None:
    """Not the step inside it that met the error; and a time limit says on which endpoint."""

    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.SUB))
        with pytest.raises(zmqlite.NotSupported, match=r"^recv on PUSH socket"):
            await push.recv()
        pull.rcvtimeo = 1
        with pytest.raises(zmqlite.Again, match=r"^recv on SUB socket \(inproc://.*subscription"):
            await pull.recv()
        with pytest.warns(UserWarning, match=r"write poll\(500\)"):
            assert await pull.poll(0.5) == 0
        push.close()
        for name in ("recv", "recv_multipart", "recv_many", "poll"):
            with pytest.raises(zmq.SocketClosed, match=f"^{name} on PUSH socket.* is closed"):
                await getattr(push, name)()
        with pytest.raises(zmq.SocketClosed, match=r"^send on PUSH socket"):
            await push.send(b"x")

    run(main)


def end_close(context: Any, socket: Any) -> None:
    socket.close()


def end_close_elsewhere(context: Any, socket: Any) -> None:
    in_thread(socket.close)()


def end_destroy(context: Any, socket: Any) -> None:
    context.destroy(0)


def end_destroy_elsewhere(context: Any, socket: Any) -> None:
    in_thread(context.destroy, 0)()


def end_plain_destroy(context: Any, socket: Any) -> None:
    """The core closes the sockets and asks nobody."""
    zmqlite.Context.destroy(context, 0)


def end_shutdown(context: Any, socket: Any) -> None:
    context.shutdown()


ENDS = [v for k, v in list(globals().items()) if k.startswith("end_")]


@pytest.mark.parametrize("end", ENDS)
def test_the_end_wakes_all_who_wait(trio_context: Any, end: Callable[..., None]) -> None:
    async def main() -> None:
        first, _second = pair(trio_context, sndhwm=1, rcvhwm=1)
        while first.writable():
            await first.send(b"full")
        ended: list[str] = []
        expected = (
            zmqlite.ContextTerminated if end is end_shutdown
            else (trio.ClosedResourceError, zmqlite.ContextTerminated)
        )  # fmt: skip

        async def call(function: Any, *args: Any) -> None:
            with pytest.raises(expected):
                await function(*args)
            ended.append(function.__name__)

        async def iterate() -> None:
            async for _ in first:
                pytest.fail("nothing was sent")
            ended.append("iterate")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, first.recv)
            nursery.start_soon(call, first.recv_string)
            nursery.start_soon(iterate)
            nursery.start_soon(call, first.send, b"x")
            nursery.start_soon(call, first.poll)
            await waiting(first, count=5)
            end(trio_context, first)
        assert len(ended) == 5

    run(main)


def test_context_manager_warns_and_ends(recwarn: pytest.WarningsRecorder) -> None:
    async def main() -> None:
        async with zmq.Context() as context, context.socket(zmq.PULL) as socket:
            assert not socket.closed
        assert socket.closed
        assert context.closed
        with pytest.warns(ResourceWarning, match="unclosed"):
            async with zmq.Context() as context:
                context.socket(zmq.PULL)
        assert context.closed

    run(main)


def test_leaving_a_context_lets_other_tasks_run() -> None:
    """It waits for unsent messages, which a task of this very run receives."""

    async def main() -> None:
        receiver = zmq.Context()
        pull = receiver.socket(zmq.PULL, linger=0)
        got = []

        async def receive() -> None:
            await testing.wait_all_tasks_blocked()
            address = pull.bind("tcp://127.0.0.1:*")
            push.connect(address)
            await push.send(b"x")
            nursery.start_soon(leave)
            got.append(await pull.recv())

        async def leave() -> None:
            push.close()
            await sender.aclose()

        sender = zmq.Context()
        push = sender.socket(zmq.PUSH)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
        assert got == [b"x"]
        assert sender.closed
        pull.close()
        await receiver.aclose()

    run(main)


def test_leaving_a_context_can_be_cancelled() -> None:
    async def main() -> None:
        context = zmq.Context()
        push = context.socket(zmq.PUSH, linger=int(300 * FACTOR))
        push.connect("tcp://127.0.0.1:9")
        await push.send(b"nobody takes this")
        with trio.move_on_after(0) as scope:
            await context.aclose()
        assert scope.cancelled_caught
        assert push.closed
        context.term(timeout=LIMIT)

    run(main)


# -- descriptors and memory -----------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_descriptors_do_not_grow(trio_context: Any) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def cancelled(socket: Any, times: int) -> None:
        for _ in range(times):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(socket.recv)
                await waiting(socket, count=5)
                nursery.cancel_scope.cancel()

    async def main() -> None:
        first, second = pair(trio_context)
        await cancelled(second, 1)
        before = count()
        await cancelled(second, 100)
        assert count() <= before
        second.close()
        first.close()

    before = None
    for _ in range(5):
        run(main)
        trio_context.get(zmq.IO_THREADS)
        before = before or count()
    assert count() <= before + 4  # libzmq's reaper may be late with the last pair


def test_nothing_is_left_for_the_collector(trio_context: Any) -> None:
    """Neither a served nor a cancelled call leaves a cycle behind."""

    async def main() -> None:
        first, second = pair(trio_context)

        async def work() -> None:
            for _ in range(50):
                await first.send(b"x")
                await second.recv()
                with trio.move_on_after(1e-5):
                    await second.recv()

        await work()
        gc.collect()
        gc.disable()
        try:
            await work()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            rooms = ("zmqlite.trio", "zmqlite._loops", "zmqlite._native")  # not another test's
            ours = [o for o in gc.garbage if type(o).__module__.startswith(rooms)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert ours == []

    run(main)
