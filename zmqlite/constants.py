"""Every constant of libzmq under its flat name: `zmq.PUSH`, `zmq.LINGER`, `zmq.POLLIN`.

Each name is a member of one enum in `enums`, spelled as in zmq.h without its ZMQ_. Checkers and
editors read `constants.pyi`, which the build writes. Numbers, draft names and older aliases: see
`enums`.
"""

from __future__ import annotations

import sys

from . import enums

TYPE_CHECKING = False  # importing typing would cost more than this whole module
if TYPE_CHECKING:
    from enum import Enum
    from typing import Any, NoReturn

_FAMILIES: list[type[Enum]] = [
    one
    for one in vars(enums).values()
    if isinstance(one, type(enums.SocketType)) and one.__module__ == enums.__name__
    if not one.__name__.startswith("_")
]
# What zmq.h puts before the names of a family.
_PREFIXES = {
    "Event": "EVENT_",
    "GSSAPINameType": "GSSAPI_NT_",
    "ReconnectStop": "RECONNECT_STOP_",
    "RouterNotify": "NOTIFY_",
    "NormMode": "NORM_",
}

# Numbers and names of zmq.h that belong to no enum.
_OTHERS: dict[str, int | str] = {
    "IO_THREADS_DFLT": 1,
    "MAX_SOCKETS_DFLT": 1023,
    "THREAD_PRIORITY_DFLT": -1,
    "THREAD_SCHED_POLICY_DFLT": -1,
    "POLLITEMS_DFLT": 16,
    "GROUP_MAX_LENGTH": 255,
    "CURRENT_EVENT_VERSION": 1,
    "CURRENT_EVENT_VERSION_DRAFT": 2,
    "MSG_PROPERTY_ROUTING_ID": "Routing-Id",
    "MSG_PROPERTY_SOCKET_TYPE": "Socket-Type",
    "MSG_PROPERTY_USER_ID": "User-Id",
    "MSG_PROPERTY_PEER_ADDRESS": "Peer-Address",
}


def _flat() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for family in _FAMILIES:
        names[family.__name__] = family
        prefix = _PREFIXES.get(family.__name__, "")
        for name, member in family.__members__.items():
            if not name.startswith("PROTOCOL_ERROR_"):
                name = prefix + name
            # IPV6 and BLOCKY alone mean the option of a socket, which comes first
            names.setdefault(name, member)
    return names | _OTHERS


_names = _flat()
globals().update(_names)

# What libzmq 2 had and no later version has, and what to write instead.
_REMOVED = {
    "SWAP": "libzmq 3 dropped swapping to disk; bound the queue with SNDHWM instead",
    "MCAST_LOOP": "libzmq 3 dropped it; use MULTICAST_LOOP (draft, udp and norm)",
    "RECOVERY_IVL_MSEC": "use RECOVERY_IVL, which counts milliseconds since libzmq 3",
}


def _raise_missing(name: str, module: str) -> NoReturn:
    """Raise the AttributeError for a constant that `module` lacks, saying what replaced it."""
    reason = _REMOVED.get(name)
    text = f"module {module!r} has no attribute {name!r}"
    raise AttributeError(
        f"{text}: {reason}" if reason else text, name=name, obj=sys.modules.get(module)
    )


def __getattr__(name: str) -> NoReturn:
    _raise_missing(name, __name__)


__all__ = [*_names]  # pyright: ignore[reportUnsupportedDunderAll]
