"""zmq_proxy(3) and its steerable sister, which move messages between two sockets.

Both run inside libzmq, let other Python threads run, and end only when the context ends
(`ContextTerminated`), on Ctrl-C, or, the steerable one, on command.
"""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Sequence
from itertools import starmap
from typing import Any, NamedTuple, overload

from .._native import core
from .._native.core import proxy, proxy_steerable

__all__ = ["ProxyStatistics", "Steering", "device", "proxy", "proxy_steerable"]


@overload
def device(frontend: core.Socket, backend: core.Socket, /) -> None: ...
@overload
def device(device_type: int, frontend: core.Socket, backend: core.Socket, /) -> None: ...
def device(*args: Any) -> None:
    """Run `proxy(frontend, backend)`, under the name it had in libzmq 2.

    A device type in front of the sockets is accepted and means nothing: the types of the
    sockets decide. Blocks like `proxy`.
    """
    if len(args) == 3:
        args = args[1:]
    if len(args) != 2:
        raise TypeError(
            f"device() takes a frontend and a backend, with a device type before them or "
            f"without: {len(args)} arguments were given"
        )
    proxy(*args)


class ProxyStatistics(NamedTuple):
    """What a steerable proxy has moved so far."""

    frontend_received: int
    frontend_received_bytes: int
    frontend_sent: int
    frontend_sent_bytes: int
    backend_received: int
    backend_received_bytes: int
    backend_sent: int
    backend_sent_bytes: int


_OWED = 1000  # ms, at most, to wait for the answers to earlier questions
NOTHING_MOVED = ProxyStatistics(0, 0, 0, 0, 0, 0, 0, 0)


class Steering:
    """The far end of a steerable proxy's control socket: zmq_proxy_steerable(3).

    Give it a PAIR that is connected to the PAIR which the proxy got as `control`. Commands are
    queued and the proxy obeys between two messages; only `statistics` waits for an answer.
    """

    def __init__(self, control: core.Socket) -> None:
        self.control: core.Socket = control
        """The socket that commands go out on; closing it stays with the caller."""
        self._calls = _Calls()
        self._waiting: _Calls | None = None
        """Of the innermost call of `statistics`: a signal handler may call it within another."""

    def pause(self) -> None:
        """Stop moving messages; they wait in the sockets' queues."""
        self.control.send(b"PAUSE")

    def resume(self) -> None:
        """Move messages again after `pause`."""
        self.control.send(b"RESUME")

    def terminate(self) -> None:
        """Make `proxy_steerable` return. Messages in the sockets' queues stay there."""
        self.control.send(b"TERMINATE")

    def statistics(self) -> ProxyStatistics:
        """Ask for the proxy's counters and wait for them, as long as RCVTIMEO of the PAIR allows.

        Raises `Again` when that time runs out, or Ctrl-C may end the call. The next call then
        waits for the answer that is owed before it asks, and drops it: for as long as RCVTIMEO
        allows, and a second at most. What has not come by then is taken for lost, as with a proxy
        that ended; if it comes all the same, after the next question, it is taken for the answer.
        """
        outer = self._waiting
        owed = outer is not None and outer.owed
        try:
            self._drop_what_is_owed()
            calls = self._waiting = self._calls
            self._ask(calls)
            while calls.owed:
                calls.heard.extend(starmap(self.control.recv_multipart, ((),)))
            self._calls = _Calls()
            return counted(calls.heard[-1])
        finally:
            self._waiting = outer
            if outer is not None and owed and not outer.owed:
                # its answer was dropped here, and it may be inside a receive
                self._calls = outer
                self._ask(outer)

    def _ask(self, calls: _Calls) -> None:
        calls.sent.extend(map(self.control.send, (b"STATISTICS",)))

    def _drop_what_is_owed(self) -> None:
        """Drop what came in answer to earlier calls, and wait for the rest of it for a while."""
        calls = self._calls
        control: Any = self.control
        allowed = control.rcvtimeo
        end = time.monotonic() + (min(allowed, _OWED) if allowed >= 0 else _OWED) / 1000
        owed = True
        while owed or control.poll(0):
            # (not a wait: a signal handler may have taken it)
            calls.heard.extend(filter(None, map(control.recv_multipart_nonblock, (0,))))
            left = math.ceil(1000 * (end - time.monotonic()))
            owed = calls.owed and bool(left > 0 and control.poll(left))
        self._calls = _Calls()


class _Calls:
    """What was asked and what has come, in the order of both.

    Both are kept by one call of C code that also sends or receives: so Ctrl-C comes before it or
    after it, and neither is forgotten.
    """

    def __init__(self) -> None:
        self.sent: deque[Any] = deque()
        self.heard: deque[list[bytes]] = deque()

    @property
    def owed(self) -> bool:
        # Some releases of libzmq answer every command with an empty message: those do not count.
        answers = sum(len(parts) == len(ProxyStatistics._fields) for parts in self.heard)
        return answers < len(self.sent)


def counted(parts: Sequence[bytes]) -> ProxyStatistics:
    """Return the statistics in an answer."""
    return ProxyStatistics(*(int.from_bytes(part, sys.byteorder) for part in parts))
