"""What hostile servers do to the victim's connecting sockets: one scene for each connection."""

from __future__ import annotations

import random

import fleet
import wire
from actions import PAUSES, RESET, Await, Park, Scene, leave
from mutations import EDGES, mutated, split
from scenes import World, full, in_pieces
from speech import Speech, Target

Names = dict[str, str]


def target_of(index: int, caller: fleet.Caller) -> Target:
    """Return the caller as the scenes see what they talk to."""
    return Target(
        index=index,
        post=caller.name,
        kind=caller.kind,
        way="ws" if caller.way == "ws" else "tcp",
        address=("127.0.0.1", 0),
        mechanism=caller.mechanism,
        hwm=fleet.HWM,
        reads="moody",
        raw=caller.kind == "STREAM",
    )


def silent(r: random.Random, t: Target, w: World) -> Scene:
    """Accept, and say nothing, or too little."""
    if r.random() < 0.5:
        yield wire.greeting((3, 1), t.mechanism.encode())[: r.randrange(65)]
    if r.random() < 0.3:
        yield Park(r.choice((0.05, 0.5, 2.0)))
    yield from leave(r)


def nonsense(r: random.Random, t: Target, w: World) -> Scene:
    """Answer what is no protocol, or another one."""
    noise = r.randbytes(r.choice((1, 10, 64, 300, 9000)))
    yield r.choice(
        (
            noise,
            wire.greeting((3, 1), r.choice((b"NULL", b"PLAIN", b"CURVE", b"GSSAPI"))) + noise,
            wire.greeting((r.randrange(256), r.randrange(256)), b"NULL"),
            wire.SIGNATURE + bytes([r.randrange(256), r.randrange(256)]) + noise,
            b"HTTP/1.1 400 Bad Request\r\n\r\n" + noise,
            b"HTTP/1.1 101 Switching Protocols\r\n" + b"x" * 9000,
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\1\0" + noise,
        )
    )
    yield from leave(r)


def served(r: random.Random, t: Target, w: World) -> Scene:
    """Behave for a while, and break off."""
    s = Speech(r, t, server=True)
    first = yield from s.open(w.keys)
    said = [s.message() for _ in range(r.choice((0, 1, 3, 10)))]
    yield first + b"".join(said)
    yield Await(None, r.choice((0.0, 0.005, 0.05)))
    if r.random() < 0.3:
        yield s.message()
    yield from leave(r)


def spoilt(r: random.Random, t: Target, w: World) -> Scene:
    """A valid session with something wrong in it."""
    s = Speech(r, t, server=True)
    first = yield from s.open(w.keys)
    said = first + b"".join(s.message() for _ in range(r.choice((1, 2, 4))))
    begin = len(first) if r.random() < 0.6 else 0
    said = mutated(r, said, begin)
    yield from in_pieces(r, said)
    yield from leave(r)


def bombed(r: random.Random, t: Target, w: World) -> Scene:
    """Announce parts of any size to the client."""
    s = Speech(r, t, server=True)
    first = yield from s.open(w.keys)
    size = r.choice(EDGES)
    if s.ws:
        said = wire.ws_header(size, r.choice((0, 2, 8, 9, 10)), None, 8)
    elif s.major == 1:
        said = wire.old_header(size, r.choice((0, 1)), True)
    else:
        said = wire.header(size, r.choice((0, 1, 4)), True)
    yield first + said + b"x" * r.choice((0, 100, 5000))
    yield from leave(r)


def overfilled(r: random.Random, t: Target, w: World) -> Scene:
    """Fill the client, add commands, break off."""
    s = Speech(r, t, server=True)
    first = yield from s.open(w.keys)
    said = full(s, t, r)
    if r.random() < 0.7:
        said += s.command(b"PING", b"\0\0context")
    else:
        said += s.command(r.choice((b"PONG", b"ERROR", b"SUBSCRIBE", b"")), b"x" * 10)
    yield first + said
    yield r.choice(PAUSES)
    yield from leave(r)


def welcome(r: random.Random, t: Target, w: World) -> Scene:
    """The server's commands of PLAIN and CURVE, malformed or out of turn."""
    yield wire.greeting((3, 1), t.mechanism.encode())
    yield Await(b"HELLO", 0.3)
    for _ in range(r.choice((1, 2))):
        name = r.choice((b"WELCOME", b"READY", b"ERROR", b"INITIATE", b"MESSAGE"))
        body = r.randbytes(r.choice((0, 1, 14, 30, 160, 161, 246, 300)))
        if name == b"ERROR" and r.random() < 0.5:
            body = bytes([r.choice((3, 200, 255))]) + b"400"
        yield wire.command(name, body)
        yield Await(None, r.choice((0.0, 0.005)))
    yield from leave(r)


def proxy(r: random.Random, t: Target, w: World) -> Scene:
    """A SOCKS5 proxy that lies, stops, or lets the client through to a server of this file."""
    yield Await(b"\5", 0.5)
    if r.random() < 0.1:
        yield r.randbytes(r.choice((1, 2, 3, 50)))
        yield from leave(r)
        return
    method = r.choice((0, 0, 0, 2, 2, 1, 255))
    yield bytes([5, method])
    yield Await(b"\1" if method == 2 else b"\5\1", 0.3)
    if method == 2:
        yield bytes([1, r.choice((0, 0, 0, 1))])
        yield Await(b"\5\1", 0.3)
    kind = r.choice((1, 1, 3, 4, 2, 255))
    length = r.randrange(256)
    address = {1: bytes(4), 4: bytes(16), 3: bytes([length]) + b"n" * length}
    answer = bytes([5, r.choice((0, 0, 0, 1, 8, 9)), 0, kind])
    answer += address.get(kind, b"?") + b"\0\1"
    if r.random() < 0.4:
        for piece in split(r, answer + r.randbytes(2000)):
            yield piece
            yield 0.002
    else:
        yield answer
    if r.random() < 0.7:
        yield from r.choice((served, spoilt, silent))(r, t, w)
    else:
        yield from leave(r)


def gone(r: random.Random, t: Target, w: World) -> Scene:
    """Reset at once."""
    if r.random() < 0.3:
        yield r.choice(PAUSES)
    yield RESET


def scene(r: random.Random, t: Target, w: World, way: str) -> tuple[str, Scene]:
    """Choose what is played before this caller."""
    if way == "socks":
        return "proxy", proxy(r, t, w)
    choice = [silent, nonsense, served, served, spoilt, spoilt, spoilt, bombed, overfilled, gone]
    if t.mechanism != "NULL" and t.way != "ws":
        choice += [welcome] * 4
    made = r.choice(choice)
    return made.__name__, made(r, t, w)
