"""The table of options: complete, true to the libzmq that was compiled, clear when refusing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from zmqlite import _build, options
from zmqlite._native import core
from zmqlite.enums import (
    ContextOption,
    Event,
    MessageOption,
    ReconnectStop,
    SocketOption,
    SocketType,
    _OptType,
)
from zmqlite.error import Again, InvalidArgument, NotSupported, ZMQError, error_for
from zmqlite.options import (
    BYTES,
    CONTEXT_OPTIONS,
    FD,
    INT,
    INT64,
    KEY,
    SOCKET_OPTIONS,
    STRING,
    Option,
)
from zmqlite.options.attributes import ContextOptions, SocketOptions

ROWS = list(SOCKET_OPTIONS)
HERE = [row for row in ROWS if not options.lacking(row)]


def row(name: str) -> Option:
    found = options.find(name)
    assert found is not None
    return found


def by_name(item: Any) -> str:
    return str(item.name)


# -- the table against the enums -----------------------------------------------------------------


def test_every_option_has_a_row() -> None:
    # HWM and BLOCKY stand among the socket options for pyzmq's sake alone.
    expected = {o for o in SocketOption if o.name not in ("HWM", "BLOCKY")}
    assert {SocketOption(r.number) for r in ROWS} == expected
    assert len(ROWS) == len(expected)
    assert {r.name for r in CONTEXT_OPTIONS} == set(ContextOption.__members__)
    assert {r.name for r in options.MESSAGE_OPTIONS} == {o.name for o in MessageOption}


@pytest.mark.parametrize("option", ROWS, ids=by_name)
def test_rows_agree_with_the_enum_and_make_sense(option: Option) -> None:
    kinds = {INT: _OptType.int, INT64: _OptType.int64, options.UINT64: _OptType.int64}
    kinds |= {FD: _OptType.fd, BYTES: _OptType.bytes, STRING: _OptType.bytes, KEY: _OptType.bytes}
    assert SocketOption(option.number)._opt_type is kinds[option.kind]
    assert option.readable or option.writable
    assert option.doc
    assert option.doc[0].islower() or option.doc[:3].isupper()
    assert not option.doc.endswith(".")
    if not option.writable:
        assert not option.acts_late
    if option.default is not None:
        assert option.readable


def test_aliases_lead_to_the_same_row() -> None:
    assert options.find("IDENTITY") is options.find("routing_id") is options.find(5)
    assert options.find("fail_unroutable") is row("ROUTER_MANDATORY")
    assert CONTEXT_OPTIONS.find("io_threads") is CONTEXT_OPTIONS.find(1)
    socket_limit = CONTEXT_OPTIONS.find(3)
    assert socket_limit is not None
    assert socket_limit.name == "SOCKET_LIMIT"
    thread_priority = CONTEXT_OPTIONS.find("THREAD_PRIORITY")
    assert thread_priority is not None
    assert thread_priority.number == 3
    assert options.find("nonsense") is None
    assert options.find(-1) is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("lingr", "linger"),
        ("RCVTIMEOUT", "rcvtimeo"),
        ("sendhwm", "sndhwm"),
        ("curve_server_key", "curve_serverkey"),
        ("subscribes", "subscribe"),
    ],
)
def test_the_nearest_name(wrong: str, right: str) -> None:
    assert SOCKET_OPTIONS.nearest(wrong) == right
    assert f"did you mean {right}?" in str(SOCKET_OPTIONS.unknown(wrong))


def test_no_name_is_near_to_nonsense() -> None:
    assert SOCKET_OPTIONS.nearest("qqqqqqqq") is None
    assert str(SOCKET_OPTIONS.unknown("qqqqqqqq")) == "Socket has no such option: QQQQQQQQ"
    assert CONTEXT_OPTIONS.nearest("iothreads") == "io_threads"


# -- the table against libzmq --------------------------------------------------------------------


@pytest.fixture(scope="module")
def context() -> Iterator[core.Context]:
    context = core.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture(scope="module")
def sockets(context: core.Context) -> Iterator[dict[int, core.Socket]]:
    """One socket of each type, never bound or connected."""
    made = {kind.value: core.Socket(context, kind.value) for kind in SocketType}
    yield made
    for socket in made.values():
        socket.close(linger=0)


def owner(option: Option) -> int:
    """A socket type that has the option."""
    return int(option.types[0]) if option.types else SocketType.DEALER.value


@pytest.mark.parametrize("option", [r for r in HERE if r.readable], ids=by_name)
def test_defaults(context: core.Context, option: Option) -> None:
    socket = core.Socket(context, owner(option))
    try:
        value = socket._get_option(option.number, option.kind)
    finally:
        socket.close(linger=0)
    if option.default is not None:
        assert value == option.default
    assert isinstance(value, bytes if option.kind in (BYTES, STRING, KEY) else int)


@pytest.mark.parametrize("option", [r for r in HERE if not r.readable], ids=by_name)
def test_write_only_options_cannot_be_read(
    sockets: dict[int, core.Socket], option: Option
) -> None:
    with pytest.raises(ZMQError):
        sockets[owner(option)]._get_option(option.number, option.kind)


BOUNDED = [r for r in HERE if r.writable and r.kind == INT and (r.low, r.high) != (None, None)]


@pytest.mark.parametrize("option", BOUNDED, ids=by_name)
def test_ranges_are_those_of_libzmq(context: core.Context, option: Option) -> None:
    if option.name == "USE_FD":
        return  # the core looks at the descriptor first
    socket = core.Socket(context, owner(option))
    try:
        for bound, step in ((option.low, -1), (option.high, 1)):
            if bound is None:
                continue
            assert options.check_value(option, bound) == bound
            socket._set_option(option.number, option.kind, bound)
            with pytest.raises(ZMQError):
                socket._set_option(option.number, option.kind, bound + step)
            with pytest.raises(InvalidArgument, match=f"{option.name}: {bound + step} is out"):
                options.check_value(option, bound + step)
    finally:
        socket.close(linger=0)


SIZED = [
    r for r in HERE
    if r.writable and r.kind in (BYTES, STRING) and r.name not in ("METADATA", "TCP_ACCEPT_FILTER")
]  # fmt: skip


@pytest.mark.parametrize("option", SIZED, ids=by_name)
def test_lengths_are_those_of_libzmq(context: core.Context, option: Option) -> None:
    socket = core.Socket(context, owner(option))
    try:
        for size in {0, 1, option.high or 300, (option.high or 300) + 1}:
            value = b"x" * size
            try:
                options.check_value(option, value)
            except InvalidArgument:
                with pytest.raises(ZMQError):
                    socket._set_option(option.number, option.kind, value)
            else:
                socket._set_option(option.number, option.kind, value)
    finally:
        socket.close(linger=0)


@pytest.mark.parametrize("option", [r for r in HERE if r.types], ids=by_name)
def test_socket_types_are_those_of_libzmq(context: core.Context, option: Option) -> None:
    value: Any = b"x" if option.kind == BYTES else 1
    for kind in SocketType:
        socket = core.Socket(context, kind.value)
        try:
            if option.writable:
                socket._set_option(option.number, option.kind, value)
            else:
                socket._get_option(option.number, option.kind)
            accepted = True
        except ZMQError:
            accepted = False
        finally:
            socket.close(linger=0)
        assert accepted == (kind in option.types), kind.name


@pytest.mark.parametrize("option", [r for r in HERE if r.resettable], ids=by_name)
def test_none_resets_what_is_called_resettable(
    sockets: dict[int, core.Socket], option: Option
) -> None:
    assert options.check_value(option, None) is None
    sockets[SocketType.DEALER]._set_option(option.number, option.kind, None)


# -- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LINGER", 5, 5),
        ("LINGER", True, 1),
        ("RECONNECT_STOP", ReconnectStop.CONN_REFUSED, 1),
        ("MAXMSGSIZE", 2**40, 2**40),
        ("AFFINITY", 2**64 - 1, 2**64 - 1),
        ("AFFINITY", -1, 2**64 - 1),
        ("IDENTITY", b"me\0", b"me\0"),
        ("SUBSCRIBE", b"", b""),
        ("CURVE_SECRETKEY", bytes(32), bytes(32)),
        ("CURVE_SERVERKEY", b"0" * 40, b"0" * 40),
        ("METADATA", b"X-key:value", b"X-key:value"),
        ("HEARTBEAT_TTL", -1, -1),
    ],
)
def test_good_values(name: str, value: Any, expected: Any) -> None:
    checked = options.check_value(row(name), value, "PUSH socket")
    assert checked == expected
    assert type(checked) is type(expected)


class Indexed:
    def __index__(self) -> int:
        return 7


def test_ints_of_other_libraries() -> None:
    assert options.check_value(row("LINGER"), Indexed()) == 7
    assert type(options.check_value(row("TOS"), Event(4))) is int


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LINGER", 1.5, "LINGER takes an int, got 1.5"),
        ("LINGER", "5", "LINGER takes an int, got '5'"),
        ("LINGER", b"5", "LINGER takes an int"),
        ("LINGER", None, "LINGER takes an int, got None"),
        ("IDENTITY", "me", r"ROUTING_ID takes bytes, not str: use set_string \(setsockopt_string"),
        ("IDENTITY", bytearray(b"me"), "ROUTING_ID takes bytes, got bytearray"),
        ("IDENTITY", 5, "takes bytes, got 5"),
        ("IDENTITY", None, "takes bytes, got None"),
        ("SUBSCRIBE", ["x" * 99], r"\.\.\."),
    ],
)
def test_wrong_types(name: str, value: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        options.check_value(row(name), value, "SUB socket")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LINGER", -2, r"set LINGER on X: -2 is out of range; allowed: -1 and more \(in ms\)"),
        ("SNDHWM", 2**31, r"2147483648 is out of range"),
        ("MAXMSGSIZE", 2**63, "is out of range; allowed: from -9223372036854775808"),
        ("AFFINITY", 2**64, "is out of range"),
        ("IPV6", 2, "2 is out of range; allowed are 0 and 1"),
        ("TCP_KEEPALIVE", 2, "allowed: from -1 to 1"),
        ("HEARTBEAT_TTL", 6553600, r"allowed: at most 6553599 \(in ms\)"),
        ("IDENTITY", b"", r"a value of 0 bytes; allowed: from 1 to 255 \(in bytes\)"),
        ("IDENTITY", b"x" * 256, "a value of 256 bytes"),
        ("CURVE_SECRETKEY", b"short", "a key of 5 bytes; a key has 32 bytes, or 40 in Z85"),
        ("METADATA", b"X-key", 'write b"X-key:value"'),
        ("METADATA", b"key:value", 'write b"X-key:value"'),
        ("RCVMORE", 1, "RCVMORE on X: it is read-only"),
    ],
)
def test_values_out_of_range(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        options.check_value(row(name), value, "X")
    assert isinstance(caught.value, ValueError)


def test_reading_what_cannot_be_read() -> None:
    options.check_readable(row("LINGER"))
    with pytest.raises(InvalidArgument, match="get SUBSCRIBE on SUB socket: it is write-only"):
        options.check_readable(row("SUBSCRIBE"), "SUB socket")


# -- what a build lacks --------------------------------------------------------------------------


def test_an_option_of_a_later_libzmq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build, "LIBZMQ_VERSION", (4, 3, 4))
    words = "needs libzmq 4.3.5, and this is 4.3.4"
    with pytest.raises(NotSupported, match=f"set BUSY_POLL on X: it {words}") as caught:
        options.check_value(row("BUSY_POLL"), 1, "X")
    assert isinstance(caught.value, NotImplementedError)
    assert str(options.lacking(row("NORM_MODE"))) == f"it {words}"
    with pytest.raises(NotSupported, match=words):
        options.check_readable(row("TOPICS_COUNT"))
    monkeypatch.setattr(_build, "LIBZMQ_VERSION", (4, 3, 6))
    monkeypatch.setattr(_build, "DRAFTS", True)
    assert options.check_value(row("BUSY_POLL"), 1) == 1
    assert options.lacking(row("BUSY_POLL")) == ""


def test_what_a_build_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build, "FEATURES", ("ipc",))
    monkeypatch.setattr(_build, "DRAFTS", False)
    assert "built with gssapi" in options.lacking(row("GSSAPI_SERVER"))
    assert "built without drafts" in options.lacking(row("METADATA"))
    assert options.lacking(row("LINGER")) == ""
    # libzmq has the last word: some drafts work in a library that was built without them.
    assert options.check_value(row("METADATA"), b"X-a:b") == b"X-a:b"
    refused = options.explain(InvalidArgument(), row("CURVE_SERVER"), "set", "REP socket")
    assert type(refused) is NotSupported
    assert refused.errno == InvalidArgument().errno
    assert "built with curve" in str(refused)


# -- explanations --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("REQ_RELAXED", SocketType.PUSH, "this socket type lacks it; it belongs to REQ"),
        ("XPUB_VERBOSE", SocketType.SUB, "it belongs to XPUB and PUB"),
        ("SUBSCRIBE", SocketType.XPUB, "not in this mode; set XPUB_MANUAL first"),
        ("SUBSCRIBE", SocketType.PULL, "it belongs to SUB"),
        ("IPV6", SocketType.PULL, "libzmq refused it; allowed are 0 and 1"),
        ("TCP_ACCEPT_FILTER", SocketType.REP, r"allowed: from 1 to 255 \(in bytes\)"),
        ("CURVE_PUBLICKEY", SocketType.REP, "a key has 32 bytes, or 40 in Z85"),
        ("HELLO_MSG", SocketType.REP, "libzmq refused it$"),
    ],
)
def test_a_reason_for_einval(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: SocketType, words: str
) -> None:
    monkeypatch.setattr(_build, "FEATURES", ("curve",))
    monkeypatch.setattr(_build, "DRAFTS", True)
    refused = options.explain(InvalidArgument(), row(name), "set", "X", kind)
    with pytest.raises(InvalidArgument, match=words):
        raise refused


def test_an_unknown_number_and_other_errors() -> None:
    refused = options.explain(InvalidArgument(), 9999, "get", "PUSH socket")
    assert "get option 9999 on PUSH socket: libzmq" in str(refused)
    other = Again()
    assert options.explain(other, 17, "set") is other


def test_which_options_act_late() -> None:
    for name in ("IDENTITY", "CURVE_SERVERKEY", "MAXMSGSIZE", "IPV6", "BACKLOG", "CONFLATE"):
        assert row(name).acts_late, name
    for name in (
        "LINGER", "SNDHWM", "RCVTIMEO", "SUBSCRIBE", "ROUTER_MANDATORY", "XPUB_VERBOSE",
        "REQ_RELAXED", "PROBE_ROUTER", "CONNECT_ROUTING_ID", "USE_FD", "EVENTS",
    ):  # fmt: skip
        assert not row(name).acts_late, name


# -- attributes ----------------------------------------------------------------------------------


class Fake(SocketOptions, ContextOptions):
    """Remembers what is set, and refuses to read number 15."""

    _table = SOCKET_OPTIONS

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self._type_number = 0
        self.refusal = error_for(InvalidArgument().errno or 0)

    def get(self, option: int) -> Any:
        if option == SocketOption.EVENTS:
            raise self.refusal
        return self.values.get(option)

    def set(self, option: int, value: Any) -> None:
        options.check_value(SOCKET_OPTIONS.by_number[option], value)
        self.values[option] = value


@pytest.mark.parametrize(
    ("mixin", "table"), [(SocketOptions, SOCKET_OPTIONS), (ContextOptions, CONTEXT_OPTIONS)]
)
def test_attributes_are_in_step_with_the_table(mixin: type, table: options.OptionTable) -> None:
    names = {name for name in vars(mixin) if name.isupper()} - {"HWM"}
    assert names == set(table.by_name)
    assert {name for name in vars(mixin) if name.islower() and name[0] != "_"} - {"hwm"} == {
        name.lower() for name in names
    }
    for name in names - {"SUBSCRIBE", "UNSUBSCRIBE"}:
        attribute = vars(mixin)[name]
        option = table.by_name[name]
        assert vars(mixin)[name.lower()] is attribute
        assert attribute.number == option.number
        assert attribute.__doc__.startswith(f"{option.name}: {option.doc}")
        words = type(attribute).__name__
        assert ("WriteOnly" in words) == (not option.readable), name
        if words != "_Type":
            assert words.endswith("Bytes") == (option.kind in (BYTES, STRING, KEY)), name


def test_attributes_read_and_write_in_either_case() -> None:
    fake = Fake()
    fake.linger = 5
    assert fake.LINGER == 5
    fake.IDENTITY = b"me"
    assert fake.routing_id == b"me"
    fake.identity = "ich"
    assert fake.values[5] == b"ich"
    fake.socks_proxy = None
    fake._type_number = 8
    assert fake.type is SocketType.PUSH
    fake.hwm = 9
    assert (fake.sndhwm, fake.rcvhwm, fake.HWM) == (9, 9, 9)
    assert type(Fake.linger).__name__ == "_Int"


def test_attributes_that_cannot_be_read_are_absent() -> None:
    fake = Fake()
    with pytest.raises(AttributeError, match="xpub_verbose attribute is write-only"):
        _ = fake.xpub_verbose
    assert not hasattr(fake, "events")
    fake.refusal = error_for(Again().errno or 0)
    with pytest.raises(Again):
        _ = fake.events


def test_read_only_attributes_refuse_like_every_other_refusal() -> None:
    fake = Fake()
    with pytest.raises(InvalidArgument, match="RCVMORE: it is read-only"):
        fake.rcvmore = 1  # type: ignore[assignment]
    with pytest.raises(InvalidArgument, match="TYPE: it is read-only"):
        fake.type = 1  # type: ignore[assignment]
    with pytest.raises(InvalidArgument, match="LAST_ENDPOINT: it is read-only"):
        fake.last_endpoint = b""  # type: ignore[assignment]


def test_subscribe_is_a_method_that_can_be_assigned() -> None:
    fake = Fake()
    fake.subscribe("täg")
    assert fake.values.pop(6) == "täg".encode()
    fake.subscribe = b"tag"
    assert fake.values.pop(6) == b"tag"
    fake.SUBSCRIBE = b"big"
    assert fake.values.pop(6) == b"big"
    fake.unsubscribe(b"tag")
    assert fake.values.pop(7) == b"tag"
    assert "prefix" in row("SUBSCRIBE").doc
    assert (Fake.subscribe.__doc__ or "").startswith("Receive what starts with")
