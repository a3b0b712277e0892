"""Waiting until all that was sent has left, in every world."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR, closes, connect_pair, in_thread, needs_drafts, needs_patch, wait_until

import zmqlite as zmq
import zmqlite.asyncio

pytestmark = needs_patch("known-numbers")
LIMIT = 20_000 * FACTOR

# It ends without closing anything: what has not left by then is lost.
SENDER = """
import os, sys, zmqlite as zmq
socket = zmq.PUSH(connect=sys.argv[1])
for number in range(2000):
    socket.send(b"%d" % number + bytes(2000))
socket.wait_drained(float(sys.argv[2]))
os._exit(0)
"""


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "ws"], indirect=True)
def test_what_has_left_arrives_though_the_process_ends_at_once(
    context: Any, endpoint: str
) -> None:
    server = context.socket(zmq.PULL, rcvtimeo=int(LIMIT))
    address = server.bind(endpoint)
    command = [sys.executable, "-c", SENDER, address, str(LIMIT)]
    with subprocess.Popen(command) as sender:
        for number in range(2000):
            assert server.recv() == b"%d" % number + bytes(2000)
        assert sender.wait(LIMIT / 1000) == 0


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "inproc", "ws"], indirect=True)
class TestTransports:
    def test_it_returns_when_all_has_left(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.PULL, zmq.PUSH)
        client.send_many([bytes(1000)] * 500)
        assert client.wait_drained(LIMIT) == 0
        assert client.stats().unsent == 0
        for _ in range(500):
            server.recv()

    def test_both_ways(self, context: Any, endpoint: str) -> None:
        server, client = connect_pair(context, endpoint, zmq.ROUTER, zmq.DEALER)
        client.send(b"x")
        request = server.recv_multipart()
        server.send_multipart(request)
        assert server.wait_drained(LIMIT) == client.wait_drained(LIMIT) == 0

    def test_nothing_sent(self, context: Any, endpoint: str) -> None:
        with context.socket(zmq.PUSH, linger=0) as socket:
            socket.connect(endpoint.replace("*", "1"))
            assert socket.wait_drained(0) == 0


class TestWaits:
    def test_a_peer_that_reads_nothing(self, context: Any) -> None:
        server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
        server.close()
        server = context.socket(zmq.PULL, rcvhwm=1, linger=0)
        address = server.bind("tcp://127.0.0.1:*")
        client.connect(address)
        client.disconnect(client.endpoints[0])
        client.wait_peers(1, LIMIT)
        sent = 0
        while sent < 900 and client.send_nonblock(bytes(100_000)):
            sent += 1
        with pytest.raises(zmq.Again, match=rf"\d+ messages wait: \d+ for {address}") as caught:
            client.wait_drained(20)
        assert str(client.stats().unsent) in str(caught.value)
        received = in_thread(lambda: [server.recv() for _ in range(sent)])
        assert client.wait_drained(LIMIT) == 0
        received(LIMIT / 1000)

    def test_nobody_there(self, context: Any) -> None:
        client = context.socket(zmq.PUSH, connect="inproc://nobody", linger=0)
        client.send(b"x")
        with pytest.raises(zmq.Again, match="1 message waits: 1 for inproc://nobody"):
            client.wait_drained(10)
        context.socket(zmq.PULL, bind="inproc://nobody")
        assert client.wait_drained(LIMIT) == 0

    def test_what_went_down_with_a_connection_has_gone(self, context: Any) -> None:
        server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
        client.send(b"x")
        server.recv()
        server.close()
        assert client.wait_drained(LIMIT) == 0

    def test_closing_ends_it(self, context: Any) -> None:
        client = context.socket(zmq.PUSH, connect="tcp://127.0.0.1:1", linger=0)
        client.send(b"x")
        waits = in_thread(client.wait_drained)
        wait_until(lambda: closes(client))  # not while it looks
        with pytest.raises(zmq.SocketClosed, match="wait_drained"):
            waits()

    def test_the_end_of_the_context_ends_it(self, context: Any) -> None:
        client = context.socket(zmq.PUSH, connect="tcp://127.0.0.1:1", linger=0)
        client.send(b"x")
        waits = in_thread(client.wait_drained)
        closing = in_thread(context.shutdown)
        closing()
        with pytest.raises(zmq.ContextTerminated):
            waits()

    def test_a_number_is_milliseconds(self, context: Any) -> None:
        socket = context.socket(zmq.PUSH)
        with pytest.raises(ValueError, match="milliseconds"):
            socket.wait_drained(float("nan"))


@needs_drafts
def test_udp(context: Any) -> None:
    dish = context.socket(zmq.DISH, bind="udp://127.0.0.1:*")
    dish.join("g")
    radio = context.socket(zmq.RADIO, connect=dish.endpoints[0], linger=0)
    for _ in range(10):
        radio.send(b"x", group="g")
    assert radio.wait_drained(LIMIT) == 0
    assert radio.stats().messages_out == 10


def asyncio_world() -> tuple[Any, Callable[[Any], Any], Any]:
    return zmqlite.asyncio, lambda main: asyncio.run(main()), asyncio.sleep


def trio_world() -> tuple[Any, Callable[[Any], Any], Any]:
    trio = pytest.importorskip("trio")
    return pytest.importorskip("zmqlite.trio"), trio.run, trio.sleep


@pytest.mark.parametrize("world", [asyncio_world, trio_world])
def test_coroutines(world: Any) -> None:
    module, run, _ = world()

    async def main() -> None:
        async with module.Context() as context:
            client = context.socket(zmq.PUSH, connect="inproc://drained", linger=0)
            await client.send(b"x")
            with pytest.raises(zmq.Again, match="1 message waits"):
                await client.wait_drained(10)
            server = context.socket(zmq.PULL, bind="inproc://drained")
            assert await client.wait_drained(LIMIT) == 0
            assert await server.recv() == b"x"
            assert client.stats().messages_out == server.stats().messages_in == 1
            client.close()
            with pytest.raises(zmq.SocketClosed, match="wait_drained"):
                await client.wait_drained()
            server.close()

    run(main)


def test_asyncio_a_receive_goes_on_meanwhile() -> None:
    async def main() -> None:
        with zmqlite.asyncio.Context() as context:
            one = context.socket(zmq.PAIR, linger=0)
            address = one.bind("tcp://127.0.0.1:*")
            one.unbind(address)
            one.connect(address)
            received = asyncio.ensure_future(one.recv())
            await one.send(b"to it")
            waited = asyncio.ensure_future(one.wait_drained(LIMIT))
            await asyncio.sleep(0.02)
            for _ in range(50):
                one.stats()
            other = context.socket(zmq.PAIR, bind=address, linger=0)
            assert await other.recv() == b"to it"
            await other.send(b"back")
            assert await received == b"back", "the wait took nobody's wake-up"
            assert await waited == 0
            one.close()
            other.close()

    asyncio.run(asyncio.wait_for(main(), LIMIT / 1000))


def test_gevent() -> None:
    gevent: Any = pytest.importorskip("gevent")
    green: Any = pytest.importorskip("zmqlite.green")
    with gevent.Timeout(LIMIT / 1000), green.Context() as context:
        client = context.socket(zmq.PUSH, connect="inproc://green", linger=0)
        client.send(b"x")
        waits = gevent.spawn(client.wait_drained, LIMIT)
        gevent.sleep(0)
        server = context.socket(zmq.PULL, bind="inproc://green")
        assert waits.get() == 0
        assert server.recv() == b"x"
        client.close()
        server.close()


# It takes little, and dies with the rest on its way to it.
DYING = """
import os, sys, zmqlite as zmq
context = zmq.Context()
socket = getattr(zmq, sys.argv[2])(context=context, rcvhwm=1, rcvbuf=4096)
socket.connect(sys.argv[1])
sys.stdin.read()
os._exit(0)
"""


@pytest.mark.parametrize(("name", "other"), [("DEALER", "ROUTER"), ("PAIR", "PAIR")])
def test_what_a_peer_that_has_died_did_not_take_is_gone(
    context: Any, name: str, other: str
) -> None:
    """Also at a socket that nobody receives from: the end of the peer lies unread in its queue."""
    socket = context.socket(getattr(zmq, name), linger=0, sndhwm=100)
    command = [sys.executable, "-c", DYING, socket.bind("tcp://127.0.0.1:*"), other]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as peer:
        socket.wait_peers(timeout=LIMIT)
        for _ in range(90):
            socket.send(bytes(300_000), zmq.DONTWAIT)
        assert socket.stats().unsent
        peer.kill()
    assert socket.wait_drained(LIMIT) == 0  # (a look at `peers` would have read the end)
