"""A hardened socket bounds what a stranger can take, and lets in whom the program lets in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import wire
from support import FACTOR, in_thread, needs_drafts, wait_until

import zmqlite as zmq
from zmqlite.auth import ZAP_ENDPOINT, Gate
from zmqlite.security.hardening import HARDENED

LIMIT = int(10_000 * FACTOR)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "hardening.md"


@contextmanager
def gatekeeper(context: zmq.Context[Any], gate: Gate) -> Iterator[None]:
    """Answer the questions of a context until the block ends."""
    door = context.socket(zmq.REP, bind=ZAP_ENDPOINT, rcvtimeo=20, linger=0)
    open_ = True

    def keep() -> None:
        while open_:
            try:
                door.send_multipart(gate.answer(door.recv_multipart()))
            except zmq.Again:
                continue

    join = in_thread(keep)
    try:
        yield
    finally:
        open_ = False
        join()
        door.close()


def values(socket: Any) -> dict[str, int]:
    return {row.option.name: socket.get(row.option) for row in HARDENED}


def expected(**changed: int) -> dict[str, int]:
    return {row.option.name: row.value for row in HARDENED} | changed


def test_sockets_made_later_have_the_limits(context):
    before = context.socket(zmq.PULL)
    assert context.harden() is context
    assert values(context.socket(zmq.ROUTER)) == expected()
    assert before.maxmsgsize == -1


def test_single_limits_are_replaced_and_what_a_socket_is_given_goes_before(context):
    context.harden(maxmsgsize=1 << 24)
    assert values(context.socket(zmq.PULL, rcvhwm=7)) == expected(MAXMSGSIZE=1 << 24, RCVHWM=7)


def test_an_unknown_limit_is_refused(context):
    with pytest.raises(TypeError, match="did you mean maxmsgsize"):
        context.harden(maxmsgsiez=1)
    assert context.socket(zmq.PULL).maxmsgsize == -1


def test_one_socket_alone(context, default_context):
    assert values(context.socket(zmq.PULL, harden=True, rcvhwm=5)) == expected(RCVHWM=5)
    assert context.socket(zmq.PULL).maxmsgsize == -1
    with zmq.PULL(harden=True) as socket:
        assert values(socket) == expected()


@pytest.mark.parametrize("world", ["asyncio", "trio", "green"])
def test_in_every_loop(world):
    if world in ("trio", "green"):
        pytest.importorskip({"trio": "trio", "green": "gevent"}[world], reason="not installed")
    module = __import__(f"zmqlite.{world}", fromlist=["Context"])

    async def make() -> dict[str, int]:
        context = module.Context().harden()
        with context.socket(zmq.PULL) as socket:
            found = values(socket)
        context.term()
        return found

    if world == "asyncio":
        found = asyncio.run(make())
    elif world == "trio":
        import trio

        found = trio.run(make)
    else:
        context = module.Context().harden()
        with context.socket(zmq.PULL) as socket:
            found = values(socket)
        context.term()
    assert found == expected()


@needs_drafts
@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_nobody_comes_in_without_somebody_who_decides(context, transport):
    if not zmq.has("ws") and transport == "ws":
        pytest.skip("built without ws")
    context.harden()
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT)
    endpoint = server.bind(f"{transport}://127.0.0.1:*")
    events = server.get_monitor_socket()
    events.rcvtimeo = LIMIT
    client = context.socket(zmq.PUSH, immediate=1, connect=endpoint, linger=0)
    seen = set()
    while not seen & {zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED}:
        seen.add(zmq.parse_monitor_message(events.recv_multipart())["event"])
    assert zmq.EVENT_HANDSHAKE_SUCCEEDED not in seen
    with pytest.raises(zmq.Again):
        client.send(b"in?", zmq.NOBLOCK)
    server.disable_monitor()
    events.close()


def test_who_is_let_in_is_served(context):
    context.harden()
    gate = Gate()
    gate.allow("127.0.0.1")
    with gatekeeper(context, gate):
        server = context.socket(zmq.REP, rcvtimeo=LIMIT)
        client = context.socket(zmq.REQ, rcvtimeo=LIMIT, linger=0)
        client.connect(server.bind("tcp://127.0.0.1:*"))
        client.send(b"hello")
        assert server.recv() == b"hello"


def test_without_zap_everybody_comes_in(context):
    context.harden(zap=False)
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT)
    client = context.socket(zmq.PUSH, connect=server.bind("tcp://127.0.0.1:*"), linger=0)
    client.send(b"hello")
    assert server.recv() == b"hello"


def test_a_hardened_client_asks_nobody_about_its_server(context, make_context):
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT)
    with make_context().harden().socket(zmq.PUSH, linger=0) as client:
        client.connect(server.bind("tcp://127.0.0.1:*"))
        client.send(b"hello")
        assert server.recv() == b"hello"


def test_over_inproc_nobody_is_asked(context):
    context.harden()
    server = context.socket(zmq.PULL, rcvtimeo=LIMIT, bind="inproc://hardened")
    client = context.socket(zmq.PUSH, connect="inproc://hardened", linger=0)
    client.send(b"hello")
    assert server.recv() == b"hello"


def test_a_part_above_the_limit_ends_its_connection_before_it_comes(context):
    server = context.harden(zap=False).socket(zmq.PULL, rcvtimeo=LIMIT)
    endpoint = server.bind("tcp://127.0.0.1:*")
    raw = wire.connect(wire.port_of(endpoint))
    with raw:
        wire.speak(raw, "PUSH")
        raw.sendall(wire.header((1 << 20) + 1))
        assert wait_until(lambda: raw.recv(1000) == b"", what="the end of the connection")


def test_the_page_lists_what_is_set():
    rows = [
        line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if "|" in line
    ]
    table = {cells[1].strip(" `"): cells[2].strip().replace(" ", "") for cells in rows}
    for row in HARDENED:
        assert table[row.option.name] == str(row.value), row.option.name
