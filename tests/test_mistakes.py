"""What people are told who make a mistake of a beginner's: what failed, where, and what to write.

One row a mistake; what a library could have said and did not is a mistake of ours.
"""

from __future__ import annotations

import errno
import socket as system
from collections.abc import Callable
from typing import Any

import pytest
from support import needs_drafts, wait_until

import zmqlite as zmq
import zmqlite.asyncio
from zmqlite.socket.address_errors import refuse_unreachable

OUTER = next((name for _, name in system.if_nameindex() if name != "lo"), "eth0")
INNER = system.if_nameindex()[0][1]


class Things:
    """What the rows make their mistakes with."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def __getattr__(self, kind: str) -> Any:
        return self.context.socket(kind)

    def pair(self, bound: str, connected: str, **options: Any) -> tuple[Any, Any]:
        server = self.context.socket(bound, bind="inproc://mistake", **options)
        return server, self.context.socket(connected, connect="inproc://mistake", **options)


@pytest.fixture
def things(context: Any) -> Things:
    return Things(context)


Call = Callable[[Things], object]
Row = tuple[type[BaseException], str, Call]

ADDRESSES: dict[str, Row] = {
    "http": (
        zmq.NotSupported,
        "there is no transport http://, for 0MQ does not speak HTTP; "
        "did you mean tcp://127.0.0.1:5555, or ws://127.0.0.1:5555?",
        lambda t: t.req.connect("http://127.0.0.1:5555"),
    ),
    "a pair": (
        TypeError,
        "connect() takes an address as one text, not host and port: write tcp://127.0.0.1:5555",
        lambda t: t.req.connect(("127.0.0.1", 5555)),
    ),
    "a pair with a transport": (
        TypeError,
        "bind() takes an address as one text, not host and port: write ws://*:5555",
        lambda t: t.rep.bind(("ws://*", "5555")),
    ),
    "a pair of IPv6": (
        TypeError,
        "write tcp://[::1]:5555",
        lambda t: t.req.connect(("::1", 5555)),
    ),
    "two arguments": (
        TypeError,
        "connect() takes an address as one text, not host and port: write tcp://127.0.0.1:5555",
        lambda t: t.req.connect("127.0.0.1", 5555),
    ),
    "two addresses": (
        TypeError,
        "bind() takes one address, or a list of them, not 2 arguments",
        lambda t: t.rep.bind("inproc://a", "inproc://b"),
    ),
    "None": (TypeError, "a text such as tcp://", lambda t: t.req.connect(None)),
    "a port": (TypeError, "such as tcp://127.0.0.1:5555", lambda t: t.rep.bind(5555)),
    "IPv6 that is off": (
        zmq.InvalidArgument,
        "connect('tcp://[::1]:5555') on REQ socket: IPv6 is off on this socket; "
        "set ipv6 = 1 before",
        lambda t: t.req.connect("tcp://[::1]:5555"),
    ),
    "IPv6 that is off, over ws": (
        zmq.InvalidArgument,
        "IPv6 is off",
        lambda t: t.req.connect("ws://[::1]:5555/path"),
    ),
    "IPv6 that is off, without brackets": (
        zmq.InvalidArgument,
        "IPv6 is off",
        lambda t: t.req.connect("tcp://::1:5555"),
    ),
    "no IPv6 address": (
        zmq.InvalidArgument,
        "'::nope' is no IPv6 address; write tcp://[::1]:5555",
        lambda t: t.context.socket("req", ipv6=1).connect("tcp://[::nope]:5555"),
    ),
    "an unknown scope": (
        zmq.InvalidArgument,
        "no interface of this machine is called 'nope'; its interfaces: ",
        lambda t: t.context.socket("req", ipv6=1).connect("tcp://[fe80::1%nope]:5555"),
    ),
    "the number of an unknown scope": (
        zmq.InvalidArgument,
        "no interface of this machine is called '98765'",
        lambda t: t.context.socket("req", ipv6=1).connect("tcp://[fe80::1%98765]:5555"),
    ),
    "link-local without a scope": (
        zmq.InvalidArgument,
        f"a link-local address needs the interface that it is behind; write [fe80::1%{OUTER}]",
        lambda t: t.context.socket("req", ipv6=1).connect("tcp://[fe80::1]:5555"),
    ),
}

USES: dict[str, Row] = {
    "a socket type without keywords": (
        TypeError,
        "REQ() takes keywords only: write REQ(connect='tcp://127.0.0.1:5555') or "
        "REQ(bind='tcp://127.0.0.1:5555')",
        lambda t: zmq.REQ("tcp://127.0.0.1:5555"),  # type: ignore[arg-type]
    ),
    "a socket type of a context": (
        TypeError,
        "REQ(context=...), or context.socket(REQ)",
        lambda t: zmq.REQ(t.context),
    ),
    "a socket without a context": (
        TypeError,
        "a socket is made in a context: Socket(context, socket_type)",
        lambda t: zmq.Socket(zmq.REQ, t.context),  # type: ignore[call-overload]
    ),
    "timeout=, making": (
        TypeError,
        "'timeout' is no socket option; did you mean rcvtimeo and sndtimeo?",
        lambda t: t.context.socket("req", timeout=5),
    ),
    "topics=": (
        TypeError,
        "'topics' is no socket option; did you mean subscribe?",
        lambda t: t.context.socket("sub", topics=["a"]),
    ),
    "address=": (
        TypeError,
        "did you mean connect or bind?",
        lambda t: t.context.socket("sub", address="inproc://a"),
    ),
    ".timeout": (
        AttributeError,
        "did you mean rcvtimeo and sndtimeo?",
        lambda t: setattr(t.req, "timeout", 5),
    ),
    "a time of None": (
        TypeError,
        "RCVTIMEO takes an int, got None: it is how long a receive may wait; -1 for ever",
        lambda t: t.context.socket("rep", rcvtimeo=None),
    ),
    "a time in seconds": (
        TypeError,
        "RCVTIMEO takes an int, got 0.5: times are whole milliseconds; 0.5 s are 500",
        lambda t: t.context.socket("rep", rcvtimeo=0.5),
    ),
    "a whole number as a float": (
        TypeError,
        "SNDTIMEO takes an int, got 1000.0: write 1000",
        lambda t: t.rep.setsockopt(zmq.SNDTIMEO, 1000.0),
    ),
    "linger in seconds": (
        TypeError,
        "linger takes whole milliseconds, got 0.5: 0.5 s are 500",
        lambda t: t.rep.close(0.5),
    ),
    "linger in seconds, of all": (
        TypeError,
        "linger takes whole milliseconds, got 1.5: 1.5 s are 1500",
        lambda t: t.context.destroy(1.5),
    ),
    "recv(timeout=)": (
        TypeError,
        "recv() got an unexpected keyword argument 'timeout': set rcvtimeo on the socket (in ms)",
        lambda t: t.pull.recv(timeout=1),
    ),
    "recv_multipart(timeout=)": (
        TypeError,
        "keyword argument 'timeout': set rcvtimeo",
        lambda t: t.pull.recv_multipart(timeout=1),
    ),
    "recv_json(timeout=)": (
        TypeError,
        "keyword argument 'timeout': set rcvtimeo",
        lambda t: t.pull.recv_json(timeout=1),
    ),
    "send(timeout=)": (
        TypeError,
        "keyword argument 'timeout': set sndtimeo",
        lambda t: t.push.send(b"", timeout=1),
    ),
    "send_string(timeout=)": (
        TypeError,
        "keyword argument 'timeout': set sndtimeo",
        lambda t: t.push.send_string("", timeout=1),
    ),
    "recv(block=)": (TypeError, "pass flags=DONTWAIT", lambda t: t.pull.recv(block=False)),
    "send(more=)": (TypeError, "pass flags=SNDMORE", lambda t: t.push.send(b"", more=True)),
    "recv(1024)=": (TypeError, "recv_into() takes a buffer", lambda t: t.pull.recv(size=1024)),
    "another keyword": (
        TypeError,
        "recv() got an unexpected keyword argument 'nonsense'",
        lambda t: t.pull.recv(nonsense=1),
    ),
    "a key that is none": (
        zmq.InvalidArgument,
        "a key of 41 bytes; a key has 32 bytes, or 40 in Z85",
        lambda t: t.context.socket("rep", curve_secretkey="x" * 41),
    ),
    "a key in other characters": (
        zmq.InvalidArgument,
        "these characters are no Z85; a key has 32 bytes, or 40 in Z85",
        lambda t: t.context.socket("rep", curve_secretkey="~" * 40),
    ),
}

MESSAGES: dict[str, Row] = {
    "None": (TypeError, "not 'NoneType': an empty message is b\"\"", lambda t: t.push.send(None)),
    "an int": (TypeError, "not 'int': send_string(str(n))", lambda t: t.push.send(5)),
    "a float": (TypeError, "send_string(str(n))", lambda t: t.push.send(1.5)),
    "a dict": (TypeError, "not 'dict': send_json()", lambda t: t.push.send({"a": 1})),
    "a list": (TypeError, "not 'list': send_multipart()", lambda t: t.push.send([b"a"])),
    "a tuple": (TypeError, "not 'tuple': send_multipart()", lambda t: t.push.send((b"a",))),
    "a generator": (TypeError, "send_many()", lambda t: t.push.send(iter([b"a"]))),
    "an object": (TypeError, "send_pyobj()", lambda t: t.push.send(object())),
    "text": (TypeError, "use send_string()", lambda t: t.push.send("a")),
    "text as a part": (
        TypeError,
        "part 1 of the message is no bytes-like object or frame: 'b'; send_strings()",
        lambda t: t.push.send_multipart([b"a", "b"]),
    ),
    "None as a part": (
        TypeError,
        'None; an empty part is b""',
        lambda t: t.push.send_multipart([None]),
    ),
    "a dict as a part": (
        TypeError,
        "{'a': 1}; encode it first",
        lambda t: t.push.send_multipart([{"a": 1}]),
    ),
    "a request too many": (
        zmq.StateError,
        "recv first, or set REQ_RELAXED and REQ_CORRELATE",
        lambda t: (req := t.pair("rep", "req")[1], req.send(b""), req.send(b"")),
    ),
    "no subscription": (
        zmq.Again,
        "recv on SUB socket (inproc://mistake): Resource temporarily unavailable; "
        "RCVTIMEO of 1 ms is over: no message is waiting, and a SUB without a subscription "
        'receives none: subscribe("") takes all',
        lambda t: t.pair("pub", "sub", rcvtimeo=1)[1].recv(),
    ),
    "no subscription, without waiting": (
        zmq.Again,
        "a SUB without a subscription receives none",
        lambda t: t.pair("pub", "sub")[1].recv_multipart(zmq.NOBLOCK),
    ),
    "no endpoint to receive": (
        zmq.Again,
        "no message is waiting, and this socket is neither bound nor connected",
        lambda t: t.pull.recv(zmq.NOBLOCK),
    ),
    "no endpoint to send": (
        zmq.Again,
        "and this socket is neither bound nor connected",
        lambda t: t.push.send(b"", zmq.NOBLOCK),
    ),
}


def check(things: Things, kind: type[BaseException], words: str, call: Call) -> BaseException:
    with pytest.raises(kind) as caught:
        call(things)
    assert words in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("kind", "words", "call"), ADDRESSES.values(), ids=list(ADDRESSES))
def test_addresses(things: Things, kind: Any, words: str, call: Call) -> None:
    check(things, kind, words, call)


@pytest.mark.parametrize(("kind", "words", "call"), USES.values(), ids=list(USES))
def test_uses(things: Things, kind: Any, words: str, call: Call) -> None:
    if "Z85" in words and not zmq.has("curve"):
        pytest.skip("built without CURVE")
    check(things, kind, words, call)


@pytest.mark.parametrize(("kind", "words", "call"), MESSAGES.values(), ids=list(MESSAGES))
def test_messages(things: Things, kind: Any, words: str, call: Call) -> None:
    check(things, kind, words, call)


# -- addresses -----------------------------------------------------------------------------------


def test_what_can_be_reached_is_not_refused(context: Any) -> None:
    socket = context.socket("dealer", ipv6=1, linger=0)
    assert socket.connect(f"tcp://[fe80::1%{INNER}]:5555")
    assert socket.connect(f"tcp://[fe80::1%{system.if_nameindex()[0][0]}]:5555")
    assert socket.connect("tcp://[::1]:5555")
    assert socket.connect("tcp://[fec0::1]:5555")  # site-local: no scope
    assert socket.connect("tcp://127.0.0.1:0;[::1]:5555")
    # a proxy is told the address as it stands
    behind = context.socket("dealer", socks_proxy="127.0.0.1:1080")
    refuse_unreachable(behind, "tcp://[::1]:5555")
    # names are resolved later, whatever they will turn out to be
    assert context.socket("dealer", linger=0).connect("tcp://localhost:5555")


def test_a_list_is_checked_before_its_first_address_is_in_use(context: Any) -> None:
    socket = context.socket("router")
    for wrong in (["inproc://a", "inproc:b"], ["inproc://a", 5], ("inproc://a", None)):
        with pytest.raises((zmq.InvalidArgument, TypeError)):
            socket.bind(wrong)
        assert socket.endpoints == ()
    assert socket.bind(iter(["inproc://a", "inproc://b"])) == ["inproc://a", "inproc://b"]
    assert socket.connect(("inproc://c", "inproc://d")) == ["inproc://c", "inproc://d"]


def in_use(socket: Any, address: str) -> str:
    with pytest.raises(zmq.AddressInUse) as caught:
        socket.bind(address)
    assert caught.value.errno == errno.EADDRINUSE
    assert str(caught.value).startswith(f"bind({address!r}) on {socket.type.name} socket: ")
    return caught.value.hint


@pytest.mark.parametrize("wildcard", ["tcp://127.0.0.1:*", "ws://127.0.0.1:*"])
def test_a_port_in_use_says_by_whom(context: Any, wildcard: str) -> None:
    if wildcard.startswith("ws:") and not zmq.has("ws"):
        pytest.skip("built without ws")
    choose = "choose another port, or * for a free one"
    server, other = context.socket("rep"), context.socket("router")
    endpoint = str(server.bind(wildcard))
    assert (
        in_use(server, endpoint)
        == f"this socket is bound there already: once is enough, or {choose}"
    )
    assert in_use(other, endpoint) == f"a REP socket of this context is bound there: {choose}"
    port = endpoint.rstrip("/").rpartition(":")[2]
    assert in_use(other, f"tcp://*:{port}").startswith("a REP socket of this context")
    server.unbind(endpoint)
    wait_until(lambda: _free(port), what="the port to be free")
    with system.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = f"tcp://127.0.0.1:{stranger.getsockname()[1]}"
        server.connect(taken)  # to be connected to it is not to hold it
        assert in_use(server, taken) == f"another socket is bound there: {choose}"


def _free(port: str) -> bool:
    with system.socket() as probe:
        probe.setsockopt(system.SOL_SOCKET, system.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError:
            return False
        return True


def test_a_name_in_use_is_given_no_port(context: Any) -> None:
    server, other = context.socket("rep", bind="inproc://name"), context.socket("rep")
    assert in_use(server, "inproc://name") == (
        "this socket is bound there already: once is enough, or choose another name"
    )
    assert in_use(other, "inproc://name") == (
        "a REP socket of this context is bound there: choose another name"
    )
    with pytest.raises(zmq.AddressInUse, match="of this context has that name already") as caught:
        server.monitor("inproc://name")
    assert "port" not in str(caught.value)
    context.socket("rep", bind="inproc://zeromq.zap.01")
    assert in_use(other, "inproc://zeromq.zap.01") == (
        "this context has an authenticator (a ZAP handler) already: stop that one first"
    )


@pytest.mark.skipif(not zmq.has("ipc"), reason="built without ipc")
def test_a_path_in_use_is_given_no_port(context: Any) -> None:
    server = context.socket("rep")
    name = f"ipc://@zmqlite-{id(server):x}"
    try:
        server.bind(name)
    except zmq.ZMQError:
        pytest.skip("no abstract names here")
    assert in_use(context.socket("rep"), name) == (
        "a REP socket of this context is bound there: "
        "choose another path, or ipc://* for a free one"
    )


# -- requests ------------------------------------------------------------------------------------


def test_both_options_together_give_the_right_reply(context: Any) -> None:
    """REQ_RELAXED alone takes a late reply for the answer to the next question."""
    server = context.socket("router", bind="inproc://questions", rcvtimeo=20_000)
    options = {"req_relaxed": 1, "req_correlate": 1, "rcvtimeo": 5000}
    client = context.socket("req", connect="inproc://questions", **options)
    client.send(b"first")
    late = server.recv_multipart()
    client.send(b"second")
    second = server.recv_multipart()
    server.send_multipart([*late[:-1], b"reply to the first"])
    server.send_multipart([*second[:-1], b"reply to the second"])
    assert client.recv() == b"reply to the second"


# -- waiting -------------------------------------------------------------------------------------


def test_half_a_millisecond_is_meant_as_half_a_second(context: Any) -> None:
    socket = context.socket("pull")
    with pytest.warns(
        UserWarning, match=r"takes milliseconds, .* for 0.5 s write poll\(500\)"
    ) as heard:
        assert socket.poll(0.5) == 0
    assert heard[0].filename == __file__
    poller = zmq.Poller()
    poller.register(socket)
    with pytest.warns(UserWarning, match=r"for 0.5 s write poll\(500\)"):
        assert poller.poll(0.5) == []
    for timeout in (0, 0.0, 1, 1.0, 2.5, 10.0):
        assert socket.poll(timeout) == 0
        assert poller.poll(timeout) == []


def test_a_subscriber_or_a_shadow_is_not_suspected(context: Any) -> None:
    sub = context.socket("sub", bind="inproc://a")
    sub.subscribe("")
    for socket in (sub, zmq.Socket(sub)):
        with pytest.raises(zmq.Again) as caught:
            socket.recv(zmq.NOBLOCK)
        assert str(caught.value).endswith("no message is waiting")


@needs_drafts
def test_a_dish_without_a_group_says_so(context: Any) -> None:
    dish = context.socket("dish", bind="inproc://a", rcvtimeo=1)
    with pytest.raises(
        zmq.Again, match=r"a DISH that has joined no group receives none: join\(\)"
    ):
        dish.recv()
    dish.join("group")
    with pytest.raises(zmq.Again, match=r"no message is waiting(, and nobody is connected)?$"):
        dish.recv()


def test_what_is_closed_is_called_so_by_every_call(context: Any) -> None:
    """As in pyzmq the errno of poll is another; it may be caught by either name."""
    socket, poller = context.socket("pair"), zmq.Poller()
    poller.register(socket)
    socket.close()
    calls: list[Callable[[], object]] = [
        lambda: socket.poll(0), lambda: socket.poll(), lambda: poller.poll(0),
        lambda: poller.register(socket), lambda: zmq.zmq_poll([(socket, 1)], 0),
        lambda: zmq.select([socket], [], [], 0),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(
            zmq.SocketClosed, match="poll on PAIR socket: the socket is closed"
        ) as caught:
            call()
        assert isinstance(caught.value, zmq.NotSupported)
        assert caught.value.errno == zmq.ENOTSUP
    with pytest.raises(zmq.SocketClosed) as sent:
        socket.send(b"")
    assert sent.value.errno == zmq.ENOTSOCK


def test_a_closed_context_is_called_so() -> None:
    context = zmq.Context()
    context.term()
    with pytest.raises(
        zmq.ContextTerminated, match="the context is closed; make a new one"
    ) as caught:
        context.socket("req")
    assert isinstance(caught.value, zmq.NotSupported)
    assert caught.value.errno == zmq.ENOTSUP


def test_json_with_a_timeout_takes_no_message(context: Any) -> None:
    left, right = (context.socket("pair", rcvtimeo=20_000) for _ in range(2))
    right.connect(left.bind("inproc://json"))
    left.send_json([1])
    with pytest.raises(TypeError, match="rcvtimeo"):
        right.recv_json(timeout=5)
    assert right.recv_json() == [1]
