"""ZeroMQ for Python: `import zmqlite as zmq`.

    with zmq.Context() as ctx, ctx.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        for request in server:
            server.send(request.upper())

The house has five floors; a module imports only from floors below its own, or from neighbours
that stand before it here. `tests/test_layers.py` holds the house to this plan.

    roof     this file: names from floors 0 to 2, nothing else
    floor 4  pyzmq/, cli/           guests: what `import zmq` would give; the command line
    floor 3  asyncio, trio, green   event loops, strangers to each other
    floor 2  options, endpoint, security, certs, auth, frame, poller, monitor, socket,
             context, proxy
    floor 1  _native/               the compiled core, the only room with pointers; libzmq inside
    floor 0  enums, constants, error, _version, _build
"""

try:
    from ._native.core import DRAFT_API, follow_threshold
except ModuleNotFoundError as error:
    raise ImportError(
        f"zmqlite in {__path__[0]} is not built for this Python ({error}): "
        "in the source tree run `pip install -e .`, or start Python in another folder"
    ) from error

from . import constants
from ._about import (
    IPC_PATH_MAX_LEN,
    get_includes,
    get_library_dirs,
    has,
    strerror,
    zmq_errno,
    zmq_version,
    zmq_version_info,
)
from ._version import __version__
from .constants import *  # noqa: F403 - the one place for it: 300 names that `constants` lists
from .context import Context
from .endpoint import Endpoint
from .error import (
    AddressInUse,
    AddressNotAvailable,
    AddressNotFound,
    Again,
    ContextTerminated,
    DraftFDWarning,
    ForkError,
    HostUnreachable,
    IncompatibleProtocol,
    InterruptedSystemCall,
    InvalidArgument,
    LateOptionWarning,
    NotDone,
    NotSupported,
    PermissionDenied,
    SocketClosed,
    StateError,
    ThreadMisuse,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from .frame import COPY_THRESHOLD, Frame, Message, MessageTracker
from .monitor import monitor_events, parse_monitor_message, recv_monitor_message
from .poller import Poller, select, zmq_poll
from .proxy import ProxyStatistics, Steering, device, proxy, proxy_steerable
from .security import curve_keypair, curve_public, keys_equal, z85_decode, z85_encode
from .socket import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

    SyncSocket: TypeAlias = Socket[bytes]
    SyncContext: TypeAlias = Context[Socket[bytes]]
else:
    SyncSocket = Socket
    SyncContext = Context

    def __getattr__(name: str) -> "NoReturn":
        constants.raise_missing(name, __name__)


__all__ = [
    "COPY_THRESHOLD",
    "DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "AddressInUse",
    "AddressNotAvailable",
    "AddressNotFound",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Endpoint",
    "ForkError",
    "Frame",
    "HostUnreachable",
    "IncompatibleProtocol",
    "InterruptedSystemCall",
    "InvalidArgument",
    "LateOptionWarning",
    "Message",
    "MessageTracker",
    "NotDone",
    "NotSupported",
    "PermissionDenied",
    "Poller",
    "ProxyStatistics",
    "Socket",
    "SocketClosed",
    "StateError",
    "Steering",
    "SyncContext",
    "SyncSocket",
    "ThreadMisuse",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__version__",
    "curve_keypair",
    "curve_public",
    "device",
    "get_includes",
    "get_library_dirs",
    "has",
    "keys_equal",
    "monitor_events",
    "parse_monitor_message",
    "proxy",
    "proxy_steerable",
    "recv_monitor_message",
    "select",
    "strerror",
    "z85_decode",
    "z85_encode",
    "zmq_errno",
    "zmq_poll",
    "zmq_version",
    "zmq_version_info",
]
__all__ += constants.__all__

follow_threshold(globals())
