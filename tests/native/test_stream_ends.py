"""A STREAM hangs up: at once, on whom it likes, and after what it has sent."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import wire
from support import FACTOR, needs_patch, wait_until

import zmqlite as zmq
import zmqlite.asyncio
from zmqlite._native import core

LIMIT = int(5000 * FACTOR)
needs_hang_up = needs_patch("stream-hang-up")


def stream(context, **options):
    """A STREAM with one raw peer: the socket, the peer and its id."""
    server = context.socket(zmq.STREAM, linger=0, rcvtimeo=LIMIT, sndtimeo=LIMIT, **options)
    raw = wire.connect(wire.port_of(server.bind("tcp://127.0.0.1:*")))
    identity, hello = server.recv_multipart()
    assert hello == b""
    return server, raw, identity


def read_to_the_end(raw):
    data = bytearray()
    try:
        while more := raw.recv(1 << 20):
            data += more
    except ConnectionError:
        pass
    raw.close()
    return bytes(data)


def fill(server, identity):
    """Send until the peer is full, and stays so: the kernel may take something later."""
    full = 0
    while full < 100:
        try:
            server.send_multipart([identity, bytes(1 << 20)], zmq.DONTWAIT)
            full = 0
        except zmq.Again:
            full += 1
            server.poll(1)


async def fill_patiently(server, identity):
    with contextlib.suppress(asyncio.TimeoutError):
        while True:
            await asyncio.wait_for(server.send_multipart([identity, bytes(1 << 20)]), 0.3)


@needs_hang_up
@pytest.mark.parametrize("sizes", [[], [5], [5, 1 << 20, 7], [3 << 20]])
def test_the_peer_gets_everything_and_then_the_end(context, sizes):
    """Without another call on the socket."""
    server, raw, identity = stream(context)
    for size in sizes:
        server.send_multipart([identity, b"x" * size])
    server.send_multipart([identity, b""])
    assert read_to_the_end(raw) == b"x" * sum(sizes)


@needs_hang_up
def test_the_peer_that_connects_gets_the_end_from_one_that_was_connected_to(context):
    """The side that connected hangs up."""
    server, raw, _ = stream(context)
    client = context.socket(zmq.STREAM, linger=0, rcvtimeo=LIMIT)
    client.connect_routing_id = b"server"
    client.connect(server.last_endpoint)
    identity, _hello = server.recv_multipart()
    client.send_multipart([b"server", b"bye"])
    client.send_multipart([b"server", b""])
    got = b""
    while True:
        who, data = server.recv_multipart()
        assert who == identity
        if not data:
            break
        got += data
    assert got == b"bye"
    raw.close()


@needs_hang_up
def test_a_full_peer_is_hung_up_on(context):
    server, raw, identity = stream(context, sndhwm=3)
    before = wire.open_files()
    fill(server, identity)
    server.send_multipart([identity, b""])
    wait_until(lambda: wire.open_files() < before, what="its descriptor to be closed")
    assert len(read_to_the_end(raw)) > 0
    with pytest.raises(zmq.ZMQError) as info:
        server.send_multipart([identity, b""])
    assert info.value.errno == zmq.EHOSTUNREACH
    again = wire.connect(wire.port_of(server.last_endpoint))
    identity, hello = server.recv_multipart()
    assert hello == b""
    server.send_multipart([identity, b"next"])
    assert again.recv(10) == b"next"
    again.close()


@needs_hang_up
def test_full_peers_are_hung_up_on_in_an_event_loop():
    async def serve():
        with zmqlite.asyncio.Context() as context:
            server = context.socket(zmq.STREAM, linger=0, sndhwm=1)
            port = wire.port_of(server.bind("tcp://127.0.0.1:*"))
            raws = [wire.connect(port) for _ in range(3)]
            identities = [(await server.recv_multipart())[0] for _ in raws]
            for identity in identities:
                await fill_patiently(server, identity)
                await asyncio.wait_for(server.send_multipart([identity, b""]), LIMIT / 1000)
            for raw in raws:
                assert await asyncio.to_thread(read_to_the_end, raw)
            server.close()

    asyncio.run(serve())


@needs_hang_up
def test_a_peer_that_leaves_between_its_id_and_the_message(context):
    server, raw, identity = stream(context)
    body = b"never to arrive" * 10_000
    server.send(identity, zmq.SNDMORE)
    raw.close()
    for _ in range(3):
        assert server.poll(LIMIT)  # the commands that tell of its end, or just the news of it
    server.send(body)
    del raw
    assert server.recv_multipart() == [identity, b""]

    def returned():
        server.poll(0)  # if the connection took it before it ended, this is where the end goes on
        return body not in core.loans().values()

    wait_until(returned, what="its memory")


@needs_hang_up
def test_a_hang_up_can_be_tracked(context):
    server, raw, identity = stream(context)
    tracker = server.send_multipart([identity, b""], copy=False, track=True)
    assert tracker.done
    assert raw.recv(1) == b""
    raw.close()
