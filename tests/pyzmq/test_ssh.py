"""Tunnels through a real sshd on a loopback port, by the ssh program and by paramiko."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyzmq.conftest import LIMIT
from support import FACTOR, wait_until

import zmqlite
import zmqlite.pyzmq as zmq
from zmqlite.pyzmq.ssh import tunnel

ROOT = Path(zmqlite.__file__).parents[1]
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")
SECRET = "a passphrase"

pytestmark = [
    pytest.mark.skipif(not (SSHD and SSH), reason="needs OpenSSH, client and server"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


class Gate(NamedTuple):
    """An sshd, and what opens it."""

    server: str
    key: str
    locked_key: str
    """The same rights behind SECRET."""
    home: Path


def make_key(path: Path, passphrase: str = "") -> str:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return path.with_suffix(".pub").read_text()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """Run an sshd whose host key is known, for keys of our own, without touching ~/.ssh."""
    home = tmp_path_factory.mktemp("ssh")
    (home / ".ssh").mkdir(mode=0o700)
    host_key = make_key(home / "host")
    (home / "authorized").write_text(make_key(home / "key") + make_key(home / "locked", SECRET))
    [port] = tunnel.select_random_ports(1)
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (home / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {home}/host\nPidFile none\n"
        f"AuthorizedKeysFile {home}/authorized\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd of Debian wants it
    with (home / "sshd.log").open("w") as log:
        words = [str(SSHD), "-D", "-e", "-f", str(home / "sshd_config")]
        daemon = subprocess.Popen(words, stderr=log)
    try:
        wait_until(lambda: answers(port) or daemon.poll() is not None, 20, "sshd")
        assert daemon.poll() is None, (home / "sshd.log").read_text()
        user = getpass.getuser()
        keys = str(home / "key"), str(home / "locked")
        yield Gate(f"{user}@127.0.0.1:{port}", *keys, home)
    finally:
        daemon.terminate()
        daemon.wait()


@pytest.fixture(autouse=True)
def at_home(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ssh look for known hosts where they are: it does not ask HOME, so it is told."""
    config = gate.home / "ssh_config"
    config.write_text(f"UserKnownHostsFile {gate.home}/.ssh/known_hosts\nIdentitiesOnly yes\n")
    wrapper = gate.home / "bin" / "ssh"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(f'#!/bin/sh\nexec {SSH} -F "{config}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(gate.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(params=[False, True], ids=["openssh", "paramiko"])
def paramiko(request: pytest.FixtureRequest) -> bool:
    if request.param:
        pytest.importorskip("paramiko")
    return bool(request.param)


@pytest.fixture
def stop() -> Iterator[Callable[[Any], None]]:
    """Takes what a tunnel is known by, and ends it after the test."""
    running: list[Any] = []
    yield running.append
    for known in running:
        if isinstance(known, int):
            os.kill(known, signal.SIGTERM)
        else:
            known.terminate()
            known.join()


@pytest.fixture
def peers() -> Iterator[tuple[Any, Any, str]]:
    """A REP that is bound, a REQ that is not connected, and where to."""
    with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
        for socket in (rep, req):
            socket.linger, socket.rcvtimeo = 0, 2 * LIMIT
        rep.bind("tcp://127.0.0.1:*")
        yield rep, req, rep.last_endpoint.decode()


def talk(rep: Any, req: Any) -> None:
    req.send(b"question")
    assert rep.recv() == b"question"
    rep.send(b"answer")
    assert req.recv() == b"answer"


def test_a_socket_connects_through_the_gate(
    gate: Gate, paramiko: bool, peers: Any, stop: Any
) -> None:
    rep, req, addr = peers
    known = tunnel.tunnel_connection(req, addr, gate.server, gate.key, paramiko=paramiko)
    stop(known)
    assert paramiko != isinstance(known, int)
    talk(rep, req)
    assert req.last_endpoint.decode() != addr


def test_a_password_opens_a_key(gate: Gate, paramiko: bool, peers: Any, stop: Any) -> None:
    rep, req, addr = peers
    local, known = tunnel.open_tunnel(addr, gate.server, gate.locked_key, SECRET, paramiko)
    stop(known)
    with req.connect(local):
        talk(rep, req)


def test_a_wrong_password(gate: Gate, paramiko: bool, peers: Any) -> None:
    with pytest.raises(tunnel.SSHException):
        tunnel.open_tunnel(peers[2], gate.server, gate.locked_key, "wrong", paramiko)


def test_without_a_password(gate: Gate, paramiko: bool) -> None:
    assert tunnel.try_passwordless_ssh(gate.server, gate.key, paramiko)
    assert not tunnel.try_passwordless_ssh(gate.server, gate.locked_key, paramiko)


def test_a_password_is_asked_for(
    gate: Gate, paramiko: bool, peers: Any, stop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter(["wrong", SECRET])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
    local, known = tunnel.open_tunnel(peers[2], gate.server, gate.locked_key, paramiko=paramiko)
    stop(known)
    assert next(typed, None) is None
    with peers[1].connect(local):
        talk(*peers[:2])


def test_asking_ends(gate: Gate, paramiko: bool, peers: Any, monkeypatch: Any) -> None:
    asked: list[str] = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "wrong")
    with pytest.raises(tunnel.MaxRetryExceeded):
        tunnel.open_tunnel(peers[2], gate.server, gate.locked_key, paramiko=paramiko)
    assert len(asked) == 3
    assert gate.server in asked[0]


def test_an_unknown_host_is_an_error(gate: Gate, paramiko: bool) -> None:
    known = gate.home / ".ssh" / "known_hosts"
    text = known.read_text()
    known.write_text("")
    try:
        with pytest.raises(tunnel.SSHException):
            tunnel.try_passwordless_ssh(gate.server, gate.key, paramiko)
        with pytest.raises(tunnel.SSHException):
            tunnel.open_tunnel("tcp://127.0.0.1:9", gate.server, gate.key, "", paramiko)
    finally:
        known.write_text(text)


def test_nobody_listens_there(paramiko: bool, gate: Gate) -> None:
    [port] = tunnel.select_random_ports(1)
    with pytest.raises((tunnel.SSHException, OSError)):
        tunnel.try_passwordless_ssh(f"127.0.0.1:{port}", gate.key, paramiko)


def test_only_tcp_is_tunnelled(gate: Gate) -> None:
    for addr in ("ipc://path", "tcp://host", "nonsense"):
        with pytest.raises(ValueError, match="tcp://host:port"):
            tunnel.open_tunnel(addr, gate.server)


def test_the_tunnel_ends_with_the_program(gate: Gate, peers: Any) -> None:
    code = (
        "import sys\n"
        "from zmqlite.pyzmq.ssh import tunnel\n"
        "local, known = tunnel.open_tunnel(*sys.argv[1:], paramiko=False)\n"
        "import zmqlite.pyzmq as zmq\n"
        "with zmq.Context() as context, context.socket(zmq.REQ, linger=0) as req:\n"
        "    req.connect(local)\n"
        "    req.send(b'question')\n"
        "    assert req.recv() == b'answer'\n"
        "print(known)\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", code, peers[2], gate.server, gate.key],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert peers[0].recv() == b"question"
    peers[0].send(b"answer")
    known, _ = program.communicate(timeout=30 * FACTOR)
    assert program.returncode == 0

    def gone() -> bool:
        try:
            os.kill(int(known), 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(gone, what="the end of ssh")


def test_random_ports() -> None:
    ports = tunnel.select_random_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
