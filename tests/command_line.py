"""Run `python -m zmqlite` as people do: beside other programs, in a pipe, on a terminal."""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR

LIMIT = 30 * FACTOR
BOUND = re.compile(r"is bound to (\S+?)(?:,|$)", re.MULTILINE)
FORKS = (
    os.environ.get("ZMQLITE_TEST_FORKED") != "0"
    and hasattr(os, "fork")
    and all(map(importlib.util.find_spec, ("click", "rich")))
)
ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1"}
for _name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
    os.environ.pop(_name, None)


@cache
def forked() -> list[str]:
    """Start what forks, and return how a command is asked for; see forked.py."""
    program = str(Path(__file__).with_name("forked.py"))
    folder = tempfile.mkdtemp(prefix="zmqlite-")
    atexit.register(shutil.rmtree, folder)
    place = f"{folder}/forks"
    server = subprocess.Popen(
        [sys.executable, "-W", "error", program, "serve", place], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={**os.environ, **ENVIRONMENT}, start_new_session=True,
    )  # fmt: skip
    atexit.register(server.communicate)  # which ends it
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return ["-I", "-S", "-X", "utf8", program, "ask", place]


class Started:
    """A command that runs; its output is read in full, or as far as a test waits for."""

    def __init__(self, *words: str | bytes, **options: Any) -> None:
        self.words = words
        self.said = self.printed = ""
        odd = {"env", "preexec_fn"} & set(options)
        start = forked() if not odd and FORKS else ["-W", "error", "-m", "zmqlite"]
        environment = {**os.environ, **ENVIRONMENT, **options.pop("env", {})}
        self.process = subprocess.Popen(
            [sys.executable, *start, *words],
            stdin=options.pop("stdin", subprocess.PIPE),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            **options,
        )

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, text: str) -> str:
        """Read standard error until it says something; return what it has said."""
        assert self.process.stderr is not None
        end = time.monotonic() + LIMIT
        while text not in self.said:
            ready, _, _ = select.select([self.process.stderr], [], [], end - time.monotonic())
            piece = os.read(self.process.stderr.fileno(), 65536) if ready else b""
            if not piece:
                pytest.fail(f"{self.words} did not say {text!r} but {self.said!r}")
            self.said += piece.decode()
        return self.said

    def read_until(self, holds: Callable[[str], bool]) -> str:
        """Read standard output until it is as wanted; return it."""
        assert self.process.stdout is not None
        end = time.monotonic() + LIMIT
        while not holds(self.printed):
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                pytest.fail(f"{self.words} printed {self.printed[-1500:]!r}, and no more")
            self.printed += piece.decode()
        return self.printed

    def endpoint(self, number: int = 0) -> str:
        """Return the address that it has bound."""
        while len(BOUND.findall(self.said)) <= number or not self.said.endswith("\n"):
            self.wait_for("\n") if "\n" not in self.said else self._more()
        return BOUND.findall(self.said)[number]

    def _more(self) -> None:
        size = len(self.said)
        self.said, before = "", self.said
        try:
            self.wait_for("\n")
        finally:
            self.said = before + self.said
        assert len(self.said) > size

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.kill(self.process.pid, signal.SIGINT)

    def end(self, data: bytes | None = None) -> tuple[int, str, str]:
        """Wait for its end; return the exit code, standard output and standard error."""
        try:
            out, err = self.process.communicate(data, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            pytest.fail(f"{self.words} hangs; it said {out!r}, {self.said + err.decode()!r}")
        printed = self.printed + (out or b"").decode(errors="surrogateescape")
        return self.process.returncode, printed, self.said + err.decode()


def run(*words: str | bytes, data: bytes | None = b"", **options: Any) -> tuple[int, str, str]:
    """Run a command to its end."""
    with Started(*words, **options) as started:
        return started.end(data)


class Terminal:
    """A command on a terminal of a given size."""

    def __init__(self, *words: str, columns: int = 80, rows: int = 24, **environment: str) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self.seen = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        modes = termios.tcgetattr(slave)
        modes[3] |= termios.NOFLSH  # Ctrl-C would throw away what was drawn and is not read yet
        termios.tcsetattr(slave, termios.TCSANOW, modes)

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "zmqlite", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **ENVIRONMENT, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal, as its window does."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def wait_for(self, what: str | Callable[[str], Any]) -> str:
        """Read until something is on the screen; return all that was drawn."""
        holds = what if callable(what) else lambda seen: what in seen
        end = time.monotonic() + LIMIT
        while not holds(self.seen):
            if not self._read(end - time.monotonic()):
                pytest.fail(
                    f"the terminal did not show {what!r}, but {plain(self.seen)[-1500:]!r}"
                )
        return self.seen

    def _read(self, patience: float) -> bool:
        if not select.select([self.master], [], [], max(patience, 0))[0]:
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # the other end is closed
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)

    def press_ctrl_c(self) -> None:
        self.write("\x03")

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def end(self) -> tuple[int, str]:
        """Read to the end; return the exit code and all that was drawn."""
        end = time.monotonic() + LIMIT
        while self._read(end - time.monotonic()):
            pass
        try:
            code = self.process.wait(max(end - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            pytest.fail(f"the command hangs; the terminal shows {plain(self.seen)[-1500:]!r}")
        return code, self.seen


def plain(drawn: str) -> str:
    """Return what was drawn without the codes of the terminal."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)
    return re.sub(r"\r+\n?", "\n", text)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reachable(port: int | str) -> bool:
    """Tell whether someone listens at a port of this machine."""
    import socket

    try:
        socket.create_connection(("127.0.0.1", int(port)), 1).close()
    except OSError:
        return False
    return True


def folder_of(path: Path) -> dict[str, Any]:
    return {"cwd": str(path)}
