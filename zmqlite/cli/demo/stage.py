"""Where one scenario plays: a fresh context, one transport, and a crew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateFuture
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from ...context import Context
from ...enums import SocketType
from .crew import Crew, Role, ThreadCrew
from .handles import PlainContext, PlainSocket, open_socket
from .records import DemoFailure, Report, Task


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a scenario measures, in seconds, and how long it waits for anything, in ms."""

    seconds: float
    patience: int


class Stage:
    """Opens sockets, hands out tasks, collects reports, and cleans up whatever happens."""

    def __init__(
        self, transport: str, folder: Path, pace: Pace, processes: Crew, lose: bool = False
    ) -> None:
        self.context: PlainContext = Context()
        self.transport = transport
        self.seconds = pace.seconds
        self._patience = pace.patience
        self._lose = lose
        self._folder = folder
        self._threads = ThreadCrew(self.context)
        self._processes = processes
        self._running: list[Future[Report]] = []
        self._sockets = ExitStack()
        self._places = 0

    @property
    def workers(self) -> str:
        """What the workers are here: "threads" or "processes"."""
        return "threads" if self.transport == "inproc" else "processes"

    def open(self, kind: SocketType) -> PlainSocket:
        """Open a socket that the stage closes at the end.

        It does not linger: by then the workers have acknowledged everything, or all is lost.
        """
        socket = open_socket(self.context, kind, self._patience)
        socket.linger = 0
        return self._sockets.enter_context(socket)

    def place(self, socket: PlainSocket) -> str:
        """Bind the socket to a fresh place of the transport; return where to connect."""
        self._places += 1
        wanted = {
            "inproc": f"inproc://demo-{self._places}",
            "ipc": f"ipc://{self._folder / f'demo-{self._places}'}",
            "tcp": "tcp://127.0.0.1:*",
        }[self.transport]
        socket.bind(wanted)
        return socket.last_endpoint.decode()

    def start(self, role: Role, task: Task) -> Future[Report]:
        """Have a worker play a role; the first one loses a message if the stage was told so.

        Workers are twice as patient as the stage, which so is the one to tell what is missing.
        """
        told = replace(task, patience=self._patience * 2, lose=self._lose and not self._running)
        crew: Crew = self._threads if self.transport == "inproc" else self._processes
        future = crew.start(role, told)
        self._running.append(future)
        return future

    def start_here(self, work: Callable[[], None]) -> Future[Report]:
        """Run a function in a thread of this process, whatever the transport."""

        def role(_context: PlainContext, _task: Task) -> Report:
            work()
            return Report()

        return self._threads.start(role, Task(""))

    def reports(self, futures: Sequence[Future[Report]] = ()) -> list[Report]:
        """Wait for these workers' reports, or for everybody's, in the order of their start.

        Raises DemoFailure when one of them failed, or is late by the stage's patience.
        """
        limit = self.seconds + self._patience / 1000
        try:
            return [future.result(limit) for future in futures or self._running]
        except LateFuture:
            raise DemoFailure(f"a worker gave no report within {self._patience} ms") from None

    def troubles(self) -> list[str]:
        """Return what workers that have failed so far had to say."""
        done = [future for future in self._running if future.done()]
        return [str(error) for future in done if (error := future.exception()) is not None]

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            # threads leave their waits with an error, processes are ended where they are
            self.context.shutdown()
            self._processes.dismiss()
        self._threads.dismiss()
        self._sockets.close()
        if error is None:
            self.context.term()
        else:  # the error may have come before a socket was noted down
            self.context.destroy(linger=0)
