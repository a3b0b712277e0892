"""ZMTP byte by byte, as honest and hostile peers send it: nothing here goes through libzmq.

ZMTP 3.x is RFC 23 and 37, 2.0 is RFC 15, 1.0 is RFC 13; over WebSocket it is RFC 45. Sizes may be
announced that no body follows, which is the point.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
ABRUPT = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() reset the connection."""

# socket types as ZMTP 2.0 numbers them
NUMBERS = {"PAIR": 0, "PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6}
NUMBERS |= {"PULL": 7, "PUSH": 8, "XPUB": 9, "XSUB": 10}


def greeting(version: tuple[int, int] = (3, 1), mechanism: bytes = b"NULL") -> bytes:
    """Return the 64 bytes that open ZMTP 3.x."""
    return SIGNATURE + bytes(version) + mechanism.ljust(20, b"\0") + bytes(32)


def header(size: int, flags: int = 0, long: bool | None = None) -> bytes:
    """Return flags and size of a frame of ZMTP 2.0 and later, whatever size it announces."""
    if long or (long is None and size > 255):
        return bytes([flags | 2]) + struct.pack(">Q", size)
    return bytes([flags, size])


def frame(body: bytes, flags: int = 0) -> bytes:
    """Return a frame of ZMTP 2.0 and later; flag 1 says that more follow, 4 marks a command."""
    return header(len(body), flags) + body


def command(name: bytes, body: bytes = b"") -> bytes:
    """Return a command of ZMTP 3.x."""
    return frame(bytes([len(name)]) + name + body, 4)


def properties(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return metadata as READY and INITIATE carry it."""
    return b"".join(
        bytes([len(name)]) + name + struct.pack(">I", len(value)) + value for name, value in pairs
    )


def ready(kind: str, identity: bytes = b"") -> bytes:
    """Return the READY of a peer of this socket type."""
    pairs = [(b"Socket-Type", kind.encode())]
    return command(b"READY", properties([*pairs, (b"Identity", identity)] if identity else pairs))


def subscribe(topic: bytes, minor: int = 1) -> bytes:
    """Return a subscription: a command since ZMTP 3.1, before that a message."""
    return command(b"SUBSCRIBE", topic) if minor else frame(b"\1" + topic)


def cancel(topic: bytes, minor: int = 1) -> bytes:
    """Return what takes a subscription back."""
    return command(b"CANCEL", topic) if minor else frame(b"\0" + topic)


def join(group: bytes, leave: bool = False) -> bytes:
    """Return what a DISH says to a RADIO; a group may have more bytes than are allowed."""
    return command(b"LEAVE" if leave else b"JOIN", group)


def ping(context: bytes = b"", ttl: int = 0) -> bytes:
    """Return a PING, which a PONG with the same context answers; ttl in tenths of a second."""
    return command(b"PING", struct.pack(">H", ttl) + context)


def hello(username: bytes, password: bytes) -> bytes:
    """Return the HELLO of PLAIN."""
    return command(b"HELLO", bytes([len(username)]) + username + bytes([len(password)]) + password)


def initiate(kind: str, identity: bytes = b"") -> bytes:
    """Return the INITIATE of PLAIN; the server's READY ends that handshake."""
    pairs = [(b"Socket-Type", kind.encode()), (b"Identity", identity)]
    return command(b"INITIATE", properties(pairs))


def second_greeting(kind: str, identity: bytes = b"") -> bytes:
    """Return all that a peer says before its messages in ZMTP 2.0."""
    return SIGNATURE + bytes([1, NUMBERS[kind]]) + frame(identity)


def old_frame(body: bytes, flags: int = 0) -> bytes:
    """Return a frame of ZMTP 1.0; the first one is the identity."""
    return old_header(len(body) + 1, flags) + body


def datagram(group: bytes, body: bytes) -> bytes:
    """Return what a RADIO says over udp."""
    return bytes([len(group) & 0xFF]) + group + body


def old_header(size: int, flags: int = 0, long: bool | None = None) -> bytes:
    """Return the head of a frame of ZMTP 1.0; its size counts the byte of flags."""
    if long or (long is None and size > 254):
        return b"\xff" + struct.pack(">Q", size) + bytes([flags])
    return bytes([size, flags])


def upgrade(
    port: int, protocol: bytes = b"ZWS2.0", path: bytes = b"/", extra: bytes = b""
) -> bytes:
    """Return the request that asks for a WebSocket."""
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1:" + str(port).encode() + b"\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: " + protocol + b"\r\n" + extra + b"\r\n"
    )


def accepted(request: bytes, protocol: bytes = b"") -> bytes:
    """Return the answer that lets a client have the WebSocket it asked for."""
    head = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in request.split(b"\r\n"))
    }
    key = head.get(b"sec-websocket-key", b"")
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    protocol = protocol or head.get(b"sec-websocket-protocol", b"").split(b",")[0]
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n"
        b"Sec-WebSocket-Protocol: " + protocol + b"\r\n\r\n"
    )


def ws_header(size: int, opcode: int = 2, mask: bytes | None = bytes(4), long: int = 0) -> bytes:
    """Return the head of a WebSocket frame; `long` forces a size of 2 or 8 bytes."""
    masked = 0x80 if mask is not None else 0
    if long == 8 or (not long and size > 0xFFFF):
        field = bytes([masked | 127]) + struct.pack(">Q", size)
    elif long == 2 or (not long and size > 125):
        field = bytes([masked | 126]) + struct.pack(">H", size)
    else:
        field = bytes([masked | size])
    return bytes([0x80 | opcode]) + field + (mask or b"")


def ws_frame(body: bytes, opcode: int = 2, mask: bytes | None = bytes(4)) -> bytes:
    """Return a whole WebSocket frame; a mask of zeros leaves the body as it is."""
    return ws_header(len(body), opcode, mask) + body


def ws_message(body: bytes, flags: int = 0, mask: bytes | None = bytes(4)) -> bytes:
    """Return a message of ZWS 2.0: a byte of flags (1: more, 2: command) and the body."""
    return ws_frame(bytes([flags]) + body, mask=mask)


def ws_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return opcode and body of each whole WebSocket frame in data, short ones only."""
    found = []
    while len(data) >= 2:
        opcode, masked, size = data[0] & 15, data[1] & 0x80, data[1] & 0x7F
        if size > 125:
            raise ValueError("a long frame")
        mask, data = (data[2:6], data[6:]) if masked else (bytes(4), data[2:])
        if len(data) < size:
            break
        found.append((opcode, bytes(b ^ mask[n % 4] for n, b in enumerate(data[:size]))))
        data = data[size:]
    return found


def port_of(endpoint: bytes | str) -> int:
    """Return the port of an endpoint such as bind returns it."""
    text = endpoint.decode() if isinstance(endpoint, bytes) else endpoint
    return int(text.rstrip("/").rpartition(":")[2])


def connect(port: int, timeout: float = 10, rcvbuf: int = 0) -> socket.socket:
    """Connect to a socket of this machine; `rcvbuf` limits what is received unread."""
    raw = socket.socket()
    raw.settimeout(timeout)
    if rcvbuf:  # later it would not limit what the other side may send
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    raw.connect(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def dial(endpoint: bytes | str, timeout: float = 10, rcvbuf: int = 0) -> socket.socket:
    """Connect to an endpoint such as bind returns it: tcp, ws or ipc."""
    text = endpoint.decode() if isinstance(endpoint, bytes) else endpoint
    if not text.startswith("ipc://"):
        return connect(port_of(text), timeout, rcvbuf)
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(timeout)
    raw.connect(text.removeprefix("ipc://"))
    return raw


def read_until(raw: socket.socket, wanted: bytes) -> bytes:
    """Read until something was said; fail if the other side ends first."""
    seen = b""
    while wanted not in seen:
        more = raw.recv(4096)
        if not more:
            raise ConnectionError(f"the other side ended after {seen!r}")
        seen += more
    return seen


def speak(raw: socket.socket, kind: str, identity: bytes = b"") -> None:
    """Shake hands over NULL as a peer of this socket type, to the end."""
    raw.sendall(greeting() + ready(kind, identity))
    read_until(raw, b"Socket-Type")


def speak_ws(raw: socket.socket, port: int, kind: str) -> None:
    """Shake hands over NULL through a WebSocket, to the end."""
    raw.sendall(upgrade(port, b"ZWS2.0/NULL"))
    seen = read_until(raw, b"\r\n\r\n")
    raw.sendall(ws_message(ready(kind)[2:], 2))
    if b"Socket-Type" not in seen:
        read_until(raw, b"Socket-Type")


def ended(raw: socket.socket) -> bool:
    """Read until the other side has closed, whatever it says before; close as well."""
    try:
        while raw.recv(65536):
            pass
    except ConnectionError:
        pass
    raw.close()
    return True


def hang_up(raw: socket.socket) -> None:
    """Say that nothing more comes and wait until the other side has read that, and closed."""
    try:
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(65536):
            pass
    except ConnectionError:
        pass
    finally:
        raw.close()


def reset(raw: socket.socket) -> None:
    """Break the connection; what the other side has not read yet, it may never see."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
    raw.close()


def open_files() -> int:
    """Return how many descriptors this process has open (Linux)."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def watched_files() -> int:
    """Return how many descriptors the I/O threads of this process watch (Linux)."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        try:
            count += info.read_text().count("tfd:")
        except OSError:  # closed meanwhile
            continue
    return count


def wait_until(condition: Callable[[], Any], what: str, timeout: float = 10) -> None:
    """Wait until something holds; fail with what it was."""
    factor = float(os.environ.get("ZMQLITE_TEST_TIMEOUT_FACTOR", "1"))
    deadline = time.monotonic() + timeout * factor
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout * factor:.0f} s in vain: {what}")
        time.sleep(0.005)
