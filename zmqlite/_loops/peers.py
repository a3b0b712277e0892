"""Waiting for peers where a wait is awaited."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..enums import Event
from ..error import ContextTerminated, SocketClosed
from ..monitor import recv_report
from ..socket.monitor_events import EventStream, MonitorEvent
from ..socket.peers import Wait
from ..socket.stats import CountedSocket, Drain

__all__ = ["AwaitedEvents", "AwaitedPeers"]


class AwaitedEvents(EventStream):
    """An `EventStream` for `async for`."""

    __slots__ = ()

    def __iter__(self) -> Any:
        raise TypeError("the events of this socket are iterated with `async for`")

    def __aiter__(self) -> AwaitedEvents:
        return self

    async def __anext__(self) -> MonitorEvent:
        if self.closed:
            raise StopAsyncIteration
        try:
            return self._event(await recv_report(self._source))
        except (ContextTerminated, SocketClosed):
            self.close()
            raise StopAsyncIteration from None


class AwaitedPeers(CountedSocket):
    """The waits of `CountedSocket` as coroutines, with the `_sleep` of an event loop."""

    __slots__ = ()
    _is_awaited: ClassVar[Literal[True]] = True
    _stream_class = AwaitedEvents

    if TYPE_CHECKING:

        def monitor_events(self, events: int = Event.ALL) -> AwaitedEvents: ...

    async def wait_peers(  # type: ignore[override]
        self, n: int = 1, timeout: float | None = None
    ) -> int:
        """Wait until at least ``n`` peers are connected; see `zmqlite.Socket.wait_peers`."""
        return await self._wait_async(Wait(self, "wait_peers", n, timeout))

    async def wait_subscribers(  # type: ignore[override]
        self, n: int = 1, topic: bytes | str = b"", timeout: float | None = None
    ) -> int:
        """Wait until there are ``n`` subscribers; see `zmqlite.Socket.wait_subscribers`."""
        return await self._wait_async(Wait(self, "wait_subscribers", n, timeout, topic))

    async def wait_drained(self, timeout: float | None = None) -> int:  # type: ignore[override]
        """Wait until all that was sent has left; see `zmqlite.Socket.wait_drained`."""
        return await self._wait_async(Drain(self, timeout))

    async def _wait_async(self, wait: Wait) -> int:
        await self._sleep(0)  # others run, and one that was cancelled ends
        while (pause := wait.look()) is not None:
            await self._sleep(pause)
        return wait.found
