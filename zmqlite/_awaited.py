"""Data calls for sockets of a trio run: each an async function, each a checkpoint, exactly cancellable.

The quick way comes first: not cancelled, nobody waits, this pass of the run has had no more than its share,
and libzmq can do it now. Everything else, errors included, goes the long way through `_lines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import trio as _trio
from trio.lowlevel import (
    TrioToken,
    checkpoint_if_cancelled,
    current_trio_token,
    enable_ki_protection,
)

from ._lines import NOTHING, Link
from ._native import core
from .enums import PollEvent, SocketOption
from .error import Again, ContextTerminated, ThreadMisuse, ZMQError
from .error import SocketClosed as _SocketClosed
from .socket import Socket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitedSocket", "SocketClosed"]

_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value
_DONTWAIT = 1
_RCVTIMEO, _SNDTIMEO = SocketOption.RCVTIMEO.value, SocketOption.SNDTIMEO.value
_EVENTS = SocketOption.EVENTS.value
_SLICE = 256  # how many messages of a batch are sent between two looks at the clock

_recv_nonblock = core.Socket.recv_nonblock
_send_nonblock = core.Socket.send_nonblock


class SocketClosed(_SocketClosed, _trio.ClosedResourceError):
    """The socket was closed before the call or while it waited; a `trio.ClosedResourceError` too."""


class AwaitedSocket(Socket[bytes]):
    """The half of `zmqlite.trio.Socket` that knows trio: it waits, sends and receives."""

    _link: Link | None = None
    _links: dict[TrioToken, Link]

    # -- the run ---------------------------------------------------------------------------------

    def _attach(self) -> Link:
        """Tie the socket to the current run."""
        token = current_trio_token()
        link = self._link
        if link is not None and link.token is token:
            return link
        if self.closed:
            raise _SocketClosed.during("use", self._subject(), "the socket is closed")
        links = self.__dict__.setdefault("_links", {})
        if token not in links:
            for old in list(links.values()):
                if self.thread_safe and not old.over:
                    continue  # several runs may share it
                if not old.idle:
                    raise ThreadMisuse.during(
                        "use", self._subject(), "tasks of another trio run wait on this socket"
                    )
                old.end()
                del links[old.token]
            links[token] = Link(self, token)
        link = self.__dict__["_link"] = links[token]
        return link

    def _leave(self) -> None:
        """End what ties the socket to any run."""
        self.__dict__["_link"] = None
        for link in self.__dict__.pop("_links", {}).values():
            link.end()

    def _used(self) -> None:
        """A call on the socket may have taken the news from those who wait: look for them."""
        link = self._link
        if link is not None and not link.idle and not self.closed:
            try:
                here = current_trio_token() is link.token
            except RuntimeError:
                here = False
            if here and link.readiness.used():
                link.look()

    # What changes or reads the state of a socket costs no waiting task its wake-up.

    def _add_endpoint(self, operation: str, addr: Any) -> Any:
        endpoint = super()._add_endpoint(operation, addr)
        self._used()
        return endpoint

    def _remove_endpoint(self, operation: str, addr: Any) -> None:
        super()._remove_endpoint(operation, addr)
        self._used()

    def get_option(self, option: int, kind: int, /) -> Any:
        value = super().get_option(option, kind)
        if option == _EVENTS:
            self._used()
        return value

    def poll_events(self, events: int = 1, timeout: float = 0) -> int:
        """Which of ``events`` hold now. To wait, await `poll`."""
        ready = super().poll_events(events, 0)
        self._used()
        return ready

    # -- the long way ----------------------------------------------------------------------------

    @enable_ki_protection
    async def _perform(
        self, attempt: Callable[[], Any], flags: int, receives: bool = True
    ) -> Any:
        """Do an operation at once or when its turn comes. `attempt` returns NOTHING if it cannot."""
        try:
            link = self._attach()
            if not link.turn.take():
                await link.pace.rest()
            line = link.receivers if receives else link.senders
            mask, tried = line.mask, False
            if line.free or flags & _DONTWAIT:
                value = link.attempt(line, attempt, mask)
                if value is not NOTHING:
                    return value
                tried = True
            limit = 0 if flags & _DONTWAIT else self._limit(receives)
            if limit < 0:
                return await link.wait(line, attempt, mask, tried)
            if limit:
                with _trio.move_on_after(limit / 1000):
                    return await link.wait(line, attempt, mask, tried)
        except _SocketClosed as error:
            raise SocketClosed.during(error.operation, error.subject, error.hint) from None
        raise self._again(limit, receives)

    def _limit(self, receives: bool) -> int:
        return int(core.Socket.get_option(self, _RCVTIMEO if receives else _SNDTIMEO, 0))

    def _again(self, limit: int, receives: bool) -> Again:
        operation, option = ("recv", "RCVTIMEO") if receives else ("send", "SNDTIMEO")
        hint = f"{option} of {limit} ms is over" if limit else "DONTWAIT or a timeout of 0 is set"
        return Again.during(operation, self._subject(), hint)

    # -- receiving -------------------------------------------------------------------------------

    @enable_ki_protection
    async def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part as bytes, or as a Frame with ``copy=False``."""
        await checkpoint_if_cancelled()
        link = self._link
        if link is not None and link.idle and copy and not flags and not self.closed:
            if not link.turn.take():
                await link.pace.rest()
            if link.idle:
                part = _recv_nonblock(self)
                if part is not None:
                    return part
        return await self._perform(partial(_attempt_recv, self, copy), flags)

    async def recv_multipart(
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> Any:
        """Receive one message as the list of its parts."""
        await checkpoint_if_cancelled()
        return await self._perform(partial(_attempt_multipart, self, copy), flags)

    async def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into a writable buffer; return the part's full size."""
        await checkpoint_if_cancelled()
        receive = partial(core.Socket.recv_into, self, buffer, nbytes=nbytes, flags=_DONTWAIT)
        return int(await self._perform(receive, flags))

    async def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        await checkpoint_if_cancelled()
        many: Any = core.Socket.recv_many
        receive = partial(many, self, max, _DONTWAIT, multipart=multipart)
        return await self._perform(receive, flags)

    def __aiter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    @enable_ki_protection
    async def __anext__(self) -> bytes:
        await checkpoint_if_cancelled()
        link = self._link
        if link is not None and link.idle and not self.closed:
            if not link.turn.take():
                await link.pace.rest()
            if link.idle:
                try:
                    part = _recv_nonblock(self)
                except ZMQError:
                    part = None  # the long way meets it again
                if part is not None:
                    return part
        try:
            part = await self._perform(partial(_attempt_recv, self, True), 0)
        except (ContextTerminated, _SocketClosed):
            raise StopAsyncIteration from None
        return part

    def __iter__(self) -> Any:
        raise TypeError("a trio socket is iterated with `async for`")

    # -- sending ---------------------------------------------------------------------------------

    @enable_ki_protection
    async def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> core.MessageTracker | None:
        """Send one part as soon as a peer can take it; see `zmqlite.Socket.send`."""
        await checkpoint_if_cancelled()
        link = self._link
        plain = copy and not track and routing_id is None and group is None
        if plain and link is not None and link.idle and not self.closed:
            if not link.turn.take():
                await link.pace.rest()
            if link.idle and _send_nonblock(self, data, flags):
                return None
        send: Any = core.Socket.send
        attempt = partial(send, self, data, flags | _DONTWAIT, copy, track, routing_id, group)
        tracker: core.MessageTracker | None = await self._perform(attempt, flags, False)
        return tracker

    async def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> core.MessageTracker | None:
        """Send a sequence of parts as one message: all of it or nothing."""
        await checkpoint_if_cancelled()
        send: Any = core.Socket.send_multipart
        attempt = partial(send, self, msg_parts, flags | _DONTWAIT, copy, track, **kwargs)
        tracker: core.MessageTracker | None = await self._perform(attempt, flags, False)
        return tracker

    @enable_ki_protection
    async def send_many(self, messages: Iterable[Any], flags: int = 0) -> int:
        """Send every message of an iterable; return how many.

        An exception, `trio.Cancelled` included, carries the number of those sent before it in its
        attribute ``sent``.
        """
        batch = list(messages)
        sent = 0
        try:
            await checkpoint_if_cancelled()
            while sent < len(batch):
                some = batch[sent : sent + _SLICE]
                attempt = partial(_attempt_send_many, self, some, flags | _DONTWAIT)
                sent += await self._perform(attempt, flags, False)
        except BaseException as error:
            with suppress(AttributeError):
                error.sent = sent + getattr(error, "sent", 0)  # type: ignore[attr-defined]
            raise
        return sent

    def loan(self, size: int, flags: int = 0) -> core.Loan:
        """As `zmqlite.Socket.loan`, but leaving the block never waits: it sends or raises `Again`."""
        return super().loan(size, flags | _DONTWAIT)

    # -- waiting ---------------------------------------------------------------------------------

    @enable_ki_protection
    async def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> int:
        """Wait until one of the events in ``flags`` holds; return those that do.

        ``timeout`` in ms, None for ever; 0 when it is over. Takes no message, waits in no line.
        """
        await checkpoint_if_cancelled()
        look = partial(_attempt_poll, self, flags)
        try:
            link = self._attach()
            if not link.turn.take():
                await link.pace.rest()
            found = link.attempt(link.pollers, look, flags)
            if found is NOTHING and (timeout is None or timeout < 0):
                found = await link.wait(link.pollers, look, flags, True)
            elif found is NOTHING and timeout:
                with _trio.move_on_after(timeout / 1000):
                    found = await link.wait(link.pollers, look, flags, True)
        except _SocketClosed as error:
            raise SocketClosed.during(error.operation, error.subject, error.hint) from None
        return 0 if found is NOTHING else int(found)


# -- attempts: each does its work at once, or returns NOTHING or raises Again --------------------------


def _attempt_recv(socket: core.Socket, copy: bool) -> Any:
    part = _recv_nonblock(socket) if copy else core.Socket.recv(socket, _DONTWAIT, False)
    return NOTHING if part is None else part


def _attempt_multipart(socket: core.Socket, copy: bool) -> Any:
    parts = core.Socket.recv_multipart_nonblock(socket, 0, copy)
    return NOTHING if parts is None else parts


def _attempt_send_many(socket: core.Socket, messages: Sequence[Any], flags: int) -> Any:
    return core.Socket.send_many(socket, messages, flags) or NOTHING


def _attempt_poll(socket: core.Socket, flags: int) -> Any:
    if socket.closed:
        raise _SocketClosed.during("poll", "socket", "the socket is closed")
    return core.Socket.poll_events(socket, flags, 0) or NOTHING
