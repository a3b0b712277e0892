"""Contexts and sockets from birth to end: instances, shadows, warnings, forks, subclasses."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, in_thread, wait_inside

import zmqlite

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")


@pytest.fixture
def instance(zmq: Any) -> Iterator[Any]:
    yield zmq.Context.instance()
    zmq.Context.instance().destroy(linger=0)


def test_the_instance_of_a_class(zmq: Any, instance: Any) -> None:
    assert zmq.Context.instance() is instance
    assert in_thread(zmq.Context.instance)() is instance

    class Own(zmq.Context):  # type: ignore[misc]
        pass

    Own._instance = None  # pyzmq's would be that of its base class
    own = Own.instance()
    assert type(own) is Own
    assert Own.instance() is own
    own.term()
    assert Own.instance() is not own
    Own.instance().term()
    assert zmq.Context.instance() is instance


def test_a_closed_context_and_its_sockets(ctx: Any, zmq: Any) -> None:
    socket = ctx.socket(zmq.PUSH)
    assert not socket.closed
    assert not ctx.closed
    assert isinstance(ctx.underlying, int)
    assert isinstance(socket.underlying, int)
    assert socket.context is ctx
    ctx.destroy()
    assert ctx.closed
    assert socket.closed
    ctx.destroy()
    ctx.term()
    with pytest.raises(zmq.ZMQError) as caught:
        ctx.socket(zmq.PUSH)
    assert caught.value.errno == zmq.ENOTSUP


def test_a_closed_socket(ctx: Any, zmq: Any) -> None:
    socket = ctx.socket(zmq.PUSH)
    socket.close()
    socket.close()
    assert socket.closed
    for call in (lambda: socket.send(b"a"), socket.recv, lambda: socket.bind("inproc://a")):
        with pytest.raises(zmq.ZMQError) as caught:
            call()
        assert caught.value.errno == zmq.ENOTSOCK


def test_with_statements(zmq: Any) -> None:
    with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as socket:
        assert not socket.closed
    assert socket.closed
    assert ctx.closed


def test_an_open_socket_in_with_is_told(zmq: Any) -> None:
    with pytest.warns(ResourceWarning, match="unclosed socket"), zmq.Context() as ctx:
        socket = ctx.socket(zmq.PUSH)
    assert socket.closed


def test_forgetting_to_close_warns(zmq: Any) -> None:
    gc.collect()  # what others have left
    things = [zmq.Context()]
    things.append(things[0].socket(zmq.PUSH))
    for kind in ("socket", "context"):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            things.pop()
            gc.collect()
        [warning] = told
        assert warning.category is ResourceWarning
        assert str(warning.message).lower().startswith(f"unclosed {kind}")
        assert warning.source is not None
        del warning, told  # they hold the thing itself


def test_shadows_neither_warn_nor_close(ctx: Any, zmq: Any) -> None:
    socket = ctx.socket(zmq.PUSH)
    for shadow in (
        zmq.Context.shadow(ctx), zmq.Context.shadow(ctx.underlying), zmq.Context(ctx),
        zmq.Context(shadow=ctx), zmq.Context(shadow=ctx.underlying), copy.copy(ctx),
        copy.deepcopy(ctx),
    ):  # fmt: skip
        assert shadow.underlying == ctx.underlying
        assert shadow is not ctx
        del shadow
    for shadow in (
        zmq.Socket.shadow(socket), zmq.Socket.shadow(socket.underlying), zmq.Socket(socket),
        zmq.Socket(shadow=socket), copy.copy(socket), copy.deepcopy(socket),
    ):  # fmt: skip
        assert shadow.underlying == socket.underlying
        assert shadow.type == zmq.PUSH
        del shadow
    gc.collect()
    assert not socket.closed
    assert not ctx.closed


def test_a_shadow_lives_in_the_same_context(ctx: Any, zmq: Any) -> None:
    shadow = zmq.Context.shadow(ctx)
    socket = shadow.socket(zmq.PAIR)
    socket.bind("inproc://shared")
    other = ctx.socket(zmq.PAIR)
    other.connect("inproc://shared")
    other.send(b"a")
    assert socket.recv() == b"a"
    socket.close()
    del shadow
    gc.collect()
    assert not ctx.closed


def test_closing_a_shadow(tree: Any, tree_ctx: Any) -> None:
    zmq = tree("")
    for make in (zmq.Socket.shadow, zmq.Socket, copy.copy):
        socket = tree_ctx.socket(zmq.PUSH)
        with make(socket) as shadow:
            pass
        assert shadow.closed
        assert socket.closed


def test_zmqlite_closes_the_shadow_alone() -> None:
    with zmqlite.Context() as ctx, ctx.socket(zmqlite.PUSH) as socket:
        zmqlite.Socket.shadow(socket).close()
        assert not socket.closed


def test_nothing_is_said_of_a_late_option(tree: Any, tree_ctx: Any) -> None:
    """Warnings are errors here."""
    socket = tree_ctx.socket(tree("").PUSH)
    socket.bind("tcp://127.0.0.1:*")
    socket.sndbuf = 5000
    assert socket.sndbuf == 5000


def test_the_repr_counts_sockets(zmq: Any) -> None:
    name = re.escape(zmq.__name__ if zmq.__name__ == "zmqlite" else "zmq")
    with zmq.Context() as ctx:
        assert re.fullmatch(rf"<{name}\.Context\(\) at 0x\w+>", repr(ctx))
        with ctx.socket(zmq.PUSH) as socket:
            assert re.fullmatch(rf"<{name}\.Context\(1 socket\) at 0x\w+>", repr(ctx))
            assert re.fullmatch(rf"<{name}\.Socket\(zmq\.PUSH\) at 0x\w+>", repr(socket))
            with ctx.socket(zmq.PUSH):
                assert "(2 sockets)" in repr(ctx)
        assert repr(socket).endswith(" closed>")
    assert repr(ctx).endswith(" closed>")


# -- subclasses -----------------------------------------------------------------------------------


def test_the_socket_class_of_a_context(zmq: Any) -> None:
    class Sock(zmq.Socket):  # type: ignore[misc]
        def __init__(self, *args: Any, extra: int = 0, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.__dict__["extra"] = extra

    class Ctx(zmq.Context):  # type: ignore[misc]
        _socket_class = Sock

    with Ctx() as ctx:
        with ctx.socket(zmq.PUSH, extra=5) as socket:
            assert type(socket) is Sock
            assert socket.extra == 5
        with ctx.socket(zmq.PUSH, socket_class=zmq.Socket) as socket:
            assert type(socket) is zmq.Socket
        with ctx.socket(zmq.PUSH, Sock, extra=6) as socket:
            assert socket.extra == 6
    with zmq.Context() as ctx, ctx.socket(zmq.PUSH, lambda c, t: Sock(c, t, extra=7)) as socket:
        assert socket.extra == 7
    with zmq.Context() as ctx, pytest.raises(TypeError):
        ctx.socket(zmq.PUSH, extra=5)


def test_generics(zmq: Any) -> None:
    assert zmq.Context[zmq.Socket[bytes]].__origin__ is zmq.Context
    assert zmq.Socket[bytes].__origin__ is zmq.Socket
    with zmq.SyncContext() as ctx:
        assert isinstance(ctx, zmq.Context)
        with zmq.SyncSocket(ctx, zmq.PUSH) as socket:
            assert isinstance(socket, zmq.Socket)

    class Own(zmq.Context[zmq.Socket[bytes]]):  # type: ignore[misc]
        pass

    Own().term()


def test_sockets_do_not_pickle(ctx: Any, zmq: Any) -> None:
    for thing in (ctx, ctx.socket(zmq.PUSH), zmq.Frame(b"a")):
        with pytest.raises((TypeError, pickle.PicklingError)):
            pickle.dumps(thing)


def test_constants_and_errors_pickle(zmq: Any) -> None:
    for thing in (zmq.PUSH, zmq.POLLIN | zmq.POLLOUT, zmq.LINGER, zmq.EVENT_ALL):
        assert pickle.loads(pickle.dumps(thing)) is thing
    error = pickle.loads(pickle.dumps(zmq.ZMQError(zmq.EFSM)))
    assert type(error) is zmq.ZMQError
    assert error.errno == zmq.EFSM


# -- forks ----------------------------------------------------------------------------------------


def in_child(check: Any) -> None:
    """Run a check in a forked child; it says what went wrong through a pipe."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer Pythons warn of fork() with threads
        pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(int(20 * FACTOR))
            check()
        except BaseException as error:
            os.write(writer, repr(error).encode()[:4000])
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        assert said.read() == b""
    assert os.waitpid(pid, 0)[1] == 0


@forks
def test_a_child_leaves_the_sockets_of_its_parent_alone(pair: Any, ctx: Any) -> None:
    def child() -> None:
        for socket in pair:
            socket.close()
        ctx.term()
        assert ctx.closed

    in_child(child)
    pair[0].send(b"a")
    assert pair[1].recv() == b"a"
    assert not ctx.closed


@forks
def test_a_child_has_an_instance_of_its_own(zmq: Any, instance: Any) -> None:
    def child() -> None:
        own = zmq.Context.instance()
        assert own is not instance
        assert not own.closed
        one, other = own.socket(zmq.PAIR), own.socket(zmq.PAIR)
        one.bind("inproc://child")
        other.connect("inproc://child")
        one.send(b"x" * 100_000, copy=False)
        assert len(other.recv()) == 100_000
        one.close()
        other.close()
        own.term()

    in_child(child)


# -- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["zmq", "zmqlite.pyzmq", "zmqlite"])
def test_the_interpreter_ends_in_silence(library: str) -> None:
    code = (
        f"import {library} as zmq\n"
        "ctx = zmq.Context.instance()\n"
        "one, other = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)\n"
        "one.linger = 0\n"
        "one.connect('tcp://127.0.0.1:9')\n"
        "print('end')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        timeout=30 * FACTOR, cwd=Path(zmqlite.__file__).parents[1],
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


@pytest.mark.parametrize("library", ["zmq", "zmqlite.pyzmq"])
def test_a_program_ends_whoever_does_not_take_its_messages(library: str) -> None:
    code = (
        f"import {library} as zmq\n"
        "sock = zmq.Context.instance().socket(zmq.PUSH)\n"
        "sock.linger = -1\n"
        "sock.connect('tcp://127.0.0.1:9')\n"
        "sock.send(b'for nobody')\n"
        "print('end')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        timeout=30 * FACTOR, cwd=Path(zmqlite.__file__).parents[1],
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_what_is_taken_soon_is_delivered_at_the_end() -> None:
    with zmqlite.Context() as context, context.socket(zmqlite.PULL) as pull:
        pull.rcvtimeo = int(20_000 * FACTOR)
        code = (
            "import zmqlite.pyzmq as zmq\n"
            "sock = zmq.Context.instance().socket(zmq.PUSH)\n"
            f"sock.connect({pull.bind('tcp://127.0.0.1:*')!r})\n"
            "sock.send(b'last words')\n"
        )
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code], check=True,
            timeout=30 * FACTOR, cwd=Path(zmqlite.__file__).parents[1],
        )  # fmt: skip
        assert pull.recv() == b"last words"


def test_closing_under_a_blocked_recv_raises(our_pair: Any) -> None:
    """D2: pyzmq lets libzmq abort the process."""
    waiting = in_thread(our_pair[1].recv)
    wait_inside(our_pair[1])
    with pytest.raises(zmqlite.ThreadMisuse):
        our_pair[1].close()
    our_pair[0].send(b"still alive")
    assert waiting() == b"still alive"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_a_signal_does_not_end_a_term_that_waits(ours: Any) -> None:
    """D10: pyzmq forgets the context and says that it is closed, though a socket is open."""
    ctx = ours.Context()
    socket = ctx.socket(ours.PUSH)
    ticks: list[int] = []
    handled = threading.Event()

    def handler(signum: int, frame: Any) -> None:
        ticks.append(signum)
        if len(ticks) == 3:
            assert not ctx.closed
            handled.set()

    def close() -> None:
        handled.wait()
        socket.close()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        closing = in_thread(close)
        ctx.term()
        assert len(ticks) >= 3, "it returned before the socket was closed"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    closing()
    assert ctx.closed
