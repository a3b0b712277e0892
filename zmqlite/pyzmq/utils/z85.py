"""Z85, the printable form of CURVE keys: zmq_z85_encode(3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...security import z85_decode, z85_encode

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Z85CHARS", "Z85MAP", "decode", "encode"]

Z85CHARS = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
"""The 85 characters in the order of their values: ZeroMQ RFC 32."""
Z85MAP = {character: value for value, character in enumerate(Z85CHARS)}
"""The value of each character, by its code."""


def encode(rawbytes: Buffer) -> bytes:
    """Return bytes as Z85, five characters for four. `ValueError` unless the length fits."""
    return z85_encode(rawbytes)


def decode(z85bytes: str | Buffer) -> bytes:
    """Return what a Z85 text stands for. `ValueError` if it is none."""
    return z85_decode(z85bytes)
