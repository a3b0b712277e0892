"""What is wrong with an address that `bind` or `connect` cannot use, and the next step."""

from __future__ import annotations

import errno as _errno
from typing import Any

from .._build import LIBZMQ_PATCHES, LIBZMQ_VERSION
from .._native import core
from ..endpoint import TRANSPORTS
from ..enums import Errno, SocketOption
from ..error import InvalidArgument
from ..options.check import is_number
from ..options.rows import Kind

__all__ = [
    "check_ports",
    "hint_for",
    "hint_for_ipv6",
    "is_pair",
    "misplaced",
    "refuse_unreachable",
    "taken",
    "transports",
]

_BINDS_NAMES = "bind-names.patch" in LIBZMQ_PATCHES or LIBZMQ_VERSION >= (4, 3, 5)


def transports() -> list[str]:
    """Return the transports that this libzmq has, the everyday ones first."""
    always, by_another_name = {"tcp", "inproc", "udp"}, {"epgm": "pgm"}
    return [
        name for name in TRANSPORTS
        if name in always or core.has(by_another_name.get(name, name))
    ]  # fmt: skip


def hint_for(errno: int, address: str, operation: str) -> str:
    """Return the next step after libzmq refused an address that `check` let through, or ""."""
    transport, _, rest = address.partition("://")
    if errno == _errno.ENODEV and operation == "bind":
        if _BINDS_NAMES:
            return (
                "bind takes an address, an interface or a name of this machine, or *; "
                "IPv6 only with ipv6=1"
            )
        return (
            "bind takes an address or an interface of this machine, or *; IPv6 only with ipv6=1; "
            "names of machines not with this libzmq"
        )
    if errno == _errno.ENOENT:
        if operation in ("unbind", "disconnect"):
            return f"it is not in use; {operation} takes what the other call returned"
        directory = rest.rpartition("/")[0] or "."
        return f"the directory {directory} must exist" if transport == "ipc" else ""
    if errno == Errno.EADDRINUSE and transport == "ipc":
        if rest.startswith("@"):
            return "a socket is bound to that name: choose another"
        return "a file that is no socket has that name: choose another path, or remove it"
    if errno == Errno.EPROTONOSUPPORT:
        if transport in TRANSPORTS:
            return f"this libzmq was built without {transport}"
        return f"transports are {', '.join(transports())}"
    if errno == Errno.ENOCOMPATPROTO:
        return {
            "udp": "RADIO connects over udp, DISH binds, DGRAM binds",
            **dict.fromkeys(("pgm", "epgm", "norm"), "multicast carries PUB, SUB, XPUB and XSUB"),
        }.get(transport, "")
    if errno == Errno.EINVAL:
        if transport in ("pgm", "epgm"):
            return "give the interface by its IP address, not by its name"
        if transport in ("tcp", "ws", "wss") and operation == "connect":
            return "a host is an address, or a name of letters, digits, - and ."
        if transport == "udp" and operation == "connect":
            return "a host is an address, or a name that can be looked up"
    return _STEPS.get(errno, "")


_STEPS = {
    Errno.EADDRINUSE.value: "a socket is bound there: choose another port, or * for a free one",
    Errno.EADDRNOTAVAIL.value: "bind takes an address of this machine, or * for all of them",
    _errno.EACCES: "choose a port above 1023, or a path you may write",
    Errno.EMTHREAD.value: "the context has io_threads=0, which serves inproc only",
    Errno.ECONNREFUSED.value: "no socket is bound there in this context",
    Errno.EAFNOSUPPORT.value: "the system lacks this protocol; its kernel module may be missing",
}


_IPV6, _SOCKS_PROXY = SocketOption.IPV6.value, SocketOption.SOCKS_PROXY.value
_IN_USE = Errno.EADDRINUSE.value
_BY_PORT = ("tcp", "ws", "wss", "udp")
_EVERYWHERE = ("*", "0.0.0.0", "[::]", "::")
_CHOICES = {
    "inproc": "choose another name",
    "ipc": "choose another path, or ipc://* for a free one",
    "udp": "choose another port",
    **dict.fromkeys(("tcp", "ws", "wss"), "choose another port, or * for a free one"),
}


def is_pair(given: Any) -> bool:
    """Whether this is host and port, come apart."""
    return (
        given.__class__ is tuple
        and len(given) == 2
        and isinstance(given[0], str)
        and (isinstance(given[1], int) or (isinstance(given[1], str) and given[1].isdecimal()))
    )


def misplaced(operation: str, given: tuple[Any, ...]) -> TypeError:
    """Return the error for host and port in place of an address, or for too many addresses."""
    if not is_pair(given):
        return TypeError(
            f"{operation}() takes one address, or a list of them, not {len(given)} arguments"
        )
    host: str = given[0]
    if ":" in host and "//" not in host and host[:1] != "[":
        host = f"[{host}]"
    address = f"{host}:{given[1]}" if "://" in host else f"tcp://{host}:{given[1]}"
    return TypeError(
        f"{operation}() takes an address as one text, not host and port: write {address}"
    )


def refuse_unreachable(socket: core.Socket, address: str, subject: str = "") -> None:
    """Refuse to connect to an IPv6 address that libzmq would try for ever without a word.

    Raises `InvalidArgument` when IPv6 is off, when a link-local address names no interface, and
    for an interface that is not there. Names are resolved later, and so is what a proxy is told.
    """
    if address.startswith("udp:") or socket._get_option(_SOCKS_PROXY, Kind.STRING):
        return
    problem, hint = _wrong_with_ipv6(socket, address)
    if problem:
        raise InvalidArgument.during(f"connect({address!r})", subject, hint, text=problem)


def hint_for_ipv6(socket: core.Socket, address: str) -> str:
    """Return what is wrong with a refused IPv6 address, and the next step, or ""."""
    return "; ".join(filter(None, _wrong_with_ipv6(socket, address)))


def _wrong_with_ipv6(socket: core.Socket, address: str) -> tuple[str, str]:
    """Return what is wrong, "" for nothing or for an address of another kind, and what to do."""
    transport, _, rest = address.partition("://")
    if transport not in _BY_PORT:
        return "", ""
    target = rest.partition("/")[0] if transport in ("ws", "wss") else rest.rpartition(";")[2]
    host, _, port = target.rpartition(":")
    if ":" not in host:
        return "", ""
    number, percent, zone = host.strip("[]").partition("%")
    if not socket._get_option(_IPV6, Kind.INT):
        return "IPv6 is off on this socket", "set ipv6 = 1 before"
    found = _ipv6_problem(number, percent, zone)
    if len(found) == 1:
        return found[0], f"write {transport}://[::1]:{port}"
    return (found[0], found[1]) if found else ("", "")


def _ipv6_problem(number: str, percent: str, zone: str) -> tuple[str, ...]:
    """Return what is wrong with an IPv6 address and what to do, () for nothing."""
    try:
        import socket  # slow to load, and needed for these addresses alone
    except OSError:  # no descriptor for the module's file: nothing can be said
        return ()
    try:
        octets = socket.inet_pton(socket.AF_INET6, number)
    except OSError:
        return (f"{number!r} is no IPv6 address",)
    if not percent and (octets[0] != 0xFE or octets[1] & 0xC0 != 0x80):
        return ()
    try:
        names = [name for _, name in socket.if_nameindex()]
    except OSError:
        return ()
    if not percent:
        outer = next((name for name in names if name != "lo"), "eth0")
        problem = "a link-local address needs the interface that it is behind"
        return problem, f"write [{number}%{outer}], or what the interface is called"
    try:
        if zone[:1].isalpha():
            socket.if_nametoindex(zone)
        else:
            socket.if_indextoname(int(zone))
    except (OSError, ValueError, OverflowError):
        problem = f"no interface of this machine is called {zone!r}"
        return problem, f"its interfaces: {', '.join(names)}"
    return ()


def taken(socket: Any, address: str) -> str:
    """Return the next step after an address was found in use: by whom, if that can be told."""
    transport = address.partition("://")[0]
    choice = _CHOICES.get(transport, "choose another address")
    if address.startswith("inproc://zeromq.zap."):
        return "this context has an authenticator (a ZAP handler) already: stop that one first"
    if transport == "ipc" and not address.startswith("ipc://@"):
        return hint_for(_IN_USE, address, "bind")
    if _holds(socket, address):
        return f"this socket is bound there already: once is enough, or {choice}"
    kind: Any = (
        core.Socket
    )  # whose attribute, unlike the guest room's, is the context that it is in
    home: core.Context = kind.context.__get__(socket)
    for other in home.sockets():
        if _holds(other, address):
            name = getattr(other, "_subject", lambda: "socket")()
            return f"a {name} of this context is bound there: {choice}"
    for name, bound in home._closed_lately():
        if any(_conflict(one, address) for one in bound):
            return (
                f"a {name} that was bound there has just been closed, and ends in the background: "
                f"wait a moment, or {choice}"
            )
    return f"another socket is bound there: {choice}"


def _holds(socket: Any, address: str) -> bool:
    return any(_conflict(bound, address) for bound in getattr(socket, "_bound", ()))


def _conflict(bound: str, address: str) -> bool:
    """Whether one address is in the way of another."""
    if bound == address:
        return True
    (transport, host, port), (other, other_host, other_port) = _parts(bound), _parts(address)
    if transport not in _BY_PORT or other not in _BY_PORT or port != other_port:
        return False
    if "udp" in (transport, other) and transport != other:
        return False
    return host == other_host or host in _EVERYWHERE or other_host in _EVERYWHERE


def _parts(address: str) -> tuple[str, str, str]:
    transport, _, rest = address.partition("://")
    host, _, port = rest.partition("/")[0].rpartition(":")
    return transport, host, port


def check_ports(addr: object, first: Any, end: Any, tries: Any) -> None:
    """Refuse what `bind_to_random_port` would else say in the words of others."""
    if not isinstance(addr, str):
        raise TypeError(
            f"Expected addr to be str, got: {addr!r:.80}; "
            "bind_to_random_port takes a text such as tcp://127.0.0.1"
        )
    for number in (first, end, tries):
        if not is_number(number):
            raise TypeError(
                "bind_to_random_port() takes min_port, max_port and max_tries as numbers, "
                f"not {number!r:.80}"
            )
    if not 0 < first < end <= 65536:
        raise ValueError(
            "bind_to_random_port() tries ports of min_port <= port < max_port, from 1 to 65535; "
            f"there are none from {first!r:.20} to {end!r:.20}"
        )
