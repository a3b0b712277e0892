"""What both ways through ssh share: names of servers, free ports, failures."""

from __future__ import annotations

import getpass
import socket
from contextlib import ExitStack

__all__ = ["MaxRetryExceeded", "SSHException", "select_random_ports", "split_server"]


class SSHException(Exception):
    """ssh did not let us through; the text is what it said."""


class MaxRetryExceeded(Exception):
    """No password that was typed in was the right one."""


def select_random_ports(n: int) -> list[int]:
    """Return `n` different TCP ports of 127.0.0.1 that are free now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def split_server(server: str) -> tuple[str, str, int]:
    """Return (user, host, port) of "user@host:port", of which only the host is a must."""
    user, at, host = server.rpartition("@")
    host, colon, port = host.partition(":")
    return user if at else getpass.getuser(), host, int(port) if colon else 22
