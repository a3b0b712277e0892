"""Monitor sockets: how they are had, what they say, how they end."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from pyzmq.conftest import LIMIT


def reports(tree: Any, monitor: Any, until: Any) -> list[dict[str, Any]]:
    """Receive reports up to and including an event."""
    monitor.rcvtimeo = LIMIT
    found: list[dict[str, Any]] = []
    while not found or found[-1]["event"] != until:
        found.append(tree("utils.monitor").recv_monitor_message(monitor))
    return found


def test_a_connection_from_begin_to_end(tree: Any, tree_ctx: Any) -> None:
    zmq = tree("")
    server, client = tree_ctx.socket(zmq.REP), tree_ctx.socket(zmq.REQ)
    monitor = client.get_monitor_socket()
    assert monitor.type == zmq.PAIR
    assert client.get_monitor_socket() is monitor
    port = server.bind_to_random_port("tcp://127.0.0.1")
    addr = f"tcp://127.0.0.1:{port}"
    client.connect(addr)
    found = reports(tree, monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    assert {zmq.Event.CONNECTED, zmq.Event.HANDSHAKE_SUCCEEDED} <= {r["event"] for r in found}
    for report in found:
        assert set(report) == {"event", "value", "endpoint"}
        assert isinstance(report["event"], zmq.Event)
        assert isinstance(report["value"], int)
        assert report["endpoint"] == addr.encode()
    client.disable_monitor()
    assert reports(tree, monitor, zmq.EVENT_MONITOR_STOPPED)[-1]["endpoint"] == b""
    monitor.close()


def test_the_address_and_the_events_can_be_chosen(tree: Any, tree_ctx: Any) -> None:
    zmq = tree("")
    server = tree_ctx.socket(zmq.REP)
    monitor = server.get_monitor_socket(zmq.EVENT_LISTENING, "inproc://own.name")
    assert monitor.last_endpoint == b"inproc://own.name"
    server.bind("tcp://127.0.0.1:*")
    [report] = reports(tree, monitor, zmq.EVENT_LISTENING)
    assert report["endpoint"] == server.last_endpoint
    other = tree_ctx.socket(zmq.PAIR)
    push = tree_ctx.socket(zmq.PUSH)
    push.monitor("inproc://by.hand", zmq.EVENT_ALL)
    other.connect("inproc://by.hand")
    push.monitor(None)
    assert reports(tree, other, zmq.EVENT_MONITOR_STOPPED)


def test_a_new_monitor_after_the_old_was_closed(ours: Any, our_ctx: Any) -> None:
    """At once; in pyzmq its address may still be in use."""
    socket = our_ctx.socket(ours.PUSH)
    first = socket.get_monitor_socket()
    socket.disable_monitor()
    first.close()
    second = socket.get_monitor_socket()
    assert second is not first
    assert not second.closed


def test_parsing(tree: Any) -> None:
    zmq = tree("")
    parse = tree("utils.monitor").parse_monitor_message
    report = parse([b"\1\0\7\0\0\0", b"tcp://x"])
    assert (report["event"], report["endpoint"]) == (zmq.EVENT_CONNECTED, b"tcp://x")
    assert int(report["value"]) == 7
    for wrong in ([b"\1\0\7\0\0\0"], [b"short", b"tcp://x"]):
        with pytest.raises((ValueError, RuntimeError)):
            parse(wrong)


def test_values_are_what_they_are(ours: Any) -> None:
    """D7: pyzmq shows descriptors, errnos and times as flags; 23 as four events."""
    import zmqlite.monitor

    parse = zmqlite.monitor.parse_monitor_message
    connected = parse([b"\1\0\x17\0\0\0", b"tcp://x"])
    assert (type(connected["value"]), connected["value"]) == (int, 23)
    number = errno.ECONNREFUSED.to_bytes(4, "little")
    assert parse([b"\2\0" + number, b"tcp://x"])["value"] == errno.ECONNREFUSED
    protocol = parse([(0x2000).to_bytes(2, "little") + (0x10000001).to_bytes(4, "little"), b""])
    assert protocol["value"] is ours.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
