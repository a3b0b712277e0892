"""What an examination finds."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FINE", "NOTE", "WRONG", "Finding"]

FINE, NOTE, WRONG = "ok", "note", "WRONG"


class Finding(NamedTuple):
    """One thing that was looked at: how it is, and what to do if it is not fine."""

    status: str
    subject: str
    text: str
    remedy: str = ""
