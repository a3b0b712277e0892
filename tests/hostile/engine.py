"""Plays many sessions at once, over one epoll: scenes say what, this says how."""

from __future__ import annotations

import collections
import contextlib
import errno
import heapq
import itertools
import select
import socket
import time
from collections.abc import Callable
from typing import Any

import wire
from actions import CLOSE, HALF, RESET, Await, Park, Scene

KEPT = 65536
"""So much of what was heard is kept."""
STUCK = 1.0
"""Seconds until a peer that does not read is left."""
NEW = errno.EINPROGRESS
FULL = (errno.EAGAIN, errno.EADDRNOTAVAIL)


class Session:
    """One connection, and its scene."""

    __slots__ = (
        "began", "ended", "name", "number", "parked", "play", "raw", "rest", "seen", "target",
        "token", "unsent", "waits",
    )  # fmt: skip

    def __init__(self, number: int, target: Any, name: str, play: Scene, raw: socket.socket):
        self.number = number
        self.target = target
        self.name = name
        self.play = play
        self.raw = raw
        self.seen = b""
        self.rest = b""
        self.unsent = b""
        self.waits: Await | None = None
        self.token = 0
        self.parked = False
        self.began = time.monotonic()
        self.ended = 0.0

    def __str__(self) -> str:
        end = f"{self.ended:.3f}" if self.ended else "open"
        return f"#{self.number} {self.target.name} {self.name} {self.began:.3f} to {end}"


class Engine:
    """Runs sessions; `active` of them may be under way, `parked` more may stay and wait."""

    def __init__(self, parked: int, journal: int = 3000) -> None:
        self.epoll = select.epoll()
        self.waiting: dict[int, Session] = {}
        self.timers: list[tuple[float, int, int, Session]] = []
        self.tokens = itertools.count(1)
        self.active = 0
        self.room = parked
        self.staying = 0
        self.parked: collections.deque[tuple[int, Session]] = collections.deque()
        self.journal: collections.deque[Session] = collections.deque(maxlen=journal)
        self.counts: collections.Counter[str] = collections.Counter()
        self.listeners: dict[int, tuple[socket.socket, Callable[[socket.socket], None]]] = {}

    # beginnings ----------------------------------------------------------------------------------

    def call(self, number: int, target: Any, name: str, play: Scene) -> None:
        """Connect, and play."""
        udp = target.way == "udp"
        family = socket.AF_UNIX if target.way == "ipc" else socket.AF_INET
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        raw = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        code = raw.connect_ex(target.address)
        if code and code != NEW:
            raw.close()
            self.counts["full" if code in FULL else "refused"] += 1
            return
        session = Session(number, target, name, play, raw)
        self.counts["datagram sessions" if udp else "connections"] += 1
        self.begin(session, code == NEW)

    def begin(self, session: Session, connecting: bool = False) -> None:
        """Take a session in."""
        self.active += 1
        self.counts[session.name] += 1
        self.journal.append(session)
        if connecting:
            self._watch(session, select.EPOLLOUT, STUCK * 5)
        else:
            self._go_on(session, None)

    def listen(self, listener: socket.socket, accept: Callable[[socket.socket], None]) -> None:
        """Give each connection that comes in to `accept`."""
        listener.setblocking(False)
        self.listeners[listener.fileno()] = listener, accept
        self.epoll.register(listener.fileno(), select.EPOLLIN)

    # the play ------------------------------------------------------------------------------------

    def _go_on(self, session: Session, value: Any) -> None:
        """Play until the session has to wait, or is over."""
        send, raw = session.play.send, session.raw
        try:
            while True:
                action = send(value)
                value = None
                if type(action) is bytes:
                    sent = raw.send(action) if action else 0
                    if sent < len(action):
                        session.unsent = action[sent:]
                        self._watch(session, select.EPOLLOUT, STUCK)
                        return
                elif type(action) is float:
                    self._timer(session, action)
                    return
                elif type(action) is Await:
                    session.waits, session.seen, session.rest = action, session.rest, b""
                    if not self._read(session):
                        self._watch(session, select.EPOLLIN, action.limit)
                        return
                    value = session.seen
                elif type(action) is Park:
                    self._park(session, action)
                    return
                elif action is HALF:
                    raw.shutdown(socket.SHUT_WR)
                else:
                    self._end(session, action)
                    return
        except BlockingIOError:
            session.unsent = action
            self._watch(session, select.EPOLLOUT, STUCK)
        except (StopIteration, OSError):
            self._end(session, CLOSE)
        except Exception:  # what the victim said was not what the scene could use
            self.counts["misunderstood"] += 1
            self._end(session, RESET)

    def _read(self, session: Session) -> bool:
        """Read what is there; true when there is no reason to wait for more."""
        waits = session.waits
        assert waits is not None
        wanted = waits.wanted
        try:
            for _ in range(20):
                if wanted is not None and (place := session.seen.find(wanted)) >= 0:
                    session.rest = session.seen[place + len(wanted) :]
                    return True
                more = session.raw.recv(KEPT)
                if not more:
                    return True
                session.seen = (session.seen + more)[-KEPT:]
            return False
        except BlockingIOError:
            return waits.limit == 0
        except OSError:
            return True

    def _end(self, session: Session, how: Any) -> None:
        self._forget(session)
        session.play.close()
        session.ended = time.monotonic()
        if how is RESET:
            with contextlib.suppress(OSError):
                session.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.ABRUPT)
        session.raw.close()
        self._leave_park(session)
        self.active -= 1

    # waiting -------------------------------------------------------------------------------------

    def _timer(self, session: Session, seconds: float) -> None:
        session.token = token = next(self.tokens)
        heapq.heappush(self.timers, (time.monotonic() + seconds, token, token, session))

    def _watch(self, session: Session, events: int, limit: float) -> None:
        fd = session.raw.fileno()
        self.waiting[fd] = session
        self.epoll.register(fd, events)
        self._timer(session, limit)

    def _forget(self, session: Session) -> None:
        session.token = 0
        fd = session.raw.fileno()
        if self.waiting.pop(fd, None) is not None:
            self.epoll.unregister(fd)

    def _park(self, session: Session, park: Park) -> None:
        if not session.parked:
            session.parked = True
            self.active -= 1
            self.staying += 1
        self._timer(session, park.limit)
        self.parked.append((session.token, session))
        while self.staying > self.room or len(self.parked) > 4 * self.room:
            token, oldest = self.parked.popleft()
            if oldest.token == token:
                self._over(oldest)

    def _leave_park(self, session: Session) -> None:
        if session.parked:
            session.parked = False
            self.staying -= 1
            self.active += 1

    def _over(self, session: Session) -> None:
        """What it waited for did not come, or it has waited long enough."""
        watched = session.raw.fileno() in self.waiting
        waits = session.waits
        self._forget(session)
        self._leave_park(session)
        session.waits = None
        if watched and waits is None:  # it could not connect, or not send
            self._end(session, RESET)
        else:
            self._go_on(session, session.seen if waits is not None else None)

    def _happened(self, session: Session, events: int) -> None:
        if session.unsent:
            try:
                session.unsent = session.unsent[session.raw.send(session.unsent) :]
            except BlockingIOError:
                return
            except OSError:
                self._end(session, CLOSE)
                return
            if session.unsent:
                return
            self._forget(session)
            self._go_on(session, None)
        elif session.waits is not None:
            if self._read(session):
                self._forget(session)
                session.waits = None
                self._go_on(session, session.seen)
        else:  # it was connecting
            self._forget(session)
            if events & select.EPOLLERR:
                self.counts["refused"] += 1
                self.counts["connections"] -= 1
                self._end(session, CLOSE)
            else:
                self._go_on(session, None)

    def turn(self, limit: float) -> None:
        """Look once at all that has happened, for `limit` seconds at most."""
        now = time.monotonic()
        if self.timers:
            limit = max(0.0, min(limit, self.timers[0][0] - now))
        for fd, events in self.epoll.poll(limit):
            session = self.waiting.get(fd)
            if session is not None:
                self._happened(session, events)
            elif fd in self.listeners:
                self._accept(*self.listeners[fd])
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            _, _, token, session = heapq.heappop(self.timers)
            if session.token == token:
                self._over(session)

    def _accept(self, listener: socket.socket, accept: Callable[[socket.socket], None]) -> None:
        for _ in range(16):
            try:
                raw = listener.accept()[0]
            except OSError:
                return
            raw.setblocking(False)
            accept(raw)

    def close(self) -> None:
        """Break off what is left."""
        for session in {*self.waiting.values(), *(timer[3] for timer in self.timers)}:
            if session.token:
                self._end(session, RESET)
        for listener, _ in self.listeners.values():
            listener.close()
