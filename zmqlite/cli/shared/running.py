"""A command of the shell that answers requests: `reply --exec`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import IO, Any

from ..output import complain
from .screen import round_size

__all__ = ["Program"]

_CHUNK = 1 << 16
_PATIENCE = 2.0  # seconds that a command may take to end when it is asked to
_ENDS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Program:
    """Answers with what a command says, of which it takes so many bytes at most."""

    def __init__(self, command: str, limit: int, keep_end: bool) -> None:
        self.command, self.limit, self.keep_end = command, limit, keep_end
        self.failed = False

    def __call__(self, parts: list[bytes]) -> list[bytes]:
        output, reason = self._run(b"".join(parts))
        if not self.keep_end and output.endswith(b"\n"):
            output = output[:-1]
        if not reason:
            return [output]
        self.failed = True
        complain(f"zmqlite: {self.command!r} ended with {reason}")
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
                # it says too much, or it does not hear of what ends us, Ctrl-C or a signal
                if process is not None and process.returncode is None:
                    _end(process)

    def _answer(self, process: subprocess.Popen[bytes], request: bytes) -> tuple[bytes, str]:
        assert process.stdin is not None
        assert process.stdout is not None
        # it may write before it has read all, or without reading at all
        Thread(target=_feed, args=(process.stdin, request), daemon=True).start()
        with process.stdout as stream:
            output = _read(stream, self.limit + 1)
            if len(output) > self.limit:
                return output[: self.limit], f"more output than {round_size(self.limit)}"
            code = process.wait()
        return output, f"exit status {code}" if code else ""


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


def _read(stream: IO[bytes], most: int) -> bytes:
    """Return what a stream has, up to so many bytes."""
    pieces: list[bytes] = []
    while most and (piece := stream.read(min(most, _CHUNK))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)
