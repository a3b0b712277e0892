"""Two machines and a cable: two network namespaces that are joined by a pair of veth devices.

Loopback carries no multicast, so what is sent to groups is tested between these. As root on Linux
only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO

import pytest
from support import FACTOR

LIMIT = 40 * FACTOR
PRELUDE = "import sys, time, zmqlite as zmq\n"


@dataclass(frozen=True)
class Machine:
    """One end of the cable."""

    process: int
    """A program that enters the namespace of this process is on this machine."""
    number: int
    device: str

    @property
    def address(self) -> str:
        """Its IP address on the cable."""
        return f"10.77.0.{self.number}"

    @property
    def entrance(self) -> list[str]:
        """The words that start a command on this machine."""
        return ["nsenter", f"--net=/proc/{self.process}/ns/net"]

    def run(self, *words: str) -> None:
        """Run a command that must succeed."""
        subprocess.run([*self.entrance, *words], check=True, capture_output=True)

    def link(self, state: str) -> None:
        """Plug the cable in, "up", or pull it out, "down"."""
        self.run("ip", "link", "set", self.device, state)

    @contextmanager
    def program(self, code: str, *arguments: str) -> Iterator[Program]:
        """Run Python code with zmqlite imported as zmq, and end it in any case."""
        words = [*self.entrance, sys.executable, "-W", "error", "-c", PRELUDE + code]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(
                [*words, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment,
            )
            with process:
                try:
                    yield Program(process, complaints)
                finally:
                    process.kill()


@dataclass(frozen=True)
class Program:
    """A program that runs on a machine."""

    process: subprocess.Popen[bytes]
    complaints: IO[bytes]

    def says(self, line: str) -> None:
        """Wait for the next line that it says, which must be this one."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline().decode()
        assert said == f"{line}\n", f"it said {said!r}; {self.complaint()}"

    def enter(self) -> None:
        """Have it go on that waits for a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def ends(self) -> str:
        """Wait for a good end and return what it said."""
        try:
            said, _ = self.process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the program does not end; {self.complaint()}")
        assert self.process.returncode == 0, self.complaint()
        assert self.complaint() == ""
        return said.decode()

    def complaint(self) -> str:
        """Return what it wrote on stderr."""
        self.complaints.seek(0)
        return self.complaints.read().decode()


@cache
def lack() -> str:
    """Say why there can be no cable here, or nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    for tool in ("unshare", "nsenter", "ip"):
        if not shutil.which(tool):
            return f"needs the command {tool}"
    trial = ["unshare", "-n", "ip", "link", "add", "end0", "type", "veth", "peer", "name", "end1"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    return f"no veth here: {done.stderr.strip()}" if done.returncode else ""


@contextmanager
def _namespace() -> Iterator[int]:
    """Keep a network namespace, and yield the process to enter it by."""
    words = ["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec cat"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"up\n"
        yield keeper.pid


@contextmanager
def cable() -> Iterator[tuple[Machine, Machine]]:
    """Make two machines that reach each other, and groups, over one cable."""
    with ExitStack() as stack:
        left = Machine(stack.enter_context(_namespace()), 1, "left0")
        right = Machine(stack.enter_context(_namespace()), 2, "right0")
        link = ["ip", "link", "add", left.device, "type", "veth", "peer", "name", right.device]
        left.run(*link, "netns", str(right.process))
        for machine in (left, right):
            machine.run("ip", "address", "add", f"{machine.address}/24", "dev", machine.device)
            machine.link("up")
            machine.run("ip", "route", "add", "224.0.0.0/4", "dev", machine.device)
        yield left, right


def numbers(text: str) -> list[int]:
    """Return the numbers that a program said."""
    return [int(word) for word in re.findall(r"\d+", text)]
