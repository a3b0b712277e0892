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
from asyncio import Future
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
from ..poller import select as select
from ..poller import zmq_poll as zmq_poll
from ..proxy import device as device
from ..proxy import proxy as proxy
from . import constants as _constants
from .binding import budget_of
from .constants import *  # noqa: F403
from .gate import GateService
from .poller import Poller as Poller
from .tasks import TaskRunner
from .wakeup import Wakeup, is_cancelled

if TYPE_CHECKING:
    from ._typed import Calls
else:  # a list would hide the constants from checkers
    from .calls import Calls

    __all__ = ["Context", "Poller", "Proxy", "Socket", "set_fairness"]
    __all__ += ["device", "proxy", "select", "zmq_poll"]  # blocking ones
    __all__ += [*_constants.__all__, *_names.__all__]

    def __dir__() -> list[str]:
        return __all__


_SocketT = TypeVar("_SocketT", bound="Socket")
_ContextT = TypeVar("_ContextT", bound="Context")
_POLLIN, _FD = PollEvent.POLLIN.value, SocketOption.FD.value


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
        limit = core.time_limit("poll", timeout)
        if 0 < limit < 1:
            self._warn_of_seconds(limit)
        binding, now = self._current_binding(), 0 if limit else _attempts.DONTWAIT
        found = self._submit(binding, binding.pollers, look, now, None, limit, flags)
        return cast("Future[int]", found)

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
        return None, self._get_option(_FD, Kind.FD)  # not as FD is asked for: nobody else has it

    # -- calls that may silence the descriptor: who waits must have another look ------------------

    def _used(self) -> None:
        binding = self._binding  # which a finalizer may take away
        if binding is None:
            return
        if _asyncio._get_running_loop() is binding.loop:
            binding.loop_handle.used()
        elif not self.thread_safe and binding.waiting:  # else each loop has a signal of its own
            binding.used_elsewhere()

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
        self._warn_of_open(kind)
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


_constants.SocketType._contexts = Context


class Proxy(AwaitedProxy):
    __doc__ = AwaitedProxy.__doc__
    _thread_runner = TaskRunner
    _new_context = Context
    _sleep = staticmethod(_asyncio.sleep)
