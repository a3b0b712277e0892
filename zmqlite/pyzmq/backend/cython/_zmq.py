"""The compiled core, under the names of pyzmq's compiled module."""

from __future__ import annotations

from ...._native.core import (
    DRAFT_API,
    IPC_PATH_MAX_LEN,
    Frame,
    MessageTracker,
    curve_keypair,
    curve_public,
    has,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
    zmq_version_info,
)
from ....context import Context
from ....socket import Socket

__all__ = [
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "Context",
    "Frame",
    "Message",
    "MessageTracker",
    "Socket",
    "curve_keypair",
    "curve_public",
    "has",
    "proxy",
    "proxy_steerable",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version_info",
]

Message = Frame
PYZMQ_DRAFT_API = DRAFT_API
"""Whether binding and libzmq were both built with draft features."""
