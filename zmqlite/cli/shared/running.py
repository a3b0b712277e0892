"""A command of the shell that answers requests: `reply --exec`."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from threading import Thread
from typing import IO

from ..output import complain
from .screen import round_size

__all__ = ["Program"]

_CHUNK = 1 << 16
_PATIENCE = 2.0  # seconds that a command may take to end when it is asked to


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
        process = subprocess.Popen(
            self.command, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            start_new_session=True,  # so that all that it starts can be ended
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        # it may write before it has read all, or without reading at all
        feeder = Thread(target=_feed, args=(process.stdin, request), daemon=True)
        try:
            feeder.start()
            output = _read(process.stdout, self.limit + 1)
            if len(output) > self.limit:
                _end(process)
                return output[: self.limit], f"more output than {round_size(self.limit)}"
            code = process.wait()
        except BaseException:  # Ctrl-C, which it does not hear of
            _end(process)
            raise
        finally:
            process.stdout.close()
        return output, f"exit status {code}" if code else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it has started: first they are asked to."""
    for name in ("SIGTERM", "SIGKILL"):
        try:
            os.killpg(process.pid, getattr(signal, name))
        except AttributeError:  # not a Unix
            process.kill()
        except ProcessLookupError:
            pass
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return


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
