"""A poller whose poll suspends only its own greenlet, and what polls once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import gevent
from gevent._hub_local import get_hub_if_exists
from gevent.event import Event

from .._loops.poller import LoopPoller, arm_for_blocking, copy_of, watch_of
from .._native import core
from ..enums import PollEvent
from ..error import ZMQError
from ..poller import select_by
from .binding import LoopBinding, Sleeper, wait_for
from .calls import Calls, deadline

__all__ = ["Poller", "select", "zmq_poll"]

_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value


class Poller(LoopPoller):
    """A `zmqlite.Poller` whose `poll` suspends only its own greenlet."""

    _repr_cls = "zmqlite.green.Poller"

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until a member is ready and return the ready ones as (member, events) pairs.

        ``timeout`` in ms, None for ever; an empty list when it is over.
        """
        limit = core.time_limit("poll", timeout)
        ready = self.poll_nonblock()
        if ready or not limit:
            gevent.sleep(0)  # who polls in a loop lets others run
            return ready
        self._warn_of_seconds(limit)
        end = deadline(limit)
        event = Event()
        while True:
            found = self._poll_these(event, end)
            if found is not None:
                return found

    def _poll_these(self, event: Event, end: float | None) -> list[tuple[Any, int]] | None:
        """Wait for the members there are now; None when others are."""
        changes = self._registered
        with ExitStack() as watches:
            wake = partial(_wake, gevent.get_hub(), event)
            self._waits.add(wake)
            watches.callback(self._waits.discard, wake)
            waiters = self._watch_members(watches, event)
            while changes == self._registered:
                event.clear()
                for waiter in waiters:
                    if waiter is not None:
                        waiter.called = False
                ready = self.poll_nonblock()
                if ready or not wait_for(event, end):
                    return ready
        return None

    def _watch_members(self, watches: ExitStack, event: Event) -> list[Sleeper | None]:
        """Have `event` set when a member may be ready: by one descriptor for all where there is
        one. Return what waits in members' queues."""
        fd = self._set_fileno()
        if fd >= 0:
            self._arm_wakeup()
            watches.callback(self._disarm_wakeup)
            _watch_fd(watches, fd, _POLLIN, event.set)
            return []
        waiters = [self._watch(watches, source, flags, event) for source, flags in self.sockets]
        fd = arm_for_blocking(self, dict(self.sockets), Calls)
        if fd >= 0:
            watches.callback(self._disarm_wakeup)
            _watch_fd(watches, fd, _POLLIN, event.set)
        return waiters

    def _watch(self, watches: ExitStack, source: Any, flags: int, event: Event) -> Sleeper | None:
        """Have `event` set when a member may be ready; return what waits in the member's queue."""
        if isinstance(source, Calls):
            binding: LoopBinding = source._attach()
            waiter = Sleeper(binding.pollers, None, flags & (_POLLIN | _POLLOUT), event)
            binding.begin_wait(waiter, False)
            watches.callback(binding.end_wait, waiter)
            return waiter
        fd, events, signal = watch_of(source, flags & (_POLLIN | _POLLOUT))
        wake: Callable[[], object] = event.set
        if signal is not None:
            watches.callback(signal.close)
            wake = partial(_signalled, signal, event)
        _watch_fd(watches, fd, events or _POLLIN, wake)
        return None


def _wake(hub: Any, event: Event) -> None:
    """Have a poll look again; any thread may."""
    if get_hub_if_exists() is hub:
        event.set()
    else:
        with suppress(Exception):  # the hub may end in this moment
            hub.loop.run_callback_threadsafe(event.set)


def _signalled(signal: core.ReadyFD, event: Event) -> None:
    """A thread-safe socket may be ready: clear its descriptor, or the hub would spin."""
    with suppress(ZMQError):  # it was closed: who polls hears it
        signal.events()
    event.set()


def _watch_fd(watches: ExitStack, fd: Any, events: int, wake: Callable[[], object]) -> None:
    """Have `wake` called by a descriptor: by a copy, since libev ends the process when what it
    watches is closed under it."""
    if os.name == "posix":
        fd = copy_of(fd)
        watches.callback(os.close, fd)
    watcher: Any = gevent.get_hub().loop.io(fd, events)
    watches.callback(watcher.close)
    watches.callback(watcher.stop)
    watcher.start(wake)


class _PollOnce(Poller):
    """What `zmq_poll` polls, also for `select`, whose seconds may be less than a millisecond."""

    def _warn_of_seconds(self, timeout: float) -> None:
        pass


def zmq_poll(sockets: Iterable[tuple[Any, int]], timeout: float = -1) -> list[tuple[Any, int]]:
    """As `zmqlite.zmq_poll`; other greenlets run meanwhile."""
    limit = core.time_limit("zmq_poll", timeout)
    poller = _PollOnce()
    for source, flags in core.pairs_of(sockets):
        if isinstance(source, (core.Socket, int)):
            poller.register(source, flags)
        else:
            poller.register(source.fileno(), flags)
    return poller.poll(limit) if len(poller) else []


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """As `zmqlite.select`, with a timeout in SECONDS; other greenlets run meanwhile."""
    return select_by(zmq_poll, (rlist, wlist, xlist), timeout)
