"""Choosing a backend, as far as there is a choice."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["public_api", "select_backend"]

public_api = [
    "Context",
    "Socket",
    "Frame",
    "Message",
    "proxy",
    "proxy_steerable",
    "zmq_poll",
    "strerror",
    "zmq_errno",
    "has",
    "curve_keypair",
    "curve_public",
    "zmq_version_info",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
]
"""The names that a backend has to offer."""


def select_backend(name: str) -> dict[str, Any]:
    """Import the module `name` and return its `public_api` by name.

    Raises `ImportError` when there is no such module, or when it lacks one of the names.
    """
    module = import_module(name)
    missing = [wanted for wanted in public_api if not hasattr(module, wanted)]
    if missing:
        raise ImportError(f"{name} is no backend: it lacks {', '.join(missing)}")
    return {wanted: getattr(module, wanted) for wanted in public_api}
