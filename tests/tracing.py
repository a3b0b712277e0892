"""What a program costs in system calls, counted by strace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import zmqlite as zmq

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def calls_each(
    program: str, address: str, few: int, many: int, folder: Path, *, threads: bool
) -> dict[str, float]:
    """Run a program for two lengths and return what each turn more costs, by system call.

    The program is given the address and the number of turns. Start and end fall out of the
    difference. Without `threads`, only the calls of its main thread count.
    """
    short, long = (_count(program, address, n, folder, threads) for n in (few, many))
    return {name: (long[name] - short[name]) / (many - few) for name in long}


def _count(program: str, address: str, turns: int, folder: Path, threads: bool) -> Counter[str]:
    table = folder / "strace.txt"
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    for name in ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE"):  # they have calls of their own
        env.pop(name, None)
    words = ["strace", *["-f"] * threads, "-c", "-U", "name,calls", "-o", str(table)]
    words += [sys.executable, "-c", program, address, str(turns)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env, timeout=120)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    calls: Counter[str] = Counter()
    for line in table.read_text(encoding="utf-8").splitlines():
        columns = line.split()
        if len(columns) == 2 and columns[1].isdigit() and columns[0] != "total":
            calls[columns[0]] += int(columns[1])
    return calls
