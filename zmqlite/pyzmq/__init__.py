"""The guest room: what `import zmq` would give, over zmqlite's own objects.

    import zmqlite.pyzmq as zmq

Here is pyzmq's module tree under its own names: `zmqlite.pyzmq.asyncio`, `.devices`,
`.utils.monitor` and so on; once activated, `zmq` is the very same module. Errors, constants,
frames, trackers and pollers are those of zmqlite itself; `Context` and `Socket` are subclasses
that keep the few habits of pyzmq which zmqlite has given up. `__version__` is the version of
pyzmq whose surface this is. Nothing else of zmqlite imports from here.

The rooms, from the ground up: constants, error, utils, backend, sugar, decorators, devices, ssh,
log; then those that know a loop: asyncio, eventloop, green, auth.
"""

# ruff: noqa: F405, RUF022 - the names of `constants` once more, in their own order

from .. import constants as _shared
from .. import frame as _frame
from .._native.core import DRAFT_API
from ..constants import *  # noqa: F403 - by way of .constants mypy does not see them
from ..frame import COPY_THRESHOLD
from . import backend as backend
from . import constants as constants
from . import error as error
from . import sugar as sugar
from . import utils as utils
from ._activation import install
from ._path import get_includes
from ._path import get_library_dirs as get_library_dirs
from .backend import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    curve_keypair,
    curve_public,
    has,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
)
from .constants import Enum, IntEnum, IntFlag
from .error import (
    Again,
    ContextTerminated,
    DraftFDWarning,
    InterruptedSystemCall,
    NotDone,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from .sugar import (
    _FINISHED_TRACKER,
    Context,
    Frame,
    Message,
    MessageTracker,
    Poller,
    Socket,
    Stopwatch,
    SyncContext,
    SyncSocket,
    __revision__,
    __version__,
    device,
    pyzmq_version,
    pyzmq_version_info,
    select,
    zmq_version,
    zmq_version_info,
)

TYPE_CHECKING = False

__all__ = [
    "COPY_THRESHOLD",
    "DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "_FINISHED_TRACKER",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Enum",
    "Frame",
    "IntEnum",
    "IntFlag",
    "InterruptedSystemCall",
    "Message",
    "MessageTracker",
    "NotDone",
    "Poller",
    "Socket",
    "Stopwatch",
    "SyncContext",
    "SyncSocket",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__revision__",
    "__version__",
    "curve_keypair",
    "curve_public",
    "device",
    "get_includes",
    "has",
    "install",
    "proxy",
    "proxy_steerable",
    "pyzmq_version",
    "pyzmq_version_info",
    "select",
    "strerror",
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
    __all__ += _shared.__all__

del TYPE_CHECKING
_frame.follow_threshold(globals())
