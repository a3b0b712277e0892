"""The poller of `zmq.green`."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import Any

from ... import green as _ours
from .. import sugar as _sugar

__all__ = ["_Poller"]


class _Poller(_ours.Poller, _sugar.Poller):
    """A `zmq.Poller` whose `poll` suspends only its own greenlet."""

    _gevent_bug_timeout: Any = 1.33  # without meaning: see the socket

    def poll(self, timeout: float | None = -1) -> list[tuple[Any, int]]:
        """Wait for a member; return the (member, events) pairs that are ready."""
        return super().poll(timeout)
