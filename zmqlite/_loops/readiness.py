"""When an event loop must look at a socket: the rules of FD and EVENTS, without any I/O.

The rules and the machine that keeps them are compiled, since they run between a message's arrival
and its reader: `_native/loop/edge_state.pxi`.
"""

from __future__ import annotations

from .._native.core import Readiness

__all__ = ["IN", "OUT", "Readiness"]

IN = 1
OUT = 2
