"""zmqlite.green: pollers, proxies and devices let others run, and wake."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from green_stage import LIMIT, pair, wait_for, wait_for_poll
from support import in_thread, needs_drafts, wait_until

import zmqlite

gevent: Any = pytest.importorskip("gevent")
zmq: Any = pytest.importorskip("zmqlite.green")
budget_of_hub: Any = pytest.importorskip("zmqlite.green.binding").budget_of_hub


def test_poller(green_context: Any) -> None:
    first, second = pair(green_context)
    readable, writable = os.pipe()
    plain = zmqlite.Context.shadow(green_context).socket(zmq.PULL, bind="inproc://plain")
    push = green_context.socket(zmq.PUSH, connect="inproc://plain", linger=0)
    poller = zmq.Poller()
    for source in (second, readable, plain):
        poller.register(source, zmq.POLLIN)
    assert poller.poll(0) == []
    assert poller.poll(5) == []
    try:
        for act, source in (
            (lambda: first.send(b"x"), second),
            (lambda: os.write(writable, b"x"), readable),
            (lambda: push.send(b"x"), plain),
        ):
            waiting = gevent.spawn(poller.poll)
            gevent.sleep(0.001)  # it has every opportunity
            assert not waiting.ready()
            act()
            assert waiting.get() == [(source, zmq.POLLIN)]
            second.recv() if source is second else os.read(readable, 1) \
                if source is readable else plain.recv()  # fmt: skip
            assert poller.poll(0) == []
    finally:
        plain.close()
        os.close(readable)
        os.close(writable)
    waiting = gevent.spawn(zmq.select, [second], [second], [], 1)
    assert waiting.get() == ([], [second], [])
    assert zmq.zmq_poll([(second, zmq.POLLIN)], 1) == []
    assert zmq.zmq_poll([]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_a_blocking_member_that_another_thread_closes(green_context: Any, context: Any) -> None:
    """A socket without peers: libzmq lets it go without a word through its descriptor."""
    kept, closed = green_context.socket(zmq.PULL), context.socket(zmq.PULL)
    poller = zmq.Poller()
    for member in (kept, closed):
        poller.register(member, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll)
    wait_for_poll(poller)
    in_thread(closed.close)()
    with pytest.raises(zmq.NotSupported, match="unregister it"):
        waiting.get()
    poller.unregister(closed)
    assert poller.poll(1) == []


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
@pytest.mark.parametrize("count", [1, 3])
def test_pollers_wake_when_another_greenlet_takes_a_message_and_more_remain(
    green_context: Any, context: Any, count: int
) -> None:
    """Of a blocking socket: who takes the first message hears what its descriptor says of all."""
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    push.send(b"0")
    pull.recv()  # connected: from now on only a message makes the descriptor speak
    pollers = []
    for _ in range(count):
        pollers.append(zmq.Poller())
        pollers[-1].register(pull, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for poller in pollers]
    gevent.sleep(0)
    push.send_many([b"1", b"2"])
    wait_until(lambda: pull._poll_events(zmq.POLLIN), what="the messages")
    assert pull.recv() == b"1"  # the hub did not run meanwhile
    with gevent.Timeout(LIMIT):
        for greenlet in waiting:
            assert greenlet.get() == [(pull, zmq.POLLIN)]


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_pollers_of_one_member_do_not_keep_each_other_busy(
    green_context: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hears of the other's looks, which are no news: the socket can be written always."""
    first, second = context.socket(zmq.PAIR), context.socket(zmq.PAIR, linger=0)
    second.connect(first.bind("inproc://calm"))
    looks = []
    poll = zmqlite.Poller.poll
    monkeypatch.setattr(zmqlite.Poller, "poll", lambda *args: looks.append(1) or poll(*args))
    pollers = []
    for _ in range(2):
        pollers.append(zmq.Poller())
        pollers[-1].register(first, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for poller in pollers]
    gevent.sleep(0.2)  # time is the subject: what waits does not look again and again
    assert len(looks) <= 12
    second.send(b"x")
    with gevent.Timeout(LIMIT):
        assert [greenlet.get() for greenlet in waiting] == [[(first, zmq.POLLIN)]] * 2


@needs_drafts
def test_a_poller_waits_for_a_blocking_socket_without_a_descriptor(
    green_context: Any, context: Any
) -> None:
    server, client = context.socket(zmq.SERVER), context.socket(zmq.CLIENT, linger=0)
    client.connect(server.bind("inproc://thread-safe"))
    poller = zmq.Poller()
    poller.register(server, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll)
    gevent.sleep(0.01)  # it has every opportunity
    assert not waiting.ready()
    client.send(b"x")
    with gevent.Timeout(LIMIT):
        assert waiting.get() == [(server, zmq.POLLIN)]


def test_poll_at_the_end_raises_what_recv_raises(green_context: Any) -> None:
    pull = green_context.socket(zmq.PULL)
    waiting = gevent.spawn(pull.poll)
    wait_for(pull)
    pull.close()
    with pytest.raises(zmq.SocketClosed, match="poll"):
        waiting.get(timeout=LIMIT)
    with pytest.raises(zmq.SocketClosed):
        pull.poll()
    pull = green_context.socket(zmq.PULL)
    waiting = gevent.spawn(pull.poll)
    wait_for(pull)
    green_context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        waiting.get(timeout=LIMIT)


@pytest.mark.parametrize("name", ["proxy", "device"])
def test_pumps(green_context: Any, name: str) -> None:
    front = green_context.socket(zmq.ROUTER, bind="inproc://front", linger=0)
    back = green_context.socket(zmq.DEALER, bind="inproc://back", linger=0)
    args = (front, back) if name == "proxy" else (zmq.QUEUE, front, back)
    pump = gevent.spawn(getattr(zmq, name), *args)
    request = green_context.socket(zmq.REQ, connect="inproc://front", linger=0)
    reply = green_context.socket(zmq.REP, connect="inproc://back", linger=0)
    worker = gevent.spawn(lambda: reply.send(reply.recv().upper()))
    request.send(b"hello")
    assert request.recv() == b"HELLO"
    worker.get()
    if name == "proxy":
        pump.kill()
        assert front._binding.idle
        assert back._binding.idle
    else:
        front.close()
        pump.join()
        assert isinstance(pump.exception, zmqlite.SocketClosed)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_proxy_goes_one_way_where_the_types_know_no_other(
    green_context: Any, backwards: bool
) -> None:
    front = green_context.socket(zmq.PULL, bind="inproc://front", linger=0)
    back = green_context.socket(zmq.PUSH, bind="inproc://back", linger=0)
    push = green_context.socket(zmq.PUSH, connect="inproc://front", linger=0)
    pull = green_context.socket(zmq.PULL, connect="inproc://back", linger=0)
    pump = gevent.spawn(zmq.proxy, *((back, front) if backwards else (front, back)))
    for text in (b"one", b"two"):
        push.send(text)
        assert pull.recv() == text
        gevent.sleep(0)
    assert not pump.ready()
    pump.kill()


def test_a_poll_that_takes_the_news_wakes_the_others(green_context: Any) -> None:
    first, second = pair(green_context)
    poller = zmq.Poller()
    poller.register(second, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for _ in range(3)]
    while len(poller._waits) < 3:
        gevent.sleep(0)
    first.send(b"x")
    assert poller.poll(0) == [(second, zmq.POLLIN)]
    assert [one.get() for one in waiting] == [[(second, zmq.POLLIN)]] * 3


def test_a_poll_costs_nothing_for_members_that_are_not_ready(green_context: Any) -> None:
    """One descriptor stands for all of them, and what waits on a member hears what polls read."""
    first, second = pair(green_context)
    poller = zmq.Poller()
    for number in range(50):
        poller.register(green_context.socket(zmq.PULL, bind=f"inproc://quiet{number}"), zmq.POLLIN)
    poller.register(second, zmq.POLLERR)
    active = getattr(gevent.get_hub().loop, "activecnt", None)
    waiting = [gevent.spawn(poller.poll, 10_000), gevent.spawn(second.recv)]
    wait_for_poll(poller)
    wait_for(second)
    if active is not None:
        assert gevent.get_hub().loop.activecnt <= active + 3  # that, its time limit, the receive
    for _ in range(20):
        first.send(b"x")
        assert poller.poll(0) == []  # reads EVENTS, for a greenlet that waits for the message
        assert waiting[1].get(timeout=10) == b"x"
        waiting[1] = gevent.spawn(second.recv)
        wait_for(second)
    gevent.killall(waiting)


def test_a_member_that_comes_while_a_poll_waits(green_context: Any, tmp_path: Any) -> None:
    """Also one that epoll cannot watch, and one in a poller that has such a member."""
    first, second = pair(green_context)
    poller = zmq.Poller()
    poller.register(second, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll, 20_000)
    wait_for_poll(poller)
    with (tmp_path / "file").open("w+") as file:
        poller.register(file, zmq.POLLIN)  # a file is always ready
        assert waiting.get(timeout=20) == [(file.fileno(), zmq.POLLIN)]
        poller.unregister(file)
    poller.unregister(second)
    waiting = gevent.spawn(poller.poll, 20_000)
    wait_for_poll(poller)
    poller.register(second, zmq.POLLIN)
    first.send(b"x")
    assert waiting.get(timeout=20) == [(second, zmq.POLLIN)]
