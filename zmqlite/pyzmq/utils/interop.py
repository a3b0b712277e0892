"""Addresses of contexts and sockets that other bindings made."""

from __future__ import annotations

from typing import Any

from ..._address import address_of

__all__ = ["cast_int_addr"]


def cast_int_addr(n: Any) -> int:
    """Return the address that `n` stands for: an int, or a cffi pointer."""
    return address_of(n)
