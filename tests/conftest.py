"""What every test may count on: contexts that must end, free endpoints, patience, a hang guard.

Timeouts are seconds, stretched by ZMQLITE_TEST_TIMEOUT_FACTOR on slow machines and under
sanitizers. Warnings are errors, an unclosed socket among them.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

import zmqlite as zmq

sys.path.insert(0, str(Path(__file__).parent))  # for `support`: the import mode adds no path

from support import FACTOR, LONG, connect_pair, keeping

TERM_LIMIT = 10 * FACTOR
TEST_LIMIT = 3600 if LONG else 90 * FACTOR  # some take 10 s, and much more on a busy machine
WILDCARDS = {
    "inproc": "inproc://name",
    "ipc": "ipc://*",
    "tcp": "tcp://127.0.0.1:*",
    "ws": "ws://127.0.0.1:*",
}


def _hear_signals() -> None:
    """Undo what `nohup` and a shell's `&` did: what a test starts inherits ignored signals, and
    would not end by them. A handler it does not inherit."""
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is signal.SIG_IGN:
        signal.signal(hang_up, lambda *_: None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    _hear_signals()
    config.addinivalue_line("filterwarnings", "error")
    # the real standard error, which pytest is about to replace: a hang must not end without a word
    config.stash[_REAL_STDERR] = os.fdopen(os.dup(2), "w")


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_REAL_STDERR].close()


_REAL_STDERR: pytest.StashKey[TextIO] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """A wait in vain says whether a message is stuck (and where), or the machine stood still."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance((zmq.Again, HangError)):
        report.sections.append(("what the machine says", _machine_now()))
    return report


def _machine_now() -> str:
    """The load, and the queues of this process's own connections."""
    words = [f"load {os.getloadavg()}, {threading.active_count()} threads of Python"]
    pressure = Path("/proc/pressure/cpu")
    if pressure.exists():
        words.append(pressure.read_text().splitlines()[0])
    if shutil.which("ss"):
        listing = subprocess.run(["ss", "-Hanpto"], capture_output=True, text=True, timeout=20)
        words += [line for line in listing.stdout.splitlines() if f"pid={os.getpid()}," in line]
    return "\n".join(words)


class HangError(Exception):
    """Raised inside a test that takes longer than TEST_LIMIT."""


def _raise_hang(signum: int, frame: Any) -> None:
    raise HangError(f"the test did not end within {TEST_LIMIT:.0f} s")


@pytest.fixture(autouse=True)
def hang_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    """Break off a test that hangs: first by an exception, then with the stacks of all threads.

    A signal of its own, not SIGALRM, so that tests about signals may use that one.
    """
    real = request.config.stash[_REAL_STDERR]
    faulthandler.dump_traceback_later(TEST_LIMIT * 1.5, exit=True, file=real)
    if not hasattr(signal, "SIGUSR2"):
        yield
        faulthandler.cancel_dump_traceback_later()
        return
    before = signal.signal(signal.SIGUSR2, _raise_hang)
    alarm = threading.Timer(
        TEST_LIMIT, signal.pthread_kill, (threading.main_thread().ident, signal.SIGUSR2)
    )
    alarm.daemon = True
    alarm.start()
    yield
    alarm.cancel()
    alarm.join()
    signal.signal(signal.SIGUSR2, before)
    faulthandler.cancel_dump_traceback_later()


def end(context: zmq.Context[Any]) -> None:
    """Close what a test left open and fail, with a reason, if the context does not end then."""
    for socket in context.sockets():
        with contextlib.suppress(zmq.ThreadMisuse):
            socket.close(0)
    try:
        context.term(timeout=TERM_LIMIT)
    except zmq.Again as error:
        pytest.fail(f"the context does not end: {error}")


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """A context of the test's own; its sockets are closed afterwards."""
    context = keeping(zmq.Context)()
    yield context
    end(context)


@pytest.fixture
def make_context() -> Iterator[Callable[..., zmq.Context[zmq.Socket[bytes]]]]:
    """A maker of contexts that are ended afterwards."""
    made: list[zmq.Context[Any]] = []

    def make(*args: Any, cls: Any = zmq.Context, **kwargs: Any) -> Any:
        made.append(cls(*args, **kwargs))
        return made[-1]

    yield make
    for context in reversed(made):
        end(context)


@pytest.fixture
def default_context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    """The context of `Context.instance()`, ended afterwards so that tests do not share it."""
    context = zmq.Context.instance()
    yield context
    end(context)


@pytest.fixture(params=list(WILDCARDS))
def endpoint(request: pytest.FixtureRequest) -> str:
    """A free address to bind, of each transport in turn; bind returns where it went.

    Again and again, except for inproc://name, which a second socket must vary.
    """
    transport = request.param
    if transport == "ws" and not zmq.has("ws"):
        pytest.skip("this libzmq was built without ws")
    if transport == "ipc" and not zmq.has("ipc"):
        pytest.skip("this libzmq was built without ipc")
    return WILDCARDS[transport]


@pytest.fixture
def pair(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> Callable[..., tuple[Any, Any]]:
    """A maker of two sockets that are connected over each transport in turn."""

    def make(bound: int = zmq.PAIR, connected: int = zmq.PAIR, **options: Any) -> tuple[Any, Any]:
        return connect_pair(context, endpoint, bound, connected, **options)

    return make


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe, to read and to write; a test may close them."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


@pytest.fixture
def trio_context() -> Iterator[Any]:
    """A context whose sockets are trio's, ended after the test."""
    context = keeping(pytest.importorskip("zmqlite.trio").Context)()
    yield context
    end(context)


@pytest.fixture
def green_context() -> Iterator[Any]:
    """A context whose sockets are gevent's, ended after the test, which may not last long."""
    gevent = pytest.importorskip("gevent")
    context = keeping(pytest.importorskip("zmqlite.green").Context)()
    with gevent.Timeout(2 * TERM_LIMIT):
        yield context
    end(context)
