"""The vocabulary of libzmq as enums: one class for each family of numbers in zmq.h.

Every member is a plain int to whatever receives it, so a number copied from C, Ruby or pyzmq
means the same thing here. Draft names are always present, whatever was compiled: a script that
mentions one still imports, and only using it raises `NotSupported`. The flat names (`zmq.PUSH`,
`zmq.LINGER`) live in `constants`. `tests/test_header.py` holds each number to the zmq.h that
was compiled. The members between "written out" and "end" come from `options.rows`: change them
there and run `python tests/written_out.py`.
"""

from __future__ import annotations

import errno as _errno
from enum import Enum, IntEnum, IntFlag

from ._build import RECONNECT_STOP_AFTER_DISCONNECT as _AFTER_DISCONNECT

TYPE_CHECKING = False  # importing typing would cost more than this whole module
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, NoReturn, TypeVar, overload

    from typing_extensions import Unpack

    from .options._typed import Context, Socket, SocketKeywords

    _SocketT = TypeVar("_SocketT")

HAUSNUMERO = 156384712
"""Where libzmq's own errno values start: far from those of any operating system."""

_socket_factory: Callable[..., Any] | None = None


def set_socket_factory(factory: Callable[..., Any]) -> None:
    """Say what `zmq.REQ(...)` calls; the package does this once while it is imported.

    `factory` is called as `factory(socket_type, connect=..., bind=..., context=..., **options)`.
    A slot instead of an import, because this floor knows nothing of the floors above it.
    """
    global _socket_factory
    _socket_factory = factory


class SocketType(IntEnum):
    """What a socket does with messages: zmq_socket(3).

    Each member is also a factory: `zmq.REQ(connect="tcp://127.0.0.1:5555", linger=0)` makes a
    socket on the default context. SERVER and everything below it are draft types.
    """

    PAIR = 0
    PUB = 1
    SUB = 2
    REQ = 3
    REP = 4
    DEALER = 5
    ROUTER = 6
    PULL = 7
    PUSH = 8
    XPUB = 9
    XSUB = 10
    STREAM = 11
    SERVER = 12
    CLIENT = 13
    RADIO = 14
    DISH = 15
    GATHER = 16
    SCATTER = 17
    DGRAM = 18
    PEER = 19
    CHANNEL = 20

    # Older names of the same types.
    XREQ = 5
    XREP = 6
    UPSTREAM = 7
    DOWNSTREAM = 8

    if TYPE_CHECKING:

        @overload
        def __call__(
            self,
            *misplaced: NoReturn,
            connect: str | bytes | Iterable[str | bytes] | None = None,
            bind: str | bytes | Iterable[str | bytes] | None = None,
            context: None = None,
            **options: Unpack[SocketKeywords],
        ) -> Socket[bytes]: ...
        @overload
        def __call__(
            self,
            *misplaced: NoReturn,
            connect: str | bytes | Iterable[str | bytes] | None = None,
            bind: str | bytes | Iterable[str | bytes] | None = None,
            context: Context[_SocketT],
            **options: Unpack[SocketKeywords],
        ) -> _SocketT: ...
        def __call__(self, *misplaced: NoReturn, **options: Any) -> Any: ...

    else:

        def __call__(self, *misplaced, connect=None, bind=None, context=None, **options):
            """Make a `Socket` of this type, set its options, then bind and connect it.

            `bind` and `connect` take one endpoint or a list of them; `context` defaults to
            `Context.instance()`; every other keyword is a socket option, and an unknown name is
            refused with the nearest one. Nothing blocks. If any step fails, the socket is closed.

            Raises `TypeError` or `AttributeError` for a bad option, `ZMQError` for what libzmq
            refuses.
            """
            if misplaced:
                raise unnamed(self.name, misplaced)
            if _socket_factory is None:
                raise RuntimeError(
                    f"{self.name}(...) cannot make a socket before the package is imported: "
                    "import zmqlite first"
                )
            return _socket_factory(self, connect=connect, bind=bind, context=context, **options)


def unnamed(name: str, values: tuple[object, ...]) -> TypeError:
    """Return the error for a socket type that was called without keywords."""
    first = values[0]
    if isinstance(first, (str, bytes)):
        hint = f"write {name}(connect={first!r}) or {name}(bind={first!r})"
    elif hasattr(first, "socket"):
        hint = f"write {name}(context=...), or context.socket({name})"
    else:
        hint = f"such as {name}(connect=..., linger=0)"
    return TypeError(f"{name}() takes keywords only: {hint}")


class _OptType(Enum):
    """How the value of a socket option travels (the names pyzmq's users know)."""

    int = "int"
    int64 = "int64"
    bytes = "bytes"
    fd = "fd"


_INT64, _BYTES, _FD = _OptType.int64, _OptType.bytes, _OptType.fd


class SocketOption(IntEnum):
    """A property of one socket: zmq_setsockopt(3), zmq_getsockopt(3).

    What each one means, its unit, range and default: the table in `options`.
    """

    _value_: int
    _opt_type: _OptType

    def __new__(cls, value: int, opt_type: _OptType = _OptType.int) -> SocketOption:
        member = int.__new__(cls, value)
        member._value_ = value
        member._opt_type = opt_type
        return member

    # -- written out: SocketOption
    HWM = 1  # libzmq 2: today both SNDHWM and RCVHWM, known to the facade alone
    AFFINITY = 4, _INT64
    ROUTING_ID = 5, _BYTES
    SUBSCRIBE = 6, _BYTES
    UNSUBSCRIBE = 7, _BYTES
    RATE = 8
    RECOVERY_IVL = 9
    SNDBUF = 11
    RCVBUF = 12
    RCVMORE = 13
    FD = 14, _FD
    EVENTS = 15
    TYPE = 16
    LINGER = 17
    RECONNECT_IVL = 18
    BACKLOG = 19
    RECONNECT_IVL_MAX = 21
    MAXMSGSIZE = 22, _INT64
    SNDHWM = 23
    RCVHWM = 24
    MULTICAST_HOPS = 25
    RCVTIMEO = 27
    SNDTIMEO = 28
    IPV4ONLY = 31
    LAST_ENDPOINT = 32, _BYTES
    ROUTER_MANDATORY = 33
    TCP_KEEPALIVE = 34
    TCP_KEEPALIVE_CNT = 35
    TCP_KEEPALIVE_IDLE = 36
    TCP_KEEPALIVE_INTVL = 37
    TCP_ACCEPT_FILTER = 38, _BYTES
    IMMEDIATE = 39
    XPUB_VERBOSE = 40
    ROUTER_RAW = 41
    IPV6 = 42
    MECHANISM = 43
    PLAIN_SERVER = 44
    PLAIN_USERNAME = 45, _BYTES
    PLAIN_PASSWORD = 46, _BYTES
    CURVE_SERVER = 47
    CURVE_PUBLICKEY = 48, _BYTES
    CURVE_SECRETKEY = 49, _BYTES
    CURVE_SERVERKEY = 50, _BYTES
    PROBE_ROUTER = 51
    REQ_CORRELATE = 52
    REQ_RELAXED = 53
    CONFLATE = 54
    ZAP_DOMAIN = 55, _BYTES
    ROUTER_HANDOVER = 56
    TOS = 57
    IPC_FILTER_PID = 58
    IPC_FILTER_UID = 59
    IPC_FILTER_GID = 60
    CONNECT_ROUTING_ID = 61, _BYTES
    GSSAPI_SERVER = 62
    GSSAPI_PRINCIPAL = 63, _BYTES
    GSSAPI_SERVICE_PRINCIPAL = 64, _BYTES
    GSSAPI_PLAINTEXT = 65
    HANDSHAKE_IVL = 66
    SOCKS_PROXY = 68, _BYTES
    XPUB_NODROP = 69
    BLOCKY = 70  # a context option, listed among the socket options as pyzmq lists it
    XPUB_MANUAL = 71
    XPUB_WELCOME_MSG = 72, _BYTES
    STREAM_NOTIFY = 73
    INVERT_MATCHING = 74
    HEARTBEAT_IVL = 75
    HEARTBEAT_TTL = 76
    HEARTBEAT_TIMEOUT = 77
    XPUB_VERBOSER = 78
    CONNECT_TIMEOUT = 79
    TCP_MAXRT = 80
    THREAD_SAFE = 81
    MULTICAST_MAXTPDU = 84
    VMCI_BUFFER_SIZE = 85, _INT64
    VMCI_BUFFER_MIN_SIZE = 86, _INT64
    VMCI_BUFFER_MAX_SIZE = 87, _INT64
    VMCI_CONNECT_TIMEOUT = 88
    USE_FD = 89
    GSSAPI_PRINCIPAL_NAMETYPE = 90
    GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = 91
    BINDTODEVICE = 92, _BYTES

    # Draft options.
    ZAP_ENFORCE_DOMAIN = 93
    LOOPBACK_FASTPATH = 94
    METADATA = 95, _BYTES
    MULTICAST_LOOP = 96
    ROUTER_NOTIFY = 97
    XPUB_MANUAL_LAST_VALUE = 98
    SOCKS_USERNAME = 99, _BYTES
    SOCKS_PASSWORD = 100, _BYTES
    IN_BATCH_SIZE = 101
    OUT_BATCH_SIZE = 102
    WSS_KEY_PEM = 103, _BYTES
    WSS_CERT_PEM = 104, _BYTES
    WSS_TRUST_PEM = 105, _BYTES
    WSS_HOSTNAME = 106, _BYTES
    WSS_TRUST_SYSTEM = 107
    ONLY_FIRST_SUBSCRIBE = 108
    RECONNECT_STOP = 109
    HELLO_MSG = 110, _BYTES
    DISCONNECT_MSG = 111, _BYTES
    PRIORITY = 112

    # Draft options of libzmq 4.3.5 and later.
    BUSY_POLL = 113
    HICCUP_MSG = 114, _BYTES
    XSUB_VERBOSE_UNSUBSCRIBE = 115
    TOPICS_COUNT = 116
    NORM_MODE = 117
    NORM_UNICAST_NACK = 118
    NORM_BUFFER_SIZE = 119
    NORM_SEGMENT_SIZE = 120
    NORM_BLOCK_SIZE = 121
    NORM_NUM_PARITY = 122
    NORM_NUM_AUTOPARITY = 123
    NORM_PUSH = 124

    # Older names of the same options.
    IDENTITY = ROUTING_ID
    CONNECT_RID = CONNECT_ROUTING_ID
    DELAY_ATTACH_ON_CONNECT = IMMEDIATE
    FAIL_UNROUTABLE = ROUTER_MANDATORY
    ROUTER_BEHAVIOR = ROUTER_MANDATORY
    # -- end


class ContextOption(IntEnum):
    """A property of a context: zmq_ctx_set(3), zmq_ctx_get(3)."""

    # -- written out: ContextOption
    IO_THREADS = 1
    MAX_SOCKETS = 2
    SOCKET_LIMIT = 3  # to read: libzmq gave two of them one number
    THREAD_PRIORITY = 3  # to write: libzmq gave two of them one number
    THREAD_SCHED_POLICY = 4
    MAX_MSGSZ = 5
    MSG_T_SIZE = 6
    THREAD_AFFINITY_CPU_ADD = 7
    THREAD_AFFINITY_CPU_REMOVE = 8
    THREAD_NAME_PREFIX = 9
    ZERO_COPY_RECV = 10  # draft
    IPV6 = 42
    BLOCKY = 70
    # -- end


class MessageOption(IntEnum):
    """A property of one message that is a number: zmq_msg_get(3)."""

    # -- written out: MessageOption
    MORE = 1
    SRCFD = 2
    SHARED = 3
    # -- end


class Flag(IntFlag):
    """How one send or receive behaves: zmq_send(3), zmq_recv(3)."""

    DONTWAIT = 1
    SNDMORE = 2
    NOBLOCK = 1


class PollEvent(IntFlag):
    """What to wait for, and what was found: zmq_poll(3)."""

    POLLIN = 1
    POLLOUT = 2
    POLLERR = 4
    POLLPRI = 8


class SecurityMechanism(IntEnum):
    """How peers prove who they are: the value of the option MECHANISM."""

    NULL = 0
    PLAIN = 1
    CURVE = 2
    GSSAPI = 3


class GSSAPINameType(IntEnum):
    """How a GSSAPI principal is written: the values of GSSAPI_PRINCIPAL_NAMETYPE."""

    HOSTBASED = 0
    USER_NAME = 1
    KRB5_PRINCIPAL = 2


class ReconnectStop(IntEnum):
    """When to give up reconnecting: bits of the draft option RECONNECT_STOP."""

    CONN_REFUSED = 1
    HANDSHAKE_FAILED = 2
    AFTER_DISCONNECT = _AFTER_DISCONNECT  # 4; 3 in a libzmq 4.3.4 without our patches


class RouterNotify(IntEnum):
    """Which peers a ROUTER hears of: bits of the draft option ROUTER_NOTIFY."""

    CONNECT = 1
    DISCONNECT = 2


class NormMode(IntEnum):
    """Congestion control of the norm transport: values of the draft option NORM_MODE."""

    FIXED = 0
    CC = 1
    CCL = 2
    CCE = 3
    CCE_ECNONLY = 4


class DeviceType(IntEnum):
    """The kinds of the old zmq_device(3); a proxy needs none of them."""

    STREAMER = 1
    FORWARDER = 2
    QUEUE = 3


class Event(IntFlag):
    """What a socket monitor reports: zmq_socket_monitor(3).

    PROTOCOL_ERROR members are no events but the values that HANDSHAKE_FAILED_PROTOCOL carries.
    """

    CONNECTED = 0x0001
    CONNECT_DELAYED = 0x0002
    CONNECT_RETRIED = 0x0004
    LISTENING = 0x0008
    BIND_FAILED = 0x0010
    ACCEPTED = 0x0020
    ACCEPT_FAILED = 0x0040
    CLOSED = 0x0080
    CLOSE_FAILED = 0x0100
    DISCONNECTED = 0x0200
    MONITOR_STOPPED = 0x0400
    HANDSHAKE_FAILED_NO_DETAIL = 0x0800
    HANDSHAKE_SUCCEEDED = 0x1000
    HANDSHAKE_FAILED_PROTOCOL = 0x2000
    HANDSHAKE_FAILED_AUTH = 0x4000
    ALL_V1 = 0xFFFF
    ALL = 0xFFFF
    PIPES_STATS = 0x10000  # draft, reported by version 2 monitors only
    ALL_V2 = 0x1FFFF

    PROTOCOL_ERROR_ZMTP_UNSPECIFIED = 0x10000000
    PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND = 0x10000001
    PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE = 0x10000002
    PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE = 0x10000003
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED = 0x10000011
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE = 0x10000012
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO = 0x10000013
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE = 0x10000014
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR = 0x10000015
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY = 0x10000016
    PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME = 0x10000017
    PROTOCOL_ERROR_ZMTP_INVALID_METADATA = 0x10000018
    PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC = 0x11000001
    PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH = 0x11000002
    PROTOCOL_ERROR_ZAP_UNSPECIFIED = 0x20000000
    PROTOCOL_ERROR_ZAP_MALFORMED_REPLY = 0x20000001
    PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID = 0x20000002
    PROTOCOL_ERROR_ZAP_BAD_VERSION = 0x20000003
    PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE = 0x20000004
    PROTOCOL_ERROR_ZAP_INVALID_METADATA = 0x20000005
    PROTOCOL_ERROR_WS_UNSPECIFIED = 0x30000000


def _number(name: str, offset: int) -> int:
    """The operating system's errno of that name, or the one libzmq makes up where it has none."""
    return int(getattr(_errno, name, HAUSNUMERO + offset))


class Errno(IntEnum):
    """The error numbers that libzmq returns: zmq_errno(3)."""

    EAGAIN = _errno.EAGAIN
    EFAULT = _errno.EFAULT
    EINVAL = _errno.EINVAL
    ENOTSUP = _number("ENOTSUP", 1)
    EPROTONOSUPPORT = _number("EPROTONOSUPPORT", 2)
    ENOBUFS = _number("ENOBUFS", 3)
    ENETDOWN = _number("ENETDOWN", 4)
    EADDRINUSE = _number("EADDRINUSE", 5)
    EADDRNOTAVAIL = _number("EADDRNOTAVAIL", 6)
    ECONNREFUSED = _number("ECONNREFUSED", 7)
    EINPROGRESS = _number("EINPROGRESS", 8)
    ENOTSOCK = _number("ENOTSOCK", 9)
    EMSGSIZE = _number("EMSGSIZE", 10)
    EAFNOSUPPORT = _number("EAFNOSUPPORT", 11)
    ENETUNREACH = _number("ENETUNREACH", 12)
    ECONNABORTED = _number("ECONNABORTED", 13)
    ECONNRESET = _number("ECONNRESET", 14)
    ENOTCONN = _number("ENOTCONN", 15)
    ETIMEDOUT = _number("ETIMEDOUT", 16)
    EHOSTUNREACH = _number("EHOSTUNREACH", 17)
    ENETRESET = _number("ENETRESET", 18)
    EFSM = HAUSNUMERO + 51
    ENOCOMPATPROTO = HAUSNUMERO + 52
    ETERM = HAUSNUMERO + 53
    EMTHREAD = HAUSNUMERO + 54
