"""After fork(): clear errors in the child, nothing lost in the parent."""

from __future__ import annotations

import os
import sys
import traceback

import pytest

import zmqlite as zmq

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()"),
    # Python 3.12 warns of forks beside threads; libzmq's are exactly what is tested here.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_child(work):
    """Run `work` in a forked child and fail with its traceback if it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            os.write(writer, traceback.format_exc().encode())
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        report = stream.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, report


def test_inherited_sockets_and_contexts_are_refused(context):
    socket = context.socket(zmq.PULL)
    socket.bind("tcp://127.0.0.1:*")

    def child():
        for use in (
            lambda: socket.recv(zmq.NOBLOCK),
            lambda: socket.poll(0),
            lambda: socket.getsockopt(zmq.LINGER),
            lambda: socket.connect("inproc://x"),
            lambda: zmq.Socket(context, zmq.PULL),
            lambda: context.socket(zmq.PULL),
        ):
            with pytest.raises(zmq.ForkError, match=r"fork\(\)"):
                use()
        socket.close()
        context.term()

    in_child(child)
    sender = context.socket(zmq.PUSH)
    sender.connect(socket.last_endpoint.decode())
    sender.send(b"the parent goes on")
    assert socket.recv() == b"the parent goes on"


def test_child_makes_its_own(context):
    def child():
        with zmq.Context() as fresh, fresh.socket(zmq.PAIR) as a, fresh.socket(zmq.PAIR) as b:
            a.bind("inproc://child")
            b.connect("inproc://child")
            a.send(b"works")
            assert b.recv() == b"works"

    in_child(child)


def test_instance_is_fresh_in_the_child(default_context):
    before = zmq.Context.instance()
    before.socket(zmq.PAIR).close()

    def child():
        fresh = zmq.Context.instance()
        assert fresh is not before
        fresh.socket(zmq.PUSH).close()
        fresh.term()

    in_child(child)
    assert zmq.Context.instance() is before


def test_poller_in_the_child_leaves_the_parents_alone(context):
    a = context.socket(zmq.PAIR)
    a.bind("inproc://polled")
    b = context.socket(zmq.PAIR)
    b.connect("inproc://polled")
    poller = zmq.Poller()
    poller.register(a, zmq.POLLIN)
    assert poller.poll(0) == []

    def child():
        with pytest.raises(zmq.ForkError):
            poller.poll(0)

    in_child(child)
    b.send(b"news")
    assert poller.poll(5000) == [(a, zmq.POLLIN)]


def test_child_that_exits_normally_prints_nothing(context, capfd):
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:9")
    socket.send(b"never arrives")
    pid = os.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", "pass"])
    _, status = os.waitpid(pid, 0)
    assert status == 0
    assert capfd.readouterr().err == ""
    socket.close(0)
