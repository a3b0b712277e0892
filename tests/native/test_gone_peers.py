"""A peer that has gone is not one that is full: nobody waits for it."""

from __future__ import annotations

import pytest
import wire
from support import FACTOR, in_thread, needs_patch, wait_inside, wait_until

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)
needs_drafts = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")


def stream(context, **options):
    """A STREAM with one raw peer: the socket, the peer and its id."""
    server = context.socket(zmq.STREAM, linger=0, rcvtimeo=LIMIT, **options)
    raw = wire.connect(wire.port_of(server.bind("tcp://127.0.0.1:*")))
    identity, hello = server.recv_multipart()
    assert hello == b""
    return server, raw, identity


def is_unreachable(send, *args):
    try:
        send(*args)
    except zmq.ZMQError as error:
        return error.errno == zmq.EHOSTUNREACH
    return False


def unreachable_in_the_end(send, *args):
    """Sends that wait, until the peer is known to be gone."""
    return wait_until(lambda: is_unreachable(send, *args))


def fill(socket, identity):
    """Send until nothing more fits; the kernel may take something later."""
    try:
        while True:
            socket.send_multipart([identity, bytes(1 << 20)], zmq.DONTWAIT)
    except zmq.Again:
        pass


@needs_patch("gone-peer")
@pytest.mark.parametrize("reads", [0, 1])
def test_a_stream_peer_that_hung_up_is_unreachable(context, reads):
    server, raw, identity = stream(context)
    raw.close()
    if reads:
        assert server.recv_multipart() == [identity, b""]
    send = in_thread(unreachable_in_the_end, server.send_multipart, [identity, b"late"])
    assert send(timeout=LIMIT / 500)
    if not reads:
        assert server.recv_multipart() == [identity, b""]
    assert is_unreachable(server.send_multipart, [identity, b"late"])


@needs_patch("gone-peer")
def test_a_send_that_waits_hears_that_the_stream_peer_has_gone(context):
    server, raw, identity = stream(context, sndhwm=1, sndbuf=4096)
    fill(server, identity)
    send = in_thread(unreachable_in_the_end, server.send_multipart, [identity, bytes(1 << 20)])
    wait_inside(server)
    wire.reset(raw)
    assert send(timeout=LIMIT / 500)


@needs_patch("gone-peer")
def test_a_part_alone_leaves_a_stream_as_it_was(context):
    server, raw, identity = stream(context)
    for turn in range(3):
        server.send(b"alone")
        server.send_multipart([identity, b"%d" % turn])
        assert raw.recv(10) == b"%d" % turn
    raw.close()


@needs_drafts
@needs_patch("gone-peer")
@pytest.mark.parametrize("kinds", [("SERVER", "CLIENT"), ("PEER", "PEER")], ids="-".join)
@pytest.mark.parametrize("endpoint", ["inproc://gone", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("full", [0, 1])
def test_a_client_that_left_is_unreachable(context, kinds, endpoint, full):
    server = context.socket(getattr(zmq, kinds[0]), linger=0, rcvtimeo=LIMIT, sndhwm=1)
    client = context.socket(getattr(zmq, kinds[1]), linger=0, rcvhwm=1)
    where = server.bind(endpoint)
    if kinds[1] == "PEER":
        client.send(b"here", routing_id=client.connect_peer(where))
    else:
        client.connect(where)
        client.send(b"here")
    identity = server.recv(copy=False).routing_id
    while full:
        try:
            server.send(bytes(1 << 20), zmq.DONTWAIT, routing_id=identity)
        except zmq.Again:
            break
    client.close()

    def late():
        return server.send(bytes(1 << 20), zmq.DONTWAIT, routing_id=identity)

    assert unreachable_in_the_end(late)


@needs_patch("gone-peer")
@pytest.mark.parametrize("endpoint", ["inproc://gone", "tcp://127.0.0.1:*"])
def test_a_mandatory_router_hears_that_a_full_peer_has_gone(context, endpoint):
    router = context.socket(zmq.ROUTER, linger=0, sndhwm=1, router_mandatory=1, rcvtimeo=LIMIT)
    dealer = context.socket(zmq.DEALER, linger=0, rcvhwm=1, routing_id=b"one")
    dealer.connect(router.bind(endpoint))
    dealer.send(b"here")
    assert router.recv_multipart() == [b"one", b"here"]
    fill(router, b"one")
    send = in_thread(unreachable_in_the_end, router.send_multipart, [b"one", bytes(1 << 20)])
    wait_inside(router)
    dealer.close()
    assert send(timeout=LIMIT / 500)
    assert not router.poll(0, zmq.POLLOUT)
