"""The constants, with types of sockets for this event loop.

Written by tests/written_out.py from the enums: change it there, not here.
"""

# fmt: off
# ruff: noqa
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NoReturn

from typing_extensions import Unpack

from ..constants import SocketOption as SocketOption
from ..constants import HWM as HWM
from ..constants import AFFINITY as AFFINITY
from ..constants import ROUTING_ID as ROUTING_ID
from ..constants import SUBSCRIBE as SUBSCRIBE
from ..constants import UNSUBSCRIBE as UNSUBSCRIBE
from ..constants import RATE as RATE
from ..constants import RECOVERY_IVL as RECOVERY_IVL
from ..constants import SNDBUF as SNDBUF
from ..constants import RCVBUF as RCVBUF
from ..constants import RCVMORE as RCVMORE
from ..constants import FD as FD
from ..constants import EVENTS as EVENTS
from ..constants import TYPE as TYPE
from ..constants import LINGER as LINGER
from ..constants import RECONNECT_IVL as RECONNECT_IVL
from ..constants import BACKLOG as BACKLOG
from ..constants import RECONNECT_IVL_MAX as RECONNECT_IVL_MAX
from ..constants import MAXMSGSIZE as MAXMSGSIZE
from ..constants import SNDHWM as SNDHWM
from ..constants import RCVHWM as RCVHWM
from ..constants import MULTICAST_HOPS as MULTICAST_HOPS
from ..constants import RCVTIMEO as RCVTIMEO
from ..constants import SNDTIMEO as SNDTIMEO
from ..constants import IPV4ONLY as IPV4ONLY
from ..constants import LAST_ENDPOINT as LAST_ENDPOINT
from ..constants import ROUTER_MANDATORY as ROUTER_MANDATORY
from ..constants import TCP_KEEPALIVE as TCP_KEEPALIVE
from ..constants import TCP_KEEPALIVE_CNT as TCP_KEEPALIVE_CNT
from ..constants import TCP_KEEPALIVE_IDLE as TCP_KEEPALIVE_IDLE
from ..constants import TCP_KEEPALIVE_INTVL as TCP_KEEPALIVE_INTVL
from ..constants import TCP_ACCEPT_FILTER as TCP_ACCEPT_FILTER
from ..constants import IMMEDIATE as IMMEDIATE
from ..constants import XPUB_VERBOSE as XPUB_VERBOSE
from ..constants import ROUTER_RAW as ROUTER_RAW
from ..constants import IPV6 as IPV6
from ..constants import MECHANISM as MECHANISM
from ..constants import PLAIN_SERVER as PLAIN_SERVER
from ..constants import PLAIN_USERNAME as PLAIN_USERNAME
from ..constants import PLAIN_PASSWORD as PLAIN_PASSWORD
from ..constants import CURVE_SERVER as CURVE_SERVER
from ..constants import CURVE_PUBLICKEY as CURVE_PUBLICKEY
from ..constants import CURVE_SECRETKEY as CURVE_SECRETKEY
from ..constants import CURVE_SERVERKEY as CURVE_SERVERKEY
from ..constants import PROBE_ROUTER as PROBE_ROUTER
from ..constants import REQ_CORRELATE as REQ_CORRELATE
from ..constants import REQ_RELAXED as REQ_RELAXED
from ..constants import CONFLATE as CONFLATE
from ..constants import ZAP_DOMAIN as ZAP_DOMAIN
from ..constants import ROUTER_HANDOVER as ROUTER_HANDOVER
from ..constants import TOS as TOS
from ..constants import IPC_FILTER_PID as IPC_FILTER_PID
from ..constants import IPC_FILTER_UID as IPC_FILTER_UID
from ..constants import IPC_FILTER_GID as IPC_FILTER_GID
from ..constants import CONNECT_ROUTING_ID as CONNECT_ROUTING_ID
from ..constants import GSSAPI_SERVER as GSSAPI_SERVER
from ..constants import GSSAPI_PRINCIPAL as GSSAPI_PRINCIPAL
from ..constants import GSSAPI_SERVICE_PRINCIPAL as GSSAPI_SERVICE_PRINCIPAL
from ..constants import GSSAPI_PLAINTEXT as GSSAPI_PLAINTEXT
from ..constants import HANDSHAKE_IVL as HANDSHAKE_IVL
from ..constants import SOCKS_PROXY as SOCKS_PROXY
from ..constants import XPUB_NODROP as XPUB_NODROP
from ..constants import BLOCKY as BLOCKY
from ..constants import XPUB_MANUAL as XPUB_MANUAL
from ..constants import XPUB_WELCOME_MSG as XPUB_WELCOME_MSG
from ..constants import STREAM_NOTIFY as STREAM_NOTIFY
from ..constants import INVERT_MATCHING as INVERT_MATCHING
from ..constants import HEARTBEAT_IVL as HEARTBEAT_IVL
from ..constants import HEARTBEAT_TTL as HEARTBEAT_TTL
from ..constants import HEARTBEAT_TIMEOUT as HEARTBEAT_TIMEOUT
from ..constants import XPUB_VERBOSER as XPUB_VERBOSER
from ..constants import CONNECT_TIMEOUT as CONNECT_TIMEOUT
from ..constants import TCP_MAXRT as TCP_MAXRT
from ..constants import THREAD_SAFE as THREAD_SAFE
from ..constants import MULTICAST_MAXTPDU as MULTICAST_MAXTPDU
from ..constants import VMCI_BUFFER_SIZE as VMCI_BUFFER_SIZE
from ..constants import VMCI_BUFFER_MIN_SIZE as VMCI_BUFFER_MIN_SIZE
from ..constants import VMCI_BUFFER_MAX_SIZE as VMCI_BUFFER_MAX_SIZE
from ..constants import VMCI_CONNECT_TIMEOUT as VMCI_CONNECT_TIMEOUT
from ..constants import USE_FD as USE_FD
from ..constants import GSSAPI_PRINCIPAL_NAMETYPE as GSSAPI_PRINCIPAL_NAMETYPE
from ..constants import GSSAPI_SERVICE_PRINCIPAL_NAMETYPE as GSSAPI_SERVICE_PRINCIPAL_NAMETYPE
from ..constants import BINDTODEVICE as BINDTODEVICE
from ..constants import ZAP_ENFORCE_DOMAIN as ZAP_ENFORCE_DOMAIN
from ..constants import LOOPBACK_FASTPATH as LOOPBACK_FASTPATH
from ..constants import METADATA as METADATA
from ..constants import MULTICAST_LOOP as MULTICAST_LOOP
from ..constants import ROUTER_NOTIFY as ROUTER_NOTIFY
from ..constants import XPUB_MANUAL_LAST_VALUE as XPUB_MANUAL_LAST_VALUE
from ..constants import SOCKS_USERNAME as SOCKS_USERNAME
from ..constants import SOCKS_PASSWORD as SOCKS_PASSWORD
from ..constants import IN_BATCH_SIZE as IN_BATCH_SIZE
from ..constants import OUT_BATCH_SIZE as OUT_BATCH_SIZE
from ..constants import WSS_KEY_PEM as WSS_KEY_PEM
from ..constants import WSS_CERT_PEM as WSS_CERT_PEM
from ..constants import WSS_TRUST_PEM as WSS_TRUST_PEM
from ..constants import WSS_HOSTNAME as WSS_HOSTNAME
from ..constants import WSS_TRUST_SYSTEM as WSS_TRUST_SYSTEM
from ..constants import ONLY_FIRST_SUBSCRIBE as ONLY_FIRST_SUBSCRIBE
from ..constants import RECONNECT_STOP as RECONNECT_STOP
from ..constants import HELLO_MSG as HELLO_MSG
from ..constants import DISCONNECT_MSG as DISCONNECT_MSG
from ..constants import PRIORITY as PRIORITY
from ..constants import BUSY_POLL as BUSY_POLL
from ..constants import HICCUP_MSG as HICCUP_MSG
from ..constants import XSUB_VERBOSE_UNSUBSCRIBE as XSUB_VERBOSE_UNSUBSCRIBE
from ..constants import TOPICS_COUNT as TOPICS_COUNT
from ..constants import NORM_MODE as NORM_MODE
from ..constants import NORM_UNICAST_NACK as NORM_UNICAST_NACK
from ..constants import NORM_BUFFER_SIZE as NORM_BUFFER_SIZE
from ..constants import NORM_SEGMENT_SIZE as NORM_SEGMENT_SIZE
from ..constants import NORM_BLOCK_SIZE as NORM_BLOCK_SIZE
from ..constants import NORM_NUM_PARITY as NORM_NUM_PARITY
from ..constants import NORM_NUM_AUTOPARITY as NORM_NUM_AUTOPARITY
from ..constants import NORM_PUSH as NORM_PUSH
from ..constants import IDENTITY as IDENTITY
from ..constants import CONNECT_RID as CONNECT_RID
from ..constants import DELAY_ATTACH_ON_CONNECT as DELAY_ATTACH_ON_CONNECT
from ..constants import FAIL_UNROUTABLE as FAIL_UNROUTABLE
from ..constants import ROUTER_BEHAVIOR as ROUTER_BEHAVIOR
from ..constants import ContextOption as ContextOption
from ..constants import IO_THREADS as IO_THREADS
from ..constants import MAX_SOCKETS as MAX_SOCKETS
from ..constants import SOCKET_LIMIT as SOCKET_LIMIT
from ..constants import THREAD_PRIORITY as THREAD_PRIORITY
from ..constants import THREAD_SCHED_POLICY as THREAD_SCHED_POLICY
from ..constants import MAX_MSGSZ as MAX_MSGSZ
from ..constants import MSG_T_SIZE as MSG_T_SIZE
from ..constants import THREAD_AFFINITY_CPU_ADD as THREAD_AFFINITY_CPU_ADD
from ..constants import THREAD_AFFINITY_CPU_REMOVE as THREAD_AFFINITY_CPU_REMOVE
from ..constants import THREAD_NAME_PREFIX as THREAD_NAME_PREFIX
from ..constants import ZERO_COPY_RECV as ZERO_COPY_RECV
from ..constants import MessageOption as MessageOption
from ..constants import MORE as MORE
from ..constants import SRCFD as SRCFD
from ..constants import SHARED as SHARED
from ..constants import Flag as Flag
from ..constants import DONTWAIT as DONTWAIT
from ..constants import SNDMORE as SNDMORE
from ..constants import NOBLOCK as NOBLOCK
from ..constants import PollEvent as PollEvent
from ..constants import POLLIN as POLLIN
from ..constants import POLLOUT as POLLOUT
from ..constants import POLLERR as POLLERR
from ..constants import POLLPRI as POLLPRI
from ..constants import Event as Event
from ..constants import EVENT_CONNECTED as EVENT_CONNECTED
from ..constants import EVENT_CONNECT_DELAYED as EVENT_CONNECT_DELAYED
from ..constants import EVENT_CONNECT_RETRIED as EVENT_CONNECT_RETRIED
from ..constants import EVENT_LISTENING as EVENT_LISTENING
from ..constants import EVENT_BIND_FAILED as EVENT_BIND_FAILED
from ..constants import EVENT_ACCEPTED as EVENT_ACCEPTED
from ..constants import EVENT_ACCEPT_FAILED as EVENT_ACCEPT_FAILED
from ..constants import EVENT_CLOSED as EVENT_CLOSED
from ..constants import EVENT_CLOSE_FAILED as EVENT_CLOSE_FAILED
from ..constants import EVENT_DISCONNECTED as EVENT_DISCONNECTED
from ..constants import EVENT_MONITOR_STOPPED as EVENT_MONITOR_STOPPED
from ..constants import EVENT_HANDSHAKE_FAILED_NO_DETAIL as EVENT_HANDSHAKE_FAILED_NO_DETAIL
from ..constants import EVENT_HANDSHAKE_SUCCEEDED as EVENT_HANDSHAKE_SUCCEEDED
from ..constants import EVENT_HANDSHAKE_FAILED_PROTOCOL as EVENT_HANDSHAKE_FAILED_PROTOCOL
from ..constants import EVENT_HANDSHAKE_FAILED_AUTH as EVENT_HANDSHAKE_FAILED_AUTH
from ..constants import EVENT_ALL_V1 as EVENT_ALL_V1
from ..constants import EVENT_ALL as EVENT_ALL
from ..constants import EVENT_PIPES_STATS as EVENT_PIPES_STATS
from ..constants import EVENT_ALL_V2 as EVENT_ALL_V2
from ..constants import PROTOCOL_ERROR_ZMTP_UNSPECIFIED as PROTOCOL_ERROR_ZMTP_UNSPECIFIED
from ..constants import PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND as PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
from ..constants import PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE as PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE
from ..constants import PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE as PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY
from ..constants import PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME as PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME
from ..constants import PROTOCOL_ERROR_ZMTP_INVALID_METADATA as PROTOCOL_ERROR_ZMTP_INVALID_METADATA
from ..constants import PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC as PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
from ..constants import PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH as PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
from ..constants import PROTOCOL_ERROR_ZAP_UNSPECIFIED as PROTOCOL_ERROR_ZAP_UNSPECIFIED
from ..constants import PROTOCOL_ERROR_ZAP_MALFORMED_REPLY as PROTOCOL_ERROR_ZAP_MALFORMED_REPLY
from ..constants import PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID as PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID
from ..constants import PROTOCOL_ERROR_ZAP_BAD_VERSION as PROTOCOL_ERROR_ZAP_BAD_VERSION
from ..constants import PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE as PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE
from ..constants import PROTOCOL_ERROR_ZAP_INVALID_METADATA as PROTOCOL_ERROR_ZAP_INVALID_METADATA
from ..constants import PROTOCOL_ERROR_WS_UNSPECIFIED as PROTOCOL_ERROR_WS_UNSPECIFIED
from ..constants import SecurityMechanism as SecurityMechanism
from ..constants import NULL as NULL
from ..constants import PLAIN as PLAIN
from ..constants import CURVE as CURVE
from ..constants import GSSAPI as GSSAPI
from ..constants import GSSAPINameType as GSSAPINameType
from ..constants import GSSAPI_NT_HOSTBASED as GSSAPI_NT_HOSTBASED
from ..constants import GSSAPI_NT_USER_NAME as GSSAPI_NT_USER_NAME
from ..constants import GSSAPI_NT_KRB5_PRINCIPAL as GSSAPI_NT_KRB5_PRINCIPAL
from ..constants import ReconnectStop as ReconnectStop
from ..constants import RECONNECT_STOP_CONN_REFUSED as RECONNECT_STOP_CONN_REFUSED
from ..constants import RECONNECT_STOP_HANDSHAKE_FAILED as RECONNECT_STOP_HANDSHAKE_FAILED
from ..constants import RECONNECT_STOP_AFTER_DISCONNECT as RECONNECT_STOP_AFTER_DISCONNECT
from ..constants import RouterNotify as RouterNotify
from ..constants import NOTIFY_CONNECT as NOTIFY_CONNECT
from ..constants import NOTIFY_DISCONNECT as NOTIFY_DISCONNECT
from ..constants import NormMode as NormMode
from ..constants import NORM_FIXED as NORM_FIXED
from ..constants import NORM_CC as NORM_CC
from ..constants import NORM_CCL as NORM_CCL
from ..constants import NORM_CCE as NORM_CCE
from ..constants import NORM_CCE_ECNONLY as NORM_CCE_ECNONLY
from ..constants import DeviceType as DeviceType
from ..constants import STREAMER as STREAMER
from ..constants import FORWARDER as FORWARDER
from ..constants import QUEUE as QUEUE
from ..constants import Errno as Errno
from ..constants import EAGAIN as EAGAIN
from ..constants import EFAULT as EFAULT
from ..constants import EINVAL as EINVAL
from ..constants import ENOTSUP as ENOTSUP
from ..constants import EPROTONOSUPPORT as EPROTONOSUPPORT
from ..constants import ENOBUFS as ENOBUFS
from ..constants import ENETDOWN as ENETDOWN
from ..constants import EADDRINUSE as EADDRINUSE
from ..constants import EADDRNOTAVAIL as EADDRNOTAVAIL
from ..constants import ECONNREFUSED as ECONNREFUSED
from ..constants import EINPROGRESS as EINPROGRESS
from ..constants import ENOTSOCK as ENOTSOCK
from ..constants import EMSGSIZE as EMSGSIZE
from ..constants import EAFNOSUPPORT as EAFNOSUPPORT
from ..constants import ENETUNREACH as ENETUNREACH
from ..constants import ECONNABORTED as ECONNABORTED
from ..constants import ECONNRESET as ECONNRESET
from ..constants import ENOTCONN as ENOTCONN
from ..constants import ETIMEDOUT as ETIMEDOUT
from ..constants import EHOSTUNREACH as EHOSTUNREACH
from ..constants import ENETRESET as ENETRESET
from ..constants import EFSM as EFSM
from ..constants import ENOCOMPATPROTO as ENOCOMPATPROTO
from ..constants import ETERM as ETERM
from ..constants import EMTHREAD as EMTHREAD
from ..constants import IO_THREADS_DFLT as IO_THREADS_DFLT
from ..constants import MAX_SOCKETS_DFLT as MAX_SOCKETS_DFLT
from ..constants import THREAD_PRIORITY_DFLT as THREAD_PRIORITY_DFLT
from ..constants import THREAD_SCHED_POLICY_DFLT as THREAD_SCHED_POLICY_DFLT
from ..constants import POLLITEMS_DFLT as POLLITEMS_DFLT
from ..constants import GROUP_MAX_LENGTH as GROUP_MAX_LENGTH
from ..constants import CURRENT_EVENT_VERSION as CURRENT_EVENT_VERSION
from ..constants import CURRENT_EVENT_VERSION_DRAFT as CURRENT_EVENT_VERSION_DRAFT
from ..constants import MSG_PROPERTY_ROUTING_ID as MSG_PROPERTY_ROUTING_ID
from ..constants import MSG_PROPERTY_SOCKET_TYPE as MSG_PROPERTY_SOCKET_TYPE
from ..constants import MSG_PROPERTY_USER_ID as MSG_PROPERTY_USER_ID
from ..constants import MSG_PROPERTY_PEER_ADDRESS as MSG_PROPERTY_PEER_ADDRESS
from ..options._typed import SocketKeywords
from . import Socket

class SocketType(IntEnum):
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
    XREQ = 5
    XREP = 6
    UPSTREAM = 7
    DOWNSTREAM = 8

    def __call__(
        self,
        *misplaced: NoReturn,
        connect: str | bytes | Iterable[str | bytes] | None = None,
        bind: str | bytes | Iterable[str | bytes] | None = None,
        context: Any = None,
        **options: Unpack[SocketKeywords],
    ) -> Socket: ...

PAIR: SocketType
PUB: SocketType
SUB: SocketType
REQ: SocketType
REP: SocketType
DEALER: SocketType
ROUTER: SocketType
PULL: SocketType
PUSH: SocketType
XPUB: SocketType
XSUB: SocketType
STREAM: SocketType
SERVER: SocketType
CLIENT: SocketType
RADIO: SocketType
DISH: SocketType
GATHER: SocketType
SCATTER: SocketType
DGRAM: SocketType
PEER: SocketType
CHANNEL: SocketType
XREQ: SocketType
XREP: SocketType
UPSTREAM: SocketType
DOWNSTREAM: SocketType

__all__ = [
    "SocketType",
    "PAIR",
    "PUB",
    "SUB",
    "REQ",
    "REP",
    "DEALER",
    "ROUTER",
    "PULL",
    "PUSH",
    "XPUB",
    "XSUB",
    "STREAM",
    "SERVER",
    "CLIENT",
    "RADIO",
    "DISH",
    "GATHER",
    "SCATTER",
    "DGRAM",
    "PEER",
    "CHANNEL",
    "XREQ",
    "XREP",
    "UPSTREAM",
    "DOWNSTREAM",
    "SocketOption",
    "HWM",
    "AFFINITY",
    "ROUTING_ID",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "RATE",
    "RECOVERY_IVL",
    "SNDBUF",
    "RCVBUF",
    "RCVMORE",
    "FD",
    "EVENTS",
    "TYPE",
    "LINGER",
    "RECONNECT_IVL",
    "BACKLOG",
    "RECONNECT_IVL_MAX",
    "MAXMSGSIZE",
    "SNDHWM",
    "RCVHWM",
    "MULTICAST_HOPS",
    "RCVTIMEO",
    "SNDTIMEO",
    "IPV4ONLY",
    "LAST_ENDPOINT",
    "ROUTER_MANDATORY",
    "TCP_KEEPALIVE",
    "TCP_KEEPALIVE_CNT",
    "TCP_KEEPALIVE_IDLE",
    "TCP_KEEPALIVE_INTVL",
    "TCP_ACCEPT_FILTER",
    "IMMEDIATE",
    "XPUB_VERBOSE",
    "ROUTER_RAW",
    "IPV6",
    "MECHANISM",
    "PLAIN_SERVER",
    "PLAIN_USERNAME",
    "PLAIN_PASSWORD",
    "CURVE_SERVER",
    "CURVE_PUBLICKEY",
    "CURVE_SECRETKEY",
    "CURVE_SERVERKEY",
    "PROBE_ROUTER",
    "REQ_CORRELATE",
    "REQ_RELAXED",
    "CONFLATE",
    "ZAP_DOMAIN",
    "ROUTER_HANDOVER",
    "TOS",
    "IPC_FILTER_PID",
    "IPC_FILTER_UID",
    "IPC_FILTER_GID",
    "CONNECT_ROUTING_ID",
    "GSSAPI_SERVER",
    "GSSAPI_PRINCIPAL",
    "GSSAPI_SERVICE_PRINCIPAL",
    "GSSAPI_PLAINTEXT",
    "HANDSHAKE_IVL",
    "SOCKS_PROXY",
    "XPUB_NODROP",
    "BLOCKY",
    "XPUB_MANUAL",
    "XPUB_WELCOME_MSG",
    "STREAM_NOTIFY",
    "INVERT_MATCHING",
    "HEARTBEAT_IVL",
    "HEARTBEAT_TTL",
    "HEARTBEAT_TIMEOUT",
    "XPUB_VERBOSER",
    "CONNECT_TIMEOUT",
    "TCP_MAXRT",
    "THREAD_SAFE",
    "MULTICAST_MAXTPDU",
    "VMCI_BUFFER_SIZE",
    "VMCI_BUFFER_MIN_SIZE",
    "VMCI_BUFFER_MAX_SIZE",
    "VMCI_CONNECT_TIMEOUT",
    "USE_FD",
    "GSSAPI_PRINCIPAL_NAMETYPE",
    "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE",
    "BINDTODEVICE",
    "ZAP_ENFORCE_DOMAIN",
    "LOOPBACK_FASTPATH",
    "METADATA",
    "MULTICAST_LOOP",
    "ROUTER_NOTIFY",
    "XPUB_MANUAL_LAST_VALUE",
    "SOCKS_USERNAME",
    "SOCKS_PASSWORD",
    "IN_BATCH_SIZE",
    "OUT_BATCH_SIZE",
    "WSS_KEY_PEM",
    "WSS_CERT_PEM",
    "WSS_TRUST_PEM",
    "WSS_HOSTNAME",
    "WSS_TRUST_SYSTEM",
    "ONLY_FIRST_SUBSCRIBE",
    "RECONNECT_STOP",
    "HELLO_MSG",
    "DISCONNECT_MSG",
    "PRIORITY",
    "BUSY_POLL",
    "HICCUP_MSG",
    "XSUB_VERBOSE_UNSUBSCRIBE",
    "TOPICS_COUNT",
    "NORM_MODE",
    "NORM_UNICAST_NACK",
    "NORM_BUFFER_SIZE",
    "NORM_SEGMENT_SIZE",
    "NORM_BLOCK_SIZE",
    "NORM_NUM_PARITY",
    "NORM_NUM_AUTOPARITY",
    "NORM_PUSH",
    "IDENTITY",
    "CONNECT_RID",
    "DELAY_ATTACH_ON_CONNECT",
    "FAIL_UNROUTABLE",
    "ROUTER_BEHAVIOR",
    "ContextOption",
    "IO_THREADS",
    "MAX_SOCKETS",
    "SOCKET_LIMIT",
    "THREAD_PRIORITY",
    "THREAD_SCHED_POLICY",
    "MAX_MSGSZ",
    "MSG_T_SIZE",
    "THREAD_AFFINITY_CPU_ADD",
    "THREAD_AFFINITY_CPU_REMOVE",
    "THREAD_NAME_PREFIX",
    "ZERO_COPY_RECV",
    "MessageOption",
    "MORE",
    "SRCFD",
    "SHARED",
    "Flag",
    "DONTWAIT",
    "SNDMORE",
    "NOBLOCK",
    "PollEvent",
    "POLLIN",
    "POLLOUT",
    "POLLERR",
    "POLLPRI",
    "Event",
    "EVENT_CONNECTED",
    "EVENT_CONNECT_DELAYED",
    "EVENT_CONNECT_RETRIED",
    "EVENT_LISTENING",
    "EVENT_BIND_FAILED",
    "EVENT_ACCEPTED",
    "EVENT_ACCEPT_FAILED",
    "EVENT_CLOSED",
    "EVENT_CLOSE_FAILED",
    "EVENT_DISCONNECTED",
    "EVENT_MONITOR_STOPPED",
    "EVENT_HANDSHAKE_FAILED_NO_DETAIL",
    "EVENT_HANDSHAKE_SUCCEEDED",
    "EVENT_HANDSHAKE_FAILED_PROTOCOL",
    "EVENT_HANDSHAKE_FAILED_AUTH",
    "EVENT_ALL_V1",
    "EVENT_ALL",
    "EVENT_PIPES_STATS",
    "EVENT_ALL_V2",
    "PROTOCOL_ERROR_ZMTP_UNSPECIFIED",
    "PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND",
    "PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE",
    "PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY",
    "PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME",
    "PROTOCOL_ERROR_ZMTP_INVALID_METADATA",
    "PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC",
    "PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH",
    "PROTOCOL_ERROR_ZAP_UNSPECIFIED",
    "PROTOCOL_ERROR_ZAP_MALFORMED_REPLY",
    "PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID",
    "PROTOCOL_ERROR_ZAP_BAD_VERSION",
    "PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE",
    "PROTOCOL_ERROR_ZAP_INVALID_METADATA",
    "PROTOCOL_ERROR_WS_UNSPECIFIED",
    "SecurityMechanism",
    "NULL",
    "PLAIN",
    "CURVE",
    "GSSAPI",
    "GSSAPINameType",
    "GSSAPI_NT_HOSTBASED",
    "GSSAPI_NT_USER_NAME",
    "GSSAPI_NT_KRB5_PRINCIPAL",
    "ReconnectStop",
    "RECONNECT_STOP_CONN_REFUSED",
    "RECONNECT_STOP_HANDSHAKE_FAILED",
    "RECONNECT_STOP_AFTER_DISCONNECT",
    "RouterNotify",
    "NOTIFY_CONNECT",
    "NOTIFY_DISCONNECT",
    "NormMode",
    "NORM_FIXED",
    "NORM_CC",
    "NORM_CCL",
    "NORM_CCE",
    "NORM_CCE_ECNONLY",
    "DeviceType",
    "STREAMER",
    "FORWARDER",
    "QUEUE",
    "Errno",
    "EAGAIN",
    "EFAULT",
    "EINVAL",
    "ENOTSUP",
    "EPROTONOSUPPORT",
    "ENOBUFS",
    "ENETDOWN",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ECONNREFUSED",
    "EINPROGRESS",
    "ENOTSOCK",
    "EMSGSIZE",
    "EAFNOSUPPORT",
    "ENETUNREACH",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOTCONN",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETRESET",
    "EFSM",
    "ENOCOMPATPROTO",
    "ETERM",
    "EMTHREAD",
    "IO_THREADS_DFLT",
    "MAX_SOCKETS_DFLT",
    "THREAD_PRIORITY_DFLT",
    "THREAD_SCHED_POLICY_DFLT",
    "POLLITEMS_DFLT",
    "GROUP_MAX_LENGTH",
    "CURRENT_EVENT_VERSION",
    "CURRENT_EVENT_VERSION_DRAFT",
    "MSG_PROPERTY_ROUTING_ID",
    "MSG_PROPERTY_SOCKET_TYPE",
    "MSG_PROPERTY_USER_ID",
    "MSG_PROPERTY_PEER_ADDRESS",
]
