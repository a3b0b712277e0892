"""By which routing id a socket addresses a peer, as `peers`, `past_peers` and events say it."""

from __future__ import annotations

import socket as sockets
from collections.abc import Iterator
from typing import Any

import pytest
import wire
from support import FACTOR, binds, connect_pair, needs_drafts, needs_patch, wait_until

import zmqlite as zmq

pytestmark = needs_patch("known-names")
LIMIT = 15_000 * FACTOR


def named(socket: Any, count: int = 1) -> list[Any]:
    """Wait until so many peers have their names, and return those."""

    def names() -> list[Any] | None:
        found = [peer.routing_id for peer in socket.peers]
        return found if len(found) == count and None not in found else None

    return wait_until(names, what="names")  # type: ignore[no-any-return]


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "inproc", "ws"], indirect=True)
class TestTransports:
    def test_identities(self, context: Any, endpoint: str) -> None:
        router = context.socket(zmq.ROUTER, linger=0)
        address = router.bind(endpoint)
        for n in range(3):
            context.socket(zmq.DEALER, routing_id=b"peer%d" % n, connect=address)
        assert sorted(named(router, 3)) == [b"peer0", b"peer1", b"peer2"]

    def test_those_that_are_made_up_address_their_peer(self, context: Any, endpoint: str) -> None:
        router, dealer = connect_pair(context, endpoint, zmq.ROUTER, zmq.DEALER)
        (name,) = named(router)
        assert len(name) == 5
        router.send_multipart([name, b"x"])
        assert dealer.recv() == b"x"
        assert [peer.routing_id for peer in dealer.peers] == [None]

    @needs_drafts
    def test_numbers(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.SERVER, zmq.CLIENT)
        client.send(b"x")
        number = server.recv(copy=False).routing_id
        assert named(server) == [number]
        assert [peer.routing_id for peer in client.peers] == [None]

    def test_two_routers(self, context: Any, endpoint: str) -> None:
        one, two = connect_pair(context, endpoint, zmq.ROUTER, zmq.ROUTER)
        (here,), (there,) = named(one), named(two)
        one.send_multipart([here, b"to two"])
        assert two.recv_multipart() == [there, b"to two"]


def test_a_name_that_is_given_to_a_connection(context: Any) -> None:
    server = context.socket(zmq.ROUTER, routing_id=b"its own", linger=0)
    client = context.socket(zmq.ROUTER, linger=0)
    client.set(zmq.CONNECT_ROUTING_ID, b"mine for it")
    client.connect(server.bind("tcp://127.0.0.1:*"))
    assert named(client) == [b"mine for it"]


def test_past_peers_and_events_keep_it(context: Any) -> None:
    router = context.socket(zmq.ROUTER, linger=0)
    address = router.bind("tcp://127.0.0.1:*")
    with router.monitor_events(zmq.EVENT_DISCONNECTED) as ends:
        for name in (b"\x80one", b"two"):
            dealer = context.socket(zmq.DEALER, routing_id=name, connect=address)
            assert named(router) == [name]
            dealer.close()
            event = next(ends)
            assert event.routing_id == name
            wait_until(lambda: not router.peers, what="the end")
            assert router.past_peers[-1].peer.routing_id == name


@needs_drafts
def test_of_a_server_too(context: Any) -> None:
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.SERVER, zmq.CLIENT)
    (number,) = named(server)
    with server.monitor_events(zmq.EVENT_DISCONNECTED) as ends:
        client.close()
        assert next(ends).routing_id == number


def test_where_there_is_none(context: Any) -> None:
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.REP, zmq.REQ)
    with server.monitor_events() as events:
        client.send(b"x")
        server.recv()
        assert server.peers[0].routing_id is None, "a REP addresses nobody"
        client.close()
        for event in events:
            assert event.routing_id is None
            if event.event == zmq.EVENT_DISCONNECTED:
                break
    assert server.past_peers[-1].peer.routing_id is None


def test_a_name_is_handed_over(context: Any) -> None:
    router = context.socket(zmq.ROUTER, router_handover=1, linger=0, rcvtimeo=int(LIMIT))
    address = router.bind("tcp://127.0.0.1:*")
    with router.monitor_events(zmq.EVENT_DISCONNECTED) as ends:
        dealers = []
        for n in range(3):
            dealers.append(context.socket(zmq.DEALER, routing_id=b"name", connect=address))
            dealers[-1].send(b"%d" % n)
            assert router.recv_multipart() == [b"name", b"%d" % n]
            wait_until(lambda n=n: len(router.past_peers) == n, what="the handover")
            assert named(router) == [b"name"]
        for past in router.past_peers:
            assert past.peer.routing_id == b"name"
            assert past.reason == "turned away by this socket"
        dealers[-1].close()
        assert next(ends).routing_id == b"name"


def test_who_waits_for_a_name_gets_it(context: Any) -> None:
    """Without handover the second of two with one name has none, until the first has left."""
    router = context.socket(zmq.ROUTER, linger=0)
    address = router.bind("tcp://127.0.0.1:*")
    first = context.socket(zmq.DEALER, routing_id=b"name", connect=address)
    assert named(router) == [b"name"]
    second = context.socket(zmq.DEALER, routing_id=b"name", connect=address, rcvtimeo=int(LIMIT))
    second.wait_peers(1, LIMIT)
    router.wait_peers(2, LIMIT)
    assert [peer.routing_id for peer in router.peers] == [b"name", None]
    first.close()

    def passed_on() -> bool:
        router.poll(0)
        return [peer.routing_id for peer in router.peers] == [b"name"]

    wait_until(passed_on, what="the name to be free")
    router.send_multipart([b"name", b"x"])
    assert second.recv() == b"x"


def test_a_stream(context: Any) -> None:
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.STREAM, zmq.STREAM)
    (name,) = named(client)
    client.send_multipart([name, b"x"])
    while (parts := server.recv_multipart())[1] != b"x":
        pass
    assert named(server) == [parts[0]]


def test_who_comes_back_has_its_name_again(context: Any) -> None:
    """Also where it was the ROUTER that connected."""
    router = context.socket(zmq.ROUTER, linger=0, reconnect_ivl=10)
    dealer = context.socket(zmq.DEALER, routing_id=b"one", linger=0)
    address = dealer.bind("tcp://127.0.0.1:*")
    router.connect(address)
    assert named(router) == [b"one"]
    dealer.close()
    wait_until(lambda: not router.peers, what="the end")
    again = context.socket(zmq.DEALER, routing_id=b"two", linger=0)
    wait_until(lambda: binds(again, address), what="the address to be free")
    again.send(b"x")
    router.rcvtimeo = int(LIMIT)
    assert router.recv_multipart() == [b"two", b"x"]
    assert named(router) == [b"two"]


def test_a_program_that_takes_the_monitor_reads_what_it_always_did(context: Any) -> None:
    router = context.socket(zmq.ROUTER, linger=0)
    address = router.bind("tcp://127.0.0.1:*")
    with router.monitor_events():
        pass
    router.monitor("inproc://mine", zmq.EVENT_DISCONNECTED, 2)
    monitor = context.socket(zmq.PAIR, connect="inproc://mine", rcvtimeo=int(LIMIT))
    dealer = context.socket(zmq.DEALER, routing_id=b"me", connect=address)
    assert named(router) == [b"me"]
    dealer.close()
    assert len(monitor.recv_multipart()) == 5
    router.disable_monitor()


@pytest.mark.parametrize("module", ["asyncio", "trio", "green"])
def test_every_world_says_it(module: str) -> None:
    world: Any = pytest.importorskip(f"zmqlite.{module}")
    assert world.Peer._fields[-1] == world.MonitorEvent._fields[-1] == "routing_id"


@pytest.mark.parametrize("kind", ["ROUTER", pytest.param("SERVER", marks=needs_drafts)])
def test_a_stranger_is_not_called_like_the_peer_before_it(context: Any, kind: str) -> None:
    """The engine of who never shook hands may lie where that of a peer lay."""
    server = context.socket(getattr(zmq, kind), linger=0, rcvtimeo=int(LIMIT))
    address = server.bind("tcp://127.0.0.1:*")
    peer = zmq.DEALER if kind == "ROUTER" else zmq.CLIENT
    with server.monitor_events(zmq.EVENT_DISCONNECTED) as ends:
        for n in range(6):
            client = context.socket(peer, connect=address, linger=0)
            client.send(b"x")
            server.recv(copy=False)
            (name,) = named(server)
            client.close()
            assert next(ends).routing_id == name
            for said in (b"", wire.greeting()[:12], b"GET / HTTP/1.0\r\n\r\n"):
                with wire.dial(address) as raw:
                    raw.sendall(said)
                assert next(ends).routing_id is None, (n, said)


@pytest.fixture
def listener() -> Iterator[sockets.socket]:
    with sockets.create_server(("127.0.0.1", 0), backlog=10) as found:
        found.settimeout(LIMIT / 1000)
        yield found


def watched(context: Any, listener: sockets.socket) -> tuple[Any, Any]:
    """Return a ROUTER that connects there, and what it says of those who come and go."""
    router = context.socket(zmq.ROUTER, linger=0, reconnect_ivl=5)
    events = router.monitor_events(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    router.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    return router, events


def accepted(listener: sockets.socket, name: bytes) -> sockets.socket:
    """Take the next connection for a DEALER of this name."""
    raw, _ = listener.accept()
    raw.sendall(wire.greeting() + wire.ready("DEALER", name))
    return raw


def test_who_follows_at_an_address_has_its_own_name(
    context: Any, listener: sockets.socket
) -> None:
    """It was told with the name of the peer before it, whose pipe it has got."""
    router, events = watched(context, listener)
    with events:
        for name in (b"one", b"two", b"two", b"three"):
            with accepted(listener, name):
                event = next(events)
                assert event.event == zmq.EVENT_HANDSHAKE_SUCCEEDED
                assert event.routing_id is None, "nobody has looked"
                wait_until(lambda: router.poll(0) or router.peers, what="the peer")
                assert named(router) == [name]
            assert next(events).routing_id == name
            assert router.past_peers[-1].peer.routing_id == name


def test_who_leaves_before_it_is_looked_at_has_no_name(
    context: Any, listener: sockets.socket
) -> None:
    router, events = watched(context, listener)
    with events:
        with accepted(listener, b"one"):
            next(events)
            assert named(router) == [b"one"]
        assert next(events).routing_id == b"one"
        for name in (b"two", b"three"):
            with accepted(listener, name):
                assert next(events).routing_id is None
            assert next(events).routing_id is None
        # now it reads their names, which are not that of the next one
        assert [past.peer.routing_id for past in router.past_peers] == [b"one", None, None]
        with accepted(listener, b"four"):
            assert next(events).routing_id is None
            assert named(router) == [b"four"]
        assert next(events).routing_id == b"four"


def test_who_comes_after_those_for_whom_there_was_no_room(
    context: Any, listener: sockets.socket
) -> None:
    """Their names never got into the queue, and the next one is not taken for theirs."""
    router = context.socket(zmq.ROUTER, linger=0, reconnect_ivl=5, rcvhwm=1, rcvtimeo=int(LIMIT))
    events = router.monitor_events(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    router.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    with events:
        with accepted(listener, b"one") as raw:
            next(events)
            raw.sendall(wire.frame(b"1") + wire.frame(b"2"))
            assert router.poll(LIMIT)
        assert next(events).routing_id == b"one"
        for name in (b"two", b"three"):
            with accepted(listener, name):
                next(events)
            assert next(events).routing_id is None
        assert [router.recv_multipart() for _ in range(2)] == [[b"one", b"1"], [b"one", b"2"]]
        with accepted(listener, b"four"):
            next(events)
            assert named(router) == [b"four"]
        assert next(events).routing_id == b"four"


def test_a_name_that_is_given_stays_for_who_follows(
    context: Any, listener: sockets.socket
) -> None:
    router = context.socket(zmq.ROUTER, linger=0, reconnect_ivl=5)
    router.set(zmq.CONNECT_ROUTING_ID, b"given")
    events = router.monitor_events(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    router.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    with events:
        for name in (b"one", b"two"):
            with accepted(listener, name):
                assert next(events).routing_id == b"given"
            assert next(events).routing_id == b"given"
