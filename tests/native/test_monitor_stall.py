"""A monitor that nobody reads any more must not stop the socket, nor its I/O thread."""

from __future__ import annotations

from typing import Any

from support import needs_patch

import zmqlite as zmq


@needs_patch("monitor-stall")
def test_a_closed_monitor_stops_nothing(context: Any) -> None:
    server = context.socket(zmq.REP, rcvtimeo=20_000)
    for _ in range(50):  # closing takes effect in another thread: now and then it is in time
        server.get_monitor_socket().close()
        server.unbind(server.bind("tcp://127.0.0.1:*"))
    client = context.socket(zmq.REQ, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
    client.send(b"still here")
    assert server.recv() == b"still here"
    assert not server.get_monitor_socket().closed


@needs_patch("monitor-stall")
def test_an_unread_monitor_stops_nothing(context: Any) -> None:
    server = context.socket(zmq.PULL)
    monitor = server.get_monitor_socket(zmq.EVENT_LISTENING | zmq.EVENT_CLOSED)
    for _ in range(3000):  # two events each: far beyond both high-water marks
        server.unbind(server.bind("tcp://127.0.0.1:*"))
    while monitor.readable():
        assert len(monitor.recv_multipart()) == 2
