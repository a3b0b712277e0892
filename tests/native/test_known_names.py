"""By which routing id a socket addresses a peer, as `peers`, `past_peers` and events say it."""

from __future__ import annotations

from typing import Any

import pytest
from support import FACTOR, connect_pair, needs_drafts, needs_patch, wait_until

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
    wait_until(lambda: bound(again, address), what="the address to be free")
    again.send(b"x")
    router.rcvtimeo = int(LIMIT)
    assert router.recv_multipart() == [b"two", b"x"]
    assert named(router) == [b"two"]


def bound(socket: Any, address: str) -> bool:
    try:
        socket.bind(address)
    except zmq.AddressInUse:
        return False
    return True


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
