"""The options of sockets and contexts as attributes: `sock.linger = 0`, `sock.LINGER`.

Written out rather than made at run time, so that editors, mypy and pyright know every name and
its type; `tests/test_options.py` holds the list to the table. An attribute goes through `get`
and `set` of its owner, which check, and a subclass that overrides those is heard.
"""

from __future__ import annotations

from types import MethodType

from .enums import Errno, SocketOption, SocketType
from .error import ZMQError
from .options import CONTEXT_OPTIONS, SOCKET_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn, overload

    from typing_extensions import Self


class _Attribute:
    """What the attributes of all kinds share: each finds its row by the name it is given."""

    number: int

    def __set_name__(self, owner: type[SocketOptions | ContextOptions], name: str) -> None:
        option = owner._table.by_name[name.upper()]
        self.number = option.number
        self.__name__ = name.lower()
        unit = f" ({option.unit})" if option.unit else ""
        access = "" if option.writable else "; read-only"
        access = access if option.readable else "; write-only"
        self.__doc__ = f"{option.name}: {option.doc}{unit}{access}"

    def _read(self, owner: Any) -> Any:
        try:
            return owner.get(self.number)
        except ZMQError as error:
            # hasattr() and mock ask for every name; for them a refused option is an absent one.
            if error.errno not in (Errno.EINVAL, Errno.EFAULT):
                raise
            raise AttributeError(str(error)) from error


class _ReadsInt(_Attribute):
    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: type) -> Self: ...
        @overload
        def __get__(self, owner: object, cls: type | None = None) -> int: ...

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self if owner is None else self._read(owner)


class _ReadsBytes(_Attribute):
    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: type) -> Self: ...
        @overload
        def __get__(self, owner: object, cls: type | None = None) -> bytes: ...

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self if owner is None else self._read(owner)


class _ReadsNothing(_Attribute):
    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: type) -> Self: ...
        @overload
        def __get__(self, owner: object, cls: type | None = None) -> NoReturn: ...

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        if owner is None:
            return self
        raise AttributeError(f"{self.__name__} attribute is write-only")


class _Int(_ReadsInt):
    def __set__(self, owner: Any, value: int) -> None:
        owner.set(self.number, value)


class _ReadOnlyInt(_ReadsInt):
    def __set__(self, owner: Any, value: NoReturn) -> None:
        owner.set(self.number, value)  # refuses, in the words of all the other refusals


class _WriteOnlyInt(_ReadsNothing):
    def __set__(self, owner: Any, value: int | None) -> None:
        owner.set(self.number, value)


class _Bytes(_ReadsBytes):
    """Reads as bytes; a str that is assigned travels as UTF-8, None resets what can be reset."""

    def __set__(self, owner: Any, value: bytes | str | None) -> None:
        owner.set(self.number, _encoded(value))


class _ReadOnlyBytes(_ReadsBytes):
    def __set__(self, owner: Any, value: NoReturn) -> None:
        owner.set(self.number, value)


class _WriteOnlyBytes(_ReadsNothing):
    def __set__(self, owner: Any, value: bytes | str | None) -> None:
        owner.set(self.number, _encoded(value))


class _Type(_Attribute):
    """Known also of a closed socket, of which `get` knows nothing."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: type) -> Self: ...
        @overload
        def __get__(self, owner: object, cls: type | None = None) -> SocketType: ...

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self if owner is None else SocketType(owner.type_number)

    def __set__(self, owner: Any, value: NoReturn) -> None:
        owner.set(self.number, value)


class _HighWaterMarks(_ReadsInt):
    """SNDHWM and RCVHWM under one name, as libzmq 2 had it; reads as SNDHWM."""

    number = SocketOption.SNDHWM.value

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name.lower()

    def __set__(self, owner: Any, value: int) -> None:
        owner.set(SocketOption.SNDHWM.value, value)
        owner.set(SocketOption.RCVHWM.value, value)


class _Assignable:
    """A method of one argument that assignment calls too: `sub.subscribe = b"topic"`."""

    def __init__(self, method: Callable[[Any, bytes | str], None]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, cls: type) -> Callable[[Any, bytes | str], None]: ...
        @overload
        def __get__(
            self, owner: object, cls: type | None = None
        ) -> Callable[[bytes | str], None]: ...

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self.method if owner is None else MethodType(self.method, owner)

    def __set__(self, owner: Any, value: bytes | str) -> None:
        self.method(owner, value)


def _encoded(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


class SocketOptions:
    """Every socket option as an attribute; needs `get(number)` and `set(number, value)`."""

    __slots__ = ()
    _table = SOCKET_OPTIONS

    type = TYPE = _Type()
    rcvmore = RCVMORE = _ReadOnlyInt()
    fd = FD = _ReadOnlyInt()
    events = EVENTS = _ReadOnlyInt()
    last_endpoint = LAST_ENDPOINT = _ReadOnlyBytes()
    thread_safe = THREAD_SAFE = _ReadOnlyInt()
    mechanism = MECHANISM = _ReadOnlyInt()
    topics_count = TOPICS_COUNT = _ReadOnlyInt()
    sndhwm = SNDHWM = _Int()
    rcvhwm = RCVHWM = _Int()
    sndtimeo = SNDTIMEO = _Int()
    rcvtimeo = RCVTIMEO = _Int()
    linger = LINGER = _Int()
    maxmsgsize = MAXMSGSIZE = _Int()
    immediate = IMMEDIATE = _Int()
    conflate = CONFLATE = _Int()
    affinity = AFFINITY = _Int()
    routing_id = ROUTING_ID = _Bytes()
    connect_routing_id = CONNECT_ROUTING_ID = _WriteOnlyBytes()
    router_mandatory = ROUTER_MANDATORY = _WriteOnlyInt()
    router_handover = ROUTER_HANDOVER = _WriteOnlyInt()
    router_raw = ROUTER_RAW = _WriteOnlyInt()
    router_notify = ROUTER_NOTIFY = _Int()
    probe_router = PROBE_ROUTER = _WriteOnlyInt()
    req_correlate = REQ_CORRELATE = _WriteOnlyInt()
    req_relaxed = REQ_RELAXED = _WriteOnlyInt()
    stream_notify = STREAM_NOTIFY = _WriteOnlyInt()
    hello_msg = HELLO_MSG = _WriteOnlyBytes()
    disconnect_msg = DISCONNECT_MSG = _WriteOnlyBytes()
    hiccup_msg = HICCUP_MSG = _WriteOnlyBytes()
    metadata = METADATA = _WriteOnlyBytes()
    xpub_verbose = XPUB_VERBOSE = _WriteOnlyInt()
    xpub_verboser = XPUB_VERBOSER = _WriteOnlyInt()
    xpub_nodrop = XPUB_NODROP = _WriteOnlyInt()
    xpub_manual = XPUB_MANUAL = _WriteOnlyInt()
    xpub_manual_last_value = XPUB_MANUAL_LAST_VALUE = _WriteOnlyInt()
    xpub_welcome_msg = XPUB_WELCOME_MSG = _WriteOnlyBytes()
    only_first_subscribe = ONLY_FIRST_SUBSCRIBE = _WriteOnlyInt()
    xsub_verbose_unsubscribe = XSUB_VERBOSE_UNSUBSCRIBE = _WriteOnlyInt()
    invert_matching = INVERT_MATCHING = _Int()
    backlog = BACKLOG = _Int()
    connect_timeout = CONNECT_TIMEOUT = _Int()
    handshake_ivl = HANDSHAKE_IVL = _Int()
    reconnect_ivl = RECONNECT_IVL = _Int()
    reconnect_ivl_max = RECONNECT_IVL_MAX = _Int()
    reconnect_stop = RECONNECT_STOP = _Int()
    heartbeat_ivl = HEARTBEAT_IVL = _Int()
    heartbeat_ttl = HEARTBEAT_TTL = _Int()
    heartbeat_timeout = HEARTBEAT_TIMEOUT = _Int()
    ipv6 = IPV6 = _Int()
    ipv4only = IPV4ONLY = _Int()
    sndbuf = SNDBUF = _Int()
    rcvbuf = RCVBUF = _Int()
    tos = TOS = _Int()
    priority = PRIORITY = _Int()
    busy_poll = BUSY_POLL = _WriteOnlyInt()
    in_batch_size = IN_BATCH_SIZE = _Int()
    out_batch_size = OUT_BATCH_SIZE = _Int()
    tcp_keepalive = TCP_KEEPALIVE = _Int()
    tcp_keepalive_cnt = TCP_KEEPALIVE_CNT = _Int()
    tcp_keepalive_idle = TCP_KEEPALIVE_IDLE = _Int()
    tcp_keepalive_intvl = TCP_KEEPALIVE_INTVL = _Int()
    tcp_maxrt = TCP_MAXRT = _Int()
    bindtodevice = BINDTODEVICE = _Bytes()
    use_fd = USE_FD = _Int()
    socks_proxy = SOCKS_PROXY = _Bytes()
    socks_username = SOCKS_USERNAME = _Bytes()
    socks_password = SOCKS_PASSWORD = _Bytes()
    loopback_fastpath = LOOPBACK_FASTPATH = _Int()
    tcp_accept_filter = TCP_ACCEPT_FILTER = _WriteOnlyBytes()
    ipc_filter_pid = IPC_FILTER_PID = _WriteOnlyInt()
    ipc_filter_uid = IPC_FILTER_UID = _WriteOnlyInt()
    ipc_filter_gid = IPC_FILTER_GID = _WriteOnlyInt()
    zap_domain = ZAP_DOMAIN = _Bytes()
    zap_enforce_domain = ZAP_ENFORCE_DOMAIN = _Int()
    plain_server = PLAIN_SERVER = _Int()
    plain_username = PLAIN_USERNAME = _Bytes()
    plain_password = PLAIN_PASSWORD = _Bytes()
    curve_server = CURVE_SERVER = _Int()
    curve_publickey = CURVE_PUBLICKEY = _Bytes()
    curve_secretkey = CURVE_SECRETKEY = _Bytes()
    curve_serverkey = CURVE_SERVERKEY = _Bytes()
    gssapi_server = GSSAPI_SERVER = _Int()
    gssapi_principal = GSSAPI_PRINCIPAL = _Bytes()
    gssapi_service_principal = GSSAPI_SERVICE_PRINCIPAL = _Bytes()
    gssapi_plaintext = GSSAPI_PLAINTEXT = _Int()
    gssapi_principal_nametype = GSSAPI_PRINCIPAL_NAMETYPE = _Int()
    gssapi_service_principal_nametype = GSSAPI_SERVICE_PRINCIPAL_NAMETYPE = _Int()
    wss_key_pem = WSS_KEY_PEM = _WriteOnlyBytes()
    wss_cert_pem = WSS_CERT_PEM = _WriteOnlyBytes()
    wss_trust_pem = WSS_TRUST_PEM = _WriteOnlyBytes()
    wss_hostname = WSS_HOSTNAME = _WriteOnlyBytes()
    wss_trust_system = WSS_TRUST_SYSTEM = _WriteOnlyInt()
    rate = RATE = _Int()
    recovery_ivl = RECOVERY_IVL = _Int()
    multicast_hops = MULTICAST_HOPS = _Int()
    multicast_maxtpdu = MULTICAST_MAXTPDU = _Int()
    multicast_loop = MULTICAST_LOOP = _Int()
    vmci_buffer_size = VMCI_BUFFER_SIZE = _WriteOnlyInt()
    vmci_buffer_min_size = VMCI_BUFFER_MIN_SIZE = _WriteOnlyInt()
    vmci_buffer_max_size = VMCI_BUFFER_MAX_SIZE = _WriteOnlyInt()
    vmci_connect_timeout = VMCI_CONNECT_TIMEOUT = _WriteOnlyInt()
    norm_mode = NORM_MODE = _Int()
    norm_unicast_nack = NORM_UNICAST_NACK = _Int()
    norm_buffer_size = NORM_BUFFER_SIZE = _Int()
    norm_segment_size = NORM_SEGMENT_SIZE = _Int()
    norm_block_size = NORM_BLOCK_SIZE = _Int()
    norm_num_parity = NORM_NUM_PARITY = _Int()
    norm_num_autoparity = NORM_NUM_AUTOPARITY = _Int()
    norm_push = NORM_PUSH = _Int()
    identity = IDENTITY = routing_id
    connect_rid = CONNECT_RID = connect_routing_id
    delay_attach_on_connect = DELAY_ATTACH_ON_CONNECT = immediate
    fail_unroutable = FAIL_UNROUTABLE = router_mandatory
    router_behavior = ROUTER_BEHAVIOR = router_mandatory

    hwm = HWM = _HighWaterMarks()

    @_Assignable
    def subscribe(self: Any, topic: bytes | str) -> None:
        """Receive what starts with `topic`, as well as what was subscribed to before.

        A str travels as UTF-8; an empty topic receives everything. On XPUB and PUB, with
        XPUB_MANUAL set, it says yes to the subscription that was received last.
        """
        self.set(SocketOption.SUBSCRIBE.value, _encoded(topic))

    @_Assignable
    def unsubscribe(self: Any, topic: bytes | str) -> None:
        """Take back one `subscribe` of the same topic; the others stay."""
        self.set(SocketOption.UNSUBSCRIBE.value, _encoded(topic))

    SUBSCRIBE = subscribe
    UNSUBSCRIBE = unsubscribe


class ContextOptions:
    """Every context option as an attribute; needs `get(number)` and `set(number, value)`."""

    __slots__ = ()
    _table = CONTEXT_OPTIONS

    io_threads = IO_THREADS = _Int()
    max_sockets = MAX_SOCKETS = _Int()
    socket_limit = SOCKET_LIMIT = _ReadOnlyInt()
    thread_priority = THREAD_PRIORITY = _WriteOnlyInt()
    thread_sched_policy = THREAD_SCHED_POLICY = _WriteOnlyInt()
    thread_affinity_cpu_add = THREAD_AFFINITY_CPU_ADD = _WriteOnlyInt()
    thread_affinity_cpu_remove = THREAD_AFFINITY_CPU_REMOVE = _WriteOnlyInt()
    thread_name_prefix = THREAD_NAME_PREFIX = _Bytes()
    max_msgsz = MAX_MSGSZ = _Int()
    msg_t_size = MSG_T_SIZE = _ReadOnlyInt()
    zero_copy_recv = ZERO_COPY_RECV = _Int()
    ipv6 = IPV6 = _Int()
    blocky = BLOCKY = _Int()
