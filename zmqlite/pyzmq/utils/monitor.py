"""Reading what the monitor of a socket says: as in `zmqlite.monitor`."""

from __future__ import annotations

from ...monitor import parse_monitor_message, recv_monitor_message

__all__ = ["parse_monitor_message", "recv_monitor_message"]
