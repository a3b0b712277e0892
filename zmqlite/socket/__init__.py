"""Socket: the one class that messages go through, of whatever type.

The compiled core sends and receives; `_serialize` converts, `options` knows the options; here
are birth, endpoints, waiting and monitoring.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from .._native import core
from .._native.address import address_of
from ..endpoint import Endpoint, check
from ..enums import Event, PollEvent, SocketType
from ..error import ZMQBindError, ZMQError
from ..security import check_pem, preflight
from ..security.hardening import require_zap
from .address_errors import (
    check_ports,
    hint_for,
    hint_for_ipv6,
    is_pair,
    misplaced,
    refuse_unreachable,
    taken,
)
from .requests import RequestSocket

__all__ = ["Socket"]

T = TypeVar("T")
_SocketT = TypeVar("_SocketT", bound="Socket[Any]")

_POLLIN, _POLLOUT = PollEvent.POLLIN.value, PollEvent.POLLOUT.value
_monitor_numbers = count(1)
_PORTS = (49152, 65536)
_SHOWN = 3  # endpoints in a repr


class Socket(RequestSocket, Generic[T]):
    """A ZeroMQ socket: zmq_socket(3). Made by `Context.socket()`, or by calling a type.

    It belongs to one thread at a time; handing it on is allowed, sharing it raises
    `ThreadMisuse` (the thread-safe draft types may be shared). Everything that waits obeys
    RCVTIMEO and SNDTIMEO and runs signal handlers.

    Options are attributes (`sock.linger = 0`), in milliseconds and with -1 for ever where they
    are times. As a context manager it closes; as an iterable it yields one received part after
    the other until it or its context is closed.

    `Socket(other)` and `shadow` give a second handle on a socket that has another owner.
    """

    _repr_cls = "zmqlite.Socket"
    __slots__ = ("_bound", "_resolved", "_zap_required")  # see SocketSettings
    _bound: list[str]  # the endpoints of bind
    _resolved: dict[str, str]  # those that were given by another name, by that
    _zap_required: bool
    _shadow: bool = False
    _shadow_obj: Any = None
    _monitor_socket: Any = None

    @overload
    def __init__(
        self,
        context: core.Context,
        socket_type: int,
        /,
        *,
        copy_threshold: int | None = None,
    ) -> None: ...
    @overload
    def __init__(self, socket: core.Socket, /, *, copy_threshold: int | None = None) -> None: ...
    @overload
    def __init__(
        self,
        ctx_or_socket: core.Context | None = None,
        socket_type: int = 0,
        *,
        shadow: Any = 0,
        copy_threshold: int | None = None,
    ) -> None: ...
    def __init__(
        self,
        ctx_or_socket: Any = None,
        socket_type: int = 0,
        *,
        shadow: Any = 0,
        copy_threshold: int | None = None,
    ) -> None:
        context: Any = ctx_or_socket
        if isinstance(context, core.Socket):
            context, shadow = None, context
        if not shadow:
            _check_context(context)
            super().__init__(context, socket_type, copy_threshold=copy_threshold)
            return
        if context is None:
            context = getattr(shadow, "context", None)  # an address tells nothing of its context
        super().__init__(
            cast("core.Context", context),
            socket_type,
            shadow=address_of(shadow),
            copy_threshold=copy_threshold,
        )
        self._shadow, self._shadow_obj = True, shadow  # keeps the owner alive

    @classmethod
    def shadow(cls: type[_SocketT], address: Any) -> _SocketT:
        """Return a handle on a socket that has an owner, which will close it.

        `address` is a Socket, the number `underlying` of one, or a cffi pointer. Closing the
        handle leaves the socket open; using it after the socket was closed is undefined.
        """
        return cls(shadow=address)

    def __copy__(self: _SocketT, memo: Any = None) -> _SocketT:
        """Return another handle on this socket, which does not close it."""
        return cast("_SocketT", self._own_class(self))

    __deepcopy__ = __copy__

    if TYPE_CHECKING:

        @property
        def context(self) -> Any:
            """The context that this socket lives in."""

    @property
    def socket_type(self) -> SocketType:
        """The older name of `type`."""
        return self.type

    def fileno(self) -> int:
        """Return the descriptor that turns readable when `events` may have changed: FD.

        It is no descriptor to read from, and it is edge-triggered: read `events` after each use of
        the socket, whatever used it, a `Poller` in another thread too. Only `stats` may be called
        by others at any time.
        """
        return self.fd

    # -- endpoints -------------------------------------------------------------------------------

    @overload
    def bind(self: _SocketT, addr: str | bytes) -> Endpoint[_SocketT]: ...  # type: ignore[overload-overlap]
    @overload
    def bind(self: _SocketT, addr: Iterable[str]) -> list[Endpoint[_SocketT]]: ...
    def bind(self, addr: Any, *more: Any) -> Any:
        """Accept connections at an address and return the endpoint: zmq_bind(3).

        The endpoint is a str in its resolved form, so `tcp://127.0.0.1:*` and `ipc://*` come back
        with the port or path that the system chose; in a `with` it unbinds at the end. A list of
        addresses gives a list of endpoints. Does not block, except to look up a host name.

        Raises `InvalidArgument` for an address that makes no sense and for CURVE without keys,
        `AddressInUse`, `AddressNotAvailable`, `PermissionDenied`, `IncompatibleProtocol`,
        `NotSupported` for a transport that this build lacks.
        """
        return self._add_endpoints("bind", addr, more)

    @overload
    def connect(self: _SocketT, addr: str | bytes) -> Endpoint[_SocketT]: ...  # type: ignore[overload-overlap]
    @overload
    def connect(self: _SocketT, addr: Iterable[str]) -> list[Endpoint[_SocketT]]: ...
    def connect(self, addr: Any, *more: Any) -> Any:
        """Connect to an address, now or as soon as it is bound: zmq_connect(3).

        Returns at once and keeps trying in the background; a monitor tells how it goes. Returns
        the endpoint, which disconnects at the end of a `with`. Raises what `bind` raises for
        addresses and keys.
        """
        return self._add_endpoints("connect", addr, more)

    def _add_endpoints(self, operation: str, addr: Any, more: tuple[Any, ...]) -> Any:
        if more:
            raise misplaced(operation, (addr, *more))
        if isinstance(addr, (str, bytes)) or not hasattr(addr, "__iter__"):
            return self._add_endpoint(operation, addr)
        if is_pair(addr):
            raise misplaced(operation, addr)
        given: Any = addr
        if isinstance(given, (core.Socket, dict)):  # to iterate over a socket would wait for it
            check(given, operation, self._subject())  # type: ignore[arg-type]
        addresses: list[Any] = list(addr)
        for one in addresses:  # all, before the first is in use
            check(one, operation, self._subject())
        return [self._add_endpoint(operation, one) for one in addresses]

    def _add_endpoint(self, operation: str, addr: Any) -> Endpoint[Any]:
        subject = self._subject()
        if self.closed:  # says so, whatever the address
            (self._bind if operation == "bind" else self._connect)("")
        address = str(check(addr, operation, subject))  # the core takes no subclasses
        if operation == "connect" and address.count(":") > 2:
            refuse_unreachable(self, address, subject)
        preflight(self, operation, address, subject)
        if address.startswith("wss:") and core.has("wss"):
            check_pem(operation, address, getattr(self, "_pem", {}))
        if operation == "bind" and getattr(self, "_zap_required", False):
            require_zap(self)
        try:
            resolved = (self._bind if operation == "bind" else self._connect)(address)
        except ZMQError as error:
            if error.errno == errno.EADDRINUSE:
                error.hint = taken(self, address)
            else:
                error.hint = hint_for(error.errno or 0, address, operation) or error.hint
                if error.errno in (errno.EINVAL, errno.ENODEV) and address.count(":") > 2:
                    error.hint = hint_for_ipv6(self, address) or error.hint
            raise
        self._note(operation, address, resolved)
        return Endpoint(resolved, self, operation)

    def _note(self, operation: str, address: str, resolved: str) -> None:
        """Remember an endpoint: by the name it was given, and whether it is bound."""
        known = getattr(self, "_resolved", None)
        if known:
            known.pop(address, None)  # an endpoint that is gone may have had that name
        if resolved != address:
            if known is None:
                known = self._resolved = {}
            known[address] = resolved
        if operation == "bind":
            if not hasattr(self, "_bound"):
                self._bound = []
            self._bound.append(resolved)

    def connect_peer(self, address: str | bytes) -> int:
        """Connect a PEER and return the routing id of the new peer: zmq_connect_peer(3), draft.

        The id goes into `send(..., routing_id=...)`. Raises what `connect` raises, and
        `NotSupported` on other types.
        """
        subject = self._subject()
        checked = str(check(address, "connect", subject))
        if not self.closed:
            preflight(self, "connect", checked, subject)
        return super().connect_peer(checked)

    def bind_to_random_port(
        self,
        addr: str,
        min_port: int = _PORTS[0],
        max_port: int = _PORTS[1],
        max_tries: int = 100,
    ) -> int:
        """Bind to a free port of `addr` (such as "tcp://127.0.0.1") and return the port.

        Without a range the system picks one; with one, ports of min_port <= port < max_port are
        tried at random. Raises `ZMQBindError` when `max_tries` of them were taken.
        """
        check_ports(addr, min_port, max_port, max_tries)
        if (min_port, max_port) == _PORTS:
            bound = self.bind(f"{addr}:*")
            return int(bound.rstrip("/").rpartition(":")[2])
        from random import randrange  # slow to load, and seldom needed

        for _ in range(max_tries):
            port = randrange(min_port, max_port)
            try:
                self.bind(f"{addr}:{port}")
            except ZMQError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
            else:
                return port
        raise ZMQBindError(
            f"no free port from {min_port} to {max_port - 1} of {addr} in {max_tries} tries"
        )

    def unbind(self, addr: str | bytes) -> None:
        """Stop accepting at an endpoint; connections that exist stay: zmq_unbind(3).

        `addr` is what `bind` was given or what it returned. Raises `AddressNotFound` for an
        endpoint that is not bound.
        """
        self._remove_endpoint("unbind", addr)

    def disconnect(self, addr: str | bytes) -> None:
        """Disconnect from an endpoint, as soon as what is queued for it may go: zmq_disconnect(3).

        `addr` is what `connect` was given or what it returned. Raises `AddressNotFound` for an
        endpoint that is not connected.
        """
        self._remove_endpoint("disconnect", addr)

    def _remove_endpoint(self, operation: str, addr: Any) -> None:
        address = str(check(addr, operation, self._subject()))
        known = getattr(self, "_resolved", {})
        target = known.get(address, address)
        detach = self._unbind if operation == "unbind" else self._disconnect
        detach(target)
        for name in [name for name, resolved in known.items() if resolved == target]:
            del known[name]
        bound: list[str] = getattr(self, "_bound", [])
        if operation == "unbind" and target in bound:
            bound.remove(target)

    # -- waiting ---------------------------------------------------------------------------------

    def poll(self, timeout: float | None = None, flags: int = _POLLIN) -> int:
        """Wait until the socket is ready and return which of the events in `flags` it has.

        `timeout` is in milliseconds; None or a negative number waits for ever. Returns 0 when
        the time runs out, and warns of a time below 1, which means seconds. Raises
        `SocketClosed`, `ContextTerminated`.
        """
        found = self._poll_events(flags, -1 if timeout is None else timeout)
        if not found and timeout and 0 < float(timeout) < 1:
            self._warn_of_seconds(float(timeout))
        return found

    def readable(self) -> bool:
        """Tell whether a message can be received now, without waiting."""
        return bool(self._poll_events(_POLLIN, 0))

    def writable(self) -> bool:
        """Tell whether a message can be sent now, without waiting."""
        return bool(self._poll_events(_POLLOUT, 0))

    # -- monitoring ------------------------------------------------------------------------------

    def monitor(
        self,
        addr: str | None,
        events: int = Event.ALL,
        version: int = 1,
        socket_type: int = SocketType.PAIR,
    ) -> None:
        """Publish what happens to the connections on an inproc address: zmq_socket_monitor(3).

        The publishing socket is a PAIR; with `version=2` (draft), which has more detail, it may
        be a PUB or PUSH. None as the address stops. `monitor.parse_monitor_message` reads what
        arrives. Nothing is reported about inproc connections.
        """
        self._take_monitor(addr)
        self._monitor(addr, events, version, socket_type)

    def get_monitor_socket(
        self: _SocketT, events: int | None = None, addr: str | None = None
    ) -> _SocketT:
        """Return a connected PAIR that receives the monitor's messages.

        The same one at each call until it is closed; closing it is up to the caller. `events`
        limits what is reported, `addr` is the inproc address to go through.
        """
        found: _SocketT | None = self._monitor_socket
        if found is not None and not found.closed:
            return found
        if addr is None:
            addr = f"inproc://monitor.s-{self.underlying:x}-{next(_monitor_numbers)}"
        self.monitor(addr, Event.ALL if events is None else events)
        receiver: _SocketT = self.context.socket(SocketType.PAIR)
        try:
            receiver.connect(addr)
        except BaseException:
            receiver.close(0)
            raise
        self._monitor_socket = receiver
        return receiver

    def disable_monitor(self) -> None:
        """Stop the monitor; its socket receives MONITOR_STOPPED and is then of no more use."""
        self._monitor_socket = None
        self.monitor(None, 0)

    # -- the rest --------------------------------------------------------------------------------

    def __enter__(self: _SocketT) -> _SocketT:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        own = type(self).__dict__.get("_repr_cls")
        name = own or f"{type(self).__module__}.{type(self).__qualname__}"
        try:
            kind = f"zmq.{SocketType(self._type_number).name}"
        except ValueError:
            kind = str(self._type_number)
        known = self.endpoints
        where = f" {', '.join(known[:_SHOWN])}{', ...' * (len(known) > _SHOWN)}" if known else ""
        return f"<{name}({kind}){where} at {id(self):#x}{' closed' * self.closed}>"


def _check_context(context: object) -> None:
    if context is not None and not isinstance(context, core.Context):
        raise TypeError(
            "a socket is made in a context: Socket(context, socket_type), or "
            f"context.socket(socket_type); {context!r:.80} is no context"
        )
