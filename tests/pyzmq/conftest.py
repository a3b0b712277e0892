"""Helpers for tests about pyzmq's surface and behaviour."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))  # for the table of differences
