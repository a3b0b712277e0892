"""What mypy and pyright must see after `from zmq import *`, whichever library is behind `zmq`.

Checked with the import line changed, never run: see test_typing.py.
"""

# ruff: noqa: F403, F405
from __future__ import annotations

from zmq import *  # pyright: ignore[reportWildcardImportFromLibrary]

from typing_extensions import assert_type  # isort: skip

number: int = COPY_THRESHOLD
socket_types: list[SocketType] = [REQ, REP, XPUB, PULL]
option: SocketOption = LINGER
flags: int = DONTWAIT | SNDMORE
events: PollEvent = POLLIN | POLLOUT
error_number: int = EAGAIN
seen: list[type[Exception]] = [ZMQError, Again, ContextTerminated]
with Context() as context, context.socket(PUSH) as socket:
    assert_type(socket, Socket[bytes])
    assert_type(socket.recv(), bytes)
    assert_type(zmq_version(), str)
    assert_type(Frame(b"x").bytes, bytes)
