"""The draft socket types and calls: thread-safe sockets, groups, datagrams, peers, monitors."""

from __future__ import annotations

import signal
import time

import pytest
from support import FACTOR, connect_pair, in_thread, in_time, wait_asleep

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")

WIRES = ["inproc://drafts", "ipc://*", "tcp://127.0.0.1:*"]
BODIES = [b"", b"x", b"y" * 40, b"z" * 5000, b"b" * 300_000]


# -- SERVER and CLIENT ---------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", WIRES)
def test_a_server_answers_by_routing_id(context, endpoint):
    server, first = connect_pair(context, endpoint, zmq.SERVER, zmq.CLIENT)
    second = context.socket(zmq.CLIENT, connect=server.endpoints[0], linger=0, rcvtimeo=20_000)
    for body in BODIES:
        first.send(b"first" + body)
        second.send(bytearray(b"second" + body))
        for _ in range(2):
            frame = server.recv(copy=False)
            assert frame.routing_id > 0
            assert frame["routing_id"] == frame.routing_id
            server.send(b"to " + bytes(frame), routing_id=frame.routing_id)
        assert first.recv() == b"to first" + body
        assert second.recv() == b"to second" + body


def test_a_received_frame_is_its_own_address(context):
    server, client = connect_pair(context, "inproc://echo", zmq.SERVER, zmq.CLIENT)
    for body in BODIES:
        client.send(body)
        server.send(server.recv(copy=False))
        assert client.recv() == body


def test_routing_ids_that_cannot_be(context):
    server, _ = connect_pair(context, "inproc://ids", zmq.SERVER, zmq.CLIENT)
    with pytest.raises(zmq.HostUnreachable):
        server.send(b"x", routing_id=12345)
    with pytest.raises(zmq.ZMQError):
        server.send(b"x")
    with pytest.raises(zmq.InvalidArgument, match="above 0"):
        server.send(b"x", routing_id=0)
    for wrong in (-1, 1 << 32):
        with pytest.raises(OverflowError):
            server.send(b"x", routing_id=wrong)
    with pytest.raises(TypeError):
        server.send(b"x", routing_id="one")


@pytest.mark.parametrize("kind", ["SERVER", "CLIENT", "SCATTER", "GATHER", "RADIO", "DISH", "PEER",
                                  "CHANNEL"])  # fmt: skip
def test_no_parts(context, kind):
    one = context.socket(getattr(zmq, kind), sndtimeo=50)
    one.bind("inproc://parts")
    with pytest.raises(zmq.ZMQError) as caught:
        one.send_multipart([b"a", b"b"])
    if kind not in ("GATHER", "DISH", "SERVER", "PEER"):
        assert "single-part" in str(caught.value) or isinstance(caught.value, zmq.Again)


def test_many_threads_share_a_client(context):
    server, client = connect_pair(context, "inproc://shared", zmq.SERVER, zmq.CLIENT)

    def serve():
        for _ in range(4000):
            server.send(server.recv(copy=False))

    def ask(number):
        got = 0
        for turn in range(1000):
            client.send(b"%d %d" % (number, turn))
            got += len(client.recv()) > 0
        return got

    joins = [in_thread(serve), *(in_thread(ask, number) for number in range(4))]
    assert [join() for join in joins[1:]] == [1000] * 4
    joins[0]()


def test_several_threads_wait_in_one_socket(context):
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.SERVER, zmq.CLIENT)
    joins = [in_thread(server.recv) for _ in range(4)]
    for number in range(4):
        client.send(b"%d" % number)
    assert sorted(join() for join in joins) == [b"0", b"1", b"2", b"3"]


def test_closing_while_others_wait_is_refused(context):
    server, client = connect_pair(context, "inproc://busy", zmq.SERVER, zmq.CLIENT)
    join = in_thread(server.recv)
    wait_asleep(join)
    with pytest.raises(zmq.ThreadMisuse):
        server.close()
    assert not server.closed
    client.send(b"done")
    assert join() == b"done"


def test_shutdown_wakes_who_waits_in_a_thread_safe_socket(context):
    server, client = connect_pair(context, "inproc://woken", zmq.SERVER, zmq.CLIENT)
    gather = context.socket(zmq.GATHER, bind="inproc://gather")
    joins = [in_thread(server.recv), in_thread(client.recv), in_thread(gather.poll)]
    for join in joins:
        wait_asleep(join)
    context.shutdown()
    for join in joins:
        with pytest.raises(zmq.ContextTerminated):
            join()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("how", ["recv", "send", "poll", "iterate"])
def test_signals_reach_who_waits_in_a_thread_safe_socket(context, how):
    """libzmq sleeps there on a condition variable, which no signal interrupts."""

    class Interrupted(Exception):
        pass

    def interrupt(*_):
        raise Interrupted

    one = context.socket(zmq.CLIENT, linger=0, sndhwm=1)
    one.bind("inproc://interrupted")
    before = signal.signal(signal.SIGALRM, interrupt)
    try:

        def wait():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            {"recv": one.recv, "send": lambda: one.send(b"x"), "poll": one.poll,
             "iterate": lambda: next(one)}[how]()  # fmt: skip

        def attempt():
            begin = time.monotonic()
            with pytest.raises(Interrupted):
                wait()
            assert time.monotonic() - begin >= 0.1

        in_time(0.15 + 0.25 * FACTOR, attempt)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
@pytest.mark.parametrize("how", ["recv", "send"])
def test_deadlines_of_thread_safe_sockets(context, how):
    one = context.socket(zmq.CLIENT, linger=0, rcvtimeo=200, sndtimeo=200)
    one.bind("inproc://deadline")
    ticks = []
    before = signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)

        def attempt():
            begin = time.monotonic()
            with pytest.raises(zmq.Again, match="TIMEO of 200 ms"):
                one.recv() if how == "recv" else one.send(b"x")
            assert time.monotonic() - begin >= 0.199

        in_time(0.2 + 0.25 * FACTOR, attempt)
        assert len(ticks) >= 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (one.rcvtimeo, one.sndtimeo) == (200, 200)
