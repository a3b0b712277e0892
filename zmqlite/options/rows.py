"""The one table of options: what each is, how its value travels, and what libzmq allows.

Nothing but rows and the shape of a row. A new option of libzmq is one row here: tables, checks,
attributes, keywords and the pages of the manual are drawn from it when they are asked for, the
build writes the types that checkers read, and `python tests/written_out.py` the members of
`enums`.
"""

from __future__ import annotations

from ..enums import SocketType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BYTES",
    "FD",
    "INT",
    "INT64",
    "KEY",
    "MESSAGE_PROPERTIES",
    "STRING",
    "UINT64",
    "Kind",
    "Option",
]


class Kind:
    """How a value travels. The compiled core takes these numbers as they are."""

    INT = 0  # C int, 32 bits
    INT64 = 1
    UINT64 = 2
    BYTES = 3  # as they are
    STRING = 4  # bytes of text; libzmq adds one NUL when it is read, and it is taken off
    KEY = 5  # 32 raw bytes, or 40 characters of Z85, which is also how it is read
    FD = 6  # a file descriptor, or a SOCKET on Windows


INT, INT64, UINT64 = Kind.INT, Kind.INT64, Kind.UINT64
BYTES, STRING, KEY, FD = Kind.BYTES, Kind.STRING, Kind.KEY, Kind.FD
TEXTUAL = (BYTES, STRING, KEY)


class Option:
    """One option of libzmq. A row of data, shared and never changed.

    `access` says whether it can be read and written, `at_once` that endpoints which exist notice a
    change, too; `facts` are the attributes that differ from those of the class.
    """

    default: Any = None
    """What a fresh socket has, None where it cannot be read."""
    low: int | None = None
    """Smallest value; for bytes, smallest length. None: libzmq sets no bound."""
    high: int | None = None
    """Largest value; for bytes, largest length. None: libzmq sets no bound."""
    unit: str = ""
    flag: bool = False
    """True for what is off or on, though the value is an int."""
    since: tuple[int, int, int] = (3, 2, 0)
    """The first libzmq that has it."""
    draft: bool = False
    feature: str = ""
    """What libzmq must have been compiled with, empty for nothing special."""
    types: tuple[SocketType, ...] = ()
    """The socket types that accept it, empty for all."""
    resettable: bool = False
    """True when None, which becomes a null pointer, takes the value away."""
    patch: str = ""
    """The patch of ours that brings it to a libzmq older than `since`, empty for none."""

    def __init__(
        self,
        number: int,
        name: str,
        kind: int,
        doc: str,
        access: str = "rw",
        *,
        at_once: bool = False,
        **facts: Any,
    ) -> None:
        self.name = name
        self.number = number
        self.kind = kind
        self.doc = doc
        """What it is for, in one line."""
        self.readable = "r" in access
        self.writable = "w" in access
        self.acts_late = self.writable and not at_once
        """True when only binds and connects that come later notice a change."""
        for fact in facts:
            if not hasattr(Option, fact):
                raise TypeError(f"an option has no {fact}")
        self.__dict__.update(facts)

    def __repr__(self) -> str:
        return f"<option {self.name}={self.number}>"


_row = Option


def _flag(number: int, name: str, doc: str, access: str = "rw", **facts: Any) -> Option:
    """An int that libzmq takes as off or on."""
    facts.setdefault("low", 0)
    return Option(number, name, INT, doc, access, flag=True, **facts)


def _switch(number: int, name: str, doc: str, access: str = "rw", **facts: Any) -> Option:
    """A flag for which libzmq refuses every value but 0 and 1."""
    return _flag(number, name, doc, access, high=1, **facts)


def _ms(number: int, name: str, low: int | None, default: int, doc: str, **facts: Any) -> Option:
    """A time in milliseconds."""
    return Option(number, name, INT, doc, default=default, low=low, unit="ms", **facts)


def _text(number: int, name: str, doc: str, access: str = "rw", **facts: Any) -> Option:
    if "r" in access:
        facts.setdefault("default", b"")
    return Option(number, name, STRING, doc, access, **facts)


_V40, _V41, _V42, _V43 = (4, 0, 0), (4, 1, 0), (4, 2, 0), (4, 3, 0)
_V432, _V433, _V434, _V435 = (4, 3, 2), (4, 3, 3), (4, 3, 4), (4, 3, 5)
_T = SocketType
_ROUTERS = (_T.ROUTER, _T.REP)
_PUBLISHERS = (_T.XPUB, _T.PUB)

SOCKET_ROWS: tuple[Option, ...] = (
    # What the socket is and how it stands
    _row(16, "TYPE", INT, "the socket type", "r"),
    _row(13, "RCVMORE", INT, "whether the message just received has more parts", "r",
        default=0),
    _row(14, "FD", FD, "descriptor that turns readable when EVENTS may have changed", "r"),
    _row(15, "EVENTS", INT, "what can be done now: bits of PollEvent", "r", default=0),
    _text(32, "LAST_ENDPOINT", "the address of the last bind or connect, as resolved", "r"),
    _flag(81, "THREAD_SAFE", "whether several threads may use the socket", "r", default=0,
        since=_V42),
    _row(43, "MECHANISM", INT, "the SecurityMechanism in force", "r", default=0, since=_V40),
    _row(116, "TOPICS_COUNT", INT, "how many topics are subscribed to", "r", default=0,
        since=_V435, draft=True, types=(*_PUBLISHERS, _T.SUB, _T.XSUB)),
    # Queues, timeouts and closing
    _row(23, "SNDHWM", INT, "most messages queued to send to one peer; 0 is no limit",
        default=1000, low=0, unit="messages", at_once=True),
    _row(24, "RCVHWM", INT, "most messages queued from one peer; 0 is no limit", default=1000,
        low=0, unit="messages", at_once=True),
    _ms(28, "SNDTIMEO", -1, -1, "how long a send may wait; -1 for ever, 0 not at all",
        at_once=True),
    _ms(27, "RCVTIMEO", -1, -1, "how long a receive may wait; -1 for ever, 0 not at all",
        at_once=True),
    _ms(17, "LINGER", -1, -1, "how long unsent messages outlive close; -1 for ever, 0 drops them "
        "(0 from the start on SUB, XSUB and DISH)", at_once=True),
    _row(22, "MAXMSGSIZE", INT64, "largest message part accepted from a peer; -1 is no limit",
        default=-1, unit="bytes"),
    _switch(39, "IMMEDIATE", "queue messages only for connections that are complete", default=0,
        since=_V40),
    _switch(54, "CONFLATE", "keep only the newest message; single-part messages only", default=0,
        since=_V40),
    _row(4, "AFFINITY", UINT64, "bitmap of the I/O threads that serve new connections",
        default=0),
    # Addressing and routing
    _row(5, "ROUTING_ID", BYTES, "the name this socket gives itself to its peers", default=b"",
        low=1, high=255, unit="bytes"),
    _row(61, "CONNECT_ROUTING_ID", BYTES,
        "name for the peer of the next connect; use each once", "w", low=1, unit="bytes",
        since=_V41, types=(*_ROUTERS, _T.STREAM), at_once=True),
    _flag(33, "ROUTER_MANDATORY", "fail instead of dropping a message to an unknown peer", "w",
        types=_ROUTERS, at_once=True),
    _flag(56, "ROUTER_HANDOVER", "let a new peer take over a name that is in use", "w", since=_V41,
        types=_ROUTERS, at_once=True),
    _flag(41, "ROUTER_RAW", "speak raw TCP; STREAM replaced it", "w", since=_V40, types=_ROUTERS),
    _row(97, "ROUTER_NOTIFY", INT, "which peers to announce: bits of RouterNotify", default=0,
        low=0, high=3, since=_V43, draft=True, types=_ROUTERS),
    _flag(51, "PROBE_ROUTER", "greet each new peer with an empty message", "w", since=_V40,
        types=(_T.REQ, _T.DEALER, *_ROUTERS), at_once=True),
    _flag(52, "REQ_CORRELATE", "number the requests, and drop replies to any but the last", "w",
        since=_V40, types=(_T.REQ,), at_once=True),
    _flag(53, "REQ_RELAXED", "allow a new request while the reply to the last is missing", "w",
        since=_V40, types=(_T.REQ,), at_once=True),
    _switch(73, "STREAM_NOTIFY", "receive an empty message when a peer comes or goes", "w",
        since=_V42, types=(_T.STREAM,)),
    _row(110, "HELLO_MSG", BYTES, "message sent to every new peer; empty is none", "w",
        since=_V433, draft=True),
    _row(111, "DISCONNECT_MSG", BYTES, "message received when a peer is gone; empty is none",
        "w", since=_V433, draft=True),
    _row(114, "HICCUP_MSG", BYTES,
        "message received when a connection was lost and found again", "w", since=_V435,
        draft=True),
    _row(95, "METADATA", STRING, 'a property told to peers, written "X-key:value"', "w", low=5,
        since=_V43, draft=True),
    # Publish and subscribe
    _row(6, "SUBSCRIBE", BYTES, "a prefix to receive; empty receives everything", "w",
        types=(_T.SUB,), at_once=True),
    _row(7, "UNSUBSCRIBE", BYTES, "a prefix to receive no longer", "w", types=(_T.SUB,),
        at_once=True),
    _flag(40, "XPUB_VERBOSE", "report every subscription, repeated ones too", "w",
        types=_PUBLISHERS, at_once=True),
    _flag(78, "XPUB_VERBOSER", "report every subscription and every cancellation", "w", since=_V42,
        types=_PUBLISHERS, at_once=True),
    _flag(69, "XPUB_NODROP", "make a send wait or fail rather than drop at the high-water mark",
        "w", since=_V41, types=(*_PUBLISHERS, _T.RADIO), at_once=True),
    _flag(71, "XPUB_MANUAL", "leave it to the program which subscriptions count", "w", since=_V42,
        types=_PUBLISHERS, at_once=True),
    _flag(98, "XPUB_MANUAL_LAST_VALUE", "as XPUB_MANUAL, and the next send goes to the newest "
        "subscriber alone", "w", since=_V432, draft=True, types=_PUBLISHERS, at_once=True),
    _row(72, "XPUB_WELCOME_MSG", BYTES, "message sent to every new subscriber; empty is none",
        "w", since=_V42, types=_PUBLISHERS, at_once=True),
    _flag(108, "ONLY_FIRST_SUBSCRIBE", "take only the first part of a message for a subscription",
        "w", since=_V433, draft=True, types=(*_PUBLISHERS, _T.XSUB), at_once=True),
    _flag(115, "XSUB_VERBOSE_UNSUBSCRIBE", "pass on every cancellation, repeated ones too", "w",
        since=_V435, patch="verbose-cancels", draft=True, types=(_T.XSUB,), at_once=True),
    _flag(74, "INVERT_MATCHING", "deliver what does not match; set it on both sides", low=None,
        default=0, since=_V42, at_once=True),
    # Connecting, reconnecting, staying connected
    _row(19, "BACKLOG", INT, "most connections waiting to be accepted", default=100, low=0,
        unit="connections"),
    _ms(79, "CONNECT_TIMEOUT", 0, 0, "how long to try one connection; 0 leaves it to the system",
        since=_V42),
    _ms(66, "HANDSHAKE_IVL", 0, 30000, "how long a handshake may take; 0 is no limit", since=_V41),
    _ms(18, "RECONNECT_IVL", -1, 100, "pause before reconnecting; -1 never reconnects"),
    _ms(21, "RECONNECT_IVL_MAX", 0, 0, "longest pause as it doubles; 0 keeps it constant"),
    _row(109, "RECONNECT_STOP", INT, "when to give up: bits of ReconnectStop", default=0,
        since=_V433, draft=True),
    _ms(75, "HEARTBEAT_IVL", 0, 0, "pause between pings to a peer; 0 sends none", since=_V42),
    _ms(76, "HEARTBEAT_TTL", None, 0, "when the peer gives up on this side, in steps of 100",
        high=6553599, since=_V42),
    _ms(77, "HEARTBEAT_TIMEOUT", 0, -1,
        "how long to wait for an answer to a ping; unset, as long as HEARTBEAT_IVL",
        since=_V42),
    # The network below
    _switch(42, "IPV6", "use IPv6, and IPv4 through it", default=0, since=_V40),
    _switch(31, "IPV4ONLY", "the opposite of IPV6, which replaced it", default=1),
    _row(11, "SNDBUF", INT, "the system's send buffer; -1 leaves it alone", default=-1, low=-1,
        unit="bytes"),
    _row(12, "RCVBUF", INT, "the system's receive buffer; -1 leaves it alone", default=-1,
        low=-1, unit="bytes"),
    _row(57, "TOS", INT, "type of service in the IP header", default=0, low=0, since=_V41),
    _row(112, "PRIORITY", INT, "priority of the packets within this machine (SO_PRIORITY)",
        default=0, low=0, since=_V434, draft=True),
    _flag(113, "BUSY_POLL", "let the system poll the network device (SO_BUSY_POLL)", "w", low=None,
        since=_V435, draft=True),
    # libzmq's own default is 8192; the core starts with more, which large messages need.
    _row(101, "IN_BATCH_SIZE", INT, "how much is read from the network at once", default=262144,
        low=1, unit="bytes", since=_V432, draft=True),
    _row(102, "OUT_BATCH_SIZE", INT, "how much is written to the network at once",
        default=262144, low=1, unit="bytes", since=_V432, draft=True),
    _row(34, "TCP_KEEPALIVE", INT, "TCP keep-alive: -1 as the system does, 0 off, 1 on",
        default=-1, low=-1, high=1),
    _row(35, "TCP_KEEPALIVE_CNT", INT, "lost probes that end a connection; -1 as the system",
        default=-1, low=-1, unit="probes"),
    _row(36, "TCP_KEEPALIVE_IDLE", INT, "silence before the first probe; -1 as the system",
        default=-1, low=-1, unit="s"),
    _row(37, "TCP_KEEPALIVE_INTVL", INT, "pause between probes; -1 as the system", default=-1,
        low=-1, unit="s"),
    _ms(80, "TCP_MAXRT", 0, 0, "how long unanswered data is sent again; 0 as the system",
        since=_V42),
    _text(92, "BINDTODEVICE", "the network interface or VRF to use", high=16, low=1, unit="bytes",
        since=_V43, resettable=True),
    _row(89, "USE_FD", INT, "a descriptor that is already listening or connected; -1 makes one",
        default=-1, low=-1, since=_V42, at_once=True),
    _text(68, "SOCKS_PROXY", "host:port of the SOCKS5 proxy for tcp connections", low=1,
        since=_V41, resettable=True),
    _text(99, "SOCKS_USERNAME", "who to be at the proxy", high=255, unit="bytes", since=_V432,
        draft=True, resettable=True),
    _text(100, "SOCKS_PASSWORD", "the password at the proxy", high=255, unit="bytes", since=_V432,
        draft=True, resettable=True),
    _flag(94, "LOOPBACK_FASTPATH", "a shorter way through the loopback interface of Windows",
        low=None, default=0, since=_V43, draft=True),
    # Who may connect
    _text(38, "TCP_ACCEPT_FILTER",
        "let in this address or network, and after it only those listed", "w", low=1, high=255,
        unit="bytes", resettable=True),
    _row(58, "IPC_FILTER_PID", INT, "let in this process over ipc", "w", since=_V41,
        resettable=True),
    _row(59, "IPC_FILTER_UID", INT, "let in this user over ipc", "w", since=_V41,
        resettable=True),
    _row(60, "IPC_FILTER_GID", INT, "let in this group over ipc", "w", since=_V41,
        resettable=True),
    _text(55, "ZAP_DOMAIN", "the domain told to the ZAP handler; once set it cannot be emptied",
        low=1, high=255, unit="bytes", since=_V40),
    _flag(93, "ZAP_ENFORCE_DOMAIN",
        "ask a ZAP handler whenever a domain is set, and refuse without", low=None, default=0,
        since=_V43, draft=True),
    _switch(44, "PLAIN_SERVER", "check names and passwords here; 0 returns to NULL", default=0,
        since=_V40),
    _text(45, "PLAIN_USERNAME", "who to be; setting it turns PLAIN on", low=1, high=255,
        unit="bytes", since=_V40, resettable=True),
    _text(46, "PLAIN_PASSWORD", "the password; setting it turns PLAIN on", low=1, high=255,
        unit="bytes", since=_V40, resettable=True),
    _switch(47, "CURVE_SERVER", "serve CURVE with this socket's secret key; 0 returns to NULL",
        default=0, since=_V40, feature="curve"),
    _row(48, "CURVE_PUBLICKEY", KEY, "this side's public key; setting it turns CURVE on",
        since=_V40, feature="curve"),
    _row(49, "CURVE_SECRETKEY", KEY, "this side's secret key; setting it turns CURVE on",
        since=_V40, feature="curve"),
    _row(50, "CURVE_SERVERKEY", KEY,
        "the public key the server must prove; makes this a client", since=_V40, feature="curve"),
    _switch(62, "GSSAPI_SERVER", "serve GSSAPI", default=0, since=_V41, feature="gssapi"),
    _text(63, "GSSAPI_PRINCIPAL", "who this side is", low=1, high=255, unit="bytes", since=_V41,
        feature="gssapi"),
    _text(64, "GSSAPI_SERVICE_PRINCIPAL", "who the server must be; makes this a client", low=1,
        high=255, unit="bytes", since=_V41, feature="gssapi"),
    _switch(65, "GSSAPI_PLAINTEXT", "prove who is who, but do not encrypt", default=0, since=_V41,
        feature="gssapi"),
    _row(90, "GSSAPI_PRINCIPAL_NAMETYPE", INT,
        "how GSSAPI_PRINCIPAL is written: GSSAPINameType", default=0, low=0, high=2, since=_V43,
        feature="gssapi"),
    _row(91, "GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", INT,
        "how GSSAPI_SERVICE_PRINCIPAL is written: GSSAPINameType", default=0, low=0, high=2,
        since=_V43, feature="gssapi"),
    # One transport only
    _row(103, "WSS_KEY_PEM", STRING, "the private key of a wss server, as PEM text", "w",
        since=_V433, draft=True, feature="wss"),
    _row(104, "WSS_CERT_PEM", STRING, "the certificate of a wss server, as PEM text", "w",
        since=_V433, draft=True, feature="wss"),
    _row(105, "WSS_TRUST_PEM", STRING, "certificates a wss client trusts, as PEM text", "w",
        since=_V433, draft=True, feature="wss"),
    _row(106, "WSS_HOSTNAME", STRING, "the name a wss server must prove", "w", since=_V433,
        draft=True, feature="wss"),
    _switch(107, "WSS_TRUST_SYSTEM", "trust the certificates the system trusts", "w", since=_V433,
        draft=True, feature="wss"),
    _row(8, "RATE", INT, "most a multicast sender sends", default=100, low=1, unit="kbit/s"),
    _ms(9, "RECOVERY_IVL", 0, 10000, "how long lost multicast packets can be asked for again"),
    _row(25, "MULTICAST_HOPS", INT, "how many routers a multicast packet may pass", default=1,
        low=1, unit="hops"),
    _row(84, "MULTICAST_MAXTPDU", INT, "largest multicast packet", default=1500, low=1,
        unit="bytes", since=_V42),
    _flag(96, "MULTICAST_LOOP", "hear one's own multicast", low=None, default=1, since=_V43,
        draft=True),
    _row(85, "VMCI_BUFFER_SIZE", UINT64, "size of a vmci buffer", "w", unit="bytes", since=_V42,
        feature="vmci"),
    _row(86, "VMCI_BUFFER_MIN_SIZE", UINT64, "least size of a vmci buffer", "w", unit="bytes",
        since=_V42, feature="vmci"),
    _row(87, "VMCI_BUFFER_MAX_SIZE", UINT64, "largest size of a vmci buffer", "w", unit="bytes",
        since=_V42, feature="vmci"),
    _row(88, "VMCI_CONNECT_TIMEOUT", INT, "how long to try one vmci connection", "w", unit="ms",
        since=_V42, feature="vmci"),
    _row(117, "NORM_MODE", INT, "congestion control: NormMode", default=1, since=_V435,
        draft=True, feature="norm"),
    _flag(118, "NORM_UNICAST_NACK", "ask for lost norm packets by unicast", default=0, since=_V435,
        draft=True, feature="norm"),
    _row(119, "NORM_BUFFER_SIZE", INT, "size of the norm buffer", default=2048, unit="KiB",
        since=_V435, draft=True, feature="norm"),
    _row(120, "NORM_SEGMENT_SIZE", INT, "payload of one norm packet", default=1400,
        unit="bytes", since=_V435, draft=True, feature="norm"),
    _row(121, "NORM_BLOCK_SIZE", INT, "norm packets in one coding block", default=16,
        unit="segments", since=_V435, draft=True, feature="norm"),
    _row(122, "NORM_NUM_PARITY", INT, "most repair packets for one block", default=4,
        unit="segments", since=_V435, draft=True, feature="norm"),
    _row(123, "NORM_NUM_AUTOPARITY", INT, "repair packets sent unasked with each block",
        default=0, unit="segments", since=_V435, draft=True, feature="norm"),
    _flag(124, "NORM_PUSH", "let a slow norm receiver fall behind instead of the stream",
        default=0, since=_V435, draft=True, feature="norm"),
)  # fmt: skip

# Older name -> the name of the row.
SOCKET_ALIASES = {
    "IDENTITY": "ROUTING_ID",
    "CONNECT_RID": "CONNECT_ROUTING_ID",
    "DELAY_ATTACH_ON_CONNECT": "IMMEDIATE",
    "FAIL_UNROUTABLE": "ROUTER_MANDATORY",
    "ROUTER_BEHAVIOR": "ROUTER_MANDATORY",
}
# Members of `SocketOption` that are no options of a socket in libzmq.
NAMES_ONLY = {
    "HWM": (1, "libzmq 2: today both SNDHWM and RCVHWM, known to the facade alone"),
    "BLOCKY": (70, "a context option, listed among the socket options as pyzmq lists it"),
}

CONTEXT_ROWS: tuple[Option, ...] = (
    _row(1, "IO_THREADS", INT, "how many threads do the network's work; 0 suffices for inproc",
        default=1, low=0, unit="threads"),
    _row(2, "MAX_SOCKETS", INT, "most sockets open at a time", default=1023, low=1,
        unit="sockets"),
    _row(3, "SOCKET_LIMIT", INT, "the most that MAX_SOCKETS may be", "r", default=65535,
        unit="sockets", since=_V41),
    _row(3, "THREAD_PRIORITY", INT, "scheduling priority of the I/O threads", "w", low=0,
        since=_V41),
    _row(4, "THREAD_SCHED_POLICY", INT, "scheduling policy of the I/O threads", "w", low=0,
        since=_V41),
    _row(7, "THREAD_AFFINITY_CPU_ADD", INT, "a CPU the I/O threads may run on", "w", low=0,
        since=_V43),
    _row(8, "THREAD_AFFINITY_CPU_REMOVE", INT, "a CPU the I/O threads may run on no longer",
        "w", low=0, since=_V43),
    _row(9, "THREAD_NAME_PREFIX", STRING, "what the names of the I/O threads start with, a "
        "number or, with drafts, up to 16 bytes", default=b"", high=16, since=_V43),
    _row(5, "MAX_MSGSZ", INT, "largest message that may be sent", default=2**31 - 1, low=0,
        unit="bytes", since=_V42, at_once=True),
    _row(6, "MSG_T_SIZE", INT, "the size of a zmq_msg_t", "r", default=64, unit="bytes",
        since=_V43),
    _row(10, "ZERO_COPY_RECV", INT, "receive large messages without copying them", default=1,
        low=0, flag=True, at_once=True, since=_V43, draft=True),
    _row(42, "IPV6", INT, "the IPV6 of new sockets", default=0, low=0, flag=True, at_once=True,
        since=_V42),
    _row(70, "BLOCKY", INT, "whether the LINGER of new sockets is -1, else 0", default=1,
        low=0, flag=True, at_once=True, since=_V42),
)  # fmt: skip

MESSAGE_ROWS: tuple[Option, ...] = (
    _row(1, "MORE", INT, "whether more parts follow", "r"),
    _row(2, "SRCFD", INT, "the descriptor it came through, or -1", "r"),
    _row(3, "SHARED", INT, "whether its bytes have other users", "r"),
)

MESSAGE_PROPERTIES = {
    "Socket-Type": "the type of the peer's socket",
    "Routing-Id": "the routing id of the peer",
    "Identity": "the older name of Routing-Id",
    "User-Id": "who the ZAP handler says the peer is",
    "Peer-Address": "the address of the peer",
    "__fd": "the descriptor the message came through",
}
"""Properties that are text: zmq_msg_gets(3). Peers add "X-..." ones through METADATA."""
