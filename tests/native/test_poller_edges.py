"""The poller reads EVENTS only where something may have changed. Here is everything that may."""

from __future__ import annotations

import contextlib
import gc
import os
import socket as sockets
import time

import pytest
from support import FACTOR, connect_pair, in_thread, wait_inside, wait_until

import zmqlite as zmq

IN, OUT = zmq.POLLIN, zmq.POLLOUT


# -- what a use of the socket may swallow --------------------------------------------------------

USES = {
    "nothing": lambda s, c: None,
    "recv": lambda s, c: s.recv(),
    "recv frame": lambda s, c: s.recv(copy=False),
    "recv_nonblock": lambda s, c: s.recv_nonblock(),
    "send": lambda s, c: s.send(b"x"),
    "send_nonblock": lambda s, c: s.send_nonblock(b"x"),
    "getsockopt": lambda s, c: s.getsockopt(zmq.EVENTS),
    "get fd": lambda s, c: s.get(zmq.FD),
    "poll": lambda s, c: s.poll(0),
    "zmq_poll": lambda s, c: zmq.zmq_poll([(s, IN)], 0),
    "select": lambda s, c: zmq.select([s], [], [], 0),
    "connect": lambda s, c: s.connect("inproc://elsewhere"),
    "disconnect": lambda s, c: s.disconnect(s.connect("tcp://127.0.0.1:9")),
    "setsockopt": lambda s, c: s.setsockopt(zmq.LINGER, 0),
    "another poller": lambda s, c: c.poll(0),
    "shadow": lambda s, c: zmq.Socket.shadow(s).getsockopt(zmq.EVENTS),
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("endpoint", ["inproc://uses", "tcp://127.0.0.1:*"])
def test_no_news_is_lost_by_a_use(context, poller, name, endpoint):
    """Messages arrive; the socket is used; what is left must be reported again and again."""
    server, client = connect_pair(context, endpoint)
    other = zmq.Poller()
    other.register(server, IN)
    poller.register(server, IN)
    if name == "shadow":
        zmq.Socket.shadow(server)
    assert poller.poll(0) == []
    client.send_many([b"x"] * 10)
    wait_until(lambda: server.poll(20))
    for turn in range(3):
        client.send(b"more")
        USES[name](server, other)
        assert poller.poll(5000) == [(server, IN)]
        if turn == 0:
            USES[name](server, other)
            assert poller.poll(5000) == [(server, IN)]
        server.recv()
    while server.recv_nonblock() is not None:
        pass
    wait_until(lambda: (server.recv_nonblock(), poller.poll(20))[1] == [])
    client.send(b"late")
    assert poller.poll(5000) == [(server, IN)]


def test_news_swallowed_before_they_are_asked_for(context, poller):
    """EVENTS is read by someone else just when the message has come."""
    server, client = connect_pair(context)
    poller.register(server, IN)
    for _ in range(200):
        assert poller.poll(0) == []
        client.send(b"x")
        while not server.getsockopt(zmq.EVENTS) & IN:
            pass
        assert poller.poll(5000) == [(server, IN)]
        server.recv()


def test_two_pollers_one_socket(context):
    server, client = connect_pair(context)
    pollers = [zmq.Poller() for _ in range(3)]
    for one in pollers:
        one.register(server, IN)
    for _ in range(100):
        client.send(b"x")
        for one in pollers:
            assert one.poll(5000) == [(server, IN)]
        server.recv()
        for one in pollers:
            assert one.poll(0) == []


def test_both_directions(context, poller):
    server, client = connect_pair(context, "inproc://both", sndhwm=1, rcvhwm=1)
    poller.register(server, IN | OUT)
    poller.register(client, OUT)
    assert dict(poller.poll(5000)) == {server: OUT, client: OUT}
    count = 0
    while client.send_nonblock(b"x"):
        count += 1
    assert dict(poller.poll(0)) == {server: IN | OUT}
    for _ in range(count):
        server.recv()
    wait_until(lambda: dict(poller.poll(20)) == {server: OUT, client: OUT})
    poller.modify(server, IN)
    assert dict(poller.poll(0)) == {client: OUT}
    poller.modify(server)
    assert dict(poller.poll(0)) == {server: OUT, client: OUT}
    assert poller.sockets == [(client, OUT), (server, IN | OUT)]


def test_a_thread_uses_the_socket_of_a_poller_that_sleeps(context, poller):
    """The use swallows the news that the sleeping epoll waits for."""
    server, client = connect_pair(context)
    poller.register(server, IN)
    for _ in range(30):
        join = in_thread(poller.poll, 10_000)
        client.send(b"x")
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            with contextlib.suppress(zmq.ThreadMisuse):
                server.getsockopt(zmq.EVENTS)
        with contextlib.suppress(zmq.ThreadMisuse):  # they may meet inside the socket
            assert join() == [(server, IN)]
        server.recv()


# -- closing -------------------------------------------------------------------------------------


def test_closing_while_registered(context, poller):
    server, client = connect_pair(context)
    poller.register(server, IN)
    poller.register(client, IN)
    server.send(b"x")
    client.close()
    for _ in range(2):
        with pytest.raises(zmq.NotSupported, match="PAIR socket"):
            poller.poll(0)
    assert client in poller
    poller.unregister(client)
    assert poller.poll(0) == []
    with pytest.raises(zmq.NotSupported):
        poller.register(client)
    with pytest.raises(KeyError):
        poller.unregister(client)
    server.close()
    poller.unregister(server)
    assert len(poller) == 0


def test_closing_by_another_thread_wakes(context, poller):
    server, _ = connect_pair(context)
    poller.register(server, IN)
    join = in_thread(poller.poll)
    wait_inside(poller)
    server.close()
    with pytest.raises(zmq.NotSupported):
        join()


@pytest.mark.parametrize("how", ["shutdown", "term", "destroy"])
def test_the_end_of_the_context_wakes(make_context, how):
    context = make_context()
    one = context.socket(zmq.PULL)
    one.bind("inproc://ends")
    poller = zmq.Poller()
    poller.register(one, IN)
    join = in_thread(poller.poll)
    wait_inside(poller)
    ender = in_thread(getattr(context, how))
    with pytest.raises((zmq.ContextTerminated, zmq.NotSupported)):
        join()
    one.close()
    ender()


def test_a_poller_that_goes_before_its_sockets(context):
    server, client = connect_pair(context)
    for _ in range(50):
        poller = zmq.Poller()
        poller.register(server, IN)
        poller.cycle = poller
        del poller
    gc.collect()
    client.send(b"x")
    assert server.recv() == b"x"


def test_sockets_that_go_while_registered(make_context):
    context = make_context()
    poller = zmq.Poller()
    for _ in range(20):
        one = context.socket(zmq.PAIR)
        poller.register(one, IN)
        one.close()
        poller.unregister(one)
    del one
    gc.collect()
    assert poller.poll(0) == []


# -- descriptors ---------------------------------------------------------------------------------


def test_pipes_files_and_sockets_together(context, poller, pipe):
    server, client = connect_pair(context)
    left, right = sockets.socketpair()
    with left, right, os.fdopen(os.dup(pipe[0])) as file:
        poller.register(server, IN)
        poller.register(file, IN)
        poller.register(left, IN | OUT)
        assert poller.poll(0) == [(left.fileno(), OUT)]
        os.write(pipe[1], b"x")
        right.send(b"x")
        client.send(b"x")
        wait_until(lambda: len(poller.poll(20)) == 3)
        descriptors = [(file.fileno(), IN), (left.fileno(), IN | OUT)]
        assert poller.poll(0) == [(server, IN), *descriptors]
        poller.unregister(left)
        os.read(pipe[0], 1)
        assert poller.poll(0) == [(server, IN)]


def test_hang_up_is_an_error_event(poller, pipe):
    poller.register(pipe[0], IN)
    os.close(pipe[1])
    assert poller.poll(5000) == [(pipe[0], zmq.POLLERR)]
    assert zmq.zmq_poll([(pipe[0], IN)], 0) == [(pipe[0], zmq.POLLERR)]


def test_one_descriptor_twice(poller, pipe, context):
    with os.fdopen(os.dup(pipe[0])) as file, sockets.socket() as raw:
        poller.register(file, IN)
        poller.register(file.fileno(), IN)
        poller.register(raw, 0)
        assert poller.poll(0) == []
        os.write(pipe[1], b"x")
        assert poller.poll(5000) == [(file.fileno(), IN)] * 2
        poller.unregister(file)
        assert poller.poll(5000) == [(file.fileno(), IN)]
        server, client = connect_pair(context)
        poller.register(server, IN)
        client.send(b"x")
        wait_until(lambda: len(poller.poll(20)) == 2)


def test_a_regular_file_is_always_ready(poller, tmp_path, context):
    server, client = connect_pair(context)
    poller.register(server, IN)
    with (tmp_path / "file").open("w+") as file:
        poller.register(file, IN | OUT)
        assert poller.poll(5000) == [(file.fileno(), IN | OUT)]
        client.send(b"x")
        wait_until(lambda: len(poller.poll(0)) == 2)
        server.close()
        with pytest.raises(zmq.NotSupported):
            poller.poll(0)
        poller.unregister(server)
        assert poller.poll(0) == [(file.fileno(), IN | OUT)]


class Changing:
    """Says another descriptor each time, and may do worse."""

    def __init__(self, *acts):
        self.acts = list(acts)

    def fileno(self):
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        return act() if callable(act) else act


@pytest.mark.parametrize(
    "source", [None, "text", 3.5, object(), [], Changing("x"), Changing(None)]
)
def test_what_cannot_be_polled(poller, source):
    with pytest.raises(TypeError):
        poller.register(source)
    assert len(poller) == 0
    with pytest.raises(TypeError):
        zmq.zmq_poll([(source, IN)], 0)


def test_bad_descriptors(poller):
    for fd in (-1, 99_999):
        with contextlib.suppress(zmq.ZMQError, ValueError):
            poller.register(fd, IN)
            assert poller.poll(0) in ([(fd, zmq.POLLERR)], [])
        if fd in poller:
            poller.unregister(fd)


def test_a_fileno_that_closes_the_socket_beside_it(context):
    one = context.socket(zmq.PAIR)
    fd = os.dup(0)

    def close():
        one.close()
        return fd

    class Closing:
        fileno = staticmethod(close)

    try:
        with pytest.raises((zmq.SocketClosed, zmq.NotSupported)):
            zmq.zmq_poll([(one, IN), (Closing(), IN)], 0)
    finally:
        os.close(fd)


def test_sources_without_a_hash(poller):
    class Unhashable:
        __hash__ = None

        def fileno(self):
            return 0

    with pytest.raises(TypeError):
        poller.register(Unhashable())


def test_the_same_socket_twice_in_one_call(context):
    server, client = connect_pair(context)
    client.send(b"x")
    assert zmq.zmq_poll([(server, IN), (server, OUT), (server, IN | OUT)], 1000)
    wait_until(lambda: len(zmq.zmq_poll([(server, IN), (server, OUT)], 0)) == 2)


def test_a_poller_sleeps_over_a_socket_whose_address_is_known(poller):
    """Its EVENTS are read at each poll; that is no reason to read them all the time."""
    with zmq.PULL() as pull:
        poller.register(pull, IN)
        assert pull.underlying
        start = time.thread_time()
        assert poller.poll(300) == []
        assert time.thread_time() - start < 0.1 * FACTOR
