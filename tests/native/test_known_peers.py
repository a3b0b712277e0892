"""What a socket knows of its peers, whatever the transport, and when they came."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from support import (
    FACTOR,
    closes,
    connect_pair,
    encrypted_pair,
    in_thread,
    in_time,
    needs_curve,
    needs_patch,
    wait_until,
)

import zmqlite as zmq
from zmqlite.auth import Gate

pytestmark = needs_patch("known-peers")
LIMIT = 5000 * FACTOR


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "inproc", "ws"], indirect=True)
class TestPeers:
    def test_both_sides_see_each_other(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        assert server.wait_peers(1, LIMIT) == client.wait_peers(1, LIMIT) == 1
        (at_server,), (at_client,) = server.peers, client.peers
        assert at_server.direction == "bound"
        assert at_client.direction == "connected"
        assert at_client.endpoint == client.endpoints[0]
        assert at_server.endpoint == server.endpoints[0]
        if not endpoint.startswith("inproc"):
            assert at_server.mechanism is at_client.mechanism is zmq.NULL
            assert abs(time.time() - at_server.since) < 60 * FACTOR

    def test_who_came_before_the_first_question_counts(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        client.send(b"")
        server.recv()
        assert server.wait_peers(1, 0) == 1
        assert len(server.peers) == 1

    def test_a_peer_that_left(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        server.wait_peers(1, LIMIT)
        client.close()
        wait_until(lambda: not server.peers, what="the end of the peer")
        if not endpoint.startswith("inproc"):
            past = server.past_peers[-1]
            assert past.event is zmq.EVENT_DISCONNECTED
            assert past.reason == "the peer closed it"
            assert past.peer.endpoint == server.endpoints[0]
            assert past.peer.since is not None
            assert past.until >= past.peer.since

    def test_disconnect_is_an_end_too(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        client.wait_peers(1, LIMIT)
        client.disconnect(client.endpoints[0])
        wait_until(lambda: not [*server.peers, *client.peers], what="the end of both")

    def test_several(self, context: Any, endpoint: str) -> None:
        server = context.socket(zmq.PUSH)
        bound = server.bind(endpoint)
        workers = [context.socket(zmq.PULL, rcvtimeo=int(LIMIT)) for _ in range(3)]
        for worker in workers:
            worker.connect(bound)
        assert server.wait_peers(3, LIMIT) == 3
        server.send_many([b"%d" % n for n in range(3)])
        assert sorted(worker.recv() for worker in workers) == [b"0", b"1", b"2"]

    def test_subscribers(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PUB, zmq.SUB)
        with pytest.raises(zmq.Again, match="0 of 1 subscribers"):
            server.wait_subscribers(timeout=20)
        client.subscribe(b"weather.")
        assert server.wait_subscribers(1, timeout=LIMIT) == 1
        assert server.wait_subscribers(1, b"weather.rain", LIMIT) == 1
        with pytest.raises(zmq.Again, match=r"to b'news'"):
            server.wait_subscribers(1, "news", 20)
        server.send(b"weather.sun")
        assert client.recv() == b"weather.sun"
        client.unsubscribe(b"weather.")
        wait_until(lambda: server.wait_subscribers(0, timeout=0) == 0, what="no subscriber")


def test_a_pending_inproc_connection_is_none(context: Any) -> None:
    client = context.socket(zmq.PUSH)
    client.connect("inproc://later")
    assert client.peers == ()
    server = context.socket(zmq.PULL)
    server.bind("inproc://later")
    assert client.wait_peers(1, LIMIT) == server.wait_peers(1, LIMIT) == 1


def test_many_pending_connections_cost_no_search(context: Any) -> None:
    many = 3000
    client = context.socket(zmq.PUSH, linger=0)
    for n in range(many):
        client.connect(f"inproc://later-{n}")
    server = context.socket(zmq.PULL, bind="inproc://now")
    context.socket(zmq.PUSH, connect="inproc://now")

    def look() -> None:
        assert client.peers == ()
        assert len(server.peers) == 1

    in_time(0.1, look)


def test_a_connection_that_nobody_accepts_is_none(context: Any) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        address = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        client = context.socket(zmq.PUSH, linger=0)
        client.connect(address)
        with pytest.raises(zmq.Again) as caught:
            client.wait_peers(1, 50)
    assert "0 of 1 peers" in str(caught.value)
    assert f"nobody at {address}" in str(caught.value)
    assert "50 ms are over" in str(caught.value)


def test_an_unbound_socket_says_so(context: Any) -> None:
    with pytest.raises(zmq.Again, match="neither bound nor connected"):
        context.socket(zmq.PULL).wait_peers(1, 0)


def fits_no_type(socket: Any) -> bool:
    return any("socket type that does not fit" in past.reason for past in socket.past_peers)


def refuse_each_other(server: Any, client: Any, place: str) -> None:
    client.subscribe("")
    client.connect(server.bind(place))
    wait_until(lambda: fits_no_type(server) or fits_no_type(client), what="the reason")
    with pytest.raises(zmq.Again, match=r"the last handshake .* failed"):
        client.wait_peers(1, timeout=20)


@needs_patch("unfit-type")
@pytest.mark.parametrize("transport", ["tcp", "ipc", "ws"])
def test_a_type_that_does_not_fit_is_the_reason(context: Any, transport: str) -> None:
    """The side that notices first says so; over ws that may be one of them alone."""
    if transport != "tcp" and not zmq.has(transport):
        pytest.skip(f"built without {transport}")
    server, client = context.socket(zmq.PUSH, linger=0), context.socket(zmq.SUB, linger=0)
    place = "ipc://*" if transport == "ipc" else f"{transport}://127.0.0.1:*"
    refuse_each_other(server, client, place)
    if transport != "ws":
        wait_until(lambda: fits_no_type(server) and fits_no_type(client), what="both")


@needs_curve
@needs_patch("unfit-type")
def test_a_type_that_does_not_fit_with_curve(context: Any) -> None:
    server, client = context.socket(zmq.PUSH, linger=0), context.socket(zmq.SUB, linger=0)
    public, secret = zmq.curve_keypair()
    server.curve_server, server.curve_secretkey = 1, secret
    client.curve_serverkey = public
    client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
    refuse_each_other(server, client, "tcp://127.0.0.1:*")
    assert fits_no_type(server), "it hears first"
    assert server.stats().failed_handshakes > 0


@needs_patch("unfit-type")
def test_a_type_that_does_not_fit_with_plain(context: Any) -> None:
    gate = Gate()
    gate.plain({"one": "two"})
    with gate.serve(context):
        server, client = context.socket(zmq.PUSH, linger=0), context.socket(zmq.SUB, linger=0)
        server.plain_server = 1
        client.plain_username, client.plain_password = "one", "two"
        refuse_each_other(server, client, "tcp://127.0.0.1:*")
        assert fits_no_type(server), "it hears first"
        client.close()
        server.close()


def test_a_wrong_key_is_the_reason(context: Any) -> None:
    server, _ = encrypted_pair(context, zmq.PULL, zmq.PUSH)
    assert server.wait_peers(1, LIMIT) == 1
    assert server.peers[0].mechanism is zmq.CURVE
    stranger = context.socket(zmq.PUSH, linger=0)
    stranger.curve_serverkey = zmq.curve_keypair()[0]  # not the server's
    stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
    stranger.connect(server.endpoints[0])
    wait_until(lambda: server.past_peers, what="the failure")
    past = server.past_peers[-1]
    assert past.event is zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    assert "cryptographic" in past.reason
    assert past.peer.since is None
    with pytest.raises(zmq.Again, match="cryptographic"):
        server.wait_peers(2, 20)
    assert "handshake failed" in str(past)


def test_an_xpub_still_receives_its_subscriptions(context: Any) -> None:
    server, client = connect_pair(context, bound=zmq.XPUB, connected=zmq.SUB)
    client.subscribe(b"a")
    client.subscribe(b"ab")
    server.wait_subscribers(1, b"ab", LIMIT)
    assert server.wait_subscribers(1, b"abc", LIMIT) == 1, "one, though two topics match"
    assert [server.recv(), server.recv()] == [b"\1a", b"\1ab"]


def test_inverted_matching(context: Any) -> None:
    server, client = connect_pair(context, bound=zmq.PUB, connected=zmq.SUB, invert_matching=1)
    client.subscribe(b"a")
    server.wait_peers(1, LIMIT)
    wait_until(lambda: server.wait_subscribers(0, b"abc", 0) == 0, what="the refusal")
    assert server.wait_subscribers(1, b"b", LIMIT) == 1


def test_only_publishers_know_subscribers(context: Any) -> None:
    with pytest.raises(zmq.NotSupported, match="only PUB and XPUB"):
        context.socket(zmq.PUSH).wait_subscribers()


def test_udp_has_no_connections(context: Any) -> None:
    dish = context.socket(zmq.DISH)
    dish.bind("udp://127.0.0.1:*")
    with pytest.raises(zmq.NotSupported, match="no connections"):
        dish.wait_peers()


def test_a_stream_counts_connections(context: Any) -> None:
    server, client = connect_pair(context, bound=zmq.STREAM, connected=zmq.STREAM)
    assert server.wait_peers(1, LIMIT) == client.wait_peers(1, LIMIT) == 1
    assert server.peers[0].mechanism is None


def test_the_thread_safe_types(context: Any) -> None:
    server, client = connect_pair(context, bound=zmq.SERVER, connected=zmq.CLIENT)
    assert server.wait_peers(1, LIMIT) == client.wait_peers(1, LIMIT) == 1


def test_a_long_list(context: Any) -> None:
    server = context.socket(zmq.PULL)
    bound = server.bind("tcp://127.0.0.1:*")
    clients = [context.socket(zmq.PUSH, linger=0) for _ in range(100)]
    for client in clients:
        client.connect(bound)
    assert server.wait_peers(100, 4 * LIMIT) == 100
    assert len({peer.address for peer in server.peers}) == 100


def test_the_last_sixteen_are_remembered(context: Any) -> None:
    server = context.socket(zmq.PULL)
    bound = server.bind("tcp://127.0.0.1:*")
    for _ in range(20):
        with context.socket(zmq.PUSH, linger=0) as client:
            client.connect(bound)
            client.wait_peers(1, LIMIT)
    wait_until(lambda: not server.peers, what="the end of all")
    assert len(server.past_peers) == 16


class TestTurnedAway:
    """Whom the socket takes no message from, and sends none, does not count."""

    @pytest.mark.parametrize("name", ["PAIR", "CHANNEL"])
    def test_a_second_peer(self, context: Any, name: str) -> None:
        if name == "CHANNEL" and not zmq.has("draft"):
            pytest.skip("built without drafts")
        kind = getattr(zmq, name)
        server, first = connect_pair(context, "tcp://127.0.0.1:*", kind, kind)
        assert server.wait_peers(1, LIMIT) == 1
        (known,) = server.peers
        second = context.socket(kind, linger=0)
        second.connect(server.endpoints[0])
        wait_until(lambda: server.past_peers, what="the refusal")
        assert [peer.address for peer in server.peers] == [known.address]
        with pytest.raises(zmq.Again, match="1 of 2 peers"):
            server.wait_peers(2, 20)
        (past,) = server.past_peers
        assert past.reason == "turned away by this socket"
        assert past.peer.address != known.address
        second.send(b"nobody takes this")
        second.close()
        first.send(b"still here")
        assert server.recv() == b"still here"
        assert len(server.past_peers) == 1, "it was told once"

    def test_who_has_lost_its_name(self, context: Any) -> None:
        server = context.socket(zmq.ROUTER, router_handover=1, rcvtimeo=int(LIMIT))
        bound = server.bind("tcp://127.0.0.1:*")
        for n in range(3):
            dealer = context.socket(zmq.DEALER, routing_id=b"name", linger=0, rcvtimeo=int(LIMIT))
            dealer.connect(bound)
            dealer.send(b"%d" % n)
            assert server.recv_multipart() == [b"name", b"%d" % n]
            wait_until(lambda n=n: len(server.past_peers) == n, what="the handover")
            assert server.wait_peers(1, LIMIT) == len(server.peers) == 1
            server.send_multipart([b"name", b"welcome"])
            assert dealer.recv() == b"welcome"

    def test_where_it_went_itself(self, context: Any) -> None:
        """The second of two that a PAIR connects to."""
        bound = [context.socket(zmq.PAIR, linger=0) for _ in range(2)]
        client = context.socket(zmq.PAIR, linger=0)
        for one in bound:
            client.connect(one.bind("tcp://127.0.0.1:*"))
        wait_until(lambda: client.past_peers, what="the refusal")
        assert client.wait_peers(1, LIMIT) == len(client.peers) == 1
        assert client.peers[0].endpoint == bound[0].endpoints[0]


WORKER = """
import sys, zmqlite as zmq
with zmq.Context() as context, context.socket(zmq.PULL) as tasks:
    tasks.connect(sys.argv[1])
    tasks.wait_peers(1, 20000)
    while tasks.recv(): pass
"""


def test_workers_that_come_late_die_and_come_back(context: Any) -> None:
    """Real processes: one is killed, and another takes its place."""
    server = context.socket(zmq.PUSH, linger=0)
    bound = server.bind("tcp://127.0.0.1:*")
    start = lambda: subprocess.Popen([sys.executable, "-c", WORKER, str(bound)])  # noqa: E731
    workers = [start(), start()]
    try:
        assert server.wait_peers(2, 4 * LIMIT) == 2
        workers[0].kill()
        wait_until(lambda: len(server.peers) == 1, what="the end of one")
        with pytest.raises(zmq.Again, match="1 of 2 peers"):
            server.wait_peers(2, 20)
        workers.append(start())
        assert server.wait_peers(2, 4 * LIMIT) == 2
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


class TestEnds:
    def test_a_close_ends_the_wait(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        waited = in_thread(server.wait_peers)
        wait_until(lambda: closes(server))  # not while it looks
        with pytest.raises(zmq.SocketClosed, match="wait_peers"):
            waited()

    def test_a_terminated_context_ends_it(self) -> None:
        context = zmq.Context()
        with context.socket(zmq.PULL) as server:
            waited = in_thread(server.wait_peers)
            context.shutdown()
            with pytest.raises(zmq.ContextTerminated, match="wait_peers"):
                waited()
        context.term()

    def test_ctrl_c_ends_it(self) -> None:
        code = (
            "import signal, threading, zmqlite as zmq\n"
            "socket = zmq.Context().socket(zmq.PULL)\n"
            "threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()\n"
            "try:\n    socket.wait_peers()\nexcept KeyboardInterrupt:\n    print('interrupted')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=20 * FACTOR
        )
        assert done.stdout == "interrupted\n", done.stderr

    def test_a_closed_socket(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        server.close()
        for wait in (server.wait_peers, server.wait_subscribers):
            with pytest.raises(zmq.SocketClosed):
                wait()
        with pytest.raises(zmq.SocketClosed):
            server.peers  # noqa: B018


class TestTexts:
    """What a send or receive says whose time is over."""

    def test_nobody_is_connected(self, context: Any) -> None:
        server = context.socket(zmq.PULL, rcvtimeo=1)
        server.bind("tcp://127.0.0.1:*")
        with pytest.raises(zmq.Again, match="nobody is connected"):
            server.recv()
        with pytest.raises(zmq.Again) as caught:
            server.recv(zmq.DONTWAIT)
        assert "connected" not in str(caught.value), "who polls does not pay for it"

    def test_a_send_that_finds_nobody(self, context: Any) -> None:
        client = context.socket(zmq.DEALER, sndtimeo=1, immediate=1, linger=0)
        client.connect("tcp://127.0.0.1:1")
        said = "SNDTIMEO of 1 ms is over: no peer can take a message now, and nobody is connected"
        with pytest.raises(zmq.Again, match=said + r"(; the last|$)"):
            client.send(b"")

    def test_a_send_that_finds_no_room(self, context: Any) -> None:
        server, client = connect_pair(context, "inproc://full", zmq.PULL, zmq.PUSH)
        client.sndtimeo = 1
        while client.send_nonblock(b""):
            pass
        with pytest.raises(zmq.Again, match=r"message now: the high-water mark is reached$"):
            client.send(b"")
        assert server.peers

    def test_somebody_is(self, context: Any) -> None:
        server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
        client.wait_peers(1, LIMIT)
        server.wait_peers(1, LIMIT)
        server.rcvtimeo = 1
        with pytest.raises(zmq.Again) as caught:
            server.recv()
        assert "connected" not in str(caught.value)
