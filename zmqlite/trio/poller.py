"""A poller whose poll is awaited."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import trio

from .._native import core
from ..enums import PollEvent
from ..poller import Poller as _Poller

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Poller"]

_BOTH = PollEvent.POLLIN.value | PollEvent.POLLOUT.value
_PAUSE = 0.005  # seconds between looks at members that no descriptor speaks for


class Poller(_Poller):
    """A `zmqlite.Poller` whose `poll` is awaited; a checkpoint. Cancelled, it has done nothing.

    Members are sockets of any kind, descriptors and objects with `fileno()`. Where the kernel
    cannot watch all of them by one descriptor (no epoll), it looks every 5 ms.
    """

    _waits: set[trio.Event]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._tells_loops = True
        self._waits = set()
        return self

    def register(self, socket: Any, flags: int = _BOTH) -> None:
        """As `zmqlite.Poller.register`; a poll that waits hears of it."""
        super().register(socket, flags)
        self._wake_all()

    def unregister(self, socket: Any) -> None:
        """As `zmqlite.Poller.unregister`; a poll that waits hears of it."""
        super().unregister(socket)
        self._wake_all()

    def _wake_all(self) -> None:
        """Have every poll that waits look again."""
        for event in self._waits:
            event.set()

    async def poll(  # type: ignore[override]
        self, timeout: float | None = None
    ) -> list[tuple[Any, int]]:
        """Wait for a member: the (member, events) pairs that are ready.

        ``timeout`` in ms, None or a negative number for ever; the list is empty when it is over
        first.
        """
        ready = self._ready()
        if ready or timeout == 0:
            await trio.lowlevel.checkpoint()
            return ready
        limit = math.inf if timeout is None or timeout < 0 else timeout / 1000
        with trio.move_on_after(limit):
            while not ready:
                ready = await self._once()
        return ready

    def _ready(self) -> list[tuple[Any, int]]:
        ready = super().poll(0)
        if ready:  # other tasks that wait for the same want to hear of it, too
            self._wake_all()
        return ready

    async def _once(self) -> list[tuple[Any, int]]:
        """Wait until it is worth to look, and look."""
        fd = self._set_fileno()
        if fd < 0:
            await trio.sleep(_PAUSE)
            return self._ready()
        event = trio.Event()
        self._waits.add(event)
        self._arm_wakeup()
        own = core.duplicate(fd)  # trio lets one task watch a descriptor
        try:
            ready = self._ready()
            if not ready:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_hear, own, event)
                    await event.wait()
                    nursery.cancel_scope.cancel()
                ready = self._ready()
        finally:
            os.close(own)
            self._disarm_wakeup()
            self._waits.discard(event)
        return ready


async def _hear(fd: int, event: trio.Event) -> None:
    await trio.lowlevel.wait_readable(fd)
    event.set()
