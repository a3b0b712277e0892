"""The options of sockets and contexts, as attributes and as keywords.

Written by tests/written_out.py from options/rows.py: change it there, not here.
"""

# fmt: off
# ruff: noqa: E702, E501 - one line an option
from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypedDict, TypeVar, overload

from typing_extensions import Self

# What a socket type makes: `enums` stands below these and knows them by this stub alone.
from ..context import Context as Context
from ..enums import SocketType
from ..socket import Socket as Socket

_R = TypeVar("_R")
_W = TypeVar("_W")

class _Option(Generic[_R, _W]):
    """What reading gives, and what may be assigned."""

    @overload
    def __get__(self, owner: None, cls: type) -> Self: ...
    @overload
    def __get__(self, owner: object, cls: type | None = None) -> _R: ...
    def __set__(self, owner: Any, value: _W) -> None: ...

_Type: TypeAlias = _Option[SocketType, NoReturn]
_Int: TypeAlias = _Option[int, int]
_ReadOnlyInt: TypeAlias = _Option[int, NoReturn]
_WriteOnlyInt: TypeAlias = _Option[NoReturn, int | None]
_Bytes: TypeAlias = _Option[bytes, bytes | str | None]
_ReadOnlyBytes: TypeAlias = _Option[bytes, NoReturn]
_WriteOnlyBytes: TypeAlias = _Option[NoReturn, bytes | str | None]
_Assignable: TypeAlias = _Option[Callable[[bytes | str], None], bytes | str]

class SocketOptions:
    type: _Type; TYPE: _Type
    rcvmore: _ReadOnlyInt; RCVMORE: _ReadOnlyInt
    fd: _ReadOnlyInt; FD: _ReadOnlyInt
    events: _ReadOnlyInt; EVENTS: _ReadOnlyInt
    last_endpoint: _ReadOnlyBytes; LAST_ENDPOINT: _ReadOnlyBytes
    thread_safe: _ReadOnlyInt; THREAD_SAFE: _ReadOnlyInt
    mechanism: _ReadOnlyInt; MECHANISM: _ReadOnlyInt
    topics_count: _ReadOnlyInt; TOPICS_COUNT: _ReadOnlyInt
    sndhwm: _Int; SNDHWM: _Int
    rcvhwm: _Int; RCVHWM: _Int
    sndtimeo: _Int; SNDTIMEO: _Int
    rcvtimeo: _Int; RCVTIMEO: _Int
    linger: _Int; LINGER: _Int
    maxmsgsize: _Int; MAXMSGSIZE: _Int
    immediate: _Int; IMMEDIATE: _Int
    conflate: _Int; CONFLATE: _Int
    affinity: _Int; AFFINITY: _Int
    routing_id: _Bytes; ROUTING_ID: _Bytes
    connect_routing_id: _WriteOnlyBytes; CONNECT_ROUTING_ID: _WriteOnlyBytes
    router_mandatory: _WriteOnlyInt; ROUTER_MANDATORY: _WriteOnlyInt
    router_handover: _WriteOnlyInt; ROUTER_HANDOVER: _WriteOnlyInt
    router_raw: _WriteOnlyInt; ROUTER_RAW: _WriteOnlyInt
    router_notify: _Int; ROUTER_NOTIFY: _Int
    probe_router: _WriteOnlyInt; PROBE_ROUTER: _WriteOnlyInt
    req_correlate: _WriteOnlyInt; REQ_CORRELATE: _WriteOnlyInt
    req_relaxed: _WriteOnlyInt; REQ_RELAXED: _WriteOnlyInt
    stream_notify: _WriteOnlyInt; STREAM_NOTIFY: _WriteOnlyInt
    hello_msg: _WriteOnlyBytes; HELLO_MSG: _WriteOnlyBytes
    disconnect_msg: _WriteOnlyBytes; DISCONNECT_MSG: _WriteOnlyBytes
    hiccup_msg: _WriteOnlyBytes; HICCUP_MSG: _WriteOnlyBytes
    metadata: _WriteOnlyBytes; METADATA: _WriteOnlyBytes
    subscribe: _Assignable; SUBSCRIBE: _Assignable
    unsubscribe: _Assignable; UNSUBSCRIBE: _Assignable
    xpub_verbose: _WriteOnlyInt; XPUB_VERBOSE: _WriteOnlyInt
    xpub_verboser: _WriteOnlyInt; XPUB_VERBOSER: _WriteOnlyInt
    xpub_nodrop: _WriteOnlyInt; XPUB_NODROP: _WriteOnlyInt
    xpub_manual: _WriteOnlyInt; XPUB_MANUAL: _WriteOnlyInt
    xpub_manual_last_value: _WriteOnlyInt; XPUB_MANUAL_LAST_VALUE: _WriteOnlyInt
    xpub_welcome_msg: _WriteOnlyBytes; XPUB_WELCOME_MSG: _WriteOnlyBytes
    only_first_subscribe: _WriteOnlyInt; ONLY_FIRST_SUBSCRIBE: _WriteOnlyInt
    xsub_verbose_unsubscribe: _WriteOnlyInt; XSUB_VERBOSE_UNSUBSCRIBE: _WriteOnlyInt
    invert_matching: _Int; INVERT_MATCHING: _Int
    backlog: _Int; BACKLOG: _Int
    connect_timeout: _Int; CONNECT_TIMEOUT: _Int
    handshake_ivl: _Int; HANDSHAKE_IVL: _Int
    reconnect_ivl: _Int; RECONNECT_IVL: _Int
    reconnect_ivl_max: _Int; RECONNECT_IVL_MAX: _Int
    reconnect_stop: _Int; RECONNECT_STOP: _Int
    heartbeat_ivl: _Int; HEARTBEAT_IVL: _Int
    heartbeat_ttl: _Int; HEARTBEAT_TTL: _Int
    heartbeat_timeout: _Int; HEARTBEAT_TIMEOUT: _Int
    ipv6: _Int; IPV6: _Int
    ipv4only: _Int; IPV4ONLY: _Int
    sndbuf: _Int; SNDBUF: _Int
    rcvbuf: _Int; RCVBUF: _Int
    tos: _Int; TOS: _Int
    priority: _Int; PRIORITY: _Int
    busy_poll: _WriteOnlyInt; BUSY_POLL: _WriteOnlyInt
    in_batch_size: _Int; IN_BATCH_SIZE: _Int
    out_batch_size: _Int; OUT_BATCH_SIZE: _Int
    tcp_keepalive: _Int; TCP_KEEPALIVE: _Int
    tcp_keepalive_cnt: _Int; TCP_KEEPALIVE_CNT: _Int
    tcp_keepalive_idle: _Int; TCP_KEEPALIVE_IDLE: _Int
    tcp_keepalive_intvl: _Int; TCP_KEEPALIVE_INTVL: _Int
    tcp_maxrt: _Int; TCP_MAXRT: _Int
    bindtodevice: _Bytes; BINDTODEVICE: _Bytes
    use_fd: _Int; USE_FD: _Int
    socks_proxy: _Bytes; SOCKS_PROXY: _Bytes
    socks_username: _Bytes; SOCKS_USERNAME: _Bytes
    socks_password: _Bytes; SOCKS_PASSWORD: _Bytes
    loopback_fastpath: _Int; LOOPBACK_FASTPATH: _Int
    tcp_accept_filter: _WriteOnlyBytes; TCP_ACCEPT_FILTER: _WriteOnlyBytes
    ipc_filter_pid: _WriteOnlyInt; IPC_FILTER_PID: _WriteOnlyInt
    ipc_filter_uid: _WriteOnlyInt; IPC_FILTER_UID: _WriteOnlyInt
    ipc_filter_gid: _WriteOnlyInt; IPC_FILTER_GID: _WriteOnlyInt
    zap_domain: _Bytes; ZAP_DOMAIN: _Bytes
    zap_enforce_domain: _Int; ZAP_ENFORCE_DOMAIN: _Int
    plain_server: _Int; PLAIN_SERVER: _Int
    plain_username: _Bytes; PLAIN_USERNAME: _Bytes
    plain_password: _Bytes; PLAIN_PASSWORD: _Bytes
    curve_server: _Int; CURVE_SERVER: _Int
    curve_publickey: _Bytes; CURVE_PUBLICKEY: _Bytes
    curve_secretkey: _Bytes; CURVE_SECRETKEY: _Bytes
    curve_serverkey: _Bytes; CURVE_SERVERKEY: _Bytes
    gssapi_server: _Int; GSSAPI_SERVER: _Int
    gssapi_principal: _Bytes; GSSAPI_PRINCIPAL: _Bytes
    gssapi_service_principal: _Bytes; GSSAPI_SERVICE_PRINCIPAL: _Bytes
    gssapi_plaintext: _Int; GSSAPI_PLAINTEXT: _Int
    gssapi_principal_nametype: _Int; GSSAPI_PRINCIPAL_NAMETYPE: _Int
    gssapi_service_principal_nametype: _Int; GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: _Int
    wss_key_pem: _WriteOnlyBytes; WSS_KEY_PEM: _WriteOnlyBytes
    wss_cert_pem: _WriteOnlyBytes; WSS_CERT_PEM: _WriteOnlyBytes
    wss_trust_pem: _WriteOnlyBytes; WSS_TRUST_PEM: _WriteOnlyBytes
    wss_hostname: _WriteOnlyBytes; WSS_HOSTNAME: _WriteOnlyBytes
    wss_trust_system: _WriteOnlyInt; WSS_TRUST_SYSTEM: _WriteOnlyInt
    rate: _Int; RATE: _Int
    recovery_ivl: _Int; RECOVERY_IVL: _Int
    multicast_hops: _Int; MULTICAST_HOPS: _Int
    multicast_maxtpdu: _Int; MULTICAST_MAXTPDU: _Int
    multicast_loop: _Int; MULTICAST_LOOP: _Int
    vmci_buffer_size: _WriteOnlyInt; VMCI_BUFFER_SIZE: _WriteOnlyInt
    vmci_buffer_min_size: _WriteOnlyInt; VMCI_BUFFER_MIN_SIZE: _WriteOnlyInt
    vmci_buffer_max_size: _WriteOnlyInt; VMCI_BUFFER_MAX_SIZE: _WriteOnlyInt
    vmci_connect_timeout: _WriteOnlyInt; VMCI_CONNECT_TIMEOUT: _WriteOnlyInt
    norm_mode: _Int; NORM_MODE: _Int
    norm_unicast_nack: _Int; NORM_UNICAST_NACK: _Int
    norm_buffer_size: _Int; NORM_BUFFER_SIZE: _Int
    norm_segment_size: _Int; NORM_SEGMENT_SIZE: _Int
    norm_block_size: _Int; NORM_BLOCK_SIZE: _Int
    norm_num_parity: _Int; NORM_NUM_PARITY: _Int
    norm_num_autoparity: _Int; NORM_NUM_AUTOPARITY: _Int
    norm_push: _Int; NORM_PUSH: _Int
    hwm: _Int; HWM: _Int
    identity: _Bytes; IDENTITY: _Bytes
    connect_rid: _WriteOnlyBytes; CONNECT_RID: _WriteOnlyBytes
    delay_attach_on_connect: _Int; DELAY_ATTACH_ON_CONNECT: _Int
    fail_unroutable: _WriteOnlyInt; FAIL_UNROUTABLE: _WriteOnlyInt
    router_behavior: _WriteOnlyInt; ROUTER_BEHAVIOR: _WriteOnlyInt

class ContextOptions:
    io_threads: _Int; IO_THREADS: _Int
    max_sockets: _Int; MAX_SOCKETS: _Int
    socket_limit: _ReadOnlyInt; SOCKET_LIMIT: _ReadOnlyInt
    thread_priority: _WriteOnlyInt; THREAD_PRIORITY: _WriteOnlyInt
    thread_sched_policy: _WriteOnlyInt; THREAD_SCHED_POLICY: _WriteOnlyInt
    thread_affinity_cpu_add: _WriteOnlyInt; THREAD_AFFINITY_CPU_ADD: _WriteOnlyInt
    thread_affinity_cpu_remove: _WriteOnlyInt; THREAD_AFFINITY_CPU_REMOVE: _WriteOnlyInt
    thread_name_prefix: _Bytes; THREAD_NAME_PREFIX: _Bytes
    max_msgsz: _Int; MAX_MSGSZ: _Int
    msg_t_size: _ReadOnlyInt; MSG_T_SIZE: _ReadOnlyInt
    zero_copy_recv: _Int; ZERO_COPY_RECV: _Int
    ipv6: _Int; IPV6: _Int
    blocky: _Int; BLOCKY: _Int

class SocketKeywords(TypedDict, total=False):
    harden: bool
    overflow: Literal['block', 'drop_newest', 'latest']
    copy_threshold: int
    shadow: Any
    sndhwm: int; SNDHWM: int
    rcvhwm: int; RCVHWM: int
    sndtimeo: int; SNDTIMEO: int
    rcvtimeo: int; RCVTIMEO: int
    linger: int; LINGER: int
    maxmsgsize: int; MAXMSGSIZE: int
    immediate: int; IMMEDIATE: int
    conflate: int; CONFLATE: int
    affinity: int; AFFINITY: int
    routing_id: str | bytes; ROUTING_ID: str | bytes
    connect_routing_id: str | bytes; CONNECT_ROUTING_ID: str | bytes
    router_mandatory: int; ROUTER_MANDATORY: int
    router_handover: int; ROUTER_HANDOVER: int
    router_raw: int; ROUTER_RAW: int
    router_notify: int; ROUTER_NOTIFY: int
    probe_router: int; PROBE_ROUTER: int
    req_correlate: int; REQ_CORRELATE: int
    req_relaxed: int; REQ_RELAXED: int
    stream_notify: int; STREAM_NOTIFY: int
    hello_msg: str | bytes; HELLO_MSG: str | bytes
    disconnect_msg: str | bytes; DISCONNECT_MSG: str | bytes
    hiccup_msg: str | bytes; HICCUP_MSG: str | bytes
    metadata: str | bytes; METADATA: str | bytes
    subscribe: str | bytes | Iterable[str | bytes]; SUBSCRIBE: str | bytes | Iterable[str | bytes]
    unsubscribe: str | bytes | Iterable[str | bytes]; UNSUBSCRIBE: str | bytes | Iterable[str | bytes]
    xpub_verbose: int; XPUB_VERBOSE: int
    xpub_verboser: int; XPUB_VERBOSER: int
    xpub_nodrop: int; XPUB_NODROP: int
    xpub_manual: int; XPUB_MANUAL: int
    xpub_manual_last_value: int; XPUB_MANUAL_LAST_VALUE: int
    xpub_welcome_msg: str | bytes; XPUB_WELCOME_MSG: str | bytes
    only_first_subscribe: int; ONLY_FIRST_SUBSCRIBE: int
    xsub_verbose_unsubscribe: int; XSUB_VERBOSE_UNSUBSCRIBE: int
    invert_matching: int; INVERT_MATCHING: int
    backlog: int; BACKLOG: int
    connect_timeout: int; CONNECT_TIMEOUT: int
    handshake_ivl: int; HANDSHAKE_IVL: int
    reconnect_ivl: int; RECONNECT_IVL: int
    reconnect_ivl_max: int; RECONNECT_IVL_MAX: int
    reconnect_stop: int; RECONNECT_STOP: int
    heartbeat_ivl: int; HEARTBEAT_IVL: int
    heartbeat_ttl: int; HEARTBEAT_TTL: int
    heartbeat_timeout: int; HEARTBEAT_TIMEOUT: int
    ipv6: int; IPV6: int
    ipv4only: int; IPV4ONLY: int
    sndbuf: int; SNDBUF: int
    rcvbuf: int; RCVBUF: int
    tos: int; TOS: int
    priority: int; PRIORITY: int
    busy_poll: int; BUSY_POLL: int
    in_batch_size: int; IN_BATCH_SIZE: int
    out_batch_size: int; OUT_BATCH_SIZE: int
    tcp_keepalive: int; TCP_KEEPALIVE: int
    tcp_keepalive_cnt: int; TCP_KEEPALIVE_CNT: int
    tcp_keepalive_idle: int; TCP_KEEPALIVE_IDLE: int
    tcp_keepalive_intvl: int; TCP_KEEPALIVE_INTVL: int
    tcp_maxrt: int; TCP_MAXRT: int
    bindtodevice: str | bytes | None; BINDTODEVICE: str | bytes | None
    use_fd: int; USE_FD: int
    socks_proxy: str | bytes | None; SOCKS_PROXY: str | bytes | None
    socks_username: str | bytes | None; SOCKS_USERNAME: str | bytes | None
    socks_password: str | bytes | None; SOCKS_PASSWORD: str | bytes | None
    loopback_fastpath: int; LOOPBACK_FASTPATH: int
    tcp_accept_filter: str | bytes | None; TCP_ACCEPT_FILTER: str | bytes | None
    ipc_filter_pid: int | None; IPC_FILTER_PID: int | None
    ipc_filter_uid: int | None; IPC_FILTER_UID: int | None
    ipc_filter_gid: int | None; IPC_FILTER_GID: int | None
    zap_domain: str | bytes; ZAP_DOMAIN: str | bytes
    zap_enforce_domain: int; ZAP_ENFORCE_DOMAIN: int
    plain_server: int; PLAIN_SERVER: int
    plain_username: str | bytes | None; PLAIN_USERNAME: str | bytes | None
    plain_password: str | bytes | None; PLAIN_PASSWORD: str | bytes | None
    curve_server: int; CURVE_SERVER: int
    curve_publickey: str | bytes; CURVE_PUBLICKEY: str | bytes
    curve_secretkey: str | bytes; CURVE_SECRETKEY: str | bytes
    curve_serverkey: str | bytes; CURVE_SERVERKEY: str | bytes
    gssapi_server: int; GSSAPI_SERVER: int
    gssapi_principal: str | bytes; GSSAPI_PRINCIPAL: str | bytes
    gssapi_service_principal: str | bytes; GSSAPI_SERVICE_PRINCIPAL: str | bytes
    gssapi_plaintext: int; GSSAPI_PLAINTEXT: int
    gssapi_principal_nametype: int; GSSAPI_PRINCIPAL_NAMETYPE: int
    gssapi_service_principal_nametype: int; GSSAPI_SERVICE_PRINCIPAL_NAMETYPE: int
    wss_key_pem: str | bytes; WSS_KEY_PEM: str | bytes
    wss_cert_pem: str | bytes; WSS_CERT_PEM: str | bytes
    wss_trust_pem: str | bytes; WSS_TRUST_PEM: str | bytes
    wss_hostname: str | bytes; WSS_HOSTNAME: str | bytes
    wss_trust_system: int; WSS_TRUST_SYSTEM: int
    rate: int; RATE: int
    recovery_ivl: int; RECOVERY_IVL: int
    multicast_hops: int; MULTICAST_HOPS: int
    multicast_maxtpdu: int; MULTICAST_MAXTPDU: int
    multicast_loop: int; MULTICAST_LOOP: int
    vmci_buffer_size: int; VMCI_BUFFER_SIZE: int
    vmci_buffer_min_size: int; VMCI_BUFFER_MIN_SIZE: int
    vmci_buffer_max_size: int; VMCI_BUFFER_MAX_SIZE: int
    vmci_connect_timeout: int; VMCI_CONNECT_TIMEOUT: int
    norm_mode: int; NORM_MODE: int
    norm_unicast_nack: int; NORM_UNICAST_NACK: int
    norm_buffer_size: int; NORM_BUFFER_SIZE: int
    norm_segment_size: int; NORM_SEGMENT_SIZE: int
    norm_block_size: int; NORM_BLOCK_SIZE: int
    norm_num_parity: int; NORM_NUM_PARITY: int
    norm_num_autoparity: int; NORM_NUM_AUTOPARITY: int
    norm_push: int; NORM_PUSH: int
    hwm: int; HWM: int
    identity: str | bytes; IDENTITY: str | bytes
    connect_rid: str | bytes; CONNECT_RID: str | bytes
    delay_attach_on_connect: int; DELAY_ATTACH_ON_CONNECT: int
    fail_unroutable: int; FAIL_UNROUTABLE: int
    router_behavior: int; ROUTER_BEHAVIOR: int
