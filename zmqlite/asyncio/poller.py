"""A poller whose poll is awaited: a Future of what is ready."""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import asyncio
import os
from asyncio import Future
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from .._loops.poller import LoopPoller, arm_for_blocking, copy_of, watch_of
from .._native import core
from ..enums import PollEvent
from . import selector_thread as _selector_thread
from .binding import budget_of
from .calls import Calls

__all__ = ["Poller"]

_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value


class Poller(LoopPoller):
    """A `zmqlite.Poller` whose `poll` is awaited.

    Members are sockets, asyncio or blocking, descriptors and objects with `fileno()`. A
    descriptor may be in several pollers, and have a reader of its own in the loop.
    """

    _repr_cls = "zmqlite.asyncio.Poller"

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop to wait in."""
        return asyncio.get_running_loop()

    def poll(self, timeout: float | None = None) -> Future[list[tuple[Any, int]]]:
        """Wait for a member: a Future of the (member, events) pairs that are ready.

        ``timeout`` in ms, None or a negative number for ever; the list is empty when it is over
        first.
        """
        loop = self._running_loop()
        limit = core.time_limit("poll", timeout)
        tried = not limit or budget_of(loop).consume()
        if tried:
            ready = self.poll_nonblock()
            if ready or not limit:
                future: Future[list[tuple[Any, int]]] = loop.create_future()
                future.set_result(ready)
                return future
        self._warn_of_seconds(limit)
        deadline = None if limit < 0 else loop.time() + limit / 1000
        return loop.create_task(self._wait(deadline, tried))

    async def _wait(self, deadline: float | None, tried: bool) -> list[tuple[Any, int]]:
        loop = asyncio.get_running_loop()
        if not tried:  # what is ready needs no watch, and a plain file cannot have one
            ready = self.poll_nonblock()
            if ready:
                return ready
        while True:
            woken: Future[None] = loop.create_future()
            wake = partial(_wake, woken)
            timer = None if deadline is None else loop.call_at(deadline, wake)
            stops: list[Callable[[], object]] = []
            self._waits.add(wake)
            try:
                by_members = not self._watch_set(loop, wake, stops)
                if by_members:
                    for source, flags in self.sockets:
                        stops.append(_watch(loop, source, flags, wake))
                ready = self.poll_nonblock()
                if ready:
                    return ready
                if by_members:
                    stops += self._watch_blocking(loop, wake)
                await woken
            finally:
                self._waits.discard(wake)
                for stop in stops:
                    stop()
                if timer is not None:
                    timer.cancel()
            ready = self.poll_nonblock()
            if ready or (deadline is not None and loop.time() >= deadline):
                return ready

    def _watch_set(
        self, loop: Any, wake: Callable[..., None], stops: list[Callable[[], object]]
    ) -> bool:
        """Have one descriptor call `wake` for all members, however many; return whether it can."""
        fd = self._set_fileno()
        if fd < 0:
            return False
        self._arm_wakeup()
        stops.append(self._disarm_wakeup)
        stops.append(_watch_fd(loop, fd, _POLLIN, wake))
        return True

    def _watch_blocking(self, loop: Any, wake: Callable[..., None]) -> list[Callable[[], object]]:
        """Call `wake` when a blocking socket is closed, or used by others."""
        fd = arm_for_blocking(self, (source for source, _ in self.sockets), Calls)
        return [] if fd < 0 else [_watch_fd(loop, fd, _POLLIN, wake, self._disarm_wakeup)]


def _wake(woken: Future[None], *_: object) -> None:
    """Have a poll look again; any thread may."""
    loop = woken.get_loop()
    if asyncio._get_running_loop() is loop:
        _end(woken)
    else:
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(_end, woken)


def _end(woken: Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _watch(loop: Any, source: Any, flags: int, wake: Callable[..., None]) -> Callable[[], object]:
    """Call `wake` when `source` may be ready. Returns what to call afterwards."""
    if isinstance(source, Calls):
        future: Any = source.poll(None, flags)
        future.add_done_callback(wake)
        cancel: Callable[[], object] = future.cancel
        return cancel
    fd, events, signal = watch_of(source, flags)
    return _watch_fd(loop, fd, events, wake, None if signal is None else signal.close)


def _watch_fd(
    loop: Any,
    fd: Any,
    flags: int,
    wake: Callable[..., None],
    after: Callable[[], object] | None = None,
) -> Callable[[], object]:
    """A copy of the descriptor is watched, so that nobody else's readers are in the way."""
    reader = _selector_thread.reader_of(loop)
    own = fd
    with ExitStack() as steps:  # back, where the loop refuses it
        if after is not None:
            steps.callback(after)
        if os.name == "posix":
            own = copy_of(fd)
            steps.callback(os.close, own)
        if flags & ~_POLLOUT:
            reader.add_reader(own, wake)
            steps.callback(reader.remove_reader, own)
        if flags & _POLLOUT:
            reader.add_writer(own, wake)
            steps.callback(reader.remove_writer, own)
        return steps.pop_all().close
