"""A `Proxy` whose calls Ctrl-C ends anywhere, that a handler or the child of a fork calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from programs import HELPERS, run_program
from support import FACTOR, in_thread, keeping, needs_patch, wait_inside, wait_until

import zmqlite as zmq
from zmqlite.proxy import Steering
from zmqlite.proxy.process import _sendable

PATIENCE = 15_000 * FACTOR  # ms
TCP = "tcp://127.0.0.1:*"
SIDES: Any = ("PULL", TCP), ("PUSH", TCP)

each_runner = pytest.mark.parametrize("where", ["thread", "process"])


def proxy_of(where: str) -> Any:
    return (zmq.Proxy if where == "thread" else zmq.Proxy.in_process)(*SIDES)


@pytest.fixture
def context() -> Iterator[Any]:
    context = keeping(zmq.Context)()
    context.linger = 0
    context.rcvtimeo = context.sndtimeo = int(PATIENCE)
    yield context
    context.destroy(0)


class Once:
    """An object with one method that raises KeyboardInterrupt at its first call."""

    def __init__(self, plain: Any, name: str, before: bool) -> None:
        self.plain, self.name, self.before, self.armed = plain, name, before, True

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.plain, name)
        if name != self.name or not self.armed:
            return call

        def pressed(*args: Any) -> Any:
            self.armed = False
            if not self.before:
                call(*args)
            raise KeyboardInterrupt

        return pressed


CALLS = ["statistics", "pause"]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", ["send", "recv_multipart"])
@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_in_a_call_of_a_thread(context: Any, call: str, step: str, before: bool) -> None:
    with proxy_of("thread") as proxy:
        runner: Any = proxy._runner
        steering, near = runner._steering, runner._steering.control
        steering.control = Once(near, step, before)
        with pytest.raises(KeyboardInterrupt):
            getattr(proxy, call)()
        steering.control = near
        in_thread(check_calls, proxy, context)()


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("call", [*CALLS, "resume"])
def test_ctrl_c_in_a_call_of_a_process(context: Any, call: str, before: bool) -> None:
    with proxy_of("process") as proxy:
        runner: Any = proxy._runner
        hear, pressed = runner._hear, []

        def interrupted(*args: Any) -> Any:
            if pressed:
                return hear(*args)
            pressed.append(True)
            if not before:
                hear(*args)
            raise KeyboardInterrupt

        runner._hear = interrupted
        with pytest.raises(KeyboardInterrupt):
            getattr(proxy, call)()
        in_thread(check_calls, proxy, context)()


def check_calls(proxy: Any, context: Any) -> None:
    """Each call gets its own answer, of now."""
    (front,), (back,) = proxy.endpoints
    source = context.socket(zmq.PUSH, connect=front)
    sink = context.socket(zmq.PULL, connect=back)
    proxy.resume()
    for count in (1, 2, 3):
        source.send(b"x")
        assert sink.recv() == b"x"
        proxy.pause()
        assert proxy.statistics().backend_sent == count
        proxy.resume()


STORM = """
import random, signal
make = zmq.Proxy if sys.argv[1] == "thread" else zmq.Proxy.in_process
def main():
    sides = ("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*")
    context = zmq.Context()
    context.linger, context.rcvtimeo = 0, 20000
    with make(*sides) as proxy:
        (front,), (back,) = proxy.endpoints
        source = context.socket(zmq.PUSH, connect=front)
        sink = context.socket(zmq.PULL, connect=back)
        calls = [proxy.statistics, proxy.pause, proxy.resume, lambda: proxy.wait(0)]
        for turn in range(int(sys.argv[2])):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-3))
                while True:
                    random.choice(calls)()
            except KeyboardInterrupt:
                pass
        for count in range(1, 4):
            proxy.resume()
            source.send(b"x")
            assert sink.recv() == b"x"
            proxy.pause()
            counted = proxy.statistics()
            assert counted.backend_sent == count, counted
    assert not proxy.running
    context.destroy(0)
def pressed(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, pressed)
if __name__ == "__main__":
    main()
"""


@each_runner
def test_a_storm_of_ctrl_c(where: str) -> None:
    """Wherever it comes, the next call gets its own answer, and the proxy ends."""
    run_program(STORM, where, 150, timeout=60)


@each_runner
def test_a_handler_may_make_any_call_in_the_middle_of_another(where: str) -> None:
    run_program(
        """
        import random, signal
        make = zmq.Proxy if sys.argv[1] == "thread" else zmq.Proxy.in_process
        calls = []
        def handle(*_):
            calls.append([proxy.statistics(), proxy.pause(), proxy.resume()])
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-3))
        def last(*_):
            proxy.stop()
        with make(("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*")) as proxy:
            signal.signal(signal.SIGALRM, handle)
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            while len(calls) < 100:
                assert proxy.statistics() == (0,) * 8
                proxy.pause()
            signal.signal(signal.SIGALRM, last)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            while proxy.running:
                proxy.statistics()
            signal.setitimer(signal.ITIMER_REAL, 0)
        """,
        where,
    )


@each_runner
def test_the_child_of_a_fork_leaves_it_alone(where: str) -> None:
    """Neither by its calls nor by its exit."""
    run_program(
        """
        make = zmq.Proxy if sys.argv[1] == "thread" else zmq.Proxy.in_process
        with make(("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*")) as proxy:
            child = os.fork()
            if not child:
                assert not proxy.running
                proxy.statistics()
                proxy.pause()
                proxy.stop()
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
            assert proxy.running
            assert not proxy.wait(50)
            assert proxy.statistics() == (0,) * 8
        """,
        where,
    )


def test_a_child_of_a_fork_that_lives_on_does_not_keep_the_process(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, time, zmqlite as zmq
            if __name__ == "__main__":
                sides = ("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*")
                proxy = zmq.Proxy.in_process(*sides).start()
                child = os.fork()
                if not child:
                    os.close(1)
                    time.sleep(600)
                    os._exit(0)
                print(child, proxy._runner._process.pid, flush=True)
                os._exit(0)
            """
        )
    )
    # (what keeps track of multiprocessing's resources lives on with the child, and has its stdout)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE) as parent:
        child, process = map(int, parent.stdout.readline().split())
    try:
        wait_until(lambda: gone(process), 15, "the process of the proxy to end")
    finally:
        os.kill(child, signal.SIGKILL)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_process_that_dies_in_the_middle_of_a_call() -> None:
    proxy = proxy_of("process").start()
    pid = proxy._runner._process.pid
    os.kill(pid, signal.SIGSTOP)
    join = in_thread(proxy.statistics)
    wait_until(lambda: proxy._runner._line.answers, what="the call to wait")
    os.kill(pid, signal.SIGKILL)
    assert join() == (0,) * 8
    with pytest.raises(RuntimeError, match="ended with -9"):
        proxy.wait(PATIENCE)
    for call in (proxy.pause, proxy.resume, proxy.statistics, proxy.stop):
        call()


def fill(link: Any) -> None:
    """With orders as those of calls that were interrupted: nobody waits for their answers."""
    with suppress(BlockingIOError):
        while True:
            link.send((0, "resume"))


def test_an_order_waits_for_room_on_the_way_to_the_process() -> None:
    """It is not carried out by being dropped."""
    with proxy_of("process") as proxy:
        runner = proxy._runner
        hear, heard = runner._hear, []
        runner._hear = lambda number: heard.append(hear(number))
        process = runner._process.pid
        os.kill(process, signal.SIGSTOP)
        try:
            fill(runner._line.link)
            join = in_thread(proxy.pause)
            wait_until(lambda: runner._line.answers or heard, what="the order to be given")
        finally:
            os.kill(process, signal.SIGCONT)
        join()
        assert heard == [None]  # the answer; _NO_ANSWER if it was over


def test_stop_waits_for_room_as_well() -> None:
    proxy = proxy_of("process").start()
    process = proxy._runner._process.pid
    os.kill(process, signal.SIGSTOP)
    try:
        fill(proxy._runner._line.link)
        join = in_thread(proxy.stop)
    finally:
        os.kill(process, signal.SIGCONT)
    join()
    assert not proxy.running


def test_an_error_at_the_end_of_the_thread_does_not_keep_it() -> None:
    proxy = proxy_of("thread").start()
    steering = proxy._runner._steering
    near = steering.control

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(near, name)

        def close(self) -> None:
            near.close()
            raise LookupError("at the end")

    steering.control = Broken()
    with pytest.raises(LookupError, match="at the end"):
        in_thread(proxy.stop)()
    assert not proxy.running


def test_an_error_that_does_not_survive_the_way() -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    found = _sendable(Odd(1, 2))
    assert type(found) is RuntimeError
    assert str(found) == "Odd: 1 and 2"


def test_ctrl_c_while_a_process_starts() -> None:
    """It ends, and nothing of it is left."""
    run_program(
        HELPERS
        + """
from zmqlite.proxy import process as module
def pressed(self, number):
    raise KeyboardInterrupt
module.ProcessRunner._hear = pressed
proxy = zmq.Proxy.in_process(("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*"))
try:
    proxy.start()
except KeyboardInterrupt:
    pass
until(lambda: not proxy._runner._process.is_alive(), "the process to end")
assert not proxy.running
"""
    )


# -- the steering of a steerable proxy -----------------------------------------------------------


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(context: Any) -> None:
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    near.connect(far.bind("inproc://steering"))
    steering = Steering(near)

    def answer(first: int) -> None:
        assert far.recv() == b"STATISTICS"
        far.send_multipart([first.to_bytes(8, sys.byteorder)] * 8)

    near.rcvtimeo = 0
    for _ in range(2):
        with pytest.raises(zmq.Again):
            steering.statistics()
    answer(1)
    with pytest.raises(zmq.Again):
        steering.statistics()
    for number in (2, 3):
        answer(number)
    far.send(b"")  # some releases of libzmq answer so
    near.rcvtimeo = int(PATIENCE)
    join = in_thread(steering.statistics)
    answer(4)
    assert join() == (4,) * 8
    join = in_thread(steering.statistics)
    answer(5)
    assert join() == (5,) * 8


@pytest.mark.parametrize("allowed", [int(PATIENCE), -1], ids=["with RCVTIMEO", "without"])
def test_a_question_that_died_with_its_proxy_is_given_up(context: Any, allowed: int) -> None:
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    near.connect(far.bind("inproc://steering"))
    steering = Steering(near)
    near.rcvtimeo = 0
    with pytest.raises(zmq.Again):
        steering.statistics()
    assert far.recv() == b"STATISTICS"
    near.rcvtimeo = allowed
    for number in (1, 2, 3):
        join = in_thread(steering.statistics)
        assert far.recv() == b"STATISTICS"
        far.send_multipart([number.to_bytes(8, sys.byteorder)] * 8)
        assert join() == (number,) * 8


def test_a_handler_may_ask_while_an_answer_is_waited_for(context: Any) -> None:
    """It took the answer to the question before its own, whose asker then waited for ever."""
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    near.connect(far.bind("inproc://steering"))
    steering = Steering(near)
    near.rcvtimeo = far.rcvtimeo = int(PATIENCE)
    handled, asked = [], threading.Event()

    def handler(*_: Any) -> None:
        asked.set()
        handled.append(steering.statistics())

    def proxy() -> None:
        for number in (1, 2, 3):
            assert far.recv() == b"STATISTICS"
            if number == 1:
                wait_inside(near)
                os.kill(os.getpid(), signal.SIGUSR1)
                asked.wait(PATIENCE / 1000)
            far.send_multipart([number.to_bytes(8, sys.byteorder)] * 8)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        join = in_thread(proxy)
        assert steering.statistics() == (3,) * 8
        join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == [(2,) * 8]
    join = in_thread(steering.statistics)
    assert far.recv() == b"STATISTICS"
    far.send_multipart([(4).to_bytes(8, sys.byteorder)] * 8)
    assert join() == (4,) * 8


# -- statistics ----------------------------------------------------------------------------------


@needs_patch("known-numbers")
def test_what_waits_for_room_is_not_counted(context: Any) -> None:
    front = context.socket(zmq.PULL)
    back = context.socket(zmq.PUSH, sndhwm=1)
    source = context.socket(zmq.PUSH, connect=front.bind("inproc://front"))
    back.bind("inproc://back")
    with zmq.Proxy(front, back) as proxy:
        source.send_multipart([b"12345", b"678"])
        wait_until(lambda: begun(context), what="the proxy to take the first part")
        assert proxy.statistics() == (0,) * 8
        sink = context.socket(zmq.PULL, connect="inproc://back")
        assert sink.recv_multipart() == [b"12345", b"678"]
        proxy.pause()
        counts = proxy.statistics()
        assert counts == (1, 8, 0, 0, 0, 0, 1, 8)


def begun(context: Any) -> bool:
    """Whether the first part of the message, of 5 bytes, was read, which is as far as it gets."""
    front = [one for one in context.stats().peers if one.direction == "bound"]
    return any(one.endpoint == "inproc://front" and one.bytes_in == 5 for one in front)


def test_what_has_no_receiver_is_received_and_not_sent(context: Any) -> None:
    front = context.socket(zmq.PULL)
    back = context.socket(zmq.ROUTER, router_mandatory=1)
    source = context.socket(zmq.PUSH, connect=front.bind("inproc://front"))
    with zmq.Proxy(front, back) as proxy:
        source.send_multipart([b"nobody", b"x"])
        wait_until(lambda: proxy.statistics().frontend_received, what="the message")
        assert proxy.statistics() == (1, 7, 0, 0, 0, 0, 0, 0)
