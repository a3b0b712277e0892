"""More draft sockets: groups and datagrams, peers and channels, monitors of version 2."""

from __future__ import annotations

import socket as sockets
import struct
import threading

import pytest
from programs import hostile_program
from support import connect_pair, in_thread, needs_patch, wait_until

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")

WIRES = ["inproc://drafts", "ipc://*", "tcp://127.0.0.1:*"]
BODIES = [b"", b"x", b"y" * 40, b"z" * 5000, b"b" * 300_000]


def free_udp_port():
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.mark.parametrize("endpoint", WIRES)
def test_groups(context, endpoint):
    radio, dish = connect_pair(context, endpoint, zmq.RADIO, zmq.DISH)
    dish.join("news")
    dish.join(b"weather")

    def heard():
        radio.send(b"hello?", group="weather")  # which was joined last
        return dish.poll(20)

    wait_until(heard, what="the radio to know the groups")
    radio.send(b"now", group="news")
    while dish.recv() != b"now":  # as often as it was asked
        pass
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
    radio.send(b"now", group=long)
    while dish.recv() != b"now":  # as often as it was sent
        pass
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
    with pytest.raises(zmq.NotSupported, match=r"only a DISH joins groups, not a PAIR$"):
        context.socket(zmq.PAIR).join("group")
    with pytest.raises(zmq.NotSupported, match=r"not a SUB: use subscribe\(\)$"):
        context.socket(zmq.SUB).join("group")
    frame = zmq.Frame(b"x")
    with pytest.raises(zmq.ZMQError):
        frame.group = "g" * 256


def test_radio_over_udp(context):
    port = free_udp_port()
    dish = context.socket(zmq.DISH, rcvtimeo=20_000)
    dish.join("news")
    dish.bind(f"udp://127.0.0.1:{port}")
    radio = context.socket(zmq.RADIO, connect=f"udp://127.0.0.1:{port}", linger=0)
    said = []
    for body in (b"", b"x", b"y" * 100, b"z" * (8192 - 5)):
        said.append(body)

        def heard(body=body):
            radio.send(body, group="news")
            radio.send(b"noise", group="others")
            return dish.poll(50)

        wait_until(heard)
        while bytes(frame := dish.recv(copy=False)) != body:  # what was said before, once more
            assert bytes(frame) in said
        assert frame.group == "news"
    with pytest.raises(zmq.ZMQError, match="8192"):
        radio.send(b"z" * (8192 - 4), group="news")


def test_datagrams(context):
    ports = free_udp_port(), free_udp_port()
    one, two = (
        context.socket(zmq.DGRAM, bind=f"udp://127.0.0.1:{port}", rcvtimeo=20_000, linger=0)
        for port in ports
    )
    for body in (b"x", b"y" * 8192):

        def heard(body=body):
            one.send_multipart([b"127.0.0.1:%d" % ports[1], body])
            return two.poll(50)

        wait_until(heard)
        while (parts := two.recv_multipart())[1] != body:  # what was sent before, once more
            assert parts[1] == b"x"
        address = parts[0]
        two.send_multipart([address, b"back"])
        address, answer = one.recv_multipart()
        assert (address.rstrip(b"\0"), answer) == (b"127.0.0.1:%d" % ports[1], b"back")


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
    one = context.socket(zmq.PEER, rcvtimeo=20_000, sndtimeo=20_000, linger=0)
    two = context.socket(zmq.PEER, rcvtimeo=20_000, sndtimeo=20_000, linger=0)
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
    monitor = context.socket(kinds[1], connect="inproc://monitor2", rcvtimeo=20_000)
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


@needs_patch("joined-groups")
def test_a_group_that_is_joined_without_end():
    """It is joined once, and left when it is left."""
    hostile_program(
        """
        with zmq.Context() as context, context.socket(zmq.RADIO, linger=0) as radio:
            raw = wire.connect(wire.port_of(radio.bind("tcp://127.0.0.1:*")))
            wire.speak(raw, "DISH")
            join, leave = wire.join(b"again"), wire.join(b"again", leave=True)
            raw.sendall(join * 1000 + leave + leave + wire.join(b"last"))
            raw.settimeout(0.02)
            heard, until = b"", time.monotonic() + 20
            while b"here" not in heard:
                assert time.monotonic() < until
                radio.send(b"gone", group="again")
                radio.send(b"here", group="last")
                try:
                    heard += raw.recv(4096)
                except TimeoutError:
                    pass
            raw.settimeout(20)
            radio.send(b"gone", group="again")
            radio.send(b"end", group="last")
            heard = heard[heard.index(b"here"):] + wire.read_until(raw, b"end")
            assert b"gone" not in heard, heard
            raw.close()
        """
    )


@needs_patch("joined-groups")
def test_one_send_reads_so_many_joins_and_no_more():
    """65,536; another peer's end does not lose what is left."""
    hostile_program(
        """
        import re
        with zmq.Context() as context, context.socket(zmq.RADIO, linger=0, rcvhwm=0) as radio:
            port = wire.port_of(radio.bind("tcp://127.0.0.1:*"))
            raws = [wire.connect(port) for _ in range(2)]
            flood = (wire.join(b"again") + wire.join(b"again", leave=True)) * 100_000
            for raw in raws:
                wire.speak(raw, "DISH")
                raw.sendall(flood + wire.join(b"last") + wire.ping(b"all"))
                wire.read_until(raw, b"PONGall")  # all is in the pipe
            raws.pop().close()
            raw, = raws
            raw.settimeout(0.001)
            sent, heard, until = 0, b"", time.monotonic() + 20
            while b"." not in heard:
                assert time.monotonic() < until
                radio.send(b"%d." % sent, group="last")
                sent += 1
                try:
                    heard += raw.recv(4096)
                except TimeoutError:
                    pass
            assert int(re.search(rb"([0-9]+)[.]", heard)[1]) > 0, "the first send read all"
            raw.close()
        """
    )
