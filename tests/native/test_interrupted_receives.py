"""What a receive had when it could not go on is reported, or lost as a whole, never in pieces."""

from __future__ import annotations

import signal
import sys
import textwrap
import threading

import pytest
from programs import program
from support import connect_pair, in_thread, needs_patch, wait_inside

import zmqlite as zmq

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's signals and limits")

SIGNALLING = """
import ctypes, signal
class Interrupted(Exception):
    pass
class Slotted(Exception):
    __slots__ = ()
    def __setattr__(self, name, value):
        raise AttributeError(name)
raises = Interrupted
def handle(number, frame):
    raise raises
signal.signal(signal.SIGUSR1, handle)
def caught(call, cls):
    try:
        result = call()
    except cls as error:
        return error
    raise AssertionError(result)
class Flags:
    '''As flags: none, and a signal arrives while the call that takes them is inside.'''
    # a function of C, after which no instruction of Python comes
    __int__ = __index__ = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int)(
        ("PyErr_SetInterruptEx", ctypes.pythonapi), ((1, "number", int(signal.SIGUSR1)),))
"""

SHORT_OF_MEMORY = """
import resource
LARGE = 120 << 20
def short_of_memory(call):
    '''Call while there is no room for another large body.'''
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (used + LARGE // 2, hard))
    taken = []
    try:
        try:
            while True:  # a Python without a GIL keeps a GiB of addresses in reserve
                taken.append(bytes(LARGE))
        except MemoryError:
            pass
        return call()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
def fails(call):
    try:
        short_of_memory(call)
    except MemoryError as error:
        return error
    raise AssertionError("there was memory")
receiver = zmq.PULL(bind="inproc://short")
sender = zmq.PUSH(connect="inproc://short")
"""


@pytest.mark.parametrize("multipart", [False, True])
def test_a_handler_that_raises_during_recv_many_gets_what_had_arrived(multipart):
    program(
        SIGNALLING
        + textwrap.dedent(
            f"""
            multipart = {multipart}
            receiver = zmq.PULL(bind="inproc://interrupted", rcvhwm=0)
            sender = zmq.PUSH(connect="inproc://interrupted", sndhwm=0)
            found = []
            for n in range(20):
                message = [b"%d" % n, b"more"]
                sender.send_many([message] * 5)
                call = lambda: receiver.recv_many(3, Flags(), multipart=multipart)
                error = caught(call, Interrupted)
                assert error.received == ([message] * 3 if multipart else message * 3)
                raises = Slotted
                caught(lambda: receiver.recv_many(1, Flags()), Slotted)
                raises = Interrupted
                assert receiver.recv_multipart() == message
            """
        )
    )


def test_a_handler_that_raises_while_recv_many_waits_says_that_there_was_nothing(context):
    class Interrupted(Exception):
        pass

    def handle(*_):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handle)
    receiver, sender = connect_pair(context, "inproc://waits", zmq.PULL, zmq.PUSH)
    main = threading.main_thread().ident

    def interrupt():
        wait_inside(receiver)
        signal.pthread_kill(main, signal.SIGUSR1)

    try:
        join = in_thread(interrupt)
        with pytest.raises(Interrupted) as caught:
            receiver.recv_many(10)
        join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught.value.received == []
    sender.send(b"after")
    assert receiver.recv_many(10) == [b"after"]


def test_an_error_of_recv_many_carries_what_there_was(context):
    receiver, _ = connect_pair(context, "inproc://error", zmq.PULL, zmq.PUSH)
    with pytest.raises(zmq.Again) as caught:
        receiver.recv_many(10, zmq.DONTWAIT)
    assert caught.value.received == []


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_without_memory_recv_many_hands_over_the_whole_messages(place, multipart):
    """And drops the one for which there was none: its other parts are no messages of their own."""
    program(
        SHORT_OF_MEMORY
        + textwrap.dedent(
            f"""
            place, multipart = {place}, {multipart}
            parts = [b"small"] * 3
            parts[place] = bytearray(LARGE)
            before = [[b"%d" % n, b"more"] for n in range(40)]
            for message in (*before, parts, [b"after"]):
                sender.send_multipart(message)
            parts = None
            got = []
            def receive():
                while True:
                    got.extend(receiver.recv_many(99, multipart=multipart))
            got += fails(receive).received
            assert got == (before if multipart else sum(before, [])), got
            assert receiver.recv_multipart(zmq.DONTWAIT) == [b"after"]
            """
        )
    )


@pytest.mark.parametrize("call", ["recv_multipart", "recv_multipart_nonblock"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_without_memory_no_rest_of_a_message_is_left(place, call):
    program(
        SHORT_OF_MEMORY
        + textwrap.dedent(
            f"""
            parts = [b"small"] * 3
            parts[{place}] = bytearray(LARGE)
            sender.send_multipart(parts)
            sender.send_multipart([b"next", b"message"])
            parts = None
            fails(receiver.{call})
            assert receiver.{call}() == [b"next", b"message"]
            """
        )
    )


@needs_patch("known-numbers")
@pytest.mark.parametrize("capturing", [False, True])
def test_a_proxy_that_a_handler_ends_leaves_no_rest_of_a_message(capturing):
    """It had the first part in hand, which the other side could not take."""
    program(
        SIGNALLING
        + textwrap.dedent(
            f"""
            front = zmq.PULL(bind="inproc://front")
            source = zmq.PUSH(connect="inproc://front")
            back = zmq.PUSH(bind="inproc://back")
            capture = zmq.PUSH(bind="inproc://capture") if {capturing} else None
            watcher = zmq.PULL(connect="inproc://capture", rcvtimeo=20_000) if capture else None
            control = zmq.PAIR(bind="inproc://control")
            source.send_multipart([b"1", b"2", b"3"])
            source.send_multipart([b"next", b"message"])
            def interrupt():
                until(lambda: front.stats().bytes_in, "the proxy to take the first part")
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            thread = threading.Thread(target=interrupt)
            thread.start()
            caught(lambda: zmq.proxy_steerable(front, back, capture, control), Interrupted)
            thread.join()
            assert front.recv_multipart() == [b"next", b"message"]
            if watcher:
                assert watcher.recv_multipart() == [b"1", b"2", b"3"]
                capture.send(b"alone")
                assert watcher.recv_multipart() == [b"alone"]
            """
        )
    )
