"""The socket and the context of `zmq.green`; the work is done in `zmqlite.green`."""

# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
from __future__ import annotations

from typing import Any

from ... import green as _ours
from .. import sugar as _sugar

__all__ = ["_Context", "_Socket"]


class _Socket(_ours.Socket, _sugar.Socket[bytes]):  # type: ignore[misc]
    """A `zmq.Socket` whose calls suspend only their own greenlet; see `zmqlite.green.Socket`.

    RCVTIMEO and SNDTIMEO are honoured. No wake-up is missed, so the two settings of pyzmq's that
    guard against it, `_gevent_bug_timeout` and `_debug_gevent`, mean nothing here.
    """

    _repr_cls = "zmq.green.Socket"
    _gevent_bug_timeout: Any = 11.6
    _debug_gevent = False

    def poll(self, timeout: float | None = None, flags: int = 1) -> int:
        """Wait until one of the events in ``flags`` holds; return those that do."""
        self._poll_events(0)  # of a closed socket it says what pyzmq's users look for
        return super().poll(timeout, flags)


class _Context(_ours.Context, _sugar.Context[_Socket]):  # pyright: ignore[reportGeneralTypeIssues]
    """A `zmq.Context` that makes sockets for gevent. `instance()` is one of its own."""

    _socket_class = _Socket
    _repr_cls = "zmq.green.Context"
    _instance = None
