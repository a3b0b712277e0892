"""Sockets connected through ssh: a local port is forwarded, and the socket connects to that.

    tunnel_connection(sock, "tcp://10.0.0.5:5555", "user@gateway")

A server is "user@host:port", of which only the host is a must. `paramiko=False` runs the ssh
program, `paramiko=True` the Python package of that name; None means the latter on Windows only.
Where no password is given and one is needed, it is asked for on the terminal.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from multiprocessing import Process
from typing import Any, TypeVar

from ._openssh import openssh_logs_in, start_openssh
from ._paramiko import paramiko_logs_in, start_paramiko
from ._server import MaxRetryExceeded, SSHException, select_random_ports

__all__ = [
    "openssh_tunnel",
    "paramiko_tunnel",
    "ssh_tunnel",
    "try_passwordless_ssh",
    "tunnel_connection",
]

_T = TypeVar("_T")
_TRIES = 3


def try_passwordless_ssh(server: str, keyfile: str | None, paramiko: bool | None = None) -> bool:
    """Tell whether one can log in without a password.

    Raises `SSHException` when that fails for another reason, such as an unknown host key.
    """
    return (paramiko_logs_in if _by_paramiko(paramiko) else openssh_logs_in)(server, keyfile)


def tunnel_connection(
    socket: Any,
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> Process | int:
    """Connect a socket to an address as `server` sees it, and return what `open_tunnel` does."""
    local, tunnel = open_tunnel(addr, server, keyfile, password, paramiko, timeout)
    socket.connect(local)
    return tunnel


def open_tunnel(
    addr: str,
    server: str,
    keyfile: str | None = None,
    password: str | None = None,
    paramiko: bool | None = None,
    timeout: int = 60,
) -> tuple[str, Process | int]:
    """Forward a free local port to a tcp address as `server` sees it.

    Returns the local address, and the process id of ssh or the `Process` of paramiko. Both end
    with this program; ssh also when nobody has used the tunnel for `timeout` seconds.
    """
    transport, _, rest = addr.partition("://")
    host, _, port = rest.rpartition(":")
    if transport != "tcp" or not host or not port.isdigit():
        raise ValueError(f"only tcp://host:port can be tunnelled, not {addr!r}")
    [local] = select_random_ports(1)
    start = paramiko_tunnel if _by_paramiko(paramiko) else openssh_tunnel
    tunnel: Process | int = start(local, int(port), server, host, keyfile, password, timeout)
    return f"tcp://127.0.0.1:{local}", tunnel


def openssh_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> int:
    """Forward `lport` of this machine to `remoteip:rport` as `server` sees it, by the ssh program.

    Returns its process id once the port is open. Raises `SSHException` with what ssh said.
    """

    def start(secret: str | None) -> int:
        forward = f"127.0.0.1:{lport}:{remoteip}:{rport}"
        return start_openssh(forward, server, keyfile, secret, timeout)

    return _with_password(start, openssh_logs_in, server, keyfile, password)


def paramiko_tunnel(
    lport: int,
    rport: int,
    server: str,
    remoteip: str = "127.0.0.1",
    keyfile: str | None = None,
    password: str | None = None,
    timeout: int = 60,
) -> Process:
    """Forward `lport` of this machine to `remoteip:rport` as `server` sees it, by paramiko.

    Returns the process that does it, once it is logged in; it runs until it is terminated or
    this program ends. Raises `SSHException` with what paramiko said.
    """

    def start(secret: str | None) -> Process:
        return start_paramiko(lport, (remoteip, rport), server, keyfile, secret, timeout)

    return _with_password(start, paramiko_logs_in, server, keyfile, password)


def _by_paramiko(choice: bool | None) -> bool:
    return sys.platform == "win32" if choice is None else choice


def _with_password(
    start: Callable[[str | None], _T],
    logs_in: Callable[[str, str | None], bool],
    server: str,
    keyfile: str | None,
    password: str | None,
) -> _T:
    """Start a tunnel with the password that is given, or with none, or with one asked for."""
    if password is not None:
        try:
            return start(password)
        except PermissionError as error:
            raise SSHException(f"{server} rejects the password: {error}") from None
    if logs_in(server, keyfile):
        return start(None)
    for _ in range(_TRIES):
        try:
            return start(getpass.getpass(f"{server}'s password: "))
        except PermissionError:
            continue
    raise MaxRetryExceeded(f"{server} rejects every password")


ssh_tunnel = paramiko_tunnel if sys.platform == "win32" else openssh_tunnel
