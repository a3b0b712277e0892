"""Numbers, lists and names of the wrong kind: each error names the call, what it was given and
what it takes, in every world, and no message is lost for it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import zmqlite as zmq
import zmqlite.asyncio

NO_TIMES = ["1", b"1", [1], {1: 2}, int, float("nan")]
NO_FLAGS = ["NOBLOCK", b"1", [1], 1.5]


class World:
    """How a call of a module is made and awaited."""

    def __init__(self, module: Any, run: Callable[[Callable[[], Any]], Any]) -> None:
        self.module, self.run = module, run


def run_in_asyncio(call: Callable[[], Any]) -> Any:
    async def main() -> Any:
        value = call()
        return await value if inspect.isawaitable(value) else value

    return asyncio.run(main())


def world_of(name: str) -> World:
    if name == "blocking":
        return World(zmq, lambda call: call())
    if name == "asyncio":
        return World(zmqlite.asyncio, run_in_asyncio)
    if name == "green":
        pytest.importorskip("gevent")
        return World(pytest.importorskip("zmqlite.green"), lambda call: call())
    trio: Any = pytest.importorskip("trio")

    async def main(call: Callable[[], Any]) -> Any:
        value = call()
        return await value if inspect.isawaitable(value) else value

    return World(pytest.importorskip("zmqlite.trio"), lambda call: trio.run(main, call))


@pytest.fixture(params=["blocking", "asyncio", "trio", "green"])
def world(request: pytest.FixtureRequest) -> World:
    return world_of(request.param)


@pytest.fixture
def pair(world: World) -> Iterator[tuple[Any, Any]]:
    """A PUSH and its PULL, which has a message to receive."""
    with zmq.Context() as context:
        view = world.module.Context.shadow(context)
        receiver = view.socket(zmq.PULL, linger=0, rcvtimeo=5000, bind="inproc://pair")
        sender = view.socket(zmq.PUSH, linger=0, sndtimeo=5000, connect="inproc://pair")
        zmq.Socket.shadow(sender).send(b"kept")
        try:
            yield sender, receiver
            assert receiver.recv_nonblock() == b"kept", "the message was lost"
            assert receiver.recv_nonblock() is None, "something was sent"
        finally:
            sender.close()
            receiver.close()


def refused(world: World, call: Callable[[], Any], *kinds: type[Exception]) -> str:
    with pytest.raises(kinds or (TypeError, ValueError)) as caught:
        world.run(call)
    return str(caught.value)


# -- time limits ----------------------------------------------------------------------------------

LIMITED: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    # (module, sender, receiver, limit)
    "poll of a socket": lambda m, s, r, limit: r.poll(limit),
    "poll of a Poller": lambda m, s, r, limit: poller(m, r).poll(limit),
    "wait_peers": lambda m, s, r, limit: r.wait_peers(1, limit),
    "wait_drained": lambda m, s, r, limit: s.wait_drained(limit),
    "zmq_poll": lambda m, s, r, limit: m.zmq_poll([(r, 1)], limit),
    "select": lambda m, s, r, limit: m.select([r], [], [], limit),
    "term": lambda m, s, r, limit: r.context.term(limit),
    "wait of a tracker": lambda m, s, r, limit: zmq.MessageTracker().wait(limit),
}


def poller(module: Any, socket: Any) -> Any:
    found = module.Poller()
    found.register(socket, zmq.POLLIN)
    return found


@pytest.mark.parametrize("limit", NO_TIMES, ids=repr)
@pytest.mark.parametrize("call", LIMITED)
def test_a_time_limit_that_is_none(world: World, pair: Any, call: str, limit: Any) -> None:
    if not hasattr(world.module, "zmq_poll") and call in ("zmq_poll", "select"):
        pytest.skip("trio has its own ways")
    said = refused(world, lambda: LIMITED[call](world.module, *pair, limit))
    unit = "seconds" if call.split()[0] in ("term", "select", "wait") else "milliseconds"
    assert said == f"{call.split()[0]}() takes {unit} as its timeout, not {limit!r}"


@pytest.mark.parametrize("limit", [None, -1, float("inf"), 10**30, 10**400], ids=str)
def test_a_time_limit_for_ever(world: World, pair: Any, limit: Any) -> None:
    _, receiver = pair
    assert world.run(lambda: receiver.poll(limit)) == zmq.POLLIN
    assert world.run(lambda: poller(world.module, receiver).poll(limit)) == [(receiver, 1)]


# -- flags ----------------------------------------------------------------------------------------

FLAGGED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "send": lambda s, r, flags: s.send(b"x", flags),
    "send_multipart": lambda s, r, flags: s.send_multipart([b"x"], flags),
    "send_many": lambda s, r, flags: s.send_many([b"x"], flags),
    "send_json": lambda s, r, flags: s.send_json(1, flags),
    "loan": lambda s, r, flags: s.loan(1, flags),
    "recv": lambda s, r, flags: r.recv(flags),
    "recv_multipart": lambda s, r, flags: r.recv_multipart(flags),
    "recv_string": lambda s, r, flags: r.recv_string(flags),
    "recv_many": lambda s, r, flags: r.recv_many(1, flags),
    "poll": lambda s, r, flags: r.poll(0, flags),
}


@pytest.mark.parametrize("flags", ["NOBLOCK", b"1", [1]], ids=repr)
@pytest.mark.parametrize("call", FLAGGED)
def test_flags_that_are_none(world: World, pair: Any, call: str, flags: Any) -> None:
    said = refused(world, lambda: FLAGGED[call](*pair, flags), TypeError)
    assert said.startswith("an integer is required")
    assert "such as zmq.DONTWAIT" in said


# -- other numbers --------------------------------------------------------------------------------

NUMBERS: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "size of a loan": (lambda s, r, n: s.loan(n), "loan() takes the size of a message in bytes"),
    "linger": (lambda s, r, n: s.close(n), "linger takes whole milliseconds, -1 for ever"),
    "max": (lambda s, r, n: r.recv_many(n), "recv_many() takes the most messages"),
    "min_port": (
        lambda s, r, n: r.bind_to_random_port("tcp://127.0.0.1", n),
        "bind_to_random_port() takes min_port",
    ),
    "events of a monitor": (
        lambda s, r, n: r.monitor("inproc://events", n),
        "monitor() takes a sum of events",
    ),
    "peers": (lambda s, r, n: r.wait_peers(n, 0), "wait_peers() takes a number of peers"),
}


@pytest.mark.parametrize("number", ["1", b"1", [1], int, float("nan")], ids=repr)
@pytest.mark.parametrize("call", NUMBERS)
def test_a_number_that_is_none(world: World, pair: Any, call: str, number: Any) -> None:
    make, text = NUMBERS[call]
    said = refused(world, lambda: make(*pair, number), TypeError)
    assert said.startswith(text)
    assert said.endswith(f"not {number!r}")


def test_numbers_out_of_range(world: World, pair: Any) -> None:
    sender, receiver = pair
    calls: list[Callable[[], Any]] = [
        lambda: sender.loan(-1),
        lambda: sender.loan(10**30),
        lambda: sender.close(10**30),
        lambda: receiver.monitor("inproc://events", -1),
        lambda: receiver.bind_to_random_port("tcp://127.0.0.1", 5, 3),
        lambda: receiver.bind_to_random_port("tcp://127.0.0.1", 0, 70000),
        lambda: sender.send(b"x", routing_id=-1),
    ]
    for call in calls:
        said = refused(world, call, ValueError, OverflowError)
        assert "takes" in said or "tries" in said


class Index:
    """A whole number of another library."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


@pytest.mark.parametrize("number", [0, -1])
def test_at_most_no_message(world: World, pair: Any, number: int) -> None:
    for most in (number, Index(number)):
        said = refused(world, lambda: pair[1].recv_many(most), ValueError)  # noqa: B023
        assert said == f"recv_many: max must be above 0, not {number}"


def test_whole_numbers_of_other_libraries(world: World, pair: Any) -> None:
    assert world.run(lambda: pair[0].wait_peers(Index(0), timeout=0)) >= 0
    pair[0].monitor_events(Index(int(zmq.EVENT_ACCEPTED))).close()
    for call in (
        lambda: pair[0].monitor_events(int),
        lambda: pair[0].wait_peers(int),
    ):
        assert "takes a " in refused(world, call, TypeError)


def test_a_class_is_no_value_of_an_option(context: zmq.Context[Any]) -> None:
    with pytest.raises(TypeError, match="LINGER takes an int, got <class 'int'>"):
        context.socket(zmq.PULL).set(zmq.LINGER, int)  # type: ignore[arg-type]


def test_no_number_of_an_option(context: zmq.Context[Any]) -> None:
    socket: Any = context.socket(zmq.PULL)
    for call in (socket.get, socket.get_string, lambda one: socket.set(one, 0)):
        with pytest.raises(TypeError, match="takes the number of an option"):
            call([1])


def test_no_number_of_an_option_of_a_context(context: zmq.Context[Any]) -> None:
    some: Any = context
    for option in ("IO_THREADS", None, [1], 10**30):
        with pytest.raises(TypeError, match="of a context takes the number of an option"):
            some.get(option)
    for option in ("IO_THREADS", None, [1], int):
        with pytest.raises(TypeError, match="of a context takes the number of an option"):
            some.set(option, 1)


def test_what_is_no_type_of_sockets(world: World) -> None:
    with world.module.Context() as context:
        for kind in (None, b"REQ", 1.5, [1], int):
            with pytest.raises(TypeError, match=r"socket\(\) takes a type of sockets.*not "):
                context.socket(kind)


def test_a_limit_that_is_none_leaves_the_defaults_of_a_context(context: zmq.Context[Any]) -> None:
    with pytest.raises(TypeError, match="MAXMSGSIZE takes an int"):
        context.harden(maxmsgsize="1 MB")  # type: ignore[arg-type]
    assert not context.sockopts
    context.socket(zmq.PULL).close()


def test_no_message_of_a_monitor() -> None:
    for message in (None, "x", 5, ["x"]):
        with pytest.raises(TypeError, match=r"parse_monitor_message\(\) takes the list of parts"):
            zmq.parse_monitor_message(message)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"recv_monitor_message\(\) takes a monitor socket"):
        zmq.recv_monitor_message(b"x")


# -- encodings, and what converts -----------------------------------------------------------------

ENCODED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "recv_string": lambda s, r, encoding: r.recv_string(encoding=encoding),
    "recv_strings": lambda s, r, encoding: r.recv_strings(encoding=encoding),
    "send_string": lambda s, r, encoding: s.send_string("a", encoding=encoding),
    "send_strings": lambda s, r, encoding: s.send_strings(["a"], encoding=encoding),
}


@pytest.mark.parametrize("encoding", [None, 5, b"utf-8", "no-such", "hex"], ids=repr)
@pytest.mark.parametrize("call", ENCODED)
def test_no_encoding(world: World, pair: Any, call: str, encoding: Any) -> None:
    said = refused(world, lambda: ENCODED[call](*pair, encoding), TypeError, LookupError)
    assert said.startswith(f"{call}()")


def test_what_json_does_not_take(world: World, pair: Any) -> None:
    said = refused(world, lambda: pair[1].recv_json(no_such=1), TypeError)
    assert said.startswith("recv_json() hands its keywords to json")


def test_no_texts_and_no_function(world: World, pair: Any) -> None:
    sender, _ = pair
    said = refused(world, lambda: sender.send_strings(5), TypeError)
    assert said == "send_strings() takes a list of strings, not 'int'"
    said = refused(world, lambda: sender.send_serialized(1, None), TypeError)
    assert said.startswith("send_serialized() takes a function")


# -- lists of pairs -------------------------------------------------------------------------------

NO_PAIRS: list[Callable[[Any], Any]] = [
    lambda r: "ab",
    lambda r: b"ab",
    lambda r: ["ab"],
    lambda r: [[r, 1, 2]],
    lambda r: [{r, 1}],
    lambda r: [[[r, 1]]],
    lambda r: {(r, 1): 2},
    lambda r: {r: 1},
    lambda r: [(r, "1")],
    lambda r: [(r, 1.5)],
    lambda r: [(r, None)],
    lambda r: [(r, int)],
    lambda r: (r, 1),
    lambda r: 5,
    lambda r: None,
]


@pytest.mark.parametrize("module", ["zmqlite", "zmqlite.green"])
@pytest.mark.parametrize("number", range(len(NO_PAIRS)))
def test_no_list_of_pairs(module: str, number: int) -> None:
    poll = pytest.importorskip(module).zmq_poll
    with zmq.Context() as context, context.socket(zmq.PULL) as receiver:
        with pytest.raises(TypeError, match=r"zmq_poll\(\) takes a list of pairs, \[\(socket"):
            poll(NO_PAIRS[number](receiver), 0)
        with pytest.raises(OverflowError, match=r"zmq_poll\(\) takes a sum of zmq.POLLIN"):
            poll([(receiver, 2**40)], 0)


def test_a_list_of_pairs_may_be_any_iterable() -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as sender:
        receiver = context.socket(zmq.PULL, bind="inproc://pairs")
        sender.connect("inproc://pairs")
        one = (receiver, zmq.POLLIN), (sender, zmq.POLLOUT)
        lists = list(one), list(map(list, one))
        for pairs in (one, *lists, iter(one), set(one), dict(one).items()):
            assert zmq.zmq_poll(pairs, 0) == [(sender, zmq.POLLOUT)]  # type: ignore[arg-type]
        receiver.close()


@pytest.mark.parametrize("wrong", ["ab", 5, [[]], None], ids=repr)
def test_no_list_of_sockets(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"select\(\) takes lists of sockets.*not "):
        zmq.select([], wrong, [], 0)


def test_a_file_is_not_read_in_place_of_a_list(tmp_path: Any) -> None:
    path = tmp_path / "lines"
    path.write_text("a\nb\n")
    with path.open() as lines:
        for call in (lambda: zmq.zmq_poll(lines, 0), lambda: zmq.select(lines, [], [], 0)):  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="takes"):
                call()
        assert lines.read() == "a\nb\n"
