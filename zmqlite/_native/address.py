"""The address behind a handle that another library made."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["address_of"]


def address_of(handle: Any) -> int:
    """Return the address that `handle` stands for.

    Takes a number, a Context or Socket of ours or of pyzmq (anything with `underlying`), and a
    cffi pointer. Raises `TypeError` for anything else and `ValueError` for a closed handle.
    """
    if not isinstance(handle, int):
        handle = getattr(handle, "underlying", handle)
    if not isinstance(handle, int):
        handle = _of_pointer(handle)
    if not handle:
        raise ValueError("a closed context or socket has no address to shadow")
    return int(handle)


def _of_pointer(pointer: Any) -> int:
    cffi = sys.modules.get("cffi")  # who brings such a pointer has loaded it
    try:
        return int(cffi.FFI().cast("size_t", pointer))  # type: ignore[union-attr]
    except (AttributeError, TypeError):
        raise TypeError(
            f"expected a context or socket, its address, or a cffi pointer, not {pointer!r:.80}"
        ) from None
