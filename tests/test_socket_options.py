"""Every option of the table on a real socket: set, read back, refused with a reason."""

from __future__ import annotations

import os
import socket as system
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite import options
from zmqlite._build import DRAFTS, LIBZMQ_VERSION
from zmqlite.options import SOCKET_OPTIONS, Option

PUBLIC, SECRET = zmq.curve_keypair() if zmq.has("curve") else (b"0" * 40, b"1" * 40)
VALUES: dict[str, Any] = {
    "HEARTBEAT_TTL": 300,
    "ROUTING_ID": b"\x01\x00me",
    "CONNECT_ROUTING_ID": b"peer",
    "SOCKS_PROXY": b"127.0.0.1:1080",
    "TCP_ACCEPT_FILTER": b"127.0.0.1",
    "METADATA": b"X-hello:world",
    "BINDTODEVICE": b"lo",
    "CURVE_SERVER": 1,
    "CURVE_PUBLICKEY": PUBLIC,
    "CURVE_SECRETKEY": SECRET,
    "CURVE_SERVERKEY": PUBLIC,
    "RECONNECT_STOP": zmq.RECONNECT_STOP_CONN_REFUSED,
}


def suitable(row: Option) -> int:
    return row.types[0] if row.types else zmq.DEALER


def value_for(row: Option) -> Any:
    """A value that libzmq takes and that differs from the default."""
    if row.name in VALUES:
        return VALUES[row.name]
    if row.kind in (options.BYTES, options.STRING):
        return b"some text"
    if row.flag:
        return 0 if row.default == 1 else 1
    low = row.low if row.low is not None else 0
    value = max(low, 0) + 1
    if value == row.default:
        value += 1
    return value if row.high is None else min(value, row.high)


def there(row: Option) -> bool:
    return not options.lacking(row)


def rows(condition: Any) -> Any:
    chosen = [row for row in SOCKET_OPTIONS if condition(row)]
    return pytest.mark.parametrize("row", chosen, ids=lambda row: row.name)


@rows(lambda row: there(row) and row.readable and row.writable and row.name != "USE_FD")
class TestReadWrite:
    def test_round_trip_by_number(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        value = value_for(row)
        socket.set(row.number, value)
        assert socket.get(row.number) == value

    @pytest.mark.parametrize("spelling", [str.lower, str.upper, str.title])
    def test_round_trip_as_attribute(self, context: Any, row: Option, spelling: Any) -> None:
        socket = context.socket(suitable(row))
        value = value_for(row)
        setattr(socket, spelling(row.name), value)
        assert getattr(socket, row.name.lower()) == value
        assert getattr(socket, row.name.upper()) == value

    def test_round_trip_as_keyword(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row), **{row.name.lower(): value_for(row)})
        assert getattr(socket, row.name) == value_for(row)


@rows(
    lambda row: (
        there(row)
        and row.readable
        and row.writable
        and row.name != "USE_FD"
        # with a default, and one that this library does not choose itself
        and row.default is not None
        and not row.name.endswith("_BATCH_SIZE")
    )
)
def test_default(context: Any, row: Option) -> None:
    assert context.socket(zmq.DEALER).get(row.number) == row.default


@rows(lambda row: there(row) and row.writable and not row.readable)
class TestWriteOnly:
    def test_takes_a_value(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        value = value_for(row)
        setattr(socket, row.name.lower(), value)
        socket.set(row.number, value)

    def test_cannot_be_read(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        with pytest.raises(zmq.InvalidArgument, match="write-only"):
            socket.get(row.number)
        if row.name not in ("SUBSCRIBE", "UNSUBSCRIBE"):  # these read as methods
            with pytest.raises(AttributeError, match="write-only"):
                getattr(socket, row.name)
            assert not hasattr(socket, row.name.lower())


@rows(lambda row: there(row) and row.readable and not row.writable)
class TestReadOnly:
    def test_reads(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        assert socket.get(row.number) == getattr(socket, row.name)

    def test_cannot_be_set(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        with pytest.raises(zmq.InvalidArgument, match="read-only"):
            socket.set(row.number, 1)
        with pytest.raises(zmq.InvalidArgument, match="read-only"):
            setattr(socket, row.name, 1)


@rows(lambda row: not there(row))
class TestAbsent:
    def test_says_what_is_missing(self, context: Any, row: Option) -> None:
        socket = context.socket(suitable(row))
        if row.draft and not DRAFTS:
            pytest.skip("some draft options work in a library without drafts")
        with pytest.raises(zmq.NotSupported) as caught:
            socket.set(row.number, value_for(row)) if row.writable else socket.get(row.number)
        assert caught.value.errno == zmq.EINVAL
        assert options.lacking(row) in str(caught.value)


class TestSpecial:
    def test_use_fd(self, context: Any) -> None:
        with system.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            server = context.socket(zmq.PULL, use_fd=listener.fileno(), linger=0)
            assert server.use_fd == listener.fileno()
            server.bind("tcp://127.0.0.1:*")
            listener.detach()
        context.socket(zmq.PUSH, connect=server.last_endpoint).send(b"x")
        assert server.recv() == b"x"

    def test_use_fd_refuses_what_libzmq_would_abort_on(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument):
            context.socket(zmq.PULL, use_fd=987654)

    def test_hwm(self, context: Any) -> None:
        socket = context.socket(zmq.DEALER)
        socket.hwm = 7
        assert (socket.hwm, socket.HWM, socket.get_hwm(), socket.rcvhwm) == (7, 7, 7, 7)
        socket.set_hwm(8)
        assert socket.get(zmq.HWM) == socket.sndhwm == socket.rcvhwm == 8
        socket.setsockopt(zmq.HWM, 9)
        assert socket.rcvhwm == 9

    def test_subscribe(self, context: Any) -> None:
        publisher = context.socket(zmq.XPUB, bind="inproc://subscribe", rcvtimeo=20_000)
        subscriber = context.socket(zmq.SUB, connect="inproc://subscribe")
        subscriber.subscribe("ü")
        assert publisher.recv() == b"\x01" + "ü".encode()
        subscriber.subscribe = b"b"
        assert publisher.recv() == b"\x01b"
        subscriber.UNSUBSCRIBE = "b"
        assert publisher.recv() == b"\x00b"
        subscriber.unsubscribe("ü")
        subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        assert publisher.recv() == b"\x00" + "ü".encode()
        assert publisher.recv() == b"\x01"

    def test_types_come_back_as_members(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        assert socket.type is zmq.PULL
        assert type(socket.get(zmq.TYPE)) is int
        assert type(socket.last_endpoint) is bytes

    def test_none_resets(self, context: Any) -> None:
        socket = context.socket(zmq.DEALER, socks_proxy="127.0.0.1:1080", plain_username="me")
        socket.socks_proxy = None
        assert socket.socks_proxy == b""
        assert socket.mechanism == zmq.PLAIN
        socket.plain_username = None
        assert socket.mechanism == zmq.NULL

    def test_keys_are_raw_or_text(self, context: Any) -> None:
        if not zmq.has("curve"):
            pytest.skip("no CURVE")
        socket = context.socket(zmq.DEALER)
        socket.curve_publickey = zmq.z85_decode(PUBLIC)
        assert socket.curve_publickey == PUBLIC
        socket.curve_publickey = PUBLIC.decode()
        assert socket.curve_publickey == PUBLIC

    def test_long_passwords(self, context: Any) -> None:
        socket = context.socket(zmq.DEALER, plain_username="u" * 255, plain_password=b"p" * 255)
        assert socket.plain_username == b"u" * 255


class TestStrings:
    def test_round_trip(self, context: Any) -> None:
        socket = context.socket(zmq.DEALER)
        socket.set_string(zmq.IDENTITY, "grüß")
        assert socket.get_string(zmq.IDENTITY) == "grüß"
        assert socket.identity == "grüß".encode()
        socket.setsockopt_string(zmq.IDENTITY, "grüß", encoding="latin-1")
        assert socket.getsockopt_unicode(zmq.IDENTITY, "latin-1") == "grüß"
        socket.setsockopt_unicode(zmq.IDENTITY, "x")
        assert socket.getsockopt_string(zmq.IDENTITY) == "x"

    def test_text_by_number_is_text_as_the_attribute_takes_it(self, context: Any) -> None:
        """The line of every weather example in Ruby: setsockopt(ZMQ::SUBSCRIBE, "10001")."""
        publisher = context.socket(zmq.XPUB, bind="inproc://weather", rcvtimeo=20_000)
        subscriber = context.socket(zmq.SUB, connect="inproc://weather")
        subscriber.setsockopt(zmq.SUBSCRIBE, "grüß")
        assert publisher.recv() == b"\1" + "grüß".encode()
        subscriber.set(zmq.UNSUBSCRIBE, "grüß")
        assert publisher.recv() == b"\0" + "grüß".encode()
        socket = context.socket(zmq.DEALER)
        any_bytes = b"\xff".decode("utf-8", "surrogateescape")  # as recv_string gives them
        socket.set(zmq.IDENTITY, any_bytes)
        assert socket.identity == b"\xff"
        socket.identity = "x" + any_bytes
        assert socket.get(zmq.IDENTITY) == b"x\xff"
        socket.setsockopt(zmq.PLAIN_USERNAME, "me")
        assert socket.plain_username == b"me"
        if zmq.has("curve"):
            socket.setsockopt(zmq.CURVE_PUBLICKEY, PUBLIC.decode())
            assert socket.curve_publickey == PUBLIC
        context.setsockopt(zmq.IDENTITY, "default")
        assert context.socket(zmq.PAIR).identity == b"default"

    def test_refusals(self, context: Any) -> None:
        socket = context.socket(zmq.DEALER)
        with pytest.raises(TypeError, match="takes a str"):
            socket.set_string(zmq.IDENTITY, b"x")
        with pytest.raises(TypeError):
            socket.set_string(zmq.LINGER, "5")
        with pytest.raises(TypeError, match="number"):
            socket.get_string(zmq.LINGER)
        with pytest.raises(ValueError, match="9999"):
            socket.get_string(9999)


class TestRefusals:
    @pytest.mark.parametrize(
        ("option", "value"),
        [
            (zmq.IDENTITY, 5), (zmq.IDENTITY, bytearray(b"x")), (zmq.LINGER, "5"),
            (zmq.LINGER, 1.5), (zmq.LINGER, b"5"), (zmq.LINGER, None), (9999, "x"),
        ],
    )  # fmt: skip
    def test_wrong_types(self, context: Any, option: int, value: Any) -> None:
        socket = context.socket(zmq.SUB)
        with pytest.raises(TypeError):
            socket.setsockopt(option, value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("linger", -2), ("sndhwm", -1), ("identity", b""), ("identity", b"x" * 256),
            ("ipv6", 2), ("linger", 2**31), ("curve_publickey", b"short"),
        ],
    )  # fmt: skip
    def test_wrong_values(self, context: Any, name: str, value: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match=r"DEALER socket") as caught:
            setattr(context.socket(zmq.DEALER), name, value)
        assert caught.value.errno == zmq.EINVAL

    def test_options_of_another_type(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match="belongs to SUB"):
            context.socket(zmq.REQ).subscribe("x")
        with pytest.raises(zmq.InvalidArgument, match="belongs to REQ"):
            context.socket(zmq.PUB).req_relaxed = 1

    def test_unknown_numbers(self, context: Any) -> None:
        socket = context.socket(zmq.REQ)
        with pytest.raises(zmq.InvalidArgument, match="9999"):
            socket.set(9999, 1)
        with pytest.raises(zmq.InvalidArgument, match="9999"):
            socket.get(9999)

    def test_unknown_names(self, context: Any) -> None:
        socket = context.socket(zmq.REQ)
        with pytest.raises(AttributeError, match="did you mean linger"):
            socket.lingr = 1
        with pytest.raises(AttributeError, match="Socket has no such option: FOO"):
            socket.foo = 1
        assert not hasattr(socket, "foo")
        assert not hasattr(socket, "__wrapped__")
        with pytest.raises(AttributeError, match="did you mean io_threads"):
            context.iothreads = 1

    def test_names_where_numbers_belong(self, context: Any) -> None:
        socket = context.socket(zmq.REQ)
        with pytest.raises(TypeError, match=r"such as zmq\.RCVTIMEO, not 'rcvtimeo'"):
            socket.setsockopt("rcvtimeo", 5)
        with pytest.raises(TypeError, match=r"such as zmq\.LINGER, not 'lingr'"):
            socket.get("lingr")

    def test_topics_belong_to_subscribers(self, context: Any) -> None:
        with pytest.raises(zmq.InvalidArgument, match="it belongs to SUB"):
            context.socket(zmq.PUB).subscribe("x")
        with pytest.raises(zmq.InvalidArgument, match="set XPUB_MANUAL first"):
            context.socket(zmq.XPUB).setsockopt(zmq.SUBSCRIBE, b"x")

    def test_unknown_names_that_are_read(self) -> None:
        """Left to Python, which suggests a name when it prints the error."""
        code = "import zmqlite as zmq\nwith zmq.REQ() as socket:\n    socket.rcvtimeout"
        env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=env
        )
        assert "no attribute 'rcvtimeout'" in done.stderr
        assert "rcvtimeo'" in done.stderr.replace("'rcvtimeout'", "")

    def test_a_method_is_found_without_detours(self) -> None:
        """A class with a `__getattr__` makes every call of every method slower."""
        pytest.importorskip("trio")
        pytest.importorskip("gevent")
        slow = [
            f"{kind.__module__}.{kind.__qualname__}"
            for module in ("zmqlite", "zmqlite.asyncio", "zmqlite.trio", "zmqlite.green")
            for kind in import_module(module).Socket.__mro__
            if "__getattr__" in vars(kind) or "__getattribute__" in vars(kind)
        ]
        assert slow == ["builtins.object"] * len(slow)

    def test_newer_than_this_libzmq(self, context: Any) -> None:
        if LIBZMQ_VERSION >= (4, 3, 5):
            pytest.skip("it is there")
        with pytest.raises(zmq.NotSupported, match=r"needs libzmq 4\.3\.5"):
            context.socket(zmq.PUB).get(zmq.TOPICS_COUNT)


class TestLate:
    def test_warns_once_for_each_option_and_socket(self, context: Any) -> None:
        socket = context.socket(zmq.PULL, bind="inproc://late")
        with pytest.warns(zmq.LateOptionWarning, match="BACKLOG") as caught:
            socket.backlog = 5
        assert caught[0].filename == __file__
        socket.backlog = 6
        with pytest.warns(zmq.LateOptionWarning, match="MAXMSGSIZE"):
            socket.set(zmq.MAXMSGSIZE, 5)
        with pytest.warns(zmq.LateOptionWarning):
            context.socket(zmq.PUSH, connect="inproc://late").backlog = 5

    def test_a_context_that_has_begun(self, make_context: Any) -> None:
        context = make_context()
        context.io_threads = 2
        socket = context.socket(zmq.PUSH)
        with pytest.warns(zmq.LateOptionWarning, match="IO_THREADS") as caught:
            context.io_threads = 3
        assert caught[0].filename == __file__
        with pytest.warns(zmq.LateOptionWarning, match="MAX_SOCKETS"):
            context.set(zmq.MAX_SOCKETS, 5)
        context.max_msgsz = 100
        socket.close()

    def test_keeps_silent_where_it_still_acts(self, context: Any) -> None:
        socket = context.socket(zmq.SUB, connect="inproc://late")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            socket.linger = 0
            socket.rcvtimeo = 1
            socket.hwm = 1
            socket.subscribe("x")

    def test_keeps_silent_once_all_endpoints_are_gone(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        socket.unbind(socket.bind("tcp://127.0.0.1:*"))
        socket.backlog = 5


class TestSubclasses:
    def test_may_keep_what_they_declare(self, context: Any) -> None:
        class Mine(zmq.Socket[bytes]):
            noted = 0
            annotated: str

            @property
            def doubled(self) -> int:
                return self.noted * 2

        socket = context.socket(zmq.PUSH, Mine)
        socket.noted = 4
        socket.annotated = "x"
        socket._private = 5
        assert (socket.noted, socket.annotated, socket.doubled) == (4, "x", 8)
        with pytest.raises(AttributeError):
            socket.undeclared = 1

    def test_methods_can_be_replaced_on_an_instance(self, context: Any) -> None:
        socket = context.socket(zmq.PUSH)
        socket.send = lambda data: data
        assert socket.send(b"x") == b"x"
        del socket.send

    def test_overridden_get_serves_attributes_but_not_getsockopt(self, context: Any) -> None:
        class Mine(zmq.Socket[bytes]):
            def get(self, option: int) -> Any:
                return 42

        socket = context.socket(zmq.PUSH, Mine)
        assert socket.linger == 42
        assert socket.getsockopt(zmq.LINGER) == -1
