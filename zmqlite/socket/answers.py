"""Requests in flight: what each one sends and has time for, and whose an answer is."""

from __future__ import annotations

import os
import time
from collections import deque
from math import ceil
from operator import index
from typing import Any

from .._native import core
from ..enums import SocketType
from ..options.check import is_number
from .peers import checked_timeout

__all__ = ["Asked", "PendingRequest"]

_REQ = SocketType.REQ.value
_BURST = 100  # answers that are read before others have their turn

_try_recv: Any = core.Socket._try_recv_multipart


class PendingRequest:
    """One request: what is sent, when its time is over, and what came of it."""

    __slots__ = ("answer", "begin", "parts", "sent", "single", "timeout", "tries", "wakeup")

    def __init__(self, socket: Any, data: Any, timeout: Any, retries: Any) -> None:
        if isinstance(data, str) or not is_number(retries):
            raise TypeError(
                f"request() takes bytes, or a list of them, not {data!r:.80}: encode the text"
                if isinstance(data, str)
                else f"request() takes a number of retries, not {retries!r:.80}"
            )
        retries = index(retries)
        if retries < 0:
            raise ValueError(f"request() takes a number of retries from 0 on, not {retries}")
        self.timeout = checked_timeout(socket, "request", timeout)
        if self.timeout is None and retries:
            raise ValueError("request() sends again when a timeout is over: it takes one, in ms")
        self.single = not isinstance(data, (list, tuple))
        if not self.single and not data:
            raise ValueError("request() takes a message of one part at least, not an empty list")
        self.parts = [_kept(data)] if self.single else [_kept(part) for part in data]
        self.tries, self.sent = retries + 1, 0
        self.answer: list[bytes] | None = None
        self.wakeup: Any = None  # of one that waits until another one has read its answer
        self.begin = time.monotonic()

    def left(self, tries: int) -> int:
        """Return how many ms are left of so many tries; -1 for ever."""
        if self.timeout is None:
            return -1
        end = self.begin + self.timeout / 1000 * tries
        return max(ceil((end - time.monotonic()) * 1000), 0)

    def result(self) -> Any:
        """Return the answer as `request` promises it."""
        answer: Any = self.answer
        return answer[0] if self.single and len(answer) == 1 else answer


def _kept(part: Any) -> Any:
    """Return a part as it is now, though its owner may change it before it is sent again."""
    if isinstance(part, (bytes, core.Frame)):
        return part
    if isinstance(part, str):
        raise TypeError(f"request() takes parts of bytes, not {part!r:.80}: encode the text")
    return bytes(memoryview(part))


class Asked:
    """What one socket has asked, and who reads the answers."""

    def __init__(self, socket_type: int) -> None:
        self.by_turns = socket_type == _REQ
        self.dropped = 0
        self.pending: dict[bytes, PendingRequest] = {}  # by key; of a REQ not used
        self.followers: dict[PendingRequest, None] = {}  # those that wait for the reader, in order
        # of a REQ: whose turn it is, and what comes next
        self.turns: deque[PendingRequest] = deque()
        self.reader: PendingRequest | None = None
        self.count = 0
        # Not a Lock: a thread has several requests in flight, and others are told whose they are.
        self._claims: dict[str, int] = {}
        self.release = self._claims.clear
        """The last request of that thread is over. In C: no signal handler comes before it."""
        self._prefix, self._number = os.urandom(4), 0
        self.relaxed = False

    def claim(self, thread: int) -> int:
        """Return which thread has requests in flight: this one from now on, if none had."""
        return self._claims.setdefault("thread", thread)  # one step: threads may come at a time

    def is_claimed_by(self, thread: int) -> bool:
        """Whether this thread is the one."""
        return self._claims.get("thread") == thread

    def new_key(self) -> bytes:
        """Return a key that no request of this socket has, nor one of a socket that had its name
        before."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        return self._prefix + self._number.to_bytes(4, "big")

    def read(self, socket: Any, me: PendingRequest | None) -> None:
        """Take the answers that are there, and give them to whom they belong."""
        if self.by_turns:
            if me is not None:
                me.answer = _try_recv(socket)
            return
        for _ in range(_BURST):
            parts: list[bytes] | None = _try_recv(socket)
            if parts is None:
                return
            request = self.pending.pop(parts[0], None)
            if request is None:
                self.dropped += 1
                continue
            delimited = len(parts) > 2 and not parts[1]
            request.answer = parts[2:] if delimited else parts[1:] or [b""]
            if request.wakeup is not None:
                request.wakeup.set()

    def hand_over(self) -> None:
        """Have another one read, if one waits."""
        if self.reader is None and self.followers:
            next(iter(self.followers)).wakeup.set()
