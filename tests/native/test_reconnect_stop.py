"""RECONNECT_STOP: each of its bits stops reconnecting for its own reason, and for no other."""

from __future__ import annotations

import socket as sockets

import pytest
from programs import hostile_program
from support import FACTOR, in_thread, needs_drafts, needs_patch

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
pytestmark = [needs_drafts, needs_patch("stop-after-disconnect")]
TRANSPORTS = [
    "tcp",
    pytest.param("ipc", marks=pytest.mark.skipif(not zmq.has("ipc"), reason="no ipc")),
    pytest.param("ws", marks=pytest.mark.skipif(not zmq.has("ws"), reason="no ws")),
]


@pytest.fixture
def free(tmp_path):
    """A maker of addresses where nobody listens yet, and nobody else will."""
    made = []

    def make(transport: str) -> str:
        if transport == "ipc":
            made.append(None)
            return f"ipc://{tmp_path}/socket{len(made)}"
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return f"{transport}://127.0.0.1:{probe.getsockname()[1]}"

    return make


def retried(socket, *endpoints: str) -> None:
    """Wait until a monitored socket has been refused at each of these endpoints."""
    reports = socket._monitor_socket
    missing = {endpoint.encode() for endpoint in endpoints}
    while missing:
        missing.discard(zmq.recv_monitor_message(reports)["endpoint"])


def client_of(context, stop: int, **options):
    client = context.socket(zmq.PUSH, reconnect_ivl=10, **options)
    client.reconnect_stop = stop
    client.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED).rcvtimeo = LIMIT
    return client


def test_each_reason_is_a_bit_of_its_own() -> None:
    assert zmq.RECONNECT_STOP_CONN_REFUSED == 1
    assert zmq.RECONNECT_STOP_HANDSHAKE_FAILED == 2
    assert zmq.RECONNECT_STOP_AFTER_DISCONNECT == 4
    assert zmq.ReconnectStop.AFTER_DISCONNECT.value == 4


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_refusal_is_no_disconnect(context, free, transport: str) -> None:
    endpoint = free(transport)
    client = client_of(context, zmq.RECONNECT_STOP_AFTER_DISCONNECT, linger=0)
    client.connect(endpoint)
    retried(client, endpoint)
    client.disable_monitor()
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, bind=endpoint)
    client.send(b"heard")
    assert server.recv() == b"heard"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_after_disconnect_nobody_knocks_any_more(context, free, transport: str) -> None:
    """Not even for what is still to be sent, and a context need not wait for it."""
    endpoint = free(transport)
    own = zmq.Context()
    client = client_of(own, zmq.RECONNECT_STOP_AFTER_DISCONNECT, linger=-1)
    client.connect(endpoint)
    client.send(b"nobody is there")
    retried(client, endpoint)
    client.disconnect(endpoint)
    reports = client._monitor_socket
    client.disable_monitor()
    reports.close()
    client.close()
    in_thread(own.term)()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_without_it_what_is_queued_is_delivered(context, free, transport: str) -> None:
    endpoint = free(transport)
    client = client_of(context, 0, linger=LIMIT)
    client.connect(endpoint)
    client.send(b"still to come")
    retried(client, endpoint)
    client.disconnect(endpoint)
    client.disable_monitor()
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, bind=endpoint)
    assert server.recv() == b"still to come"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_other_endpoints_go_on(context, free, transport: str) -> None:
    first, second = free(transport), free(transport)
    client = client_of(context, zmq.RECONNECT_STOP_AFTER_DISCONNECT, linger=0)
    client.connect(first)
    client.connect(second)
    retried(client, first, second)
    client.disconnect(first)
    retried(client, second)
    retried(client, second)  # once more, after the disconnect was heard of
    client.disable_monitor()
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, bind=second)
    client.send(b"heard")
    assert server.recv() == b"heard"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_connection_that_stands_delivers_first(context, free, transport: str) -> None:
    endpoint = free(transport)
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, rcvhwm=1, bind=endpoint)
    client = context.socket(zmq.PUSH, linger=LIMIT, sndhwm=0)
    client.reconnect_stop = zmq.RECONNECT_STOP_AFTER_DISCONNECT
    client.connect(endpoint)
    client.send(b"0")
    assert server.recv() == b"0"  # so there is a connection
    for number in range(1, 200):
        client.send(b"%d" % number + bytes(5000))
    client.disconnect(endpoint)
    for number in range(1, 200):
        assert server.recv() == b"%d" % number + bytes(5000)


def test_a_lost_connection_is_not_replaced_after_disconnect(free) -> None:
    """What it could not deliver any more goes, rather than keep the context for ever."""
    own = zmq.Context()
    endpoint = free("tcp")
    host, port = "127.0.0.1", int(endpoint.rpartition(":")[2])
    with sockets.create_server((host, port)) as listener:
        listener.settimeout(10 * FACTOR)
        client = own.socket(zmq.PUSH, linger=-1, reconnect_ivl=10, sndhwm=0)
        client.reconnect_stop = zmq.RECONNECT_STOP_AFTER_DISCONNECT
        client.connect(endpoint)
        peer, _ = listener.accept()
        client.send(b"never read")
        client.disconnect(endpoint)  # in the midst of the handshake
        peer.close()
        client.close()
        in_thread(own.term)()


@needs_patch("gone-session")
@pytest.mark.parametrize("stop", [0, 2, 4])
def test_disconnect_after_a_server_has_refused(stop: int) -> None:
    """The connection has ended by itself then, and another may lie where it lay."""
    hostile_program(
        """
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        where = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        for _ in range(5):
            with zmq.Context() as context, context.socket(zmq.DEALER, linger=0) as client, \\
                    context.socket(zmq.ROUTER, linger=0, rcvtimeo=20000) as router:
                if int(sys.argv[1]):
                    client.reconnect_stop = int(sys.argv[1])
                monitor = client.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
                monitor.rcvtimeo = 20000
                client.connect(where)
                raw, _ = listener.accept()
                raw.sendall(wire.greeting() + wire.command(b"ERROR", b"\\x03400"))
                monitor.recv_multipart()
                raw.close()
                for _ in range(4):  # what the connection says of its end is heard
                    client.poll(50)
                client.disconnect(where)
                client.connect(router.bind("tcp://127.0.0.1:*"))
                client.send(b"on we go")
                assert router.recv_multipart()[1] == b"on we go"
                client.disable_monitor()
                monitor.close()
        listener.close()
        """,
        str(stop),
    )
