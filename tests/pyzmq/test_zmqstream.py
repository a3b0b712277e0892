"""ZMQStream: callbacks for what arrives and what is sent, in tornado's loop."""

from __future__ import annotations

import asyncio
import importlib
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyzmq.conftest import ending
from support import FACTOR, needs_drafts

import zmqlite.pyzmq as guest

ioloop: Any = pytest.importorskip("tornado.ioloop")

Tree = Callable[[str], Any]
SECONDS = 20 * FACTOR


@pytest.fixture
def zmq(tree: Tree) -> Any:
    return tree("")


class Stage:
    """Two streams that are connected, in a loop that runs until something is true."""

    def __init__(self, zmq: Any, module: Any, ctx: Any, loop: Any) -> None:
        self.zmq, self.module, self.ctx, self.loop = zmq, module, ctx, loop
        self.heard: list[Any] = []

    def stream(self, kind: int, addr: str = "", **options: Any) -> Any:
        socket = self.ctx.socket(kind)
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
        return self.module.ZMQStream(socket, self.loop)

    def pair(self, one: str = "PULL", other: str = "PUSH", **options: Any) -> Any:
        first = self.stream(getattr(self.zmq, one), **options)
        second = self.stream(getattr(self.zmq, other), **options)
        port = first.bind_to_random_port("tcp://127.0.0.1")
        second.connect(f"tcp://127.0.0.1:{port}")
        return first, second

    def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0.001)

        self.loop.run_sync(lambda: asyncio.wait_for(wait(), SECONDS))

    def rounds(self, count: int = 20) -> None:
        """Let the loop go round."""

        async def sleep() -> None:
            for _ in range(count):
                await asyncio.sleep(0)

        self.loop.run_sync(sleep)


def staged(zmq: Any, module: Any) -> Iterator[Stage]:
    """Yield a stage in a loop of its own, and clear up."""
    asyncio_loop = asyncio.new_event_loop()
    asyncio.set_event_loop(asyncio_loop)
    contexts = ending(zmq)
    yield Stage(zmq, module, next(contexts), ioloop.IOLoop.current())
    for _ in contexts:
        pass
    asyncio.set_event_loop(None)
    asyncio_loop.close()


@pytest.fixture
def stage(tree: Tree, zmq: Any) -> Iterator[Stage]:
    """A stage of each library in turn."""
    yield from staged(zmq, tree("eventloop.zmqstream"))


@pytest.fixture
def our_stage() -> Iterator[Stage]:
    """A stage of ours: for what pyzmq does not do right."""
    yield from staged(guest, importlib.import_module("zmqlite.pyzmq.eventloop.zmqstream"))


def test_what_arrives_is_passed_on_in_order(stage: Stage) -> None:
    pull, push = stage.pair()
    assert not pull.receiving()
    pull.on_recv(stage.heard.append)
    assert pull.receiving()
    for number in range(50):
        push.send_multipart([b"%d" % number, b"second"])
    assert push.sending()
    stage.until(lambda: len(stage.heard) == 50)
    assert stage.heard == [[b"%d" % number, b"second"] for number in range(50)]
    assert not push.sending()


def test_frames(stage: Stage) -> None:
    pull, push = stage.pair()
    pull.on_recv(stage.heard.append, copy=False)
    push.send(b"x")
    stage.until(lambda: stage.heard)
    assert isinstance(stage.heard[0][0], stage.zmq.Frame)
    assert stage.heard[0][0].bytes == b"x"


def test_the_stream_comes_along(stage: Stage) -> None:
    pull, push = stage.pair()
    pull.on_recv_stream(lambda *args: stage.heard.append(args))
    push.on_send_stream(lambda *args: stage.heard.append(args))
    push.send(b"x")
    stage.until(lambda: len(stage.heard) == 2)
    assert (pull, [b"x"]) in stage.heard
    assert (push, [b"x"], None) in stage.heard
    pull.on_recv_stream(None)
    push.on_send_stream(None)
    assert not pull.receiving()


def test_on_send(stage: Stage) -> None:
    _pull, push = stage.pair()
    push.on_send(lambda *args: stage.heard.append(("standing", *args)))
    push.send(b"1")
    stage.until(lambda: len(stage.heard) == 1)
    push.send(b"2", callback=lambda *args: stage.heard.append(("own", *args)))
    stage.until(lambda: len(stage.heard) == 2)
    push.send(b"3" * 100_000, copy=False, track=True)
    stage.until(lambda: len(stage.heard) == 3)
    assert stage.heard[:2] == [("standing", [b"1"], None), ("own", [b"2"], None)]
    name, parts, tracker = stage.heard[2]
    assert (name, parts) == ("own", [b"3" * 100_000])
    assert isinstance(tracker, stage.zmq.MessageTracker)
    push.stop_on_send()
    push.send(b"4")
    stage.until(lambda: not push.sending())
    assert len(stage.heard) == 3


def test_every_kind_of_send(stage: Stage) -> None:
    pull, push = stage.pair()
    pull.on_recv(lambda parts: stage.heard.extend(parts))
    push.send_string("é")
    push.send_unicode("ö", encoding="latin-1")
    push.send_json({"a": 1})
    push.send_pyobj((1,))
    stage.until(lambda: len(stage.heard) == 4)
    assert stage.heard[:3] == ["é".encode(), "ö".encode("latin-1"), b'{"a": 1}']
    assert pickle.loads(stage.heard[3]) == (1,)
    with pytest.raises(TypeError):
        push.send_string(b"bytes")


def test_stopping(stage: Stage) -> None:
    pull, push = stage.pair()

    def once(parts: Any) -> None:
        stage.heard.append(parts)
        pull.stop_on_recv()

    pull.on_recv(once)
    for _ in range(3):
        push.send(b"x")
    stage.until(lambda: stage.heard and not push.sending())
    stage.rounds()
    assert len(stage.heard) == 1
    assert not pull.receiving()
    pull.on_recv(stage.heard.append)
    stage.until(lambda: len(stage.heard) == 3)


def test_coroutines_as_callbacks(stage: Stage) -> None:
    pull, push = stage.pair()

    async def on_recv(parts: Any) -> None:
        await asyncio.sleep(0)
        stage.heard.append(parts)

    async def on_send(parts: Any, status: Any) -> None:
        await asyncio.sleep(0)
        stage.heard.append(status)

    pull.on_recv(on_recv)
    push.on_send(on_send)
    for number in range(3):
        push.send(b"%d" % number)
    stage.until(lambda: len(stage.heard) == 6)
    assert [item for item in stage.heard if item] == [[b"0"], [b"1"], [b"2"]]
    assert stage.heard.count(None) == 3


def test_replies_from_callbacks(stage: Stage) -> None:
    rep, req = stage.pair("REP", "REQ")
    rep.on_recv(lambda parts: rep.send_multipart([b"re", *parts]))

    def again(parts: Any) -> None:
        stage.heard.append(parts)
        if len(stage.heard) < 5:
            req.send(b"%d" % len(stage.heard))

    req.on_recv(again)
    req.send(b"0")
    stage.until(lambda: len(stage.heard) == 5)
    assert stage.heard == [[b"re", b"%d" % number] for number in range(5)]


def test_a_coroutine_that_fails_is_logged_and_the_next_is_called(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    pull, push = stage.pair()

    async def fail(parts: Any) -> None:
        stage.heard.append(parts)
        raise ArithmeticError("on purpose")

    pull.on_recv(fail)
    with caplog.at_level(logging.ERROR):
        push.send(b"1")
        stage.until(lambda: len(stage.heard) == 1)
        push.send(b"2")
        stage.until(lambda: len(stage.heard) == 2)
    assert any("on purpose" in str(record.exc_info) for record in caplog.records)


def test_a_callback_that_fails_is_logged_and_the_next_is_called(
    our_stage: Stage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """pyzmq logs it, and receives no more until there is news from the descriptor."""
    stage = our_stage
    pull, push = stage.pair()
    push.send(b"1")
    push.send(b"2")
    stage.until(lambda: not push.sending())

    def fail(parts: Any) -> None:
        stage.heard.append(parts)
        raise ArithmeticError("on purpose")

    pull.on_recv(fail)
    stage.until(lambda: len(stage.heard) == 2)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "ZMQStream" in errors[0].getMessage()
    assert "on purpose" in str(errors[0].exc_info)


def test_flush(stage: Stage) -> None:
    zmq = stage.zmq
    pull, push = stage.pair()
    assert push.flush() == 0
    pull.on_recv(stage.heard.append)
    assert push.socket.poll(SECONDS * 1000, zmq.POLLOUT)
    for number in range(4):
        push.send(b"%d" % number)
    assert push.sending()
    assert push.flush(zmq.POLLOUT, limit=1) == 1
    assert push.flush() == 3
    assert not push.sending()
    while len(stage.heard) < 4:
        assert pull.socket.poll(SECONDS * 1000)
        assert pull.flush(zmq.POLLIN)
    assert stage.heard == [[b"%d" % number] for number in range(4)]
    pull.stop_on_recv()
    push.send(b"dropped")
    push.flush()
    assert pull.socket.poll(SECONDS * 1000)
    assert pull.flush() == 1
    assert not pull.socket.poll(0)
    assert len(stage.heard) == 4


def test_after_a_flush_callbacks_have_a_rest_in_that_pass(stage: Stage) -> None:
    pull, push = stage.pair()
    pull.on_recv(stage.heard.append)
    for number in range(3):
        push.send(b"%d" % number)

    async def flush() -> None:
        while push.sending():
            push.flush()
            await asyncio.sleep(0)
        while len(stage.heard) < 3:
            pull.flush(limit=1)
            await asyncio.sleep(0)

    stage.loop.run_sync(flush, timeout=SECONDS)
    assert stage.heard == [[b"0"], [b"1"], [b"2"]]


def test_closing(stage: Stage) -> None:
    pull, _push = stage.pair()
    pull.set_close_callback(lambda: stage.heard.append("closed"))
    socket = pull.socket
    assert not pull.closed()
    pull.close(linger=0)
    assert socket.closed
    assert pull.closed()
    assert pull.socket is None
    assert stage.heard == ["closed"]
    pull.close()
    assert stage.heard == ["closed"]
    for call in (lambda: pull.on_recv(print), lambda: pull.send(b"x"), pull.flush):
        with pytest.raises(OSError, match=r"[Cc]losed"):
            call()
    stage.rounds()


def test_a_loop_that_closes_everything(stage: Stage) -> None:
    loop = ioloop.IOLoop(make_current=False)
    socket = stage.ctx.socket(stage.zmq.PULL)
    stream = stage.module.ZMQStream(socket, loop)
    loop.close(all_fds=True)
    assert socket.closed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pyzmq does not know the descriptor any more
        assert stream.closed()


def test_closing_in_a_callback(stage: Stage) -> None:
    pull, push = stage.pair()

    def last(parts: Any) -> None:
        stage.heard.append(parts)
        pull.close()

    pull.on_recv(last)
    for _ in range(3):
        push.send(b"x")
    stage.until(lambda: stage.heard)
    stage.rounds()
    assert stage.heard == [[b"x"]]
    assert pull.closed()


def test_a_socket_that_was_closed_elsewhere(our_stage: Stage) -> None:
    """The stream notices, calls back, and touches no descriptor that is someone else's by now."""
    stage = our_stage
    pull, _push = stage.pair()
    pull.set_close_callback(lambda: stage.heard.append("closed"))
    pull.on_recv(stage.heard.append)
    number = pull.socket.fd
    pull.socket.close()
    other, source = stage.pair()
    other.on_recv(stage.heard.append)
    assert pull.closed()
    assert stage.heard == ["closed"]
    assert number >= 0
    source.send(b"x")
    stage.until(lambda: [b"x"] in stage.heard)


def test_events_of_a_socket_that_was_closed_elsewhere(
    our_stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage = our_stage
    pull, push = stage.pair()
    push.send(b"x")
    push.flush()
    assert pull.socket.poll(SECONDS * 1000)
    pull.set_close_callback(lambda: stage.heard.append("closed"))
    # (all of it: without the GIL a warning is caught only in its own context)
    with pytest.warns(RuntimeWarning, match="after closing socket"):  # noqa: PT031
        pull.on_recv(stage.heard.append)  # so the loop will look
        pull.socket.close()
        stage.until(lambda: stage.heard)
    assert stage.heard == ["closed"]
    assert "closed socket" in caplog.text


def test_a_terminated_context_leaves_the_loop_alone(our_stage: Stage) -> None:
    """In pyzmq the descriptor of such a socket keeps the loop busy for ever."""
    stage = our_stage
    pull, _ = stage.pair()
    pull.on_recv(stage.heard.append)
    stage.rounds()
    stage.ctx.shutdown()
    passes = 0
    original = pull._handle_events

    def counting(*args: Any) -> Any:
        nonlocal passes
        passes += 1
        return original(*args)

    pull._handle_events = counting
    stage.rounds(50)
    assert passes <= 1
    assert not pull.closed()
    pull.close()


def test_an_asynchronous_socket_is_shadowed(stage: Stage, tree: Tree) -> None:
    zmq = stage.zmq
    world = tree("asyncio").Context(stage.ctx)
    socket = world.socket(zmq.PULL)
    with pytest.warns(RuntimeWarning, match="ZMQStream"):
        pull = stage.module.ZMQStream(socket, stage.loop)
    assert not isinstance(pull.socket, tree("asyncio").Socket)
    push = stage.stream(zmq.PUSH)
    pull.bind("inproc://shadowed")
    push.connect("inproc://shadowed")
    pull.on_recv(stage.heard.append)
    push.send(b"x")
    stage.until(lambda: stage.heard)
    assert stage.heard == [[b"x"]]
    pull.close()
    assert socket.closed


def test_methods_of_the_socket(stage: Stage) -> None:
    zmq = stage.zmq
    stream = stage.stream(zmq.DEALER)
    stream.setsockopt(zmq.RCVHWM, 5)
    assert stream.getsockopt(zmq.RCVHWM) == stream.socket.rcvhwm == 5
    stream.setsockopt_string(zmq.IDENTITY, "me")
    assert stream.getsockopt_string(zmq.IDENTITY) == "me"
    stream.setsockopt_unicode(zmq.IDENTITY, "you")
    assert stream.getsockopt_unicode(zmq.IDENTITY) == "you"
    assert stream.io_loop is stage.loop
    with pytest.raises((TypeError, AssertionError)):
        stream.on_recv(5)


def test_on_err_says_that_it_does_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stream = stage.stream(stage.zmq.PAIR)
    with caplog.at_level(logging.WARNING):
        stream.on_err(print)
        stream.stop_on_err()
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_errors_of_sending_are_statuses(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    zmq = stage.zmq
    router = stage.stream(zmq.ROUTER, router_mandatory=1)
    router.bind("inproc://router")
    stage.stream(zmq.DEALER).connect("inproc://router")  # without anybody it waits
    router.on_send(lambda parts, status: stage.heard.append(status))
    router.send_multipart([b"nobody", b"x"])
    stage.until(lambda: stage.heard)
    assert stage.heard[0].errno == zmq.EHOSTUNREACH
    assert any("SEND" in r.getMessage() or "send" in r.getMessage() for r in caplog.records)


def test_a_full_peer_does_not_block_the_loop(our_stage: Stage) -> None:
    """A ROUTER with ROUTER_MANDATORY says it is ready though one peer is full."""
    stage = our_stage
    router = stage.stream(guest.ROUTER, router_mandatory=1, sndhwm=2)
    dealer = stage.stream(guest.DEALER, identity=b"slow", rcvhwm=2)
    router.bind("inproc://router")
    dealer.connect("inproc://router")
    router.on_send(lambda parts, status: stage.heard.append(status))
    for number in range(10):
        router.send_multipart([b"slow", b"%d" % number])
    stage.until(lambda: len(stage.heard) >= 2)
    stage.rounds()
    assert router.sending()
    received: list[Any] = []
    dealer.on_recv(received.append)
    stage.until(lambda: len(received) == 10)
    assert received == [[b"%d" % number] for number in range(10)]
    assert stage.heard == [None] * 10


@needs_drafts
def test_thread_safe_sockets_stream_too(our_stage: Stage) -> None:
    stage = our_stage
    server, client = stage.stream(guest.SERVER), stage.stream(guest.CLIENT)
    server.bind("inproc://server")
    client.connect("inproc://server")
    server.on_recv(lambda frames: stage.heard.append(frames), copy=False)
    for number in range(5):
        client.send(b"%d" % number)
    stage.until(lambda: len(stage.heard) == 5)
    server.send(b"re", routing_id=stage.heard[0][0].routing_id)
    client.on_recv(stage.heard.append)
    stage.until(lambda: len(stage.heard) == 6)
    assert stage.heard[5] == [b"re"]
