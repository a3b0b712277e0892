"""Which pyzmq this stands in for, and which libzmq is inside."""

from __future__ import annotations

from ..._native.info import zmq_version, zmq_version_info

__all__ = [
    "__revision__",
    "__version__",
    "pyzmq_version",
    "pyzmq_version_info",
    "zmq_version",
    "zmq_version_info",
]

VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH = 27, 3, 0
VERSION_EXTRA = ""
version_info: tuple[int, int, int] | tuple[int, int, int, float] = (
    VERSION_MAJOR,
    VERSION_MINOR,
    VERSION_PATCH,
)
__version__: str = f"{VERSION_MAJOR}.{VERSION_MINOR}.{VERSION_PATCH}"
"""The version of pyzmq whose surface the guest room has; zmqlite's own is another."""
__revision__: str = ""


def pyzmq_version() -> str:
    """Return the version of pyzmq whose surface this is, such as "27.3.0"."""
    return __version__


def pyzmq_version_info() -> tuple[int, int, int] | tuple[int, int, int, float]:
    """Return that version as a tuple to compare."""
    return version_info
