"""What a question and its answer cost in system calls: our patches of libzmq save more than half.

`strace` counts them for two lengths of one program; the difference is the cost of a round trip,
without start and end. How often a thread has to wait is up to the scheduler, hence the room in the
limits. Without the patches fork-count, fewer-polls and idle-output: 20 over inproc, 44 over tcp.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import zmqlite as zmq
from zmqlite import _build

PROGRAM = """
import sys, threading
import zmqlite as zmq

address, trips = sys.argv[1], int(sys.argv[2])
with zmq.Context() as context, context.socket(zmq.REP) as server:
    endpoint = str(server.bind(address))

    def answer():
        for _ in range(trips):
            server.send(server.recv())

    thread = threading.Thread(target=answer)
    thread.start()
    with context.socket(zmq.REQ, connect=endpoint) as client:
        for _ in range(trips):
            client.send(b"question")
            client.recv()
    thread.join()
"""

pytestmark = [
    pytest.mark.skipif(not shutil.which("strace"), reason="needs strace"),
    pytest.mark.skipif(not _build.LIBSODIUM_VERSION, reason="a libzmq without our patches"),
]


def count(address: str, trips: int, folder: Path) -> Counter[str]:
    """Run the program under strace and return how often it made each system call."""
    table = folder / f"{trips}.txt"
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    words = ["strace", "-f", "-c", "-U", "name,calls", "-o", str(table)]
    words += [sys.executable, "-c", PROGRAM, address, str(trips)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    calls: Counter[str] = Counter()
    for line in table.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit() and words[0] != "total":
            calls[words[0]] += int(words[1])
    return calls


@pytest.mark.parametrize(("transport", "limit"), [("inproc", 12), ("tcp", 26)])
def test_a_round_trip(transport: str, limit: float, tmp_path: Path) -> None:
    address = "inproc://trip" if transport == "inproc" else "tcp://127.0.0.1:*"
    few, many = count(address, 500, tmp_path), count(address, 2500, tmp_path)
    each = {name: (many[name] - few[name]) / 2000 for name in many}
    assert each.get("getpid", 0) < 0.1, each
    assert each.get("epoll_ctl", 0) < 0.2, each
    assert each.get("poll", 0) < 3, each
    assert sum(each.values()) < limit, each
