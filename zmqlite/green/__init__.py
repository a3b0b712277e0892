"""zmqlite for gevent: the same names and the same calls; what waits lets other greenlets run.

    import zmqlite.green as zmq

It needs no monkey-patching. Greenlets may share a socket, several in either direction; those that
wait for one direction are served in order. A greenlet that is killed, or leaves by a
`gevent.Timeout`, while it waits has done nothing: a receive took no message, a send did not
happen.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent._hub_local import get_hub_if_exists

from .._loops import names as _names
from .._loops import operations as attempts
from .._loops.names import *  # noqa: F403
from .._loops.operations import WOULD_BLOCK
from .._loops.requests import SharedRequests
from .._native import core
from ..context import Context as _Context
from ..enums import PollEvent
from . import constants as _constants
from .binding import LoopBinding, Sleeper, budget_of_hub
from .calls import deadline
from .constants import *  # noqa: F403
from .gate import GateService
from .poller import Poller as Poller
from .poller import select as select
from .poller import zmq_poll as zmq_poll
from .tasks import GreenProxy, TaskRunner
from .wakeup import Wakeup

if TYPE_CHECKING:  # the data calls take and return what those of a blocking socket do
    from .._loops.socket import LoopSocket as Calls
else:  # a list would hide from checkers what comes by a star
    from .calls import Calls

    __all__ = ["Context", "Poller", "Proxy", "Socket", "set_fairness"]
    __all__ += ["device", "proxy", "select", "zmq_poll"]
    __all__ += [*_constants.__all__, *_names.__all__]

    def __dir__() -> list[str]:
        return __all__


_POLLIN = PollEvent.POLLIN.value
_RECEIVE_ONLY, _SEND_ONLY = core.RECEIVE_ONLY, core.SEND_ONLY


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of this thread's hub its sockets may use before other greenlets
    run.

    After ``seconds`` (1 ms unless set) or ``count`` (4096) operations that could be done at once,
    the next one lets others run first. With ``count=0`` every call does.
    """
    budget = budget_of_hub(gevent.get_hub())
    if seconds is not None:
        budget.seconds = seconds
    if count is not None:
        budget.count = count
    budget.reset()


class Socket(SharedRequests, Calls):  # type: ignore[misc]
    """A ZeroMQ socket whose calls suspend only their own greenlet; see `zmqlite.Socket` for all
    else.

    RCVTIMEO, SNDTIMEO and DONTWAIT are honoured (`Again`). Closing it ends what waits
    (`SocketClosed`).
    """

    _repr_cls = "zmqlite.green.Socket"
    _sleep = staticmethod(gevent.sleep)
    _new_wakeup: Any = Wakeup

    async def _ready(self, events: int, timeout: int) -> bool:
        return bool(self.poll(timeout, events))

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> int:
        """Wait until one of the events in ``flags`` holds; return those that do.

        ``timeout`` in ms, None for ever; 0 when it is over. Raises `SocketClosed` when the socket
        is closed, also meanwhile.
        """
        look = partial(attempts.poll, self, flags)
        limit = core.time_limit("poll", timeout)
        if self.closed:
            return int(look())  # it says so
        binding: LoopBinding = self._attach()
        if not binding.budget.consume():
            binding.rest()
        waiter = Sleeper(binding.pollers, look, flags)
        found = waiter.first_try()
        if found is WOULD_BLOCK and limit:
            if 0 < limit < 1:
                self._warn_of_seconds(limit)
            found = binding.wait(waiter, True, deadline(limit))
        return 0 if found is WOULD_BLOCK else int(found)


class Context(_Context[Socket]):
    """A context whose `socket` makes sockets for gevent; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _gate_service = GateService
    _repr_cls = "zmqlite.green.Context"
    _instance = None

    def term(self, timeout: float | None = None) -> None:
        """As `zmqlite.Context.term`; other greenlets run meanwhile."""
        core.time_limit("term", timeout, "seconds")  # here: the hub's threads print errors
        _apply(super().term, timeout)

    def destroy(self, linger: int | None = None) -> None:
        """As `zmqlite.Context.destroy`; other greenlets run meanwhile, and those that wait end."""
        for socket in self.sockets():
            socket.close(linger)
        _apply(super().destroy, linger)


_constants.SocketType._contexts = Context


def _apply(call: Callable[[Any], object], argument: float | None) -> None:
    """Call what blocks, in a thread of the hub's. A thread without a hub has no greenlets to run
    meanwhile, and would not give back a hub that was made for it."""
    hub = get_hub_if_exists()
    if hub is None:
        call(argument)
    else:
        hub.threadpool.apply(call, (argument,))


def proxy(frontend: Socket, backend: Socket, capture: Socket | None = None) -> None:
    """Move messages between two sockets until one is closed or the context ends.

    Both ways, or one way if that is all their types can do. Each way has a greenlet;
    ``capture``, a socket that sends, gets a copy of every message. Killing the calling greenlet
    stops both. Raises `ContextTerminated` or `SocketClosed` at the end.
    """
    pairs = [(frontend, backend), (backend, frontend)]
    possible = [
        (source, target)
        for source, target in pairs
        if source.type not in _SEND_ONLY and target.type not in _RECEIVE_ONLY
    ]
    ways: list[Any] = [
        gevent.spawn(_forward, source, target, capture) for source, target in possible or pairs
    ]
    try:
        gevent.wait(ways, count=1)
        raise next(way.value for way in ways if way.ready())
    finally:
        gevent.killall(ways)


def _forward(source: Socket, target: Socket, capture: Socket | None) -> Exception:
    """Move messages one way; return what ended it."""
    try:
        while True:
            parts = source.recv_multipart(copy=False)
            if capture is not None:
                capture.send_multipart(parts)
            target.send_multipart(parts)
    except Exception as failure:
        return failure


def device(*args: Any) -> None:
    """Run `proxy(frontend, backend)` under its name of libzmq 2; a type before them means
    nothing."""
    frontend, backend = args[-2:]
    proxy(frontend, backend)


class Proxy(GreenProxy):
    __doc__ = GreenProxy.__doc__
    _thread_runner = TaskRunner
    _new_context = Context
