"""How a hostile peer speaks: one class hides which protocol carries its parts and commands."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import fleet
import wire
import wire_curve
from actions import Await, Scene

WORDS = (b"", b"x", b"topic", b"topic/a", b"y" * 33, b"z" * 34, b"m" * 100, b"n" * 254)
WORDS += (b"o" * 255, b"p" * 256, b"q" * 1000, b"r" * 1640, b"s" * 5000)
RARE = (b"t" * 8192, b"u" * 33000, b"v" * 70_000, b"w" * 300_000)
GROUPS = tuple(group.encode() for group in fleet.GROUPS)
_GREETINGS = {
    (minor, mechanism): wire.greeting((3, minor), mechanism)
    for minor in (0, 1)
    for mechanism in (b"NULL", b"PLAIN", b"CURVE")
}
_READY: dict[tuple[str, bytes], bytes] = {}


@dataclass(frozen=True)
class Target:
    """Where a session goes. `kind` is the type of the victim's socket."""

    index: int
    post: str
    kind: str
    way: str
    address: Any
    mechanism: str
    hwm: int
    reads: str
    raw: bool

    @property
    def name(self) -> str:
        """The post, and the way to it."""
        return f"{self.post}/{self.way}"


def target_of(index: int, told: dict[str, Any]) -> Target:
    """Make a target of what the victim has told."""
    transport, _, rest = told["endpoint"].partition("://")
    if transport == "ipc":
        address: Any = "\0" + rest[1:] if rest.startswith("@") else rest
    else:
        host, _, port = rest.rstrip("/").rpartition(":")
        address = (host, int(port))
    wanted = ("post", "kind", "way", "mechanism", "hwm", "reads", "raw")
    return Target(index=index, address=address, **{name: told[name] for name in wanted})


def ready(kind: str, identity: bytes = b"") -> bytes:
    """The READY of a peer; those without an identity are always the same."""
    known = _READY.get((kind, identity))
    if known is None:
        known = wire.ready(kind, identity)
        if len(identity) < 3:
            _READY[kind, identity] = known
    return known


class Speech:
    """A peer of a certain type, over ZMTP 1.0 to 3.1 or ws, with a mechanism."""

    def __init__(
        self, r: random.Random, target: Target, kind: str | None = None, server: bool = False
    ) -> None:
        self.r = r
        self.target = target
        self.server = server
        self.ws = target.way == "ws"
        victim = target.kind
        if kind is None:
            partners = fleet.PARTNERS[victim] or ("DEALER",)
            kind = partners[0] if r.random() < 0.8 else r.choice(partners)
        self.kind = kind
        self.identity = b""
        self.major, self.minor = 3, 1
        self.curve: wire_curve.Client | wire_curve.Server | None = None
        if not self.ws and target.mechanism == "NULL":
            fate = r.random()
            if fate > 0.9 and kind in wire.NUMBERS:
                self.major = 1 if fate > 0.95 else 2
            elif fate > 0.75:
                self.minor = 0
        # ws without a mechanism: parts follow the upgrade, the first one is the identity
        self.bare = self.ws and target.mechanism == "NULL" and r.random() < 0.4

    # the handshake -------------------------------------------------------------------------------

    def open(self, keys: dict[str, str]) -> Scene:
        """Shake hands; what can be said at once comes back, to be sent with what follows."""
        first = yield from self._greet()
        if self.major < 3 or self.bare:
            return first
        mechanism = self.target.mechanism
        if mechanism == "NULL":
            said = first + self.command_raw(ready(self.kind, self.identity))
            if self.r.random() < 0.1:
                return said
            yield said
            yield Await(b"Socket-Type")  # or what follows comes before its time
            return b""
        yield first
        shake = self._plain if mechanism == "PLAIN" else self._curve
        yield from shake(keys)
        return b""

    def _greet(self) -> Scene:
        if self.ws:
            protocol = b"ZWS2.0" if self.bare else b"ZWS2.0/" + self.target.mechanism.encode()
            if self.server:
                request = yield Await(b"\r\n\r\n")
                return wire.accepted(request or b"", protocol)
            yield wire.upgrade(self.target.address[1], protocol)
            if self.r.random() < 0.8:
                yield Await(b"\r\n\r\n")
            return wire.ws_message(self.identity) if self.bare else b""
        if self.major == 1:
            return wire.old_frame(self.identity)
        if self.major == 2:
            return wire.second_greeting(self.kind, self.identity)
        return _GREETINGS[self.minor, self.target.mechanism.encode()]

    def _plain(self, keys: dict[str, str]) -> Scene:
        if self.server:
            yield Await(b"HELLO")
            yield self.command(b"WELCOME")
            yield Await(b"INITIATE")
            yield self.command_raw(ready(self.kind, self.identity))
            return
        hello = wire.hello(b"user", fleet.PASSWORDS["user"].encode())
        yield self.command_raw(hello)
        if self.r.random() < 0.9:
            yield Await(b"WELCOME")
        yield self.command_raw(wire.initiate(self.kind, self.identity))
        yield Await(b"READY")

    def _curve(self, keys: dict[str, str]) -> Scene:
        metadata = wire.properties(
            [(b"Socket-Type", self.kind.encode()), (b"Identity", self.identity)]
        )
        if not wire_curve.AVAILABLE:
            return
        if self.server:
            server = wire_curve.Server(z85(keys["server-secret"]))
            heard = yield Await(b"HELLO")
            yield self.command_raw(server.welcome(wire_curve.body_of(heard, b"HELLO")))
            yield Await(b"INITIATE")
            yield self.command_raw(server.ready(metadata))
            self.curve = server
            return
        own = z85(keys["public"]), z85(keys["secret"])
        client = wire_curve.Client(z85(keys["server"]), *own)
        yield self.command_raw(client.hello())
        heard = yield Await(b"WELCOME")
        yield self.command_raw(client.initiate(wire_curve.body_of(heard, b"WELCOME"), metadata))
        yield Await(b"READY")
        self.curve = client

    # afterwards ----------------------------------------------------------------------------------

    def part(self, body: bytes, more: bool = False) -> bytes:
        """A part of a message."""
        if self.curve is not None:
            inner = self.curve.message(body, int(more))
            return self._as_ws(inner) if self.ws else inner
        if self.ws:
            mask = None if self.server else bytes(4)
            return wire.ws_message(body, int(more), mask)
        if self.major == 1:
            return wire.old_frame(body, int(more))
        return wire.frame(body, int(more))

    def command(self, name: bytes, body: bytes = b"") -> bytes:
        """A command, in the protocols that have some."""
        if self.curve is not None:
            inner = self.curve.message(bytes([len(name)]) + name + body, 2)
            return self._as_ws(inner) if self.ws else inner
        return self.command_raw(wire.command(name, body))

    def command_raw(self, said: bytes) -> bytes:
        """What `wire` made for ZMTP 3, as this protocol has it."""
        return self._as_ws(said) if self.ws else said

    def _as_ws(self, said: bytes) -> bytes:
        """Take a frame of ZMTP for a message of ZWS 2.0."""
        body = said[9:] if said[0] & 2 else said[2:]
        flags = (said[0] & 1) | (2 if said[0] & 4 else 0)
        return wire.ws_message(body, flags, None if self.server else bytes(4))

    # what the victim's type understands ----------------------------------------------------------

    def message(self) -> bytes:
        """Something that a peer of this type may say."""
        r, kind = self.r, self.target.kind
        word = r.choice(WORDS) if r.random() < 0.97 else r.choice(RARE)
        if self.target.raw:
            return word
        if kind in ("PUB", "XPUB"):
            return self.subscription()
        if kind == "RADIO":
            group = r.choice((*GROUPS, *GROUPS, word[:255]))
            return self.command_raw(wire.join(group, r.random() < 0.3))
        if kind == "DISH":
            return self.part(r.choice((*GROUPS, *GROUPS, b"")), True) + self.part(word)
        if kind in ("REP", "REQ"):
            return self.part(b"", True) + self.part(word)
        if kind in ("SUB", "XSUB", "DEALER", "ROUTER", "PULL", "PAIR") and r.random() < 0.3:
            return b"".join(self.part(word, more) for more in (True, True, False))
        return self.part(word)

    def subscription(self) -> bytes:
        """A topic wanted, or no longer."""
        r = self.r
        topic = r.choice((b"", b"", b"victim", b"topic", r.randbytes(r.randrange(300))))
        if self.minor and self.major == 3:
            return self.command(b"CANCEL" if r.random() < 0.3 else b"SUBSCRIBE", topic)
        return self.part((b"\0" if r.random() < 0.3 else b"\1") + topic)


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(text: str) -> bytes:
    """The bytes of a key."""
    out = bytearray()
    for start in range(0, len(text), 5):
        number = 0
        for digit in text[start : start + 5]:
            number = number * 85 + _DIGITS.index(digit)
        out += number.to_bytes(4, "big")
    return bytes(out)
