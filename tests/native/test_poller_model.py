"""The poller under signals, with other kinds of sockets, and against zmq_poll as its model."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import pytest
from support import FACTOR, connect_pair, in_thread, in_time, wait_inside, wait_until

import zmqlite as zmq

IN, OUT = zmq.POLLIN, zmq.POLLOUT


needs_timers = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no interval timers"
)


@pytest.fixture
def alarm():
    before = signal.getsignal(signal.SIGALRM)

    def start(handler, after=0.03, every=0.0):
        signal.signal(signal.SIGALRM, lambda *_: handler())
        signal.setitimer(signal.ITIMER_REAL, after, every)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@needs_timers
def test_a_handler_changes_what_is_registered(context, poller, alarm, pipe, tmp_path):
    server, _client = connect_pair(context)
    poller.register(server, IN)

    def swap():
        poller.unregister(server)
        poller.register(pipe[0], IN)
        os.write(pipe[1], b"x")

    alarm(swap)
    assert poller.poll(5000) == [(pipe[0], IN)]
    poller.unregister(pipe[0])
    poller.register(server, IN)
    file = (tmp_path / "file").open("w")
    alarm(lambda: poller.register(file, OUT))
    assert poller.poll(5000) == [(file.fileno(), OUT)]
    file.close()


@needs_timers
def test_a_handler_polls_receives_and_sends(context, poller, alarm):
    server, client = connect_pair(context)
    poller.register(server, IN)

    def handler():
        assert poller.poll(0) == []
        client.send(b"1")
        server.recv()
        client.send(b"2")
        wait_until(lambda: server.poll(20))

    alarm(handler)
    assert poller.poll(5000) == [(server, IN)]
    assert server.recv() == b"2"


@needs_timers
@pytest.mark.parametrize("way", ["poller", "zmq_poll", "poll"])
def test_a_handler_closes_the_socket(context, poller, alarm, way):
    server, _ = connect_pair(context)
    poller.register(server, IN)
    alarm(server.close)
    with pytest.raises((zmq.NotSupported, zmq.SocketClosed)):
        {"poller": poller.poll, "zmq_poll": lambda: zmq.zmq_poll([(server, IN)]),
         "poll": server.poll}[way]()  # fmt: skip


def test_odd_timeouts(poller, pipe):
    poller.register(pipe[0], IN)
    os.write(pipe[1], b"x")
    for timeout in (None, -1, -0.5, 0, 0.432, 1e30, float("inf"), 2**62):
        assert poller.poll(timeout) == [(pipe[0], IN)]
        assert zmq.zmq_poll([(pipe[0], IN)], timeout) == [(pipe[0], IN)]
    os.read(pipe[0], 1)
    for timeout in (0, 0.0, 0.432, 20):

        def attempt(timeout=timeout):
            begin = time.monotonic()
            assert poller.poll(timeout) == []
            assert time.monotonic() - begin >= timeout / 1000

        in_time(timeout / 1000 + 0.25 * FACTOR, attempt)
    with pytest.raises(TypeError):
        poller.poll("soon")
    join = in_thread(poller.poll, 1e30)
    wait_inside(poller)
    os.write(pipe[1], b"x")
    assert join() == [(pipe[0], IN)]


# -- other kinds of sockets ----------------------------------------------------------------------


def test_thread_safe_sockets(context, poller):
    if not zmq.has("draft"):
        pytest.skip("built without drafts")
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.SERVER, zmq.CLIENT)
    one, two = connect_pair(context)
    for each in (server, one):
        poller.register(each, IN)
    assert poller.poll(20) == []
    client.send(b"x")
    assert poller.poll(5000) == [(server, IN)]
    two.send(b"x")
    wait_until(lambda: poller.poll(20) == [(server, IN), (one, IN)])
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        poller.poll(5000)
    with pytest.raises(zmq.ContextTerminated):
        zmq.zmq_poll([(one, IN), (server, IN)], 1000)


def test_shadow_sockets(context, poller):
    server, client = connect_pair(context)
    shadow = zmq.Socket.shadow(server.underlying)
    poller.register(server, IN)
    both = zmq.Poller()
    both.register(shadow, IN)
    for _ in range(20):
        assert poller.poll(0) == both.poll(0) == []
        client.send(b"x")
        assert both.poll(5000) == [(shadow, IN)]
        assert poller.poll(5000) == [(server, IN)]
        shadow.recv()


def test_a_thousand_sockets_and_one_is_ready(context, poller):
    context.max_sockets = 2500
    count = 400
    pairs = [connect_pair(context, f"inproc://many{number}") for number in range(count)]
    for server, _ in pairs:
        poller.register(server, IN)
    assert poller.poll(0) == []
    for number in random.Random(3).sample(range(count), 100):
        server, client = pairs[number]
        client.send(b"x")
        assert poller.poll(5000) == [(server, IN)]
        server.recv()
        assert poller.poll(0) == []
    for _, client in pairs:
        client.send(b"x")
    assert poller.poll(5000) == [(server, IN) for server, _ in pairs]


# -- the model: zmq_poll -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_the_poller_agrees_with_zmq_poll(context, seed):
    """Random steps; after each one both must see the same, however often either was asked."""
    dice = random.Random(seed)
    steps = 20_000 if os.environ.get("ZMQLITE_TEST_LONG") else 2500
    pairs = [
        connect_pair(context, endpoint, sndhwm=3, rcvhwm=3)
        for endpoint in ("inproc://m0", "inproc://m1", "tcp://127.0.0.1:*", "ipc://*")
    ]
    everyone = [one for pair in pairs for one in pair]
    pipes = [os.pipe() for _ in range(2)]
    filled = [0, 0]
    pollers = [zmq.Poller(), zmq.Poller()]
    wanted: list[dict] = [{}, {}]

    def step():
        which = dice.randrange(2)
        one = dice.choice(everyone)
        act = dice.randrange(12)
        if act < 3:
            one.send_nonblock(b"x")
        elif act < 6:
            one.recv_nonblock()
        elif act == 6:
            number = dice.randrange(2)
            if filled[number] and dice.random() < 0.5:
                os.read(pipes[number][0], 1)
                filled[number] -= 1
            else:
                os.write(pipes[number][1], b"x")
                filled[number] += 1
        elif act == 7:
            source = dice.choice([one, dice.choice(pipes)[0]])
            flags = dice.choice([IN, OUT, IN | OUT]) if source is one else IN
            pollers[which].register(source, flags)
            wanted[which].pop(source, None)
            wanted[which][source] = flags
        elif act == 8 and wanted[which]:
            source = dice.choice(list(wanted[which]))
            pollers[which].unregister(source)
            del wanted[which][source]
        elif act == 9:
            one.getsockopt(zmq.EVENTS)
        elif act == 10:
            zmq.zmq_poll([(other, IN) for other in everyone[:3]], 0)
        else:
            pollers[which].poll(dice.choice([0, 0, 0.123]))

    def agree():
        for poller, want in zip(pollers, wanted, strict=True):
            if poller.poll(0) != zmq.zmq_poll(list(want.items()), 0):
                return False
        return True

    try:
        for number in range(steps):
            step()
            if not agree():  # the wire is slow: in the end they must
                wait_until(agree, what=f"agreement after step {number} of seed {seed}")
    finally:
        for ends in pipes:
            for end in ends:
                os.close(end)


def test_pollers_and_threads_at_random(context):
    """Each thread with its own sockets and poller, talking to the next in a ring."""
    count, rounds = 4, 300
    bound = [context.socket(zmq.PULL, rcvtimeo=20_000) for _ in range(count)]
    ends = [one.bind(f"inproc://ring{number}") for number, one in enumerate(bound)]
    barrier = threading.Barrier(count)

    def work(number):
        poller = zmq.Poller()
        out = context.socket(zmq.PUSH, connect=ends[(number + 1) % count], linger=0)
        poller.register(bound[number], IN)
        poller.register(out, OUT)
        sent = got = 0
        barrier.wait()
        while sent < rounds or got < rounds:
            ready = dict(poller.poll(5000))
            assert ready, f"nothing ready after {sent} sent and {got} received"
            if out in ready and sent < rounds and out.send_nonblock(b"x"):
                sent += 1
                if sent == rounds:
                    poller.unregister(out)
            if bound[number] in ready:
                got += len(bound[number].recv_many(5))
        out.close()
        return got

    assert [join() for join in [in_thread(work, number) for number in range(count)]] == [300] * 4
