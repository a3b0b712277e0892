"""Waiting: units, defaults, descriptors, signals, and deadlines that hold."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support import FACTOR, in_thread, wait_until

posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")


def test_socket_poll(pair: Any, zmq: Any) -> None:
    one, other = pair
    assert other.poll(0) == 0
    assert other.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    start = time.monotonic()
    assert other.poll(50) == 0
    assert 0.04 <= time.monotonic() - start < 5 * FACTOR
    one.send(b"a")
    assert other.poll() == other.poll(None) == other.poll(-1) == zmq.POLLIN
    assert other.poll(5.9) == zmq.POLLIN
    assert other.poll(10, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLIN | zmq.POLLOUT
    other.close()
    with pytest.raises(zmq.ZMQError) as caught:
        other.poll(0)
    assert caught.value.errno == zmq.ENOTSUP


def test_poller(pair: Any, zmq: Any) -> None:
    one, other = pair
    poller = zmq.Poller()
    poller.register(one)
    poller.register(other, zmq.POLLIN)
    assert one in poller
    assert poller.sockets == [(one, zmq.POLLIN | zmq.POLLOUT), (other, zmq.POLLIN)]
    assert poller.poll(0) == [(one, zmq.POLLOUT)]
    one.send(b"a")
    assert dict(poller.poll()) == {one: zmq.POLLOUT, other: zmq.POLLIN}
    poller.modify(one, zmq.POLLIN)
    assert poller.poll(None) == [(other, zmq.POLLIN)]
    poller.register(other, 0)
    assert other not in poller
    poller.unregister(one)
    assert poller.sockets == []
    with pytest.raises(KeyError):
        poller.unregister(one)


def test_registering_nothing_is_no_error(pair: Any, zmq: Any) -> None:
    poller = zmq.Poller()
    poller.register(pair[0], 0)
    assert pair[0] not in poller


def test_descriptors_and_things_that_have_one(ctx: Any, zmq: Any) -> None:
    left, right = socket.socketpair()
    with left, right:
        poller = zmq.Poller()
        poller.register(left, zmq.POLLIN)
        poller.register(right.fileno(), zmq.POLLIN)
        assert poller.poll(0) == []
        left.send(b"x")
        assert poller.poll(5000) == [(right.fileno(), zmq.POLLIN)]
        right.send(b"x")
        assert dict(poller.poll(5000)) == {left.fileno(): zmq.POLLIN, right.fileno(): zmq.POLLIN}


def test_zmq_poll(pair: Any, zmq: Any) -> None:
    one, other = pair
    assert zmq.zmq_poll([]) == []
    assert zmq.zmq_poll([(other, zmq.POLLIN)], 10) == []
    one.send(b"a")
    everything = [(one, zmq.POLLIN), (other, zmq.POLLIN)]
    assert zmq.zmq_poll(everything) == [(other, zmq.POLLIN)]
    assert zmq.zmq_poll(everything, timeout=-1) == [(other, zmq.POLLIN)]
    left, right = socket.socketpair()
    with left, right:
        left.send(b"x")
        assert zmq.zmq_poll([(right, zmq.POLLIN)], 1000) == [(right.fileno(), zmq.POLLIN)]
    with pytest.raises(TypeError):
        zmq.zmq_poll([(object(), zmq.POLLIN)], 0)


def test_select_counts_in_seconds(pair: Any, zmq: Any) -> None:
    one, other = pair
    start = time.monotonic()
    assert zmq.select([other], [], [], 0.05) == ([], [], [])
    assert 0.04 <= time.monotonic() - start < 5 * FACTOR
    one.send(b"a")
    readable, writable, failed = zmq.select([one, other], [one, other], [other])
    assert (readable, set(writable), failed) == ([other], {one, other}, [])
    assert zmq.select([other], [], [], timeout=-1) == ([other], [], [])


def test_timeouts_of_the_socket(pair: Any, zmq: Any) -> None:
    other = pair[1]
    other.rcvtimeo = 30
    with pytest.raises(zmq.Again):
        other.recv()
    with pytest.raises(zmq.Again):
        other.recv(zmq.NOBLOCK)
    with pytest.raises(zmq.Again):
        other.recv_multipart(flags=zmq.DONTWAIT)


# -- signals --------------------------------------------------------------------------------------


@pytest.fixture
def ticking() -> Iterator[list[int]]:
    """A list that gets an entry every 20 ms, from a signal handler."""
    ticks: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda signum, frame: ticks.append(signum))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    yield ticks
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@posix
def test_a_call_goes_on_after_a_signal(pair: Any, ticking: list[int]) -> None:
    def send() -> None:
        wait_until(lambda: len(ticking) >= 2, what="two signals")
        pair[0].send(b"a")

    sent = in_thread(send)
    assert pair[1].recv() == b"a"
    sent()


@posix
def test_an_exception_of_a_handler_comes_through(pair: Any, zmq: Any) -> None:
    class HandledError(Exception):
        pass

    def handler(signum: int, frame: Any) -> None:
        raise HandledError

    def with_alarm(wait: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        wait()

    poller = zmq.Poller()
    poller.register(pair[1], zmq.POLLIN)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        for wait in (
            pair[1].recv,
            poller.poll,
            pair[1].poll,
            lambda: zmq.select([pair[1]], [], []),
        ):
            with pytest.raises(HandledError):
                with_alarm(wait)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@posix
def test_ctrl_c_ends_a_recv(pair: Any) -> None:
    interrupt = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))

    def receive() -> None:
        interrupt.start()
        pair[1].recv()

    with pytest.raises(KeyboardInterrupt):
        receive()
    interrupt.join()


@posix
def test_a_poll_keeps_its_deadline_under_signals(our_pair: Any, ours: Any, ticking: Any) -> None:
    """D4: pyzmq takes whole seconds off, so that 300 ms become 450 to 1000."""
    poller = ours.Poller()
    poller.register(our_pair[1], ours.POLLIN)
    waits = (
        lambda: poller.poll(300),
        lambda: our_pair[1].poll(300),
        lambda: ours.zmq_poll([(our_pair[1], ours.POLLIN)], 300),
        lambda: ours.select([our_pair[1]], [], [], 0.3)[0],
    )
    for wait in waits:
        ticking.clear()
        start = time.monotonic()
        assert not wait()
        count = len(ticking)
        assert time.monotonic() - start >= 0.29
        # By the ticks, not by the clock: a slow machine sees fewer of them before the deadline,
        # never more. pyzmq sees 22 and up.
        assert 1 <= count <= 19


@posix
def test_rcvtimeo_does_not_start_anew_at_signals(our_pair: Any, ours: Any, ticking: Any) -> None:
    """D5: in pyzmq a recv does not time out for as long as signals come."""
    our_pair[1].rcvtimeo = 300
    start = time.monotonic()
    with pytest.raises(ours.Again):
        our_pair[1].recv()
    assert time.monotonic() - start >= 0.29
    assert ticking


def test_a_poller_without_members_waits(ours: Any) -> None:
    """D8: pyzmq's returns at once, so that a loop around it spins."""
    start = time.monotonic()
    assert ours.Poller().poll(60) == []
    assert time.monotonic() - start >= 0.05
