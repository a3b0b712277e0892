"""Options by number and as attributes: kinds, names, what goes first, what is refused."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest


@pytest.fixture
def sub(ctx: Any, zmq: Any) -> Any:
    return ctx.socket(zmq.SUB)


def test_bytes_options_take_bytes_only(sub: Any, zmq: Any) -> None:
    sub.setsockopt(zmq.SUBSCRIBE, b"topic")
    if zmq.__name__ != "zmqlite":  # (which takes text there as the attributes do)
        with pytest.raises(TypeError, match=r"setsockopt_string|set_string"):
            sub.setsockopt(zmq.SUBSCRIBE, "topic")
        with pytest.raises(TypeError, match=r"setsockopt_string|set_string"):
            sub.set(zmq.SUBSCRIBE, "topic")
    with pytest.raises(TypeError):
        sub.setsockopt(zmq.SUBSCRIBE, bytearray(b"topic"))
    with pytest.raises(TypeError):
        sub.setsockopt(zmq.SUBSCRIBE, 1)


def test_int_options_take_bools_too(sub: Any, zmq: Any) -> None:
    sub.setsockopt(zmq.IPV6, True)
    assert sub.getsockopt(zmq.IPV6) == 1
    with pytest.raises(TypeError):
        sub.setsockopt(zmq.LINGER, b"0")
    with pytest.raises(TypeError):
        sub.setsockopt(zmq.LINGER, "0")


def test_names_of_any_case_are_options(sub: Any) -> None:
    sub.Linger = 1  # (read so only by pyzmq: see docs/porting-from-pyzmq.md)
    assert sub.LINGER == sub.linger == 1
    sub.SNDHWM = 7
    assert sub.sndhwm == 7


def test_the_older_spellings(sub: Any, zmq: Any) -> None:
    assert sub.set == sub.setsockopt or sub.set.__name__ == "set"
    sub.set(zmq.LINGER, 5)
    assert sub.get(zmq.LINGER) == sub.getsockopt(zmq.LINGER) == 5
    sub.setsockopt_string(zmq.SUBSCRIBE, "é")
    sub.setsockopt_unicode(zmq.UNSUBSCRIBE, "é")
    sub.set_string(zmq.IDENTITY, "me")
    assert sub.get_string(zmq.IDENTITY) == sub.getsockopt_string(zmq.IDENTITY) == "me"
    assert sub.getsockopt_unicode(zmq.IDENTITY) == "me"
    with pytest.raises(TypeError):
        sub.get_string(zmq.LINGER)
    with pytest.raises(ValueError, match=r"99999|option"):
        sub.get_string(99999)
    with pytest.raises(TypeError):
        sub.set_string(zmq.IDENTITY, b"bytes")


def test_identity_keeps_its_last_nul(sub: Any, zmq: Any) -> None:
    sub.identity = b"me\0"
    assert sub.identity == sub.get(zmq.ROUTING_ID) == b"me\0"
    sub.bind("inproc://here")
    assert sub.last_endpoint == b"inproc://here", "one NUL of C is stripped, and it is bytes"


def test_subscribe_is_a_method_and_an_attribute(ctx: Any, sub: Any, zmq: Any) -> None:
    publisher = ctx.socket(zmq.XPUB)
    publisher.rcvtimeo = 20_000
    publisher.bind("inproc://here")
    sub.connect("inproc://here")
    sub.subscribe("text")
    sub.subscribe(b"bytes")
    sub.subscribe = "assigned"
    sub.SUBSCRIBE = b"ASSIGNED"
    assert [publisher.recv() for _ in range(4)] == [
        b"\1text", b"\1bytes", b"\1assigned", b"\1ASSIGNED"]  # fmt: skip
    sub.unsubscribe("text")
    assert publisher.recv() == b"\0text"
    type(sub).subscribe(sub, "unbound")
    assert publisher.recv() == b"\1unbound"


def test_hwm_is_both(sub: Any, zmq: Any) -> None:
    sub.hwm = 5
    assert (sub.hwm, sub.sndhwm, sub.rcvhwm, sub.get_hwm()) == (5, 5, 5, 5)
    sub.set_hwm(6)
    assert (sub.sndhwm, sub.rcvhwm) == (6, 6)


def test_an_unknown_name_is_an_attribute_error(sub: Any, ctx: Any) -> None:
    for thing in (sub, ctx):
        with pytest.raises(AttributeError, match=r"(?i)nonsense"):
            thing.nonsense = 5
        with pytest.raises(AttributeError, match=r"(?i)nonsense"):
            thing.nonsense  # noqa: B018
    assert not hasattr(sub, "nonsense")


def test_an_unknown_number_is_refused_by_libzmq(sub: Any, zmq: Any) -> None:
    with pytest.raises(zmq.ZMQError) as caught:
        sub.getsockopt(9999)
    assert caught.value.errno == zmq.EINVAL
    with pytest.raises(zmq.ZMQError) as caught:
        sub.setsockopt(9999, 5)
    assert caught.value.errno == zmq.EINVAL


def test_write_only_options_are_absent_to_read(sub: Any) -> None:
    with pytest.raises(AttributeError):
        sub.connect_routing_id  # noqa: B018
    assert not hasattr(sub, "router_mandatory")


@pytest.mark.filterwarnings("ignore:Socket.socket_type")
def test_mock_may_look_at_every_name(sub: Any, ctx: Any) -> None:
    assert mock.create_autospec(sub, instance=True)
    with mock.patch.object(sub, "send", create=False, new="mocked"):
        assert sub.send == "mocked"
    assert sub.send != "mocked"
    names = dir(sub)
    assert {"linger", "LINGER", "send", "closed", "EVENTS"} & set(names) >= {"send", "closed"}


def test_dir_lists_options(sub: Any, ctx: Any) -> None:
    assert {"LINGER", "RCVTIMEO"} <= {name.upper() for name in dir(sub)}
    assert {"IO_THREADS", "MAX_SOCKETS"} <= {name.upper() for name in dir(ctx)}


def test_what_a_class_declares_goes_before_options(ctx: Any, zmq: Any) -> None:
    class Own(zmq.Socket):  # type: ignore[misc]
        declared: int
        linger = 17
        given = None
        events: list[str]

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.declared = 5
            self.given = 6
            self.events = []

    socket = ctx.socket(zmq.PUSH, socket_class=Own)
    assert (socket.declared, socket.given, socket.events) == (5, 6, [])
    assert socket.EVENTS == zmq.POLLOUT or socket.EVENTS == 0
    assert socket.linger == 17
    socket.linger = 18
    assert socket.linger == 18
    assert socket.get(zmq.LINGER) != 18, "the class attribute hides the option"


def test_overriding_get_is_heard_by_attributes_alone(ctx: Any, zmq: Any) -> None:
    class Own(zmq.Socket):  # type: ignore[misc]
        def get(self, option: int) -> Any:
            return 55 if option == zmq.LINGER else super().get(option)

        def set(self, option: int, value: Any) -> None:
            super().set(option, value + 1 if option == zmq.SNDHWM else value)

    socket = ctx.socket(zmq.PUSH, socket_class=Own)
    assert socket.linger == socket.get(zmq.LINGER) == 55
    assert socket.getsockopt(zmq.LINGER) != 55
    socket.sndhwm = 9
    assert socket.sndhwm == 10
    socket.setsockopt(zmq.SNDHWM, 9)
    assert socket.sndhwm == 9


def test_context_options_and_defaults_of_sockets(zmq: Any) -> None:
    with zmq.Context(io_threads=2) as ctx:
        assert ctx.io_threads == ctx.get(zmq.IO_THREADS) == 2
        ctx.MAX_SOCKETS = 99
        assert ctx.get(zmq.MAX_SOCKETS) == 99
        with pytest.raises(AttributeError):
            ctx.linger  # noqa: B018
        ctx.linger = 5
        assert ctx.linger == ctx.getsockopt(zmq.LINGER) == ctx.sockopts[zmq.LINGER] == 5
        ctx.setsockopt(zmq.SUBSCRIBE, b"topic")
        with ctx.socket(zmq.SUB) as sub, ctx.socket(zmq.PUSH) as push:
            assert sub.linger == push.linger == 5, "and what suits a SUB alone did not hurt"
        del ctx.linger
        with pytest.raises(AttributeError):
            ctx.linger  # noqa: B018
        with pytest.raises(AttributeError):
            del ctx.linger
        with ctx.socket(zmq.PUSH) as push:
            assert push.linger == -1
    with pytest.raises(RuntimeError):
        ctx.get(zmq.IO_THREADS)
    with pytest.raises(RuntimeError):
        ctx.set(zmq.IO_THREADS, 1)


def test_the_type_of_a_socket(sub: Any, zmq: Any) -> None:
    assert sub.type == sub.TYPE == zmq.SUB
    assert isinstance(sub.type, zmq.SocketType)
    sub.close()
    assert sub.type is zmq.SUB


def test_option_numbers_know_their_type(zmq: Any) -> None:
    kinds = {
        zmq.LINGER: "int", zmq.AFFINITY: "int64", zmq.MAXMSGSIZE: "int64", zmq.IDENTITY: "bytes",
        zmq.FD: "fd", zmq.SUBSCRIBE: "bytes", zmq.METADATA: "bytes",
    }  # fmt: skip
    assert {option: option._opt_type.name for option in kinds} == kinds


def test_the_longest_plain_username_can_be_read(our_ctx: Any, ours: Any) -> None:
    """255 bytes; pyzmq's buffer has no room for them."""
    socket = our_ctx.socket(ours.PUSH)
    socket.plain_username = b"u" * 255
    assert socket.plain_username == b"u" * 255
