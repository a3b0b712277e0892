"""Tunnels by the ssh program.

ssh goes to the background once the port is forwarded, and stays there as the master of a control
socket, by which it is found and stopped again. A password reaches it by way of SSH_ASKPASS.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from ._server import SSHException, split_server

__all__ = ["openssh_logs_in", "start_openssh"]

_ANSWER = 'case "$1" in *assword*|*assphrase*) exec cat "${0%/*}/answer";; *) exit 1;; esac'
_DENIED = re.compile(r"permission denied|authentication fail", re.IGNORECASE)
_DEFAULT_PORT = 22


def openssh_logs_in(server: str, keyfile: str | None) -> bool:
    """Tell whether ssh logs in without asking for a password.

    Raises `SSHException` when it fails for another reason, such as an unknown host key.
    """
    done = subprocess.run(
        [*_command(server, keyfile), "-o", "BatchMode=yes", "-S", "none", _host(server), "exit"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode and not _DENIED.search(done.stderr):
        raise SSHException(done.stderr.strip())
    return done.returncode == 0


def start_openssh(
    forward: str, server: str, keyfile: str | None, password: str | None, timeout: int
) -> int:
    """Start ssh with the given `-L` forward, wait until that works, and return its process id.

    It ends when it has not been used for `timeout` seconds, or with this program. Raises
    `PermissionError` for a wrong password and `SSHException` for everything else.
    """
    if os.name == "nt":  # its ssh knows neither control sockets nor the background
        raise SSHException("a tunnel by the ssh program needs a POSIX system: use paramiko=True")
    folder = Path(tempfile.mkdtemp(prefix="zmq-ssh-"))  # readable by this user alone
    control = folder / "control"
    words = [
        *_command(server, keyfile), "-f", "-M", "-S", str(control),
        "-o", "ControlPersist=no", "-o", "ExitOnForwardFailure=yes",
        "-o", f"BatchMode={'yes' if password is None else 'no'}",
        "-o", "NumberOfPasswordPrompts=1", "-o", f"ConnectTimeout={timeout}",
        "-L", forward, _host(server), f"sleep {timeout}",
    ]  # fmt: skip
    try:
        # a file, since the ssh in the background would keep the end of a pipe open
        with (folder / "said").open("w+") as said:
            code = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=_environment(folder, password),
                start_new_session=True,  # without a terminal it asks SSH_ASKPASS
                check=False,
            ).returncode
            said.seek(0)
            words_of_ssh = said.read().strip()
        (folder / "answer").unlink(missing_ok=True)
        if code:
            denied = password is not None and _DENIED.search(words_of_ssh)
            raise (PermissionError if denied else SSHException)(words_of_ssh)
        found = re.search(r"pid=(\d+)", _ask_master("check", control, server))
        if found is None:
            raise SSHException(f"the tunnel to {server} ended at once")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    atexit.register(_stop, os.getpid(), folder, server)
    return int(found[1])


def _command(server: str, keyfile: str | None) -> list[str]:
    port = split_server(server)[2]
    words = ["ssh"]
    words += ["-p", str(port)] if port != _DEFAULT_PORT else []
    words += ["-i", keyfile] if keyfile else []
    return words


def _host(server: str) -> str:
    """Return the server as ssh wants it: with the user only where one was named."""
    user, host, _ = split_server(server)
    return f"{user}@{host}" if "@" in server else host


def _environment(folder: Path, password: str | None) -> dict[str, str]:
    """Return the environment of an ssh that asks us for the password."""
    if password is None:
        return dict(os.environ)
    answer, script = folder / "answer", folder / "askpass"
    answer.touch(mode=0o600)
    answer.write_text(f"{password}\n")
    script.write_text(f"#!/bin/sh\n{_ANSWER}\n")
    script.chmod(0o700)
    display = os.environ.get("DISPLAY", ":0")  # an ssh before 8.4 asks only where it is set
    return {**os.environ, "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": display}  # fmt: skip


def _ask_master(command: str, control: Path, server: str) -> str:
    words = ["ssh", "-S", str(control), "-O", command, _host(server)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _stop(owner: int, folder: Path, server: str) -> None:
    """End a tunnel at the end of the program that started it."""
    if os.getpid() == owner:
        with suppress(OSError):
            _ask_master("exit", folder / "control", server)
        shutil.rmtree(folder, ignore_errors=True)
