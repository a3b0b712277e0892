"""The sockets of zmqlite for asyncio, uvloop too: the same names; awaiting is the only difference.

    import zmqlite.asyncio as zmq

    async with zmq.Context() as context, context.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        async for request in server:
            await server.send(request.upper())

What the data calls return is a real ``asyncio.Future``; their work starts at the call.
Cancelling a receive never loses a message, and a cancelled send did not happen. How that is kept:
`zmqlite/asyncio/operation.py`.
"""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false, reportWildcardImportFromLibrary=false
from __future__ import annotations

import asyncio as _asyncio
import os
import warnings
from asyncio import Future
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .._loops import names as _names
from .._loops import operations as _attempts
from .._loops.names import *  # noqa: F403
from .._loops.proxies import AwaitedProxy
from .._loops.requests import AwaitedRequests
from .._native import core
from ..context import Context as _Context
from ..enums import PollEvent, SocketOption
from ..error import Again, SocketClosed, ThreadMisuse
from ..options.rows import Kind
from ..poller import Poller as _Poller
from ..poller import select as select
from ..poller import zmq_poll as zmq_poll
from ..proxy import device as device
from ..proxy import proxy as proxy
from . import constants as _constants
from . import selector_thread as _selector_thread
from .binding import budget_of
from .calls import Calls
from .constants import *  # noqa: F403
from .gate import GateService
from .tasks import TaskRunner
from .wakeup import Wakeup, is_cancelled

if TYPE_CHECKING:
    from typing_extensions import Self

if not TYPE_CHECKING:  # a list would hide the constants from checkers
    __all__ = ["Context", "Poller", "Proxy", "Socket", "set_fairness"]
    __all__ += ["device", "proxy", "select", "zmq_poll"]  # blocking ones
    __all__ += [*_constants.__all__, *_names.__all__]

    def __dir__() -> list[str]:
        return __all__


_SocketT = TypeVar("_SocketT", bound="Socket")
_ContextT = TypeVar("_ContextT", bound="Context")
_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value
_DONTWAIT = 1


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of the running loop its sockets may use before other tasks run.

    A flooded socket never has to wait, so its task would never pause by itself. After ``seconds``
    (1 ms unless set) or ``count`` (4096) operations that could be done at once, the next one
    waits for the next pass of the loop.
    """
    budget = budget_of(_asyncio.get_running_loop())
    if seconds is not None:
        budget.seconds = seconds
    if count is not None:
        budget.count = max(count, 1)


class Socket(AwaitedRequests, Calls):  # type: ignore[misc]
    """A ZeroMQ socket whose data calls are awaited; see `zmqlite.Socket` for all else.

    Belongs to the loop that runs when it is first used, and moves when it is used in another.
    Pending receives are served in the order of their calls, and so are sends. RCVTIMEO, SNDTIMEO
    and DONTWAIT are honoured: the future ends with `Again`. `close` cancels what waits; iteration
    ends.
    """

    _repr_cls = "zmqlite.asyncio.Socket"
    _unwaited = False
    _sleep = staticmethod(_asyncio.sleep)
    _new_wakeup: Any = Wakeup

    @classmethod
    def from_socket(cls: type[_SocketT], socket: core.Socket) -> _SocketT:
        """Return an asyncio handle on a blocking socket, which stays its owner: see `shadow`."""
        return cls.shadow(socket)

    def close(self, linger: int | None = None) -> None:
        """Close the socket and cancel what waits on it; an iteration ends."""
        binding = self._binding
        if binding is not None and not self.closed:
            if self._unwaited:
                self._unwaited = False
                if binding.close_later(self.close):
                    return
            binding.end()
            self._binding = self._fast_path = None
        super().close(linger)

    def __del__(self) -> None:
        self._unwaited = True
        super().__del__()

    # -- waiting ---------------------------------------------------------------------------------

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> Future[int]:
        """A Future of the mask of events that hold, 0 when ``timeout`` ms are over first.

        None or a negative number waits for ever; 0 is answered at once.
        """
        look = partial(_attempts.poll, self, flags)
        limit = -1 if timeout is None else timeout
        if 0 < limit < 1:
            self._warn_of_seconds(limit)
        queue, now = self._current_binding().pollers, 0 if limit else _DONTWAIT
        return cast("Future[int]", self._submit(queue, look, now, None, limit, flags))

    async def _ready(self, events: int, timeout: int) -> bool:
        try:
            return bool(await self.poll(timeout, events))
        except _asyncio.CancelledError:
            if self.closed and not is_cancelled(_asyncio.current_task()):
                raise SocketClosed.during("poll", self._subject(), "it was closed") from None
            raise

    def _ready_source(self) -> tuple[Any, int]:
        """What speaks when the socket may be ready: FD, or a signal for types that have none."""
        if self.thread_safe:
            signal = core.ReadyFD(self)
            return signal, signal.fileno()
        return None, self.fd

    # -- calls that may silence the descriptor: who waits must have another look ------------------

    def _used(self) -> None:
        if self._binding is not None:
            self._binding.loop_handle.used()

    async def __aenter__(self: _SocketT) -> _SocketT:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


class Context(_Context[Socket]):
    """A context whose `socket` makes asyncio sockets; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _gate_service = GateService
    _repr_cls = "zmqlite.asyncio.Context"
    _instance = None

    async def __aenter__(self: _ContextT) -> _ContextT:
        return self

    async def __aexit__(self, kind: Any, *exc: object) -> None:
        """Close what is open and end the context; other tasks run while messages are sent."""
        if kind is None:
            for socket in self.sockets():
                message = f"Destroying context with unclosed socket {socket!r}"
                warnings.warn(message, ResourceWarning, stacklevel=2, source=socket)
        if self._shadow:  # its owner ends the context
            self.destroy()
            return
        pause, wait = 0.0005, core.EndWait(self)
        while not self.closed:
            for socket in self.sockets():
                with suppress(ThreadMisuse):
                    socket.close()
            self.shutdown()
            if not self.sockets() and wait.look():  # else threads wait in them
                with suppress(Again):
                    self.term(0)
            if not self.closed:
                await _asyncio.sleep(pause)
                pause = min(2 * pause, 0.05)


_constants.SocketType._contexts = Context  # type: ignore[attr-defined]


class _ProxyRunner(TaskRunner):
    new_context: Any = Context


class Proxy(AwaitedProxy):
    __doc__ = AwaitedProxy.__doc__
    _thread_runner = _ProxyRunner
    _sleep = staticmethod(_asyncio.sleep)


class Poller(_Poller):
    """A `zmqlite.Poller` whose `poll` is awaited.

    Members are sockets, asyncio or blocking, descriptors and objects with `fileno()`. A
    descriptor may be in several pollers, and have a reader of its own in the loop.
    """

    _waits: set[Future[None]]

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._tells_loops = True
        self._waits = set()
        return self

    def register(self, socket: Any, flags: int = _POLLIN | _POLLOUT) -> None:
        """As `zmqlite.Poller.register`; a poll that waits hears of it."""
        super().register(socket, flags)
        self._wake_all()

    def unregister(self, socket: Any) -> None:
        """As `zmqlite.Poller.unregister`; a poll that waits hears of it."""
        super().unregister(socket)
        self._wake_all()

    def _wake_all(self) -> None:
        """Have every poll that waits look again."""
        for woken in self._waits:
            _wake(woken)

    def _running_loop(self) -> _asyncio.AbstractEventLoop:
        """Return the loop to wait in."""
        return _asyncio.get_running_loop()

    def poll(self, timeout: float | None = None) -> Future[list[tuple[Any, int]]]:
        """Wait for a member: a Future of the (member, events) pairs that are ready.

        ``timeout`` in ms, None or a negative number for ever; the list is empty when it is over
        first.
        """
        loop = self._running_loop()
        if timeout == 0 or budget_of(loop).consume():
            ready = self.poll_nonblock()
            if ready or timeout == 0:
                future: Future[list[tuple[Any, int]]] = loop.create_future()
                future.set_result(ready)
                return future
        if timeout is None or timeout < 0:
            return loop.create_task(self._wait(None))
        return loop.create_task(self._wait(loop.time() + timeout / 1000))

    def poll_nonblock(self) -> list[tuple[Any, int]]:
        """Return what is ready now."""
        ready = super().poll(0)
        if ready:  # other tasks that wait for the same want to hear of it, too
            self._wake_all()
        return ready

    async def _wait(self, deadline: float | None) -> list[tuple[Any, int]]:
        loop = _asyncio.get_running_loop()
        while True:
            woken: Future[None] = loop.create_future()
            wake = partial(_wake, woken)
            timer = None if deadline is None else loop.call_at(deadline, wake)
            stops: list[Callable[[], object]] = []
            self._waits.add(woken)
            try:
                by_members = not self._watch_set(loop, wake, stops)
                if by_members:
                    for source, flags in self.sockets:
                        stops.append(_watch(loop, source, flags, wake))
                ready = self.poll_nonblock()
                if ready:
                    return ready
                if by_members and any(_is_plain(source) for source, _ in self.sockets):
                    stops += self._hear_of_others(loop, wake)
                await woken
            finally:
                self._waits.discard(woken)
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

    def _hear_of_others(self, loop: Any, wake: Callable[..., None]) -> list[Callable[[], object]]:
        """Call `wake` when a blocking socket is closed, or used by others: its descriptor need not
        say so then."""
        bell = self._arm_wakeup()
        return [] if bell < 0 else [_watch_fd(loop, bell, _POLLIN, wake, self._disarm_wakeup)]


def _is_plain(source: Any) -> bool:
    return isinstance(source, core.Socket) and not isinstance(source, Socket)


def _wake(woken: Future[None], *_: object) -> None:
    if not woken.done() and not woken.get_loop().is_closed():
        woken.set_result(None)


def _watch(loop: Any, source: Any, flags: int, wake: Callable[..., None]) -> Callable[[], object]:
    """Call `wake` when `source` may be ready. Returns what to call afterwards."""
    if isinstance(source, Socket):
        future = source.poll(None, flags)
        future.add_done_callback(wake)
        return future.cancel
    if isinstance(source, core.Socket):
        if source.thread_safe:
            signal = core.ReadyFD(source)
            return _watch_fd(loop, signal.fileno(), _POLLIN, wake, signal.close)
        return _watch_fd(loop, source._get_option(SocketOption.FD.value, Kind.FD), _POLLIN, wake)
    return _watch_fd(loop, source if isinstance(source, int) else source.fileno(), flags, wake)


def _watch_fd(
    loop: Any,
    fd: int,
    flags: int,
    wake: Callable[..., None],
    after: Callable[[], object] | None = None,
) -> Callable[[], object]:
    """A copy of the descriptor is watched, so that nobody else's readers are in the way."""
    reader = _selector_thread.reader_of(loop)
    own = core.duplicate(fd) if os.name == "posix" else fd
    if flags & ~_POLLOUT:
        reader.add_reader(own, wake)
    if flags & _POLLOUT:
        reader.add_writer(own, wake)

    def stop() -> None:
        if flags & ~_POLLOUT:
            reader.remove_reader(own)
        if flags & _POLLOUT:
            reader.remove_writer(own)
        if own != fd:
            os.close(own)
        if after is not None:
            after()

    return stop
