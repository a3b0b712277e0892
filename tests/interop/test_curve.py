"""Encryption with those that have it: either side as the server, wrong keys, and old protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from interop.peers import KINDS, Peer
from interop.protocol import BODIES, build, tally
from interop.talk import Line, ask, echo, receive
from support import FACTOR

import zmqlite as zmq
from zmqlite.monitor import recv_monitor_message

pytestmark = pytest.mark.skipif(not zmq.has("curve"), reason="built without CURVE")

Connect = Callable[..., tuple[Any, Line]]

SERVER, CLIENT, STRANGER = (
    zmq.curve_keypair() if zmq.has("curve") else (b"", b"") for _ in range(3)
)
WITH_CURVE = [name for name, kind in KINDS.items() if kind.curve]
REFUSALS = [*((name, "wrong") for name in WITH_CURVE), *((name, "none") for name in KINDS)]
MESSAGES = build(1, BODIES)
REFUSED = (
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_DISCONNECTED
)


def our_client(server: tuple[bytes, bytes] = SERVER) -> dict[str, Any]:
    """Return the options of a client of ours."""
    return {
        "curve_publickey": CLIENT[0],
        "curve_secretkey": CLIENT[1],
        "curve_serverkey": server[0],
    }


OUR_SERVER = {"curve_server": True, "curve_secretkey": SERVER[1]}
THEIR_SERVER = {"server": "1", "public": SERVER[0].decode(), "secret": SERVER[1].decode()}


def their_client(server: tuple[bytes, bytes] = SERVER) -> dict[str, str]:
    """Return the options of a client of theirs."""
    public, secret = (key.decode() for key in CLIENT)
    return {"public": public, "secret": secret, "serverkey": server[0].decode()}


@pytest.mark.parametrize("peer", WITH_CURVE, indirect=True)
@pytest.mark.parametrize("we_bind", [True, False], ids=["we bind", "they bind"])
class TestCurve:
    """Whoever is the server, whoever binds."""

    def test_we_are_the_server(self, peer: Peer, connect: Connect, we_bind: bool) -> None:
        socket, line = connect(peer, zmq.REP, "REQ", we_bind, options=OUR_SERVER, **their_client())
        answers, seen = line.during(lambda: echo(socket, len(BODIES)), "ask", 1, *BODIES)
        assert seen == MESSAGES
        assert answers == tally(MESSAGES)

    def test_they_are_the_server(self, peer: Peer, connect: Connect, we_bind: bool) -> None:
        socket, line = connect(
            peer, zmq.DEALER, "ROUTER", we_bind, options=our_client(), **THEIR_SERVER
        )
        # without the identity that the other side makes up for us, we cannot say the tally
        _, answers = line.during(lambda: ask(socket, MESSAGES), "echo", len(BODIES))
        assert answers == MESSAGES

    def test_they_push_encrypted(self, peer: Peer, connect: Connect, we_bind: bool) -> None:
        socket, line = connect(
            peer, zmq.PULL, "PUSH", we_bind, options=our_client(), **THEIR_SERVER
        )
        sent, seen = line.during(lambda: receive(socket, len(BODIES)), "send", 1, *BODIES)
        assert seen == MESSAGES
        assert sent == tally(MESSAGES)


@pytest.mark.parametrize(("peer", "keys"), REFUSALS, indirect=["peer"])
def test_refusal(peer: Peer, keys: str, context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """A client with the key of another server, or with none (JeroMQ: by the old protocol)."""
    socket: Any = context.socket(zmq.PULL, **OUR_SERVER)
    with socket.get_monitor_socket(REFUSED) as monitor:
        line = Line(peer, "push", "PUSH", **(their_client(STRANGER) if keys == "wrong" else {}))
        line.do("connect", socket.bind("tcp://127.0.0.1:*"))
        # it need not wait for a connection to send: what matters is that nothing arrives
        peer.start("send", "push", 1, "x736563726574")
        assert monitor.poll(int(8000 * FACTOR)), "the connection was not refused"
        event = recv_monitor_message(monitor)
        assert event["event"] & REFUSED
        assert socket.recv_nonblock() is None
        socket.disable_monitor()
