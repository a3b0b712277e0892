"""What sockets and contexts count, against what went over the wire."""

from __future__ import annotations

import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, connect_pair, in_thread, needs_patch, wait_inside, wait_until
from test_peers import Elsewhere

import zmqlite as zmq

pytestmark = needs_patch("known-numbers")
LIMIT = 5000 * FACTOR

# A peer of another make: it says what it got once it is told how much was sent.
RECEIVER = """
import sys, zmq
context = zmq.Context()
socket = context.socket(getattr(zmq, sys.argv[1]))
socket.rcvhwm = int(sys.argv[3])
socket.connect(sys.argv[2])
if sys.argv[1] == "SUB":
    socket.subscribe(b"")
count = size = 0
expected = int(sys.stdin.readline())
while count < expected:
    parts = socket.recv_multipart()
    count, size = count + 1, size + sum(map(len, parts))
print(count, size, socket.poll(200), flush=True)
"""


def receiver(kind: str, address: str, hwm: int) -> subprocess.Popen[str]:
    pytest.importorskip("zmq")
    return subprocess.Popen(
        [sys.executable, "-c", RECEIVER, kind, address, str(hwm)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(program: subprocess.Popen[str], expected: int) -> list[int]:
    out, _ = program.communicate(f"{expected}\n", timeout=30 * FACTOR)
    return [int(word) for word in out.split()]


@pytest.mark.parametrize("endpoint", ["tcp", "ipc"], indirect=True)
class TestAgainstAnotherProcess:
    def test_a_publisher_counts_what_arrives_and_what_is_dropped(
        self, context: Any, endpoint: str
    ) -> None:
        publisher = context.socket(zmq.PUB, sndhwm=10, linger=0)
        with receiver("SUB", publisher.bind(endpoint), 1) as program:
            publisher.wait_subscribers(1, timeout=30_000 * FACTOR)
            for number in range(300):
                publisher.send_multipart([b"%d" % number, bytes(100_000)])
            stats = publisher.stats()
            assert stats.messages_out + stats.drops == 300
            assert stats.drops > 0
            assert stats.connects == 1
            assert answer(program, stats.messages_out) == [stats.messages_out, stats.bytes_out, 0]

    def test_a_pusher_counts_what_arrives(self, context: Any, endpoint: str) -> None:
        pusher = context.socket(zmq.PUSH, linger=0)
        address = pusher.bind(endpoint)
        with receiver("PULL", address, 1000) as program:
            pusher.wait_peers(1, 30_000 * FACTOR)
            pusher.send_many([b"x" * size for size in range(500)])
            pusher.send_multipart([b"12", b"", b"345"])
            stats = pusher.stats()
            assert (stats.messages_out, stats.bytes_out) == (501, 499 * 500 // 2 + 5)
            assert answer(program, 501) == [501, stats.bytes_out, 0]
        wait_until(lambda: pusher.stats().disconnects == 1, what="the end of the peer")
        wait_until(lambda: not pusher.stats().peers, what="its queue to go")
        assert pusher.stats().messages_out == 501, "what went to a peer that left stays counted"


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "inproc", "ws"], indirect=True)
class TestBothEnds:
    def test_they_agree(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PAIR, zmq.PAIR)
        client.send_multipart([b"ab", b"c"])
        client.send(b"defg")
        assert server.recv_multipart() == [b"ab", b"c"]
        assert server.recv() == b"defg"
        server.send(b"12345" * 100)
        client.recv()
        here, there = server.stats(), client.stats()
        assert (here.messages_in, here.bytes_in) == (there.messages_out, there.bytes_out) == (2, 7)
        assert (here.messages_out, here.bytes_out) == (1, 500)
        assert (there.messages_in, there.bytes_in) == (1, 500)
        (peer,) = there.peers
        assert (peer.endpoint, peer.direction) == (client.endpoints[0], "connected")
        assert (peer.messages_in, peer.messages_out) == (1, 2)
        assert here.peers[0].direction == "bound"
        assert here.peers[0].endpoint == client.endpoints[0]

    def test_what_waits_to_be_received(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        client.send_many([b"x"] * 7)
        wait_until(lambda: server.stats().queued_in == 7, what="all seven")
        for left in (6, 5, 4):
            server.recv()
            assert server.stats().queued_in == left
        assert server.stats().messages_in == 3


class TestQueues:
    def test_what_waits_for_a_peer_that_is_not_there(self, context: Any) -> None:
        with context.socket(zmq.PUSH, linger=0) as socket:
            socket.connect("tcp://127.0.0.1:1")
            socket.send_many([b"12"] * 9)
            stats = socket.stats()
            assert (stats.queued_out, stats.unsent, stats.messages_out) == (9, 9, 9)
            assert stats.peers[0].address == "tcp://127.0.0.1:1"
            wait_until(lambda: socket.stats().retries > 0, what="another try")

    def test_over_inproc_both_see_one_queue(self, context: Any) -> None:
        server, client = connect_pair(context, "inproc://queue", zmq.PULL, zmq.PUSH)
        client.send_many([b"x"] * 5)
        assert client.stats().queued_out == server.stats().queued_in == 5
        assert client.stats().unsent == 0, "the peer has them"
        server.recv_many(2)
        assert client.stats().queued_out == server.stats().queued_in == 3

    def test_a_name_that_is_bound_later(self, context: Any) -> None:
        client = context.socket(zmq.PUSH, connect="inproc://later", linger=0)
        client.send(b"x")
        assert client.stats().unsent == 1
        server = context.socket(zmq.PULL, bind="inproc://later")
        assert client.stats().unsent == 0
        assert server.stats().queued_in == 1


class TestDrops:
    def test_a_publisher_at_its_limit(self, context: Any) -> None:
        publisher = context.socket(zmq.PUB, sndhwm=5, linger=0)
        subscriber = context.socket(zmq.SUB, rcvhwm=7, subscribe=["a", "ab", "abc"])
        subscriber.connect(publisher.bind("inproc://drops"))
        publisher.wait_subscribers(1, timeout=LIMIT)
        for _ in range(20):
            publisher.send_multipart([b"abcd", b"more"])
        publisher.send(b"to nobody")
        stats = publisher.stats()
        assert (stats.messages_out, stats.drops, stats.queued_out) == (12, 8, 12)
        assert stats.peers[0].drops == 8
        assert subscriber.stats().queued_in == 12

    def test_each_subscriber_for_itself(self, context: Any) -> None:
        publisher = context.socket(zmq.PUB, sndhwm=2, linger=0)
        address = publisher.bind("inproc://each")
        narrow = context.socket(zmq.SUB, rcvhwm=1, subscribe="", connect=address)
        wide = context.socket(zmq.SUB, rcvhwm=100, subscribe="", connect=address)
        publisher.wait_subscribers(2, timeout=LIMIT)
        for _ in range(10):
            publisher.send(b"x")
        assert sorted(peer.drops for peer in publisher.stats().peers) == [0, 7]
        assert publisher.stats().messages_out == 13
        assert narrow.stats().queued_in == 3
        assert wide.stats().queued_in == 10

    def test_those_who_are_behind_are_counted_until_they_have_room(self, context: Any) -> None:
        publisher = context.socket(zmq.PUB, sndhwm=2, linger=0)
        subscriber = context.socket(zmq.SUB, rcvhwm=2, subscribe="")
        subscriber.connect(publisher.bind("inproc://behind"))
        publisher.wait_subscribers(1, timeout=LIMIT)
        sent = received = 0
        for _ in range(10):
            for _ in range(7):
                publisher.send(b"x")
                sent += 1
            received += sum(subscriber.recv_nonblock() is not None for _ in range(3))
        stats = publisher.stats()
        assert stats.messages_out + stats.drops == sent
        assert stats.messages_out == received + subscriber.stats().queued_in

    @pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
    def test_a_radio(self, context: Any) -> None:
        radio = context.socket(zmq.RADIO, sndhwm=2, linger=0)
        dish = context.socket(zmq.DISH, rcvhwm=1)
        dish.join("group")
        dish.connect(radio.bind("inproc://radio"))
        wait_until(lambda: radio.stats().peers, what="the peer")
        while not radio.stats().messages_out:  # until the group is known
            radio.send(b"x", group="group")
        for _ in range(10):
            radio.send(b"x", group="group")
        stats = radio.stats()
        assert stats.queued_out == 3
        assert stats.messages_out + stats.drops == 1 + 10

    def test_a_router(self, context: Any) -> None:
        router = context.socket(zmq.ROUTER, sndhwm=3, linger=0)
        dealer = context.socket(zmq.DEALER, rcvhwm=2, routing_id=b"me", linger=0)
        dealer.connect(router.bind("inproc://router"))
        dealer.send(b"here")
        router.recv_multipart()
        for _ in range(9):
            router.send_multipart([b"me", b"1234"])
        for _ in range(4):
            router.send_multipart([b"nobody", b"1", b"2"])
        stats = router.stats()
        assert (stats.messages_out, stats.bytes_out, stats.drops) == (5, 20, 4)
        assert stats.unroutable == 4

    def test_the_latest_alone(self, context: Any) -> None:
        server = context.socket(zmq.PULL, conflate=1)
        client = context.socket(zmq.PUSH, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
        client.send_many([b"%d" % number for number in range(10)])
        wait_until(lambda: server.stats().drops == 9, what="nine that were replaced")
        assert server.stats().queued_in == 1
        assert server.recv() == b"9"
        stats = server.stats()
        assert (stats.messages_in, stats.queued_in, stats.drops) == (1, 0, 9)


class TestConnections:
    def test_they_come_and_go(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        address = server.bind("tcp://127.0.0.1:*")
        for number in range(1, 4):
            with context.socket(zmq.PUSH, connect=address, linger=0):
                wait_until(lambda n=number: server.stats().connects == n, what="a peer")
            wait_until(lambda n=number: server.stats().disconnects == n, what="its end")

    def test_failed_handshakes(self, context: Any) -> None:
        _, secret = zmq.curve_keypair()
        server = context.socket(zmq.PULL, curve_server=1, curve_secretkey=secret)
        client = context.socket(zmq.PUSH, linger=0)
        client.connect(server.bind("tcp://127.0.0.1:*"))
        wait_until(lambda: server.stats().failed_handshakes, what="a failure")
        assert server.stats().connects == 0


class TestThreads:
    def test_a_socket_that_is_in_use_may_be_asked(self, context: Any) -> None:
        server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
        client.send(b"123")
        server.recv()
        received = in_thread(server.recv)
        wait_inside(server)
        stats = server.stats()
        assert (stats.messages_in, stats.bytes_in) == (1, 3)
        assert context.stats().messages_in == 1
        client.send(b"4567")
        assert received() == b"4567"
        assert server.stats().bytes_in == 7

    @pytest.mark.parametrize("endpoint", ["tcp", "inproc"], indirect=True)
    def test_numbers_only_grow_while_others_work(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        count = 20_000

        def send() -> None:
            for _ in range(count):
                client.send(b"12345678")

        def receive() -> None:
            for _ in range(count):
                server.recv()

        joins = [in_thread(send), in_thread(receive)]
        last = 0
        while any(join.thread.is_alive() for join in joins):  # type: ignore[attr-defined]
            now = context.stats()
            assert last <= now.messages_out <= count
            assert now.messages_in <= count
            last = now.messages_out
        for join in joins:
            join(30)
        stats = context.stats()
        assert stats.messages_in == stats.messages_out == count
        assert stats.bytes_in == stats.bytes_out == 8 * count
        assert stats.queued_in == stats.queued_out == stats.unsent == 0

    def test_peers_come_and_go_meanwhile(self, context: Any) -> None:
        server = context.socket(zmq.PULL, rcvtimeo=int(LIMIT))
        address = server.bind("inproc://many")

        def come_and_go() -> None:
            for _ in range(200):
                with context.socket(zmq.PUSH, connect=address) as client:
                    client.send(b"x")

        def receive() -> None:
            for _ in range(400):
                server.recv()

        joins = [in_thread(come_and_go), in_thread(come_and_go), in_thread(receive)]
        while any(join.thread.is_alive() for join in joins):  # type: ignore[attr-defined]
            assert context.stats().messages_out <= 400
        for join in joins:
            join(30)
        wait_until(lambda: context.stats().messages_out == 400, what="the numbers of the closed")
        assert context.stats().messages_in == 400


class TestContext:
    def test_closed_sockets_stay_in_the_sum(self, context: Any) -> None:
        server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
        client.send_many([b"abc"] * 4)
        server.recv_many(4)
        while server.stats().messages_in < 4:
            server.recv()
        server.close()
        client.close()
        wait_until(lambda: not context.stats().peers, what="the end of both")
        stats = context.stats()
        assert (stats.messages_in, stats.messages_out) == (4, 4)
        assert (stats.bytes_in, stats.bytes_out) == (12, 12)

    def test_what_closed_sockets_have_not_sent(self, context: Any, tmp_path: Path) -> None:
        address = f"ipc://{tmp_path}/later"
        client = context.socket(zmq.PUSH, connect=address)
        client.send_many([b"abc"] * 4)
        client.close(linger=-1)
        assert context.stats().unsent == 4
        server = context.socket(zmq.PULL, bind=address, rcvtimeo=int(LIMIT))
        for _ in range(4):
            server.recv()
        wait_until(lambda: context.stats().unsent == 0, what="nothing to be left")

    def test_what_a_name_that_is_bound_later_still_gets(self, context: Any) -> None:
        """libzmq keeps it for that name, whatever linger says, until the context ends."""
        client = context.socket(zmq.PUSH, connect="inproc://later", linger=0)
        client.send(b"x")
        client.close()
        assert context.stats().unsent == 1
        server = context.socket(zmq.PULL, bind="inproc://later", rcvtimeo=int(LIMIT))
        assert server.recv() == b"x"
        wait_until(lambda: context.stats().unsent == 0, what="nothing to be left")
        server.close()
        wait_until(lambda: not context.stats().peers, what="the end of both")

    def test_many_sockets(self, context: Any) -> None:
        server = context.socket(zmq.PULL, bind="inproc://" + "n" * 100)
        clients = [context.socket(zmq.PUSH, connect=server.last_endpoint) for _ in range(200)]
        for client in clients:
            client.send(b"x")
        assert context.stats().messages_out == 200
        assert len(server.stats().peers) == 200

    def test_a_context_that_is_closed(self, make_context: Any) -> None:
        closed = make_context()
        closed.term()
        with pytest.raises(RuntimeError, match="closed"):
            closed.stats()


def test_a_closed_socket(context: Any) -> None:
    socket = context.socket(zmq.PULL)
    socket.close()
    with pytest.raises(zmq.SocketClosed, match=r"^stats on PULL"):
        socket.stats()


def test_a_new_socket_has_nothing(context: Any) -> None:
    assert context.socket(zmq.PULL).stats() == zmq.SocketStats(*[0] * 13, peers=())


def test_another_libzmq_says_so(context: Any) -> None:
    with Elsewhere(context, zmq.PUSH) as socket:
        for call in (socket.stats, socket.wait_drained):
            with pytest.raises(zmq.NotSupported, match="the libzmq that zmqlite builds"):
                call()


@pytest.mark.parametrize("module", ["asyncio", "trio", "green"])
def test_every_world_has_the_names(module: str) -> None:
    world: Any = pytest.importorskip(f"zmqlite.{module}")
    for name in ("stats", "wait_drained"):
        assert callable(getattr(world.Socket, name))
    assert callable(world.Context.stats)


def test_a_socket_that_closes_while_another_thread_is_asked_says_so(context: Any) -> None:
    """It was refused because a thread is inside, and has closed before the context is asked."""

    class Closing(zmq.Socket[bytes]):
        def get_long_option(self, option: int) -> bytes:
            self.close()
            raise zmq.ThreadMisuse

    socket = context.socket(zmq.PULL, socket_class=Closing)
    with pytest.raises(zmq.SocketClosed, match="stats on PULL socket"):
        socket.stats()


def test_who_watches_the_descriptor_keeps_its_wake_up(context: zmq.Context[Any]) -> None:
    """FD speaks once for each news: `stats()` of another thread must not have it."""
    source, target = connect_pair(context, bound=zmq.PUSH, connected=zmq.PULL)
    fd = target.fd
    while target.events:
        target.recv()
    assert not select.select([fd], [], [], 0)[0]
    source.send(b"news")
    assert select.select([fd], [], [], LIMIT / 1000)[0]
    assert in_thread(target.stats)().messages_in == 0
    assert select.select([fd], [], [], 0)[0], "its wake-up is gone"
    assert target.events == zmq.POLLIN
    assert target.recv() == b"news"
    assert target.stats().messages_in == 1
    target.close()
    with pytest.raises(zmq.SocketClosed):
        target.stats()


@pytest.mark.parametrize("watched", ["the socket", "a second handle", "one made elsewhere"])
@pytest.mark.parametrize("asked", ["the socket", "a second handle", "one made elsewhere"])
def test_second_handles_leave_that_wake_up_too(
    context: zmq.Context[Any], watched: str, asked: str
) -> None:
    source, target = connect_pair(context, bound=zmq.PUSH, connected=zmq.PULL)
    handles = {
        "the socket": target,
        "a second handle": zmq.Socket[bytes](shadow=target),
        "one made elsewhere": zmq.Socket[bytes](shadow=target.underlying),
    }
    fd = handles[watched].fd
    while target.events:
        target.recv()
    source.send(b"news")
    assert select.select([fd], [], [], LIMIT / 1000)[0]
    assert handles[asked].stats().messages_in == 0
    assert select.select([fd], [], [], 0)[0], "its wake-up is gone"
    assert target.recv() == b"news"
    assert handles[asked].stats().messages_in == 1
