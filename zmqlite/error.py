"""Every exception and warning of the package, and the one table from errno to class.

    ZMQBaseError (Exception)
    ├── ZMQError (OSError)                          any errno without a class of its own
    │   ├── Again (BlockingIOError)                 EAGAIN
    │   │   └── NoAnswer                            EAGAIN, raised by name only
    │   ├── ContextTerminated                       ETERM
    │   │   └── ClosedContext (NotSupported)        ENOTSUP, raised by name only
    │   ├── InterruptedSystemCall (InterruptedError)  EINTR
    │   ├── StateError                              EFSM
    │   ├── SocketClosed                            ENOTSOCK
    │   │   └── ClosedSocket (NotSupported)         ENOTSUP, raised by name only
    │   ├── ThreadMisuse (RuntimeError)             EBUSY
    │   ├── ForkError (RuntimeError)                EPERM, raised by name only
    │   ├── InvalidArgument (ValueError)            EINVAL
    │   ├── NotSupported (NotImplementedError)      ENOTSUP, EOPNOTSUPP, EPROTONOSUPPORT
    │   ├── AddressInUse                            EADDRINUSE
    │   ├── AddressNotAvailable                     EADDRNOTAVAIL
    │   ├── HostUnreachable (ConnectionError)       EHOSTUNREACH
    │   ├── PermissionDenied (PermissionError)      EACCES, EPERM
    │   ├── AddressNotFound (FileNotFoundError)     ENOENT
    │   └── IncompatibleProtocol                    ENOCOMPATPROTO
    ├── ZMQBindError (OSError)
    └── NotDone (TimeoutError)
    ZMQVersionError (NotImplementedError)
    DraftFDWarning (RuntimeWarning)
    LateOptionWarning (UserWarning)

A polling loop raises `Again` all the time, so an error is born with references only; the
sentence that a person reads is put together when it is asked for.
"""

from __future__ import annotations

import errno as _errno
import os

from ._build import LIBZMQ_VERSION
from .enums import HAUSNUMERO, Errno

TYPE_CHECKING = False  # importing typing would cost more than this whole module
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar

    _Self = TypeVar("_Self", bound="ZMQError")

# What a program may catch or filter. The functions and the two classes that only the package uses
# (`ClosedContext`, `ClosedSocket`, `error_for`, `strerror_for`) are not for it.
__all__ = [
    "AddressInUse",
    "AddressNotAvailable",
    "AddressNotFound",
    "Again",
    "ContextTerminated",
    "DraftFDWarning",
    "ForkError",
    "HostUnreachable",
    "IncompatibleProtocol",
    "InterruptedSystemCall",
    "InvalidArgument",
    "LateOptionWarning",
    "NoAnswer",
    "NotDone",
    "NotSupported",
    "PermissionDenied",
    "SocketClosed",
    "StateError",
    "ThreadMisuse",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
]

_create = OSError.__new__

# errno -> text. libzmq's own numbers stand here; those of the system join when first met.
_texts: dict[int, str] = {
    Errno.EFSM.value: "Operation cannot be accomplished in current state",
    Errno.ENOCOMPATPROTO.value: "The protocol is not compatible with the socket type",
    Errno.ETERM.value: "Context was terminated",
    Errno.EMTHREAD.value: "No thread available",
}


def strerror_for(errno: int) -> str:
    """Return the text for an errno, those that libzmq invented included."""
    text = _texts.get(errno)
    if text is None:
        if errno > HAUSNUMERO:  # a POSIX error that this system does not know
            text = Errno(errno).name if errno in _HAUS_NUMBERS else f"Unknown error {errno}"
        else:
            text = os.strerror(errno)
        _texts[errno] = text
    return text


_HAUS_NUMBERS = frozenset(e.value for e in Errno if e.value > HAUSNUMERO)


class ZMQBaseError(Exception):
    """Catch this to catch everything that the library raises on purpose."""


class ZMQError(ZMQBaseError, OSError):
    """An operation failed inside libzmq, or was refused before it got there.

    `errno` is the number, `strerror` the plain text for it; `operation`, `subject` and `hint`
    say what was tried, on what, and what to do next, and are empty where nobody knows. `str()`
    joins them: "send on PUSH socket (tcp://10.0.0.1:5555): Resource temporarily unavailable;
    no peer is connected". Errors compare by identity, pickle and copy.
    """

    operation: str = ""
    subject: str = ""
    hint: str = ""
    _default_errno: ClassVar[int | None] = None

    def __new__(cls: type[_Self], *args: Any, **kwargs: Any) -> _Self:
        # OSError would read meaning into the arguments; a subclass may take any it likes.
        self = _create(cls)
        self.args = args
        return self

    def __init__(self, errno: int | str | None = None, msg: str | None = None) -> None:
        """Make an error by hand, as pyzmq does: a number, a number and a text, or a text.

        A class that stands for one errno keeps it: `Again(5).errno` is EAGAIN.
        """
        if isinstance(errno, str):
            errno, msg = None, errno
        fixed = self._default_errno
        if fixed is not None:
            claimed = None if errno is None else _classes.get(errno)
            if claimed is None or not isinstance(self, claimed):
                errno = fixed
        elif errno is None and msg is None:
            errno = 0
        self.errno = errno
        self.strerror = msg if msg is not None else strerror_for(errno or 0)

    @classmethod
    def during(
        cls: type[_Self],
        operation: str = "",
        subject: str = "",
        hint: str = "",
        *,
        errno: int | None = None,
        text: str | None = None,
    ) -> _Self:
        """Make an error of exactly this class that says what was being done.

        `errno` defaults to the one the class stands for, `text` to the text of that errno.
        """
        number = errno if errno is not None else cls._default_errno or 0
        return _build(cls, number, operation, subject, hint, text)

    def __str__(self) -> str:
        text = self.strerror or ""
        if self.operation and self.subject:
            text = f"{self.operation} on {self.subject}: {text}"
        elif self.operation or self.subject:
            text = f"{self.operation or self.subject}: {text}"
        return f"{text}; {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # By parts, not by calling the class: its constructor may want anything.
        parts = (type(self), self.args, self.errno, self.strerror)
        return _restore, parts, self.__dict__ or None


class Again(ZMQError, BlockingIOError):
    """The operation would block: a flag said not to wait, or the timeout ran out.

    Sending: no peer can take the message yet. Receiving: no message is there. Nothing was sent
    or lost; trying again later is right.
    """

    _default_errno = Errno.EAGAIN.value


class NoAnswer(Again):
    """`request` got no answer; it was sent ``tries`` times in ``waited`` ms, and at the end had
    ``connected`` peers (None: unknown); ``reason`` is why a handshake failed or a peer left."""

    tries: int = 0
    waited: float = 0.0
    connected: int | None = None
    reason: str = ""


class ContextTerminated(ZMQError):
    """The context was shut down or terminated: close the socket, no call on it can succeed."""

    _default_errno = Errno.ETERM.value


class InterruptedSystemCall(ZMQError, InterruptedError):
    """A signal cut a call short. The library retries by itself, so this is seldom seen."""

    _default_errno = _errno.EINTR


class StateError(ZMQError):
    """The socket is in a state that forbids this: a REQ that sends twice, a REP that starts."""

    _default_errno = Errno.EFSM.value


class SocketClosed(ZMQError):
    """The socket was closed before the call."""

    _default_errno = Errno.ENOTSOCK.value


class ThreadMisuse(ZMQError, RuntimeError):
    """A second thread used a socket while a first one was inside a call on it.

    Handing a socket over is fine, sharing it is not: libzmq would crash. The call was refused
    and the socket is unharmed.
    """

    _default_errno = _errno.EBUSY


class ForkError(ZMQError, RuntimeError):
    """A context or socket made before fork() was used in the child; make a new one there.

    Its errno is EPERM: the child has the object's memory, but not the threads that serve it.
    """

    _default_errno = _errno.EPERM


class InvalidArgument(ZMQError, ValueError):
    """A value, an option or an address makes no sense here."""

    _default_errno = Errno.EINVAL.value


class NotSupported(ZMQError, NotImplementedError):
    """This socket type, or this build of libzmq, cannot do it: zmqlite.has() tells what it can."""

    _default_errno = Errno.ENOTSUP.value


class ClosedContext(ContextTerminated, NotSupported):
    """A socket was asked of a context that is closed: make another context.

    Its errno is ENOTSUP, as in pyzmq.
    """

    _default_errno = Errno.ENOTSUP.value


class ClosedSocket(SocketClosed, NotSupported):
    """A closed socket was polled, by itself or in a poller: unregister it there.

    Its errno is ENOTSUP, as in pyzmq.
    """

    _default_errno = Errno.ENOTSUP.value


class AddressInUse(ZMQError):
    """Something else is bound to the address."""

    _default_errno = Errno.EADDRINUSE.value


class AddressNotAvailable(ZMQError):
    """The address to bind is not one of this machine."""

    _default_errno = Errno.EADDRNOTAVAIL.value


class HostUnreachable(ZMQError, ConnectionError):
    """The peer named by the message is not connected; the message was not sent.

    Raised by a ROUTER with ROUTER_MANDATORY set, and by SERVER, PEER and STREAM.
    """

    _default_errno = Errno.EHOSTUNREACH.value


class PermissionDenied(ZMQError, PermissionError):
    """The operating system forbids it: a port below 1024, an ipc path one may not write."""

    _default_errno = _errno.EACCES


class AddressNotFound(ZMQError, FileNotFoundError):
    """No such endpoint: an ipc directory that is missing, an address that was never bound."""

    _default_errno = _errno.ENOENT


class IncompatibleProtocol(ZMQError):
    """The socket type cannot speak over this transport, such as a PUSH over udp."""

    _default_errno = Errno.ENOCOMPATPROTO.value


class ZMQBindError(ZMQBaseError, OSError):
    """`bind_to_random_port` found no free port within its tries."""


class NotDone(ZMQBaseError, TimeoutError):
    """`MessageTracker.wait` ran out of time while libzmq still held the message."""


class ZMQVersionError(NotImplementedError):
    """A feature needs a newer libzmq than the one that was compiled in."""

    def __init__(self, min_version: str, msg: str = "Feature") -> None:
        super().__init__(min_version)
        self.min_version: str = min_version
        """The version that would do."""
        self.msg: str = msg
        """The name of the feature."""
        self.version: str = ".".join(map(str, LIBZMQ_VERSION))
        """The version that is there."""

    def __str__(self) -> str:
        return f"{self.msg} requires libzmq >= {self.min_version}, have {self.version}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class DraftFDWarning(RuntimeWarning):
    """A thread-safe draft socket has no file descriptor of its own, so one is emulated."""

    def __init__(self, msg: str = "") -> None:
        super().__init__(msg or "a thread-safe draft socket has an emulated descriptor only")


class LateOptionWarning(UserWarning):
    """An option was set after bind or connect, too late for the connections that exist."""


# errno -> class: the one that stands for it, and what else is meant by some.
_classes: dict[int, type[ZMQError]] = {
    **{kind._default_errno or 0: kind for kind in ZMQError.__subclasses__()},
    _errno.EOPNOTSUPP: NotSupported,
    Errno.EPROTONOSUPPORT.value: NotSupported,
    _errno.EPERM: PermissionDenied,  # a ForkError is raised by name only
}


def error_for(
    errno: int, operation: str = "", subject: str = "", hint: str = "", text: str | None = None
) -> ZMQError:
    """Return (not raise) the error for an errno, of the class that the table names.

    `operation` is a verb ("send"), `subject` what it was done to ("PUSH socket"), `hint` the
    next step for the reader, `text` replaces the standard text. Costs well below 1 us.
    """
    return _build(_classes.get(errno, ZMQError), errno, operation, subject, hint, text)


def _build(
    cls: type[_Self], errno: int, operation: str, subject: str, hint: str, text: str | None
) -> _Self:
    self = _create(cls)
    self.args = (errno,)
    self.errno = errno
    self.strerror = text or _texts.get(errno) or strerror_for(errno)
    if operation:
        self.operation = operation
    if subject:
        self.subject = subject
    if hint:
        self.hint = hint
    return self


def _restore(
    cls: type[ZMQError], args: tuple[Any, ...], errno: int | None, strerror: str | None
) -> ZMQError:
    """Put a pickled or copied error together again."""
    self = _create(cls)
    self.args, self.errno, self.strerror = args, errno, strerror
    return self
