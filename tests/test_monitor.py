"""Monitors: what they report, decoded, in both versions of the message."""

from __future__ import annotations

import errno
import struct
from typing import Any

import pytest
from support import FACTOR, connect_pair, in_thread, wait_until

import zmqlite as zmq
from zmqlite.monitor import describe, monitor_events, parse_monitor_message, recv_monitor_message


def v1(event: int, value: int, endpoint: bytes = b"tcp://127.0.0.1:5555") -> list[bytes]:
    return [struct.pack("=HI", event, value), endpoint]


def v2(event: int, *values: int, local: bytes = b"", remote: bytes = b"") -> list[bytes]:
    numbers = [event, len(values), *values]
    return [*(struct.pack("=Q", n) for n in numbers), local, remote]


class TestParse:
    def test_version_1(self) -> None:
        message = parse_monitor_message(v1(zmq.EVENT_LISTENING, 23))
        assert message == {
            "event": zmq.EVENT_LISTENING,
            "value": 23,
            "endpoint": b"tcp://127.0.0.1:5555",
        }
        assert type(message["event"]) is zmq.Event
        assert type(message["value"]) is int

    def test_version_2(self) -> None:
        message = parse_monitor_message(v2(zmq.EVENT_PIPES_STATS, 3, 4, local=b"l", remote=b"r"))
        assert message["event"] is zmq.EVENT_PIPES_STATS
        assert message["values"] == (3, 4)
        assert (message["value"], message["endpoint"]) == (3, b"l")
        assert (message["local"], message["remote"]) == (b"l", b"r")

    def test_version_2_without_values(self) -> None:
        message = parse_monitor_message(v2(zmq.EVENT_MONITOR_STOPPED, remote=b"r"))
        assert (message["value"], message["values"], message["endpoint"]) == (0, (), b"r")

    def test_protocol_errors_have_names(self) -> None:
        for error in (
            zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
            zmq.PROTOCOL_ERROR_ZAP_BAD_VERSION,
            zmq.PROTOCOL_ERROR_WS_UNSPECIFIED,
        ):
            value = parse_monitor_message(v1(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, error))["value"]
            assert value is error
        odd = parse_monitor_message(v1(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, 0x12345))["value"]
        assert type(odd) is int

    def test_frames(self, context: Any) -> None:
        frames = [zmq.Frame(part) for part in v1(zmq.EVENT_CLOSED, 1)]
        assert parse_monitor_message(frames)["event"] is zmq.EVENT_CLOSED  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "wrong",
        [[], [b"x"], [b"x", b"y"], [b"12345678"] * 3, v2(1, 5)[:-1], [*v2(1, 5), b"", b""]],
    )
    def test_refuses_other_messages(self, wrong: list[bytes]) -> None:
        with pytest.raises(ValueError, match="monitor"):
            parse_monitor_message(wrong)

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            (v1(zmq.EVENT_ACCEPTED, 23), "ACCEPTED tcp://127.0.0.1:5555 (fd 23)"),
            (v1(zmq.EVENT_CONNECT_RETRIED, 100), "(next try in 100 ms)"),
            (v1(zmq.EVENT_BIND_FAILED, errno.EADDRINUSE), "(Address already in use)"),
            (v1(zmq.EVENT_CONNECT_DELAYED, 0), "CONNECT_DELAYED tcp://127.0.0.1:5555"),
            (v1(zmq.EVENT_HANDSHAKE_FAILED_AUTH, 400), "(ZAP status 400)"),
            (
                v1(
                    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
                    zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA,
                ),
                "(zmtp invalid metadata: most likely a socket type that does not fit)",
            ),
            (v1(zmq.EVENT_MONITOR_STOPPED, 0, b""), "MONITOR_STOPPED"),
        ],
    )
    def test_describe(self, message: list[bytes], expected: str) -> None:
        assert describe(parse_monitor_message(message)).endswith(expected)


def watch(socket: Any, *args: Any, **kwargs: Any) -> Any:
    monitor = socket.get_monitor_socket(*args, **kwargs)
    monitor.rcvtimeo = int(5000 * FACTOR)
    return monitor


def until(monitor: Any, event: zmq.Event) -> list[zmq.Event]:
    """Read events up to a certain one and return them."""
    seen: list[zmq.Event] = []
    while event not in seen:
        seen.append(recv_monitor_message(monitor)["event"])
    return seen


class TestMonitor:
    @pytest.mark.parametrize("endpoint", ["tcp", "ipc"], indirect=True)
    def test_reports_a_connection(self, context: Any, endpoint: str) -> None:
        server, client = context.socket(zmq.REP), context.socket(zmq.REQ, linger=0)
        at_server, at_client = watch(server), watch(client)
        bound = server.bind(endpoint)
        listening = recv_monitor_message(at_server)
        assert listening["event"] is zmq.EVENT_LISTENING
        assert listening["endpoint"].decode() == bound
        client.connect(bound)
        assert zmq.EVENT_CONNECTED in until(at_client, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        assert until(at_server, zmq.EVENT_HANDSHAKE_SUCCEEDED)[0] is zmq.EVENT_ACCEPTED
        client.close()
        until(at_server, zmq.EVENT_DISCONNECTED)
        until(at_client, zmq.EVENT_MONITOR_STOPPED)

    def test_filters_events(self, context: Any) -> None:
        server = context.socket(zmq.REP)
        monitor = watch(server, zmq.EVENT_ACCEPTED)
        client = context.socket(zmq.REQ, connect=server.bind("tcp://127.0.0.1:*"))
        assert recv_monitor_message(monitor)["event"] is zmq.EVENT_ACCEPTED
        client.close()

    def test_is_one_until_closed(self, context: Any) -> None:
        socket = context.socket(zmq.REP)
        monitor = socket.get_monitor_socket()
        assert monitor.type is zmq.PAIR
        assert socket.get_monitor_socket() is monitor
        monitor.close()
        again = socket.get_monitor_socket()
        assert again is not monitor
        assert not again.closed

    def test_disable(self, context: Any) -> None:
        socket = context.socket(zmq.REP)
        monitor = watch(socket)
        socket.disable_monitor()
        assert until(monitor, zmq.EVENT_MONITOR_STOPPED) == [zmq.EVENT_MONITOR_STOPPED]
        socket.bind("tcp://127.0.0.1:*")
        assert not monitor.readable()
        assert socket.get_monitor_socket() is not monitor

    def test_address_of_ones_own(self, context: Any) -> None:
        socket = context.socket(zmq.REP)
        socket.monitor("inproc://events", zmq.EVENT_LISTENING)
        monitor = context.socket(zmq.PAIR, connect="inproc://events", rcvtimeo=20_000)
        socket.bind("tcp://127.0.0.1:*")
        assert recv_monitor_message(monitor)["event"] is zmq.EVENT_LISTENING
        named = context.socket(zmq.REP).get_monitor_socket(addr="inproc://named")
        assert named.endpoints == ("inproc://named",)

    def test_only_inproc(self, context: Any) -> None:
        with pytest.raises(zmq.ZMQError, match="inproc://"):
            context.socket(zmq.REP).monitor("tcp://127.0.0.1:5555")

    def test_version_2(self, context: Any) -> None:
        if not zmq.DRAFT_API:
            pytest.skip("no drafts")
        socket = context.socket(zmq.REP)
        socket.monitor("inproc://v2", zmq.Event.ALL_V2, version=2, socket_type=zmq.PUSH)
        monitor = context.socket(zmq.PULL, connect="inproc://v2", rcvtimeo=20_000)
        bound = socket.bind("tcp://127.0.0.1:*")
        message = recv_monitor_message(monitor)
        assert message["event"] is zmq.EVENT_LISTENING
        assert message["local"].decode() == bound
        client = context.socket(zmq.REQ, connect=bound, linger=0)
        until(monitor, zmq.EVENT_HANDSHAKE_SUCCEEDED)
        client.send(b"x")
        socket.recv()
        socket.monitor_pipes_stats()
        # The queues answer to the socket, which listens whenever it is used.
        wait_until(lambda: socket.poll(0) or monitor.readable(), what="the statistics")
        assert zmq.EVENT_PIPES_STATS in until(monitor, zmq.EVENT_PIPES_STATS)

    def test_flags_and_timeouts(self, context: Any) -> None:
        monitor = context.socket(zmq.REP).get_monitor_socket()
        with pytest.raises(zmq.Again):
            recv_monitor_message(monitor, zmq.NOBLOCK)

    def test_mechanism_mismatch_is_decoded(self, context: Any) -> None:
        if not zmq.has("curve"):
            pytest.skip("no CURVE")
        _, secret = zmq.curve_keypair()
        server = context.socket(zmq.REP, curve_server=1, curve_secretkey=secret)
        monitor = watch(server, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
        context.socket(zmq.REQ, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
        message = recv_monitor_message(monitor)
        assert message["value"] is zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH

    def test_awaitable_sockets(self) -> None:
        class Later:
            async def recv_multipart(self, flags: int = 0) -> list[bytes]:
                return v1(zmq.EVENT_CLOSED, 5)

        coroutine = recv_monitor_message(Later())
        with pytest.raises(StopIteration) as done:
            coroutine.send(None)
        assert done.value.value["event"] is zmq.EVENT_CLOSED


class TestIterator:
    def test_ends_after_monitor_stopped(self, context: Any) -> None:
        socket = context.socket(zmq.REP)
        monitor = socket.get_monitor_socket()
        socket.bind("tcp://127.0.0.1:*")
        socket.close()
        events = [message["event"] for message in monitor_events(monitor)]
        assert events[0] is zmq.EVENT_LISTENING
        assert events[-1] is zmq.EVENT_MONITOR_STOPPED

    def test_ends_with_the_context(self, context: Any) -> None:
        server, _ = connect_pair(context)
        monitor = server.get_monitor_socket()
        listening = in_thread(lambda: list(monitor_events(monitor)))
        context.shutdown()
        listening()

    def test_ends_with_its_socket(self, context: Any) -> None:
        monitor = context.socket(zmq.REP).get_monitor_socket()
        monitor.close()
        assert list(monitor_events(monitor)) == []
