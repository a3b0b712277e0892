"""What is attacked: one line for each socket of the victim, bound or connecting.

Everybody reads this table: the victim opens its sockets from it, the well-behaved peers and the
attackers learn from it who may talk to whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

HWM = 20
"""Small, so that a few bytes fill a receiver."""
TOKEN = b"honest/"
"""How a message of a well-behaved peer begins; its name and a slash follow."""
GROUPS = ("g", "a group of more than 14 bytes")
PASSWORDS = {"user": "word"}
TOPIC = b"victim/"
"""How a message of the victim begins, and what its well-behaved subscribers want."""

PARTNERS: dict[str, tuple[str, ...]] = {
    "PAIR": ("PAIR",),
    "PUB": ("SUB", "XSUB"),
    "SUB": ("PUB", "XPUB"),
    "REQ": ("REP", "ROUTER"),
    "REP": ("REQ", "DEALER"),
    "DEALER": ("ROUTER", "DEALER", "REP"),
    "ROUTER": ("DEALER", "REQ", "ROUTER"),
    "PULL": ("PUSH",),
    "PUSH": ("PULL",),
    "XPUB": ("SUB", "XSUB"),
    "XSUB": ("PUB", "XPUB"),
    "SERVER": ("CLIENT",),
    "CLIENT": ("SERVER",),
    "RADIO": ("DISH",),
    "DISH": ("RADIO",),
    "SCATTER": ("GATHER",),
    "GATHER": ("SCATTER",),
    "PEER": ("PEER",),
    "CHANNEL": ("CHANNEL",),
    "STREAM": (),
    "DGRAM": (),
}
"""With whom a socket of each type talks; the first is what the well-behaved peer is."""
DRAFTS = frozenset(
    ("SERVER", "CLIENT", "RADIO", "DISH", "SCATTER", "GATHER", "PEER", "CHANNEL", "DGRAM")
)
ALL_WAYS = ("tcp", "ipc", "ws")


@dataclass(frozen=True)
class Post:
    """A socket of the victim."""

    name: str
    kind: str
    ways: tuple[str, ...] = ALL_WAYS
    options: dict[str, Any] = field(default_factory=dict)
    mechanism: str = "NULL"
    reads: str = "moody"
    """`moody`: reads now and then; `eager`: at once; `late`: every few seconds; `never`."""
    honest: bool = True


BEATS = {"heartbeat_ivl": 60, "heartbeat_timeout": 200, "heartbeat_ttl": 500}
LIMITED = {"maxmsgsize": 100_000}
ASKING = {"heartbeat_ivl": 500, "heartbeat_timeout": 60_000}
"""A peer that was refused, and went while the system was full of what it had sent, is only seen to
be gone when something is written to it."""
_BEATING = {"options": {**BEATS, **LIMITED}, "ways": ("tcp", "ws")}
_PARTING = {"options": {"hello_msg": b"hello", "disconnect_msg": b"gone"}}
_PARTING |= {"ways": ("tcp", "ipc")}
_PLAIN = {"mechanism": "PLAIN", "ways": ("tcp", "ws")}
_CURVE = {"mechanism": "CURVE", "ways": ("tcp", "ws", "ipc")}

BOUND: tuple[Post, ...] = (
    Post("pair", "PAIR", options=ASKING),
    Post("pair-open", "PAIR", options=ASKING, honest=False),
    Post("pub", "PUB", reads="never"),
    Post("sub", "SUB"),
    Post("req", "REQ", options={"req_relaxed": 1, "req_correlate": 1}),
    Post("rep", "REP"),
    Post("dealer", "DEALER"),
    Post("router", "ROUTER", options=LIMITED),
    Post("pull", "PULL"),
    Post("push", "PUSH", reads="never"),
    Post("xpub", "XPUB", options={"xpub_verboser": 1}),
    Post("xsub", "XSUB"),
    Post("stream", "STREAM", ("tcp",)),
    Post("server", "SERVER"),
    Post("client", "CLIENT"),
    Post("radio", "RADIO", reads="never"),
    Post("dish", "DISH"),
    Post("scatter", "SCATTER", reads="never"),
    Post("gather", "GATHER"),
    Post("peer", "PEER"),
    Post("channel", "CHANNEL", options=ASKING),
    Post("channel-open", "CHANNEL", options=ASKING, honest=False),
    # over udp there are no connections
    Post("dgram", "DGRAM", ("udp",)),
    Post("dish-udp", "DISH", ("udp",)),
    # options that change the way
    Post("pull-eager", "PULL", options={"rcvhwm": 0}, reads="eager"),
    Post("pull-late", "PULL", ("tcp",), reads="late", honest=False),
    Post("pull-newest", "PULL", options={"conflate": 1}),
    Post("sub-newest", "SUB", ("tcp", "ws"), options={"conflate": 1}),
    Post("router-strict", "ROUTER", options={"router_mandatory": 1, "router_handover": 1}),
    Post("router-notify", "ROUTER", ("tcp",), options={"router_notify": 3}),
    Post("router-raw", "ROUTER", ("tcp",), options={"router_raw": 1}, honest=False),
    Post("stream-notify", "STREAM", ("tcp",), options={"stream_notify": 0}),
    Post("xpub-welcome", "XPUB", options={"xpub_welcome_msg": b"hello", "xpub_nodrop": 1}),
    Post("xpub-manual", "XPUB", ("tcp", "ws"), options={"xpub_manual": 1}),
    Post("xpub-last", "XPUB", ("tcp", "ws"), options={"xpub_manual_last_value": 1}),
    Post("router-parting", "ROUTER", **_PARTING),
    Post("server-parting", "SERVER", **_PARTING),
    Post("router-beats", "ROUTER", **_BEATING),
    Post("pull-beats", "PULL", **_BEATING),
    Post("push-beats", "PUSH", reads="never", **_BEATING),
    Post("xsub-beats", "XSUB", **_BEATING),
    # with a ZAP handler
    Post("router-zap", "ROUTER", options={"zap_domain": b"open"}),
    Post("rep-plain", "REP", **_PLAIN),
    Post("router-plain", "ROUTER", **_PLAIN),
    Post("pull-plain", "PULL", **_PLAIN),
    Post("xpub-plain", "XPUB", **_PLAIN),
    Post("rep-curve", "REP", **_CURVE),
    Post("router-curve", "ROUTER", options=LIMITED, **_CURVE),
    Post("pull-curve", "PULL", **_CURVE),
    Post("sub-curve", "SUB", **_CURVE),
    Post("xpub-curve", "XPUB", **_CURVE),
    Post("server-curve", "SERVER", **_CURVE),
    Post("radio-curve", "RADIO", reads="never", **_CURVE),
)


@dataclass(frozen=True)
class Caller:
    """A socket of the victim that connects to a hostile server."""

    name: str
    kind: str
    way: str = "tcp"
    mechanism: str = "NULL"
    options: dict[str, Any] = field(default_factory=dict)


def _callers() -> Iterable[Caller]:
    for kind in PARTNERS:
        if kind != "DGRAM":
            yield Caller(f"{kind.lower()}>tcp", kind)
    for kind in ("DEALER", "ROUTER", "SUB", "PULL", "REQ", "DISH"):
        yield Caller(f"{kind.lower()}>ws", kind, "ws")
    for kind in ("DEALER", "SUB", "PUSH", "CLIENT"):
        yield Caller(f"{kind.lower()}>curve", kind, "tcp", "CURVE")
    yield Caller("dealer>ws-curve", "DEALER", "ws", "CURVE")
    for kind in ("DEALER", "XSUB", "REQ"):
        yield Caller(f"{kind.lower()}>plain", kind, "tcp", "PLAIN")
    yield Caller("pull>ipc", "PULL", "ipc")
    yield Caller("dealer>beats", "DEALER", options=BEATS)
    yield Caller("push>beats", "PUSH", options=BEATS)
    options = {"probe_router": 1, "router_notify": 3}
    yield Caller("router>probe", "ROUTER", options=options)
    yield Caller("dealer>socks", "DEALER", "socks")
    yield Caller("pull>socks", "PULL", "socks")
    yield Caller("push>named-socks", "PUSH", "socks", options={"socks_username": b"name"})
    yield Caller("dealer>no-socks", "DEALER", "no-socks")


CALLERS: tuple[Caller, ...] = tuple(_callers())


def chosen(wanted: Iterable[str], unwanted: Iterable[str]) -> tuple[list[Post], list[Caller]]:
    """Return the sockets of these types or names (none: all), but for the unwanted ones."""
    some, none = ({name.lower() for name in names} for names in (wanted, unwanted))

    def fits(one: Post | Caller) -> bool:
        called = {one.kind.lower(), one.name}
        return not called & none and (not some or bool(called & some))

    return [post for post in BOUND if fits(post)], [one for one in CALLERS if fits(one)]
