"""A stage for the guide's programs: a network of their own, an empty folder, and patience.

The ports of the guide are fixed. As root on Linux each test gets a network namespace, where all
of them are free; elsewhere a lock lets one test at a time have those of the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

import pytest
from support import FACTOR, wait_until

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "examples" / "guide"
LIMIT = 20 * FACTOR  # seconds


class Program:
    """A running program, and all that it said so far."""

    def __init__(self, words: list[str], folder: Path, mute: bool = False) -> None:
        self.name = " ".join(Path(word).name for word in words[-2:])
        self.said = ""
        self._read_to = 0
        self._more = threading.Condition()
        self._ended = False
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if mute else subprocess.PIPE,
            stderr=self._complaints,
            cwd=folder,
            env=_environment(),
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        stdout = self.process.stdout
        while stdout is not None and (chunk := os.read(stdout.fileno(), 65536)):
            with self._more:
                self.said += chunk.decode()
                self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def says(self, pattern: str, times: int = 1) -> list[str]:
        """Wait until it has said that, so often, after what was waited for before.

        Returns what the pattern matched, or its group.
        """
        matches: list[re.Match[str]] = []

        def heard() -> bool:
            matches[:] = re.finditer(pattern, self.said[self._read_to :])
            return len(matches) >= times or self._ended

        with self._more:
            self._more.wait_for(heard, LIMIT)
        if len(matches) < times:
            pytest.fail(f"{self.name} did not say {pattern!r} {times} times; {self.account()}")
        found = matches[:times]
        self._read_to += found[-1].end()
        return [match[match.re.groups] for match in found]

    def enter(self, text: str = "\n") -> None:
        """Type something."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def has_peers(self, port: int, count: int) -> None:
        """Wait until so many are connected to a tcp port of it; only Linux can tell."""
        table = Path(f"/proc/{self.process.pid}/net/tcp")
        if table.exists():
            there = re.compile(rf"^ *\d+: \w+:{port:04X} \w+:\w+ 01 ", re.MULTILINE)
            wait_until(
                lambda: len(there.findall(table.read_text())) >= count,
                LIMIT / FACTOR,
                f"{count} peers of {self.name}",
            )

    def ends(self, code: int = 0) -> str:
        """Wait for the end, check that it is a good one, and return all that was said."""
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} does not end; {self.account()}")
        self._reader.join(LIMIT)
        complaint = self._complaint()
        assert self.process.returncode == code, self.account()
        if code == 0:
            assert complaint == "", self.account()
        return self.said

    def interrupt(self) -> str:
        """Send what Ctrl-C sends; the program must end well."""
        assert self.process.poll() is None, f"{self.name} ended by itself; {self.account()}"
        self.process.send_signal(signal.SIGINT)
        return self.ends()

    def stop(self) -> None:
        """End it in any case."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self._complaints):
            if pipe is not None:
                pipe.close()

    def account(self) -> str:
        return f"it said {self.said[-2000:]!r} and complained {self._complaint()!r}"

    def _complaint(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().decode()


def _environment() -> dict[str, str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


class Stage:
    """Where the programs of one test meet."""

    def __init__(self, folder: Path, entrance: list[str]) -> None:
        self.folder = folder
        self._entrance = entrance
        self._programs: list[Program] = []

    def start(self, name: str, *arguments: str, mute: bool = False) -> Program:
        """Start a program of the guide; a `mute` one may say much that nobody reads."""
        python = [sys.executable, "-W", "error"]
        return self.run(*python, str(GUIDE / f"{name}.py"), *arguments, mute=mute)

    def ruby(self, name: str, *arguments: str) -> Program:
        """Start a program of tests/guide/ruby."""
        return self.run("ruby", str(HERE / "ruby" / f"{name}.rb"), *arguments)

    def run(self, *words: str, mute: bool = False) -> Program:
        self._programs.append(Program([*self._entrance, *words], self.folder, mute))
        return self._programs[-1]

    def clear(self) -> None:
        for program in self._programs:
            program.stop()


@cache
def namespaces_work() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    if not all(shutil.which(tool) for tool in ("unshare", "nsenter", "ip")):
        return False
    trial = ["unshare", "-n", "ip", "link", "set", "lo", "up"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


@contextmanager
def own_network() -> Iterator[list[str]]:
    """Make a network, and yield the words that start a command in it."""
    keeper = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"up\n"
        yield ["nsenter", f"--net=/proc/{keeper.pid}/ns/net"]


@contextmanager
def shared_network() -> Iterator[list[str]]:
    """Wait for our turn with the ports of this machine."""
    import fcntl

    with (Path(tempfile.gettempdir()) / "zmqlite-guide-tests.lock").open("w") as lock:
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    pytest.skip("another run of these tests has the ports of this machine")
                time.sleep(0.05)
        yield []
