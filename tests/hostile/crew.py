"""Processes that the driver starts and watches, and what the system says of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent


class Trouble(Exception):
    """Something that must not happen has happened."""


def _prepare() -> None:
    """Allow many descriptors, and a core that can be looked at (in the child)."""
    for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (hard, hard))


class Member:
    """A process that takes lines of JSON and gives lines of JSON."""

    def __init__(
        self,
        name: str,
        script: str,
        *arguments: str,
        python: str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.folder = tempfile.TemporaryDirectory(prefix="hostile-")
        self.stderr = Path(self.folder.name) / "stderr"
        self.news: queue.Queue[dict[str, Any]] = queue.Queue()
        self.last_word = time.monotonic()
        path = os.environ.get("PYTHONPATH", "")
        paths = os.pathsep.join(filter(None, [str(HERE), str(HERE.parent), path]))
        with self.stderr.open("w") as stderr:
            self.process = subprocess.Popen(
                [python, str(HERE / script), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self.folder.name,  # where a core would be
                env={**os.environ, "PYTHONPATH": paths, **(env or {})},
                preexec_fn=_prepare,
            )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.last_word = time.monotonic()
            try:
                self.news.put(json.loads(line))
            except ValueError:
                self.news.put({"text": line.decode(errors="replace")})

    def tell(self, **what: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Trouble(f"{self.name} has gone: {self.fate()}") from error

    def answer(self, key: str, limit: float) -> dict[str, Any]:
        """Return the next line that has this key."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            try:
                said = self.news.get(timeout=0.1)
            except queue.Empty:
                if self.process.poll() is not None and not self.reader.is_alive():
                    raise Trouble(f"{self.name} has ended: {self.fate()}") from None
                continue
            if key in said:
                return said
        raise Trouble(f"{self.name} does not say {key!r} within {limit:.0f} s")

    def heard(self) -> list[dict[str, Any]]:
        """Return what it has said since the last look."""
        lines = []
        while not self.news.empty():
            lines.append(self.news.get())
        return lines

    def fate(self) -> str:
        """Return how it ended."""
        code = self.process.poll()
        if code is None:
            return "alive"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def complaint(self) -> str:
        """Return the end of what it said on stderr, but for sizes that no memory has.

        On a busy machine the end of a context may take its second and say so; that it ends at all
        is seen elsewhere.
        """
        text = self.stderr.read_text(errors="replace")
        usual = ("failed to allocate", "zmqlite: the end of a context waits")
        lines = [line for line in text.splitlines() if not any(one in line for one in usual)]
        return "\n".join(lines)[-8000:]

    def abort(self) -> None:
        """End it so that faulthandler shows where it is."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def backtrace(self) -> str:
        """Return what gdb finds in the core that it has left, if it has."""
        cores = list(Path(self.folder.name).glob("core*"))
        if not cores:
            return ""
        command = ["gdb", "-batch", "-ex", "bt 40", self.process.args[0], str(cores[0])]  # type: ignore[index]
        try:
            found = subprocess.run(command, capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no backtrace: {error}"
        lines = found.stdout.splitlines()
        return "\n".join(line for line in lines if line.startswith(("#", "Program")))

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        text = Path(f"/proc/{self.process.pid}/statm").read_text()
        return int(text.split()[1]) * resource.getpagesize()

    def descriptors(self) -> int:
        """Return how many descriptors it has open."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def cpu(self) -> float:
        """Return the seconds of a processor that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it, in whatever way."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.reader.join(5)
        self.folder.cleanup()


class Conducted(Protocol):
    """A run of several members: what it says when it went well, and when it did not."""

    members: contextlib.ExitStack

    def summary(self) -> str: ...
    def explain(self, trouble: Trouble) -> str: ...


def conduct(run: Conducted, *steps: Callable[[], None]) -> int:
    """Take the steps of a run and print how it ended; 0 when nothing was found."""
    with run.members:
        try:
            for step in steps:
                step()
        except Trouble as trouble:
            print(run.explain(trouble))
            with contextlib.suppress(Exception):
                print(run.summary())
            return 1
        print(run.summary())
    return 0
