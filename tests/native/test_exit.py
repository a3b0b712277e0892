"""The end of the interpreter: silent, honours linger, and Ctrl-C still gets out."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from support import FACTOR, in_time, wait_until

import zmqlite as zmq


def start(code, *args, warnings="error"):
    """Start a Python program with zmqlite imported as zmq."""
    program = (
        "import signal, sys, threading, time, zmqlite as zmq\n"
        # who runs the tests in the background may have told all children to ignore it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + textwrap.dedent(code)
    )
    return subprocess.Popen(
        [sys.executable, "-W", warnings, "-c", program, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, timeout=20):
    out, err = process.communicate(timeout=timeout * FACTOR)
    return process.returncode, out, err


FORGETFUL = {
    "everything": "s = zmq.Context().socket(zmq.PUSH); s.connect(sys.argv[1])",
    "default context": "s = zmq.PUSH(connect=sys.argv[1])",
    "closed socket": """
        c = zmq.Context()
        s = c.socket(zmq.PUSH)
        s.connect(sys.argv[1])
        import atexit
        atexit.register(s.close)
        """,
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_unclosed_sockets_deliver_their_messages(context, name):
    sink = context.socket(zmq.PULL, rcvtimeo=int(10_000 * FACTOR))
    endpoint = sink.bind("tcp://127.0.0.1:*")
    code = textwrap.dedent(FORGETFUL[name]) + "\nfor i in range(900): s.send(b'%d' % i)\n"
    process = start(code, endpoint, warnings="error::ResourceWarning")
    received = [sink.recv() for _ in range(900)]
    assert finish(process) == (0, "", "")
    assert received == [b"%d" % i for i in range(900)]


def test_linger_zero_does_not_wait():
    begin = time.monotonic()
    process = start("s = zmq.PUSH(connect='tcp://127.0.0.1:9', linger=0); s.send(b'x')")
    assert finish(process) == (0, "", "")
    assert time.monotonic() - begin < 15 * FACTOR


def test_linger_of_a_dead_peer_is_waited_for():
    begin = time.monotonic()
    process = start("s = zmq.PUSH(connect='tcp://127.0.0.1:9', linger=700); s.send(b'x')")
    assert finish(process) == (0, "", "")
    assert time.monotonic() - begin >= 0.7


def test_endless_linger_names_the_socket_and_ctrl_c_gets_out():
    process = start(
        "s = zmq.PUSH(connect='tcp://127.0.0.1:9'); s.send(b'x'); print('sent', flush=True)"
    )
    assert process.stdout.readline() == "sent\n"
    line = process.stderr.readline()  # comes when the wait has lasted some seconds
    assert "PUSH socket (tcp://127.0.0.1:9)" in line
    assert "Ctrl-C" in line
    process.send_signal(signal.SIGINT)
    assert finish(process)[1:] == ("", "")


def test_daemon_threads_that_wait_in_sockets_say_nothing():
    process = start(
        """
        context = zmq.Context()
        def serve():
            socket = context.socket(zmq.PULL)
            socket.bind("inproc://daemon")
            ready.set()
            socket.recv()
        for _ in range(1):
            ready = threading.Event()
            threading.Thread(target=serve, daemon=True).start()
            ready.wait()
        """
    )
    assert finish(process) == (0, "", "")


WAITS = {
    "Poller.poll": "poller = zmq.Poller(); poller.register(one); poller.poll()",
    "zmq_poll": "zmq.zmq_poll([(one, zmq.POLLIN)])",
    "proxy": "zmq.proxy(one, other)",
    "proxy_steerable": "zmq.proxy_steerable(one, other, None, control)",
}


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("wait", WAITS)
def test_daemon_threads_that_wait_for_several_sockets_say_nothing(wait, kept):
    process = start(
        f"""
        def serve(one, other, control):
            ready.set()
            {WAITS[wait]}
        context = zmq.Context()
        one, other, control = (context.socket(zmq.PAIR) for _ in range(3))
        for socket in (one, other, control):
            socket.bind(f"inproc://{{id(socket)}}")
        ready = threading.Event()
        thread = threading.Thread(target=serve, args=(one, other, control), daemon=True)
        thread.start()
        ready.wait()
        time.sleep(0.1)  # most runs are in the wait then
        if not {kept}:
            del context, one, other, control, socket
        """
    )
    assert finish(process) == (0, "", "")


def test_ctrl_c_in_recv_ends_the_program():
    def attempt():
        process = start(
            """
            s = zmq.PULL(bind="tcp://127.0.0.1:*")
            print("ready", flush=True)
            try:
                s.recv()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            """
        )
        assert process.stdout.readline() == "ready\n"
        wait_until(lambda: in_poll(process.pid), what="the process to wait")
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        taken = time.monotonic() - begin
        assert finish(process) == (0, "", "")
        return taken

    in_time(0.05 + 0.25 * FACTOR, attempt)


def in_poll(pid):
    """Whether the main thread of a process sleeps in poll(), as far as the kernel tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        where = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "S" and (where in ("", "0") or "poll" in where)


def test_forgotten_sockets_warn_when_collected(make_context):
    context = make_context()

    def forget():
        context.socket(zmq.PAIR)

    with pytest.warns(ResourceWarning, match="unclosed socket"):
        forget()


def test_messages_of_a_dropped_socket_still_go(make_context):
    """CPython drops a socket when its function returns; what was sent must still arrive."""
    context = make_context()
    sink = context.socket(zmq.PULL, rcvtimeo=int(5000 * FACTOR))
    endpoint = sink.bind("tcp://127.0.0.1:*")

    def send_and_forget():
        socket = context.socket(zmq.PUSH)
        socket.connect(endpoint)
        socket.send(b"last words")

    with pytest.warns(ResourceWarning):
        send_and_forget()
    assert sink.recv() == b"last words"
    sink.close()


def test_a_whole_cycle_is_collected():
    """A context, its sockets and a cycle between them: the collector finds all at once."""
    process = start(
        """
        import gc, warnings
        warnings.simplefilter("ignore")
        for _ in range(20):
            context = zmq.Context()
            holder = [context, context.socket(zmq.PAIR), context.socket(zmq.PUB)]
            holder.append(holder)
            del context, holder
        gc.collect()
        print("collected")
        """
    )
    assert finish(process) == (0, "collected\n", "")


def test_closing_twice_and_after_the_context():
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.close()
    socket.close()
    context.term()
    context.term()
    context.destroy()
    socket.close()
    assert socket.closed
    assert context.closed
