"""What ties one socket to one trio run: how its tasks wait, and which of them watches the
descriptor.

A descriptor has room for one task. So the first task that has to wait watches it, and the others
are parked. A watcher that leaves calls another task, which takes its place if it cannot be served.
Hence, while a task waits, one watches, or one is called and not yet back.

A finalizer or a signal handler may call a task, or close the socket, while that very task is on
its way into the wait: it is woken in a later step of the run, when it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import ReferenceType

import trio
from trio.lowlevel import Abort, TrioToken, current_task, enable_ki_protection

from .._loops.binding import LATER, TaskBinding, dispatch_again
from .._loops.operations import WOULD_BLOCK
from .._native import core
from ..error import SocketClosed

__all__ = ["LoopBinding", "Task", "budget_of_run"]


class _Iterations(trio.abc.Instrument):
    """Tells the budget of a run when an iteration is over."""

    def __init__(self, budget: core.FairnessBudget) -> None:
        self._budget = budget

    def before_io_wait(self, timeout: float) -> None:
        """An iteration is over."""
        self._budget.end()


def _ignore(_: object) -> None:
    """The budget's wish to be told of the end of an iteration: the instrument does it."""


_budget: trio.lowlevel.RunVar[core.FairnessBudget] = trio.lowlevel.RunVar("zmqlite budget")


def budget_of_run() -> core.FairnessBudget:
    """Return the budget of the current run, made at the first use."""
    try:
        return _budget.get()
    except LookupError:
        budget = core.FairnessBudget(_ignore, grace=0)
        trio.lowlevel.add_instrument(_Iterations(budget))
        _budget.set(budget)
        return budget


def _running_task() -> trio.lowlevel.Task | None:
    try:
        return current_task()
    except RuntimeError:  # between two tasks
        return None


class Task(core.TaskWaiter):
    """A trio task that waits."""

    __slots__ = ("binding", "parked", "task")

    def __init__(
        self,
        binding: LoopBinding,
        queue: core.WaitQueue,
        operation: Any,
        events: int = 0,
    ) -> None:
        super().__init__(queue, operation, events)
        self.binding = binding
        self.task = current_task()
        self.parked = False  # suspended, and only we wake it

    def wake(self, at_once: bool) -> int:
        """Have the task go on."""
        if _running_task() is self.task:
            self.binding.soon(self._wake)
        else:
            self._wake()
        return 0

    def _wake(self) -> None:
        if self.parked:
            self.parked = False
            trio.lowlevel.reschedule(self.task)
        elif self.binding.watcher is self:  # trio's way to wake a task that watches a descriptor
            self.binding.notify()

    def abort(self, _: object) -> Abort:
        """It is cancelled while it is parked; not if a signal handler has just woken it."""
        parked, self.parked = self.parked, False
        return Abort.SUCCEEDED if parked else Abort.FAILED


class LoopBinding(TaskBinding):
    """One socket in one trio run."""

    def __init__(self, socket: core.Socket, token: TrioToken) -> None:
        super().__init__(socket, token, budget_of_run())
        self.watcher: Task | None = None

    @enable_ki_protection
    async def rest(self) -> None:
        """Let everything else run: a checkpoint in full."""
        self.budget.pause()
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self.budget.resume()

    @enable_ki_protection
    async def wait(self, waiter: Task, tried: bool) -> Any:
        """Wait until the operation is done. `tried` says that it was just refused."""
        waiter.begin_wait(tried)
        try:
            while True:
                while not waiter.called:
                    if self.watcher is None:
                        await self._watch(waiter)
                    else:
                        waiter.parked = True
                        await trio.lowlevel.wait_task_rescheduled(waiter.abort)
                value = waiter.next_try()
                if value is not WOULD_BLOCK:
                    return value
        finally:
            waiter.end_wait()
            if self.watcher is None:
                self._hand_over()

    def _hand_over(self) -> None:
        """One of those that are left must watch."""
        waiters = self.waiters
        if waiters and not any(waiter.called for waiter in waiters):
            waiters[0].call()

    async def _watch(self, waiter: Task) -> None:
        self.watcher = waiter
        try:
            await trio.lowlevel.wait_readable(self.descriptor())
        except SocketClosed:
            waiter.end()
            return
        except trio.ClosedResourceError:
            return  # it was called, or the socket closes
        finally:
            self.watcher = None
        self.dispatch()

    def notify(self) -> None:
        """Wake the task that watches."""
        if self._fd >= 0:
            trio.lowlevel.notify_closing(self._fd)

    def soon(self, call: Callable[[], object]) -> None:
        """Call it in a later step of the run, when no task runs."""
        with suppress(trio.RunFinishedError):
            self.loop.run_sync_soon(call)

    def used_elsewhere(self) -> None:
        """The socket was used in another thread: have the run look."""
        self.soon(self.used)

    def _after_a_while(self, me: ReferenceType[Any]) -> None:
        trio.lowlevel.spawn_system_task(_dispatch_again, me)

    def end(self) -> None:
        """The socket closes or leaves the run: call all that wait, give the descriptor back."""
        if self.idle:
            self.release()
        else:  # not here: a finalizer or a signal handler may have closed it in mid-step
            self.soon(self._end_all_here)

    def _end_all_here(self) -> None:
        self.end_all()
        if self.watcher is not None:
            self.soon(self.release)  # it may be about to watch the descriptor
        else:
            self.release()

    def release(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            with suppress(RuntimeError):  # no run: no task there to tell
                trio.lowlevel.notify_closing(self._fd)
        super().release()

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        try:
            self.loop.run_sync_soon(bool)
        except trio.RunFinishedError:
            return True
        return False


async def _dispatch_again(binding: ReferenceType[Any]) -> None:
    await trio.sleep(LATER)
    dispatch_again(binding)
