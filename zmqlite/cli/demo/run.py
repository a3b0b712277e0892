"""One pattern over one transport: a context, its sockets, and its workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias

from ...context import Context
from ...error import ContextTerminated
from ...socket import Socket

PlainSocket: TypeAlias = Socket[bytes]
PlainContext: TypeAlias = Context[PlainSocket]

WORKER = f"{__package__}.worker"
IMPORT_ROOT = str(Path(__file__).parents[WORKER.count(".")])


class Run:
    """Opens sockets and starts workers: threads for inproc, processes for the other transports.

    Workers wait as long as it takes, and end with the run; `troubles` tells what went wrong
    in them until then.
    """

    def __init__(
        self, transport: str, place: str, seconds: float, patience: float, lose: bool = False
    ) -> None:
        self.seconds = seconds
        self.workers = "threads" if transport == "inproc" else "processes"
        self.processes: list[subprocess.Popen[str]] = []
        self.troubles: list[str] = []
        fresh = "tcp://127.0.0.1:*" if transport == "tcp" else ""
        self._endpoints = (fresh or f"{transport}://{place}-{n}" for n in count())
        self._patience = round((patience + seconds) * 1000)
        self._lose = lose
        self._context: PlainContext
        self._sockets: list[PlainSocket] = []
        self._threads: list[Thread] = []

    def socket(self, kind: str, **options: Any) -> PlainSocket:
        """Open a socket that waits for a message, or for room, no longer than the run may."""
        options |= {"rcvtimeo": self._patience, "sndtimeo": self._patience}
        self._sockets.append(self._context.socket(kind, **options))
        return self._sockets[-1]

    def bind(self, socket: PlainSocket) -> str:
        """Bind a socket to a fresh endpoint of the transport; return where to connect."""
        return socket.bind(next(self._endpoints))

    def start(self, job: Callable[..., None], **arguments: Any) -> None:
        """Have a worker do a job: a function of a context and of these arguments."""
        arguments["lose"] = self._lose
        if self.workers == "threads":
            self.start_thread(job, self._context, **arguments)
            return
        path = os.pathsep.join(filter(None, [IMPORT_ROOT, os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", WORKER], text=True, env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends its workers
        )  # fmt: skip
        self.processes.append(process)
        with suppress(BrokenPipeError):  # secret keys have no place in the list of processes
            print(json.dumps([job.__name__, arguments]), file=process.stdin, flush=True)

    def start_thread(self, function: Callable[..., None], *arguments: Any, **more: Any) -> None:
        """Call a function in a thread of this process, whatever the transport."""

        def work() -> None:
            try:
                function(*arguments, **more)
            except ContextTerminated:
                pass  # the run is over
            except Exception as error:
                self.troubles.append(f"a thread failed: {type(error).__name__}: {error}")

        self._threads.append(Thread(target=work))
        self._threads[-1].start()

    def __enter__(self) -> Run:
        self._context = Context()
        return self

    def __exit__(self, *_: object) -> None:
        self._context.shutdown()  # threads leave their waits with ContextTerminated
        for thread in self._threads:
            if thread.is_alive():  # not where Ctrl-C came before it had begun
                thread.join()
        self._context.destroy(linger=0)
        for process in self.processes:
            errors = process.communicate()[1]  # ends its standard input, and so the process
            if process.returncode:
                last = errors.strip().splitlines()[-1:]
                status = f"a process failed with status {process.returncode}"
                self.troubles.append(": ".join([status, *last]))
