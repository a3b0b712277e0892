"""Workers for a scenario: threads that share a context, or processes that live through the demo.

Both kinds run the same roles, functions of a context and a task. A process is fed orders over its
standard input, one line of JSON each, and answers in the same way, so that starting Python is paid
for once and secret keys stay out of the process list. Processes get a session of their own: Ctrl-C
reaches the demo alone, which then ends them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Protocol

from .handles import PlainContext
from .records import DemoFailure, Report, Task

Role = Callable[[PlainContext, Task], Report]

WORKER_MODULE = f"{__package__}.worker"
IMPORT_ROOT = Path(__file__).parents[len(WORKER_MODULE.split(".")) - 1]


class Crew(Protocol):
    """Somebody who can play roles."""

    def start(self, role: Role, task: Task) -> Future[Report]:
        """Have one worker play the role; the future resolves when the role has ended."""
        ...

    def dismiss(self) -> None:
        """End the workers. Threads end by themselves once their context is shut down."""
        ...


class ThreadCrew:
    """Threads of this process, which share its context and so can meet over inproc."""

    def __init__(self, context: PlainContext) -> None:
        self._context = context
        self._threads: list[Thread] = []

    def start(self, role: Role, task: Task) -> Future[Report]:
        future: Future[Report] = Future()
        thread = Thread(target=self._play, args=(role, task, future), daemon=True)
        with _unhurried():  # a thread that never started cannot be waited for
            thread.start()
            self._threads.append(thread)
        return future

    def _play(self, role: Role, task: Task, future: Future[Report]) -> None:
        try:
            future.set_result(role(self._context, task))
        except Exception as error:
            future.set_exception(DemoFailure(f"a thread failed: {type(error).__name__}: {error}"))

    def dismiss(self) -> None:
        for thread in self._threads:
            thread.join()


class ProcessCrew:
    """Processes, started when first needed and kept for the scenarios that follow."""

    def __init__(self) -> None:
        self._members: list[_Member] = []

    def start(self, role: Role, task: Task) -> Future[Report]:
        for member in self._members:
            if member.idle:
                return member.order(role, task)
        with _unhurried():
            member = _Member()
            self._members.append(member)
        return member.order(role, task)

    def dismiss(self) -> None:
        for member in self._members:
            member.end()
        self._members.clear()


@contextmanager
def _unhurried() -> Generator[None]:
    """Put Ctrl-C off until the end of the block, so that nothing is started and forgotten."""
    if current_thread() is not main_thread():
        yield  # only the main thread is interrupted, and only it may handle signals
        return
    pending: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pending.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pending:
        signal.raise_signal(signal.SIGINT)


class _Member:
    """One worker process, and a thread here that waits for what it says."""

    def __init__(self) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._future: Future[Report] | None = None
        paths = [str(IMPORT_ROOT), os.environ.get("PYTHONPATH", "")]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", WORKER_MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=environment,
            text=True,
            start_new_session=True,
        )
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def idle(self) -> bool:
        return self._process.poll() is None and (self._future is None or self._future.done())

    def order(self, role: Role, task: Task) -> Future[Report]:
        assert self._process.stdin is not None
        future = self._future = Future()
        try:
            self._process.stdin.write(json.dumps([role.__name__, asdict(task)]) + "\n")
            self._process.stdin.flush()
        except OSError:
            self._fail()
        return future

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            future, answer = self._future, json.loads(line)
            if future is None or future.done():
                continue
            if "error" in answer:
                future.set_exception(DemoFailure(f"a worker process failed: {answer['error']}"))
            else:
                future.set_result(Report(**answer))
        self._process.wait()
        self._fail()

    def _fail(self) -> None:
        """Resolve an order that the process can no longer answer."""
        if self._future is None or self._future.done():
            return
        self._complaints.seek(0)
        last = self._complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        reason = f"a worker process ended early, with status {self._process.poll()}"
        self._future.set_exception(DemoFailure(": ".join([reason, *last])))

    def end(self) -> None:
        """End the process: politely when it waits for orders, at once when it is in a role."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if not self.idle:
            self._process.kill()
        try:
            self._process.stdin.close()
            self._process.wait(timeout=3)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._process.stdout.close()
        self._complaints.close()
