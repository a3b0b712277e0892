"""Trackers of memory lent to libzmq: those of zmqlite."""

from __future__ import annotations

from ...frame import MessageTracker

__all__ = ["_FINISHED_TRACKER", "MessageTracker"]

_FINISHED_TRACKER = MessageTracker()
