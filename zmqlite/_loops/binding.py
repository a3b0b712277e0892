"""What ties one socket to one loop, and the budget that a loop's sockets share.

No loop is known here: what suspends a task and wakes it is added by those that inherit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

from .._native import core
from ..enums import SocketOption
from ..options.rows import Kind
from .operations import IN, OUT
from .routing import senders_for

__all__ = ["LATER", "Binding", "TaskBinding", "dispatch_again", "make_budget"]

LATER = 0.05  # seconds

_budgets: WeakKeyDictionary[Any, core.FairnessBudget] = WeakKeyDictionary()


def make_budget(call_soon: Callable[[Any], Any], grace: int, loop: Any) -> core.FairnessBudget:
    """Return the budget of a loop, made at the first use; `call_soon(loop)` is how it is told."""
    budget = _budgets.get(loop)
    if budget is None:
        home = ref(loop)  # which must not live on for its budget

        def soon(end: Callable[[], object]) -> None:
            alive = home()
            if alive is not None:
                call_soon(alive)(end)

        budget = _budgets[loop] = core.FairnessBudget(soon, grace)
    return budget


def dispatch_again(binding: ReferenceType[Binding]) -> None:
    """Do what `dispatch_later` put off."""
    target = binding()
    if target is not None:
        target._later = False
        target.used()


class Binding(core.Dispatcher):
    """One socket in one loop: what waits for it, and in which order it is served."""

    _fd = -1
    _later = False

    def __init__(
        self, socket: core.Socket, loop: Any, budget: core.FairnessBudget, *of_handle: Any
    ) -> None:
        self.loop = loop
        handle = core.LoopHandle(self, budget, *of_handle)
        receivers, senders = core.WaitQueue(handle, IN), senders_for(socket, handle)
        super().__init__(socket, receivers, senders, core.PollQueue(handle, IN | OUT))

    def used(self) -> None:
        """The socket was used, which may have taken news from tasks that wait: look for them."""
        self.loop_handle.used()

    def used_elsewhere(self) -> None:
        """The same, said in another thread: have the loop look."""
        raise NotImplementedError

    def dispatch_later(self) -> None:
        """Dispatch in a while; see WaitQueue.refused."""
        if not self._later:
            self._later = True
            self._after_a_while(ref(self))

    def _after_a_while(self, me: ReferenceType[Any]) -> None:
        """Have the loop call `dispatch_again` after `LATER`, and keep nothing alive for it."""
        raise NotImplementedError


class TaskBinding(Binding):
    """The same where tasks are suspended in the middle of a call, with its descriptor.

    The promise: a cancelled receive took no message, a cancelled send did not happen. It rests on
    one rule: a task performs its own operation, in the very step in which it wakes up, and leaves
    without another pause (`core.TaskWaiter`). To be called means only that a try is worth it.
    """

    @property
    def idle(self) -> bool:
        """Whether no task waits."""
        return not self.waiting

    def descriptor(self) -> int:
        """Return what speaks when the socket may be ready; our own, so that it outlives the
        socket's.

        A descriptor that is closed while a loop watches it wakes no task. A close that does not
        come through us (the core's `Context.destroy`, another thread) is heard through the copy.
        """
        socket = self.socket
        if self._fd < 0 and socket is not None:
            if socket.thread_safe:
                self.signal = core.ReadyFD(socket)
                self._fd = self.signal.fileno()
            elif os.name == "nt":  # a handle, which os.dup does not know
                self._fd = socket._get_option(SocketOption.FD.value, Kind.FD)
            else:
                self._fd = core.duplicate_fd_of(socket)
        return self._fd

    def release(self) -> None:
        """Give the descriptor back."""
        fd, self._fd = self._fd, -1
        signal, self.signal = self.signal, None
        if signal is not None:
            socket = self.socket
            if socket is not None and not socket.closed:
                signal.close()
        elif fd >= 0 and os.name != "nt":
            os.close(fd)

    def __del__(self) -> None:
        self.release()

    def end(self) -> None:
        """The socket closes or leaves the loop: call all that wait, give the descriptor back.

        From any thread; the tasks are called in their own loop.
        """
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Whether the loop has ended."""
        raise NotImplementedError
