"""Whatever drives an await by hand, and futures that their owner finishes: as of any Future."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import select
import sys
import time
import types
import weakref
from collections.abc import Generator
from typing import Any

import pytest
from support import FACTOR, awaiting, turns

import zmqlite as zmq

METHODS = [name for name in dir(asyncio.Future) if not name.startswith("_")]


def arrive(push: Any, pull: Any) -> None:
    """Send, and wait until the receiver's descriptor speaks; its loop does not run meanwhile."""
    push.send_nonblock(b"news")
    assert select.select([pull.fd], [], [], 10 * FACTOR)[0]


# -- the builtin anext with a default: a new iterator at each step, and each is dropped -----------


@pytest.mark.parametrize("late", [False, True])
def test_anext_with_a_default_waits(run_both: Any, wire: Any, late: bool) -> None:
    async def main() -> None:
        push, pull = wire()
        if not late:
            push.send_nonblock(b"one")
        task = asyncio.ensure_future(anext(pull, None))
        await turns()
        if late:
            push.send_nonblock(b"one")
        assert await asyncio.wait_for(task, 10 * FACTOR) == b"one"
        await push.send(b"two")
        assert await anext(pull, None) == b"two"

    run_both(main())


@pytest.mark.parametrize("when", ["before", "while it waits", "the context ends"])
def test_anext_gives_its_default_at_the_end(run_both: Any, actx: Any, when: str) -> None:
    async def main() -> None:
        pull = actx.socket(zmq.PULL)
        if when == "before":
            pull.close()
        task = asyncio.ensure_future(anext(pull, "default"))
        await turns()
        if when == "while it waits":
            pull.close()
        elif when == "the context ends":
            actx.shutdown()
        assert await asyncio.wait_for(task, 10 * FACTOR) == "default"
        pull.close()
        assert await anext(pull, "default") == "default"
        with pytest.raises(StopAsyncIteration):
            await anext(pull)
        assert [part async for part in pull] == []

    run_both(main())


def test_anext_never_raises_by_itself(actx: Any, run: Any) -> None:
    """With a default given, the builtin crashes when it does: the error is in the await."""

    async def main() -> None:
        push = actx.socket(zmq.PUSH, linger=0)
        awaitable = anext(push, "default")
        with pytest.raises(zmq.NotSupported, match="only sends"):
            await awaitable
        push.close()
        assert await anext(push, "default") == "default"

    run(main())


@pytest.mark.parametrize("sent", ["never", "before", "after"])
def test_a_cancelled_anext_took_nothing(run_both: Any, wire: Any, sent: str) -> None:
    async def main() -> None:
        push, pull = wire()
        task = asyncio.ensure_future(awaiting(anext(pull, None)))
        await turns()
        if sent == "before":
            arrive(push, pull)
        task.cancel()
        if sent == "after":
            arrive(push, pull)
        with pytest.raises(asyncio.CancelledError):
            await task
        if sent == "never":
            push.send_nonblock(b"news")
        assert await asyncio.wait_for(pull.recv(), 10 * FACTOR) == b"news"

    run_both(main())


def test_anext_stands_in_line(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        got: list[Any] = []

        async def take(name: str, awaitable: Any) -> None:
            got.append((name, await awaitable))

        first = asyncio.ensure_future(take("first", anext(pull, None)))
        await turns()
        second = asyncio.ensure_future(take("second", pull.recv()))
        await turns()
        third = asyncio.ensure_future(take("third", anext(pull, None)))
        await turns()
        for number in range(3):
            push.send_nonblock(b"%d" % number)
        await asyncio.wait_for(asyncio.gather(first, second, third), 10 * FACTOR)
        assert got == [("first", b"0"), ("second", b"1"), ("third", b"2")]

    run_both(main())


def test_anext_wherever_awaitables_go(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        push.send_nonblock(b"0")
        assert await asyncio.wait_for(anext(pull, None), 10 * FACTOR) == b"0"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(pull, None), 0.01)
        waiting = asyncio.gather(anext(pull, None), asyncio.shield(pull.__anext__()))
        await turns()
        await push.send_many([b"1", b"2"])
        assert await asyncio.wait_for(waiting, 10 * FACTOR) == [b"1", b"2"]

    run_both(main())


# -- other drivers --------------------------------------------------------------------------------


class AnewEachStep:
    """Asks for a new iterator at each step, as the builtin does, and passes everything on."""

    def __init__(self, awaitable: Any) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self._awaitable.__await__())

    def send(self, value: Any) -> Any:
        return self._awaitable.__await__().send(value)

    def throw(self, *error: Any) -> Any:
        return self._awaitable.__await__().throw(*error)

    def close(self) -> None:
        self._awaitable.__await__().close()


@pytest.mark.parametrize("call", ["recv", "recv_multipart", "recv_json", "poll", "recv_many"])
def test_every_call_may_be_driven_so(run_both: Any, wire: Any, call: str) -> None:
    async def main() -> None:
        push, pull = wire()
        task = asyncio.ensure_future(awaiting(AnewEachStep(getattr(pull, call)())))
        await turns()
        push.send_nonblock(b"1")
        wanted = {"recv": b"1", "recv_json": 1, "poll": zmq.POLLIN}.get(call, [b"1"])
        assert await asyncio.wait_for(task, 10 * FACTOR) == wanted

    run_both(main())


def test_a_send_may_be_driven_so(run_both: Any, actx: Any) -> None:
    async def main() -> None:
        push, pull = actx.socket(zmq.PUSH, linger=0), actx.socket(zmq.PULL)
        waiting = asyncio.ensure_future(awaiting(AnewEachStep(push.send(b"x"))))
        batch = asyncio.ensure_future(awaiting(AnewEachStep(push.send_many([b"y", b"z"]))))
        await turns()
        push.connect(pull.bind("inproc://driven"))
        assert await asyncio.wait_for(waiting, 10 * FACTOR) is None
        assert await asyncio.wait_for(batch, 10 * FACTOR) == 2
        assert [await pull.recv() for _ in range(3)] == [b"x", b"y", b"z"]

    run_both(main())


def test_a_generator_may_drive_it(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()

        @types.coroutine
        def receive() -> Generator[Any, Any, Any]:
            return (yield from pull.recv())

        task = asyncio.ensure_future(receive())
        await turns()
        push.send_nonblock(b"x")
        assert await asyncio.wait_for(task, 10 * FACTOR) == b"x"

    run_both(main())


def test_a_dropped_iterator_is_no_cancelling(run: Any, wire: Any) -> None:
    """The call is not awaited any more: its owner has it, as with any future, or nobody has."""

    async def main() -> None:
        push, pull = wire()
        kept, dropped = pull.recv(), pull.recv()
        next(kept.__await__())
        next(dropped.__await__())
        del dropped
        behind = asyncio.ensure_future(awaiting(pull.recv()))
        await turns()
        await push.send_many([b"kept", b"behind"])
        assert await asyncio.wait_for(behind, 10 * FACTOR) == b"behind"
        assert kept.result() == b"kept"

    run(main())


# -- what its owner finishes ----------------------------------------------------------------------


CALLS = {
    "recv": lambda pair: pair.recv(),
    "recv_json": lambda pair: pair.recv_json(),
    "recv_many": lambda pair: pair.recv_many(),
    "poll": lambda pair: pair.poll(),
    "send": lambda pair: pair.send(b"x"),
    "send_multipart": lambda pair: pair.send_multipart([b"x", b"y"]),
    "send_many": lambda pair: pair.send_many([b"x", b"y"]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["set_result", "set_exception"])
def test_who_awaits_hears_what_the_owner_says(
    run_both: Any, actx: Any, call: str, how: str
) -> None:
    async def main() -> None:
        lonely = actx.socket(zmq.PAIR, linger=0)  # nobody is there: every call waits
        future = CALLS[call](lonely)
        tasks = [asyncio.ensure_future(awaiting(future)) for _ in range(2)]
        await turns()
        if how == "set_result":
            future.set_result("mine")
            assert await asyncio.wait_for(asyncio.gather(*tasks), 10 * FACTOR) == ["mine"] * 2
        else:
            future.set_exception(KeyError("mine"))
            done, _ = await asyncio.wait(tasks, timeout=10 * FACTOR)
            assert [type(task.exception()) for task in done] == [KeyError] * 2
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result("again")
        with pytest.raises(asyncio.InvalidStateError):
            future.set_exception(KeyError("again"))
        assert not lonely._binding.waiting, "it has left the line"

    run_both(main())


def test_a_future_that_is_not_awaited_is_finished_too(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        first, second = pull.recv(), pull.recv()
        told: list[Any] = []
        first.add_done_callback(told.append)
        first.set_result(b"mine")
        await turns()
        assert told == [first]
        push.send_nonblock(b"news")
        assert await asyncio.wait_for(second, 10 * FACTOR) == b"news"

    run(main())


def test_what_isfuture_calls_a_future_has_its_methods(run: Any, wire: Any) -> None:
    """Of a call that waits, and of what its task says it waits for."""

    async def main() -> None:
        _, pull = wire()
        future = pull.recv()
        task = asyncio.ensure_future(awaiting(future))
        await turns()
        waiter: Any = task._fut_waiter  # type: ignore[attr-defined]
        for one in (future, waiter):
            assert asyncio.isfuture(one)
            assert [name for name in METHODS if not hasattr(one, name)] == []
            assert not one.done()
            assert not one.cancelled()
            for ask in (one.result, one.exception):
                with pytest.raises(asyncio.InvalidStateError):
                    ask()
            assert one.get_loop() is asyncio.get_running_loop()
            assert one.remove_done_callback(print) == 0
        second = asyncio.ensure_future(awaiting(waiter))
        await turns()
        waiter.set_result(b"mine")
        assert await asyncio.wait_for(asyncio.gather(task, second), 10) == [b"mine"] * 2
        assert waiter.done()
        assert waiter.exception() is None
        for finish in (lambda: waiter.set_result(1), lambda: waiter.set_exception(KeyError())):
            with pytest.raises(asyncio.InvalidStateError):
                finish()

        task = asyncio.ensure_future(awaiting(pull.recv()))
        await turns()
        waiter = task._fut_waiter  # type: ignore[attr-defined]
        waiter.cancel("why")
        assert waiter.cancelled()
        for ask in (waiter.result, waiter.exception):
            with pytest.raises(asyncio.CancelledError, match="why"):
                ask()
        with pytest.raises(asyncio.CancelledError):
            await task

        task = asyncio.ensure_future(awaiting(pull.recv()))
        await turns()
        waiter = task._fut_waiter  # type: ignore[attr-defined]
        waiter.set_exception(KeyError("mine"))
        with pytest.raises(KeyError, match="mine"):
            await asyncio.wait_for(task, 10)

    run(main())


# -- callbacks and the log ------------------------------------------------------------------------


def test_a_callback_that_fails_is_not_run_again(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        heard: list[Any] = []
        loop.set_exception_handler(lambda _, context: heard.append(context["exception"]))
        push, pull = wire()
        steps = pull.recv().__await__()
        place = next(steps)
        calls: list[Any] = []

        def callback(told: Any) -> None:
            calls.append(told)
            raise RuntimeError("mine")

        place.add_done_callback(callback, context=contextvars.copy_context())
        behind = asyncio.ensure_future(awaiting(pull.poll()))
        await turns()
        push.send_nonblock(b"x")
        assert await asyncio.wait_for(behind, 10 * FACTOR) == zmq.POLLIN
        await turns(10)
        assert calls == [place]
        assert [str(error) for error in heard] == ["mine"]
        with pytest.raises(StopIteration):
            next(steps)

    run_both(main())


def test_a_task_that_ends_the_loop_costs_the_others_no_wake_up(wire: Any) -> None:
    """SystemExit out of a task that runs within a look: who waits behind it is served later."""
    loop = asyncio.new_event_loop()
    push, pull = wire(zmq.PAIR, zmq.PAIR)

    async def leave() -> None:
        await pull.recv()
        raise SystemExit(3)

    async def begin() -> Any:
        task = loop.create_task(leave())
        await turns()
        behind = loop.create_task(awaiting(pull.recv()))
        await turns()
        return task, behind

    task, behind = loop.run_until_complete(begin())
    zmq.Socket.send_many(push, [b"first", b"second"])
    with pytest.raises(SystemExit):
        loop.run_until_complete(asyncio.wait({task}, timeout=10 * FACTOR))
    assert loop.run_until_complete(asyncio.wait_for(behind, 10 * FACTOR)) == b"second"
    assert isinstance(task.exception(), SystemExit)
    pull.close()
    push.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_the_log_of_slow_callbacks_names_the_task(
    run: Any, wire: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.02
        push, pull = wire()

        async def slow() -> None:
            await pull.recv()
            time.sleep(0.05)  # time is the subject: it is slow

        task = loop.create_task(slow(), name="the slow one")
        await turns()
        push.send_nonblock(b"x")
        await asyncio.wait_for(task, 10 * FACTOR)

    with caplog.at_level(logging.WARNING, "asyncio"):
        run(main())
    slow = [record.getMessage() for record in caplog.records if "took" in record.getMessage()]
    assert any("the slow one" in text for text in slow), slow


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks_may_use_anext(run: Any, wire: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        push, pull = wire()
        task = loop.create_task(awaiting(anext(pull, None)))
        await turns()
        push.send_nonblock(b"x")
        assert await asyncio.wait_for(task, 10 * FACTOR) == b"x"

    run(main())


# -- a future for each send -----------------------------------------------------------------------


def test_each_send_has_a_future_of_its_own(run_both: Any, wire: Any) -> None:
    """As long as someone has it, or has left something in it."""

    async def main() -> None:
        push, _ = wire(at="inproc://own", hwm=0)
        sends = {push.send(b"%d" % number): number for number in range(100)}
        assert len(sends) == 100
        assert next(iter(sends)).done()  # at once; later ones may let others run before
        assert await asyncio.gather(*sends) == [None] * 100
        sends.clear()

        push.send(b"x").mark = "mine"
        assert not hasattr(push.send(b"x"), "mark")
        weak = weakref.ref(push.send(b"x"), lambda _: gone.append(True))
        gone: list[bool] = []
        del weak
        names = weakref.WeakKeyDictionary({push.send(b"x"): "mine"})
        assert push.send(b"x") not in names
        told: list[Any] = []
        push.send(b"x").add_done_callback(told.append)
        push.send(b"x").add_done_callback(told.append)
        await turns()
        assert len(set(told)) == 2
        for _ in range(10):  # and what nobody has any more costs nothing
            assert await push.send(b"x") is None

    run_both(main())
