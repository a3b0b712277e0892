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

# ruff: noqa: I001 - a name "as" itself stays beside its neighbours

from .. import frame as _frame
from .._native.core import DRAFT_API as DRAFT_API
from ..constants import *  # noqa: F403 - 300 names
from ..frame import COPY_THRESHOLD as COPY_THRESHOLD
from . import (
    backend as backend,
    constants as constants,
    error as error,
    sugar as sugar,
    utils as utils,
)
from ._activation import install as install
from ._path import get_includes as get_includes, get_library_dirs as get_library_dirs
from .backend import (
    IPC_PATH_MAX_LEN as IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API as PYZMQ_DRAFT_API,
    curve_keypair as curve_keypair,
    curve_public as curve_public,
    has as has,
    proxy as proxy,
    proxy_steerable as proxy_steerable,
    strerror as strerror,
    zmq_errno as zmq_errno,
    zmq_poll as zmq_poll,
)
from .constants import Enum as Enum, IntEnum as IntEnum, IntFlag as IntFlag
from .error import (
    Again as Again,
    ContextTerminated as ContextTerminated,
    DraftFDWarning as DraftFDWarning,
    InterruptedSystemCall as InterruptedSystemCall,
    NotDone as NotDone,
    ZMQBaseError as ZMQBaseError,
    ZMQBindError as ZMQBindError,
    ZMQError as ZMQError,
    ZMQVersionError as ZMQVersionError,
)
from .sugar import (
    _FINISHED_TRACKER as _FINISHED_TRACKER,
    Context as Context,
    Frame as Frame,
    Message as Message,
    MessageTracker as MessageTracker,
    Poller as Poller,
    Socket as Socket,
    Stopwatch as Stopwatch,
    SyncContext as SyncContext,
    SyncSocket as SyncSocket,
    __revision__ as __revision__,
    __version__ as __version__,
    device as device,
    pyzmq_version as pyzmq_version,
    pyzmq_version_info as pyzmq_version_info,
    select as select,
    zmq_version as zmq_version,
    zmq_version_info as zmq_version_info,
)

# Checkers take for public what is imported under its own name "as" its own name, or by a star: a
# list would stop them at what it spells out. For all others the list is what stands here by now,
# without what pyzmq does not list.
TYPE_CHECKING = False
if not TYPE_CHECKING:
    __all__ = ["_FINISHED_TRACKER", "__revision__", "__version__"]
    __all__ += [
        name
        for name, value in globals().items()
        if not name.startswith("_")
        and type(value) is not type(constants)
        and name not in ("TYPE_CHECKING", "get_library_dirs")
    ]

del TYPE_CHECKING
_frame.follow_threshold(globals())
