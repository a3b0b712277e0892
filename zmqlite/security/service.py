"""What serves a gate: asks its rules about each peer, many at once, each within a limit.

libzmq asks over one socket of the context. A check may be slow or never end: so each question is
answered by itself, and one whose check is late is answered with "not now" (status 300: the peer
may try again). Here are the service for threads, and the part that those of event loops share.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from .._threads import are_greenlets
from ..enums import PollEvent, SocketType
from ..error import AddressInUse, ContextTerminated, SocketClosed, ZMQError
from ..poller import Poller
from .zap import ZAP_ENDPOINT, AwaitableCheck, Decision, Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitedService", "Gate", "Service", "ThreadService"]

_AT_ONCE = 1000  # checks that are under way
_REST, _LONGEST_REST = 0.05, 3.2  # seconds, after an error in the thread itself
_POLLIN = PollEvent.POLLIN.value


class Gate(Protocol):
    """What a service needs of `zmqlite.auth.Gate`."""

    log: Any

    def decide(self, frames: Sequence[bytes]) -> Outcome: ...
    async def decide_async(self, frames: Sequence[bytes]) -> Outcome: ...
    def decide_late(self, frames: Sequence[bytes], reason: str, status: int = 300) -> Outcome: ...
    def answers_at_once(self, frames: Sequence[bytes]) -> bool: ...
    def tell(self, decision: Decision | None) -> None: ...


class Service:
    """A gate that is served in a context; made by `Gate.serve`, and a context manager."""

    def __init__(self, gate: Gate, context: Any, limit: float) -> None:
        if not limit > 0:
            raise ValueError(f"a check needs some time: limit={limit!r}")
        self._gate, self._context, self._limit = gate, context, limit
        self._socket: Any = None
        self._under_way = 0

    @property
    def serving(self) -> bool:
        """Whether questions are answered now."""
        return self._socket is not None and not self._socket.closed

    def _open(self) -> None:
        if self.serving:
            raise RuntimeError("this gate is served already")
        router = self._context.socket(SocketType.ROUTER, linger=0)
        try:
            router.bind(ZAP_ENDPOINT)
        except BaseException as error:
            router.close(0)
            if isinstance(error, AddressInUse):
                error.hint = "this context has a gate already: one serves all its sockets"
            raise
        self._socket = router

    def _close(self) -> None:
        router, self._socket = self._socket, None
        if router is None or router.closed:
            return
        with suppress(ZMQError):
            router.unbind(ZAP_ENDPOINT)  # closing frees the name a little later
        router.close(0)

    def _late(self, frames: Sequence[bytes]) -> Outcome:
        return self._gate.decide_late(frames, f"the check took longer than {self._limit:g} s")

    def _failed(self, frames: Sequence[bytes], error: BaseException) -> Outcome:
        """What else a check raised than an `Exception` (which the gate itself answers)."""
        if isinstance(error, AwaitableCheck):
            reason = "the check is a coroutine, and here is no loop that awaits it"
        else:
            reason = f"the check ended with {type(error).__name__}"
        return self._gate.decide_late(frames, reason, 500)

    def _too_many(self, frames: Sequence[bytes]) -> Outcome:
        return self._gate.decide_late(frames, f"{_AT_ONCE} checks are under way")

    def __enter__(self) -> Self:
        raise TypeError("in this world a gate is served by `async with`")

    def __exit__(self, *exc: object) -> None:
        """Nothing was entered."""

    async def __aenter__(self) -> Self:
        raise TypeError(
            "`async with` takes a context of the loop: of zmqlite.asyncio or zmqlite.trio, or "
            "Context.shadow(context) there"
        )

    async def __aexit__(self, *exc: object) -> None:
        """Nothing was entered."""


class Setbacks:
    """The errors of a thread that goes on, since something worked the last time: which are told,
    and how long it rests after each."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Something worked."""
        self._known: set[type[BaseException]] = set()
        self._rest = 0.0

    def is_new(self, error: BaseException) -> bool:
        """Whether it is the first of its kind."""
        known = type(error) in self._known
        self._known.add(type(error))
        return not known

    def next_rest(self) -> float:
        """Return how many seconds to rest now: twice as long each time, up to some seconds."""
        self._rest = min(2 * self._rest or _REST, _LONGEST_REST)
        return self._rest


class ThreadService(Service):
    """A gate that a thread serves. Rules that can take time run in threads of their own."""

    def __init__(self, gate: Gate, context: Any, limit: float) -> None:
        super().__init__(gate, context, limit)
        # these outlive the `with`, as late checks do: no number is used twice
        self._answers: deque[tuple[int, Outcome]] = deque()
        self._number = 0
        self._setbacks = Setbacks()

    def __enter__(self) -> Self:
        if are_greenlets():
            raise RuntimeError(
                "gevent's patches make greenlets of threads, and this one would stop them all: "
                "serve a context of zmqlite.green"
            )
        self._open()
        self._ends: list[socket.socket] = []
        try:
            self._prepare()
            thread = threading.Thread(target=self._serve, name="zmqlite gate", daemon=True)
            thread.start()
        except BaseException:
            self._close_all()
            raise
        self._thread = thread
        return self

    def _prepare(self) -> None:
        self._asked: dict[int, tuple[float, list[bytes], list[bytes]]] = {}
        self._stop = threading.Event()
        self._ends = list(socket.socketpair())
        self._wakeup_fd, self._wake_end = self._ends
        for end in self._ends:
            end.setblocking(False)

    def _close_all(self) -> None:
        self._close()
        for end in self._ends:
            end.close()

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._wake()
        self._thread.join()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it will wake up; or closed: it has ended
            self._wake_end.send(b"x")

    def _serve(self) -> None:
        poller = Poller()
        poller.register(self._socket, _POLLIN)
        poller.register(self._wakeup_fd.fileno(), _POLLIN)
        try:
            while not self._stop.is_set():
                try:
                    self._turn(poller)
                    self._setbacks.clear()
                except (ContextTerminated, SocketClosed):
                    return
                except BaseException as error:
                    # without a gate libzmq would let in everybody: so this thread does not end
                    if self._setbacks.is_new(error):
                        self._gate.log.exception("the thread of a gate met an error, and goes on")
                    self._stop.wait(self._setbacks.next_rest())
        finally:
            self._close_all()

    def _turn(self, poller: Poller) -> None:
        """Wait for news, and see to them."""
        poller.poll(self._next_limit())
        self._hear()
        self._expire()
        while not self._stop.is_set() and self._socket.poll(0):
            self._ask(self._socket.recv_multipart())

    def _next_limit(self) -> float | None:
        if not self._asked:
            return None
        first = next(iter(self._asked.values()))[0]  # all have the same limit
        return max((first - time.monotonic()) * 1000, 0) + 1

    def _hear(self) -> None:
        with suppress(OSError):
            while self._wakeup_fd.recv(4096):
                pass
        while self._answers:
            number, outcome = self._answers.popleft()
            self._under_way -= 1
            asked = self._asked.pop(number, None)
            if asked is not None:
                self._send(asked[1], outcome)

    def _expire(self) -> None:
        now = time.monotonic()
        for number, (end, envelope, frames) in list(self._asked.items()):
            if end > now:
                return
            del self._asked[number]
            self._send(envelope, self._late(frames))

    def _send(self, envelope: list[bytes], outcome: Outcome) -> None:
        self._socket.send_multipart([*envelope, *outcome.reply])
        self._setbacks.clear()
        self._gate.tell(outcome.decision)

    def _ask(self, parts: list[bytes]) -> None:
        envelope, frames = parts[:2], parts[2:]
        if self._gate.answers_at_once(frames):
            self._send(envelope, self._decide(frames))
            return
        if self._under_way >= _AT_ONCE:
            self._send(envelope, self._too_many(frames))
            return
        self._number += 1
        number = self._number
        self._asked[number] = time.monotonic() + self._limit, envelope, frames
        self._under_way += 1
        check = threading.Thread(
            target=self._check, args=(number, frames), name="zmqlite check", daemon=True
        )
        try:
            check.start()
        except RuntimeError:  # the system has no more threads
            self._under_way -= 1
            del self._asked[number]
            self._send(envelope, self._too_many(frames))

    def _check(self, number: int, frames: list[bytes]) -> None:
        self._answers.append((number, self._decide(frames)))
        self._wake()

    def _decide(self, frames: list[bytes]) -> Outcome:
        try:
            return self._gate.decide(frames)
        except BaseException as error:  # SystemExit, say: it ends no more than this check
            return self._failed(frames, error)


class AwaitedService(Service):
    """A gate that tasks of an event loop serve: one hears the questions, one answers each."""

    async def _serve(self, spawn: Callable[..., Any]) -> None:
        """Hear questions until the socket closes; `spawn(function, *args)` makes a task."""
        with suppress(ContextTerminated, SocketClosed):
            while True:
                parts = await self._receive()
                spawn(self._answer, parts[:2], parts[2:])

    async def _answer(self, envelope: list[bytes], frames: list[bytes]) -> None:
        if self._under_way >= _AT_ONCE:
            outcome = self._too_many(frames)
        else:
            self._under_way += 1
            try:
                outcome = await self._within(frames)
            finally:
                self._under_way -= 1
        sent = False
        with suppress(AttributeError, ZMQError):  # it ends meanwhile
            await self._send([*envelope, *outcome.reply])
            sent = True
        if sent:
            self._gate.tell(outcome.decision)

    async def _receive(self) -> list[bytes]:
        parts: list[bytes] = await self._socket.recv_multipart()
        return parts

    async def _send(self, parts: list[bytes]) -> None:
        await self._socket.send_multipart(parts)

    async def _within(self, frames: list[bytes]) -> Outcome:
        """Return the answer, or `_late` after the limit."""
        raise NotImplementedError
