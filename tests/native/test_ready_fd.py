"""The descriptor of the thread-safe types is given back, also if the socket ends first."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest
from programs import program
from support import needs_drafts

pytestmark = [
    needs_drafts,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc"),
]

PRELUDE = """
import gc, select
from zmqlite._native import core
def descriptors():
    return len(os.listdir("/proc/self/fd"))
def settled(count):
    '''The reaper closes what sockets had, a moment later.'''
    until(lambda: descriptors() == count, f"{count} descriptors")
context = zmq.Context()
keeper = context.socket(zmq.PAIR)  # so that the context runs, and its reaper has nothing to do yet
"""


def signalling(code: str) -> None:
    program(PRELUDE + textwrap.dedent(code))


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("socket_first", [False, True])
def test_no_descriptor_is_left(socket_first, drop):
    signalling(
        f"""
        before = descriptors()
        for _ in range(20):
            one = context.socket(zmq.SERVER)
            signals = [core.ReadyFD(one) for _ in range(3)]
            if {socket_first}:
                one.close()
            if {drop}:
                del signals
            else:
                for signal in signals:
                    signal.close()
                    signal.close()
            one.close()
        settled(before)
        context.destroy(0)
        """
    )


def test_a_descriptor_is_not_given_back_under_a_loop_that_watches_it():
    """Until the signal is closed it keeps its number: another would be watched in its place."""
    signalling(
        """
        one = context.socket(zmq.SERVER)
        signal = core.ReadyFD(one)
        fd = signal.fileno()
        one.close()
        assert signal.fileno() == fd
        os.fstat(fd)
        refused(signal.events, zmq.SocketClosed)
        signal.close()
        refused(signal.fileno, ValueError)
        context.destroy(0)
        """
    )


def test_other_signals_of_a_socket_still_speak():
    signalling(
        """
        one = context.socket(zmq.SERVER, linger=0)
        signals = [core.ReadyFD(one) for _ in range(3)]
        signals.pop(1).close()
        client = context.socket(zmq.CLIENT, connect=one.bind("inproc://speak"), linger=0)
        client.send(b"x")
        for signal in signals:
            assert select.select([signal.fileno()], [], [], 20)[0]
            assert signal.events() & zmq.POLLIN
            signal.close()
        assert one.recv() == b"x"
        context.destroy()
        """
    )


def test_a_second_handle_and_its_signal_end_with_the_socket():
    signalling(
        """
        before = descriptors()
        for order in range(3):
            one = context.socket(zmq.SERVER)
            shadow = zmq.Socket.shadow(one)
            signals = [core.ReadyFD(each) for each in (one, shadow)]
            (shadow.close, one.close, signals[1].close)[order]()
            one.close()
            for signal in signals:
                signal.close()
        settled(before)
        context.destroy(0)
        """
    )


def test_a_signal_and_its_socket_in_a_cycle():
    """What event loops keep in the socket itself."""
    signalling(
        """
        import warnings
        warnings.simplefilter("ignore")  # of sockets left open, of their descriptors
        before = descriptors()
        class Silent(zmq.Socket):
            def __del__(self):
                pass
        for cls in (zmq.Socket, Silent):
            for _ in range(20):
                one = cls(context, zmq.SERVER)
                one._signal = core.ReadyFD(one)
                one.fd
                del one
            gc.collect()
        settled(before)
        context.destroy(0)
        """
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
def test_a_signal_in_the_child_of_a_fork():
    signalling(
        """
        import warnings
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        one = context.socket(zmq.SERVER)
        signal = core.ReadyFD(one)
        child = os.fork()
        if child == 0:
            refused(signal.events, zmq.ForkError)
            one.close()
            signal.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        signal.events()
        one.close()
        signal.close()
        context.destroy(0)
        """
    )
