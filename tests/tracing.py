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


def calls_seen(program: str, call: str, folder: Path) -> list[str]:
    """Run a program and return strace's lines of one system call, of all its threads."""
    return [
        line for line in _trace(["-f", "-e", f"trace={call}"], program, [], folder) if call in line
    ]


def _count(program: str, address: str, turns: int, folder: Path, threads: bool) -> Counter[str]:
    words = [*["-f"] * threads, "-c", "-U", "name,calls"]
    calls: Counter[str] = Counter()
    for line in _trace(words, program, [address, str(turns)], folder):
        columns = line.split()
        if len(columns) == 2 and columns[1].isdigit() and columns[0] != "total":
            calls[columns[0]] += int(columns[1])
    return calls


def _trace(words: list[str], program: str, arguments: list[str], folder: Path) -> list[str]:
    """Run a program under strace and return what strace wrote."""
    table = folder / "strace.txt"
    env = {**os.environ, "PYTHONPATH": str(Path(zmq.__file__).parents[1])}
    for name in ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE"):  # they have calls of their own
        env.pop(name, None)
    command = ["strace", *words, "-o", str(table), sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=env, timeout=120
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return table.read_text(encoding="utf-8").splitlines()
