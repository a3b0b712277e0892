"""`exit_patience`: what it may be, what it means, and exits that are odd in other ways."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from programs import program, run, start
from support import FACTOR, needs_patch

import zmqlite as zmq

pytestmark = needs_patch("unsent-report")

WRONG: list[Any] = [
    *((value, TypeError) for value in ("5", None, [], b"1", 1j)),
    (float("nan"), ValueError),
    (10**400, ValueError),
    pytest.param(10**5000, ValueError, id="an int that Python does not write"),
]


@pytest.mark.parametrize(("value", "error"), WRONG)
def test_what_is_no_number_of_seconds_is_refused(context: Any, value: Any, error: Any) -> None:
    said = "Context.exit_patience is a number of seconds, 0 not to wait, below 0 for ever, not"
    with pytest.raises(error, match=said):
        context.exit_patience = value
    assert context.exit_patience == zmq.Context.exit_patience

    class Own(zmq.Context):
        exit_patience = value

    with pytest.raises(error, match=said):
        Own()


@pytest.mark.parametrize("value", [0, -1, 0.5, float("inf"), True, Decimal(2)])
def test_what_is_one_is_taken(context: Any, value: Any) -> None:
    context.exit_patience = value
    assert context.exit_patience == value


UNSENT = """
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        s.send(b"x")
        print("end", flush=True)
"""


def test_zero_waits_for_no_message_and_says_so() -> None:
    _, err, _ = run("zmq.Context.exit_patience = 0\n" + UNSENT.replace("        ", ""))
    assert err == (
        "zmqlite: the program ends, and what was not sent is lost: PUSH socket "
        "(tcp://127.0.0.1:9): 1 message not sent (exit_patience is 0: the exit waits for no "
        "message; set linger to have it wait)\n"
    )


def test_zero_says_nothing_where_nothing_is_unsent() -> None:
    """Sockets need a moment to end, whatever they have to send."""
    program(
        """
        zmq.Context.exit_patience = 0
        import warnings
        warnings.simplefilter("ignore")
        context = zmq.Context()
        kept = [context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9") for _ in range(50)]
        kept += [context.socket(zmq.PULL, bind="tcp://127.0.0.1:*") for _ in range(50)]
        """
    )


def test_zero_honours_a_linger_that_the_program_set() -> None:
    _, err, taken = run(
        """
        zmq.Context.exit_patience = 0
        s = zmq.PUSH(connect="tcp://127.0.0.1:9", linger=1500)
        s.send(b"x")
        print("end", flush=True)
        """
    )
    assert taken > 1.3
    assert "lost" not in err


@pytest.mark.parametrize("value", ["-1", "float('inf')"])
def test_for_ever_says_why(value: str) -> None:
    """No linger was set: it is the patience that waits."""
    process = start(
        f"""
        zmq.Context.exit_patience = {value}
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        s.send(b"x")
        """
    )
    line = process.stderr.readline()
    process.kill()
    process.communicate()
    assert "1 message not sent (until all is sent, as exit_patience says; Ctrl-C" in line


def test_a_wrong_one_that_came_too_late_is_said_once_and_three_is_used() -> None:
    """The class was given it when all contexts existed already."""
    _, err, taken = run(
        """
        context = zmq.Context()
        s = context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9")
        s.send(b"x")
        zmq.Context.exit_patience = "5"
        print("end", flush=True)
        """
    )
    assert err.count("exit_patience is a number of seconds") == 1
    assert "not '5': 3 is used" in err
    assert "PUSH socket (tcp://127.0.0.1:9): 1 message not sent (nothing has moved for 3 s" in err
    assert taken < 4.5 + 8 * FACTOR


@pytest.mark.parametrize("text", ["nan", "", "3 s"])
def test_a_wrong_one_in_the_environment_is_said(text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import zmqlite; assert zmqlite.Context.exit_patience == 3"],
        env={**os.environ, "ZMQLITE_EXIT_PATIENCE": text, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, timeout=60 * FACTOR, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"not {text!r}: 3 is used" in done.stderr


# -- exits that are odd in other ways ------------------------------------------------------------


def test_a_context_that_cannot_be_ended_holds_up_no_other() -> None:
    """Its sockets raise something unexpected; the others send what they have."""
    context = zmq.Context()
    sink = context.socket(zmq.PULL, linger=0, rcvtimeo=int(30_000 * FACTOR))
    endpoint = sink.bind("tcp://127.0.0.1:*")
    out = program(
        """
        import atexit, io
        import zmqlite._native.core as core
        class Bad(zmq.Socket):
            def close(self, linger=None):
                raise KeyError("on purpose")
        before, bad, after = zmq.Context(), zmq.Context(), zmq.Context()
        kept = [bad.socket(zmq.PULL, socket_class=Bad)]
        for one in (before, after):
            kept.append(one.socket(zmq.PUSH, connect=sys.argv[1]))
            kept[-1].send(b"x" * 1000)
        sys.stderr = io.StringIO()
        core._end_with_interpreter()
        print(sys.stderr.getvalue(), flush=True)
        os._exit(0)
        """,
        endpoint,
    )
    assert out.count("cannot be ended: 'on purpose'") == 1
    assert [sink.recv() for _ in range(2)] == [b"x" * 1000] * 2
    sink.close()
    context.term()


def test_the_exit_while_a_daemon_thread_is_in_term() -> None:
    """The exit waits in its place, with its own patience, and says its own line."""
    begin = time.monotonic()
    out = program(
        """
        zmq.Context.exit_patience = 0.2
        context = zmq.Context()
        socket = context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9")
        socket.send(b"x")
        socket.close()
        threading.Thread(target=context.term, daemon=True).start()
        def ends():
            try:
                context.get(zmq.IO_THREADS)
            except zmq.ContextTerminated:
                return True
        until(ends, "the thread to be in term()")
        class Told:
            def write(self, text):
                os.write(1, text.encode())
            def flush(self):
                pass
        sys.stderr = Told()
        """
    )
    assert "what was not sent is lost: PUSH socket (tcp://127.0.0.1:9): 1 message not sent" in out
    assert time.monotonic() - begin < 20 * FACTOR


@pytest.mark.skipif(not zmq.has("ipc"), reason="built without ipc")
@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("call", ["term()", "destroy()", "term(timeout=20)"])
def test_a_signal_handler_that_ends_the_context_while_the_exit_waits(
    call: str, thread: bool, tmp_path: Path
) -> None:
    """It waits in place of the exit, and what it waits for arrives."""
    endpoint = f"ipc://{tmp_path}/sink"  # which nobody else takes
    with zmq.Context() as context:
        sink = context.socket(zmq.PULL, linger=0, rcvtimeo=int(30_000 * FACTOR))
        process = start(
            f"""
            import signal
            zmq.Context.exit_patience = 60
            context = zmq.Context()
            other = zmq.Context()
            kept = other.socket(zmq.PUSH, connect=sys.argv[1])
            kept.send(b"x")
            s = context.socket(zmq.PUSH, connect=sys.argv[1])
            s.send(b"x")
            if {thread}:  # which a limit begins
                s.close()
                try:
                    context.term(timeout=0)
                except zmq.Again:
                    pass
            def handle(number, frame):
                print("begin", flush=True)
                context.{call}
                print("done", context.closed, flush=True)
            signal.signal(signal.SIGUSR1, handle)
            """,
            endpoint,
        )
        try:
            assert "the exit of the program waits" in process.stderr.readline()
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == "begin\n"
            sink.bind(endpoint)
            out, err = process.communicate(timeout=30 * FACTOR)
        finally:
            process.kill()
        assert (out, process.returncode) == ("done True\n", 0), err
        assert [sink.recv() for _ in range(2)] == [b"x"] * 2
        assert "lost" not in err
        sink.close()
