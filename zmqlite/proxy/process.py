"""What runs a proxy in a process of its own.

Ctrl-C may come between any two steps of a call. So orders and answers have numbers, and what is
read is read and kept in one call of C code: an answer to an interrupted call is dropped later, and
half of one is never lost.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from typing import Any
from weakref import WeakSet

from .._native import core
from .sides import STEP, Sides
from .steering import NOTHING_MOVED, ProxyStatistics
from .thread import ThreadRunner

__all__ = ["ProcessRunner", "serve"]

_HEADER = struct.Struct("!i")  # what a connection of multiprocessing writes before a message
_CHUNK = 1 << 16
_REAPED = 5  # seconds, at most, from the end of a process until the system has noted it
_NO_ANSWER = object()
_NOTHING_SAID: tuple[str, Any] = ("", None)
_WHOLE = os.name == "nt"  # where a pipe gives whole messages


class Line:
    """The line to the process: sends orders, and keeps the answers that are waited for."""

    def __init__(self, link: Any) -> None:
        self.link = link
        # (imported here: where an import is looked up, Python 3.10 may swallow a Ctrl-C)
        self._loads: Any = import_module("pickle").loads
        self.ready: Any = import_module("multiprocessing.connection").wait
        self.ended = False
        self.last: tuple[str, Any] | None = None  # what the process says when it ends
        self.answers: dict[int, Any] = {}  # by the number of the order
        self._chunks: list[bytes] = []  # what came; b"" is the end
        if not _WHOLE:
            os.set_blocking(link.fileno(), False)

    def send(self, *message: Any) -> None:
        """Send a message; if it has ended, that may do nothing. Waits for room, which a process
        that is stopped may not have; one that waits for room itself has it when we read.

        A message is short, so it is written at once or not at all.
        """
        while not self.ended:
            try:
                self.link.send(message)
                return
            except BlockingIOError:
                self.read()

    def read(self, seconds: float = STEP) -> None:
        """Wait for something, so long at most, and keep it.

        A signal handler may have read it meanwhile: so this never waits for what has come.
        """
        try:
            if not self.link.poll(seconds):
                return
            if _WHOLE:
                message = self.link.recv_bytes()
                self._chunks.append(_HEADER.pack(len(message)) + message)
            else:
                # One call of C code that reads and appends: no signal handler runs in between.
                self._chunks.extend(map(os.read, (self.link.fileno(),), (_CHUNK,)))
        except BlockingIOError:
            return
        except (EOFError, OSError):
            self.ended = True
            return
        self._take()

    def read_the_rest(self) -> None:
        """Read what is there, and wait for nothing."""
        with suppress(EOFError, OSError):
            while not self.ended and self.link.poll(0):
                self.read(0)

    def _take(self) -> int:
        """Take the messages that are complete, again those that were taken before; return their
        size. Wherever Ctrl-C or a handler's call comes, the next one does it all."""
        data, begin = b"".join(self._chunks), 0
        while len(data) >= begin + _HEADER.size:
            end = begin + _HEADER.size + _HEADER.unpack_from(data, begin)[0]
            if len(data) < end:
                break
            number, value = self._loads(data[begin + _HEADER.size : end])
            if isinstance(number, str):
                self.last = number, value
            elif number in self.answers:
                self.answers[number] = value
            begin = end
        self.ended = self.ended or b"" in self._chunks
        return begin

    def forget_what_was_taken(self) -> None:
        """By the outermost call, so that no other one is in the middle of taking."""
        size, count = self._take(), 0
        for chunk in self._chunks:
            if size <= 0:
                break
            size -= len(chunk)
            count += 1
        if not size:  # else a message has begun in the middle of a chunk
            del self._chunks[:count]


class ProcessRunner:
    """Runs a proxy in a process of its own, which makes the sockets."""

    def __init__(self, sides: Sides) -> None:
        if any(isinstance(side, core.Socket) for side in sides.given):
            raise TypeError(
                "a proxy in a process makes its sockets there: give it addresses, such as "
                "('ROUTER', 'tcp://*:5555')"
            )
        self.sides = sides
        self.error: BaseException | None = None
        self.endpoints: tuple[tuple[str, ...], ...] = ()
        # entered again by a signal handler that stops it
        self._lock, self._numbers = threading.RLock(), count(1)
        self._last, self._over = NOTHING_MOVED, False
        self._depth = 0  # of calls that signal handlers make in the middle of others
        self._process: Any = None
        self._line: Any = None
        _runners.add(self)

    def start(self) -> None:
        """Begin, and come back when its sockets are bound."""
        spawn = import_module("multiprocessing").get_context("spawn")
        link, far = spawn.Pipe()
        self._line = Line(link)
        self._process = spawn.Process(
            target=serve, args=(far, self.sides.given), daemon=True, name="zmqlite proxy"
        )
        try:
            with far, _interrupts_held_back():
                self._process.start()
            self._line.answers[0] = _NO_ANSWER
            answer = self._hear(0)
        except BaseException:
            link.close()  # by which it ends
            raise
        if answer is _NO_ANSWER:
            self.wait(None)
            raise self.error or RuntimeError("the process of the proxy did not start")
        self.endpoints = answer

    def _hear(self, number: int) -> Any:
        """Return the answer of this number; _NO_ANSWER if there will be none."""
        line = self._line
        while line.answers[number] is _NO_ANSWER and not line.ended:
            line.read()
        return line.answers.pop(number)

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is over; return whether it is. In the child of a fork it is."""
        if self._over:
            return True
        # (not by join(): what Ctrl-C keeps of the process's end is lost to multiprocessing)
        if not self._ends_within(seconds):
            return False
        self._process.join(_REAPED)
        with self._lock:
            if not self._over:
                self._line.read_the_rest()
                self._learn(self._process.exitcode)
                self._over = True
                if not self._depth:  # else the call that was interrupted still uses it
                    self._line.link.close()
        return True

    def _ends_within(self, seconds: float | None) -> bool:
        """Read meanwhile what interrupted calls left: else it may wait for room, and not end."""
        line, sentinel = self._line, self._process.sentinel
        end = None if seconds is None else time.monotonic() + seconds
        while not self._over:
            left = None if end is None else max(end - time.monotonic(), 0)
            try:
                found = line.ready(
                    [sentinel] if _WHOLE or line.ended else [sentinel, line.link], left
                )
            except (OSError, ValueError):
                if not self._closed_by_a_handler():
                    raise
                return True
            if sentinel in found:
                break
            if found and self._lock.acquire(blocking=False):  # else who has it reads
                try:
                    if not self._over:
                        line.read(0)
                finally:
                    self._lock.release()
            if left is not None and (not found or left <= 0):
                return False
        return True

    def _closed_by_a_handler(self) -> bool:
        return self._over

    def _learn(self, code: int | None = None) -> None:
        """Take what the process has said at its end."""
        kind, value = self._line.last or _NOTHING_SAID
        if kind == "over":
            self._last = value
        elif kind == "error":
            self.error = value
        elif code:
            self.error = RuntimeError(f"the process of the proxy ended with {code}")

    def order(self, order: str) -> None:
        """Pause, resume or terminate; nothing if it is over."""
        if order != "terminate":
            self._ask(order)
        elif not self._over:
            with self._lock, suppress(OSError, ValueError):
                self._line.send(0, order)

    def statistics(self) -> ProxyStatistics:
        """Return what was moved."""
        found = self._ask("statistics")
        if found is not _NO_ANSWER:
            self._last = found
        elif not self._over:
            self._learn()
        return self._last

    def _ask(self, order: str) -> Any:
        """Return the answer to an order; _NO_ANSWER if it is over."""
        if not self._over:
            number = next(self._numbers)
            with self._lock, suppress(OSError, ValueError):
                before = self._depth
                try:
                    self._depth = before + 1
                    self._line.answers[number] = _NO_ANSWER
                    self._line.send(number, order)
                    return self._hear(number)
                finally:
                    try:
                        self._line.answers.pop(number, None)
                        if not before:
                            self._line.forget_what_was_taken()
                    finally:
                        self._depth = before
        return _NO_ANSWER

    def forget(self) -> None:
        """In the child of a fork: it is the parent's, and ends with that alone."""
        self._over = True
        if self._process is not None:
            # multiprocessing would end it at the exit of this process, which it takes for its own
            children: set[Any] = getattr(
                import_module("multiprocessing.process"), "_children", set()
            )
            children.discard(self._process)
        if self._line is not None:
            with suppress(OSError):
                self._line.link.close()


_runners: WeakSet[ProcessRunner] = WeakSet()


def _forget_after_fork() -> None:
    for runner in list(_runners):
        runner.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


@contextmanager
def _interrupts_held_back() -> Generator[None, None, None]:
    """Have a process that is started now begin without Ctrl-C, which is for its parent."""
    signal: Any = import_module("signal")
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(link: Any, given: tuple[Any, ...]) -> None:
    """Run a proxy in this process, for the parent at the other end of the line."""
    signal: Any = import_module("signal")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is for the parent, who stops this
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    runner = ThreadRunner(Sides(given))
    with suppress(EOFError, OSError):  # the parent is gone
        try:
            runner.start()
            try:
                _obey(runner, link)
            finally:
                runner.order("terminate")
                runner.wait(None)
            if runner.error is not None:
                raise runner.error
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:
            link.send(("error", _sendable(error)))
        else:
            link.send(("over", runner.statistics()))


def _obey(runner: ThreadRunner, link: Any) -> None:
    """Carry out orders until the last one, or the end."""
    link.send((0, runner.endpoints))
    while not runner.wait(0):
        if not link.poll(STEP * 10):
            continue
        number, order = link.recv()
        if order == "terminate":
            return
        answer = None
        if order == "statistics":
            answer = runner.statistics()
        else:
            runner.order(order)
        link.send((number, answer))


def _sendable(error: Exception) -> Exception:
    """Return the error, or what can be said of one that does not survive the way."""
    pickle: Any = import_module("pickle")
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
