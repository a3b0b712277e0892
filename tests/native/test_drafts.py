"""The draft socket types and calls: thread-safe sockets, groups, datagrams, peers, monitors."""

from __future__ import annotations

import signal
import socket as sockets
import struct
import threading
import time

import pytest
from support import FACTOR, connect_pair, in_thread, wait_until

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")

WIRES = ["inproc://drafts", "ipc://*", "tcp://127.0.0.1:*"]
BODIES = [b"", b"x", b"y" * 40, b"z" * 5000, b"b" * 300_000]


def free_udp_port():
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# -- SERVER and CLIENT ---------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", WIRES)
def test_a_server_answers_by_routing_id(context, endpoint):
    server, first = connect_pair(context, endpoint, zmq.SERVER, zmq.CLIENT)
    second = context.socket(zmq.CLIENT, connect=server.endpoints[0], linger=0, rcvtimeo=5000)
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

    def refused():
        try:
            server.close()
        except zmq.ThreadMisuse:
            return True
        return server.closed

    wait_until(refused)
    assert not server.closed
    client.send(b"done")
    assert join() == b"done"


def test_shutdown_wakes_who_waits_in_a_thread_safe_socket(context):
    server, client = connect_pair(context, "inproc://woken", zmq.SERVER, zmq.CLIENT)
    gather = context.socket(zmq.GATHER, bind="inproc://gather")
    joins = [in_thread(server.recv), in_thread(client.recv), in_thread(gather.poll)]
    time.sleep(0.02)
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
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        begin = time.monotonic()
        with pytest.raises(Interrupted):
            {"recv": one.recv, "send": lambda: one.send(b"x"), "poll": one.poll,
             "iterate": lambda: next(one)}[how]()  # fmt: skip
        assert 0.1 <= time.monotonic() - begin < 0.15 + 0.25 * FACTOR
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
        begin = time.monotonic()
        with pytest.raises(zmq.Again, match="TIMEO of 200 ms"):
            one.recv() if how == "recv" else one.send(b"x")
        assert 0.199 <= time.monotonic() - begin < 0.2 + 0.25 * FACTOR
        assert len(ticks) > 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (one.rcvtimeo, one.sndtimeo) == (200, 200)


# -- RADIO and DISH ------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", WIRES)
def test_groups(context, endpoint):
    radio, dish = connect_pair(context, endpoint, zmq.RADIO, zmq.DISH)
    dish.join("news")
    dish.join(b"weather")

    def heard():
        radio.send(b"hello?", group="news")
        return dish.poll(20)

    wait_until(heard, what="the radio to know the group")
    while dish.poll(20):
        dish.recv()
    for body in BODIES:
        radio.send(body, group="news")
        radio.send(body, group="unheard")
        radio.send(body, group=b"weather", copy=False)
        for name in ("news", "weather"):
            frame = dish.recv(copy=False)
            assert (frame.group, bytes(frame)) == (name, body)
    dish.leave("news")

    def silent():
        radio.send(b"anyone?", group="news")
        if not dish.poll(20):
            return True
        dish.recv()
        return False

    wait_until(silent, what="the radio to forget the group")


def test_groups_travel_in_frames(context):
    radio, dish = connect_pair(context, "inproc://framed", zmq.RADIO, zmq.DISH)
    long = "g" * 255
    dish.join(long)
    dish.join("short")
    frame = zmq.Frame(b"body")
    frame.group = long
    wait_until(lambda: radio.send(frame) or dish.poll(20))
    received = dish.recv(copy=False)
    assert received.group == received["group"] == long
    while dish.poll(20):
        dish.recv()
    # libzmq would write the short name over its pointer to the long one
    for name in ("short", "not so short", "n" * 200):
        with pytest.raises(zmq.InvalidArgument, match="new one"):
            received.group = name
        with pytest.raises(zmq.InvalidArgument, match="new one"):
            radio.send(received, group=name)
        assert received.group == long
    again = zmq.Frame(received.bytes)
    for name in ("another", "fourteen bytes", "short"):
        again.group = name
        assert again.group == name
    wait_until(lambda: radio.send(again) or dish.poll(20))
    answer = dish.recv(copy=False)
    assert (answer.group, answer.bytes) == ("short", b"body")


def test_groups_that_cannot_be(context):
    radio, dish = connect_pair(context, "inproc://wrong", zmq.RADIO, zmq.DISH)
    for call in (dish.join, dish.leave, lambda name: radio.send(b"x", group=name)):
        with pytest.raises(zmq.InvalidArgument):
            call("g" * 256)
        with pytest.raises(ValueError, match="NUL"):
            call("a\0b")
        with pytest.raises(TypeError):
            call(7)
    dish.join("twice")
    with pytest.raises(zmq.InvalidArgument, match="once"):
        dish.join("twice")
    with pytest.raises(zmq.InvalidArgument, match="not joined"):
        dish.leave("never")
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PAIR).join("group")
    frame = zmq.Frame(b"x")
    with pytest.raises(zmq.ZMQError):
        frame.group = "g" * 256


def test_radio_over_udp(context):
    port = free_udp_port()
    dish = context.socket(zmq.DISH, rcvtimeo=5000)
    dish.join("news")
    dish.bind(f"udp://127.0.0.1:{port}")
    radio = context.socket(zmq.RADIO, connect=f"udp://127.0.0.1:{port}", linger=0)
    for body in (b"", b"x", b"y" * 100, b"z" * (8192 - 5)):

        def heard(body=body):
            radio.send(body, group="news")
            radio.send(b"noise", group="others")
            return dish.poll(50)

        wait_until(heard)
        frame = dish.recv(copy=False)
        assert (frame.group, bytes(frame)) == ("news", body)
        while dish.poll(20):
            assert dish.recv() == body
    with pytest.raises(zmq.ZMQError, match="8192"):
        radio.send(b"z" * (8192 - 4), group="news")


def test_datagrams(context):
    ports = free_udp_port(), free_udp_port()
    one, two = (
        context.socket(zmq.DGRAM, bind=f"udp://127.0.0.1:{port}", rcvtimeo=5000, linger=0)
        for port in ports
    )
    for body in (b"x", b"y" * 8192):

        def heard(body=body):
            one.send_multipart([b"127.0.0.1:%d" % ports[1], body])
            return two.poll(50)

        wait_until(heard)
        address, received = two.recv_multipart()
        assert received == body
        two.send_multipart([address, b"back"])
        address, answer = one.recv_multipart()
        assert (address.rstrip(b"\0"), answer) == (b"127.0.0.1:%d" % ports[1], b"back")
        while two.poll(20):
            two.recv_multipart()


# -- the others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", WIRES)
def test_scatter_gather(context, endpoint):
    gather, one = connect_pair(context, endpoint, zmq.GATHER, zmq.SCATTER)
    two = context.socket(zmq.SCATTER, connect=gather.endpoints[0], linger=0)
    for body in BODIES:
        one.send(b"1" + body)
        two.send(b"2" + body)
        assert sorted([gather.recv(), gather.recv()]) == [b"1" + body, b"2" + body]
    assert one.send_many([b"a", b"b"]) == 2
    assert [gather.recv(), gather.recv()] == [b"a", b"b"]
    with pytest.raises(zmq.NotSupported, match="only sends"):
        one.recv()
    with pytest.raises(zmq.NotSupported, match="only receives"):
        gather.send(b"x")


@pytest.mark.parametrize("endpoint", WIRES)
def test_channel(context, endpoint):
    one, two = connect_pair(context, endpoint, zmq.CHANNEL, zmq.CHANNEL)
    for body in BODIES:
        one.send(body)
        assert two.recv() == body
        two.send(body)
        assert one.recv() == body


@pytest.mark.parametrize("endpoint", ["inproc://peers", "tcp://127.0.0.1:*", "ipc://*"])
def test_peers(context, endpoint):
    one = context.socket(zmq.PEER, rcvtimeo=5000, sndtimeo=5000, linger=0)
    two = context.socket(zmq.PEER, rcvtimeo=5000, sndtimeo=5000, linger=0)
    one.bind(endpoint)
    routing_id = two.connect_peer(one.endpoints[0])
    assert routing_id > 0
    assert two.endpoints == one.endpoints
    two.send(b"hello", routing_id=routing_id)
    frame = one.recv(copy=False)
    one.send(b"and you", routing_id=frame.routing_id)
    answer = two.recv(copy=False)
    assert (bytes(answer), answer.routing_id) == (b"and you", routing_id)


def test_connect_peer_refusals(context):
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.DEALER).connect_peer("tcp://127.0.0.1:9")
    peer = context.socket(zmq.PEER)
    with pytest.raises(zmq.ZMQError):
        peer.connect_peer("nonsense")
    with pytest.raises(TypeError):
        peer.connect_peer(7)
    peer.immediate = 1
    with pytest.raises(zmq.ZMQError):
        peer.connect_peer("tcp://127.0.0.1:9")
    peer.close()
    with pytest.raises(zmq.SocketClosed):
        peer.connect_peer("tcp://127.0.0.1:9")


def test_peer_state(context):
    router = context.socket(zmq.ROUTER, bind="inproc://state", linger=0)
    dealer = context.socket(zmq.DEALER, routing_id=b"peer", linger=0, connect="inproc://state")
    with pytest.raises(zmq.ZMQError):
        router.peer_state(b"peer")
    dealer.send(b"x")
    wait_until(lambda: router.poll(10))
    state = router.peer_state(b"peer")
    assert state & zmq.POLLOUT
    with pytest.raises(zmq.HostUnreachable):
        router.peer_state(b"stranger")
    for wrong in (None, "peer", 7):
        with pytest.raises(TypeError):
            router.peer_state(wrong)
    with pytest.raises(zmq.ZMQError):
        dealer.peer_state(b"peer")


def read_event(monitor):
    """One event of version 2 as (event, values, local, remote)."""
    parts = monitor.recv_multipart()
    (event,) = struct.unpack("=Q", parts[0])
    (count,) = struct.unpack("=Q", parts[1])
    values = [struct.unpack("=Q", part)[0] for part in parts[2 : 2 + count]]
    assert len(parts) == count + 4
    return event, values, parts[-2], parts[-1]


@pytest.mark.parametrize("kinds", [(zmq.PAIR, zmq.PAIR), (zmq.PUB, zmq.SUB), (zmq.PUSH, zmq.PULL)])
def test_monitor_of_version_2(context, kinds):
    server = context.socket(zmq.PULL)
    server.monitor("inproc://monitor2", (1 << 64) - 1, version=2, socket_type=kinds[0])
    monitor = context.socket(kinds[1], connect="inproc://monitor2", rcvtimeo=5000)
    if kinds[1] == zmq.SUB:
        monitor.subscribe = b""
    endpoint = server.bind("tcp://127.0.0.1:*")
    client = context.socket(zmq.PUSH, connect=endpoint, linger=0)
    seen = {}
    while zmq.EVENT_HANDSHAKE_SUCCEEDED not in seen:
        event, values, local, remote = read_event(monitor)
        seen[event] = (local, remote)
    assert seen[zmq.EVENT_HANDSHAKE_SUCCEEDED][0] == endpoint.encode()
    client.send(b"x")
    wait_until(lambda: server.poll(10))
    server.monitor_pipes_stats()
    wait_until(lambda: server.poll(0) and monitor.poll(10))  # the answers come when it is used
    while event != zmq.EVENT_PIPES_STATS:
        event, values, local, remote = read_event(monitor)
    assert values == [0, 1]
    server.monitor(None)
    while event != zmq.EVENT_MONITOR_STOPPED:
        event, *_ = read_event(monitor)


def test_pipes_stats_refusals(context):
    one = context.socket(zmq.PULL)
    with pytest.raises(zmq.InvalidArgument, match="version 2 monitor"):
        one.monitor_pipes_stats()
    one.monitor("inproc://stats", zmq.EVENT_ALL)
    with pytest.raises(zmq.InvalidArgument):
        one.monitor_pipes_stats()


def test_monitor_refusals(context):
    one = context.socket(zmq.PULL)
    for arguments in (("tcp://127.0.0.1:*",), ("inproc://x", 1 << 20), ("nonsense",),
                      ("inproc://x", 1, 2, zmq.SUB)):  # fmt: skip
        with pytest.raises(zmq.ZMQError):
            one.monitor(*arguments)
    with pytest.raises(TypeError):
        one.monitor(7)


def test_thread_safe_flag(context):
    safe = {"CLIENT", "SERVER", "RADIO", "DISH", "GATHER", "SCATTER", "PEER", "CHANNEL"}
    for kind in zmq.SocketType:
        try:
            one = context.socket(kind)
        except zmq.ZMQError:
            continue
        assert one.thread_safe == (kind.name in safe), kind
        assert one.thread_safe == bool(one.get(zmq.THREAD_SAFE))


def test_storm_on_a_shared_scatter(context):
    gather, scatter = connect_pair(
        context, "inproc://storm", zmq.GATHER, zmq.SCATTER, sndhwm=0, rcvhwm=0
    )
    stop = threading.Event()

    def look():
        while not stop.is_set():
            scatter.poll(1, zmq.POLLOUT)
            scatter.get(zmq.EVENTS)

    watcher = in_thread(look)
    joins = [in_thread(lambda: [scatter.send(b"x" * 3000) for _ in range(3000)]) for _ in range(3)]
    total = 0
    for _ in range(9000):
        total += len(gather.recv())
    stop.set()
    for join in joins:
        join()
    watcher()
    assert total == 9000 * 3000
