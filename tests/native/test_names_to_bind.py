"""bind takes the name of this machine, as connect does, and unbind takes it back."""

from __future__ import annotations

import errno
import ipaddress
import socket as sockets

import pytest
from support import FACTOR, binds, needs_drafts, needs_patch, wait_until
from wire import port_of

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
pytestmark = needs_patch("bind-names")
needs_ws = pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")


def own_names() -> list[str]:
    """The names by which this machine can be bound: localhost, and its own if that is set up."""
    own = sockets.gethostname()
    try:
        address = ipaddress.ip_address(sockets.gethostbyname(own))
    except OSError:
        return ["localhost"]
    return ["localhost", own] if address.is_loopback else ["localhost"]


def free_port(kind: int = sockets.SOCK_STREAM) -> int:
    with sockets.socket(sockets.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asks(context, endpoint: str, server) -> None:
    """One question and its answer."""
    with context.socket(zmq.REQ, linger=0, rcvtimeo=LIMIT, connect=endpoint) as client:
        client.send(b"question")
        assert server.recv() == b"question"
        server.send(b"answer")
        assert client.recv() == b"answer"


@pytest.mark.parametrize("name", own_names())
@pytest.mark.parametrize(
    "transport", ["tcp", pytest.param("ws", marks=[needs_ws, needs_patch("ws-places")])]
)
def test_a_name_is_bound_and_reached(context, transport: str, name: str) -> None:
    server = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
    endpoint = server.bind(f"{transport}://{name}:*")
    assert name not in endpoint  # it is resolved, so that others can connect to it
    asks(context, endpoint, server)
    server.unbind(endpoint)
    port = port_of(endpoint)
    named = f"{transport}://{name}:{port}"
    wait_until(lambda: binds(server, named), what="the port to be free again")
    asks(context, named, server)
    server.unbind(named)
    assert server.endpoints == ()
    other = context.socket(zmq.REP, linger=0)
    wait_until(lambda: binds(other, named), what="the port to be free again")


def test_a_random_port_of_a_name(context) -> None:
    server = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
    port = server.bind_to_random_port("tcp://localhost")
    asks(context, f"tcp://127.0.0.1:{port}", server)
    chosen = server.bind_to_random_port("tcp://localhost", 20000, 60000)
    asks(context, f"tcp://localhost:{chosen}", server)


@needs_drafts
@needs_patch("udp-unbind")
@pytest.mark.parametrize("name", own_names())
def test_a_name_is_bound_over_udp(context, name: str) -> None:
    dish = context.socket(zmq.DISH, rcvtimeo=LIMIT)
    dish.join("news")
    address = f"udp://{name}:{free_port(sockets.SOCK_DGRAM)}"
    assert dish.bind(address) == address
    with context.socket(zmq.RADIO, linger=0, connect=address) as radio:
        radio.send(b"heard", group="news")
        assert dish.recv() == b"heard"
    dish.unbind(address)
    assert dish.endpoints == ()


@pytest.mark.parametrize("transport", ["tcp", pytest.param("ws", marks=needs_ws)])
def test_a_name_of_nobody_is_refused_with_a_reason(context, transport: str) -> None:
    server = context.socket(zmq.REP)
    with pytest.raises(zmq.ZMQError, match="a name of this machine") as caught:
        server.bind(f"{transport}://no-such-host.invalid:5599")
    assert caught.value.errno == errno.ENODEV


def test_the_address_of_another_machine_is_refused(context) -> None:
    with pytest.raises(zmq.AddressNotAvailable):
        context.socket(zmq.REP).bind("tcp://192.0.2.7:5599")


def test_a_name_that_was_given_up_may_be_used_to_connect(context) -> None:
    """What a name was bound as is forgotten with the endpoint."""
    dealer = context.socket(zmq.DEALER, linger=0, immediate=1)
    endpoint = dealer.bind("tcp://localhost:*")
    named = f"tcp://localhost:{port_of(endpoint)}"
    dealer.unbind(endpoint)
    wait_until(lambda: binds(dealer, named), what="the port to be free again")
    dealer.unbind(endpoint)
    assert dealer.connect(named) == named
    dealer.disconnect(named)
    assert dealer.endpoints == ()


def test_endpoints_that_are_given_up_together_are_forgotten_together(context) -> None:
    """libzmq gives up every connection of a name at once."""
    push = context.socket(zmq.PUSH, linger=0)
    for _ in range(3):
        push.connect("tcp://127.0.0.1:9")
    assert len(push.endpoints) == 3
    push.disconnect("tcp://127.0.0.1:9")
    assert push.endpoints == ()
    with pytest.raises(zmq.AddressNotFound):
        push.disconnect("tcp://127.0.0.1:9")
