"""The sockets of zmqlite for trio: the same names; awaiting is the only difference.

    import zmqlite.trio as zmq

    async with zmq.Context() as context, context.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        async for request in server:
            await server.send(request.upper())

Every data call is an async function and a checkpoint. Cancelled, it has done nothing: a receive
took no message, a send did not happen. To let other tasks run costs more than a message does, so a
call that can be done at once does it only when this pass of the run has had its share; see
`set_fairness`. How tasks wait: `trio/binding.py`.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio as _trio
from trio.lowlevel import current_trio_token, enable_ki_protection

from .._loops import names as _names
from .._loops.names import *  # noqa: F403
from .._loops.proxies import AwaitedProxy
from .._loops.requests import AwaitedRequests
from ..context import Context as _Context
from ..poller import select as select
from ..poller import zmq_poll as zmq_poll
from ..proxy import device as device
from ..proxy import proxy as proxy
from . import constants as _constants
from .binding import budget_of_run
from .constants import *  # noqa: F403
from .gate import GateService
from .poller import Poller as Poller
from .socket import SocketClosed as SocketClosed
from .tasks import TaskRunner
from .wakeup import Wakeup

if TYPE_CHECKING:
    from ._typed import Calls as AwaitedSocket
else:  # a list would hide the constants from checkers
    from .socket import AwaitedSocket

    __all__ = ["Context", "Poller", "Proxy", "Socket", "set_fairness"]
    __all__ += ["device", "proxy", "select", "zmq_poll"]  # blocking ones
    __all__ += [*_constants.__all__, *_names.__all__]

    def __dir__() -> list[str]:
        return __all__


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of the current run its sockets may use before other tasks run.

    A flooded socket never has to wait, so its task would never pause by itself. After ``seconds``
    (1 ms unless set) or ``count`` (4096) operations that could be done at once, the next one is a
    full checkpoint. ``count=0`` makes every call one, as trio's own are.
    """
    budget = budget_of_run()
    if seconds is not None:
        budget.seconds = seconds
    if count is not None:
        budget.count = count
    budget.reset()


class Socket(AwaitedRequests, AwaitedSocket):  # type: ignore[misc]
    """A ZeroMQ socket whose data calls are awaited; see `zmqlite.Socket` for all else.

    Any number of tasks may use it at once; those that wait for one direction are served in order.
    It belongs to the trio run that uses it and moves to another when nobody waits on it. RCVTIMEO,
    SNDTIMEO and DONTWAIT are honoured (`Again`). Closing it ends what waits with `SocketClosed`.
    """

    _repr_cls = "zmqlite.trio.Socket"
    _sleep = staticmethod(_trio.sleep)
    _new_wakeup: Any = Wakeup
    _request = enable_ki_protection(AwaitedRequests._request)
    _closed_error = SocketClosed

    async def aclose(self) -> None:
        """Close the socket. A checkpoint; closes also when cancelled."""
        self.close()
        await _trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Socket:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


class Context(_Context[Socket]):
    """A context whose `socket` makes trio sockets; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _gate_service = GateService
    _repr_cls = "zmqlite.trio.Context"
    _instance = None

    @enable_ki_protection
    async def aclose(self) -> None:
        """Close all sockets and end the context, waiting for unsent messages as linger says.

        A checkpoint. Cancelled, it returns at once, and the rest happens in the background.
        """
        for socket in self.sockets():
            socket.close()
        ended = _trio.Event()
        token = current_trio_token()
        errors: list[BaseException] = []

        def report(outcome: Any) -> None:
            try:
                outcome.unwrap()
            except BaseException as error:
                errors.append(error)
            with suppress(_trio.RunFinishedError):
                token.run_sync_soon(ended.set)

        _trio.lowlevel.start_thread_soon(self.term, report)
        await ended.wait()
        if errors:
            raise errors[0]

    async def __aenter__(self) -> Context:
        return self

    async def __aexit__(self, kind: Any, *exc: object) -> None:
        self._warn_of_open(kind)
        await self.aclose()


_constants.SocketType._contexts = Context


class Proxy(AwaitedProxy):
    __doc__ = AwaitedProxy.__doc__
    _thread_runner = TaskRunner
    _new_context = Context
    _sleep = staticmethod(_trio.sleep)
