"""What a loop of tornado watches of a socket."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ..._native import core
from ...options.socket import note_fd_given

__all__ = ["Descriptor"]


class Descriptor:
    """A descriptor that speaks when a socket may be ready.

    It is a copy, for one that is closed while a loop watches it may be someone else's in the
    next moment. A loop that closes all that it watches calls `close`, which is the owner's.
    """

    def __init__(self, socket: Any, close: Callable[[], object]) -> None:
        self._close = close
        self.open = True
        self._socket = socket
        self._signal = core.ReadyFD(socket) if socket.thread_safe else None
        self._copied = self._signal is None and os.name == "posix"
        if self._signal is not None:
            self._fd = self._signal.fileno()
        else:
            note_fd_given(socket)  # the loop is to hear what `stats` would take from it
            self._fd = core.duplicate_fd_of(socket) if self._copied else socket.fd

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def close(self) -> None:
        """Close the owner."""
        self._close()

    def events(self) -> int:
        """Return what holds of POLLIN and POLLOUT; that silences the descriptor."""
        if self._signal is not None:
            return self._signal.events()
        return int(self._socket._poll_events(3, 0))

    def release(self) -> None:
        """Give the descriptor back."""
        self.open = False
        if self._signal is not None:
            self._signal.close()
        elif self._copied:
            os.close(self._fd)
