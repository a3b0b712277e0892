"""A command of the shell that answers requests: `reply --exec`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import IO, Any

from ..output import complain
from .screen import round_size
from .values import duration

__all__ = ["Program"]

_CHUNK = 1 << 16
_PATIENCE = 2.0  # seconds that a command may take to end when it is asked to
_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Program:
    """Answers with what a command says, so many bytes at most, in so many seconds at most."""

    def __init__(self, command: str, limit: int, keep_end: bool, seconds: float | None) -> None:
        self.command, self.limit, self.keep_end = command, limit, keep_end
        self.seconds = seconds
        self.failed = False

    def __call__(self, parts: list[bytes]) -> list[bytes]:
        output, reason = self._run(b"".join(parts))
        if not self.keep_end and output.endswith(b"\n"):
            output = output[:-1]
        if not reason:
            return [output]
        self.failed = True
        complain(f"zmqlite: {self.command!r}: {reason}")
        return [output, reason.encode()]

    def _run(self, request: bytes) -> tuple[bytes, str]:
        """Return the output, and what went wrong."""
        process: subprocess.Popen[bytes] | None = None
        with _Signals() as signals:
            try:
                with signals.held():  # an exception in Popen would lose what runs by then
                    process = subprocess.Popen(
                        self.command, shell=True, bufsize=0,
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        start_new_session=True,  # so that all that it starts can be ended
                    )  # fmt: skip
                return self._answer(process, request)
            finally:
                # it says too much or takes too long, or it does not hear of what ends us, Ctrl-C
                # or a signal
                if process is not None and process.returncode is None:
                    _end(process)

    def _answer(self, process: subprocess.Popen[bytes], request: bytes) -> tuple[bytes, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        # it may write before it has read all, or without reading at all
        Thread(target=_feed, args=(process.stdin, request), daemon=True).start()
        end = None if self.seconds is None else time.monotonic() + self.seconds
        output = _Output(process.stdout, self.limit + 1)
        output.join(_left(end))
        said = output.said()
        if len(said) > self.limit:
            return said[: self.limit], f"more output than {round_size(self.limit)}"
        try:
            # it may have closed its output and run on
            code = None if output.is_alive() else process.wait(_left(end))
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            return said, f"no end within {duration(self.seconds or 0)}"
        return said, f"exit status {code}" if code else ""


class _Signals:
    """While a command runs, SIGTERM and SIGHUP are exceptions, as Ctrl-C is: it has to be ended.

    One that this process ignores, or has a handler for, stays as it is; so do all in a thread
    other than the main one, which is the one that handles signals.
    """

    def __init__(self) -> None:
        self.holds = False
        self.came: tuple[int, Any] | None = None
        self.before: dict[int, Callable[[int, Any], Any]] = {}

    def __enter__(self) -> _Signals:
        if current_thread() is main_thread():
            interrupted = signal.getsignal(signal.SIGINT)
            if callable(interrupted):
                self._take(signal.SIGINT, interrupted)
            for number in _ENDS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._take(number, _leave)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, signal.SIG_DFL if handler is _leave else handler)

    def _take(self, number: int, handler: Callable[[int, Any], Any]) -> None:
        self.before[number] = handler
        signal.signal(number, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        if self.holds:
            self.came = number, frame
        else:
            self.before[number](number, frame)

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """Have what comes meanwhile strike afterwards."""
        self.holds = True
        try:
            yield
        finally:
            self.holds = False
            if self.came is not None:
                self._handle(*self.came)


def _leave(number: int, _: Any) -> None:
    raise SystemExit(128 + number)  # as a shell tells of it


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started: first they are asked to.

    The second step is taken in any case: the first may be cut short, by Ctrl-C for one, and what
    the command has started may outlive it.
    """
    try:
        _send(process, "SIGTERM")
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
    finally:
        _send(process, "SIGKILL")
        with suppress(subprocess.TimeoutExpired):  # of another user
            process.wait(_PATIENCE)


def _send(process: subprocess.Popen[bytes], name: str) -> None:
    """Send a signal to a command and all that it has started, if some of it is left."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):  # of another user, or (macOS) dead
        os.killpg(process.pid, getattr(signal, name))


def _feed(stream: IO[bytes], data: bytes) -> None:
    with suppress(OSError), stream:  # it need not read its input
        view = memoryview(data)
        while view:
            view = view[stream.write(view) :]


class _Output(Thread):
    """Reads what a stream has, up to so many bytes, and closes it.

    A thread, since not every system can read a pipe with a limit of time.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        super().__init__(daemon=True)
        self.stream, self.most = stream, most
        self.pieces: list[bytes] = []
        self.start()

    def run(self) -> None:
        with self.stream as stream:
            while self.most and (piece := stream.read(min(self.most, _CHUNK))):
                self.pieces.append(piece)
                self.most -= len(piece)

    def said(self) -> bytes:
        """Return what has come so far."""
        return b"".join(self.pieces)


def _left(end: float | None) -> float | None:
    return None if end is None else max(end - time.monotonic(), 0)
