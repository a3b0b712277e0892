"""What a socket needs before it faces strangers, in one word: `Context.harden()`.

Each value bounds something that a peer could otherwise take without limit. Nothing here is a
promise that libzmq does not keep: docs/hardening.md says what remains.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._native import core
from ..enums import SocketOption

__all__ = ["HARDENED", "HardenedValue", "require_zap"]


class HardenedValue(NamedTuple):
    """An option, the value that `harden()` gives it, and why."""

    option: SocketOption
    value: int
    reason: str


HARDENED = (
    HardenedValue(
        SocketOption.MAXMSGSIZE,
        1 << 20,
        "bytes of a part; memory for a part is taken when it is announced, before it comes",
    ),
    HardenedValue(
        SocketOption.RCVHWM, 100, "messages that wait for the program, for each connection"
    ),
    HardenedValue(SocketOption.SNDHWM, 100, "messages that wait for a peer, for each connection"),
    HardenedValue(
        SocketOption.HANDSHAKE_IVL,
        5000,
        "ms from the connection to the end of its handshake; libzmq waits 30 s",
    ),
    HardenedValue(
        SocketOption.HEARTBEAT_IVL, 5000, "ms between heartbeats; without them a dead peer stays"
    ),
    HardenedValue(
        SocketOption.HEARTBEAT_TIMEOUT, 15_000, "ms without any sign of life that end a connection"
    ),
    HardenedValue(
        SocketOption.HEARTBEAT_TTL, 15_000, "ms after which the peer gives up on this end"
    ),
    HardenedValue(
        SocketOption.BACKLOG, 128, "connections that the system queues until they are accepted"
    ),
)
"""What `harden()` sets on each socket made later, with the reasons."""

ZAP_DOMAIN = "global"
"""The domain that a hardened socket asks for when it has none of its own."""


def require_zap(socket: Any) -> None:
    """Let nobody in at the next bind unless a ZAP handler of the same context says so.

    With drafts, a handler that is not there counts as a refusal; without, libzmq offers no such
    option, and NULL and CURVE let everybody in until a handler is bound.
    """
    if not socket.get(SocketOption.ZAP_DOMAIN):
        socket.set(SocketOption.ZAP_DOMAIN, ZAP_DOMAIN.encode())
    if core.DRAFT_API:
        socket.set(SocketOption.ZAP_ENFORCE_DOMAIN, 1)
