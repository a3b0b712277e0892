"""An endpoint has one name: in what bind and connect return, in events, and to give it up."""

from __future__ import annotations

import os
import socket as sockets

import pytest
from support import FACTOR, binds, needs_drafts, needs_patch, wait_until
from wire import port_of

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
needs_ws = pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
over_ws = pytest.param("ws", marks=needs_ws)


def reports_until(reports, *last: zmq.Event) -> dict[str, set[bytes]]:
    """What a monitor says until these events came: the endpoints by event."""
    names: dict[str, set[bytes]] = {}
    missing = set(last)
    while missing:
        report = zmq.recv_monitor_message(reports)
        names.setdefault(report["event"].name, set()).add(report["endpoint"])
        missing.discard(report["event"])
    return names


@needs_patch("names-that-stay")
@pytest.mark.parametrize(
    ("transport", "path"),
    [
        ("tcp", ""),
        pytest.param("ws", "", marks=needs_ws),
        pytest.param("ws", "/path", marks=needs_ws),
    ],
)
def test_all_events_of_a_connection_name_one_endpoint(context, transport: str, path: str) -> None:
    server = context.socket(zmq.PULL, linger=0)
    endpoint = server.bind(f"{transport}://127.0.0.1:*{path}")
    client = context.socket(zmq.PUSH, linger=0, reconnect_ivl=10)
    reports = client.get_monitor_socket(zmq.EVENT_ALL & ~zmq.EVENT_MONITOR_STOPPED)
    reports.rcvtimeo = LIMIT
    asked = f"{transport}://localhost:{port_of(endpoint.removesuffix(path))}{path}"
    assert client.connect(asked) == asked
    assert client.last_endpoint == asked.encode()
    names = reports_until(reports, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    server.close()
    for _ in range(2):  # the second attempt knows what the first one resolved
        more = reports_until(reports, zmq.EVENT_CONNECT_RETRIED)
        names |= {event: names.get(event, set()) | found for event, found in more.items()}
    assert set().union(*names.values()) == {asked.encode()}, names
    client.disable_monitor()


@needs_patch("names-that-stay")
@pytest.mark.parametrize("transport", ["tcp", over_ws])
def test_a_connection_by_name_that_ended_for_good_can_be_made_again(
    context, transport: str
) -> None:
    """Without reconnecting, a lost connection is given up, by the name that it was made with."""
    server = context.socket(zmq.ROUTER, linger=0)
    endpoint = server.bind(f"{transport}://127.0.0.1:*")
    named = f"{transport}://localhost:{port_of(endpoint)}"
    dealer = context.socket(zmq.DEALER, linger=0, reconnect_ivl=-1)
    reports = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    reports.rcvtimeo = LIMIT
    dealer.connect(named)
    reports_until(reports, zmq.EVENT_HANDSHAKE_SUCCEEDED)
    server.close()
    reports_until(reports, zmq.EVENT_DISCONNECTED)
    again = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT)
    wait_until(lambda: binds(again, endpoint), what="the port to be free again")

    def reached() -> bool:  # the end of the first may still be on its way
        dealer.connect(named)
        return bool(reports.poll(50))

    wait_until(reached, what="a second connection to the same name")
    dealer.disable_monitor()


@needs_drafts
@needs_patch("names-that-stay")
def test_a_connection_by_name_that_was_refused_for_good_can_be_made_again(context) -> None:
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    named = f"tcp://localhost:{port}"
    dealer = context.socket(zmq.DEALER, linger=0, sndtimeo=LIMIT)
    dealer.reconnect_stop = zmq.RECONNECT_STOP_CONN_REFUSED
    reports = dealer.get_monitor_socket(zmq.EVENT_CLOSED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    reports.rcvtimeo = LIMIT
    dealer.connect(named)
    reports_until(reports, zmq.EVENT_CLOSED)
    router = context.socket(zmq.ROUTER, linger=0, bind=f"tcp://127.0.0.1:{port}")

    def reached() -> bool:
        dealer.connect(named)
        return bool(reports.poll(50))

    wait_until(reached, what="a second connection to the same name")
    dealer.disable_monitor()
    router.close()


# -- all the ways to give an endpoint up ---------------------------------------------------------

BY_NAME = [  # the two kinds of IP: only names of machines have it, and "lo" may have no IPv6 here
    *("tcp://127.0.0.1:*", "tcp://*:*", "tcp://127.0.0.1:PORT", "tcp://*:PORT"),
    *(
        pytest.param(address, marks=needs_ws)
        for address in ("ws://127.0.0.1:*", "ws://*:PORT", "ws://*:*/path")
    ),
]
BOUND = [
    *BY_NAME,
    "tcp://lo:*",
    "tcp://lo:PORT",
    pytest.param("ws://lo:PORT/a/path", marks=needs_ws),
    "ipc://*",
    "ipc://FOLDER/socket",
    "ipc://@zmqlite-PROCESS",
    "inproc://here",
]


def concrete(address: str, folder: os.PathLike[str]) -> str:
    if "PORT" in address:
        with sockets.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = address.replace("PORT", str(probe.getsockname()[1]))
    return address.replace("FOLDER", str(folder)).replace("PROCESS", str(os.getpid()))


HOWS = ["as given", "as returned", "as the option says", "as the option says, in bytes"]


def form(how: str, given: str, returned: str, option: bytes) -> str | bytes:
    forms = {
        "as given": given,
        "as returned": str(returned),
        "as the option says": option.decode(),
    }
    return forms.get(how, option)


def unbound(context, tmp_path, address: str, how: str, ipv6: int) -> None:
    if address.startswith("ipc") and not zmq.has("ipc"):
        pytest.skip("built without ipc")
    socket = context.socket(zmq.PULL, linger=0, ipv6=ipv6)
    given = concrete(address, tmp_path)
    returned = socket.bind(given)
    socket.unbind(form(how, given, returned, socket.last_endpoint))
    assert socket.endpoints == ()
    with pytest.raises(zmq.AddressNotFound):
        socket.unbind(returned)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("address", BOUND)
def test_unbind(context, tmp_path, address: str, how: str) -> None:
    unbound(context, tmp_path, address, how, ipv6=0)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("address", BY_NAME)
def test_unbind_with_ipv6(context, tmp_path, address: str, how: str) -> None:
    unbound(context, tmp_path, address, how, ipv6=1)


CONNECTED = [
    "tcp://127.0.0.1:PORT",
    "tcp://localhost:PORT",
    "tcp://127.0.0.1:0;127.0.0.1:PORT",
    "ipc://FOLDER/socket",
    "ipc://@zmqlite-PROCESS",
    "inproc://here",
    pytest.param("udp://127.0.0.1:PORT", marks=needs_drafts),
    pytest.param("udp://localhost:PORT", marks=needs_drafts),
    *(
        pytest.param(address, marks=[needs_ws, needs_patch("names-that-stay")])
        for address in ("ws://127.0.0.1:PORT", "ws://localhost:PORT", "ws://127.0.0.1:PORT/a/b")
    ),
]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("address", CONNECTED)
def test_disconnect(context, tmp_path, address: str, how: str) -> None:
    if address.startswith("ipc") and not zmq.has("ipc"):
        pytest.skip("built without ipc")
    udp = address.startswith("udp")
    socket = context.socket(zmq.RADIO if udp else zmq.PUSH, linger=0)
    given = concrete(address, tmp_path)
    returned = socket.connect(given)
    option = socket.last_endpoint
    if udp and b"://" not in option:
        pytest.skip("this libzmq forgets the transport")
    socket.disconnect(form(how, given, returned, option))
    assert socket.endpoints == ()
    with pytest.raises(zmq.AddressNotFound):
        socket.disconnect(returned)


@needs_patch("monitor-errno")
@pytest.mark.parametrize("transport", ["tcp", over_ws, "ipc"])
def test_a_monitor_does_not_change_why_bind_fails(context, tmp_path, transport: str) -> None:
    if transport == "ipc":
        place, wrong = f"ipc://{tmp_path}/missing/socket", zmq.AddressNotFound
    else:
        place = context.socket(zmq.PULL).bind(f"{transport}://127.0.0.1:*")
        wrong = zmq.AddressInUse
    for _ in range(3):  # the first report of a monitor goes another way than the next ones
        socket = context.socket(zmq.PULL)
        socket.get_monitor_socket(zmq.EVENT_BIND_FAILED)
        for _ in range(2):
            with pytest.raises(wrong):
                socket.bind(place)
        socket.disable_monitor()
