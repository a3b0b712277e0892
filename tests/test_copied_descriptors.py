"""What an event loop watches is a copy of the socket's own descriptor, and of no other: the socket
may be closed by a finalizer, a signal handler or a thread wherever Python code runs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support import wait_until

import zmqlite as zmq
from zmqlite._loops.binding import TaskBinding
from zmqlite._loops.poller import copy_of, watch_of
from zmqlite._native import core

DESCRIPTORS = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(not DESCRIPTORS.exists(), reason="says what a descriptor is")


class AtInstruction:
    """Acts before the n-th instruction of what makes a copy."""

    def __init__(self, number: int, act: Any) -> None:
        self.left, self.act = number, act

    def call(self, copy: Callable[[], int]) -> int:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            return copy()
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_name not in ("descriptor", "watch_of", "copy_of"):
            return None
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode" and self.left:
            self.left -= 1
            if not self.left:
                self.act()
        return self._step


def is_eventfd(fd: int) -> bool:
    return str((DESCRIPTORS / str(fd)).readlink()) == "anon_inode:[eventfd]"


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def of_a_poller(binding: TaskBinding) -> int:
    """What a poller of an event loop watches where it has no descriptor for all members."""
    return copy_of(watch_of(binding.socket, zmq.POLLIN)[0])


@pytest.mark.parametrize("copied", [TaskBinding.descriptor, of_a_poller])
def test_a_socket_that_is_closed_while_its_descriptor_is_copied(
    context: zmq.Context[Any], copied: Callable[[TaskBinding], int]
) -> None:
    number = 0  # first without: from 3.12 on, instructions are traced once a frame has wanted it
    while True:
        socket = context.socket(zmq.PAIR)
        fd = socket.fd
        binding = TaskBinding(socket, None, core.FairnessBudget(lambda end: None))
        with contextlib.ExitStack() as held:

            def close_and_take_its_number() -> None:
                socket.close()  # noqa: B023
                wait_until(lambda: not is_open(fd))  # noqa: B023
                for _ in range(8):
                    for end in os.pipe():
                        held.callback(os.close, end)

            at = AtInstruction(number, close_and_take_its_number)
            copy = -1
            with contextlib.suppress(zmq.SocketClosed):
                copy = at.call(lambda: copied(binding))  # noqa: B023
            if copy >= 0:
                assert is_eventfd(copy)
            if copied is of_a_poller and copy >= 0:
                os.close(copy)
            binding.release()
        socket.close()
        if number and at.left:
            break
        number += 1
    assert number > 5, "nothing was tried"


def test_a_copy_is_one_of_a_socket(context: zmq.Context[Any]) -> None:
    socket = context.socket(zmq.PAIR)
    copy = core.duplicate_fd_of(socket)
    try:
        assert copy != socket.fd
        assert not os.get_inheritable(copy)
        assert is_eventfd(copy)
    finally:
        os.close(copy)
    socket.close()
    with pytest.raises(zmq.SocketClosed):
        core.duplicate_fd_of(socket)
