"""The client's and the server's side of CURVE (RFC 26), byte by byte, on PyNaCl.

Each method returns a command as ZMTP 3.x carries it, except `message`, which is a frame. What a
hostile peer does with them is its own business: nothing here is checked twice.
"""

from __future__ import annotations

import os
import struct

import wire

try:
    from nacl import bindings as nacl
except ImportError:  # then there are no keys to attack with
    nacl = None  # type: ignore[assignment]

AVAILABLE = nacl is not None
VERSION = b"\1\0"


class Client:
    """A client that knows the server's public key, and has a key of its own."""

    def __init__(self, server: bytes, public: bytes, secret: bytes) -> None:
        self.server = server
        self.public = public
        self.secret = secret
        self.short_public, self.short_secret = nacl.crypto_box_keypair()
        self.nonce = 0
        self.shared = b""

    def _next(self, prefix: bytes) -> tuple[bytes, bytes]:
        self.nonce += 1
        tail = struct.pack(">Q", self.nonce)
        return tail, prefix + tail

    def hello(self) -> bytes:
        """The first command: it proves that we have the short key."""
        tail, nonce = self._next(b"CurveZMQHELLO---")
        box = nacl.crypto_box(bytes(64), nonce, self.server, self.short_secret)
        return wire.command(b"HELLO", VERSION + bytes(72) + self.short_public + tail + box)

    def initiate(self, welcome: bytes, metadata: bytes) -> bytes:
        """The answer to WELCOME (the body behind its name): who we are."""
        nonce = b"WELCOME-" + welcome[:16]
        plain = nacl.crypto_box_open(welcome[16:160], nonce, self.server, self.short_secret)
        short_server, cookie = plain[:32], plain[32:]
        self.shared = nacl.crypto_box_beforenm(short_server, self.short_secret)
        vouch_tail = os.urandom(16)
        vouch = nacl.crypto_box(
            self.short_public + self.server, b"VOUCH---" + vouch_tail, short_server, self.secret
        )
        tail, nonce = self._next(b"CurveZMQINITIATE")
        box = nacl.crypto_box_afternm(
            self.public + vouch_tail + vouch + metadata, nonce, self.shared
        )
        return wire.command(b"INITIATE", cookie + tail + box)

    def message(self, body: bytes, flags: int = 0) -> bytes:
        """A message part as it travels; flag 1 says that more follow, 2 marks a command."""
        tail, nonce = self._next(b"CurveZMQMESSAGEC")
        box = nacl.crypto_box_afternm(bytes([flags]) + body, nonce, self.shared)
        return wire.frame(b"\x07MESSAGE" + tail + box)


class Server:
    """A server that has a key pair; it takes every client."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.short_public, self.short_secret = nacl.crypto_box_keypair()
        self.nonce = 0
        self.shared = b""

    def welcome(self, hello: bytes) -> bytes:
        """The answer to HELLO (the body behind its name)."""
        client = hello[74:106]
        tail = os.urandom(16)
        box = nacl.crypto_box(
            self.short_public + os.urandom(96), b"WELCOME-" + tail, client, self.secret
        )
        self.shared = nacl.crypto_box_beforenm(client, self.short_secret)
        return wire.command(b"WELCOME", tail + box)

    def ready(self, metadata: bytes) -> bytes:
        """The answer to INITIATE, whatever that said."""
        self.nonce += 1
        tail = struct.pack(">Q", self.nonce)
        box = nacl.crypto_box_afternm(metadata, b"CurveZMQREADY---" + tail, self.shared)
        return wire.command(b"READY", tail + box)

    def message(self, body: bytes, flags: int = 0) -> bytes:
        """A message part as it travels."""
        self.nonce += 1
        tail = struct.pack(">Q", self.nonce)
        box = nacl.crypto_box_afternm(
            bytes([flags]) + body, b"CurveZMQMESSAGES" + tail, self.shared
        )
        return wire.frame(b"\x07MESSAGE" + tail + box)


def body_of(said: bytes, name: bytes) -> bytes:
    """Return what stands behind this command's name in all that was said, or nothing."""
    start = said.find(bytes([len(name)]) + name)
    return said[start + 1 + len(name) :] if start >= 0 else b""
