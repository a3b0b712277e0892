"""A Kerberos realm of the test's own: a key distribution centre, a service and a client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import wait_until

REALM = "ZMQLITE.TEST"
SERVICE = f"zmq/localhost@{REALM}"
CONFIGURATION = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        kdc_listen = 127.0.0.1:{port}
        kdc_tcp_listen = 127.0.0.1:{port}
    }}
"""
SERVER_TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"


def free_port() -> int:
    """A port that is free for tcp and udp."""
    while True:
        with socket.socket() as one, socket.socket(type=socket.SOCK_DGRAM) as other:
            one.bind(("127.0.0.1", 0))
            try:
                other.bind(one.getsockname())
            except OSError:
                continue
            return int(one.getsockname()[1])


@contextmanager
def kerberos(folder: Path) -> Iterator[dict[str, str]]:
    """Run a key distribution centre, and yield the environment of those who use it.

    Skips where the tools for it are missing.
    """
    for tool in ("krb5kdc", "kdb5_util", "kadmin.local"):
        if not shutil.which(tool, path=f"{os.environ.get('PATH', '')}:{SERVER_TOOLS}"):
            pytest.skip(f"needs {tool} (Debian: krb5-kdc krb5-admin-server)")
    port = free_port()
    configuration = folder / "krb5.conf"
    configuration.write_text(CONFIGURATION.format(realm=REALM, port=port, folder=folder))
    mine = {
        "KRB5_CONFIG": str(configuration),
        "KRB5_KDC_PROFILE": str(configuration),
        # libzmq wants to be able to accept and to initiate on both sides: one table for both
        "KRB5_KTNAME": f"{folder}/keytab",
        "KRB5_CLIENT_KTNAME": f"{folder}/keytab",
        "KRB5CCNAME": f"DIR:{folder}",
    }
    env = {**os.environ, **mine, "PATH": f"{os.environ.get('PATH', '')}:{SERVER_TOOLS}"}

    def run(*words: str) -> None:
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run("kdb5_util", "create", "-s", "-r", REALM, "-P", "a password of the test")
    for principal in (SERVICE, f"alice@{REALM}"):
        run("kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        run("kadmin.local", "-r", REALM, "ktadd", "-k", f"{folder}/keytab", principal)
    with subprocess.Popen(["krb5kdc", "-n", "-r", REALM], env=env) as centre:
        try:
            what = "the key distribution centre"
            wait_until(lambda: answers(port) or centre.poll() is not None, 30, what)
            assert centre.poll() is None, f"{what} ended with {centre.returncode}"
            yield mine
        finally:
            centre.terminate()


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
