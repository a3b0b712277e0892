"""The other processes: what is needed to start them, what they can do, and talk with them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import FACTOR

HERE = Path(__file__).parent
START_LIMIT = 30 * FACTOR  # a JVM that compiles its program on a busy machine
JOB_LIMIT = 12 * FACTOR
PATIENCE = int(8000 * FACTOR)  # ms; a peer gives up before we do, to say what it waited for


@dataclass(frozen=True)
class Kind:
    """A sort of peer."""

    name: str
    command: Callable[[], list[str]]
    missing: Callable[[], str]
    """The package that this machine lacks, or nothing."""
    greeting: tuple[int, int]
    """The version of ZMTP that it speaks."""
    transports: tuple[str, ...] = ("tcp", "ipc")
    curve: bool = True
    identity: bytes = b"\x01pe\x00er\xff"
    """Not every API lets an identity be any bytes."""


def node_modules() -> Path:
    """Return the folder in which install-peers puts what npm installs."""
    if chosen := os.environ.get("ZMQLITE_NODE_MODULES"):
        return Path(chosen).expanduser()
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zmqlite"
    if cache := os.environ.get("ZMQLITE_CACHE"):
        base = Path(cache).expanduser()
    return base / "peers" / "node_modules"


def jeromq() -> Path:
    """Return where the Debian package has its jar."""
    return Path("/usr/share/java/jeromq.jar")


def _ruby_lacks() -> str:
    if not shutil.which("ruby"):
        return "ruby (and ruby-ffi-rzmq)"
    found = subprocess.run(
        ["ruby", "-e", "require 'ffi-rzmq'"], stderr=subprocess.DEVNULL, check=False
    )
    return "ruby-ffi-rzmq" if found.returncode else ""


def _java_lacks() -> str:
    if not shutil.which("javac"):  # a JRE alone runs no source file
        return "default-jdk-headless"
    return "" if jeromq().is_file() else "libjeromq-java"


def _node_lacks() -> str:
    if not shutil.which("node"):
        return "nodejs"
    found = node_modules() / "zeromq"
    return "" if found.is_dir() else f"zeromq of npm (in {node_modules()})"


def _package_lacks(package: str) -> Callable[[], str]:
    def lack() -> str:
        try:
            importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            return f"{package} of PyPI"
        return ""

    return lack


def _python(module: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(HERE / "peer.py"), str(PATIENCE), module]


def _java() -> list[str]:
    quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    return ["java", *quick, "-cp", str(jeromq()), str(HERE / "Peer.java"), str(PATIENCE)]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "ruby",
            lambda: ["ruby", str(HERE / "peer.rb"), str(PATIENCE)],
            _ruby_lacks,
            greeting=(3, 1),
        ),
        # JeroMQ's ipc is a TCP port that only JeroMQ finds
        Kind("jeromq", _java, _java_lacks, greeting=(2, 0), transports=("tcp",), curve=False),
        Kind(
            "node",
            lambda: ["node", str(HERE / "peer.js"), str(PATIENCE)],
            _node_lacks,
            greeting=(3, 1),
            identity="pé-ér\x01".encode(),  # text only
        ),
        Kind("pyzmq", _python("zmq"), _package_lacks("pyzmq"), greeting=(3, 1)),
        Kind("pyomq", _python("pyomq"), _package_lacks("pyomq"), greeting=(3, 1)),
    )
}


class PeerError(Exception):
    """A peer that said ERR, ended, or kept silent for too long."""


class Peer:
    """A running peer. One job at a time: `start` it, do our part, `finish` it."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.busy = ""
        self._errors = Path(tempfile.mkdtemp(prefix="zl")) / "stderr"
        self._errors_before = 0
        with self._errors.open("ab") as stderr:
            self._process = subprocess.Popen(
                kind.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, "NODE_PATH": str(node_modules())},
            )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._early: bytes | None = None
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"from {kind.name}")
        self._reader.start()
        self.busy = "its start"
        self.description = self.finish(START_LIMIT)

    def older_than(self, name: str, *version: int) -> bool:
        """Tell whether this is the peer of that name, in a version before this one."""
        found = re.search(r"\d+(?:\.\d+)+", self.description)
        assert found, self.description
        return self.kind.name == name and [*map(int, found[0].split("."))] < list(version)

    def _read(self) -> None:
        for line in self._pipe("stdout"):
            self._answers.put(line)
        self._answers.put(b"")

    def _pipe(self, name: str) -> Any:
        return getattr(self._process, name)

    def start(self, job: str, *words: Any) -> None:
        """Hand over a job without waiting for its result."""
        assert not self.busy, f"{self.kind.name} still does {self.busy}"
        line = " ".join([job, *map(str, words)])
        self.busy = line[:200]
        self._errors_before = self._errors.stat().st_size
        try:
            self._pipe("stdin").write(line.encode() + b"\n")
            self._pipe("stdin").flush()
        except OSError as error:
            raise self.failure(f"does not listen ({error})") from None

    def answered(self, wait: float = 0) -> bool:
        """Tell whether the result of the started job is there, or comes in these seconds."""
        if self._early is None:
            with contextlib.suppress(queue.Empty):
                self._early = self._answers.get(timeout=wait) if wait else self._answers.get(False)
        return self._early is not None

    def finish(self, limit: float = JOB_LIMIT) -> str:
        """Wait for the result of the job and return it."""
        if not self.answered(limit):
            raise self.failure(f"gave no answer in {limit:.0f} s")
        line, self._early = self._early or b"", None
        if not line:
            raise self.failure("has ended")
        verdict, _, result = line.decode(errors="replace").strip().partition(" ")
        job, self.busy = self.busy, ""
        if verdict not in ("OK", "READY"):
            raise self.failure(f"said {verdict} {result}", job)
        return result

    def do(self, job: str, *words: Any) -> str:
        """Have a job done that needs nothing from us."""
        self.start(job, *words)
        return self.finish()

    def failure(self, what: str, job: str = "") -> PeerError:
        """Return an error that says what the peer is at, and what it wrote on stderr."""
        errors = self._errors.read_bytes()[self._errors_before :].decode(errors="replace")[-4000:]
        return PeerError(f"{self.kind.name} {what}; its job: {job or self.busy}\n{errors}")

    def end(self) -> None:
        """End the process, gently if it is idle."""
        if self.busy:
            self._process.kill()
        self._pipe("stdin").close()
        try:
            self._process.wait(5 * FACTOR)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._pipe("stdout").close()
        shutil.rmtree(self._errors.parent)


class Peers:
    """The peers of a test run: started when first needed, and anew after a failure."""

    def __init__(self) -> None:
        self.descriptions: dict[str, str] = {}
        self._running: dict[str, Peer] = {}

    def get(self, name: str) -> Peer:
        """Return a peer that has no sockets."""
        peer = self._running.get(name)
        if peer is None:
            peer = self._running[name] = Peer(KINDS[name])
            self.descriptions[name] = peer.description
        return peer

    def clear(self) -> None:
        """Close all sockets of all peers; end those that are in the middle of a job."""
        for name, peer in list(self._running.items()):
            try:
                if peer.busy and peer.answered(0.2):
                    peer.finish()
                peer.do("close")
            except (PeerError, AssertionError):
                peer.busy = peer.busy or "close"
                self._running.pop(name).end()

    def end(self) -> None:
        """End all."""
        for peer in self._running.values():
            peer.end()
        self._running.clear()


def deadline(what: str, limit: float = JOB_LIMIT) -> Callable[[], None]:
    """Return a function that raises, saying what is waited for, once the time is over."""
    until = time.monotonic() + limit

    def check() -> None:
        if time.monotonic() > until:
            raise TimeoutError(f"waited {limit:.0f} s in vain for {what}")

    return check
