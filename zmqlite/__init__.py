"""ZeroMQ for Python: `import zmqlite as zmq`.

    with zmq.Context() as ctx, ctx.socket(zmq.REP) as server:
        server.bind("tcp://127.0.0.1:5555")
        for request in server:
            server.send(request.upper())

The house has five floors; a module imports only from floors below its own, or from neighbours
that stand before it here. `tests/test_layers.py` holds the house to this plan.

    roof     this file: names from floors 0 to 2, nothing else
    floor 4  pyzmq/, cli/           guests: what `import zmq` would give; the command line
    floor 3  asyncio, trio, green   event loops, strangers to each other
    floor 2  options, endpoint, security, hardening, certs, auth, frame, poller, monitor, socket,
             context, proxy
    floor 1  _native/               the compiled core, the only room with pointers; libzmq inside
    floor 0  enums, constants, error, _version, _build
"""

# ruff: noqa: F405, RUF022 - the names of `constants` once more, in their own order

try:
    from ._native.core import DRAFT_API
except ModuleNotFoundError as error:
    raise ImportError(
        f"zmqlite in {__path__[0]} is not built for this Python ({error}): "
        "in the source tree run `pip install -e .`, or start Python in another folder"
    ) from error

from . import constants, frame
from ._native.info import (
    get_includes,
    get_library_dirs,
    has,
    strerror,
    zmq_errno,
    zmq_version,
    zmq_version_info,
)
from ._version import __version__
from .constants import *  # noqa: F403 - the one place for it: 300 names that `constants` lists
from .context import Context
from .endpoint import IPC_PATH_MAX_LEN, Endpoint
from .error import (
    AddressInUse,
    AddressNotAvailable,
    AddressNotFound,
    Again,
    ContextTerminated,
    DraftFDWarning,
    ForkError,
    HostUnreachable,
    IncompatibleProtocol,
    InterruptedSystemCall,
    InvalidArgument,
    LateOptionWarning,
    NotDone,
    NotSupported,
    PermissionDenied,
    SocketClosed,
    StateError,
    ThreadMisuse,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from .frame import COPY_THRESHOLD, Frame, Message, MessageTracker
from .monitor import monitor_events, parse_monitor_message, recv_monitor_message
from .poller import Poller, select, zmq_poll
from .proxy import ProxyStatistics, Steering, device, proxy, proxy_steerable
from .security import curve_keypair, curve_public, keys_equal, z85_decode, z85_encode
from .socket import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

    SyncSocket: TypeAlias = Socket[bytes]
    SyncContext: TypeAlias = Context[Socket[bytes]]
else:
    SyncSocket = Socket
    SyncContext = Context

    def __getattr__(name: str) -> "NoReturn":
        constants.raise_missing(name, __name__)


__all__ = [
    "COPY_THRESHOLD",
    "DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "AddressInUse",
    "AddressNotAvailable",
    "AddressNotFound",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Endpoint",
    "ForkError",
    "Frame",
    "HostUnreachable",
    "IncompatibleProtocol",
    "InterruptedSystemCall",
    "InvalidArgument",
    "LateOptionWarning",
    "Message",
    "MessageTracker",
    "NotDone",
    "NotSupported",
    "PermissionDenied",
    "Poller",
    "ProxyStatistics",
    "Socket",
    "SocketClosed",
    "StateError",
    "Steering",
    "SyncContext",
    "SyncSocket",
    "ThreadMisuse",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__version__",
    "curve_keypair",
    "curve_public",
    "device",
    "get_includes",
    "get_library_dirs",
    "has",
    "keys_equal",
    "monitor_events",
    "parse_monitor_message",
    "proxy",
    "proxy_steerable",
    "recv_monitor_message",
    "select",
    "strerror",
    "z85_decode",
    "z85_encode",
    "zmq_errno",
    "zmq_poll",
    "zmq_version",
    "zmq_version_info",
]
if TYPE_CHECKING:  # mypy reads no more than lists; these are the names of `constants`
    # fmt: off
    __all__ += [
        "SocketType", "PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH",
        "XPUB", "XSUB", "STREAM", "SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER",
        "DGRAM", "PEER", "CHANNEL", "XREQ", "XREP", "UPSTREAM", "DOWNSTREAM", "SocketOption",
        "HWM", "AFFINITY", "ROUTING_ID", "SUBSCRIBE", "UNSUBSCRIBE", "RATE", "RECOVERY_IVL",
        "SNDBUF", "RCVBUF", "RCVMORE", "FD", "EVENTS", "TYPE", "LINGER", "RECONNECT_IVL",
        "BACKLOG", "RECONNECT_IVL_MAX", "MAXMSGSIZE", "SNDHWM", "RCVHWM", "MULTICAST_HOPS",
        "RCVTIMEO", "SNDTIMEO", "IPV4ONLY", "LAST_ENDPOINT", "ROUTER_MANDATORY", "TCP_KEEPALIVE",
        "TCP_KEEPALIVE_CNT", "TCP_KEEPALIVE_IDLE", "TCP_KEEPALIVE_INTVL", "TCP_ACCEPT_FILTER",
        "IMMEDIATE", "XPUB_VERBOSE", "ROUTER_RAW", "IPV6", "MECHANISM", "PLAIN_SERVER",
        "PLAIN_USERNAME", "PLAIN_PASSWORD", "CURVE_SERVER", "CURVE_PUBLICKEY", "CURVE_SECRETKEY",
        "CURVE_SERVERKEY", "PROBE_ROUTER", "REQ_CORRELATE", "REQ_RELAXED", "CONFLATE",
        "ZAP_DOMAIN", "ROUTER_HANDOVER", "TOS", "IPC_FILTER_PID", "IPC_FILTER_UID",
        "IPC_FILTER_GID", "CONNECT_ROUTING_ID", "GSSAPI_SERVER", "GSSAPI_PRINCIPAL",
        "GSSAPI_SERVICE_PRINCIPAL", "GSSAPI_PLAINTEXT", "HANDSHAKE_IVL", "SOCKS_PROXY",
        "XPUB_NODROP", "BLOCKY", "XPUB_MANUAL", "XPUB_WELCOME_MSG", "STREAM_NOTIFY",
        "INVERT_MATCHING", "HEARTBEAT_IVL", "HEARTBEAT_TTL", "HEARTBEAT_TIMEOUT", "XPUB_VERBOSER",
        "CONNECT_TIMEOUT", "TCP_MAXRT", "THREAD_SAFE", "MULTICAST_MAXTPDU", "VMCI_BUFFER_SIZE",
        "VMCI_BUFFER_MIN_SIZE", "VMCI_BUFFER_MAX_SIZE", "VMCI_CONNECT_TIMEOUT", "USE_FD",
        "GSSAPI_PRINCIPAL_NAMETYPE", "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", "BINDTODEVICE",
        "ZAP_ENFORCE_DOMAIN", "LOOPBACK_FASTPATH", "METADATA", "MULTICAST_LOOP", "ROUTER_NOTIFY",
        "XPUB_MANUAL_LAST_VALUE", "SOCKS_USERNAME", "SOCKS_PASSWORD", "IN_BATCH_SIZE",
        "OUT_BATCH_SIZE", "WSS_KEY_PEM", "WSS_CERT_PEM", "WSS_TRUST_PEM", "WSS_HOSTNAME",
        "WSS_TRUST_SYSTEM", "ONLY_FIRST_SUBSCRIBE", "RECONNECT_STOP", "HELLO_MSG",
        "DISCONNECT_MSG", "PRIORITY", "BUSY_POLL", "HICCUP_MSG", "XSUB_VERBOSE_UNSUBSCRIBE",
        "TOPICS_COUNT", "NORM_MODE", "NORM_UNICAST_NACK", "NORM_BUFFER_SIZE", "NORM_SEGMENT_SIZE",
        "NORM_BLOCK_SIZE", "NORM_NUM_PARITY", "NORM_NUM_AUTOPARITY", "NORM_PUSH", "IDENTITY",
        "CONNECT_RID", "DELAY_ATTACH_ON_CONNECT", "FAIL_UNROUTABLE", "ROUTER_BEHAVIOR",
        "ContextOption", "IO_THREADS", "MAX_SOCKETS", "SOCKET_LIMIT", "THREAD_PRIORITY",
        "THREAD_SCHED_POLICY", "MAX_MSGSZ", "MSG_T_SIZE", "THREAD_AFFINITY_CPU_ADD",
        "THREAD_AFFINITY_CPU_REMOVE", "THREAD_NAME_PREFIX", "ZERO_COPY_RECV", "MessageOption",
        "MORE", "SRCFD", "SHARED", "Flag", "DONTWAIT", "SNDMORE", "NOBLOCK", "PollEvent", "POLLIN",
        "POLLOUT", "POLLERR", "POLLPRI", "Event", "EVENT_CONNECTED", "EVENT_CONNECT_DELAYED",
        "EVENT_CONNECT_RETRIED", "EVENT_LISTENING", "EVENT_BIND_FAILED", "EVENT_ACCEPTED",
        "EVENT_ACCEPT_FAILED", "EVENT_CLOSED", "EVENT_CLOSE_FAILED", "EVENT_DISCONNECTED",
        "EVENT_MONITOR_STOPPED", "EVENT_HANDSHAKE_FAILED_NO_DETAIL", "EVENT_HANDSHAKE_SUCCEEDED",
        "EVENT_HANDSHAKE_FAILED_PROTOCOL", "EVENT_HANDSHAKE_FAILED_AUTH", "EVENT_ALL_V1",
        "EVENT_ALL", "EVENT_PIPES_STATS", "EVENT_ALL_V2", "PROTOCOL_ERROR_ZMTP_UNSPECIFIED",
        "PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND", "PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE",
        "PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE", "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY",
        "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME", "PROTOCOL_ERROR_ZMTP_INVALID_METADATA",
        "PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC", "PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH",
        "PROTOCOL_ERROR_ZAP_UNSPECIFIED", "PROTOCOL_ERROR_ZAP_MALFORMED_REPLY",
        "PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID", "PROTOCOL_ERROR_ZAP_BAD_VERSION",
        "PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE", "PROTOCOL_ERROR_ZAP_INVALID_METADATA",
        "PROTOCOL_ERROR_WS_UNSPECIFIED", "SecurityMechanism", "NULL", "PLAIN", "CURVE", "GSSAPI",
        "GSSAPINameType", "GSSAPI_NT_HOSTBASED", "GSSAPI_NT_USER_NAME", "GSSAPI_NT_KRB5_PRINCIPAL",
        "ReconnectStop", "RECONNECT_STOP_CONN_REFUSED", "RECONNECT_STOP_HANDSHAKE_FAILED",
        "RECONNECT_STOP_AFTER_DISCONNECT", "RouterNotify", "NOTIFY_CONNECT", "NOTIFY_DISCONNECT",
        "NormMode", "NORM_FIXED", "NORM_CC", "NORM_CCL", "NORM_CCE", "NORM_CCE_ECNONLY",
        "DeviceType", "STREAMER", "FORWARDER", "QUEUE", "Errno", "EAGAIN", "EFAULT", "EINVAL",
        "ENOTSUP", "EPROTONOSUPPORT", "ENOBUFS", "ENETDOWN", "EADDRINUSE", "EADDRNOTAVAIL",
        "ECONNREFUSED", "EINPROGRESS", "ENOTSOCK", "EMSGSIZE", "EAFNOSUPPORT", "ENETUNREACH",
        "ECONNABORTED", "ECONNRESET", "ENOTCONN", "ETIMEDOUT", "EHOSTUNREACH", "ENETRESET", "EFSM",
        "ENOCOMPATPROTO", "ETERM", "EMTHREAD", "IO_THREADS_DFLT", "MAX_SOCKETS_DFLT",
        "THREAD_PRIORITY_DFLT", "THREAD_SCHED_POLICY_DFLT", "POLLITEMS_DFLT", "GROUP_MAX_LENGTH",
        "CURRENT_EVENT_VERSION", "CURRENT_EVENT_VERSION_DRAFT", "MSG_PROPERTY_ROUTING_ID",
        "MSG_PROPERTY_SOCKET_TYPE", "MSG_PROPERTY_USER_ID", "MSG_PROPERTY_PEER_ADDRESS",
    ]
    # fmt: on
else:
    __all__ += constants.__all__

frame.follow_threshold(globals())
