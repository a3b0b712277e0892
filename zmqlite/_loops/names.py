"""The public names that mean the same in every world: the package has them, and each event loop's
module."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from .._native.core import DRAFT_API as DRAFT_API
from .._native.info import *  # noqa: F403
from .._version import __version__ as __version__
from ..context import Context as _Context
from ..endpoint import IPC_PATH_MAX_LEN as IPC_PATH_MAX_LEN
from ..endpoint import Endpoint as Endpoint
from ..error import *  # noqa: F403
from ..frame import COPY_THRESHOLD as COPY_THRESHOLD
from ..frame import Frame as Frame
from ..frame import Message as Message
from ..frame import MessageTracker as MessageTracker
from ..monitor import monitor_events as monitor_events
from ..monitor import parse_monitor_message as parse_monitor_message
from ..monitor import recv_monitor_message as recv_monitor_message
from ..proxy import ProxyStatistics as ProxyStatistics
from ..proxy import Steering as Steering
from ..proxy import proxy_steerable as proxy_steerable
from ..security import curve_keypair as curve_keypair
from ..security import curve_public as curve_public
from ..security import keys_equal as keys_equal
from ..security import z85_decode as z85_decode
from ..security import z85_encode as z85_encode
from ..socket import Socket as _Socket
from ..socket.monitor_events import MonitorEvent as MonitorEvent
from ..socket.peers import PastPeer as PastPeer
from ..socket.peers import Peer as Peer
from ..socket.stats import PeerStats as PeerStats
from ..socket.stats import SocketStats as SocketStats

if TYPE_CHECKING:
    SyncSocket: TypeAlias = _Socket[bytes]
    SyncContext: TypeAlias = _Context[_Socket[bytes]]
else:
    SyncSocket, SyncContext = _Socket, _Context

if not TYPE_CHECKING:  # a list would hide from checkers what comes by a star
    _OWN = {"TYPE_CHECKING", "TypeAlias", "annotations"}
    __all__ = ["__version__", *(n for n in globals() if n[0] != "_" and n not in _OWN)]
