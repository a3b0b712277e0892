"""Guarantee 5: memory, descriptors and reference cycles."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
from support import awaiting, turns

import zmqlite as zmq
import zmqlite.asyncio as azmq

FDS = Path("/proc/self/fd")


def descriptors() -> int:
    return len(list(FDS.iterdir()))


def test_memory_is_flat_on_a_socket_that_is_always_busy(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://busy")

        async def exchange(count: int) -> None:
            for _ in range(count):
                await push.send(b"x" * 100)
                await push.send_multipart([b"a", b"b"])
                assert await pull.poll(1000)
                await pull.recv()
                waiting = pull.recv_multipart()
                await waiting
                late = pull.recv_string()
                await push.send(b"late")
                await asyncio.wait_for(late, 10)
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(pull.recv(), 0)

        await exchange(300)
        gc.collect()
        before = sys.getallocatedblocks()
        await exchange(3000)
        gc.collect()
        assert sys.getallocatedblocks() - before < 500

    run_both(main())


def test_long_timeouts_leave_nothing_behind(run: Any, wire: Any) -> None:
    """A timer that is not needed any more keeps neither the operation nor its message."""

    async def main() -> None:
        push, pull = wire(at="inproc://timers")
        pull.rcvtimeo = push.sndtimeo = 3_600_000
        before = 0
        for number in range(2000):
            if number == 400:
                gc.collect()
                before = sys.getallocatedblocks()
            poll, receive = pull.poll(3_600_000), asyncio.ensure_future(awaiting(pull.recv()))
            await asyncio.sleep(0)
            await push.send(b"x")
            await poll
            await receive
        del poll, receive
        gc.collect()
        assert sys.getallocatedblocks() - before < 1000

    run(main())


@pytest.mark.skipif(not FDS.is_dir(), reason="counts descriptors in /proc")
def test_descriptors_do_not_grow_with_pending_or_cancelled_calls(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        await push.send(b"x")  # connected, with all descriptors that this takes
        await pull.recv()
        poller = azmq.Poller()
        poller.register(pull, zmq.POLLIN)
        await poller.poll(0)
        await turns()
        before = descriptors()
        tasks = [asyncio.ensure_future(awaiting(pull.recv())) for _ in range(200)]
        futures = [pull.recv() for _ in range(200)] + [pull.poll() for _ in range(200)]
        await turns()
        assert descriptors() <= before
        polls = [poller.poll() for _ in range(20)]
        await turns()
        for waiting in (*tasks, *futures, *polls):
            waiting.cancel()
        await turns()
        assert descriptors() <= before
        await push.send(b"x")
        assert await pull.recv() == b"x"

    run_both(main())


def garbage_of_ours() -> list[Any]:
    """Collect, and return what only the collector could free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return [
            thing for thing in gc.garbage
            if type(thing).__module__.partition(".")[0] == "zmqlite"
            or isinstance(thing, (asyncio.Future, BaseException))
        ]  # fmt: skip
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.mark.parametrize("end", ["cancel", "expire", "timeout", "error", "close", "drop", "done"])
def test_calls_leave_no_cycles(run: Any, wire: Any, end: str) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://cycles")
        pull.rcvtimeo = 1 if end == "timeout" else -1

        async def receive(json: bool = False) -> Any:
            return await (pull.recv_json() if json else pull.recv())

        async def once() -> None:
            task = asyncio.ensure_future(receive(end == "error"))
            plain = pull.recv_string()
            await asyncio.sleep(0)
            if end == "cancel":
                task.cancel()
                plain.cancel()
            elif end == "expire":
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(receive(), 0.001)
                task.cancel()
            elif end == "close":
                pull.close()
            elif end == "drop":
                task.cancel()
                del plain
            elif end in ("error", "done"):
                push.send_nonblock(b"no json")
                push.send_nonblock(b"no json")
                if end == "error":  # both ways: while it waits, and at once
                    await asyncio.wait({task, plain})
                    push.send_nonblock(b"no json")
                    await pull.poll(1000)
                    assert pull.recv_json().exception()
            await asyncio.wait({task}, timeout=1)
            if not task.cancelled():
                task.exception()
            if end == "timeout":
                await asyncio.wait({plain})
                plain.exception()

        gc.collect()
        gc.disable()
        try:
            await once()
            await turns()
            assert garbage_of_ours() == []
        finally:
            gc.enable()

    run(main())


def test_a_closed_socket_goes_without_the_collector(run_both: Any) -> None:
    async def main() -> None:
        async with azmq.Context() as context:
            gc.disable()
            try:
                pull = context.socket(zmq.PULL)
                pull.bind("inproc://gone")
                future, task = pull.recv(), asyncio.ensure_future(awaiting(pull.recv()))
                poll = pull.poll()
                await turns()
                seen, binding = weakref.ref(pull), weakref.ref(pull._binding)
                pull.close()
                await asyncio.wait({task})
                del pull, future, task, poll
                await turns()
                assert seen() is None
                assert binding() is None
            finally:
                gc.enable()

    run_both(main())


@pytest.mark.filterwarnings("ignore:unclosed socket")
def test_a_dropped_socket_is_collected_though_a_selector_knew_it(run_both: Any) -> None:
    """And its descriptor's number may be used again, by a socket that is served."""

    async def main() -> None:
        async with azmq.Context() as context:
            for number in range(20):
                push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
                push.connect(pull.bind(f"inproc://dropped-{number}"))
                waiting = pull.recv()
                await turns()
                push.send(b"x")
                assert await asyncio.wait_for(waiting, 10) == b"x"
                pull.recv()
                seen = weakref.ref(pull)
                if number % 2:
                    del push, pull
                else:
                    del pull, push
                del waiting
                assert seen() is None

    run_both(main())


def test_a_done_call_keeps_no_socket(run: Any, actx: Any) -> None:
    async def main() -> None:
        async with azmq.Context() as context:
            pull = context.socket(zmq.PULL)
            pull.bind("inproc://keeps")
            futures = [pull.recv(), pull.poll(), pull.recv_multipart()]
            seen = weakref.ref(pull)
            await turns()
            pull.close()
            del pull
            await turns()
            assert all(future.cancelled() for future in futures)
            assert seen() is None

    run(main())
