"""What hostile clients do: each scene is one session with a bound socket of the victim."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import wire
from actions import CLOSE, FLUSH, PAUSES, RESET, Await, Park, Scene, leave
from mutations import EDGES, mutated, split
from speech import GROUPS, Speech, Target


@dataclass(frozen=True)
class World:
    """What every scene may know."""

    keys: dict[str, str]


Maker = Callable[[random.Random, Target, World], Scene]


def storm(r: random.Random, t: Target, w: World) -> Scene:
    """Come and go, with hardly a word."""
    if r.random() < 0.3:
        yield r.choice((b"\xff", b"\0", wire.SIGNATURE, b"GET / HTTP"))
    yield RESET if r.random() < 0.8 else CLOSE


def garbage(r: random.Random, t: Target, w: World) -> Scene:
    """Say what is no protocol, or stops being one."""
    fate = r.randrange(7)
    noise = r.randbytes(r.choice((1, 10, 64, 300, 3000)))
    if fate == 0:
        yield noise
    elif fate == 1:
        yield wire.greeting((r.randrange(256), r.randrange(256)), noise[:20])
        yield noise
    elif fate == 2:
        yield b"\1\0" + noise  # the identity of ZMTP 1.0
    elif fate == 3:
        yield wire.SIGNATURE + bytes([r.randrange(256), r.randrange(256)]) + noise
    elif fate == 4:
        yield b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" + noise + b"\r\n\r\n"
    elif fate == 5:
        yield wire.greeting((3, 1), t.mechanism.encode())
        yield noise
    else:
        name = r.choice((b"ERROR", b"HELLO", b"PING", b"SUBSCRIBE", b"READY", b"INITIATE", b""))
        yield wire.greeting((3, 1), t.mechanism.encode()) + wire.command(name, noise[:250])
    yield from leave(r)


def valid(r: random.Random, t: Target, w: World) -> Scene:
    """Behave, but for the end."""
    s = Speech(r, t)
    if r.random() < 0.2:
        s.identity = r.choice((b"same", b"same", b"\0zero", r.randbytes(r.randrange(1, 256))))
    first = yield from s.open(w.keys)
    said = [s.message() for _ in range(r.choice((0, 1, 1, 2, 5, t.hwm and t.hwm // 2)))]
    yield first + b"".join(said)
    if r.random() < 0.3:
        yield Await(None, r.choice((0.002, 0.01, 0.05)))
        if said:
            yield said[0] if s.curve is None else s.message()
    yield from leave(r)


def in_pieces(r: random.Random, said: bytes) -> Scene:
    """Say it at once or in pieces of any size, each in a segment of its own or not."""
    for piece in split(r, said) if r.random() < 0.3 else [said]:
        yield piece
        if r.random() < 0.3:
            yield FLUSH


def changed(r: random.Random, t: Target, w: World) -> Scene:
    """A valid session with something wrong in it, in pieces of any size."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    said = first + b"".join(s.message() for _ in range(r.choice((1, 2, 4))))
    if r.random() < 0.3:
        said += s.command_raw(wire.ping(b"context"))
    # most leave the greeting alone, or none would get beyond it
    begin = len(first) if first and r.random() < 0.7 else 0
    said = mutated(r, said, begin)
    yield from in_pieces(r, said)
    yield from leave(r)


def early_end(r: random.Random, t: Target, w: World) -> Scene:
    """Stop at any byte of a valid session."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    said = first + s.message() + s.message()
    yield said[: r.randrange(len(said) + 1)]
    yield from leave(r, r.random() < 0.5)


def bomb(r: random.Random, t: Target, w: World) -> Scene:
    """Announce parts and commands of any size, and send a little of it."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    size = r.choice(EDGES)
    if s.ws:
        said = wire.ws_header(size, r.choice((0, 1, 2, 2, 8, 9, 10)), bytes(4), 8)
    elif s.major == 1:
        said = wire.old_header(size, r.choice((0, 1)), True)
    else:
        said = wire.header(size, r.choice((0, 1, 4, 5)), True)
    if t.kind == "DISH" and r.random() < 0.5:
        said = s.part(b"g", True) + said
    yield first + said + b"x" * r.choice((0, 1, 100, 5000))
    yield from leave(r)


def full(s: Speech, t: Target, r: random.Random) -> bytes:
    """More than the receiver takes."""
    one = s.message()
    if len(one) > 3000 or s.curve is not None:
        one = s.part(b"x")
    count = (t.hwm or 500) * r.choice((1, 2, 3)) + r.choice((-1, 0, 1, 2, 5))
    if s.curve is not None:
        return b"".join(s.part(b"x") for _ in range(count))
    return one * count


def overfill(r: random.Random, t: Target, w: World) -> Scene:
    """Fill the receiver, add commands, break off; it reads on afterwards."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    said = first + full(s, t, r)
    names = [b"ERROR", b"READY", b"SUBSCRIBE", b"CANCEL", b"JOIN", b"PONG", b"", b"UNKNOWN"]
    names += [b"PING"] * 8
    tail = b""
    for _ in range(r.choice((0, 1, 1, 3))):
        body = r.choice((b"\0\0", b"\0\1context", b"", b"x" * 20, b"\0\0" + b"c" * 300))
        tail += s.command(r.choice(names), body)
        if s.ws and r.random() < 0.5:
            tail += wire.ws_frame(b"control", r.choice((8, 9, 10)))
    tail += b"".join(s.message() for _ in range(r.choice((0, 0, 5))))
    if r.random() < 0.5:
        yield said + tail
    else:
        yield said
        yield r.choice(PAUSES)
        yield tail
    if r.random() < 0.3:
        yield Await(None, 0.02)
    yield from leave(r)


def commands(r: random.Random, t: Target, w: World) -> Scene:
    """Pings, subscriptions and groups without end."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    said = [first]
    for _ in range(r.choice((1, 5, 50))):
        what = r.randrange(4)
        if what == 0:
            context = b"c" * r.choice((0, 8, 16, 17, 249, 300))
            said.append(s.command(b"PING", b"\0" + bytes([r.randrange(3)]) + context))
        elif what == 1:
            said.append(s.command(r.choice((b"PONG", b"PING", b"", b"ERROR" * 20)), b""))
        elif what == 2:
            said.append(s.subscription())
        else:
            size = r.choice((0, 1, 200, 254, 255, 256, 300))
            body = wire.join(r.choice((b"g", b"h")) * size, r.random() < 0.4)
            said.append(s.command_raw(body))
    yield b"".join(said)
    if r.random() < 0.5:
        yield Await(None, r.choice((0.002, 0.02)))
    yield from leave(r)


def slow(r: random.Random, t: Target, w: World) -> Scene:
    """Say it byte by byte, with pauses."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    said = first + s.message() + s.message()
    for start in range(0, min(len(said), 150), 5):
        yield said[start : start + 5]
        yield Park(r.choice((0.01, 0.05, 0.2)))
    yield from leave(r)


def half_open(r: random.Random, t: Target, w: World) -> Scene:
    """Begin, and stay without another word."""
    s = Speech(r, t)
    if s.ws:
        said = wire.upgrade(t.address[1])
    else:
        said = wire.greeting((3, 1), t.mechanism.encode()) + wire.ready(s.kind)
    yield said[: r.randrange(len(said) + 1)]
    yield Park(r.choice((0.5, 2.0, 10.0)))
    yield from leave(r, False)


def deaf(r: random.Random, t: Target, w: World) -> Scene:
    """Ask for everything and read nothing; break off when much of it is under way."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    wish = s.message() if t.kind not in ("PUB", "XPUB") else s.part(b"\1") + s.subscription()
    if t.kind == "RADIO":
        wish = b"".join(s.command_raw(wire.join(group)) for group in GROUPS)
    elif t.kind in ("ROUTER", "REP", "SERVER", "STREAM", "PEER", "DEALER"):
        wish = b"".join(s.message() for _ in range(r.choice((3, 15))))
    yield first + wish
    yield Park(r.choice((0.05, 0.3, 1.0)))
    if r.random() < 0.5:
        yield Await(None, 0.01)
    yield from leave(r)


def blink(r: random.Random, t: Target, w: World) -> Scene:
    """Subscribe, join or ask, and leave before it is answered."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    yield first + b"".join(s.message() for _ in range(r.choice((1, 1, 3))))
    if r.random() < 0.7:
        yield r.choice((0.001, 0.004, 0.01))
    yield RESET if r.random() < 0.7 else CLOSE


def naked(r: random.Random, t: Target, w: World) -> Scene:
    """Talk to a REP or REQ without the delimiter, or with half an envelope."""
    s = Speech(r, t, "DEALER" if t.kind == "REP" else "ROUTER")
    first = yield from s.open(w.keys)
    envelopes = [
        s.part(b"x"),
        s.part(b"x", True) + s.part(b"y"),
        s.part(b"x", True),
        s.part(b"", True),
        s.part(b""),
        s.part(b"1234", True) + s.part(b"", True) + s.part(b"z"),
    ]
    yield first + b"".join(r.choice(envelopes) for _ in range(r.choice((1, 1, 2))))
    yield from leave(r)


def unfinished(r: random.Random, t: Target, w: World) -> Scene:
    """Leave in the middle of a message of several parts, or of a large one."""
    s = Speech(r, t)
    first = yield from s.open(w.keys)
    whole = s.part(b"a", True) * r.choice((0, 1, 3)) if s.curve is None else s.part(b"a", True)
    if r.random() < 0.5:
        whole += s.part(b"b" * r.choice((300, 20_000, 200_000)))
        whole = whole[: -r.randrange(1, 250)]
    yield first + whole
    yield from leave(r)


SCENES: dict[str, tuple[Maker, int]] = {
    "storm": (storm, 12),
    "garbage": (garbage, 10),
    "valid": (valid, 14),
    "changed": (changed, 22),
    "early_end": (early_end, 10),
    "bomb": (bomb, 8),
    "overfill": (overfill, 9),
    "commands": (commands, 5),
    "slow": (slow, 1),
    "half_open": (half_open, 3),
    "deaf": (deaf, 2),
    "blink": (blink, 6),
    "unfinished": (unfinished, 5),
}
"""The scenes with a bound socket over a stream, and how often each comes."""
