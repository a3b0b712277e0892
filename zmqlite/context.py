"""Context: where sockets live, with the options that they are born with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from ._native import core
from ._native.address import address_of
from ._threads import first_use_lock
from .enums import ContextOption, SocketOption, SocketType, set_socket_factory
from .error import ZMQError
from .options.check import check_value, is_number
from .options.context import ContextSettings
from .options.keywords import set_by_name, sort_keywords, type_named
from .options.overflow import set_overflow
from .options.rows import TEXTUAL
from .options.table import CONTEXT_OPTIONS, SOCKET_OPTIONS
from .security.hardening import HARDENED
from .socket import Socket
from .socket.stats import SocketStats, rows_of_context, summed

__all__ = ["Context"]

if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar  # for `default`, which typing has from 3.13

    # Not bound to Socket: those of event loops and users' own classes are welcome too.
    SocketT = _TypeVar("SocketT", default=Socket[bytes])
else:
    SocketT = TypeVar("SocketT")

_OtherT = TypeVar("_OtherT")
_ContextT = TypeVar("_ContextT", bound="Context[Any]")

_IO_THREADS = CONTEXT_OPTIONS.by_name["IO_THREADS"]


def _patience_of_environment() -> float:
    text = os.environ.get("ZMQLITE_EXIT_PATIENCE", "3")
    try:
        return core.check_patience(float(text))
    except ValueError:
        message = f"ZMQLITE_EXIT_PATIENCE is a number of seconds, not {text!r}: 3 is used"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return 3.0


class Context(ContextSettings, Generic[SocketT]):
    """The I/O threads and limits that sockets share: zmq_ctx_new(3). One is enough for a program.

    Safe to use from every thread. `io_threads` (0 is enough for inproc alone) and `max_sockets`
    act before the first socket is made. A context, or the address of one, as first argument or
    as `shadow` gives a second handle on it, which does not end it.

    Context options are attributes (`ctx.io_threads`); socket options are attributes too and
    become the defaults of sockets made later (`ctx.linger = 0`). As a context manager it ends
    with `destroy()`, and warns (ResourceWarning) of sockets that were left open.

    `exit_patience`, of one context or of the class, is for how many seconds the exit of the
    program waits for messages that do not move; see docs/safety.md.
    """

    _socket_class: Callable[..., Any] = Socket
    _repr_cls = "zmqlite.Context"
    _instance: ClassVar[Any] = None
    _instance_pid: ClassVar[int | None] = None
    _shadow: bool = False
    _shadow_obj: Any = None
    _zap_required: bool = False
    exit_patience: float = _patience_of_environment()
    """For how many seconds the exit of the program waits for messages that do not move, where it
    set no linger. 0: it waits for no message; below 0: for ever. From `ZMQLITE_EXIT_PATIENCE`, 3
    without it. What is no number raises, for one context when it is set, and for the class when
    the next context is made."""

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
        if not is_number(io_threads):
            raise TypeError(f"io_threads is a number of threads, not {io_threads!r}")
        io_threads = check_value(_IO_THREADS, io_threads, "Context")
        core.check_patience(self.exit_patience)
        if shadow:
            super().__init__(io_threads, address_of(shadow))
            self._shadow, self._shadow_obj, self.sockopts = True, shadow, {}
            return
        super().__init__(io_threads)
        self.sockopts = {}
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
        takes itself is passed to it, and so is every unknown name when that class takes
        any. `harden=True` gives this socket what `harden()` gives all;
        `overflow` is what it does with a message that has no room: "block", "drop_newest" or
        "latest". `bind` and `connect` take one endpoint or several. If any step fails, the socket
        is closed before the exception leaves.

        Raises `TypeError` for an unknown keyword, `InvalidArgument` for an unknown type,
        `ContextTerminated` for a closed context, `NotSupported` for
        an `overflow` that this type cannot have, and what the options and endpoints raise.
        """
        make = socket_class or self._socket_class
        if isinstance(socket_type, str):
            socket_type = type_named(socket_type)
        elif not is_number(socket_type):
            raise TypeError(
                f"socket() takes a type of sockets, such as zmq.REQ, not {socket_type!r:.80}"
            )
        harden = kwargs.pop("harden", False) if kwargs else False
        overflow = kwargs.pop("overflow", None) if kwargs else None
        if not kwargs:
            socket = make(self, socket_type)
            settings: list[tuple[str, Any]] = []
        else:
            settings, own = sort_keywords(make, make is Socket, kwargs)
            socket = make(self, socket_type, **own)
        try:
            if harden:
                for row in HARDENED:
                    socket.setsockopt(row.option, row.value)
            if harden or self._zap_required:
                socket._zap_required = True
            for number, value in self.sockopts.copy().items():  # threads may set others
                with suppress(ZMQError):  # a default may not suit every type of socket
                    socket.setsockopt(number, value)
            for name, value in settings:
                set_by_name(socket, name, value)
            if overflow is not None:
                set_overflow(socket, overflow)
            if bind is not None:
                socket.bind(bind)
            if connect is not None:
                socket.connect(connect)
        except BaseException:
            socket.close(0)
            raise
        return socket

    def harden(self: _ContextT, *, zap: bool = True, **limits: int) -> _ContextT:
        """Make sockets that are made later fit to face strangers, and return the context.

        Sets the defaults that `HARDENED` in security/hardening.py lists, with reasons; `limits`
        replace single ones by name (`maxmsgsize=1 << 24`), and what a socket is given itself goes
        before. With `zap`, every peer that connects to an address that such a socket binds must be
        let in by a ZAP handler of this context (see `zmqlite.auth`): without one, nobody is.
        Sockets that exist stay as they are. `socket(..., harden=True)` does all of it for one
        socket.

        Raises `TypeError` for an unknown name. docs/hardening.md says what it does not promise.
        """
        settings, _ = sort_keywords(Socket, True, limits)
        for name, value in settings:  # here: a wrong one would show up with each socket
            row = SOCKET_OPTIONS.by_name.get(name.upper())
            if row is not None and row.kind not in TEXTUAL:
                check_value(row, value, "Context")
        for default in HARDENED:
            self.sockopts[default.option] = default.value
        for name, value in settings:
            self.sockopts[SocketOption[name.upper()]] = value
        self._zap_required = zap
        return self

    def stats(self) -> SocketStats:
        """Return what all sockets of this context have counted, those that are closed included.

        May be called from any thread, whatever others do with the sockets. What is still on its
        way from sockets that were closed is in `unsent`. zmqlite's own sockets count, too, such as
        those of `monitor_events`. `metrics` gives the same by type and endpoint.

        Raises `NotSupported` with a libzmq that zmqlite did not build, `ContextTerminated` while
        the context ends.
        """
        return summed(rows_of_context(self))

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
        self._warn_of_open(kind)
        self.destroy()

    def _warn_of_open(self, kind: Any) -> None:
        """At the end of a `with`, for its caller: what an exception leaves open is no news."""
        for socket in self.sockets() if kind is None else ():
            message = f"Destroying context with unclosed socket {socket!r}"
            warnings.warn(message, ResourceWarning, stacklevel=3, source=socket)

    # -- other handles on the same context -------------------------------------------------------

    @classmethod
    def instance(cls: type[_ContextT], io_threads: int = 1) -> _ContextT:
        """Return the default context of this class, the same one for the whole process.

        Makes it at the first call, and again when it was closed and in the child of a fork. Safe
        to call from every thread; `io_threads` matters to the call that makes it.
        """
        found = cls._usable_instance()
        if found is not None:
            return found
        with first_use_lock:
            found = cls._usable_instance()
            if found is not None:
                return found
            made = cls(io_threads)
            found = cls._usable_instance()  # which a signal handler or __init__ has made
            if found is not None:
                made.destroy()
                return found
            here = os.getpid()
            cls._instance = made
            cls._instance_pid = here
            return made

    @classmethod
    def _usable_instance(cls: type[_ContextT]) -> _ContextT | None:
        # The process is read first and written last: with its number comes an instance of its own.
        if cls._instance_pid != os.getpid():
            return None
        # Looked up in this class alone: a subclass has an instance of its own.
        found: _ContextT | None = cls.__dict__.get("_instance")
        return None if found is None or found.closed else found

    @classmethod
    def shadow(cls: type[_ContextT], address: Any) -> _ContextT:
        """Return a handle on a context that has an owner, which will end it.

        `address` is a Context, the number `underlying` of one, or a cffi pointer. The handle
        ends nothing: its `term` only closes the handle. With a context of zmqlite's that ends, it
        is closed as well.
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

    def __repr__(self) -> str:
        own = type(self).__dict__.get("_repr_cls")
        name = own or f"{type(self).__module__}.{type(self).__qualname__}"
        count = len(self.sockets())
        sockets = f"{count} socket{'s' * (count != 1)}" if count else ""
        return f"<{name}({sockets}) at {id(self):#x}{' closed' * self.closed}>"


def check_context(name: str, context: object) -> None:
    """Refuse what is no context, or the class of one, where a socket is to be made."""
    if isinstance(context, type) or not hasattr(context, "socket"):
        raise TypeError(
            f"{name}(context=...) takes a context, such as zmq.Context(), not {context!r:.80}"
        )


def _make_socket(
    socket_type: SocketType, *, context: Context[Any] | None = None, **kwargs: Any
) -> Any:
    """Serve `zmq.REQ(...)`; see `SocketType.__call__`."""
    home: Context[Any] = Context.instance() if context is None else context
    check_context(socket_type.name, home)
    return home.socket(socket_type, **kwargs)


set_socket_factory(_make_socket)
