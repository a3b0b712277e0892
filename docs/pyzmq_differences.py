"""Every difference between the surface of pyzmq 27.3.0 and ours, with its reason.

`tests/pyzmq/test_surface.py` finds the differences and holds them to this table: each must be
explained by a row, each row must explain one. `docs/tables.py` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple


class Row(NamedTuple):
    """What is different, where, and why. Patterns are those of `fnmatch`, words parted by |."""

    where: str
    """Modules and names below `zmq`, such as "Socket.monitor()"."""
    what: str
    """The difference as `tests/pyzmq/compare.py` spells it."""
    reason: str
    sides: str = "guest roof"
    """Whether `zmqlite.pyzmq` (guest) or `zmqlite` itself (roof) differs, or both."""
    varies: bool = False
    """Depends on the build of libzmq or on what is installed, so it may explain nothing."""

    def explains(self, side: str, where: str, what: str) -> bool:
        """Whether this row is about that difference."""
        return (
            side in self.sides.split() and matches(self.where, where) and matches(self.what, what)
        )

    @property
    def places(self) -> list[str]:
        """The patterns of `where`, one by one."""
        return self.where.split("|")


def matches(patterns: str, text: str) -> bool:
    return any(fnmatchcase(text, part) for part in patterns.split("|"))


ROWS = [
    # -- errors -----------------------------------------------------------------------------------
    Row(
        "ZMQError|ZMQBindError|NotDone|Again|ContextTerminated",
        "also inherits *",
        "Every exception is also the built-in one that fits, so that code which does not know "
        "ZeroMQ can catch it: ZMQError is an OSError, Again a BlockingIOError, NotDone a "
        "TimeoutError. There are more subclasses too, one for each errno that matters.",
        "guest",
    ),
    Row(
        "Again.__init__()|ContextTerminated.__init__()|InterruptedSystemCall.__init__()",
        "takes (errno=None, msg=None)*",
        "The same call; the arguments that pyzmq ignores have their usual names and defaults.",
    ),
    # -- classes ----------------------------------------------------------------------------------
    Row(
        "*Context|*Socket|Frame",
        "does not inherit AttributeSetter",
        "Options are attributes that the class defines, known to editors and checkers; the mixin "
        "that looks every name up is in zmq.sugar.attrsettr for classes of your own.",
    ),
    Row(
        "*Context|*Socket|*Poller",
        "also inherits *",
        "The classes are those of zmqlite with its layers below.",
        "guest",
    ),
    Row(
        "*Context.__init__()",
        "takes *max_sockets*",
        "One keyword more.",
    ),
    Row(
        "*Context.term()",
        "takes (timeout=None)*",
        "term() can give up after some seconds and say what it waits for.",
    ),
    Row(
        "*Context.socket()",
        "takes *bind=None, connect=None*",
        "A socket can be bound and connected in the same call; options are keywords too.",
    ),
    Row(
        "*Socket.bind()|*Socket.connect()",
        "takes *[*]more*",
        "Host and port as two arguments are answered with the address to write.",
    ),
    Row(
        "*Socket.send_multipart()|*Socket.send_json()|*Socket.send()",
        "takes *routing_id=None, group=None*",
        "What pyzmq takes among **kwargs has a name.",
    ),
    Row(
        "*Socket.send_pyobj()",
        "takes *copy=True*",
        "What pyzmq takes among **kwargs has a name.",
    ),
    Row(
        "*Socket.monitor()",
        "takes *version=1*",
        "The second version of monitoring (draft), with more detail.",
    ),
    Row(
        "MessageTracker.__init__()|*Poller.__init__()"
        "|backend.Context.__init__()|backend.Socket.__init__()",
        "only one of the two has a signature",
        "Compiled in one of the two, so that inspect cannot tell; the arguments are the same.",
    ),
    Row(
        "asyncio.Poller.__init__()",
        "takes (*_args*",
        "What a subclass takes passes through `__new__`.",
        "roof",
    ),
    # -- constants --------------------------------------------------------------------------------
    Row(
        "*DRAFT_API",
        "is True, there False",
        "The draft sockets and options are built in.",
        varies=True,
    ),
    Row(
        "*ReconnectStop.AFTER_DISCONNECT|*RECONNECT_STOP_AFTER_DISCONNECT",
        "is *3*",
        "As in the zmq.h of the libzmq inside: up to 4.3.4 the number was 3, then 4.",
        varies=True,
    ),
    Row(
        "ContextOption.*|SocketType.*STREAM|*UPSTREAM|*DOWNSTREAM|*_DFLT|*GSSAPI*|*MSG_PROPERTY_*"
        "|*CURRENT_EVENT_VERSION*|*GROUP_MAX_LENGTH|*ZERO_COPY_RECV",
        "extra",
        "Names of zmq.h that pyzmq leaves out.",
        "guest",
    ),
    # -- the other modules ------------------------------------------------------------------------
    Row(
        "decorators.context()|decorators.socket()",
        "takes *name=None*",
        "What pyzmq takes among **kwargs has a name.",
        "guest",
    ),
    Row(
        "devices.*Base",
        "also inherits *",
        "The mixins are devices themselves.",
        "guest",
    ),
    Row(
        "utils.garbage.*",
        "missing",
        "No thread and no table to keep: the core itself holds the memory of messages sent "
        "without a copy, and zmq.utils.garbage.gc.refs shows what it holds.",
        "guest",
    ),
    Row(
        "sugar.attrsettr.T",
        "missing",
        "A type variable of theirs.",
        "guest",
    ),
    Row(
        "ssh.tunnel.SSHException",
        "missing|is *",
        "pyzmq defines it only where paramiko is missing.",
        "guest",
        varies=True,
    ),
    Row(
        "install|green.install|auto",
        "extra",
        "The switch that makes `import zmq` mean this module, from inside a program.",
        "guest",
    ),
    # -- zmqlite itself ---------------------------------------------------------------------------
    Row(
        "__version__",
        "is *",
        "zmqlite's own version; programs that ask for pyzmq's get it from zmqlite.pyzmq.",
        "roof",
    ),
    Row(
        "pyzmq_version|pyzmq_version_info|__revision__|PYZMQ_DRAFT_API|Stopwatch"
        "|_FINISHED_TRACKER",
        "missing",
        "About pyzmq itself, or a relic of its inside; zmqlite.pyzmq has it.",
        "roof",
    ),
    Row(
        "Enum|IntEnum|IntFlag|constants.Enum|constants.IntEnum|constants.IntFlag",
        "missing",
        "Names of the standard library that pyzmq lists by accident; zmqlite.pyzmq has them too.",
        "roof",
    ),
    Row(
        "device()",
        "takes *",
        "The device type may be left out, since it means nothing.",
        "roof",
    ),
    Row(
        "asyncio.ZMQEventLoop|asyncio.install|asyncio.ProactorSelectorThreadWarning",
        "missing",
        "Deprecated and without a function in pyzmq, or about a problem that does not exist here; "
        "zmqlite.pyzmq.asyncio has them.",
        "roof",
    ),
    Row(
        "asyncio.Socket.__init__()",
        "takes *",
        "The arguments of zmqlite.Socket: an asyncio socket belongs to the loop that runs, so "
        "there is none to name. zmqlite.pyzmq.asyncio takes what pyzmq does.",
        "roof",
    ),
    Row(
        "asyncio.Socket.from_socket()",
        "takes *",
        "The loop is the one that runs.",
        "roof",
    ),
    Row(
        "asyncio.Socket.get()|asyncio.Socket.recv_into()|eventloop.future.Socket.get()"
        "|eventloop.future.Socket.recv_into()|green.Socket.get()|green.Socket.set()",
        "takes *",
        "The arguments are called as in the blocking socket.",
    ),
    Row(
        "green.Socket.__init__()|green.Socket.send_multipart()|green.Socket.recv_multipart()",
        "takes *, there ([*]a*",
        "The arguments that pyzmq passes on unseen have their names.",
        "guest",
    ),
    Row(
        "asyncio.Poller.poll()",
        "takes (timeout=None)*",
        "The default means for ever either way; None as in the blocking poller.",
        "roof",
    ),
]  # fmt: skip


def explanations(side: str, where: str, what: str) -> Iterator[Row]:
    """Yield the rows that are about a difference."""
    return (row for row in ROWS if row.explains(side, where, what))
