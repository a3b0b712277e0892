"""The flat names of the constants.

Written by tests/written_out.py from the enums: change it there, not here.
"""

# fmt: off
# ruff: noqa
from typing import NoReturn

from .enums import SocketType as SocketType
from .options._flat import *

_REMOVED: dict[str, str]

def _raise_missing(name: str, module: str) -> NoReturn: ...

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
