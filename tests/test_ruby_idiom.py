"""Ruby's ZeroMQ, line by line: the calls that Ruby programs make, and the traps on the way.

The first half follows the table of docs/porting-from-ruby.md from top to bottom; the second its
eleven traps.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, connect_pair, in_thread, needs_curve, wait_inside, wait_until

import zmqlite as zmq

Context = zmq.Context[zmq.Socket[bytes]]


def pair(context: Context, bound: int = zmq.PAIR, connected: int = zmq.PAIR) -> tuple[Any, Any]:
    return connect_pair(context, "inproc://pair", bound, connected)


# -- contexts and sockets ------------------------------------------------------------------------


def test_context_new(make_context: Callable[..., Context]) -> None:
    assert make_context(1).io_threads == 1
    context = make_context(io_threads=2, max_sockets=10)
    assert (context.io_threads, context.max_sockets) == (2, 10)


@pytest.mark.parametrize("name", ["term", "terminate", "close", "destroy"])
def test_context_ends(make_context: Callable[..., Context], name: str) -> None:
    context = make_context()
    getattr(context, name)()
    assert context.closed
    getattr(context, name)()  # twice is no error


def test_destroy_closes_sockets_first(make_context: Callable[..., Context]) -> None:
    context = make_context()
    socket = context.socket(zmq.PUSH)
    socket.connect("tcp://127.0.0.1:1")
    socket.send(b"for nobody")
    context.destroy(linger=0)
    assert socket.closed


def test_socket_of_a_type(context: Context) -> None:
    assert context.socket(zmq.REQ).type == zmq.REQ
    assert context.socket("REQ").type == zmq.REQ


def test_class_like_factories(context: Context) -> None:
    server = zmq.REP(bind="inproc://class", context=context, linger=0)
    client = zmq.REQ(connect="inproc://class", context=context, linger=0)
    client.send_string("hello")
    assert server.recv_string() == "hello"


def test_block_form(default_context: Context) -> None:
    with zmq.PUSH(bind="inproc://block") as socket:
        assert not socket.closed
    assert socket.closed


def test_bind_returns_the_endpoint(context: Context) -> None:
    server, client = context.socket(zmq.REP), context.socket(zmq.REQ)
    endpoint = server.bind("tcp://127.0.0.1:*")
    assert isinstance(endpoint, str)
    assert endpoint.startswith("tcp://127.0.0.1:")
    assert not endpoint.endswith("*")
    assert client.connect(endpoint) == endpoint
    client.disconnect(endpoint)
    server.unbind(endpoint)


# -- sending and receiving -----------------------------------------------------------------------


def test_strings(context: Context) -> None:
    left, right = pair(context)
    left.send_string("größer")
    assert right.recv_string() == "größer"
    left.send("größer".encode())
    assert right.recv() == "größer".encode()


def test_str_is_no_bytes(context: Context) -> None:
    left, _ = pair(context)
    with pytest.raises(TypeError, match="send_string"):
        left.send("text")


def test_send_more(context: Context) -> None:
    left, right = pair(context)
    left.send(b"a", zmq.SNDMORE)
    left.send_string("b", zmq.SNDMORE)
    left.send(b"c")
    received = [right.recv_string()]
    while right.more_parts:
        received.append(right.recv_string())
    assert received == ["a", "b", "c"]
    assert right.getsockopt(zmq.RCVMORE) == 0


def test_lists(context: Context) -> None:
    left, right = pair(context)
    left.send_strings(["a", "", "c"])
    assert right.recv_strings() == ["a", "", "c"]
    left.send_multipart([b"a", b"", b"c"])
    assert right.recv_multipart() == [b"a", b"", b"c"]


def test_without_waiting(context: Context) -> None:
    left, right = pair(context)
    assert right.recv_nonblock() is None
    with pytest.raises(zmq.Again):
        right.recv(zmq.NOBLOCK)
    assert left.send_nonblock(b"now") is True
    assert right.poll(5000)
    assert right.recv_nonblock() == b"now"
    alone = context.socket(zmq.PUSH)
    assert alone.send_nonblock(b"to nobody") is False


def test_envelope(context: Context) -> None:
    router, dealer = pair(context, zmq.ROUTER, zmq.DEALER)
    dealer.send_strings(["", "question"])
    envelope, body = router.recv_envelope()
    assert len(envelope) == 2
    assert envelope[-1] == b""
    assert body == [b"question"]
    router.send_multipart([*envelope, b"answer"])
    assert dealer.recv_envelope() == ([b""], [b"answer"])


def test_messages(context: Context) -> None:
    left, right = pair(context)
    left.send_multipart([zmq.Message(b"one"), b"three"])
    first, second = right.recv_multipart(copy=False)
    assert (bytes(first), len(first), first.more) == (b"one", 3, True)
    assert (bytes(second), len(second), second.more) == (b"three", 5, False)


def test_each(context: Context) -> None:
    left, right = pair(context)
    received: list[bytes] = []

    def read() -> None:
        for part in right:
            received.append(part)

    ended = in_thread(read)
    for word in (b"a", b"b"):
        left.send(word)
    wait_until(lambda: len(received) == 2)
    context.shutdown()
    ended()
    assert received == [b"a", b"b"]


# -- options -------------------------------------------------------------------------------------


def test_subscribe(context: Context) -> None:
    publisher, subscriber = pair(context, zmq.XPUB, zmq.SUB)
    subscriber.subscribe("a")
    subscriber.setsockopt(zmq.SUBSCRIBE, b"b")
    assert [publisher.recv(), publisher.recv()] == [b"\1a", b"\1b"]
    subscriber.unsubscribe("a")
    assert publisher.recv() == b"\0a"


@pytest.mark.parametrize("name", ["PEER", b"PEER"])
def test_identity(context: Context, name: str | bytes) -> None:
    socket = context.socket(zmq.DEALER)
    socket.identity = name
    assert socket.identity == b"PEER"
    socket.setsockopt(zmq.IDENTITY, b"OTHER")
    assert socket.getsockopt(zmq.IDENTITY) == b"OTHER"


def test_linger(context: Context) -> None:
    socket = context.socket(zmq.REQ)
    socket.setsockopt(zmq.LINGER, 0)
    assert socket.getsockopt(zmq.LINGER) == socket.linger == 0


def test_hwm(context: Context) -> None:
    socket = context.socket(zmq.PUSH)
    socket.hwm = 7
    assert (socket.sndhwm, socket.rcvhwm) == (7, 7)
    socket.setsockopt(zmq.HWM, 8)
    assert (socket.sndhwm, socket.rcvhwm) == (8, 8)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("SWAP", "SNDHWM"),
        ("MCAST_LOOP", "MULTICAST_LOOP"),
        ("RECOVERY_IVL_MSEC", "RECOVERY_IVL, which counts milliseconds"),
    ],
)
def test_what_libzmq_2_had(context: Context, name: str, instead: str) -> None:
    with pytest.raises(AttributeError, match=instead):
        getattr(zmq, name)
    with pytest.raises(AttributeError, match=instead):
        setattr(context.socket(zmq.PUB), name.lower(), 1)


def test_older_type_names() -> None:
    assert (zmq.UPSTREAM, zmq.DOWNSTREAM) == (zmq.PULL, zmq.PUSH)
    assert (zmq.XREQ, zmq.XREP) == (zmq.DEALER, zmq.ROUTER)


# -- waiting -------------------------------------------------------------------------------------


def test_select(context: Context) -> None:
    """The timeout is in seconds, as in Ruby."""
    left, right = pair(context)
    start = time.monotonic()
    assert zmq.select([right], [], [], 0.02) == ([], [], [])
    assert time.monotonic() - start >= 0.02
    left.send(b"")
    assert zmq.select([right], [left], [], 5 * FACTOR) == ([right], [left], [])
    assert right.poll(5000) == zmq.POLLIN


def test_poller(context: Context) -> None:
    left, right = pair(context)
    poller = zmq.Poller()
    poller.register(right, zmq.POLLIN)
    assert poller.poll(0) == []
    assert poller.readables == []
    left.send(b"")
    assert poller.poll() == [(right, zmq.POLLIN)]
    assert (poller.readables, poller.writables) == ([right], [])
    poller.register_writable(right)
    assert poller.poll(None) == poller.poll(-1) == [(right, zmq.POLLIN | zmq.POLLOUT)]
    assert (poller.readables, poller.writables, poller.size) == ([right], [right], 1)


def test_poller_forgets(context: Context) -> None:
    left, right = pair(context)
    poller = zmq.Poller()
    for socket in (left, right):
        poller.register_readable(socket)
        poller.register_writable(socket)
    assert poller.deregister_writable(left)
    assert not poller.deregister_writable(left)
    assert left in poller
    assert poller.deregister_readable(left)
    assert left not in poller
    assert poller.deregister(right)
    assert not poller.deregister(right)
    assert poller.size == 0


def test_poller_of_io(context: Context) -> None:
    reader, writer = os.pipe()
    try:
        with open(reader, closefd=False) as stream:
            poller = zmq.Poller()
            poller.register_readable(stream)
            os.write(writer, b"x")
            assert len(poller.poll(5000)) == 1
    finally:
        os.close(reader)
        os.close(writer)


# -- devices, errors, the module -----------------------------------------------------------------


@pytest.mark.parametrize("leading", [(), (zmq.QUEUE,), (zmq.STREAMER,), (zmq.FORWARDER,)])
def test_device(context: Context, leading: tuple[int, ...]) -> None:
    front = context.socket(zmq.ROUTER, bind="inproc://front")
    back = context.socket(zmq.DEALER, bind="inproc://back")
    client = context.socket(zmq.REQ, connect="inproc://front")
    worker = context.socket(zmq.REP, connect="inproc://back")
    ended = in_thread(zmq.device, *leading, front, back)
    client.send(b"ping")
    assert worker.recv() == b"ping"
    worker.send(b"pong")
    assert client.recv() == b"pong"
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        ended()


def test_version() -> None:
    assert ".".join(map(str, zmq.zmq_version_info())) == zmq.zmq_version()


def test_errors_speak(context: Context) -> None:
    socket = context.socket(zmq.REQ)
    with pytest.raises(zmq.ZMQError, match="REQ") as caught:
        socket.recv()
    assert caught.value.errno == zmq.EFSM


def test_wrong_direction(context: Context) -> None:
    with pytest.raises(zmq.NotSupported, match="SUB"):
        context.socket(zmq.SUB).send(b"")
    with pytest.raises(zmq.NotSupported, match="PUSH"):
        context.socket(zmq.PUSH).recv()


@needs_curve
def test_curve_keys() -> None:
    public, secret = zmq.curve_keypair()
    assert (len(public), len(secret)) == (40, 40)
    assert zmq.curve_public(secret) == public
    assert zmq.z85_encode(zmq.z85_decode(public)) == public


# -- the eleven traps ----------------------------------------------------------------------------


def test_trap_1_text_that_is_no_text(context: Context) -> None:
    """Ruby reads binary identities as strings; so can we, and send them back."""
    router, dealer = pair(context, zmq.ROUTER, zmq.DEALER)
    dealer.send_string("READY")
    identity, word = router.recv_strings()
    assert word == "READY"
    router.send_strings([identity, "WORK"])
    assert dealer.recv_string() == "WORK"

    every_byte = bytes(range(256))
    dealer.send(every_byte)
    _, text = router.recv_strings()
    router.send_strings([identity, text])
    assert dealer.recv() == every_byte


def test_trap_2_truth(context: Context) -> None:
    """A poll that found nothing is false, and so the branch for it is taken."""
    _, right = pair(context)
    poller = zmq.Poller()
    poller.register_readable(right)
    assert not poller.poll(0)
    assert not right.poll(0)
    assert not right.recv_nonblock()


def test_trap_3_poll_counts(context: Context) -> None:
    left, right = pair(context)
    poller = zmq.Poller()
    poller.register_readable(right)
    left.send(b"")
    assert len(poller.poll(5000)) == 1


def test_trap_3_poll_ends_by_exception(context: Context) -> None:
    """Where Ruby's poll returns -1, ours says what happened."""
    _, right = pair(context)
    poller = zmq.Poller()
    poller.register_readable(right)
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        poller.poll(5000)


def test_trap_4_arity_of_device(context: Context) -> None:
    with pytest.raises(TypeError, match="frontend"):
        zmq.device(zmq.QUEUE, context.socket(zmq.ROUTER))  # type: ignore[call-overload]


def test_trap_5_units(context: Context) -> None:
    """poll takes milliseconds, select seconds, options milliseconds: as their Ruby namesakes."""
    socket = context.socket(zmq.PULL, rcvtimeo=20)
    poller = zmq.Poller()
    poller.register_readable(socket)

    def lasts(wait: Callable[[], Any]) -> float:
        start = time.monotonic()
        wait()
        return time.monotonic() - start

    def receive() -> None:
        with pytest.raises(zmq.Again):
            socket.recv()

    waits = (lambda: socket.poll(20), lambda: poller.poll(20), receive)
    for wait in (*waits, lambda: zmq.select([socket], [], [], 0.02)):
        assert 0.02 <= lasts(wait) < 15 * FACTOR


def test_trap_6_no_silent_failure(context: Context) -> None:
    """The guide's lvcache connects to *, which Ruby does not notice."""
    with pytest.raises(zmq.InvalidArgument, match="only bind can use it"):
        context.socket(zmq.SUB).connect("tcp://*:5557")
    with pytest.raises(zmq.ZMQError, match="foo"):
        context.socket(zmq.SUB).bind("foo://x")


def test_trap_7_spelling_of_inproc(context: Context) -> None:
    with pytest.raises(zmq.NotSupported, match=r"did you mean inproc://x\?"):
        context.socket(zmq.PAIR).bind("in-proc://x")
    with pytest.raises(zmq.NotSupported, match="tcp, ipc"):
        context.socket(zmq.PAIR).bind("carrier-pigeon://x")


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", *words], capture_output=True, text=True, env=env,
        timeout=20 * FACTOR, check=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("last_words", ["", "socket.close()", "socket.close(); context.term()"])
def test_trap_8_the_last_message_before_the_end(context: Context, last_words: str) -> None:
    """A program may fall off its end right after a send."""
    receiver = context.socket(zmq.PULL, rcvtimeo=int(10_000 * FACTOR))
    endpoint = receiver.bind("tcp://127.0.0.1:*")
    program = f"""
import sys
import zmqlite as zmq
context = zmq.Context()
socket = context.socket(zmq.PUSH)
socket.connect(sys.argv[1])
socket.send_string("KILL")
{last_words}
"""
    done = run(program, endpoint)
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.recv_string() == "KILL"


def test_trap_9_dropped_sockets_still_deliver(context: Context) -> None:
    """A socket that goes out of scope in a function has sent what it sent."""
    receiver = context.socket(zmq.PULL, rcvtimeo=int(5000 * FACTOR))
    receiver.bind("inproc://scope")

    def step() -> None:
        sender = zmq.Socket(context, zmq.PUSH)
        sender.connect("inproc://scope")
        sender.send_string("READY")

    def step_and_forget() -> None:
        in_thread(step)()
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed socket"):
        step_and_forget()
    assert receiver.recv_string() == "READY"


def test_trap_10_sockets_are_themselves(context: Context) -> None:
    one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    assert one == one
    assert one != two
    assert {one: 1, two: 2}[two] == 2
    assert weakref.ref(one)() is one
    assert one not in [two]


def test_trap_11_a_socket_moves_to_another_thread(context: Context) -> None:
    """Handing on is allowed: the start of a thread is fence enough."""
    left, right = pair(context)
    left.send_string("before")

    def use() -> str:
        right.send_string("from there")
        return str(right.recv_string())

    assert in_thread(use)() == "before"
    assert left.recv_string() == "from there"
    left.send_string("and back")
    assert right.recv_string() == "and back"


def test_trap_11_but_not_two_at_a_time(context: Context) -> None:
    _, right = pair(context)

    def wait() -> None:
        with pytest.raises(zmq.ContextTerminated):
            right.recv()

    ended = in_thread(wait)
    wait_inside(right)
    with pytest.raises(zmq.ThreadMisuse, match="test-wait"):
        right.recv_nonblock()
    context.shutdown()
    ended()
