"""The Python half of pyzmq, as modules of one noun each."""

from __future__ import annotations

from typing import Any

from ...error import (
    Again,
    ContextTerminated,
    DraftFDWarning,
    InterruptedSystemCall,
    NotDone,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from ...proxy import proxy
from .. import error as error
from . import attrsettr as attrsettr
from . import context as context
from . import frame as frame
from . import poll as poll
from . import socket as socket
from . import stopwatch as stopwatch
from . import tracker as tracker
from . import version as version
from .context import Context, SyncContext
from .frame import Frame, Message
from .poll import Poller, select
from .socket import Socket, SyncSocket
from .stopwatch import Stopwatch
from .tracker import _FINISHED_TRACKER, MessageTracker
from .version import (
    __revision__,
    __version__,
    pyzmq_version,
    pyzmq_version_info,
    zmq_version,
    zmq_version_info,
)

__all__ = [
    "_FINISHED_TRACKER",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Frame",
    "InterruptedSystemCall",
    "Message",
    "MessageTracker",
    "NotDone",
    "Poller",
    "Socket",
    "Stopwatch",
    "SyncContext",
    "SyncSocket",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__revision__",
    "__version__",
    "device",
    "pyzmq_version",
    "pyzmq_version_info",
    "select",
    "zmq_version",
    "zmq_version_info",
]


def device(device_type: int, frontend: Any, backend: Any) -> None:
    """Run `proxy(frontend, backend)`, whatever the type: its name from the days of libzmq 2."""
    proxy(frontend, backend)
