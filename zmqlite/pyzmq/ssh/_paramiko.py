"""Tunnels by the paramiko package, in a process of their own."""

from __future__ import annotations

from importlib import import_module
from multiprocessing import Pipe, Process
from typing import Any

from ._server import SSHException, split_server
from .forward import forward_tunnel

__all__ = ["paramiko_logs_in", "start_paramiko"]


def _client(server: str, keyfile: str | None, password: str | None, timeout: float) -> Any:
    """Return a connected `paramiko.SSHClient`.

    The host must be known (`~/.ssh/known_hosts`), as for the ssh program.
    """
    paramiko: Any = import_module("paramiko")
    user, host, port = split_server(server)
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    try:
        client.connect(
            host, port, username=user, key_filename=keyfile, password=password,
            look_for_keys=True, timeout=timeout, auth_timeout=timeout, banner_timeout=timeout,
        )  # fmt: skip
    except BaseException:
        client.close()
        raise
    return client


def paramiko_logs_in(server: str, keyfile: str | None, timeout: float = 60) -> bool:
    """Tell whether paramiko logs in without a password.

    Raises `SSHException` when it fails for another reason, such as an unknown host key.
    """
    paramiko: Any = import_module("paramiko")
    try:
        _client(server, keyfile, None, timeout).close()
    except (paramiko.AuthenticationException, paramiko.PasswordRequiredException):
        return False
    except paramiko.SSHException as error:
        if "No authentication methods available" in str(error):
            return False
        raise SSHException(str(error)) from error
    return True


def start_paramiko(
    lport: int, remote: tuple[str, int], server: str, keyfile: str | None,
    password: str | None, timeout: int,
) -> Process:  # fmt: skip
    """Start a process that forwards a port, wait until it is logged in, and return it.

    It ends with this program. Raises `PermissionError` for a wrong password and `SSHException`
    for everything else.
    """
    listening, telling = Pipe(duplex=False)
    process = Process(
        target=_serve, args=(telling, lport, remote, server, keyfile, password, timeout)
    )
    process.daemon = True
    process.start()
    telling.close()
    with listening:
        try:
            denied, text = listening.recv()
        except EOFError:
            denied, text = False, f"the tunnel to {server} ended at once"
    if text:
        process.join()
        raise (PermissionError if denied else SSHException)(text)
    return process


def _serve(
    telling: Any, lport: int, remote: tuple[str, int], server: str, keyfile: str | None,
    password: str | None, timeout: int,
) -> None:  # fmt: skip
    """Be the process: log in, tell (denied, what went wrong), forward for ever."""
    paramiko: Any = import_module("paramiko")
    try:
        client = _client(server, keyfile, password, timeout)
    except Exception as error:
        denied = isinstance(error, paramiko.AuthenticationException)
        telling.send((denied, f"{type(error).__name__}: {error}"))
        return
    with telling:
        telling.send((False, ""))
    forward_tunnel(lport, *remote, client.get_transport())
