"""Waiting for several sockets: as zmqlite does it."""

from __future__ import annotations

from ...poller import Poller, select

__all__ = ["Poller", "select"]
