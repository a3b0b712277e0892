"""Keys of CURVE: zmq_curve(7), zmq_z85_encode(3). They travel in Z85, 40 characters."""

from __future__ import annotations

from .._native.core import curve_keypair, curve_public, z85_decode, z85_encode

__all__ = ["curve_keypair", "curve_public", "keys_equal", "z85_decode", "z85_encode"]


def keys_equal(one: str | bytes, other: str | bytes) -> bool:
    """Compare two keys or passwords in a time that tells nothing about them.

    Z85 text and the 32 raw bytes of the same CURVE key are different here.
    """
    from hmac import compare_digest  # loads hashlib: nothing to do on every import

    return compare_digest(_octets(one), _octets(other))


def _octets(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
