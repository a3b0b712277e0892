"""The constants, with types of sockets for this event loop.

Written by tests/written_out.py from the enums: change it there, not here.
"""

# fmt: off
# ruff: noqa
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NoReturn

from typing_extensions import Unpack

from ..options._flat import *
from ..options._typed import SocketKeywords
from . import Socket

class SocketType(IntEnum):
    PAIR = 0
    PUB = 1
    SUB = 2
    REQ = 3
    REP = 4
    DEALER = 5
    ROUTER = 6
    PULL = 7
    PUSH = 8
    XPUB = 9
    XSUB = 10
    STREAM = 11
    SERVER = 12
    CLIENT = 13
    RADIO = 14
    DISH = 15
    GATHER = 16
    SCATTER = 17
    DGRAM = 18
    PEER = 19
    CHANNEL = 20
    XREQ = 5
    XREP = 6
    UPSTREAM = 7
    DOWNSTREAM = 8

    _contexts: Any

    def __call__(
        self,
        *misplaced: NoReturn,
        connect: str | bytes | Iterable[str | bytes] | None = None,
        bind: str | bytes | Iterable[str | bytes] | None = None,
        context: Any = None,
        **options: Unpack[SocketKeywords],
    ) -> Socket: ...

PAIR: SocketType
PUB: SocketType
SUB: SocketType
REQ: SocketType
REP: SocketType
DEALER: SocketType
ROUTER: SocketType
PULL: SocketType
PUSH: SocketType
XPUB: SocketType
XSUB: SocketType
STREAM: SocketType
SERVER: SocketType
CLIENT: SocketType
RADIO: SocketType
DISH: SocketType
GATHER: SocketType
SCATTER: SocketType
DGRAM: SocketType
PEER: SocketType
CHANNEL: SocketType
XREQ: SocketType
XREP: SocketType
UPSTREAM: SocketType
DOWNSTREAM: SocketType
