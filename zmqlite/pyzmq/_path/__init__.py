"""A folder for sys.path in which `zmq` is found: a package that hands over to `zmqlite.pyzmq`.

Beside it lie the declarations for `from zmq cimport ...`, and the metadata by which tools see a
distribution called pyzmq. Programs that `python -m zmqlite.pyzmq run` starts, and all that they
start, have this folder on PYTHONPATH; a process where `zmq` was taken over has it on sys.path.
"""

from __future__ import annotations

import os

from ..._native.info import get_includes as _our_includes

__all__ = ["FOLDER", "get_includes", "get_library_dirs"]

FOLDER: str = __path__[0]
_GUEST = FOLDER.rpartition(os.sep)[0]


def get_includes() -> list[str]:
    """Return the folders to compile against: where `zmq` lies and its `utils`, as pyzmq would,
    then those with zmq.h and with the declarations of the core."""
    return [FOLDER, f"{_GUEST}{os.sep}utils", *_our_includes()]


def get_library_dirs() -> list[str]:
    """Return the folder called `zmq`. No library is in it: libzmq is part of the core."""
    return [f"{FOLDER}{os.sep}zmq"]
