"""The next step after libzmq has refused an address."""

from __future__ import annotations

import errno as _errno

from ._build import LIBZMQ_PATCHES, LIBZMQ_VERSION
from .endpoint import TRANSPORTS
from .enums import Errno

__all__ = ["hint_for"]

_BINDS_NAMES = "bind-names.patch" in LIBZMQ_PATCHES or LIBZMQ_VERSION >= (4, 3, 5)


def hint_for(errno: int, address: str, operation: str) -> str:
    """Return the next step after libzmq refused an address that `check` let through, or ""."""
    transport, _, rest = address.partition("://")
    if errno == _errno.ENODEV and operation == "bind":
        if _BINDS_NAMES:
            return (
                "bind takes an address, an interface or a name of this machine, or *; "
                "IPv6 only with ipv6=1"
            )
        return (
            "bind takes an address or an interface of this machine, or *; IPv6 only with ipv6=1; "
            "names of machines not with this libzmq"
        )
    if errno == _errno.ENOENT:
        if operation in ("unbind", "disconnect"):
            return f"it is not in use; {operation} takes what the other call returned"
        directory = rest.rpartition("/")[0] or "."
        return f"the directory {directory} must exist" if transport == "ipc" else ""
    if errno == Errno.EADDRINUSE and transport == "ipc":
        if rest.startswith("@"):
            return "a socket is bound to that name: choose another"
        return "a file that is no socket has that name: choose another path, or remove it"
    if errno == Errno.EPROTONOSUPPORT:
        if transport in TRANSPORTS:
            return f"this libzmq was built without {transport}"
        return f"transports are {', '.join(TRANSPORTS)}"
    if errno == Errno.ENOCOMPATPROTO:
        return {
            "udp": "RADIO connects over udp, DISH binds, DGRAM binds",
            **dict.fromkeys(("pgm", "epgm", "norm"), "multicast carries PUB, SUB, XPUB and XSUB"),
        }.get(transport, "")
    if errno == Errno.EINVAL:
        if transport in ("pgm", "epgm"):
            return "give the interface by its IP address, not by its name"
        if transport in ("tcp", "ws", "wss") and operation == "connect":
            return "a host is an address, or a name of letters, digits, - and ."
    return _STEPS.get(errno, "")


_STEPS = {
    Errno.EADDRINUSE.value: "a socket is bound there: choose another port, or * for a free one",
    Errno.EADDRNOTAVAIL.value: "bind takes an address of this machine, or * for all of them",
    _errno.EACCES: "choose a port above 1023, or a path you may write",
    Errno.EMTHREAD.value: "the context has io_threads=0, which serves inproc only",
    Errno.ECONNREFUSED.value: "no socket is bound there in this context",
    Errno.EAFNOSUPPORT.value: "the system lacks this protocol; its kernel module may be missing",
}
