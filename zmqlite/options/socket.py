"""Setting and reading the options of a socket, by number, by name and as attributes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._native import core
from .._serialize import PayloadSocket
from ..enums import SocketOption, SocketType
from ..error import DraftFDWarning, LateOptionWarning, ZMQError
from .attributes import SocketOptions
from .check import check_readable, check_value, explain, is_number
from .rows import TEXTUAL, Kind, Option
from .table import SOCKET_OPTIONS, find

__all__ = [
    "SocketSettings",
    "declares",
    "note_fd_given",
    "unknown",
    "warn_late",
    "warn_of_seconds",
]

_HWM = SocketOption.HWM.value
_FD, _EVENTS = SocketOption.FD.value, SocketOption.EVENTS.value
_SNDHWM, _RCVHWM = SocketOption.SNDHWM.value, SocketOption.RCVHWM.value
_ROWS = SOCKET_OPTIONS.by_number
_KINDS = {number: row.kind for number, row in _ROWS.items()}
_SUBJECTS = {member.value: f"{member.name} socket" for member in SocketType}
_ATTRIBUTES = frozenset(name for name in vars(SocketOptions) if not name.startswith("_"))
# These cannot be read back from libzmq, and a wss endpoint is checked against them.
_WSS = frozenset(row.number for row in SOCKET_OPTIONS if row.name.startswith("WSS_"))
_PACKAGE = __name__.rpartition(".options.")[0]


class SocketSettings(SocketOptions, PayloadSocket):  # type: ignore[misc]
    """The half of `Socket` that knows options; see `Socket`.

    What few sockets have is in slots, here and in `Socket`: to touch the `__dict__` of an object
    makes it, and calls of methods then take a longer way for as long as the object lives.
    """

    __slots__ = ("_descriptor", "_fd_given", "_late", "_pem")
    _descriptor: core.ReadyFD  # of a type that has no descriptor
    _fd_given: bool  # FD was asked for: others may watch it
    _late: frozenset[int]  # the options that were warned of
    _pem: dict[int, Any]  # what was set for wss
    _takes_text = True  # set() encodes a str

    # -- by number -------------------------------------------------------------------------------

    def get(self, option: int) -> Any:
        """Return an option: zmq_getsockopt(3). An int, or bytes for what is text or a key.

        Raises `InvalidArgument` for an option that is unknown, write-only or not of this socket
        type, `NotSupported` for one that this libzmq lacks, `SocketClosed`, `ContextTerminated`.
        """
        if option == _HWM:
            option = _SNDHWM
        if option == _FD:
            note_fd_given(self)
        if option == _EVENTS and (emulated := getattr(self, "_descriptor", None)) is not None:
            return emulated.events()
        try:
            return self._get_option(option, _KINDS.get(option, Kind.INT))
        except (TypeError, OverflowError):
            raise _no_number("getsockopt", option) from None
        except ZMQError as error:
            if self.closed:
                raise
            if option == _FD and self.thread_safe and core.DRAFT_API:
                return self._emulated_descriptor()
            row = _ROWS.get(option)
            if row is not None:
                check_readable(row, self._subject())
            raise self._explained(error, option, "get") from None

    def set(self, option: int, optval: Any) -> None:
        """Set an option: zmq_setsockopt(3). Ints and bools, or bytes for what is text or a key.

        A str travels as UTF-8, as in the attribute of the option. None takes back what can be
        unset (filters, proxies, PLAIN names). An option that acts only on later binds and
        connects warns (`LateOptionWarning`), once for this socket, when it already has endpoints.

        Raises `TypeError` for a wrong type, `InvalidArgument` for a wrong value, option or socket
        type, `NotSupported` for an option that this libzmq lacks, `SocketClosed`,
        `ContextTerminated`.
        """
        row = _row_of("setsockopt", option)
        if row is None:
            self._set_unlisted(option, optval)
            return
        if self._takes_text and isinstance(optval, str) and row.kind in TEXTUAL:
            optval = optval.encode("utf-8", "surrogateescape")
        value = check_value(row, optval, _SUBJECTS.get(self._type_number, "socket"))
        if row.acts_late and self.endpoints:
            self._warn_late(row)
        try:
            self._set_option(row.number, row.kind, value)
        except ZMQError as error:
            raise self._explained(error, row.number, "set") from None
        if row.number in _WSS:
            self._pem = {**getattr(self, "_pem", {}), row.number: value}

    def _emulated_descriptor(self) -> int:
        """Return a descriptor for a type that has none: readable when EVENTS may have changed."""
        if not hasattr(self, "_descriptor"):
            message = f"the descriptor of a {self._subject()} is emulated: read EVENTS each time"
            warnings.warn(message, DraftFDWarning, stacklevel=_level_outside())
            self._descriptor = core.ReadyFD(self)
        return int(self._descriptor.fileno())

    def close(self, linger: int | None = None) -> None:
        """Close the socket; closing twice is no error.

        `linger` is set first, in milliseconds: how long what is not sent yet may keep the context
        from ending. Does not block. Raises `ThreadMisuse` while another thread is inside the
        socket.
        """
        emulated = getattr(self, "_descriptor", None)
        if emulated is not None:
            del self._descriptor
            emulated.close()
        super().close(linger)

    # As in pyzmq, these are what this class does, also where a subclass overrides get and set.
    getsockopt = get
    setsockopt = set

    def get_string(self, option: int, encoding: str = "utf-8") -> str:
        """Return an option of text or bytes, decoded.

        Raises `ValueError` for an unknown option, `TypeError` for one that is a number.
        """
        row = _row_of("get_string", option)
        if row is None:
            raise ValueError(f"get_string(): {option!r:.80} is not the number of a socket option")
        if row.kind not in TEXTUAL:
            raise TypeError(f"{row.name} is a number, not text: use get()")
        text: bytes = self.get(option)
        return text.decode(encoding, "surrogateescape")

    def set_string(self, option: int, optval: str, encoding: str = "utf-8") -> None:
        """Set an option of text or bytes from a str. Raises `TypeError` for all but str."""
        if not isinstance(optval, str):
            raise TypeError(f"set_string() takes a str, not {type(optval).__name__}: use set()")
        self.set(option, optval.encode(encoding, "surrogateescape"))

    getsockopt_string = getsockopt_unicode = get_string
    setsockopt_string = setsockopt_unicode = set_string

    def get_hwm(self) -> int:
        """Return the high-water mark for sending; RCVHWM may differ."""
        return int(self.get(_SNDHWM))

    def set_hwm(self, value: int) -> None:
        """Set both high-water marks, SNDHWM and RCVHWM, in messages; 0 is no limit."""
        self.set(_SNDHWM, value)
        self.set(_RCVHWM, value)

    # -- refusals and warnings -------------------------------------------------------------------

    def _subject(self) -> str:
        """What errors call this socket."""
        return _SUBJECTS.get(self._type_number, "socket")

    def _explained(self, error: ZMQError, option: int, operation: str) -> ZMQError:
        row = _ROWS.get(option)
        return explain(
            error, option if row is None else row, operation, self._subject(), self._type_number
        )

    def _set_unlisted(self, option: Any, value: Any) -> None:
        """Set an option that the table does not list: HWM of libzmq 2, or a newer libzmq's int."""
        if option == _HWM:
            self.set_hwm(value)
            return
        if isinstance(option, str):
            raise _no_number("setsockopt", option)
        if not is_number(value):
            raise TypeError(f"option {option} is not in the table, so it takes an int")
        try:
            self._set_option(option, Kind.INT, value)
        except ZMQError as error:
            raise self._explained(error, option, "set") from None

    def _warn_of_seconds(self, timeout: float, operation: str = "poll") -> None:
        warn_of_seconds(timeout, operation)

    def _warn_late(self, row: Option) -> None:
        warned: frozenset[int] = getattr(self, "_late", frozenset())
        if row.number in warned:
            return
        self._late = warned | {row.number}
        warn_late(
            f"{row.name} was set after bind or connect, and the endpoints that exist keep the old "
            "value: set it first"
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make room for attributes that a subclass declares under the name of an option."""
        super().__init_subclass__(**kwargs)
        for name in _ATTRIBUTES.intersection(_annotated(cls)) - vars(cls).keys():
            setattr(cls, name, _Declared(name))

    # -- as attributes ---------------------------------------------------------------------------
    # `SocketOptions` has them in lower and upper case; here is what assignment adds: other
    # spellings, and the refusal of names that mean nothing. There is no `__getattr__`: a class
    # that has one makes each call of each method, `sock.send(...)` above all, 50 to 80 ns slower.
    # Python itself suggests the nearest name for one that does not exist. Hidden from checkers,
    # who see misspelt names best without this.

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if (
                name in _ATTRIBUTES
                or name.startswith("_")
                or declares(type(self), name)
                or name in self.__dict__  # last: see the class
            ):
                super().__setattr__(name, value)
                return
            row = find(name)
            if row is None:
                raise unknown(self, name)
            super().__setattr__(row.name, value)

        def __delattr__(self, name: str) -> None:
            if name in _ATTRIBUTES and name not in self.__dict__ and not _deletable(self, name):
                raise AttributeError(
                    f"the option {name} of a socket cannot be deleted: set it to what you want"
                )
            super().__delattr__(name)


def _deletable(owner: object, name: str) -> bool:
    """Whether a subclass has made an attribute of its own of an option's name."""
    for kind in type(owner).__mro__:
        if name in vars(kind):
            return hasattr(vars(kind)[name], "__delete__") and kind is not SocketOptions
    return False


def warn_late(message: str) -> None:
    """Issue a `LateOptionWarning` that points at the first line outside this package."""
    warnings.warn(message, LateOptionWarning, stacklevel=_level_outside())


def warn_of_seconds(timeout: float, operation: str = "poll") -> None:
    """Warn that a timeout in milliseconds was over at once: who writes 0.5 means seconds.

    What is left of a time limit may be as short; that has more digits than a person writes.
    """
    if round(timeout, 2) != timeout:
        return
    limit = f"{'' if operation == 'poll' else 'timeout='}{round(timeout * 1000)}"
    text = (
        f"{operation}() takes milliseconds, and {timeout:g} of them are over at once: "
        f"for {timeout:g} s write {operation}({limit})"
    )
    warnings.warn(text, UserWarning, stacklevel=_level_outside())


def _level_outside() -> int:
    """Return the `stacklevel` with which the caller's warning points outside the package."""
    level, frame = 0, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level


def _row_of(operation: str, option: Any) -> Option | None:
    try:
        return _ROWS.get(option)
    except TypeError:  # nothing that can be a key
        raise _no_number(operation, option) from None


def _no_number(operation: str, option: object) -> TypeError:
    name = str(option).upper()
    like = name if name in SOCKET_OPTIONS.by_name else "LINGER"
    return TypeError(
        f"{operation}() takes the number of an option, such as zmq.{like}, not {option!r}"
    )


class _Declared:
    """An attribute that a class declares without a value: what the object has, or the option."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return vars(SocketOptions)[self.name].__get__(owner, cls)


def note_fd_given(socket: SocketSettings) -> None:
    """Remember that others may watch FD; it is the same for the owner of a second handle."""
    socket._fd_given = True
    owner = socket._shadowed()
    if isinstance(owner, SocketSettings):
        owner._fd_given = True


def unknown(owner: object, name: str, more: Iterable[str] = ()) -> AttributeError:
    """Return (not raise) the error for an attribute that is none; `more` are known names beside
    those of a socket's options."""
    if name.startswith("_"):
        return AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")
    return SOCKET_OPTIONS.unknown(name, type(owner).__name__, more)


def declares(cls: type, name: str) -> bool:
    """Whether a class, or a base of it, defines or annotates an attribute."""
    return hasattr(cls, name) or any(name in _annotated(base) for base in cls.__mro__)


def _annotated(cls: type) -> Any:
    try:
        return getattr(cls, "__annotations__", ())
    except NameError:  # Python 3.14 evaluates them late, and one may name what only checkers see
        annotationlib: Any = import_module("annotationlib")
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
