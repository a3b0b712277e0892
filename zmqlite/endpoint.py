"""Addresses: checked before libzmq sees them, and what `bind` and `connect` return.

libzmq takes an address apart with `atoi` and hope: port 99999 becomes 34463, a connect to
`tcp://*:5557` is retried for ever in silence, a norm endpoint that cannot start ends the process.
`check` refuses what can never work and says what to write instead. What it is not sure of it
lets through (host names are resolved later, interfaces come and go), and
`socket/address_errors.py` adds the next step to what libzmq then answers. The forms: zmq_tcp(7),
zmq_ipc(7), zmq_inproc(7), zmq_udp(7), zmq_ws(7), zmq_pgm(7), zmq_tipc(7), zmq_vmci(7).
"""

from __future__ import annotations

import errno as _errno
import os
import sys

from .enums import Errno
from .error import AddressNotFound, InvalidArgument, NotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, NoReturn, Protocol, TypeVar

    class _Bindable(Protocol):
        @property
        def closed(self) -> bool: ...
        def unbind(self, addr: str, /) -> Any: ...
        def disconnect(self, addr: str, /) -> Any: ...

    _Socket = TypeVar("_Socket", bound=_Bindable)

    class _Text(str, Generic[_Socket]):
        __slots__ = ()
else:
    _Socket = None

    class _Text(str):  # typing.Generic without importing typing
        __slots__ = ()

        def __class_getitem__(cls, item):
            return cls


__all__ = ["IPC_PATH_MAX_LEN", "TRANSPORTS", "Endpoint", "check"]

TRANSPORTS = (
    "tcp", "ipc", "inproc", "udp", "ws", "wss", "pgm", "epgm", "norm", "tipc", "vmci", "vsock",
    "hvsocket",
)  # fmt: skip
"""Every transport that some build of libzmq has, the everyday ones first."""

IPC_PATH_MAX_LEN = 103 if sys.platform == "darwin" or "bsd" in sys.platform else 107
"""Longest path of an ipc address in bytes: the system's sun_path without its NUL."""

_WS_PATH_MAX_LEN = 4096

# What people write for a transport of another name.
_OTHER_NAMES = {"unix": "ipc", "file": "ipc", "http": "tcp", "https": "tcp"}
_WEB = {"http": "ws", "https": "wss"}


class Endpoint(_Text[_Socket]):
    """An address in use, as `bind` and `connect` return it: a str, and a context manager.

    The text is the address as resolved, so `tcp://127.0.0.1:*` shows its port. In a `with`
    statement it stands for the socket, and leaving unbinds or disconnects it again, unless the
    socket is closed or the address was given up already.
    """

    __slots__ = ("_operation", "_socket")

    _socket: _Socket
    _operation: str

    def __new__(cls, address: str, socket: _Socket, operation: str) -> Endpoint[_Socket]:
        self = str.__new__(cls, address)
        self._socket = socket
        self._operation = operation
        return self

    def __enter__(self) -> _Socket:
        return self._socket

    def __exit__(self, *exc: object) -> None:
        socket = self._socket
        if socket.closed:
            return
        try:
            if self._operation == "bind":
                socket.unbind(str(self))
            else:
                socket.disconnect(str(self))
        except AddressNotFound:
            pass  # it was removed before

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # a copy is an address; it has no socket to give up


class _Refuser:
    """One address under examination; knows how to refuse it."""

    __slots__ = ("address", "bind", "operation", "subject")

    def __init__(self, address: str, operation: str, subject: str) -> None:
        self.address = address
        self.operation = operation
        self.subject = subject
        self.bind = operation == "bind"

    def refuse(self, problem: str, hint: str, errno: int | None = None) -> NoReturn:
        call = f"{self.operation}({self.address!r})"
        kind = NotSupported if errno == Errno.EPROTONOSUPPORT else InvalidArgument
        raise kind.during(call, self.subject, hint, errno=errno, text=problem)


def check(address: str | bytes, operation: str, subject: str = "") -> str:
    """Return the address as text if it may work, or say why it cannot.

    `operation` is "bind" or "connect"; for "unbind" and "disconnect" only the outer form is
    looked at. `subject` names the socket in messages ("PUSH socket"). bytes are UTF-8, so that
    what `last_endpoint` gives can be used as it is. Nothing is resolved and nothing blocks,
    except that the address and interface of a norm endpoint are tried.

    Raises `TypeError` for what is no address at all, `InvalidArgument` for one that is
    malformed, `NotSupported` for a misspelt transport.
    """
    if isinstance(address, bytes):
        address = address.decode("utf-8", "surrogateescape")
    if not isinstance(address, str):
        raise _no_text(address, operation)
    judge = _Refuser(address, operation, subject)
    transport, separator, rest = address.partition("://")
    if not separator:
        _refuse_bare(judge)
    if not rest:
        judge.refuse(f"nothing follows {transport}://", _example(transport))
    if "\0" in address:
        judge.refuse("it contains a NUL character", "libzmq would stop reading there")
    if transport not in TRANSPORTS:
        _refuse_misspelt(judge, transport, rest)
    elif operation in ("bind", "connect"):
        examine = _EXAMINERS.get(transport)
        if rest.startswith("/") and transport in ("tcp", "ws", "wss", "udp"):
            host = _with_host(judge, rest.lstrip("/"))
            judge.refuse("there is a / too many", f"write {transport}://{host}")
        if examine is not None:
            examine(judge, transport, rest)
    return address


def _no_text(address: object, operation: str) -> TypeError:
    port = address if isinstance(address, int) else 5555
    return TypeError(
        f"Expected addr to be str, got: {address!r}; "
        f"{operation} takes a text such as tcp://127.0.0.1:{port}"
    )


def _example(transport: str) -> str:
    forms = {"inproc": "inproc://name", "ipc": "ipc:///tmp/name", "tipc": "tipc://{5560,0,0}"}
    return f"an address looks like {forms.get(transport, transport + '://127.0.0.1:5555')}"


def _with_host(judge: _Refuser, rest: str) -> str:
    """Return an address after its transport, with a host where it has a port alone."""
    host = "*" if judge.bind else "127.0.0.1"
    return host + rest if rest.startswith(":") and rest[1:].isdigit() else rest


def _refuse_bare(judge: _Refuser) -> NoReturn:
    """Say what is missing from a text without "://"."""
    address = judge.address
    head, colon, tail = address.partition(":")
    if head in TRANSPORTS and colon:
        judge.refuse("a transport ends in ://", f"write {head}://{tail.lstrip('/')}")
    if address.startswith(("/", "./", "@")):
        judge.refuse("the transport is missing", f"write ipc://{address}")
    if colon and (tail.isdigit() or (head and tail.rpartition(":")[2].isdigit())):
        judge.refuse("the transport is missing", f"write tcp://{_with_host(judge, address)}")
    judge.refuse("the transport is missing", _example("tcp"))


def _refuse_misspelt(judge: _Refuser, transport: str, rest: str) -> None:
    """Refuse a transport that is nearly one we know; libzmq may know one that we do not."""
    plain = transport.lower().replace("-", "").replace("_", "").strip()
    if plain[:1] in ("@", ">") and plain[1:] in TRANSPORTS:
        verb = "bind" if plain[0] == "@" else "connect"
        judge.refuse(f"the prefix {plain[0]} is not in use here", f"call {verb} without it")
    like = plain if plain in TRANSPORTS else _OTHER_NAMES.get(plain)
    if like is None:
        import difflib  # only the failure branch pays for it

        for names in (TRANSPORTS[:5], TRANSPORTS[5:]):  # "tpc" is tcp rather than tipc
            like = like or next(iter(difflib.get_close_matches(plain, names, n=1)), None)
    if like is None:
        return
    problem, hint = f"there is no transport {transport}://", f"did you mean {like}://{rest}?"
    if plain in _WEB:
        problem += ", for 0MQ does not speak HTTP"
        hint = f"did you mean tcp://{rest.partition('/')[0]}, or {_WEB[plain]}://{rest}?"
    judge.refuse(problem, hint, Errno.EPROTONOSUPPORT.value)


def _check_tcp(judge: _Refuser, transport: str, rest: str) -> None:
    source, semicolon, target = rest.rpartition(";")
    if semicolon:
        host, colon, port = source.rpartition(":")
        if not (host and colon and port):
            judge.refuse(
                f"the port of the source address {source!r} is missing",
                f"write tcp://{source or '*'}:0;{target} to let the system choose it",
            )
        if port not in ("*", "0"):
            _check_number(judge, port, port)
    if not judge.bind and "/" in target:
        judge.refuse("a tcp address has no path", f"write {judge.address.rpartition('/')[0]}")
    _check_host_port(judge, target)


def _check_ws(judge: _Refuser, transport: str, rest: str) -> None:
    authority, slash, path = rest.partition("/")
    _check_host_port(judge, authority)
    size = len(os.fsencode(slash + path))
    if size > _WS_PATH_MAX_LEN:  # libzmq would send what lies behind its buffer
        judge.refuse(f"the path has {size} bytes", f"{_WS_PATH_MAX_LEN} are the most")
    if not judge.bind and any(sign <= " " for sign in path):  # it would end the request's line
        judge.refuse("the path has a blank or a control character", "write a blank as %20")


def _check_udp(judge: _Refuser, transport: str, rest: str) -> None:
    _check_host_port(judge, rest.rpartition(";")[2])


def _check_host_port(judge: _Refuser, target: str) -> None:
    """Examine host:port, [IPv6]:port and, to bind, *:port, name:port and host:*."""
    transport = judge.address.partition("://")[0]
    host, colon, port = target.rpartition(":")
    if not colon or (port.endswith("]") and "[" not in port):
        judge.refuse("the port is missing", f"write {transport}://{target}:5555")
    if host.startswith("[") != host.endswith("]"):
        judge.refuse(
            "a bracket is missing", f"an IPv6 address is written {transport}://[::1]:5555"
        )
    if not port:
        judge.refuse("the port is missing", f"write {transport}://{host}:5555")
    if "@" in host:
        judge.refuse(
            "an address has no user and no password in it",
            f"write {transport}://{target.rpartition('@')[2]}; plain_username and plain_password "
            "are options of the socket",
        )
    if not host:
        every = "* for every interface" if judge.bind else "a name or an address"
        judge.refuse("the host is missing", f"put {every} before the colon")
    if not judge.bind and host in ("*", "[*]"):
        judge.refuse(
            "* means every interface of this machine, and only bind can use it",
            f"name the host to connect to, such as {transport}://127.0.0.1:{port}",
        )
    labels = host.split(".")
    numbers = len(labels) == 4 and all(label.isdecimal() for label in labels)
    if numbers and not judge.bind and any(int(label) > 255 for label in labels):
        judge.refuse(f"{host} is no IPv4 address", "its numbers go from 0 to 255")
    _check_port(judge, port)


def _check_port(judge: _Refuser, port: str) -> None:
    if judge.bind:
        if port in ("*", "0"):
            return
        # Harmless to libzmq, and met in the wild: a line break from a file, a trailing slash.
        number = port.strip().partition("/")[0]
    else:
        number = port
    if port == "!" or port.startswith(("*[", "![")):
        judge.refuse(f"{port!r} is how czmq writes a free port", "write * and bind chooses one")
    if not judge.bind and port == "*":
        judge.refuse("only bind can choose a free port", "connect to the address bind returned")
    _check_number(judge, port, number)
    if not judge.bind and int(number) == 0:
        judge.refuse("nothing listens on port 0", "connect to the address bind returned")


def _check_number(judge: _Refuser, port: str, number: str) -> None:
    if not (number.isascii() and number.isdigit()):
        judge.refuse(f"the port {port!r} is not a number", "ports go from 1 to 65535")
    if len(number) > 20 or int(number) > 65535:
        judge.refuse(f"the port {port} is too large", "ports go from 1 to 65535")


def _check_ipc(judge: _Refuser, transport: str, rest: str) -> None:
    if rest == "@":
        judge.refuse("the abstract name is empty", "write ipc://@name")
    if judge.bind and rest.startswith("*"):
        return  # libzmq makes up a path
    if rest == "*":
        judge.refuse("only bind can choose a free path", "connect to the address bind returned")
    size = len(os.fsencode(rest))
    if size > IPC_PATH_MAX_LEN:
        judge.refuse(
            f"the path has {size} bytes, and {IPC_PATH_MAX_LEN} are the most the system takes",
            "use a shorter directory, or an abstract name (ipc://@name) on Linux",
            _errno.ENAMETOOLONG,
        )


def _check_tipc(judge: _Refuser, transport: str, rest: str) -> None:
    if rest[0] not in "{<":
        judge.refuse("no tipc address", "write tipc://{type,lower,upper} or tipc://<z.c.n:ref>")


def _check_cid(judge: _Refuser, transport: str, rest: str) -> None:
    """vmci and vsock: a number or a sign, a colon, a port."""
    if not all(rest.rpartition(":")):
        judge.refuse("the port is missing", f"write {transport}://{rest.rstrip(':')}:5555")


def _check_pgm(judge: _Refuser, transport: str, rest: str) -> None:
    _check_group(judge, transport, rest.rpartition(";")[2])


def _check_group(judge: _Refuser, transport: str, target: str) -> str:
    """Examine group:port of a multicast transport, where bind is connect; return the group."""
    group, colon, port = target.rpartition(":")
    if not (group and colon and port):
        judge.refuse("group or port is missing", f"write {transport}://192.168.1.1;239.1.1.1:5555")
    _check_number(judge, port, port)
    if int(port) == 0:
        judge.refuse("a group needs a port", "ports go from 1 to 65535")
    return group.strip("[]")


def _check_norm(judge: _Refuser, transport: str, rest: str) -> None:
    """Try what norm would do, since libzmq aborts the process when norm cannot do it."""
    import socket  # only norm pays for it

    interface, _, target = rest.rpartition(",")[2].rpartition(";")
    group = _check_group(judge, transport, target)
    problem = f"norm cannot use {rest}"
    try:
        family, _, _, _, where = socket.getaddrinfo(group, 0, type=socket.SOCK_DGRAM)[0]
        index = 0
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            if interface:
                known = {name: number for number, name in socket.if_nameindex()}
                index = known.get(interface, 0)
                if not index:
                    trial.bind((interface, 0))  # fails unless it is an address of this machine
            first = socket.inet_pton(family, str(where[0]))[0]
            if family == socket.AF_INET and 224 <= first < 240:
                here = socket.inet_aton("0.0.0.0" if index or not interface else interface)
                request = socket.inet_aton(str(where[0])) + here
                if index:
                    request += index.to_bytes(4, sys.byteorder)
                trial.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    except (OSError, ValueError) as error:
        judge.refuse(f"{problem}: {error}", "name a group, and an interface that is up")


_EXAMINERS = {
    "tcp": _check_tcp,
    "ws": _check_ws,
    "wss": _check_ws,
    "udp": _check_udp,
    "ipc": _check_ipc,
    "pgm": _check_pgm,
    "epgm": _check_pgm,
    "norm": _check_norm,
    "tipc": _check_tipc,
    "vmci": _check_cid,
    "vsock": _check_cid,
}
