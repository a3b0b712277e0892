"""Scenes for one sort of target: mechanisms, ws, udp, REP; and the cast of every session."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace

import fleet
import wire
import wire_curve
from actions import FLUSH, Await, Scene, leave
from mutations import mutated
from scenes import SCENES, Maker, World, naked
from speech import Speech, Target, z85


def handshake(r: random.Random, t: Target, w: World) -> Scene:
    """The commands of the handshakes: in a wrong order, twice, with sizes that lie."""
    s = Speech(r, t)
    s.major, s.bare = 3, False
    yield from _begin(s)
    name = r.choice((b"READY", b"INITIATE", b"HELLO", b"WELCOME", b"ERROR"))
    names = (b"Socket-Type", b"Identity", b"Resource", b"X" * 255, b"", b"User-Id")
    said = b""
    for _ in range(r.choice((1, 1, 2, 3))):
        pairs = [
            (r.choice(names), r.choice((s.kind.encode(), b"", b"x" * 300, b"BOGUS")))
            for _ in range(r.choice((0, 1, 1, 2, 20)))
        ]
        body = wire.properties(pairs)
        if name == b"HELLO":
            body = wire.hello(b"u" * r.randrange(256), b"p" * r.randrange(256))[8:]
        elif name == b"ERROR":
            body = bytes([r.randrange(256)]) + b"400" * r.randrange(3)
        if r.random() < 0.5 and body:
            body = mutated(r, body)
        said += s.command_raw(wire.command(name, body))
    yield said
    yield from leave(r)


def _begin(s: Speech) -> Scene:
    """Say what comes before the first command."""
    if s.ws:
        yield wire.upgrade(s.target.address[1], b"ZWS2.0/" + s.target.mechanism.encode())
        yield Await(b"\r\n\r\n")
    else:
        yield wire.greeting((3, 1), s.target.mechanism.encode())


def curve(r: random.Random, t: Target, w: World) -> Scene:
    """A CURVE client that goes wrong at some step of the handshake, or after it."""
    s = Speech(r, t)
    yield from _begin(s)
    noise = r.randbytes(r.choice((0, 1, 80, 192, 193, 194, 1000)))
    step = r.randrange(6) if wire_curve.AVAILABLE else 0
    if step == 0:
        yield s.command_raw(wire.command(b"HELLO", noise))
        yield from leave(r)
        return
    # a key that the handler refuses, or the one it knows
    own = (z85(w.keys["public"]), z85(w.keys["secret"]))
    if r.random() < 0.3:
        own = wire_curve.nacl.crypto_box_keypair()
    client = wire_curve.Client(z85(w.keys["server"]), *own)
    hello = client.hello()
    yield s.command_raw(mutated(r, hello, 8) if step == 1 else hello)
    heard = yield Await(b"WELCOME", 0.2 if step == 1 else 1.0)
    if step == 2:
        yield s.command_raw(wire.command(b"INITIATE", noise))
    elif b"WELCOME" in heard:
        metadata = wire.properties([(b"Socket-Type", s.kind.encode())])
        if step == 3:
            metadata = mutated(r, metadata)
        initiate = client.initiate(wire_curve.body_of(heard, b"WELCOME"), metadata)
        yield s.command_raw(mutated(r, initiate, 11) if step == 4 else initiate)
        yield Await(b"READY", 0.3)
        if step == 5:
            s.curve = client
            said = [s.message() for _ in range(3)]
            yield said[0] + mutated(r, said[1], 2) + said[2] + said[0]
            yield s.command_raw(wire.frame(b"\x07MESSAGE" + noise[:250]))
    yield from leave(r)


def websocket(r: random.Random, t: Target, w: World) -> Scene:
    """The upgrade and the frames of ws, gone wrong."""
    port = t.address[1]
    fate = r.randrange(4)
    if fate == 0:
        request = wire.upgrade(port, extra=b"X-Long: " + b"x" * r.choice((10, 2047, 2048, 9000)))
        yield mutated(r, request)
    elif fate == 1:
        path = b"/" + b"p" * r.choice((0, 100, 254, 255, 256, 5000))
        name = r.choice((b"ZWS2.0", b"ZWS2.0/CURVE", b"", b"y" * 300))
        yield wire.upgrade(port, name, path, b"Header" * r.choice((0, 1, 400)) + b": v\r\n")
    else:
        yield wire.upgrade(port, r.choice((b"ZWS2.0", b"ZWS2.0/NULL")))
        yield Await(b"\r\n\r\n")
        said = b""
        for _ in range(r.choice((1, 3, 10))):
            opcode = r.choice((0, 1, 2, 2, 2, 8, 9, 10, 3, 15))
            mask = r.choice((bytes(4), r.randbytes(4), None))
            body = r.randbytes(r.choice((0, 1, 2, 125, 126, 127, 300)))
            said += wire.ws_frame(body, opcode, mask)
        if r.random() < 0.5:
            said = mutated(r, said)
        yield said
    yield from leave(r)


def datagrams(r: random.Random, t: Target, w: World) -> Scene:
    """Datagrams to sockets over udp: groups of any size, with sizes that lie."""
    for _ in range(r.choice((1, 3, 10))):
        fate = r.randrange(5)
        if fate == 0:
            yield r.randbytes(r.choice((0, 1, 2, 100, 1400, 9000))) or b"\0"
        elif fate == 1:
            yield bytes([r.choice((0, 1, 127, 128, 129, 255))]) + b"g" * r.randrange(200)
        elif fate == 2:
            yield wire.datagram(b"g", b"x" * r.choice((0, 1, 8000, 8191, 8192, 8193, 60_000)))
        elif fate == 3:
            yield wire.datagram(r.randbytes(r.randrange(256)), b"body")
        else:
            yield mutated(r, wire.datagram(b"g", b"as it should be"))
        if r.random() < 0.2:
            yield FLUSH


def raw(r: random.Random, t: Target, w: World) -> Scene:
    """Bytes to a STREAM: it takes them all."""
    for _ in range(r.choice((1, 2, 5))):
        yield r.randbytes(r.choice((1, 10, 1000, 1000, 8192, 8193, 50_000)))
        if r.random() < 0.3:
            yield r.choice((0.0, 0.001, 0.01))
    if r.random() < 0.3:
        yield Await(None, 0.01)
    yield from leave(r)


def scenes_for(t: Target, only: Iterable[str]) -> dict[str, tuple[Maker, int]]:
    """Return what may be played before this target, with weights."""
    if t.way == "udp":
        found: dict[str, tuple[Maker, int]] = {"datagrams": (datagrams, 1)}
    elif t.raw:
        found = {"raw": (raw, 2), "storm": SCENES["storm"], "garbage": SCENES["garbage"]}
        found["half_open"] = SCENES["half_open"]
    else:
        found = {**SCENES, "handshake": (handshake, 10)}
        if t.mechanism == "CURVE":
            found["curve"] = (curve, 30)
        if t.way == "ws":
            found["websocket"] = (websocket, 30)
        if t.kind in ("REP", "REQ"):
            found["naked"] = (naked, 15)
    only = set(only)
    return {name: one for name, one in found.items() if not only or name in only}


class Cast:
    """Who plays what before whom: a session's number and the seed decide it all."""

    def __init__(
        self, seed: int, targets: list[Target], world: World, only: Iterable[str] = ()
    ) -> None:
        self.seed = seed
        self.world = world
        self.places: list[tuple[Target, list[str], list[Maker], list[int]]] = []
        for target in targets:
            found = scenes_for(target, only)
            if found:
                weights = list(itertools.accumulate(weight for _, weight in found.values()))
                makers = [maker for maker, _ in found.values()]
                self.places.append((target, list(found), makers, weights))

    def session(self, number: int) -> tuple[Target, str, Scene]:
        """Return where session `number` goes, and its scene."""
        r = random.Random((self.seed << 48) ^ number)
        target, names, makers, weights = r.choice(self.places)
        if target.post.startswith("churn"):  # its type changes: guess
            target = replace(target, kind=r.choice(tuple(fleet.PARTNERS)))
        index = r.choices(range(len(names)), cum_weights=weights)[0]
        return target, names[index], makers[index](r, target, self.world)
