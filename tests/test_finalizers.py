"""No finalizer waits: the collector runs whenever it likes, in whatever thread."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import program, run_program
from support import FACTOR, in_thread, wait_until

import zmqlite as zmq
import zmqlite.asyncio as azmq
from zmqlite.asyncio import selector_thread as _selector_thread

LIMIT = 0.5 * FACTOR  # seconds; what a finalizer took that waited for a busy loop was 1 s


def collected_in(holder: list[Any]) -> float:
    """Make garbage of what a list holds, as a part of a cycle; return the collector's seconds."""
    cycle: list[Any] = [holder.pop()]
    cycle.append(cycle)
    start = time.monotonic()
    del cycle
    gc.collect()
    return time.monotonic() - start


def quickest(attempt: Callable[[], float]) -> float:
    """A finalizer that waits does so in each attempt, a busy machine does not."""
    gc.collect()
    gc.freeze()  # the collector shall look at what the attempts made, not at a whole run's objects
    try:
        return min(seconds_of(attempt))
    finally:
        gc.unfreeze()


def seconds_of(attempt: Callable[[], float]) -> Iterator[float]:
    for _ in range(4):
        seconds = attempt()
        yield seconds
        if seconds < LIMIT:
            return


class BusyLoop:
    """A loop in a thread, which has used a socket, watches it, and is busy until it is let go."""

    def __init__(self, context: Any) -> None:
        self.sockets: list[Any] = []
        self.ready, self.let_go = threading.Event(), threading.Event()
        self.join = in_thread(asyncio.run, self._main(context))
        assert self.ready.wait(10 * FACTOR)

    async def _main(self, context: Any) -> None:
        pull = azmq.Socket(context, zmq.PULL)
        pull.bind("inproc://dropped")
        assert await pull.poll(1) == 0  # from now on the loop watches it
        self.sockets.append(pull)
        del pull
        self.ready.set()
        assert self.let_go.wait(20 * FACTOR)
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.mark.filterwarnings("ignore:unclosed socket")
@pytest.mark.parametrize("forced", [False, True], ids=["selector", "selector thread"])
def test_a_socket_of_a_busy_loop_is_dropped_in_another_thread(
    make_context: Any, monkeypatch: pytest.MonkeyPatch, forced: bool
) -> None:
    if forced:
        monkeypatch.setenv("ZMQLITE_SELECTOR_THREAD", "1")
    context = make_context()

    def attempt() -> float:
        busy = BusyLoop(context)
        try:
            return collected_in(busy.sockets)
        finally:
            busy.let_go.set()
            busy.join()

    assert quickest(attempt) < LIMIT
    wait_until(lambda: not context.sockets(), what="the loop to close the socket")


@pytest.mark.filterwarnings("ignore:unclosed socket")
def test_a_socket_whose_selector_thread_is_busy(
    make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZMQLITE_SELECTOR_THREAD", "1")
    context = make_context()
    select = _selector_thread.SelectorThread._select

    async def main() -> float:
        let_go, inside = threading.Event(), threading.Event()
        sockets = [azmq.Socket(context, zmq.PULL)]
        sockets[0].bind("inproc://dropped")
        assert await sockets[0].poll(1) == 0
        reader: Any = _selector_thread.reader_of(asyncio.get_running_loop())
        wait_until(lambda: reader._selected, what="the thread to watch it")

        def busy(thread: Any, selector: Any) -> None:
            inside.set()
            let_go.wait(20 * FACTOR)
            select(thread, selector)

        with monkeypatch.context() as patch:
            patch.setattr(_selector_thread.SelectorThread, "_select", busy)
            reader._nudge()
            assert inside.wait(10 * FACTOR)
        timer = threading.Timer(2 * LIMIT, let_go.set)
        timer.start()
        seconds = collected_in(sockets)
        let_go.set()
        timer.join()
        for _ in range(3):
            await asyncio.sleep(0)
        return seconds

    assert quickest(lambda: asyncio.run(main())) < LIMIT
    wait_until(lambda: not context.sockets(), what="the loop to close the socket")


@pytest.mark.filterwarnings("ignore:unclosed socket")
def test_a_dropped_socket_goes_with_its_loop(make_context: Any) -> None:
    """The loop that was asked to close it is closed before it comes to that."""
    context = make_context()
    loop = asyncio.new_event_loop()
    sockets: list[Any] = []

    async def main() -> None:
        pull = azmq.Socket(context, zmq.PULL)
        pull.bind("inproc://dropped")
        assert await pull.poll(1) == 0
        sockets.append(pull)
        del pull
        in_thread(collected_in, sockets)()
        loop.stop()

    task = loop.create_task(main())
    loop.run_forever()
    assert task.done()
    del task
    loop.close()
    gc.collect()
    wait_until(lambda: not context.sockets(), what="the socket to go with its loop")


@pytest.mark.filterwarnings("ignore:unclosed socket")
def test_a_dropped_socket_of_this_loop_is_closed_at_once(run_in_loop: Any) -> None:
    async def main() -> None:
        async with azmq.Context() as context:
            pull = context.socket(zmq.PULL)
            pull.bind("inproc://dropped")
            assert await pull.poll(1) == 0
            seen = weakref.ref(pull)
            del pull
            assert seen() is None
            assert context.sockets() == []

    run_in_loop(main())


@pytest.fixture
def run_in_loop() -> Any:
    return asyncio.run


def test_a_dropped_context_does_not_wait_for_its_messages() -> None:
    """They go out all the same."""
    run_program(
        """
        import gc, warnings
        warnings.simplefilter("ignore", ResourceWarning)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "tcp://127.0.0.1:%d" % probe.getsockname()[1]

        def drop():
            context = zmq.Context()
            push = context.socket(zmq.PUSH, linger=-1, connect=address)
            push.send(b"kept")
            cycle = [context, push]
            cycle.append(cycle)

        drop()
        start = time.monotonic()
        gc.collect()
        taken = time.monotonic() - start
        assert taken < float(sys.argv[1]), taken
        with zmq.Context() as context, context.socket(zmq.PULL, rcvtimeo=15_000) as pull:
            pull.bind(address)
            assert pull.recv() == b"kept"
        """,
        LIMIT,
    )


@pytest.mark.parametrize("linger", [0, 500])
def test_the_exit_waits_for_a_dropped_context(linger: int) -> None:
    out = run_program(
        """
        import warnings
        warnings.simplefilter("ignore", ResourceWarning)

        def drop():
            push = zmq.Context().socket(zmq.PUSH, linger=int(sys.argv[1]), connect="tcp://127.0.0.1:9")
            push.send(b"lost")

        drop()
        print(time.time())
        """,
        linger,
    )
    waited = time.time() - float(out)
    assert waited > 0.4 if linger else waited < 5 * FACTOR


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_dropped_contexts_that_are_done_leave_nothing_behind() -> None:
    program(
        """
        import gc, warnings
        warnings.simplefilter("ignore", ResourceWarning)
        descriptors = lambda: len(os.listdir("/proc/self/fd"))

        def drop():
            context = zmq.Context()
            push = context.socket(zmq.PUSH, linger=50, connect="tcp://127.0.0.1:9")
            push.send(b"lost")

        drop()
        for _ in range(5):
            drop()
        until(lambda: descriptors() <= 5, "the descriptors of all")
        """
    )
