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
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent

from . import _about, constants, frame, monitor, security
from . import _attempts as attempts
from ._about import *  # noqa: F403
from ._attempts import NOTHING
from ._green_link import Link, Sleeper, pace_of_hub
from ._native import core
from ._tied import DONTWAIT, TiedSocket
from .constants import *  # noqa: F403
from .context import Context as _Context
from .endpoint import Endpoint
from .enums import PollEvent
from .error import *  # noqa: F403
from .error import ContextTerminated, SocketClosed, ZMQError
from .error import __all__ as _error_names
from .frame import *  # noqa: F403
from .monitor import *  # noqa: F403
from .poller import Poller as _Poller
from .security import *  # noqa: F403

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Context",
    "Endpoint",
    "Poller",
    "Socket",
    "device",
    "proxy",
    "select",
    "set_fairness",
    "zmq_poll",
]
__all__ += _about.__all__
__all__ += constants.__all__
__all__ += _error_names  # pyright: ignore[reportUnsupportedDunderAll]
__all__ += frame.__all__
__all__ += monitor.__all__
__all__ += security.__all__

_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value

_RECEIVE_ONLY, _SEND_ONLY = core.RECEIVE_ONLY, core.SEND_ONLY
_hub = gevent.get_hub
_recv_nonblock = core.Socket._try_recv
_send_nonblock = core.Socket._try_send


def set_fairness(*, seconds: float | None = None, count: int | None = None) -> None:
    """Set how much of one pass of this thread's hub its sockets may use before other greenlets
    run.

    After ``seconds`` (1 ms unless set) or ``count`` (4096) operations that could be done at once,
    the next one lets others run first. With ``count=0`` every call does.
    """
    pace_of_hub(gevent.get_hub()).set(seconds, count)


def _deadline(milliseconds: float | None) -> float | None:
    if milliseconds is None or milliseconds < 0:
        return None
    return time.monotonic() + milliseconds / 1000


class Socket(TiedSocket):
    """A ZeroMQ socket whose calls suspend only their own greenlet; see `zmqlite.Socket` for all
    else.

    RCVTIMEO, SNDTIMEO and DONTWAIT are honoured (`Again`). Closing it ends what waits
    (`SocketClosed`).
    """

    _repr_cls = "zmqlite.green.Socket"

    def _home(self) -> Any:
        return _hub()

    def _make_link(self, home: Any) -> Link:
        return Link(self, home)

    def _perform(self, attempt: Callable[[], Any], flags: int, receives: bool = True) -> Any:
        """Do an operation at once or when its turn comes. `attempt` returns NOTHING if it
        cannot."""
        link: Link = self._attach(attempt)
        if not link.turn.take():
            link.pace.rest()
        line = link.receivers if receives else link.senders
        tried = line.free or bool(flags & DONTWAIT)
        if tried:
            value = link.attempt(line, attempt, line.mask)
            if value is not NOTHING:
                return value
        limit = self._limit(flags, receives)
        if limit:
            value = link.wait(line, attempt, line.mask, tried, _deadline(limit))
            if value is not NOTHING:
                return value
        raise self._again(limit, receives)

    # -- receiving -------------------------------------------------------------------------------

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one part as bytes, or as a Frame with ``copy=False``."""
        link = self._link
        if (
            link is not None
            and link.idle
            and copy
            and not flags
            and link.home is _hub()
            and link.turn.take()
        ):
            part = _recv_nonblock(self)
            if part is not None:
                return part
        return self._perform(partial(attempts.recv, self, copy), flags)

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one message as the list of its parts."""
        return self._perform(partial(attempts.recv_parts, self, copy, None), flags)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> int:
        """Receive one part into a writable buffer; return the part's full size."""
        return int(self._perform(partial(attempts.recv_into, self, buffer, nbytes), flags))

    def recv_many(self, max: int = 1000, flags: int = 0, *, multipart: bool = False) -> Any:
        """Receive what is there, at most ``max`` messages; wait only for the first."""
        return self._perform(partial(attempts.recv_many, self, max, multipart), flags)

    def __iter__(self) -> Self:
        """Iterate over received parts until the socket or the context closes."""
        return self

    def __next__(self) -> bytes:
        try:
            part: bytes = self.recv()
        except (ContextTerminated, SocketClosed):
            raise StopIteration from None
        return part

    # -- sending ---------------------------------------------------------------------------------

    def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | bytes | None = None,
    ) -> Any:
        """Send one part as soon as a peer can take it; see `zmqlite.Socket.send`."""
        link = self._link
        plain = copy and not track and routing_id is None and group is None
        if (
            plain
            and link is not None
            and link.idle
            and link.home is _hub()
            and link.turn.take()
            and _send_nonblock(self, data, flags)
        ):
            return None
        attempt = partial(attempts.send, self, data, flags, copy, track, routing_id, group)
        return self._perform(attempt, flags, False)

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Send a sequence of parts as one message: all of it or nothing."""
        attempt = partial(attempts.send_parts, self, msg_parts, flags, copy, track, kwargs)
        return self._perform(attempt, flags, False)

    def send_many(self, messages: Iterable[Any], flags: int = 0) -> int:
        """Send every message of an iterable; return how many.

        They are drawn as they are sent, each when its turn comes, and other greenlets run
        meanwhile; a list is copied first. An exception carries the number of those sent before it
        in its attribute ``sent``; one more may have been drawn. SNDTIMEO is for each message; with
        DONTWAIT it returns when the next one would have to wait.
        """
        batch = attempts.Batch(self, messages, flags)
        try:
            while self._perform(batch.step, flags, False) is attempts.MORE:
                pass
        except attempts.ForeignAgain as foreign:
            raise foreign.error from None
        except BaseException as failure:
            with suppress(AttributeError):  # an exception of the iterable with slots
                failure.sent = batch.sent  # type: ignore[attr-defined]
            raise
        return batch.sent

    # -- waiting ---------------------------------------------------------------------------------

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> int:
        """Wait until one of the events in ``flags`` holds; return those that do.

        ``timeout`` in ms, None for ever; 0 when it is over. Raises `SocketClosed` when the socket
        is closed, also meanwhile.
        """
        look = partial(attempts.poll, self, flags)
        if self.closed:
            return look()  # type: ignore[no-any-return]  # it says so
        link: Link = self._attach()
        if not link.turn.take():
            link.pace.rest()
        found = link.attempt(link.pollers, look, flags)
        if found is NOTHING and timeout != 0:
            if timeout and 0 < timeout < 1:
                self._warn_of_seconds(timeout)
            found = link.wait(link.pollers, look, flags, True, _deadline(timeout))
        return 0 if found is NOTHING else int(found)


class Context(_Context[Socket]):
    """A context whose `socket` makes sockets for gevent; one context serves sockets of every kind.

    ``Context.shadow(other)`` gives this view of any context, for inproc between the worlds.
    """

    _socket_class = Socket
    _repr_cls = "zmqlite.green.Context"
    _instance = None

    def term(self, timeout: float | None = None) -> None:
        """As `zmqlite.Context.term`; other greenlets run meanwhile."""
        gevent.get_hub().threadpool.apply(super().term, (timeout,))

    def destroy(self, linger: int | None = None) -> None:
        """As `zmqlite.Context.destroy`; other greenlets run meanwhile, and those that wait end."""
        for socket in self.sockets():
            socket.close(linger)
        gevent.get_hub().threadpool.apply(super().destroy, (linger,))


class Poller(_Poller):
    """A `zmqlite.Poller` whose `poll` suspends only its own greenlet."""

    def poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        """Wait until a member is ready and return the ready ones as (member, events) pairs.

        ``timeout`` in ms, None for ever; an empty list when it is over.
        """
        ready = self._ready()
        if ready or timeout == 0:
            gevent.sleep(0)  # who polls in a loop lets others run
            return ready
        deadline = _deadline(timeout)
        sleeper = Sleeper(0)
        with ExitStack() as watches:
            waiters = [
                self._watch(watches, source, flags, sleeper) for source, flags in self.sockets
            ]
            if any(map(_is_plain, dict(self.sockets))):
                self._hear_of_others(watches, sleeper)
            while True:
                for waiter in waiters:
                    waiter.called = False
                ready = self._ready()
                if ready or not sleeper.sleep(deadline):
                    return ready

    def _ready(self) -> list[tuple[Any, int]]:
        ready = super().poll(0)
        for source, _ in self.sockets:
            if isinstance(source, Socket):
                source._used()
        return ready

    def _watch(self, watches: ExitStack, source: Any, flags: int, sleeper: Sleeper) -> Sleeper:
        """Have `sleeper` woken when a member may be ready."""
        if isinstance(source, Socket):
            link: Link = source._attach()
            waiter = Sleeper(flags & (_POLLIN | _POLLOUT), sleeper._event)
            link.join(link.pollers, waiter, False)
            watches.callback(link.leave, link.pollers, waiter)
            return waiter
        events = flags & (_POLLIN | _POLLOUT)
        if isinstance(source, core.Socket):  # of another kind: its descriptor speaks for it
            events = _POLLIN
            if source.thread_safe:
                signal = core.ReadySignal(source)
                watches.callback(signal.close)
                _watch_fd(watches, signal.fileno(), events, partial(_heard, signal, sleeper))
                return sleeper
            source = source.get_option(14, 6)
        fd = source if isinstance(source, int) else source.fileno()
        _watch_fd(watches, fd, events or _POLLIN, sleeper.wake)
        return sleeper

    def _hear_of_others(self, watches: ExitStack, sleeper: Sleeper) -> None:
        """Have `sleeper` woken when a blocking socket is closed, or used by others: its descriptor
        need not say so then."""
        bell = self._doze()
        if bell >= 0:
            watches.callback(self._rise)
            _watch_fd(watches, bell, _POLLIN, sleeper.wake)


def _is_plain(source: Any) -> bool:
    return isinstance(source, core.Socket) and not isinstance(source, Socket)


def _heard(signal: core.ReadySignal, sleeper: Sleeper) -> None:
    """A thread-safe socket may be ready: silence its signal, or the hub would spin."""
    with suppress(ZMQError):  # it was closed: who polls hears it
        signal.events()
    sleeper.wake()


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
    possible = [pair for pair in pairs if pair[0].type not in _SEND_ONLY]
    possible = [pair for pair in possible if pair[1].type not in _RECEIVE_ONLY]
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
