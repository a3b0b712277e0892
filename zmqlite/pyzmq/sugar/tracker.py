"""Trackers of memory lent to libzmq: those of zmqlite."""

from __future__ import annotations

from ..._native.core import FINISHED_TRACKER as _FINISHED_TRACKER
from ...frame import MessageTracker

__all__ = ["_FINISHED_TRACKER", "MessageTracker"]
