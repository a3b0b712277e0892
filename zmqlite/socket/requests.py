"""Requests that come back, or say why not: `request` of REQ and DEALER, for every kind of socket.

The way is the same everywhere, so it is written once, as a coroutine: send, wait until an answer
is there, see whose it is. What waits differs, and is a method away: `_ready`. Where that blocks,
the coroutine never suspends, and `finished` runs it to its end.

A DEALER has any number in flight. Each goes out behind a key of eight bytes and an empty
delimiter, which a REP, and a ROUTER that keeps to the envelope, send back. One of those that wait,
the reader, reads for all and wakes whom an answer is for; when it leaves, the next one reads. A
REQ has one in flight, the others wait for their turn, and libzmq tells answers apart
(REQ_CORRELATE, REQ_RELAXED).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._native import core
from .._threads import first_use_lock
from ..enums import Event, SocketOption, SocketType
from ..error import (
    Again,
    ContextTerminated,
    NoAnswer,
    NotSupported,
    SocketClosed,
    StateError,
    ThreadMisuse,
)
from ..options.rows import Kind
from .answers import Asked, PendingRequest
from .stats import CountedSocket

__all__ = ["RequestSocket", "finished", "times_sent"]

_T = TypeVar("_T")
_IN, _OUT, _DONTWAIT = 1, 2, 1
_REQ, _DEALER = SocketType.REQ.value, SocketType.DEALER.value
_RELAXED, _CORRELATE = SocketOption.REQ_RELAXED.value, SocketOption.REQ_CORRELATE.value

_send_multipart: Any = core.Socket.send_multipart


def finished(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never suspends, and return its value."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: _T = end.value
        return value
    raise RuntimeError("a coroutine that should only block has suspended")


class RequestSocket(CountedSocket):
    """The part of `Socket` that makes requests; see `Socket`."""

    __slots__ = ("_asked",)
    _asked: Asked

    @property
    def late_answers(self) -> int:
        """How many messages `request` has dropped on a DEALER: answers that came too late, or
        twice, or to nobody."""
        return self._asked.dropped if hasattr(self, "_asked") else 0

    @overload
    def request(
        self, data: core.Data, timeout: float | None = None, retries: int = 0
    ) -> bytes | list[bytes]: ...
    @overload
    def request(
        self, data: Sequence[core.Data], timeout: float | None = None, retries: int = 0
    ) -> list[bytes]: ...
    def request(self, data: Any, timeout: float | None = None, retries: int = 0) -> Any:
        """Send a message, wait for its answer, and return it. Only on REQ and DEALER.

        ``data`` is what `send` takes, or a list of parts. To a list the answer is the list of its
        parts; to anything else it is bytes, or a list where the answer has several parts.

        ``timeout`` is in milliseconds and for each try, None for ever; ``retries`` is how often it
        is sent again, so all of it takes at most ``timeout * (retries + 1)``, a full queue or
        another request's turn included. A server may get it more than once. RCVTIMEO and SNDTIMEO
        mean nothing here.

        Raises `NoAnswer` (an `Again`) when the time is over; `StateError` in the middle of a
        message, of a plain round trip, or while a task waits to receive; `NotSupported` on other
        types; `SocketClosed`, `ContextTerminated`, `ThreadMisuse`. While it waits it uses the
        socket, as a receive would.
        """
        return finished(self._request(data, timeout, retries))

    async def _request(self, data: Any, timeout: Any, retries: Any) -> Any:
        if self._type_number not in (_REQ, _DEALER):
            hint = "only REQ and DEALER make requests"
            raise NotSupported.during("request", self._subject(), hint)
        request = PendingRequest(self, data, timeout, retries)
        subject = self._subject()
        asked = self._begin_request()
        key = b""
        try:
            if asked.by_turns:
                if not await self._take_turn(asked, request):
                    raise self._no_answer(request)
                message = request.parts
            else:
                key = asked.new_key()
                asked.pending[key] = request
                message = [key, b"", *request.parts]
            for number in range(1, request.tries + 1):
                if await self._send_request(asked, request, message, number) and (
                    await self._wait_for_answer(asked, request, number)
                ):
                    return request.result()
            raise self._no_answer(request)
        except SocketClosed as error:
            hint = error.hint or "the socket is closed"
            raise self._closed_error.during("request", subject, hint) from None
        except (Again, ContextTerminated, StateError, ThreadMisuse) as error:
            error.operation = "request"
            raise
        finally:
            try:
                asked.pending.pop(key, None)
            finally:
                self._end_request(asked, request)

    # -- the way of a request --------------------------------------------------------------------

    def _begin_request(self) -> Asked:
        """Refuse what cannot be, and count one in flight."""
        if not hasattr(self, "_asked"):
            with first_use_lock:
                if not hasattr(self, "_asked"):
                    self._asked = Asked(self._type_number)
        asked, here = self._asked, threading.get_native_id()  # (gevent gives greenlets idents)
        try:  # (a signal handler may raise anywhere in here, also right after the claim)
            owner = asked.claim(here)
            if owner != here:
                hint = (
                    f"a request of thread {_name_of(owner)!r} is in flight: a socket serves "
                    "one thread at a time; give each thread a socket of its own"
                )
                raise ThreadMisuse.during("request", self._subject(), hint)
            if not asked.count:
                self._refuse_between()
                self._reserve(True)
            asked.count += 1
        except BaseException:
            if not asked.count and asked.is_claimed_by(here):
                asked.release()
            raise
        return asked

    def _refuse_between(self) -> None:
        """No request begins in the middle of something else."""
        hint = ""
        if self.more_parts:
            hint = "receive the rest of the last message first"
        elif self.half_sent:
            hint = "send the rest of the last message first"
        elif self._receives():
            hint = (
                "a task waits to receive on this socket: let it finish first, or give "
                "requests a socket of their own"
            )
        if hint:
            raise StateError.during("request", self._subject(), hint)

    def _end_request(self, asked: Asked, request: PendingRequest) -> None:
        try:
            if request in asked.turns:
                first = asked.turns[0] is request
                asked.turns.remove(request)
                if first and asked.turns and asked.turns[0].wakeup is not None:
                    asked.turns[0].wakeup.set()
            asked.hand_over()
        finally:
            asked.count -= 1
            if not asked.count:
                try:
                    self._reserve(False)
                finally:
                    asked.release()

    async def _take_turn(self, asked: Asked, request: PendingRequest) -> bool:
        """On a REQ: wait until the others are done. Returns whether they are."""
        asked.turns.append(request)
        while asked.turns[0] is not request:
            request.wakeup = self._new_wakeup()
            if not await request.wakeup.wait(request.left(request.tries)):
                break
        request.wakeup = None
        return asked.turns[0] is request

    async def _send_request(
        self, asked: Asked, request: PendingRequest, message: list[Any], number: int
    ) -> bool:
        """Send it, as soon as there is room; return whether that was in time."""
        while request.answer is None:
            try:
                self._send_now(asked, message)
            except Again:
                left = request.left(number)
                if not left:
                    return False
                await self._ready(_OUT, left)
            else:
                request.sent += 1
                break
        return True

    def _send_now(self, asked: Asked, message: list[Any]) -> None:
        if not asked.by_turns or asked.relaxed:
            _send_multipart(self, message, _DONTWAIT)
            return
        # A REQ in the middle of a plain round trip is not writable, unless it was relaxed before.
        if self._poll_events(_OUT, 0):
            self._set_option(_CORRELATE, Kind.INT, 1)
            self._set_option(_RELAXED, Kind.INT, 1)
            asked.relaxed = True
            _send_multipart(self, message, _DONTWAIT)
            return
        try:
            _send_multipart(self, message, _DONTWAIT)
        except StateError as error:
            error.hint = "receive the answer to what send() has sent first"
            raise
        self._set_option(_RELAXED, Kind.INT, 1)  # a peer came in this moment; the next one sees it

    def _read_now(self, asked: Asked, request: PendingRequest) -> None:
        asked.read(self, request)

    async def _wait_for_answer(self, asked: Asked, request: PendingRequest, number: int) -> bool:
        """Wait until it is answered, or this try's time is over; return whether it is answered."""
        while request.answer is None:
            if asked.reader is None:
                in_time = await self._read_for_all(asked, request, number)
            else:
                in_time = await self._follow(asked, request, number)
            if not in_time and request.answer is None:
                return False
        return True

    async def _read_for_all(self, asked: Asked, request: PendingRequest, number: int) -> bool:
        """Read answers until its own is there; return whether it is."""
        asked.reader = request
        try:
            while True:
                left = request.left(number)
                ready = await self._ready(_IN, left)
                self._read_now(asked, request)  # in time or not: it may have come meanwhile
                if request.answer is not None:
                    return True
                if not ready or not left:
                    return False
        finally:
            asked.reader = None
            asked.hand_over()

    async def _follow(self, asked: Asked, request: PendingRequest, number: int) -> bool:
        """Wait for the reader: until it is answered, or the next to read, or the time is over."""
        request.wakeup = self._new_wakeup()
        asked.followers[request] = None
        try:
            return bool(await request.wakeup.wait(request.left(number)))
        finally:
            request.wakeup = None
            del asked.followers[request]

    def _no_answer(self, request: PendingRequest) -> NoAnswer:
        """Say how often it was tried, for how long, and what is known of the peers."""
        waited = (time.monotonic() - request.begin) * 1000
        said = [f"{times_sent(request.sent)} in {waited:.0f} ms"]
        connected, reason = None, ""
        try:
            peers, past = self.peers, self.past_peers
        except (NotSupported, StateError):
            peers, past = (), ()
        else:
            connected = len(peers)
            failed = [one for one in past if one.event != Event.DISCONNECTED]
            reason = str(failed[-1] if failed else past[-1]) if past else ""
            who = ", ".join(map(str, peers[:3])) + ", ..." * (connected > 3)
            said.append(f"connected: {who}" if connected else "nobody is connected")
        if not connected:
            where = ", ".join(self.endpoints[:3])
            said[-1] += f" at {where}" if where else ": this socket is neither bound nor connected"
        if reason:
            said.append(f"the last that ended was {reason}")
        error = NoAnswer.during("request", self._subject(), "; ".join(said), text="no answer")
        error.tries, error.waited = request.sent, waited
        error.connected, error.reason = connected, reason
        return error

    # -- what differs between worlds -------------------------------------------------------------

    async def _ready(self, events: int, timeout: int) -> bool:
        """Wait until one of the events holds, at most so many ms; return whether it does."""
        return bool(self._poll_events(events, timeout))

    def _new_wakeup(self) -> Any:
        """Return what another task's `set()` ends the `wait(ms)` of."""
        hint = "a request is in flight, which a signal handler or finalizer has interrupted"
        raise StateError.during("request", self._subject(), hint)

    def _receives(self) -> bool:
        """Whether a task waits to receive."""
        return False

    def _reserve(self, reserved: bool) -> None:
        """Requests are in flight from now on, or no more: nothing else may receive meanwhile."""

    if TYPE_CHECKING:

        @property
        def _type_number(self) -> int: ...


def times_sent(count: int) -> str:
    """Say how often a request was sent."""
    return {0: "never sent", 1: "sent once", 2: "sent twice"}.get(count, f"sent {count} times")


def _name_of(thread: int) -> str:
    return next((one.name for one in threading.enumerate() if one.native_id == thread), "unknown")
