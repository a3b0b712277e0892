"""Addresses: what is refused before libzmq sees it, what is not, and what bind returns."""

from __future__ import annotations

import copy
import errno
import pickle
import sys
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite import endpoint
from zmqlite._native import core
from zmqlite.endpoint import IPC_PATH_MAX_LEN, TRANSPORTS, Endpoint, check
from zmqlite.enums import Errno
from zmqlite.error import AddressNotFound, InvalidArgument, NotSupported, ZMQError
from zmqlite.socket.address_errors import hint_for, transports

BOTH = [
    "inproc://name",
    "inproc://with space, ünïcode and://more",
    "inproc://*",
    "ipc:///tmp/x",
    "ipc://relative/x",
    "ipc://@abstract",
    "ipc:///tmp/ä",
    "ipc://" + "x" * IPC_PATH_MAX_LEN,
    "tcp://127.0.0.1:5555",
    "tcp://localhost:1",
    "tcp://host-name.example.com:65535",
    "tcp://host_name:5555",
    "tcp://eth0:5555",
    "tcp://[::1]:5555",
    "tcp://::1:5555",
    "tcp://[fe80::1%eth0]:5555",
    "tcp://0:5555",
    "tcp://0.0.0.0:5555",
    "tcp://127.0.0.1:0555",
    "ws://127.0.0.1:5555",
    "ws://127.0.0.1:5555/path/to:it",
    "wss://host:5555/path",
    "udp://239.0.0.1:5555",
    "udp://eth0;239.0.0.1:5555",
    "udp://127.0.0.1;[ff02::1]:5555",
    "pgm://192.168.1.1;239.192.1.1:5555",
    "epgm://eth0;239.192.1.1:5555",
    "epgm://239.192.1.1:5555",
    "tipc://{5560,0,0}",
    "tipc://{5560,0}@0.0.0",
    "tipc://<1.2.3:4>",
    "tipc://<*>",
    "vmci://*:*",
    "vmci://@:5555",
    "vsock://2:5555",
    "hvsocket://anything",
]
BIND_ONLY = [
    "tcp://*:5555",
    "tcp://*:*",
    "tcp://*:0",
    "tcp://[*]:5555",
    "tcp://[::1]:*",
    "tcp://eth0:*",
    "tcp://127.0.0.1:5555\n",
    "tcp://127.0.0.1:5555/",
    "tcp://127.0.0.1: 5555",
    "ws://*:*/path",
    "ws://*:5555",
    "udp://*:5555",
    "ipc://*",
]
CONNECT_ONLY = [
    "tcp://127.0.0.1:0;10.0.0.1:5555",
    "tcp://*:*;[::1]:5555",
    "tcp://eth0:44;host:5555",
]


@pytest.mark.parametrize("address", BOTH + BIND_ONLY)
def test_good_addresses_to_bind(address: str) -> None:
    assert check(address, "bind", "REP socket") is address


@pytest.mark.parametrize("address", BOTH + CONNECT_ONLY)
def test_good_addresses_to_connect(address: str) -> None:
    assert check(address, "connect", "REQ socket") is address


@pytest.mark.parametrize("address", BIND_ONLY)
def test_what_only_bind_can_do(address: str) -> None:
    with pytest.raises(InvalidArgument):
        check(address, "connect")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        # nothing like an address
        ("", r"the transport is missing; an address looks like tcp://127\.0\.0\.1:5555"),
        ("127.0.0.1:5555", r"write tcp://127\.0\.0\.1:5555"),
        ("/tmp/x", "write ipc:///tmp/x"),
        ("tcp:/127.0.0.1:5555", r"a transport ends in ://; write tcp://127\.0\.0\.1:5555"),
        ("tcp:127.0.0.1:5555", r"write tcp://127\.0\.0\.1:5555"),
        ("tcp://", "nothing follows tcp://"),
        ("inproc://", "an address looks like inproc://name"),
        ("inproc://a\0b", "NUL"),
        # ports
        ("tcp://host", "the port is missing; write tcp://host:5555"),
        ("tcp://host:", "the port is missing; write tcp://host:5555"),
        ("tcp://[::1]", r"the port is missing; write tcp://\[::1\]:5555"),
        ("ws://host/path", "the port is missing"),
        ("ws://host:5555/" + "x" * 4096, "the path has 4097 bytes; 4096 are the most"),
        ("udp://239.0.0.1", "the port is missing"),
        ("tcp://host:99999", "the port 99999 is too large; ports go from 1 to 65535"),
        ("tcp://host:65536", "the port 65536 is too large"),
        ("tcp://host:" + "9" * 5000, "is too large"),
        ("udp://239.0.0.1:70000", "too large"),
        ("ws://host:70000/x", "too large"),
        ("pgm://eth0;239.1.1.1:70000", "too large"),
        ("tcp://host:http", "the port 'http' is not a number"),
        ("tcp://host:55x", "not a number"),
        ("tcp://host:-5", "not a number"),
        ("tcp://host:+5", "not a number"),
        ("tcp://host:٥", "not a number"),
        ("tcp://host:!", r"'!' is how czmq writes a free port; write \*"),
        ("tcp://host:*[60000-]", "czmq"),
        # hosts
        ("tcp://:5555", "the host is missing"),
        ("tcp://[::1:5555", "a bracket is missing"),
        ("tcp://::1]:5555", "a bracket is missing"),
        # one transport each
        ("ipc://@", "the abstract name is empty"),
        ("tipc://5560", "tipc://{type,lower,upper}"),
        ("vmci://5555", "the port is missing"),
        ("vsock://2:", "the port is missing; write vsock://2:5555"),
        ("pgm://239.1.1.1", "group or port is missing"),
        ("epgm://eth0;239.1.1.1:0", "a group needs a port"),
    ],
)
def test_bad_addresses(address: str, words: str) -> None:
    for operation in ("bind", "connect"):
        with pytest.raises(InvalidArgument, match=words) as caught:
            check(address, operation, "PUSH socket")
        assert caught.value.errno == errno.EINVAL
        assert caught.value.operation == f"{operation}({address!r})"
        assert caught.value.subject == "PUSH socket"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        # The trap of the guide's first lvcache: accepted by libzmq 2, retried for ever by others.
        ("tcp://*:5557", r"only bind can use it; name the host.*tcp://127\.0\.0\.1:5557"),
        ("udp://*:5557", "only bind can use it"),
        ("ws://*:5557/x", "only bind can use it"),
        ("tcp://host:*", "only bind can choose a free port; connect to the address bind returned"),
        ("tcp://host:0", "nothing listens on port 0"),
        ("tcp://host:00", "nothing listens on port 0"),
        ("ipc://*", "only bind can choose a free path"),
        ("tcp://host:5555/path", "a tcp address has no path; write tcp://host:5555$"),
        (
            "tcp://eth0;host:5555",
            "the port of the source address 'eth0' is missing; .*tcp://eth0:0",
        ),
        ("tcp://eth0:x;host:5555", "'x' is not a number"),
        ("tcp://;host:5555", r"write tcp://\*:0;host:5555"),
        ("tcp://127.0.0.1:5555;", "the port is missing"),
        ("ws://host:5555/a b", "a blank or a control character; write a blank as %20"),
        ("wss://host:5555/a\r\nb", "a blank or a control character"),
        ("tcp://127.0.0.256:5555", "no IPv4 address; its numbers go from 0 to 255"),
        ("ws://1.2.3.400:5555/x", "1.2.3.400 is no IPv4 address"),
    ],
)
def test_bad_addresses_to_connect(address: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        check(address, "connect", "SUB socket")


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("in-proc://x", "inproc://x"),
        ("INPROC://x", "inproc://x"),
        ("TCP://host:5555", "tcp://host:5555"),
        ("tpc://host:5555", "tcp://host:5555"),
        ("http://host:80/x", "tcp://host:80, or ws://host:80/x"),
        ("https://host:80", "tcp://host:80, or wss://host:80"),
        ("unix:///tmp/x", "ipc:///tmp/x"),
        (" tcp://host:1", "tcp://host:1"),
    ],
)
def test_misspelt_transports(address: str, right: str) -> None:
    with pytest.raises(NotSupported) as caught:
        check(address, "connect")
    assert str(caught.value).endswith(f"did you mean {right}?")
    assert caught.value.errno == Errno.EPROTONOSUPPORT


@pytest.mark.parametrize(("prefix", "verb"), [("@", "bind"), (">", "connect")])
def test_prefixes_of_czmq(prefix: str, verb: str) -> None:
    with pytest.raises(InvalidArgument, match=f"call {verb} without it"):
        check(f"{prefix}tcp://127.0.0.1:5555", "bind")


def test_a_transport_that_only_libzmq_knows_is_its_business() -> None:
    assert check("quic9://whatever", "bind") == "quic9://whatever"
    hint = hint_for(Errno.EPROTONOSUPPORT, "quic9://x", "bind")
    assert hint.startswith("transports are tcp, ")
    named = hint.removeprefix("transports are ").split(", ")
    assert {"tcp", "inproc", "udp"} <= set(named) <= set(TRANSPORTS)
    for name in set(TRANSPORTS) - set(named):  # those that only other builds have
        assert hint_for(Errno.EPROTONOSUPPORT, f"{name}://x", "bind").endswith(f"without {name}")


@pytest.mark.parametrize("name", ["ipc", "ws", "wss", "pgm", "norm", "tipc", "vmci"])
def test_a_transport_is_named_where_this_libzmq_has_it(name: str) -> None:
    assert (name in transports()) == zmq.has(name)


@pytest.mark.parametrize("wrong", [None, 5, ["tcp://x:1"], object()])
def test_what_is_no_address(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Expected addr to be str"):
        check(wrong, "bind")


def test_bytes_as_last_endpoint_gives_them() -> None:
    assert check(b"tcp://127.0.0.1:5555", "connect") == "tcp://127.0.0.1:5555"
    assert check(b"ipc:///tmp/\xff", "bind").encode("utf-8", "surrogateescape")[-1] == 0xFF
    with pytest.raises(InvalidArgument):
        check(b"tcp://127.0.0.1", "connect")


def test_ipc_paths_have_a_limit() -> None:
    assert IPC_PATH_MAX_LEN == core.IPC_PATH_MAX_LEN
    for path in ("x" * (IPC_PATH_MAX_LEN + 1), "ä" * (IPC_PATH_MAX_LEN // 2 + 1)):
        with pytest.raises(InvalidArgument, match=f"{IPC_PATH_MAX_LEN} are the most") as caught:
            check(f"ipc://{path}", "bind")
        assert caught.value.errno == errno.ENAMETOOLONG
    check("ipc://*" + "x" * 200, "bind")  # libzmq makes up another path


@pytest.mark.parametrize("operation", ["unbind", "disconnect"])
def test_giving_up_an_address_checks_its_form_only(operation: str) -> None:
    assert check("tcp://*:5555", operation) == "tcp://*:5555"
    assert check("tcp://host:99999", operation) == "tcp://host:99999"
    with pytest.raises(InvalidArgument):
        check("host", operation)


@pytest.mark.skipif(sys.platform == "win32", reason="interfaces have other names")
def test_norm_is_tried_since_libzmq_would_abort() -> None:
    for address in (
        "norm://nosuchinterface0;239.1.1.1:5555",
        "norm://203.0.113.7;239.1.1.1:5555",
        "norm://1,nosuchinterface0;239.1.1.1:5555",
        "norm://239.1.1.1.1:5555",
    ):
        with pytest.raises(InvalidArgument, match="norm cannot use"):
            check(address, "connect")
    for address in ("norm://lo;239.1.1.1", "norm://lo;:5555", "norm://lo;239.1.1.1:99999"):
        with pytest.raises(InvalidArgument):
            check(address, "bind")
    assert check("norm://127.0.0.1:5555", "bind")
    assert check("norm://7,127.0.0.1;239.1.1.1:5555", "bind")


@pytest.mark.parametrize(
    ("number", "address", "operation", "words"),
    [
        (errno.ENODEV, "tcp://name:5", "bind", "bind takes an address"),
        (Errno.EADDRINUSE, "ipc:///tmp/x", "bind", "a file that is no socket"),
        (Errno.EADDRINUSE, "ipc://@x", "bind", "bound to that name"),
        (errno.ENOENT, "ipc:///no/x", "bind", "the directory /no must exist"),
        (errno.ENOENT, "ipc://x", "bind", r"the directory \. must exist"),
        (errno.ENOENT, "tcp://h:5", "unbind", "it is not in use"),
        (Errno.EPROTONOSUPPORT, "norm://x", "bind", "built without norm"),
        (Errno.ENOCOMPATPROTO, "udp://h:5", "bind", "RADIO connects over udp"),
        (Errno.ENOCOMPATPROTO, "epgm://h:5", "bind", "multicast carries PUB"),
        (Errno.EADDRINUSE, "tcp://h:5", "bind", "choose another port"),
        (Errno.EMTHREAD, "tcp://h:5", "bind", "io_threads=0"),
        (errno.EINVAL, "pgm://eth0;239.1.1.1:5", "connect", "by its IP address"),
        (errno.EINVAL, "tcp://-x:5", "connect", "a name of letters"),
    ],
)
def test_the_next_step_after_a_refusal(
    number: int, address: str, operation: str, words: str
) -> None:
    with pytest.raises(ZMQError, match=words):
        raise ZMQError(msg=hint_for(int(number), address, operation))


def test_no_step_where_none_is_known() -> None:
    assert hint_for(errno.ENOMEM, "tcp://h:5", "bind") == ""
    assert hint_for(Errno.ENOCOMPATPROTO, "tcp://h:5", "bind") == ""
    assert hint_for(errno.ENOENT, "tcp://h:5", "bind") == ""


def test_every_transport_has_an_examiner_or_needs_none() -> None:
    assert set(TRANSPORTS) - set(endpoint._EXAMINERS) == {"inproc", "hvsocket"}


# -- Endpoint ------------------------------------------------------------------------------------


class FakeSocket:
    def __init__(self) -> None:
        self.closed = False
        self.calls: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def _note(self, verb: str, address: str) -> None:
        self.calls.append((verb, address))
        if self.error is not None:
            raise self.error

    def unbind(self, address: str) -> None:
        self._note("unbind", address)

    def disconnect(self, address: str) -> None:
        self._note("disconnect", address)


@pytest.mark.parametrize(("operation", "undo"), [("bind", "unbind"), ("connect", "disconnect")])
def test_an_endpoint_gives_itself_up_at_the_end_of_a_with(operation: str, undo: str) -> None:
    socket = FakeSocket()
    address = Endpoint("tcp://127.0.0.1:1234", socket, operation)
    with address as inner:
        assert inner is socket
        assert socket.calls == []
    assert socket.calls == [(undo, "tcp://127.0.0.1:1234")]
    assert type(socket.calls[0][1]) is str


def test_an_endpoint_is_a_str() -> None:
    address = Endpoint("tcp://127.0.0.1:1234", FakeSocket(), "bind")
    assert address == "tcp://127.0.0.1:1234"
    assert repr(address) == "'tcp://127.0.0.1:1234'"
    assert {address: 1}["tcp://127.0.0.1:1234"] == 1
    assert check(address, "connect") is address
    for again in (pickle.loads(pickle.dumps(address)), copy.copy(address), copy.deepcopy(address)):
        assert type(again) is str
        assert again == address
    assert Endpoint[Any] is Endpoint


def test_a_closed_socket_and_a_lost_endpoint_are_no_errors() -> None:
    socket = FakeSocket()
    with Endpoint("tcp://h:1", socket, "bind"):
        socket.closed = True
    assert socket.calls == []
    socket = FakeSocket()
    socket.error = AddressNotFound()
    with Endpoint("tcp://h:1", socket, "bind"):
        pass
    socket.error = InvalidArgument()
    with pytest.raises(InvalidArgument), Endpoint("tcp://h:1", socket, "bind"):
        pass
