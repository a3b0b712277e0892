"""Which libzmq is inside, what it can do, and where its headers lie."""

from __future__ import annotations

import os

from .core import has, strerror, zmq_errno, zmq_version_info

__all__ = [
    "get_includes",
    "get_library_dirs",
    "has",
    "strerror",
    "zmq_errno",
    "zmq_version",
    "zmq_version_info",
]

_NATIVE = __file__.rpartition(os.sep)[0]  # without pathlib, which is slow to load
_PACKAGE = _NATIVE.rpartition(os.sep)[0]


def zmq_version() -> str:
    """Return the version of the libzmq inside, such as "4.3.4"."""
    return ".".join(map(str, zmq_version_info()))


def get_includes() -> list[str]:
    """Return the folders to compile against: zmq.h of the libzmq inside, and the core's own."""
    return [f"{_PACKAGE}{os.sep}include", _NATIVE]


def get_library_dirs() -> list[str]:
    """Return the folder of the package. No library is in it: libzmq is part of the core."""
    return [_PACKAGE]
