"""Run dangerous things in a Python of their own, and say how it died if it did."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, SANITIZED

PRELUDE = """
import os, socket, struct, sys, threading, time, zmqlite as zmq

# A peer in a thread that accepts one more connection while Python runs its exit handlers can
# start no thread for it any more (3.12 says so): that is no news, everything else is.
def _news_of_a_thread(news):
    if "at interpreter shutdown" not in str(news.exc_value):
        threading.__excepthook__(news)

threading.excepthook = _news_of_a_thread
"""
if SANITIZED:
    # The child of a fork finds locks of AddressSanitizer taken for ever, if another thread
    # allocates in that moment: all others shall sleep.
    PRELUDE += """
def _others_sleep():
    own = threading.get_native_id()
    for other in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{other}/stat") as stat:
                if int(other) != own and stat.read().rpartition(") ")[2][0] == "R":
                    return False
        except OSError:  # it has ended
            pass
    return True

def _before_fork():
    end = time.monotonic() + 1
    in_a_row = 0
    while in_a_row < 3 and time.monotonic() < end:
        in_a_row = in_a_row + 1 if _others_sleep() else 0
        time.sleep(0.001)

os.register_at_fork(before=_before_fork)
"""

FLAGS = ("-X", "faulthandler", "-W", "error")

# A sanitizer that is told to refuse too much memory, as malloc does, says so.
REFUSALS = re.compile(r"^==\d+==WARNING: AddressSanitizer failed to allocate .*\n", re.MULTILINE)
# A context that takes longer than a second to end says so; on a busy machine many do.
WAITS = re.compile(r"^zmqlite: the (end of a context|exit of the program) waits.*\n", re.MULTILINE)

HELPERS = """
def until(condition, what="it", seconds=20):
    '''Wait until something holds; fail with what it was.'''
    end = time.monotonic() + seconds * float(os.environ.get("ZMQLITE_TEST_TIMEOUT_FACTOR", "1"))
    while not (held := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.001)
    return held

def misused(call):
    '''Whether another thread is inside.'''
    try:
        call()
    except zmq.ThreadMisuse:
        return True
    return False

def refused(call, *classes):
    try:
        result = call()
    except classes or (zmq.ZMQError,) as error:
        assert str(error)
        return error
    raise AssertionError(f"not refused: {result!r}")
"""


def run_program(
    code: str,
    *args: object,
    timeout: float = 60,
    env: dict[str, str] | None = None,
    before: tuple[str, ...] = (),
) -> str:
    """Run code with zmqlite imported as zmq and return what it printed.

    `before` is a command that starts it, such as `unshare -n`.

    Fails when the process dies of a signal, ends with an error, says anything on stderr, or does
    not end in time.
    """
    program = PRELUDE + textwrap.dedent(code)
    with subprocess.Popen(
        [*before, sys.executable, *FLAGS, "-c", program, *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout * FACTOR)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # faulthandler shows where it hangs
            out, err = process.communicate()
            pytest.fail(f"the program hangs\n{out}\n{err}")
        finally:
            process.kill()
    err = WAITS.sub("", REFUSALS.sub("", err))
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        pytest.fail(f"the program died of {name}\n{out}\n{err}")
    if process.returncode or err:
        pytest.fail(f"the program ended with {process.returncode}\n{out}\n{err}")
    return out


def program(code: str, *args: object, timeout: float = 60) -> str:
    """The same with `refused(call, *classes)`: the call must raise one of these, and say
    something; and with `until(condition)` and `misused(call)`."""
    return run_program(HELPERS + textwrap.dedent(code), *args, timeout=timeout)


def hostile_program(code: str, *args: object, timeout: float = 60) -> str:
    """The same with `wire`, for programs that hold a hostile peer and its victim."""
    folder = str(Path(__file__).parent)
    prelude = f"sys.path.insert(0, {folder!r})\nimport wire\n"
    return program(prelude + textwrap.dedent(code), *args, timeout=timeout)


def start(code: str, *args: object, env: dict[str, str] | None = None) -> Any:
    """Start a program whose stderr is of interest."""
    prelude = (
        "import os, signal, sys, threading, time, zmqlite as zmq\n"
        # who runs the tests in the background may have told all children to ignore it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


def run(
    code: str, *args: object, env: dict[str, str] | None = None, limit: float = 60
) -> tuple[int, str, float]:
    """Return how a program ended, what it said on stderr, and for how long it ran after it had
    printed "end"."""
    process = start(code, *args, env=env)
    try:
        line = process.stdout.readline()
        begin = time.monotonic()
        out, err = process.communicate(timeout=limit * FACTOR)
    finally:
        process.kill()
    assert line == "end\n", (line, out, err)
    return process.returncode, err, time.monotonic() - begin
