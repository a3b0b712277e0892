"""Keys, and what stands between a socket and strangers.

keys        CURVE's pairs, Z85, comparing
preflight   settings that would not do what they say, found before bind and connect
hardening   what `Context.harden()` sets, and why
zap         the question and the answer of libzmq's authentication
rules       addresses and passwords
service     what serves the rules of a gate; `zmqlite.auth` is what users see
"""

from .keys import curve_keypair, curve_public, keys_equal, z85_decode, z85_encode
from .preflight import check_pem, preflight

__all__ = [
    "check_pem",
    "curve_keypair",
    "curve_public",
    "keys_equal",
    "preflight",
    "z85_decode",
    "z85_encode",
]
