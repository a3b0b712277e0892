"""Addresses of contexts and sockets that other bindings made."""

from __future__ import annotations

from typing import Any

from ..._native.address import address_of

__all__ = ["cast_int_addr"]


def cast_int_addr(n: Any) -> int:
    """Return the address that `n` is: an int, or a cffi pointer; `ValueError` for others."""
    if isinstance(n, int):
        return n
    if isinstance(n, (str, bytes, float)):
        raise ValueError(f"cannot cast {n!r} to int")
    try:
        return address_of(n)
    except TypeError as error:
        raise ValueError(str(error)) from None
