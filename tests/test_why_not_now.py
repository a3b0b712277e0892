"""What an `Again` says about why: nobody came, and how the last one who did fared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR, binds, needs_curve, needs_patch, wait_until

import zmqlite as zmq

pytestmark = needs_patch("known-peers")

WRONG_KEY = "the server key does not belong to that server, or the server refused ours"


def encrypted(context: Any, **client: Any) -> tuple[Any, Any]:
    _, secret = zmq.curve_keypair()
    other, _ = zmq.curve_keypair()
    mine, my_secret = zmq.curve_keypair()
    server = context.socket(zmq.DEALER, curve_server=1, curve_secretkey=secret, linger=0)
    address = server.bind("tcp://127.0.0.1:*")
    peer = context.socket(
        zmq.DEALER,
        curve_publickey=mine,
        curve_secretkey=my_secret,
        curve_serverkey=other,
        linger=0,
        immediate=1,
        connect=address,
    )
    return server, peer


def last_words(call: Callable[[], Any]) -> str:
    with pytest.raises(zmq.Again) as caught:
        call()
    return str(caught.value)


@needs_curve
def test_a_wrong_server_key_is_named_on_both_sides(context: Any) -> None:
    server, client = encrypted(context)
    server.rcvtimeo = client.rcvtimeo = client.sndtimeo = 1
    wait_until(lambda: client.past_peers and server.past_peers, what="the handshake to fail")
    for call in (client.recv, lambda: client.send(b"x"), lambda: client.wait_peers(timeout=1)):
        said = last_words(call)
        assert WRONG_KEY in said
        assert "the last handshake (tcp://127.0.0.1:" in said
        assert " s ago" in said
    assert "the client has another server key than ours" in last_words(server.recv)
    assert "handshake" not in last_words(lambda: client.recv(zmq.DONTWAIT)), "it costs nothing"


@needs_curve
def test_it_is_said_in_every_loop() -> None:
    def scene_of(context: Any) -> Any:
        server, client = encrypted(context)
        client.rcvtimeo = int(300 * FACTOR)
        return server, client

    async def waits(module: Any, sleep: Any) -> str:
        async with module.Context() as context:
            server, client = scene_of(context)
            while not client.past_peers:
                await sleep(0.01)
            try:
                await client.recv()
            except zmq.Again as error:
                return str(error)
            finally:
                server.close()
                client.close()
        return ""

    import zmqlite.asyncio as azmq

    assert WRONG_KEY in asyncio.run(waits(azmq, asyncio.sleep))
    trio = pytest.importorskip("trio")
    import zmqlite.trio as tzmq

    assert WRONG_KEY in trio.run(waits, tzmq, trio.sleep)
    pytest.importorskip("gevent")
    import gevent

    import zmqlite.green as gzmq

    with gzmq.Context() as context:
        server, client = scene_of(context)
        while not client.past_peers:
            gevent.sleep(0.01)
        assert WRONG_KEY in last_words(client.recv)
        server.close()
        client.close()


def test_a_peer_that_was_there(context: Any) -> None:
    server = context.socket(zmq.PULL, rcvtimeo=1)
    client = context.socket(zmq.PUSH, connect=server.bind("tcp://127.0.0.1:*"))
    server.wait_peers(timeout=int(15_000 * FACTOR))
    client.close()
    wait_until(lambda: not server.peers, what="the client to leave")
    said = last_words(server.recv)
    assert "the last connection (tcp://127.0.0.1:" in said
    assert said.endswith("s ago: the peer closed it")


def test_a_refused_password(context: Any) -> None:
    from zmqlite.auth import Gate

    gate = Gate()
    gate.plain({"alice": "wonderland"})
    with gate.serve(context):
        server = context.socket(zmq.PULL, plain_server=1)
        client = context.socket(
            zmq.PUSH,
            plain_username="alice",
            plain_password="guess",
            connect=server.bind("tcp://127.0.0.1:*"),
            immediate=1,
            sndtimeo=1,
            linger=0,
        )
        wait_until(lambda: client.past_peers, what="the refusal")
        assert "the server refused us (ZAP status 400)" in last_words(lambda: client.send(b"x"))
        server.close()


def test_a_server_that_restarts_is_forgiven(context: Any) -> None:
    """What went wrong before is not mentioned while somebody is there."""
    server = context.socket(zmq.DEALER, linger=0)
    address = server.bind("tcp://127.0.0.1:*")
    client = context.socket(zmq.DEALER, connect=address, rcvtimeo=1, linger=0)
    client.wait_peers(timeout=int(15_000 * FACTOR))
    server.unbind(address)
    server.close()
    wait_until(lambda: client.past_peers, what="the server to leave")
    again = context.socket(zmq.DEALER, linger=0)
    wait_until(lambda: binds(again, address), what="the port to be free")
    client.wait_peers(timeout=int(30_000 * FACTOR))
    assert last_words(client.recv).endswith("no message is waiting")


@needs_curve
@pytest.mark.parametrize("operation", ["bind", "connect"])
@pytest.mark.parametrize("server", [0, 1])
def test_keys_that_cannot_work_are_refused(context: Any, operation: str, server: int) -> None:
    public, secret = zmq.curve_keypair()
    other, _ = zmq.curve_keypair()
    zero = b"0" * 40
    cases = [
        ({"curve_publickey": other, "curve_secretkey": secret}, "not that of the secret key"),
        ({"curve_publickey": public, "curve_secretkey": zero}, "needs its own secret key"),
        ({"curve_publickey": secret, "curve_secretkey": public}, "are swapped"),
    ]
    for options, words in cases:
        socket = context.socket(zmq.PAIR, curve_serverkey=other, **options)
        if server:
            socket.curve_server = 1
        with pytest.raises(zmq.InvalidArgument, match=words):
            getattr(socket, operation)("tcp://127.0.0.1:9")
        socket.close()


# -- small ones ----------------------------------------------------------------------------------


def test_an_option_cannot_be_deleted(context: Any) -> None:
    socket = context.socket(zmq.PAIR)
    for name in ("linger", "LINGER"):
        with pytest.raises(AttributeError, match=r"the option (?i:linger) of a socket cannot be"):
            delattr(socket, name)

    class Own(zmq.Socket[bytes]):
        linger: int  # type: ignore[assignment]

    own = Own(context, zmq.PAIR)
    own.__dict__["linger"] = 3
    del own.linger
    own.close()


def test_a_closed_socket_says_what_was_asked(context: Any) -> None:
    socket = context.socket(zmq.PAIR)
    socket.close()
    for name in ("peers", "past_peers"):
        with pytest.raises(zmq.SocketClosed, match=f"^{name} on PAIR socket: "):
            getattr(socket, name)
    with pytest.raises(zmq.SocketClosed, match=r"^monitor_events on PAIR socket: "):
        socket.monitor_events()


def test_seconds_are_warned_of_under_the_right_name(context: Any) -> None:
    socket = context.socket(zmq.PAIR)
    with (
        pytest.warns(UserWarning, match=r"wait_peers\(\) .* write wait_peers\(timeout=500\)"),
        pytest.raises(zmq.Again),
    ):
        socket.wait_peers(timeout=0.5)
