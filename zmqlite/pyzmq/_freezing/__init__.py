"""What freezers of programs have to know. PyInstaller finds this folder by an entry point, and in
it the hook that is run when a program imports `zmqlite.pyzmq`."""

from __future__ import annotations

import os

__all__ = ["hook_dirs"]


def hook_dirs() -> list[str]:
    """Return the folders with hooks for PyInstaller."""
    return [__file__.rpartition(os.sep)[0]]
