"""Everything that knows an option: one table, and what is drawn from it.

    rows        the table: number, name, kind, range, default, meaning of every option
    table       finding a row by number or name
    check       what type and range a value must have; why libzmq refused
    attributes  `sock.linger`, `context.io_threads`
    socket      the options of a socket: by number, by name, as attributes
    context     the options of a context, and the defaults of its sockets
    keywords    `context.socket(zmq.REQ, linger=0)`

What an option is called and which type its value has is read by checkers in `_typed`, which the
build writes from the rows.
"""

from __future__ import annotations

from . import check, rows, table
from .check import *  # noqa: F403
from .rows import *  # noqa: F403
from .table import *  # noqa: F403

__all__: list[str] = []
__all__ += check.__all__
__all__ += rows.__all__
__all__ += table.__all__
