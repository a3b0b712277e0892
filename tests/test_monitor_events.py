"""monitor_events() of a socket: typed, several at once, never in the way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from support import (
    FACTOR,
    connect_pair,
    encrypted_pair,
    in_thread,
    needs_drafts,
    needs_patch,
    wait_asleep,
)

import zmqlite as zmq
from zmqlite.socket.monitor_events import EventStream, _decode

pytestmark = needs_drafts
LIMIT = 5000 * FACTOR


def until(events: Any, last: zmq.Event) -> list[Any]:
    """Read events up to one of a kind, and return them."""
    seen: list[Any] = []
    for event in events:
        seen.append(event)
        if event.event is last:
            return seen
    pytest.fail(f"ended before {last!r}: {seen}")


@pytest.mark.parametrize("endpoint", ["tcp", "ipc", "ws"], indirect=True)
def test_a_life(context: Any, endpoint: str) -> None:
    server, client = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
    with server.monitor_events() as at_server, client.monitor_events() as at_client:
        bound = server.bind(endpoint)
        client.connect(bound)
        seen = until(at_server, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        assert [event.event for event in seen] == [
            zmq.EVENT_LISTENING,
            zmq.EVENT_ACCEPTED,
            zmq.EVENT_HANDSHAKE_SUCCEEDED,
        ]
        assert {event.endpoint for event in seen} == {bound}
        connected = until(at_client, zmq.EVENT_HANDSHAKE_SUCCEEDED)[-1]
        assert connected.endpoint == connected.address == bound
        client.close()
        until(at_server, zmq.EVENT_DISCONNECTED)
        assert until(at_client, zmq.EVENT_MONITOR_STOPPED)
        assert at_client.closed
        assert list(at_client) == []
    assert at_server.closed


def test_several_watch_one_socket(context: Any) -> None:
    server = context.socket(zmq.PULL)
    all_of_it = server.monitor_events()
    some = server.monitor_events(zmq.EVENT_ACCEPTED)
    bound = server.bind("tcp://127.0.0.1:*")
    late = server.monitor_events(zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    client = context.socket(zmq.PUSH, linger=0)
    client.connect(bound)
    assert len(until(all_of_it, zmq.EVENT_HANDSHAKE_SUCCEEDED)) == 3
    assert next(some).event is zmq.EVENT_ACCEPTED
    assert [event.event for event in until(late, zmq.EVENT_HANDSHAKE_SUCCEEDED)] == [
        zmq.EVENT_ACCEPTED,
        zmq.EVENT_HANDSHAKE_SUCCEEDED,
    ]
    for stream in (all_of_it, late):
        stream.close()
    server.close()
    assert [event.event for event in some] == [zmq.EVENT_MONITOR_STOPPED]


@needs_patch("early-watchers")
def test_no_event_is_lost_at_the_start(context: Any) -> None:
    """A new watcher hears of what happens right after, however soon after the last event."""
    for _ in range(50):
        with context.socket(zmq.PULL) as server:
            first = server.monitor_events()
            server.bind("tcp://127.0.0.1:*")
            with first, server.monitor_events() as second:
                bound = server.bind("tcp://127.0.0.1:*")
                assert next(second).endpoint == bound


def test_a_watcher_that_does_not_read_is_in_nobodys_way(context: Any) -> None:
    server = context.socket(zmq.PULL, rcvtimeo=int(LIMIT))
    with server.monitor_events() as unread:
        bound = server.bind("tcp://127.0.0.1:*")
        for number in range(800):  # above 1000 events
            with context.socket(zmq.PUSH) as client:
                client.connect(bound)
                client.send(b"%d" % number)
                assert server.recv() == b"%d" % number
        assert sum(event.event is zmq.EVENT_ACCEPTED for event in _take(unread, 1500)) > 400


def _take(events: Any, most: int) -> list[Any]:
    return [next(events) for _ in range(most)]


def test_reasons_in_words(context: Any) -> None:
    server, _ = encrypted_pair(context, zmq.PULL, zmq.PUSH)
    with server.monitor_events(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL) as events:
        stranger = context.socket(zmq.PUSH, linger=0)
        stranger.curve_serverkey = zmq.curve_keypair()[0]
        stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
        stranger.connect(server.endpoints[0])
        event = next(events)
    assert event.reason == "zmtp cryptographic"
    assert event.endpoint == server.endpoints[0]
    assert event.address.startswith("tcp://127.0.0.1:")
    assert str(event).endswith("(zmtp cryptographic)")


def test_the_next_try(context: Any) -> None:
    client = context.socket(zmq.PUSH, linger=0, reconnect_ivl=20)
    with client.monitor_events(zmq.EVENT_CONNECT_RETRIED) as events:
        client.connect("tcp://127.0.0.1:1")
        event = next(events)
    assert event.retry is not None
    assert event.retry >= 20
    assert event.endpoint == "tcp://127.0.0.1:1"
    assert "next try in" in str(event)


def test_an_event_is_frozen(context: Any) -> None:
    with context.socket(zmq.PULL) as server, server.monitor_events() as events:
        server.bind("tcp://127.0.0.1:*")
        event = next(events)
    assert type(event) is zmq.MonitorEvent
    with pytest.raises(AttributeError):
        event.reason = ""
    assert not hasattr(event, "__dict__")
    with pytest.raises(ValueError, match="monitor"):
        _decode([b""], ())


class TestOneMonitor:
    def test_the_program_has_it(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        monitor = server.get_monitor_socket()
        with pytest.raises(zmq.StateError, match="disable_monitor"):
            server.monitor_events()
        server.disable_monitor()
        monitor.close()
        with server.monitor_events() as events:
            server.bind("tcp://127.0.0.1:*")
            assert next(events).event is zmq.EVENT_LISTENING

    def test_a_watcher_has_it(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        events = server.monitor_events()
        with pytest.raises(zmq.StateError, match="close what it returned"):
            server.get_monitor_socket()
        events.close()
        monitor = server.get_monitor_socket()
        server.bind("tcp://127.0.0.1:*")
        assert zmq.recv_monitor_message(monitor)["event"] is zmq.EVENT_LISTENING
        monitor.close()

    def test_to_stop_the_monitor_ends_the_watchers(self, context: Any) -> None:
        server = context.socket(zmq.PULL)
        events = server.monitor_events()
        server.disable_monitor()
        assert [event.event for event in events] == [zmq.EVENT_MONITOR_STOPPED]
        with server.monitor_events() as again:
            server.bind("tcp://127.0.0.1:*")
            assert next(again).event is zmq.EVENT_LISTENING


def test_no_monitor_comes_between(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread asks for the monitor while a stream is made, which would wait without end."""
    server = context.socket(zmq.PULL)
    asked: list[Any] = []

    class Slow(EventStream):
        __slots__ = ()

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            asked.append(in_thread(server.monitor, "inproc://mine"))
            with suppress(OSError):  # it has ended
                wait_asleep(asked[0])

    monkeypatch.setattr(type(server), "_stream_class", Slow)
    with server.monitor_events() as events:
        with pytest.raises(zmq.StateError, match="close what it returned"):
            asked[0]()
        server.bind("tcp://127.0.0.1:*")
        assert next(events).event is zmq.EVENT_LISTENING


def test_it_waits_in_a_thread(context: Any) -> None:
    server, client = connect_pair(context)
    events = server.monitor_events(zmq.EVENT_DISCONNECTED)
    seen = in_thread(lambda: [event.event for event in events])
    client.close()
    server.wait_peers(0)
    server.close()
    assert seen()[-1] is zmq.EVENT_MONITOR_STOPPED


def test_a_closed_socket_is_not_watched(context: Any) -> None:
    server = context.socket(zmq.PULL)
    server.close()
    with pytest.raises(zmq.SocketClosed):
        server.monitor_events()


def test_a_closed_socket_has_no_events(context: Any) -> None:
    """Also where one was watched before: an iterator that never ended came of it."""
    watched, other = context.socket(zmq.PULL), context.socket(zmq.PULL)
    with watched.monitor_events():
        pass
    for socket in (watched, other):
        socket.close()
        with pytest.raises(zmq.SocketClosed, match="monitor_events"):
            socket.monitor_events()
    with context.socket(zmq.PULL) as socket:
        for odd in ("1", None, 1.5):
            with pytest.raises(TypeError, match="EVENT_"):
                socket.monitor_events(odd)
