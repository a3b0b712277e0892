"""What is counted when a connection breaks: nothing falls, and nothing wraps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support import FACTOR, binds, needs_patch, wait_until

import zmqlite as zmq

pytestmark = needs_patch("known-numbers", "known-peers")
LIMIT = 20_000 * FACTOR
FULL = {"sndhwm": 20, "rcvhwm": 2, "sndbuf": 5000, "rcvbuf": 5000, "linger": 0}
COUNTERS = ("messages_in", "bytes_in", "messages_out", "bytes_out", "drops", "connects")
QUEUES = ("queued_in", "queued_out", "unsent")
# XSUB and SUB get a new queue at the end of a connection, the others keep theirs.
KINDS = [("XSUB", "XPUB"), ("PUSH", "PULL"), ("DEALER", "DEALER"), ("PAIR", "PAIR")]


def sane(stats: zmq.SocketStats) -> zmq.SocketStats:
    for one in (stats, *stats.peers):
        for field in (*COUNTERS, *QUEUES):
            assert 0 <= getattr(one, field, 0) < 1 << 40, (field, one)
    return stats


def filled(socket: Any) -> Iterator[None]:
    """Send until there is no room; a step is one message."""
    for _ in range(100):
        if not socket.send_nonblock(b"x" * 20_000):
            return
        yield


@pytest.mark.parametrize(("kind", "other"), KINDS)
class TestAConnectionBreaks:
    def test_what_was_counted_never_falls(self, context: Any, kind: str, other: str) -> None:
        server = context.socket(other, **FULL)
        address = server.bind("tcp://127.0.0.1:*")
        client = context.socket(kind, reconnect_ivl=1, connect=address, **FULL)
        last = client.stats()

        def grown() -> zmq.SocketStats:
            nonlocal last
            now = sane(client.stats())
            for field in COUNTERS:
                assert getattr(now, field) >= getattr(last, field), field
            last = now
            return now

        for number in range(1, 5):
            wait_until(lambda n=number: grown().connects == n, what="a connection")
            for _ in filled(client):
                grown()
            server.close()
            wait_until(lambda n=number: grown().disconnects == n, what="its end")
            server = context.socket(other, **FULL)
            wait_until(lambda: binds(server, address), what="the address to be free")  # noqa: B023
        wait_until(lambda: grown().connects == 5, what="the last connection")
        server.rcvtimeo = int(LIMIT)
        while grown().unsent:
            server.poll(10)
            server.recv_nonblock()
        assert grown().queued_out == 0

    @pytest.mark.parametrize("end", ["close", "disconnect"])
    def test_the_socket_ends_meanwhile(
        self, context: Any, kind: str, other: str, end: str
    ) -> None:
        for _ in range(10):
            server = context.socket(other, **FULL)
            address = server.bind("tcp://127.0.0.1:*")
            client = context.socket(kind, reconnect_ivl=1, connect=address, **FULL)
            client.wait_peers(1, LIMIT)
            for _ in filled(client):
                pass
            server.close()
            if end == "disconnect":
                client.disconnect(address)
                sane(client.stats())
            client.close()
            while sane(context.stats()).peers:
                pass
        stats = sane(context.stats())
        assert stats.queued_out == stats.queued_in == stats.unsent == 0
        assert stats.messages_out >= 10
