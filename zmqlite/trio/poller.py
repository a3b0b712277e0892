"""A poller whose poll is awaited."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import Any

import trio

from .._loops.poller import LoopPoller
from .._native import core

__all__ = ["Poller"]

_PAUSE = 0.005  # seconds between looks at members that no one descriptor is readable for


class Poller(LoopPoller):
    """A `zmqlite.Poller` whose `poll` is awaited; a checkpoint. Cancelled, it has done nothing.

    Members are sockets of any kind, descriptors and objects with `fileno()`. Where the kernel
    cannot watch all of them by one descriptor (no epoll), it looks every 5 ms.
    """

    _repr_cls = "zmqlite.trio.Poller"

    async def poll(  # type: ignore[override]
        self, timeout: float | None = None
    ) -> list[tuple[Any, int]]:
        """Wait for a member: the (member, events) pairs that are ready.

        ``timeout`` in ms, None or a negative number for ever; the list is empty when it is over
        first.
        """
        limit = core.time_limit("poll", timeout)
        ready = self.poll_nonblock()
        if ready or not limit:
            await trio.lowlevel.checkpoint()
            return ready
        self._warn_of_seconds(limit)
        with trio.move_on_after(math.inf if limit < 0 else limit / 1000):
            while not ready:
                ready = await self._once()
        return ready

    async def _once(self) -> list[tuple[Any, int]]:
        """Wait until it is worth to look, and look."""
        fd = self._set_fileno()
        if fd < 0:
            await trio.sleep(_PAUSE)
            return self.poll_nonblock()
        watch = _Watch(fd)
        self._waits.add(watch.end)
        self._arm_wakeup()
        try:
            ready = self.poll_nonblock()
            if not ready:
                with suppress(trio.ClosedResourceError):  # others have ended it
                    await trio.lowlevel.wait_readable(watch.fd)
                ready = self.poll_nonblock()
        finally:
            self._waits.discard(watch.end)
            self._disarm_wakeup()
            watch.close()
        return ready


class _Watch:
    """A descriptor that a task waits for, and how anybody ends that: any thread may."""

    def __init__(self, fd: int) -> None:
        self._run = trio.lowlevel.current_trio_token()
        self.fd = core.duplicate(fd)  # trio lets one task watch a descriptor

    def end(self) -> None:
        """Have the task go on."""
        try:
            here = trio.lowlevel.current_trio_token() is self._run
        except RuntimeError:  # in no run
            here = False
        if here:
            self._notify()
        else:
            with suppress(trio.RunFinishedError):
                self._run.run_sync_soon(self._notify)

    def _notify(self) -> None:
        if self.fd >= 0:
            trio.lowlevel.notify_closing(self.fd)

    def close(self) -> None:
        """Give the descriptor back: its number may be another's from now on."""
        fd, self.fd = self.fd, -1
        os.close(fd)
