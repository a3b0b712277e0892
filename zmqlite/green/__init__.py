"""zmqlite for gevent: the same names and the same calls; what waits lets other greenlets run.

    import zmqlite.green as zmq

It needs no monkey-patching. Greenlets may share a socket, several in either direction; those that
wait for one direction are served in order. A greenlet that is killed, or leaves by a
`gevent.Timeout`, while it waits has done nothing: a receive took no message, a send did not
happen.
"""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent._hub_local import get_hub_if_exists
from gevent.event import Event as _Event

from .._loops import names as _names
from .._loops import operations as attempts
from .._loops.names import *  # noqa: F403
from .._loops.operations import WOULD_BLOCK
from .._loops.requests import SharedRequests
from .._native import core
from ..context import Context as _Context
from ..enums import PollEvent, SocketOption
from ..error import ZMQError
from ..options.rows import Kind
from ..poller import Poller as _Poller
from . import constants as _constants
from .binding import LoopBinding, Sleeper, budget_of_hub, wait_for
from .calls import deadline
from .constants import *  # noqa: F403
from .gate import GateService
from .tasks import GreenProxy, TaskRunner
from .wakeup import Wakeup

if TYPE_CHECKING:  # the data calls take and return what those of a blocking socket do
    from typing_extensions import Self

    from .._loops.socket import LoopSocket as Calls
else:  # a list would hide from checkers what comes by a star
    from .calls import Calls

    __all__ = ["Context", "Poller", "Proxy", "Socket", "set_fairness"]
    __all__ += ["device", "proxy", "select", "zmq_poll"]
    __all__ += [*_constants.__all__, *_names.__all__]

    def __dir__() -> list[str]:
        return __all__


_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value

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
        if self.closed:
            return look()  # type: ignore[no-any-return]  # it says so
        binding: LoopBinding = self._attach()
        if not binding.budget.consume():
            binding.rest()
        waiter = Sleeper(binding.pollers, look, flags)
        found = waiter.first_try()
        if found is WOULD_BLOCK and timeout != 0:
            if timeout and 0 < timeout < 1:
                self._warn_of_seconds(timeout)
            found = binding.wait(waiter, True, deadline(timeout))
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
        _apply(super().term, timeout)

    def destroy(self, linger: int | None = None) -> None:
        """As `zmqlite.Context.destroy`; other greenlets run meanwhile, and those that wait end."""
        for socket in self.sockets():
            socket.close(linger)
        _apply(super().destroy, linger)


_constants.SocketType._contexts = Context  # type: ignore[attr-defined]


def _apply(call: Callable[[Any], object], argument: float | None) -> None:
    """Call what blocks, in a thread of the hub's. A thread without a hub has no greenlets to run
    meanwhile, and would not give back a hub that was made for it."""
    hub = get_hub_if_exists()
    if hub is None:
        call(argument)
    else:
        hub.threadpool.apply(call, (argument,))


class Poller(_Poller):
    """A `zmqlite.Poller` whose `poll` suspends only its own greenlet."""

    _waits: set[_Event]
    _changes: int  # how often the members have

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._tells_loops = True
        self._waits, self._changes = set(), 0
        return self

    def register(self, socket: Any, flags: int = _POLLIN | _POLLOUT) -> None:
        """As `zmqlite.Poller.register`; a poll that waits hears of it."""
        super().register(socket, flags)
        self._changed()

    def unregister(self, socket: Any) -> None:
        """As `zmqlite.Poller.unregister`; a poll that waits hears of it."""
        super().unregister(socket)
        self._changed()

    def _changed(self) -> None:
        self._changes += 1
        self._wake_all()

    def _wake_all(self) -> None:
        """Have every poll that waits look again."""
        for event in self._waits:
            event.set()

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until a member is ready and return the ready ones as (member, events) pairs.

        ``timeout`` in ms, None for ever; an empty list when it is over.
        """
        ready = self._ready()
        if ready or timeout == 0:
            gevent.sleep(0)  # who polls in a loop lets others run
            return ready
        end = deadline(timeout)
        event = _Event()
        while True:
            found = self._poll_these(event, end)
            if found is not None:
                return found

    def _poll_these(self, event: _Event, end: float | None) -> list[tuple[Any, int]] | None:
        """Wait for the members there are now; None when others are."""
        changes = self._changes
        with ExitStack() as watches:
            self._waits.add(event)
            watches.callback(self._waits.discard, event)
            waiters = self._watch_members(watches, event)
            while changes == self._changes:
                event.clear()
                for waiter in waiters:
                    if waiter is not None:
                        waiter.called = False
                ready = self._ready()
                if ready or not wait_for(event, end):
                    return ready
        return None

    def _ready(self) -> list[tuple[Any, int]]:
        ready = super().poll(0)
        if ready:  # other greenlets that wait for the same want to hear of it, too
            self._wake_all()
        return ready

    def _watch_members(self, watches: ExitStack, event: _Event) -> list[Sleeper | None]:
        """Have `event` set when a member may be ready: by one descriptor for all where there is
        one. Return what waits in members' queues."""
        fd = self._set_fileno()
        if fd >= 0:
            self._arm_wakeup()
            watches.callback(self._disarm_wakeup)
            _watch_fd(watches, fd, _POLLIN, event.set)
            return []
        waiters = [self._watch(watches, source, flags, event) for source, flags in self.sockets]
        if any(map(_is_plain, dict(self.sockets))):
            self._hear_of_others(watches, event)
        return waiters

    def _watch(self, watches: ExitStack, source: Any, flags: int, event: _Event) -> Sleeper | None:
        """Have `event` set when a member may be ready; return what waits in the member's queue."""
        if isinstance(source, Socket):
            binding: LoopBinding = source._attach()
            waiter = Sleeper(binding.pollers, None, flags & (_POLLIN | _POLLOUT), event)
            binding.begin_wait(waiter, False)
            watches.callback(binding.end_wait, waiter)
            return waiter
        events = flags & (_POLLIN | _POLLOUT)
        if isinstance(source, core.Socket):  # of another kind: its descriptor speaks for it
            events = _POLLIN
            if source.thread_safe:
                signal = core.ReadyFD(source)
                watches.callback(signal.close)
                _watch_fd(watches, signal.fileno(), events, partial(_heard, signal, event))
                return None
            source = source._get_option(SocketOption.FD.value, Kind.FD)
        fd = source if isinstance(source, int) else source.fileno()
        _watch_fd(watches, fd, events or _POLLIN, event.set)
        return None

    def _hear_of_others(self, watches: ExitStack, event: _Event) -> None:
        """Have `event` set when a blocking socket is closed, or used by others: its descriptor
        need not say so then."""
        bell = self._arm_wakeup()
        if bell >= 0:
            watches.callback(self._disarm_wakeup)
            _watch_fd(watches, bell, _POLLIN, event.set)


def _is_plain(source: Any) -> bool:
    return isinstance(source, core.Socket) and not isinstance(source, Socket)


def _heard(signal: core.ReadyFD, event: _Event) -> None:
    """A thread-safe socket may be ready: silence its signal, or the hub would spin."""
    with suppress(ZMQError):  # it was closed: who polls hears it
        signal.events()
    event.set()


def _watch_fd(watches: ExitStack, fd: int, events: int, wake: Callable[[], object]) -> None:
    """Have `wake` called by a descriptor: by a copy, since libev ends the process when what it
    watches is closed under it."""
    if os.name == "posix":
        fd = core.duplicate(fd)
        watches.callback(os.close, fd)
    watcher: Any = gevent.get_hub().loop.io(fd, events)
    watches.callback(watcher.close)
    watches.callback(watcher.stop)
    watcher.start(wake)


def zmq_poll(sockets: Iterable[tuple[Any, int]], timeout: float = -1) -> list[tuple[Any, int]]:
    """As `zmqlite.zmq_poll`; other greenlets run meanwhile."""
    poller = Poller()
    for source, flags in sockets:
        if isinstance(source, (core.Socket, int)):
            poller.register(source, flags)
        else:
            poller.register(source.fileno(), flags)
    return poller.poll(timeout) if len(poller) else []


def select(
    rlist: Iterable[Any], wlist: Iterable[Any], xlist: Iterable[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """As `zmqlite.select`, with a timeout in SECONDS; other greenlets run meanwhile."""
    wanted: dict[Any, int] = {}
    for members, event in ((rlist, _POLLIN), (wlist, _POLLOUT), (xlist, PollEvent.POLLERR.value)):
        for member in members:
            wanted[member] = wanted.get(member, 0) | event
    found = zmq_poll(wanted.items(), -1 if timeout is None or timeout < 0 else timeout * 1000)
    readable, writable, failed = (
        [member for member, events in found if events & event]
        for event in (_POLLIN, _POLLOUT, PollEvent.POLLERR.value)
    )
    return readable, writable, failed


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


class _ProxyRunner(TaskRunner):
    new_context: Any = Context


class Proxy(GreenProxy):
    __doc__ = GreenProxy.__doc__
    _thread_runner = _ProxyRunner
