"""The guest room: what `import zmq` would give, over zmqlite's own objects.

    import zmqlite.pyzmq as zmq

Here is pyzmq's module tree under its own names: `zmqlite.pyzmq.asyncio`, `.devices`,
`.utils.monitor` and so on; once activated, `zmq` is the very same module. Errors, constants,
frames, trackers and pollers are those of zmqlite itself; `Context` and `Socket` are subclasses
that keep the few habits of pyzmq which zmqlite has given up. `__version__` is the version of
pyzmq whose surface this is. Nothing else of zmqlite imports from here.

The rooms, from the ground up: constants, error, utils, backend, sugar, decorators, devices, ssh,
log; then those that know a loop: asyncio, eventloop, green, auth.
"""

from .. import constants as _shared
from .._native.core import DRAFT_API, follow_threshold
from ..constants import *  # noqa: F403 - by way of .constants mypy does not see them
from ..frame import COPY_THRESHOLD
from . import backend as backend
from . import constants as constants
from . import error as error
from . import sugar as sugar
from . import utils as utils
from ._activation import install
from ._path import get_includes
from ._path import get_library_dirs as get_library_dirs
from .backend import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    curve_keypair,
    curve_public,
    has,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
)
from .constants import Enum, IntEnum, IntFlag
from .error import (
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
from .sugar import (
    _FINISHED_TRACKER,
    Context,
    Frame,
    Message,
    MessageTracker,
    Poller,
    Socket,
    Stopwatch,
    SyncContext,
    SyncSocket,
    __revision__,
    __version__,
    device,
    pyzmq_version,
    pyzmq_version_info,
    select,
    zmq_version,
    zmq_version_info,
)

__all__ = [
    "COPY_THRESHOLD",
    "DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "_FINISHED_TRACKER",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Enum",
    "Frame",
    "IntEnum",
    "IntFlag",
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
    "curve_keypair",
    "curve_public",
    "device",
    "get_includes",
    "has",
    "install",
    "proxy",
    "proxy_steerable",
    "pyzmq_version",
    "pyzmq_version_info",
    "select",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version",
    "zmq_version_info",
]
__all__ += _shared.__all__

follow_threshold(globals())
