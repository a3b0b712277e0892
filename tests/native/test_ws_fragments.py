"""Messages that come in several WebSocket frames (RFC 6455, 5.4), as browsers send long ones."""

from __future__ import annotations

import itertools
import socket as sockets
from collections.abc import Callable, Iterator

import pytest
import wire
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
MASK = b"\x01\x80\xff\x10"
PING, PONG, CONTINUED, BINARY = 9, 10, 0, 2
pytestmark = [
    pytest.mark.skipif(not zmq.has("ws"), reason="built without ws"),
    needs_patch("ws-fragments"),
]


def frame(body: bytes, opcode: int, final: bool = True) -> bytes:
    """A masked frame, which may be one of several."""
    head = bytearray(wire.ws_header(len(body), opcode, MASK))
    head[0] = (0x80 if final else 0) | opcode
    return bytes(head) + bytes(b ^ m for b, m in zip(body, itertools.cycle(MASK)))


def fragments(*bodies: bytes, between: bytes = b"") -> bytes:
    """A message in these frames; its flags are the first byte."""
    last = len(bodies) - 1
    return between.join(
        frame(body, CONTINUED if n else BINARY, n == last) for n, body in enumerate(bodies)
    )


@pytest.fixture
def server(context) -> zmq.Socket:
    return context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT)


@pytest.fixture
def connect(server) -> Iterator[Callable[..., sockets.socket]]:
    """A maker of a connection of a browser's kind; options are set before the bind."""
    opened: list[sockets.socket] = []

    def make(**options: int) -> sockets.socket:
        for name, value in options.items():
            setattr(server, name, value)
        port = wire.port_of(server.bind("ws://127.0.0.1:*"))
        raw = wire.connect(port, 10 * FACTOR)
        opened.append(raw)
        raw.sendall(wire.upgrade(port, b"ZWS2.0"))
        wire.read_until(raw, b"\r\n\r\n\x82\x01\x00")  # the answer, and a routing id
        raw.sendall(frame(b"\0", BINARY))
        return raw

    yield make
    for raw in opened:
        raw.close()


WHOLE = bytes(range(256)) * 600
SPLITS = [
    pytest.param([b"\0a", b"b"], [b"ab"], id="two"),
    pytest.param([b"\0", b"a"], [b"a"], id="flags alone"),
    pytest.param([b"", b"\0a"], [b"a"], id="nothing first"),
    pytest.param([b"", b"", b"\0", b"", b"a", b""], [b"a"], id="nothing anywhere"),
    pytest.param([b"\0", b""], [b""], id="an empty message"),
    pytest.param([b"\0" + WHOLE[:65535], WHOLE[65535:131072], WHOLE[131072:]], [WHOLE], id="long"),
    pytest.param(
        [b"\0", *(WHOLE[n : n + 7] for n in range(0, 7000, 7))], [WHOLE[:7000]], id="many"
    ),
]


@pytest.mark.parametrize(("bodies", "message"), SPLITS)
@pytest.mark.parametrize("between", [b"", frame(b"hi", PING), frame(b"", PONG)], ids=repr)
def test_the_fragments_become_one_message(server, connect, bodies, message, between) -> None:
    raw = connect()
    raw.sendall(fragments(*bodies, between=between) + frame(b"\0next", BINARY))
    assert server.recv_multipart() == message
    assert server.recv() == b"next"


def test_byte_by_byte(server, connect) -> None:
    raw = connect()
    for byte in fragments(b"\0ab", b"", b"c" * 126, b"d", between=frame(b"x", PING)):
        raw.sendall(bytes([byte]))
    assert server.recv() == b"ab" + b"c" * 126 + b"d"


def test_parts_of_a_message_may_each_be_split(server, connect) -> None:
    raw = connect()
    raw.sendall(fragments(b"\1a", b"b") + frame(b"\1c", BINARY) + fragments(b"\0", b"d", b"e"))
    assert server.recv_multipart() == [b"ab", b"c", b"de"]


def test_a_ping_between_is_answered_at_once(server, connect) -> None:
    raw = connect()
    raw.sendall(frame(b"\0a", BINARY, final=False) + frame(b"alive?", PING))
    wire.read_until(raw, b"\x8a\x06alive?")
    raw.sendall(frame(b"b", CONTINUED))
    assert server.recv() == b"ab"


VIOLATIONS = [
    pytest.param(frame(b"\0a", CONTINUED), id="continues nothing"),
    pytest.param(fragments(b"\0a", b"b") + frame(b"c", CONTINUED), id="continues an ended one"),
    pytest.param(frame(b"\0a", BINARY, False) + frame(b"\0b", BINARY), id="begins within one"),
    pytest.param(frame(b"", PING, False), id="a split ping"),
    pytest.param(fragments(b"", b""), id="no flags at all"),
    pytest.param(frame(b"\0a", BINARY, False) + frame(b"b" * 200, PING), id="a long ping within"),
]


@pytest.mark.parametrize("data", VIOLATIONS)
def test_a_violation_ends_the_connection(server, connect, data: bytes) -> None:
    raw = connect()
    raw.sendall(data)
    assert wire.ended(raw)


def test_the_limit_is_that_of_the_sum(server, connect) -> None:
    raw = connect(maxmsgsize=100)
    raw.sendall(fragments(b"\0" + b"a" * 50, b"b" * 50))
    assert server.recv() == b"a" * 50 + b"b" * 50
    raw.sendall(frame(b"\0" + b"a" * 50, BINARY, False) + frame(b"b" * 51, CONTINUED))
    assert wire.ended(raw)


def test_a_connection_that_ends_within_a_message_leaves_nothing(server, connect) -> None:
    raw = connect()
    raw.sendall(frame(b"\0" + b"a" * 100_000, BINARY, final=False))
    raw.close()
    with wire.connect(wire.port_of(server.last_endpoint), 10 * FACTOR) as other:
        other.sendall(wire.upgrade(wire.port_of(server.last_endpoint), b"ZWS2.0"))
        other.sendall(frame(b"\0", BINARY) + fragments(b"\0b", b"c"))
        assert server.recv() == b"bc"
