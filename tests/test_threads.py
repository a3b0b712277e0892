"""What needs a thread gets one under gevent's patches, or says what to use instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import FACTOR

pytest.importorskip("gevent")

PATCHED = """
import warnings
from gevent import monkey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    monkey.patch_all()

"""
PASSED_ON = """
import zmqlite as zmq

if __name__ == "__main__":
    sides = ("PULL", "tcp://127.0.0.1:*"), ("PUSH", "tcp://127.0.0.1:*")
    with zmq.Proxy{kind}(*sides) as proxy:
        front, back = (found[0] for found in proxy.endpoints)
        with zmq.PUSH(connect=front) as near, zmq.PULL(connect=back, rcvtimeo=20_000) as far:
            near.send(b"passed on")
            print(far.recv().decode(), proxy.statistics().frontend_received)
    print(proxy.running)
"""
SERVED = """
from zmqlite.auth import Gate
import zmqlite as zmq

with zmq.Context() as context:
    try:
        with Gate().serve(context):
            print("served")
    except RuntimeError as error:
        print(error)
"""


def said(folder: Path, code: str) -> str:
    """Run a program that gevent has patched, from a file, as a process that it starts needs it."""
    program = folder / "patched.py"
    program.write_text(PATCHED + code, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", program],
        capture_output=True,
        text=True,
        timeout=60 * FACTOR,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize("kind", ["", ".in_process"])
def test_a_proxy_stops_no_greenlet(tmp_path: Path, kind: str) -> None:
    assert said(tmp_path, PASSED_ON.replace("{kind}", kind)) == "passed on 1\nFalse\n"


def test_a_gate_would_stop_all_greenlets(tmp_path: Path) -> None:
    assert "serve a context of zmqlite.green" in said(tmp_path, SERVED)
