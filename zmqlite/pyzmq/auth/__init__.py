"""Who may come in: an `Authenticator` answers libzmq's questions about new connections.

`auth.thread` has one that runs in a thread, `auth.asyncio` one for a loop. The rules and the
protocol are in `zmqlite.auth`.
"""

from __future__ import annotations

from .base import CURVE_ALLOW_ANY, Authenticator
from .certs import create_certificates, load_certificate, load_certificates

__all__ = [
    "CURVE_ALLOW_ANY",
    "Authenticator",
    "create_certificates",
    "load_certificate",
    "load_certificates",
]
