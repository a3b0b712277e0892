"""JSON as bytes."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["dumps", "loads"]

jsonmod = json


def dumps(o: object, **kwargs: Any) -> bytes:
    """Return `json.dumps(o, **kwargs)` as UTF-8."""
    return json.dumps(o, **kwargs).encode()


def loads(s: bytes | str, **kwargs: Any) -> Any:
    """Return `json.loads(s, **kwargs)`."""
    return json.loads(s, **kwargs)
