"""Addresses that cannot be bound or connected to: what is said, beside test_mistakes.py."""

from __future__ import annotations

import re
import socket as system
from typing import Any

import pytest
from support import wait_until

import zmqlite as zmq

CHOOSE = "choose another port, or * for a free one"


def free(port: int) -> bool:
    with system.socket() as probe:
        probe.setsockopt(system.SOL_SOCKET, system.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def refused_after_close(context: zmq.Context[Any]) -> str:
    """The hint of a `bind` that certainly fails, a moment after a socket there was closed."""
    with context.socket(zmq.REP) as server:
        endpoint = server.bind("tcp://127.0.0.1:*")
    port = int(endpoint.rpartition(":")[2])
    wait_until(lambda: free(port), what="the port to be free")
    with system.socket() as holder:
        holder.setsockopt(system.SOL_SOCKET, system.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        with context.socket(zmq.PULL) as other, pytest.raises(zmq.AddressInUse) as caught:
            other.bind(endpoint)
    return caught.value.hint


def test_a_port_whose_socket_was_just_closed(context: zmq.Context[Any]) -> None:
    hints = [refused_after_close(context)]
    while len(hints) < 20 and hints[-1].startswith("another socket"):  # the machine stood still
        hints.append(refused_after_close(context))
    assert hints[-1] == (
        "a REP socket that was bound there has just been closed, and ends in the background: "
        f"wait a moment, or {CHOOSE}"
    )


def test_what_a_second_handle_leaves_open_was_not_closed(context: zmq.Context[Any]) -> None:
    server = context.socket(zmq.REP, bind="inproc://held")
    zmq.Socket(shadow=server).close()
    with pytest.raises(zmq.AddressInUse, match="a REP socket of this context is bound there"):
        context.socket(zmq.REP).bind("inproc://held")


IPV6 = "IPv6 is off on this socket; set ipv6 = 1 before"
UNKNOWN = "no interface of this machine is called 'nope'; its interfaces: "
LINK_LOCAL = "a link-local address needs the interface that it is behind; write [fe80::1%"


@pytest.mark.parametrize(
    ("kind", "operation", "address", "ipv6", "hint"),
    [
        (zmq.PULL, "bind", "tcp://[::1]:*", 0, IPV6),
        (zmq.PULL, "bind", "tcp://[fe80::1%nope]:5555", 0, IPV6),
        (zmq.PULL, "bind", "tcp://[fe80::1%nope]:5555", 1, UNKNOWN),
        (zmq.PULL, "bind", "tcp://[fe80::1%98765]:5555", 1, UNKNOWN.replace("nope", "98765")),
        (zmq.PULL, "bind", "tcp://[fe80::1]:5555", 1, LINK_LOCAL),
        (zmq.PULL, "bind", "tcp://[zz::1]:5555", 1, "'zz::1' is no IPv6 address"),
        (zmq.PULL, "bind", "ws://[fe80::1%nope]:5555/path", 1, UNKNOWN),
        ("DISH", "bind", "udp://[::1]:5599", 0, IPV6),
        ("DISH", "bind", "udp://[ff02::1%nope]:5599", 1, UNKNOWN),
        ("DGRAM", "bind", "udp://[fe80::1]:5599", 1, LINK_LOCAL),
        ("RADIO", "connect", "udp://[::1]:5599", 0, IPV6),
        ("RADIO", "connect", "udp://[fe80::1%nope]:5599", 1, UNKNOWN),
        ("RADIO", "connect", "udp://lo;[ff02::1]:5599", 0, IPV6),
        ("RADIO", "connect", "udp://no-body.invalid:5599", 0, "a host is an address, or a name"),
    ],
)
def test_an_address_of_ipv6(
    context: zmq.Context[Any], kind: Any, operation: str, address: str, ipv6: int, hint: str
) -> None:
    if isinstance(kind, str):
        if not zmq.DRAFT_API:
            pytest.skip("built without drafts")
        kind = zmq.SocketType[kind]
    if address.startswith("ws:") and not zmq.has("ws"):
        pytest.skip("built without ws")
    socket = context.socket(kind, linger=0, ipv6=ipv6)
    with pytest.raises(zmq.ZMQError, match=f"; {re.escape(hint)}") as caught:
        getattr(socket, operation)(address)
    assert caught.value.hint.startswith(hint)
