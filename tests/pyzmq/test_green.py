"""zmq.green: what waits lets other greenlets run, and a waiting send forgets nothing."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyzmq.conftest import LIMIT, OURS, ending
from support import FACTOR, needs_drafts

import zmqlite.pyzmq as guest

gevent: Any = pytest.importorskip("gevent")

Tree = Callable[[str], Any]
SECONDS = 20 * FACTOR


@pytest.fixture
def green(tree: Tree) -> Any:
    return tree("green")


@pytest.fixture
def gctx(green: Any) -> Iterator[Any]:
    with gevent.Timeout(SECONDS):
        yield from ending(green)


@pytest.fixture
def our_green() -> Any:
    return importlib.import_module(f"{OURS[0]}.green")


@pytest.fixture
def our_gctx(our_green: Any) -> Iterator[Any]:
    with gevent.Timeout(SECONDS):
        yield from ending(our_green)


def joined(green: Any, ctx: Any, one: int, other: int) -> Any:
    first, second = ctx.socket(one), ctx.socket(other)
    first.linger = second.linger = 0
    port = first.bind_to_random_port("tcp://127.0.0.1")
    second.connect(f"tcp://127.0.0.1:{port}")
    return first, second


def test_names(tree: Tree, green: Any) -> None:
    zmq = tree("")
    assert set(zmq.__all__) <= set(dir(green))
    assert set(green.__all__) == set(zmq.__all__)
    for name in ("Context", "Socket", "Poller"):
        assert issubclass(getattr(green, name), getattr(zmq, name))
        assert getattr(green, name) is not getattr(zmq, name)
    assert green.ZMQError is zmq.ZMQError
    assert green.device is not zmq.device
    assert tree("green.core")._Socket is green.Socket
    assert tree("green.core")._Context is green.Context
    assert tree("green.poll")._Poller is green.Poller
    assert tree("green.device").device is green.device


def test_the_default_context_is_another_one(tree: Tree, green: Any) -> None:
    context = green.Context.instance()
    assert context is not tree("").Context.instance()
    assert type(context) is green.Context
    context.term()
    tree("").Context.instance().term()


def test_others_run_while_one_waits(green: Any, gctx: Any, tree: Tree) -> None:
    rep, req = joined(green, gctx, green.REP, green.REQ)
    assert isinstance(rep, tree("").Socket)
    done: list[Any] = []

    def serve() -> None:
        for _ in range(20):
            rep.send_multipart([b"re", *rep.recv_multipart()])

    def ask() -> None:
        for number in range(20):
            req.send(b"%d" % number)
            done.append(req.recv_multipart())

    def other() -> int:
        turns = 0
        while len(done) < 20:
            gevent.sleep(0)
            turns += 1
        return turns

    greenlets = [gevent.spawn(each) for each in (serve, ask, other)]
    gevent.joinall(greenlets, raise_error=True)
    assert done == [[b"re", b"%d" % number] for number in range(20)]
    assert greenlets[2].value > 20


def test_one_receives_while_another_sends(green: Any, gctx: Any) -> None:
    one, other = joined(green, gctx, green.PAIR, green.PAIR)
    got = gevent.spawn(one.recv_string)
    gevent.sleep(0)
    assert not got.ready()
    one.send_json([1])
    assert other.recv_json() == [1]
    other.send_string("é")
    assert got.get() == "é"
    one.send(b"12345")
    buffer = bytearray(5)
    assert other.recv_into(buffer) == 5
    assert buffer == b"12345"


def test_dontwait_and_timeouts(green: Any, gctx: Any) -> None:
    dealer = gctx.socket(green.DEALER)
    dealer.linger = 0
    with pytest.raises(green.Again):
        dealer.recv(green.NOBLOCK)
    with pytest.raises(green.Again):
        dealer.send(b"x", green.NOBLOCK)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        dealer.recv()


def test_the_timeouts_of_the_socket_are_honoured(our_green: Any, our_gctx: Any) -> None:
    """pyzmq warns and waits for ever."""
    dealer = our_gctx.socket(our_green.DEALER, linger=0)
    dealer.rcvtimeo = dealer.sndtimeo = 10
    with pytest.raises(our_green.Again):
        dealer.recv()
    with pytest.raises(our_green.Again):
        dealer.send_multipart([b"x"])


def test_poller(green: Any, gctx: Any) -> None:
    pull, push = joined(green, gctx, green.PULL, green.PUSH)
    poller = green.Poller()
    poller.register(pull, green.POLLIN)
    assert poller.poll(0) == []
    assert poller.poll(5) == []
    waiting = gevent.spawn(poller.poll, LIMIT)
    gevent.sleep(0)
    push.send(b"x")
    assert waiting.get() == [(pull, green.POLLIN)]
    poller.register(push, green.POLLOUT)
    assert dict(poller.poll(LIMIT)) == {pull: green.POLLIN, push: green.POLLOUT}
    assert pull.poll(LIMIT) == green.POLLIN
    assert pull.recv() == b"x"
    assert pull.poll(5) == 0


def test_device(green: Any, gctx: Any) -> None:
    front, client = joined(green, gctx, green.ROUTER, green.REQ)
    back, worker = joined(green, gctx, green.DEALER, green.REP)
    running = gevent.spawn(green.device, green.QUEUE, front, back)

    def work() -> None:
        worker.send(worker.recv().upper())

    working = gevent.spawn(work)
    client.send(b"through")
    assert client.recv() == b"THROUGH"
    working.get()
    running.kill()


def test_shadows(green: Any, tree: Tree) -> None:
    zmq = tree("")
    with zmq.Context() as plain:
        pull = plain.socket(zmq.PULL)
        pull.bind("inproc://shadow")
        push = green.Context.shadow(plain).socket(zmq.PUSH)
        assert type(push) is green.Socket
        push.connect("inproc://shadow")
        push.send(b"x")
        assert pull.recv() == b"x"
        if green.__name__.startswith(
            OURS[0]
        ):  # pyzmq's goes on to watch what is closed, and is called
            handle = green.Socket.shadow(pull)
            push.send(b"y")
            assert handle.recv() == b"y"
        push.close()
        pull.close()


@needs_drafts
def test_a_send_that_waits_keeps_where_it_goes(our_green: Any, our_gctx: Any) -> None:
    """D9: pyzmq forgets routing_id and group when a send cannot be done at once."""
    server, client = our_gctx.socket(guest.SERVER), our_gctx.socket(guest.CLIENT)
    server.linger = client.linger = 0
    server.sndhwm = client.rcvhwm = 1
    server.bind("inproc://server")
    client.connect("inproc://server")
    client.send(b"hello")
    where = server.recv(copy=False).routing_id
    count = 20

    def send() -> None:
        for number in range(count):
            server.send(b"%d" % number, routing_id=where)

    sending = gevent.spawn(send)
    gevent.sleep(0)
    assert not sending.ready()  # so some of them had to wait
    assert [client.recv() for _ in range(count)] == [b"%d" % number for number in range(count)]
    sending.get()


def test_a_poller_that_waits_is_idle(our_green: Any, our_gctx: Any) -> None:
    """D9: pyzmq's may turn round and round. Here is news all the time that nobody asked for."""
    pull, push = joined(our_green, our_gctx, our_green.PULL, our_green.PUSH)
    poller = our_green.Poller()
    poller.register(pull, our_green.POLLOUT)
    poller.register(push, our_green.POLLIN)

    def disturb() -> None:
        while True:
            push.send(b"unasked")
            gevent.sleep(0.02)  # time is the subject: how much of it the poller uses

    disturbing = gevent.spawn(disturb)
    used = time.thread_time()
    assert poller.poll(500) == []
    assert time.thread_time() - used < 0.25 * FACTOR
    disturbing.kill()


def test_select_and_proxy_let_others_run(our_green: Any, our_gctx: Any) -> None:
    pull, push = joined(our_green, our_gctx, our_green.PULL, our_green.PUSH)
    waiting = gevent.spawn(our_green.select, [pull], [], [], SECONDS)
    gevent.sleep(0)
    push.send(b"x")
    assert waiting.get() == ([pull], [], [])
    sink, source = joined(our_green, our_gctx, our_green.PULL, our_green.PUSH)
    moving = gevent.spawn(our_green.proxy, pull, source)
    assert sink.recv() == b"x"
    moving.kill()
