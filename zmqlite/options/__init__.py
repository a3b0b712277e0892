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

from .check import check_readable, check_value, explain, lacking, late_message
from .rows import (
    BYTES,
    FD,
    INT,
    INT64,
    KEY,
    MESSAGE_PROPERTIES,
    STRING,
    UINT64,
    Kind,
    Option,
)
from .table import (
    CONTEXT_OPTIONS,
    MESSAGE_OPTIONS,
    SOCKET_OPTIONS,
    OptionTable,
    find,
    nearest,
)

__all__ = [
    "BYTES",
    "CONTEXT_OPTIONS",
    "FD",
    "INT",
    "INT64",
    "KEY",
    "MESSAGE_OPTIONS",
    "MESSAGE_PROPERTIES",
    "SOCKET_OPTIONS",
    "STRING",
    "UINT64",
    "Kind",
    "Option",
    "OptionTable",
    "check_readable",
    "check_value",
    "explain",
    "find",
    "lacking",
    "late_message",
    "nearest",
]
