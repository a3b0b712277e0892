"""How a task wakes up that waits for a socket: in the pass of the loop in which the news came, in
its own context, and with few system calls."""

from __future__ import annotations

import asyncio
import contextvars
import select
import sys
from pathlib import Path
from typing import Any

import pytest
from support import awaiting, needs_patch
from tracing import calls_each, needs_strace

import zmqlite as zmq

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="none")
PROGRAM = """
import asyncio, sys
import zmqlite.asyncio as zmq

async def main(address, trips):
    async with zmq.Context() as context:
        with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
            client.connect(server.bind(address))

            async def answer():
                for _ in range(trips):
                    await server.send(await server.recv())

            task = asyncio.ensure_future(answer())
            for _ in range(trips):
                await client.send(b"question")
                await client.recv()
            await task

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def arrive(push: Any, pull: Any, part: bytes = b"news") -> None:
    """Send, and wait until the receiver's descriptor speaks; its loop does not run meanwhile."""
    push.send_nonblock(part)
    assert select.select([pull.fd], [], [], 10)[0]


def factory(kind: str) -> Any:
    """A task factory of a loop: asyncio's compiled tasks, its Python ones, its eager ones."""
    if kind == "eager" and not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("eager tasks came with Python 3.12")
    return {
        "compiled": None,
        "python": lambda loop, coro, **given: asyncio.tasks._PyTask(coro, loop=loop, **given),
        "eager": getattr(asyncio, "eager_task_factory", None),
    }[kind]


def current(kind: str) -> Any:
    """The task that runs; as of Python 3.14 asyncio's compiled half sees no Python tasks."""
    look = getattr(asyncio.tasks, "_py_current_task", None) if kind == "python" else None
    return (look or asyncio.current_task)()


@pytest.mark.parametrize("kind", ["compiled", "python", "eager"])
def test_in_the_pass_in_which_the_news_came_and_in_its_context(
    run: Any, wire: Any, kind: str
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory(kind))
        push, pull = wire()
        seen: list[Any] = []

        async def receive() -> None:
            VARIABLE.set("ours")
            for _ in range(3):
                seen.append(await pull.recv())
                assert VARIABLE.get() == "ours"
                assert current(kind) is task
            VARIABLE.set("changed")

        task = loop.create_task(receive())
        await asyncio.sleep(0)
        passes = []
        for number in range(3):
            arrive(push, pull)
            assert len(seen) == number
            passes.append(0)
            while len(seen) == number:
                passes[-1] += 1
                await asyncio.sleep(0)
        # two: the pass that selects comes before the second step of ours
        assert sorted(passes)[1] <= 2, passes
        await task
        assert VARIABLE.get() == "none"
        assert current(kind) is not task

    run(main())


@pytest.mark.parametrize("kind", ["compiled", "python"])
def test_a_look_in_the_middle_of_a_task_lets_the_other_wait_for_the_next_pass(
    run_both: Any, wire: Any, kind: str
) -> None:
    """As when a loop is run within a task, by one of the modules that make that possible."""

    async def within() -> None:
        loop = asyncio.get_running_loop()
        push, pull = wire()
        task = loop.create_task(awaiting(pull.recv()))
        await asyncio.sleep(0)
        arrive(push, pull)
        pull._binding.dispatch(at_once=True)
        assert current(kind) is not task
        assert not task.done()
        assert (await asyncio.wait({task}, timeout=10))[0] == {task}
        assert task.result() == b"news"
        task = loop.create_task(awaiting(pull.recv()))
        await asyncio.sleep(0)
        arrive(push, pull, b"kept")
        pull._binding.dispatch(at_once=True)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await pull.recv() == b"kept"

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory(kind))
        await loop.create_task(within())  # of the same kind: the two kinds do not see each other

    run_both(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="create_task takes no context")
def test_a_context_that_is_in_use_lets_the_task_wait_for_the_next_pass(
    run_both: Any, wire: Any
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        push, pull = wire()
        context = contextvars.copy_context()
        task = loop.create_task(awaiting(pull.recv()), context=context)
        await asyncio.sleep(0)
        arrive(push, pull)
        loop.call_soon(pull._binding.loop_handle.dispatch, context=context)
        assert await asyncio.wait_for(task, 10) == b"news"

    run_both(main())


def test_what_the_woken_task_may_do(run_both: Any, wire: Any) -> None:
    """It runs within the look that woke it: it may send, wait again, end others, fail, close."""

    async def main() -> None:
        first, second = wire(zmq.PAIR, zmq.PAIR)
        others: list[Any] = []

        async def work() -> None:
            while (part := await second.recv()) != b"close":
                if part == b"cancel":
                    others.pop().cancel()
                await second.send(part)
            second.close()
            raise KeyError("mine")

        task = asyncio.ensure_future(work())
        for part in (b"one", b"two", b"cancel", b"three"):
            await asyncio.sleep(0)
            others[:] = [asyncio.ensure_future(awaiting(second.recv()))]
            polls = second.poll(), asyncio.ensure_future(awaiting(second.poll()))
            await asyncio.sleep(0)
            await first.send(part)
            assert await asyncio.wait_for(first.recv(), 10) == part
            assert [await asyncio.wait_for(poll, 10) for poll in polls] == [zmq.POLLIN] * 2
            for other in others:
                other.cancel()
        await asyncio.sleep(0)
        left = [asyncio.ensure_future(awaiting(second.recv())), second.recv()]
        poll = second.poll()
        await asyncio.sleep(0)
        await first.send(b"close")
        await asyncio.wait({task, *left}, timeout=10)
        assert isinstance(task.exception(), KeyError)
        assert all(waiting.cancelled() for waiting in left)
        assert poll.result() == zmq.POLLIN  # it was true before the task took the message

    run_both(main())


def test_what_the_woken_task_begins_to_wait_for_is_looked_at_anew(
    run_both: Any, wire: Any
) -> None:
    """The look that woke it has seen the message that it took: no news for who waits now."""

    async def main() -> None:
        push, pull = wire(zmq.PUSH, zmq.PULL)

        async def work() -> int:
            assert await pull.recv() == b"only"
            return int(await pull.poll(1))

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        await push.send(b"only")
        assert await asyncio.wait_for(task, 10) == 0

    run_both(main())


@pytest.mark.parametrize("value", [None, b"", (), (1, 2), KeyError("a value"), StopIteration(3)])
def test_whatever_is_received_arrives_as_the_value(run_both: Any, wire: Any, value: Any) -> None:
    """An await ends with an exception that carries its value, which may be one itself."""

    async def main() -> None:
        push, pull = wire()
        at_once = asyncio.ensure_future(awaiting(pull.recv_serialized(lambda _: value)))
        kept = pull.recv_serialized(lambda _: value)
        await asyncio.sleep(0)
        push.send_nonblock(b"first")
        push.send_nonblock(b"second")
        assert await asyncio.wait_for(at_once, 10) is value
        await asyncio.wait({kept}, timeout=10)
        assert await kept is value

    run_both(main())


@pytest.mark.parametrize("end", ["close", "throw", "throw a class", "throw a message"])
def test_an_await_that_does_not_go_on_cancels_its_call(run: Any, wire: Any, end: str) -> None:
    """As coroutines do it, and whoever runs them by hand."""

    async def main() -> None:
        push, pull = wire()
        waiting = pull.recv()
        steps = waiting.__await__()
        next(steps)
        behind = asyncio.ensure_future(awaiting(pull.recv()))
        await asyncio.sleep(0)
        if end == "close":
            steps.close()
            steps.close()
        elif end == "throw":
            with pytest.raises(KeyError, match="mine"):
                steps.throw(KeyError("mine"))
        elif end == "throw a class":
            with pytest.raises(KeyError):
                steps.throw(KeyError, None, None)
        else:
            with pytest.raises(KeyError, match="mine"):
                steps.throw(KeyError, "mine", None)
        assert waiting.cancelled()
        push.send_nonblock(b"kept")
        assert await asyncio.wait_for(behind, 10) == b"kept"
        with pytest.raises(RuntimeError, match="over"):
            next(steps)

    run(main())


def test_what_a_task_waits_for_is_a_future_in_the_eyes_of_asyncio(run: Any, wire: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        push, pull = wire()
        waiting = pull.recv()
        steps = waiting.__await__()
        place = next(steps)
        assert asyncio.isfuture(place)
        assert place.get_loop() is loop
        told: list[Any] = []
        place.add_done_callback(told.append, context=contextvars.copy_context())
        with pytest.raises(RuntimeError, match="already"):
            place.add_done_callback(told.append)
        push.send_nonblock(b"news")
        while not told:
            await asyncio.sleep(0)
        assert told == [place]
        assert place.done()
        assert not place.cancel("too late")
        assert place.result() is None
        with pytest.raises(StopIteration) as over:
            next(steps)
        assert over.value.value == b"news"
        assert waiting.result() == b"news"
        steps = pull.recv().__await__()
        place = next(steps)
        assert place.cancel("why")
        with pytest.raises(asyncio.CancelledError, match="why"):
            place.result()
        place.add_done_callback(told.append)
        await asyncio.sleep(0)
        assert told[1:] == [place]
        steps.close()

    run(main())


async def _trips(first: Any, second: Any, count: int) -> None:
    """Ask and answer, each side a task that waits."""

    async def answer() -> None:
        for _ in range(count):
            await first.send(await first.recv())

    task = asyncio.ensure_future(answer())
    for _ in range(count):
        await second.send(b"question")
        await second.recv()
    await task


def test_python_frames_of_a_round_trip(run: Any, wire: Any) -> None:
    """Nothing but the calls themselves: what wakes the tasks is compiled."""

    async def main() -> None:
        client, server = wire(zmq.REQ, zmq.REP)
        package = str(Path(zmq.__file__).parent)
        frames: list[str] = []

        def note(frame: Any, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename.startswith(package):
                frames.append(frame.f_code.co_name)

        await _trips(server, client, 20)
        sys.setprofile(note)
        try:
            await _trips(server, client, 200)
        finally:
            sys.setprofile(None)
        assert len(frames) <= 200 * 4 + 20, {name: frames.count(name) for name in set(frames)}

    run(main())


def test_who_waits_for_each_message_costs_the_loop_no_callbacks(run: Any, wire: Any) -> None:
    """The turn ends with the pass, of which who waits hears from his descriptor."""

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        client, server = wire(zmq.REQ, zmq.REP)
        await _trips(server, client, 20)
        calls: list[Any] = []
        call_soon = loop.call_soon

        def counting(callback: Any, *args: Any, **context: Any) -> Any:
            calls.append(callback)
            return call_soon(callback, *args, **context)

        loop.call_soon = counting
        try:
            await _trips(server, client, 200)
        finally:
            del loop.call_soon
        assert len(calls) < 20, calls

    run(main())


@needs_strace
@needs_patch("fork-count")
@pytest.mark.parametrize(
    ("transport", "limit"), [("inproc://trip", 10), ("tcp://127.0.0.1:*", 12)]
)
def test_system_calls_of_a_round_trip(transport: str, limit: float, tmp_path: Path) -> None:
    """For both sides of one: each is told, looks, sends, and finds nothing more."""
    each = calls_each(PROGRAM, transport, 200, 1200, tmp_path, threads=False)
    assert each.get("getpid", 0) < 0.1, each
    assert each.get("epoll_ctl", 0) < 0.1, each
    assert sum(each.values()) < limit, each
