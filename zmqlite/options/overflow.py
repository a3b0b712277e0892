"""What a socket does with a message that has no room, by name: `overflow="latest"`.

Only what libzmq does truly is granted; all else is refused, with the reason.
"""

from __future__ import annotations

from typing import Any

from .._native import core
from ..enums import SocketOption, SocketType
from ..error import InvalidArgument, NotSupported
from .rows import Kind

__all__ = ["set_overflow"]

_DROP_NEWEST = core.OWN_OPTIONS["drop_newest"]
_PUBLISHERS = frozenset({SocketType.PUB, SocketType.XPUB, SocketType.RADIO})
_RECEIVERS = core.RECEIVE_ONLY | {SocketType.XSUB}
_KEEPS_LATEST = frozenset(
    {SocketType.PUB, SocketType.SUB, SocketType.PUSH, SocketType.PULL, SocketType.DEALER}
)
# What has no room is dropped whole, and nobody waits for an answer to it.
_MAY_DROP = frozenset(
    {
        SocketType.PUSH,
        SocketType.DEALER,
        SocketType.PAIR,
        SocketType.CLIENT,
        SocketType.CHANNEL,
        SocketType.SCATTER,
    }
)
_REFUSED = {
    (SocketType.REP, "block"): "a REP drops a reply that its client has no room for; a ROUTER "
    "may wait",
    (SocketType.REQ, "drop_newest"): "a REQ would wait for the answer to a request that was "
    "dropped; set sndtimeo",
}


def set_overflow(socket: Any, policy: str) -> None:
    """Give a new socket its policy, before it is bound or connected.

    Raises `InvalidArgument` for an unknown name, `NotSupported` where it cannot be had.
    """
    if policy not in _OTHERWISE:
        raise InvalidArgument.during(
            "overflow",
            socket._subject(),
            f"it takes one of {', '.join(_OTHERWISE)}, not {policy!r}",
        )
    kind = SocketType(socket.type)
    reason = _REFUSED.get((kind, policy)) or _OTHERWISE[policy](socket, kind)
    if reason:
        raise NotSupported.during(f"overflow={policy!r}", socket._subject(), reason)


def _block(socket: Any, kind: SocketType) -> str:
    if kind in _PUBLISHERS:
        socket.set(SocketOption.XPUB_NODROP, 1)
    elif kind is SocketType.ROUTER:
        socket.set(SocketOption.ROUTER_MANDATORY, 1)
    return ""  # others do it by themselves; those that receive leave it to those that send


def _drop_newest(socket: Any, kind: SocketType) -> str:
    if kind in _PUBLISHERS or kind in (SocketType.ROUTER, SocketType.REP):
        return ""  # they do it by themselves
    if kind in _RECEIVERS:
        return "a socket that is full reads no more, and it is the sender that drops or waits"
    if kind not in _MAY_DROP:
        return "this type waits for room; send(..., DONTWAIT) raises Again instead"
    try:
        socket._set_option(_DROP_NEWEST, Kind.INT, 1)
    except InvalidArgument:
        return "it takes the libzmq that zmqlite builds, with its patches"
    return ""


def _drop_oldest(_socket: Any, _kind: SocketType) -> str:
    return (
        "what is in a queue of libzmq already belongs to the thread that takes it out; "
        "'latest' keeps the newest message alone, on PUB, SUB, PUSH, PULL and DEALER"
    )


def _latest(socket: Any, kind: SocketType) -> str:
    if kind not in _KEEPS_LATEST:
        return "only PUB, SUB, PUSH, PULL and DEALER can keep the newest message alone (CONFLATE)"
    socket.set(SocketOption.CONFLATE, 1)
    return ""


_OTHERWISE = {
    "block": _block,
    "drop_newest": _drop_newest,
    "drop_oldest": _drop_oldest,
    "latest": _latest,
}
