"""Message parts: those of zmqlite."""

from __future__ import annotations

from ...frame import Frame, Message

__all__ = ["Frame", "Message"]
