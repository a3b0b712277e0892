"""ZeroMQ for Python: contexts and sockets, bind and connect, send and recv; libzmq is inside.

    import zmqlite as zmq

    with zmq.REP() as server, zmq.REQ(connect=server.bind("tcp://127.0.0.1:*")) as client:
        client.send(b"hello")
        server.send(server.recv().upper())
        print(client.recv())  # b'HELLO'

Where to look, with `help(zmq.Socket)` or `help("zmqlite.error")`:

    zmq.SocketType      REQ, REP, PUB, SUB, PUSH, PULL and the others; each is also a factory
    zmq.Socket          send, recv, send_multipart, recv_many, send_json, poll, monitor and more
    zmq.Context         `context.socket(zmq.REQ)`, for contexts of your own
    zmq.SocketOption    keywords of what makes a socket, `zmq.REQ(linger=0)`, and attributes,
                        `socket.linger = 0`; those of a context are defaults of its sockets
    zmqlite.error       a ZMQError is an OSError too; Again is raised when a time limit is over
                        (`rcvtimeo=1000`, in ms) or with `zmq.DONTWAIT` nothing can be done
    zmq.Poller          waits for many sockets; zmq.proxy joins two
    zmqlite.asyncio     the same names, with data calls to be awaited; zmqlite.trio for trio
    zmqlite.green       the same names for gevent, to be used as these
    zmqlite.security    keys of CURVE; zmqlite.auth decides who may connect, `Context.harden`
                        bounds what strangers may take
    zmqlite.pyzmq       the modules of pyzmq, for programs with `import zmq`

The pages in docs/ of the source begin with quickstart.md. `python -m zmqlite demo` shows the
patterns at work.

The house has five floors; a module imports only from floors below its own, or from neighbours
that stand before it here. `tests/test_layers.py` holds the house to this plan.

    roof     this file: names from floors 0 to 2, nothing else
    floor 4  pyzmq/, cli/           guests: what `import zmq` would give; the command line
    floor 3  asyncio, trio, green   event loops, strangers to each other
    floor 2  options, endpoint, security, certs, frame, poller, auth, monitor, socket, context,
             proxy, metrics, _serialize, _loops
    floor 1  _native/               the compiled core, the only room with pointers; libzmq inside
    floor 0  enums, constants, error, _version, _build, _threads
"""

# ruff: noqa: I001 - a name "as" itself stays beside its neighbours

try:
    from ._native.core import DRAFT_API as DRAFT_API
except ModuleNotFoundError as error:
    raise ImportError(
        f"zmqlite in {__path__[0]} is not built for this Python ({error}): "
        "in the source tree run `pip install -e .`, or start Python in another folder"
    ) from error

from typing import TYPE_CHECKING

from . import constants, frame
from ._loops.names import *  # noqa: F403 - what each event loop's module has, too
from ._version import __version__ as __version__
from .constants import *  # noqa: F403 - 300 names that `constants` lists
from .context import Context as Context
from .poller import Poller as Poller, select as select, zmq_poll as zmq_poll
from .proxy import Proxy as Proxy, device as device, proxy as proxy
from .socket import Socket as Socket

# Checkers take for public what is imported under its own name "as" its own name, or by a star: a
# list would stop them at what it spells out. For all others the list is what stands here by now.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        constants._raise_missing(name, __name__)

    __all__ = ["__version__"]
    __all__ += [
        name
        for name, value in globals().items()
        if not name.startswith("_") and type(value) is not type(constants)
    ]
    __all__.remove("TYPE_CHECKING")

frame.follow_threshold(globals())
