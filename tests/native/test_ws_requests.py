"""WebSocket requests as browsers and proxies write them, and paths with everything in them."""

from __future__ import annotations

import base64
import hashlib
import socket as sockets

import pytest
import wire
from programs import program
from support import FACTOR, in_thread, needs_patch

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
pytestmark = pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
)

USUAL = {
    "Upgrade": ["websocket"],
    "Connection": ["Upgrade"],
    "Sec-WebSocket-Key": [KEY],
    "Sec-WebSocket-Version": ["13"],
    "Sec-WebSocket-Protocol": ["ZWS2.0"],
}


def lines(headers: dict[str, list[str]]) -> bytes:
    """The headers, one line a value; a value brings its own blanks after the colon."""
    return b"".join(
        f"{name}:{'' if value[:1].isspace() else ' '}{value}\r\n".encode()
        for name, values in {**USUAL, **headers}.items()
        for value in values
    )


GOOD = [
    pytest.param({}, id="as libzmq itself"),
    pytest.param({"Connection": ["keep-alive, Upgrade"]}, id="Firefox"),
    pytest.param({"Connection": ["Upgrade, keep-alive"]}, id="the other way round"),
    pytest.param({"Connection": ["keep-alive,Upgrade"]}, id="no blank"),
    pytest.param({"Connection": ["keep-alive \t,\t  uPGRADE \t"]}, id="blanks, tabs and cases"),
    pytest.param({"Connection": ["keep-alive", "Upgrade"]}, id="two lines"),
    pytest.param({"Connection": ["Upgrade", "keep-alive"]}, id="two lines, the other way round"),
    pytest.param({"Connection": [",, Upgrade,"]}, id="empty elements"),
    pytest.param({"Connection": ["\tUpgrade"]}, id="a tab"),
    pytest.param({"Upgrade": ["WebSocket"]}, id="old browsers"),
    pytest.param({"Upgrade": ["websocket "]}, id="a blank behind"),
    pytest.param({"Upgrade": ["h2c, websocket"]}, id="another protocol to choose from"),
    pytest.param({"Upgrade": ["h2c", "websocket"]}, id="another protocol, on its own line"),
    pytest.param({"Sec-WebSocket-Key": [f"  {KEY} \t"]}, id="blanks around the key"),
    pytest.param({"Sec-WebSocket-Protocol": ["chat,  ZWS2.0 ,other"]}, id="several protocols"),
    pytest.param({"Sec-WebSocket-Protocol": ["chat", "ZWS2.0"]}, id="protocols on two lines"),
    pytest.param({"Sec-WebSocket-Protocol": ["\tZWS2.0\t"]}, id="tabs around the protocol"),
]
BAD = [
    pytest.param({"Connection": ["keep-alive"]}, id="no upgrade"),
    pytest.param({"Connection": ["upgraded"]}, id="another word"),
    pytest.param({"Connection": ["keep-alive Upgrade"]}, id="no comma"),
    pytest.param({"Upgrade": ["websocket2"]}, id="another protocol"),
    pytest.param({"Sec-WebSocket-Protocol": ["zws2.0"]}, id="another case of the protocol"),
    pytest.param({"Sec-WebSocket-Key": []}, id="no key"),
    pytest.param({"Sec-WebSocket-Key": [" ,"]}, id="no key but a comma"),
]


@pytest.fixture
def server(context):
    return context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT, bind="ws://127.0.0.1:*")


def ask(server, headers: dict[str, list[str]], path: str = "/") -> sockets.socket:
    port = wire.port_of(server.last_endpoint)
    raw = wire.connect(port, 10 * FACTOR)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    raw.sendall(request.encode() + lines(headers) + b"\r\n")
    return raw


@needs_patch("ws-headers")
@pytest.mark.parametrize("headers", GOOD)
def test_a_good_request_is_granted(server, headers: dict[str, list[str]]) -> None:
    with ask(server, headers) as raw:
        answer = wire.read_until(raw, b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n" in answer
        assert b"\r\nSec-WebSocket-Protocol: ZWS2.0\r\n" in answer
        raw.sendall(wire.ws_frame(b"\0") + wire.ws_message(b"heard"))  # routing id, message
        assert server.recv() == b"heard"


@pytest.mark.parametrize("headers", BAD)
def test_a_bad_request_is_refused(server, headers: dict[str, list[str]]) -> None:
    with ask(server, headers) as raw, pytest.raises(ConnectionError):
        wire.read_until(raw, b"101")


ANSWERS = [
    pytest.param({}, id="as libzmq itself"),
    pytest.param({"Connection": ["upgrade"], "Upgrade": ["WebSocket"]}, id="other cases"),
    pytest.param({"Connection": ["Upgrade, close"]}, id="a proxy adds a word"),
    pytest.param({"Connection": ["keep-alive", "Upgrade "]}, id="a proxy adds a line"),
    pytest.param({"Sec-WebSocket-Protocol": ["ZWS2.0 \t"]}, id="blanks behind"),
]


@needs_patch("ws-headers")
@pytest.mark.parametrize("headers", ANSWERS)
def test_a_client_takes_the_answer(context, headers: dict[str, list[str]]) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10 * FACTOR)
        client = context.socket(zmq.PUSH, linger=0, sndtimeo=LIMIT, immediate=1)
        client.connect(f"ws://127.0.0.1:{listener.getsockname()[1]}")
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(10 * FACTOR)
            wire.read_until(peer, b"\r\n\r\n")
            answer = {**headers, "Sec-WebSocket-Accept": ["unchecked"], "Sec-WebSocket-Key": []}
            peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + lines(answer) + b"\r\n")
            peer.sendall(wire.ws_frame(b"\0", mask=None))
            client.send(b"heard")
            seen = b""
            while not unmasked(seen).endswith(b"heard"):
                more = peer.recv(4096)
                assert more
                seen += more


def unmasked(text: bytes) -> bytes:
    """The body of the last of two masked frames, if it is there."""
    start = text.find(b"\x82\x86")  # 6 bytes: flags and "heard"
    if start < 0 or len(text) < start + 12:
        return b""
    mask, body = text[start + 2 : start + 6], text[start + 6 : start + 12]
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))


# -- paths ---------------------------------------------------------------------------------------

PATHS = ["/", "/a", "/a/", "/a/b/c", "//", "/a:b", "/a/b:99/c", "/a?b=c&d=/e", "/%20/%2F", "/ä"]


@needs_patch("ws-places")
@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_bound_and_reached(context, path: str) -> None:
    server = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT)
    endpoint = server.bind(f"ws://127.0.0.1:*{path}")
    assert endpoint.endswith(path)
    assert endpoint.count(":") == 2 + path.count(":")
    with context.socket(zmq.PUSH, linger=0, sndtimeo=LIMIT, connect=endpoint) as client:
        client.send(b"heard")
        assert server.recv() == b"heard"
    server.unbind(endpoint)


@needs_patch("ws-places")
@pytest.mark.parametrize("path", ["", *PATHS])
def test_a_client_asks_for_the_whole_path(context, path: str) -> None:
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10 * FACTOR)
        port = listener.getsockname()[1]
        client = context.socket(zmq.PUSH, linger=0)
        client.connect(f"ws://127.0.0.1:{port}{path}")
        peer, _ = listener.accept()
        with peer:
            request = wire.read_until(peer, b"\r\n\r\n").decode()
    assert request.startswith(f"GET {path or '/'} HTTP/1.1\r\n")
    assert "\r\nHost: 127.0.0.1\r\n" in request


@needs_patch("ws-places")
def test_a_path_that_is_too_long_is_refused() -> None:
    """Nothing behind the buffer of the request is sent; past the facade, too."""
    program(
        """
        context = zmq.Context()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        address = f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        client = context.socket(zmq.PUSH, linger=0)
        for length in (4096, 7800, 8192, 100_000):
            refused(lambda: client.connect(address + "x" * length), zmq.InvalidArgument)
            refused(lambda: client._connect(address + "x" * length))
        client.connect(address + "x" * 4095)
        peer = listener.accept()[0]
        request = b""
        while b"\\r\\n\\r\\n" not in request:
            request += peer.recv(10000)
        assert request.startswith(b"GET /" + b"x" * 4095 + b" HTTP/1.1\\r\\n")
        assert request.endswith(b"\\r\\n\\r\\n") and request.count(b"\\r\\n\\r\\n") == 1
        peer.close()
        listener.close()
        context.destroy(0)
        """
    )


@pytest.mark.parametrize(
    "path",
    ["/a b", "/a\r\nEvil: yes", "/a\tb", "/\x01"],
    ids=["blank", "line", "tab", "control"],
)
def test_a_path_cannot_add_to_the_request(context, path: str) -> None:
    with pytest.raises(zmq.InvalidArgument, match="%20"):
        context.socket(zmq.PUSH).connect(f"ws://127.0.0.1:5555{path}")


@needs_patch("ws-places")
def test_ipv6_in_brackets_with_a_path(context) -> None:
    server = context.socket(zmq.PULL, linger=0, rcvtimeo=LIMIT, ipv6=1)
    try:
        endpoint = server.bind("ws://[::1]:*/a/b:c")
    except zmq.ZMQError:
        pytest.skip("no IPv6 here")
    client = context.socket(zmq.PUSH, linger=0, sndtimeo=LIMIT, ipv6=1, connect=endpoint)
    in_thread(client.send, b"heard")()
    assert server.recv() == b"heard"
