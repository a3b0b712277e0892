"""Context: where sockets live, with the options that they are born with."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from . import options
from ._address import address_of
from ._native import core
from ._option_attributes import ContextOptions
from ._settings import declares
from .enums import ContextOption, SocketOption, SocketType, set_socket_factory
from .error import InvalidArgument, ZMQError
from .socket import Socket

__all__ = ["Context"]

# Any, not Socket: sockets of event loops and users' own classes are welcome too.
SocketT = TypeVar("SocketT", bound=Any)
_OtherT = TypeVar("_OtherT")
_ContextT = TypeVar("_ContextT", bound="Context[Any]")

_instance_lock = threading.Lock()
_NAME_PREFIX = ContextOption.THREAD_NAME_PREFIX.value
# Set after all others, since the others prepare them; `bind` and `connect` come last of all.
_LATER = frozenset(
    option.name.lower()
    for option in (
        SocketOption.ROUTING_ID,
        SocketOption.SUBSCRIBE,
        SocketOption.UNSUBSCRIBE,
        SocketOption.CURVE_PUBLICKEY,
        SocketOption.CURVE_SECRETKEY,
        SocketOption.CURVE_SERVERKEY,
    )
)


class Context(ContextOptions, core.Context, Generic[SocketT]):
    """The I/O threads and limits that sockets share: zmq_ctx_new(3). One is enough for a program.

    Safe to use from every thread. `io_threads` (0 is enough for inproc alone) and `max_sockets`
    act before the first socket is made. A context, or the address of one, as first argument or
    as `shadow` gives a second handle on it, which does not end it.

    Context options are attributes (`ctx.io_threads`); socket options are attributes too and
    become the defaults of sockets made later (`ctx.linger = 0`). As a context manager it ends
    with `destroy()`, and warns (ResourceWarning) of sockets that were left open.
    """

    sockopts: dict[int, Any]
    """Option number -> value: what `socket()` sets on each new socket."""

    _socket_class: Callable[..., Any] = Socket
    _repr_cls = "zmqlite.Context"
    _instance: ClassVar[Any] = None
    _instance_pid: ClassVar[int | None] = None
    _shadow: bool = False
    _shadow_obj: Any = None

    @overload
    def __init__(
        self: Context[Socket[bytes]],
        io_threads: int = 1,
        shadow: int = 0,
        *,
        max_sockets: int | None = None,
    ) -> None: ...
    @overload
    def __init__(self: Context[Socket[bytes]], io_threads: core.Context, /) -> None: ...
    @overload
    def __init__(self: Context[Socket[bytes]], *, shadow: core.Context) -> None: ...
    @overload
    def __init__(
        self, io_threads: Any = 1, shadow: Any = 0, *, max_sockets: int | None = None
    ) -> None: ...
    def __init__(
        self, io_threads: Any = 1, shadow: Any = 0, *, max_sockets: int | None = None
    ) -> None:
        if isinstance(io_threads, core.Context):
            io_threads, shadow = 1, io_threads
        self.sockopts = {}
        if shadow:
            self._shadow, self._shadow_obj = True, shadow
            super().__init__(io_threads, address_of(shadow))
            return
        super().__init__(io_threads)
        if max_sockets is not None:
            self.set(ContextOption.MAX_SOCKETS, max_sockets)

    # -- sockets ---------------------------------------------------------------------------------

    @overload
    def socket(
        self,
        socket_type: int | str,
        socket_class: Callable[..., _OtherT],
        *,
        bind: str | Iterable[str] | None = None,
        connect: str | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> _OtherT: ...
    @overload
    def socket(
        self,
        socket_type: int | str,
        socket_class: None = None,
        *,
        bind: str | Iterable[str] | None = None,
        connect: str | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> SocketT: ...
    def socket(
        self,
        socket_type: int | str,
        socket_class: Callable[..., Any] | None = None,
        *,
        bind: str | Iterable[str] | None = None,
        connect: str | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Make a socket, set its options, then bind and connect it. Nothing blocks.

        `socket_type` is a number, a `SocketType` or its name. Keywords are socket options by
        name, in any case (`linger=0`, `subscribe=["a", "b"]`, `hwm=10`); what `socket_class`
        takes itself is passed to it, and so is every unknown name when that class is not
        `Socket`. `bind` and `connect` take one endpoint or several. If any step fails, the
        socket is closed before the exception leaves.

        Raises `TypeError` for an unknown keyword, `InvalidArgument` for an unknown type,
        `NotSupported` on a closed context, and what the options and endpoints raise.
        """
        make = socket_class or self._socket_class
        if isinstance(socket_type, str):
            socket_type = _type_named(socket_type)
        if not kwargs:
            socket = make(self, socket_type)
            settings: list[tuple[str, Any]] = []
        else:
            settings, own = _sort_keywords(make, kwargs)
            socket = make(self, socket_type, **own)
        try:
            for number, value in self.sockopts.items():
                with suppress(ZMQError):  # a default may not suit every type of socket
                    socket.setsockopt(number, value)
            for name, value in settings:
                _set_by_name(socket, name, value)
            if bind is not None:
                socket.bind(bind)
            if connect is not None:
                socket.connect(connect)
        except BaseException:
            socket.close(0)
            raise
        return socket

    # -- the end ---------------------------------------------------------------------------------

    def terminate(self, timeout: float | None = None) -> None:
        """Do the same as `term`."""
        self.term(timeout)

    def close(self, timeout: float | None = None) -> None:
        """Do the same as `term`."""
        self.term(timeout)

    def __enter__(self: _ContextT) -> _ContextT:
        return self

    def __exit__(self, kind: Any, *exc: object) -> None:
        if kind is None:  # what an exception leaves open is no news
            for socket in self.sockets():
                message = f"Destroying context with unclosed socket {socket!r}"
                warnings.warn(message, ResourceWarning, stacklevel=2, source=socket)
        self.destroy()

    # -- other handles on the same context -------------------------------------------------------

    @classmethod
    def instance(cls: type[_ContextT], io_threads: int = 1) -> _ContextT:
        """Return the default context of this class, the same one for the whole process.

        Makes it at the first call, and again when it was closed and in the child of a fork. Safe
        to call from every thread; `io_threads` matters to the call that makes it.
        """
        # Looked up in this class alone: a subclass has an instance of its own.
        found: _ContextT | None = cls.__dict__.get("_instance")
        if found is not None and not found.closed and cls._instance_pid == os.getpid():
            return found
        with _instance_lock:
            found = cls.__dict__.get("_instance")
            if found is None or found.closed or cls._instance_pid != os.getpid():
                found = cls(io_threads)
                cls._instance_pid = os.getpid()
                cls._instance = found
            return found

    @classmethod
    def shadow(cls: type[_ContextT], address: Any) -> _ContextT:
        """Return a handle on a context that somebody else made and will end.

        `address` is a Context, the number `underlying` of one, or a cffi pointer. The handle
        ends nothing: its `term` only closes the handle.
        """
        return cls(shadow=address)

    @classmethod
    def shadow_pyczmq(cls: type[_ContextT], ctx: Any) -> _ContextT:
        """Return a handle on a context of the pyczmq package."""
        pyczmq: Any = import_module("pyczmq")
        return cls(shadow=pyczmq.zctx.underlying(ctx))

    def __copy__(self: _ContextT, memo: Any = None) -> _ContextT:
        """Return another handle on this context, which does not end it."""
        other = type(self).shadow(self)
        other.sockopts.update(self.sockopts)
        return other

    __deepcopy__ = __copy__

    # -- options ---------------------------------------------------------------------------------

    def get(self, option: int) -> Any:
        """Return a context option: zmq_ctx_get(3). RuntimeError when closed.

        An int; bytes for a THREAD_NAME_PREFIX that is not a number.
        """
        if option == _NAME_PREFIX and core.DRAFT_API:
            text = self._get_text(option).partition(b"\0")[0]
            return int(text) if text.isdigit() else text or 0
        return super().get(option)

    def set(self, option: int, optval: int | str | bytes) -> None:
        """Set a context option: zmq_ctx_set(3). RuntimeError when closed.

        THREAD_NAME_PREFIX also takes text (at most 16 bytes; needs a build with drafts).
        """
        if isinstance(optval, str):
            optval = optval.encode()
        if isinstance(optval, bytes):
            self._set_text(option, optval)
        else:
            super().set(option, optval)

    def setsockopt(self, opt: int, value: Any) -> None:
        """Set the default of a socket option for sockets made later; wrong ones show up then."""
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """Return the default of a socket option; KeyError if none was set."""
        return self.sockopts[opt]

    # `ContextOptions` has the attributes of context options; here are those of socket options.
    # Hidden from checkers, who see misspelt names best without these.

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            row = None if name.startswith("_") else options.CONTEXT_OPTIONS.find(name)
            if row is not None:  # another spelling, or one that raised and says once more why
                return getattr(type(self), row.name).__get__(self, type(self))
            number = _socket_option(name)
            if number is None:
                raise _unknown(self, name)
            if number not in self.sockopts:
                raise AttributeError(f"no default was set for the socket option {name.upper()}")
            return self.sockopts[number]

        def __setattr__(self, name: str, value: Any) -> None:
            if name in self.__dict__ or name.startswith("_") or declares(type(self), name):
                super().__setattr__(name, value)
                return
            row = options.CONTEXT_OPTIONS.find(name)
            if row is not None:
                super().__setattr__(row.name, value)
                return
            number = _socket_option(name)
            if number is None:
                raise _unknown(self, name)
            self.sockopts[number] = value

        def __delattr__(self, name: str) -> None:
            number = None if name in self.__dict__ else _socket_option(name)
            if number is None:
                super().__delattr__(name)
            elif self.sockopts.pop(number, self) is self:
                raise AttributeError(f"no default was set for the socket option {name.upper()}")

    def __repr__(self) -> str:
        own = type(self).__dict__.get("_repr_cls")
        name = own or f"{type(self).__module__}.{type(self).__qualname__}"
        count = len(self.sockets())
        sockets = f"{count} socket{'s' * (count != 1)}" if count else ""
        return f"<{name}({sockets}) at {id(self):#x}{' closed' * self.closed}>"


def _type_named(name: str) -> SocketType:
    try:
        return SocketType[name.upper()]
    except KeyError:
        from difflib import get_close_matches  # only the failure branch pays for it

        near = get_close_matches(name.upper(), SocketType.__members__, n=1)
        hint = f"did you mean {near[0]}?" if near else "see SocketType for all of them"
        problem = f"no socket type is called {name!r}"
        raise InvalidArgument.during("socket", "Context", hint, text=problem) from None


def _unknown(owner: object, name: str) -> AttributeError:
    if name.startswith("_"):
        return AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}")
    # Far more names are socket options: their table knows the nearest one best.
    return options.SOCKET_OPTIONS.unknown(name, type(owner).__name__)


def _socket_option(name: str) -> int | None:
    """Return the number of the socket option of that name, HWM of libzmq 2 included."""
    row = options.find(name)
    if row is not None:
        return row.number
    return SocketOption.HWM.value if name.upper() == "HWM" else None


def _sort_keywords(
    make: Callable[..., Any], keywords: dict[str, Any]
) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """Part keywords into options to set, in order, and arguments of the socket class."""
    taken = _arguments(make)
    settings: list[tuple[str, Any]] = []
    own: dict[str, Any] = {}
    for name, value in keywords.items():
        number = None if name in taken else _socket_option(name)
        if number is not None:
            row = options.find(number)
            settings.append((row.name.lower() if row else "hwm", value))
        elif name in taken or make is not Socket:
            own[name] = value
        else:
            near = options.nearest(name)
            hint = f"; did you mean {near}?" if near else ""
            raise TypeError(f"{name!r} is no socket option{hint}")
    settings.sort(key=lambda setting: setting[0] in _LATER)
    return settings, own


def _arguments(make: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names that a socket class, or a function that makes sockets, declares."""
    code = getattr(getattr(make, "__init__", make), "__code__", None)
    code = code or getattr(make, "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


def _set_by_name(socket: Any, name: str, value: Any) -> None:
    """Set an option through its attribute; the topics of SUBSCRIBE may come as a list."""
    if name in ("subscribe", "unsubscribe") and not isinstance(value, (str, bytes)):
        for topic in value:
            setattr(socket, name, topic)
    else:
        setattr(socket, name, value)


def _make_socket(
    socket_type: SocketType, *, context: Context[Any] | None = None, **kwargs: Any
) -> Any:
    """Serve `zmq.REQ(...)`; see `SocketType.__call__`."""
    home = Context.instance() if context is None else context  # pyright: ignore[reportUnknownVariableType]
    return home.socket(socket_type, **kwargs)


set_socket_factory(_make_socket)
