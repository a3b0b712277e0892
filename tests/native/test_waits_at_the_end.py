"""What waits says what it waits for, and a program that ends does end."""

from __future__ import annotations

import signal
import subprocess
import textwrap
import time

import pytest
from programs import run, start
from support import FACTOR, needs_patch

import zmqlite as zmq

pytestmark = needs_patch("unsent-report")

LOST = "what was not sent is lost: PUSH socket (tcp://127.0.0.1:9): {} not sent"


AT_EXIT = {
    "an exception": """
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        s.send(b"x")
        print("end", flush=True)
        raise RuntimeError
        """,
    "an open socket": """
        context = zmq.Context()
        s = context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9")
        s.send(b"x")
        print("end", flush=True)
        """,
    "a closed socket": """
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        s.send(b"x")
        s.close()
        print("end", flush=True)
        """,
    "a context that was dropped": """
        def main():
            context = zmq.Context()
            context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9").send(b"x")
        main()
        print("end", flush=True)
        """,
    "a termination that was too late": """
        context = zmq.Context()
        with context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9") as s:
            s.send(b"x")
        try:
            context.term(timeout=0)
        except zmq.Again:
            print("end", flush=True)
        """,
    "asyncio": """
        import asyncio, zmqlite.asyncio as azmq
        async def main():
            s = azmq.Context.instance().socket(zmq.PUSH, connect="tcp://127.0.0.1:9")
            await s.send(b"x")
        asyncio.run(main())
        print("end", flush=True)
        """,
    "a daemon thread that terminates": """
        context = zmq.Context()
        with context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9") as s:
            s.send(b"x")
        threading.Thread(target=context.term, daemon=True).start()
        time.sleep(0.05)
        print("end", flush=True)
        """,
    "a fork": """
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        s.send(b"x")
        if os.fork() == 0:
            sys.exit(0)  # nothing there to wait for
        status = os.wait()[1]
        assert status == 0, status
        print("end", flush=True)
        """,
}


@pytest.mark.parametrize("name", AT_EXIT)
def test_a_program_with_an_unsent_message_ends_and_says_so(name):
    code, err, taken = run(AT_EXIT[name])
    assert code == (name == "an exception")
    assert err.count("the exit of the program waits for PUSH socket") == 1, err
    assert LOST.format("1 message") in err
    assert 2.5 < taken < 3.5 + 10 * FACTOR


def test_several_contexts_wait_at_the_same_time():
    _, err, taken = run(
        """
        contexts = [zmq.Context() for _ in range(5)]
        for context in contexts:
            context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9").send(b"x")
        print("end", flush=True)
        """
    )
    assert err.count("is lost") == 5
    assert taken < 5 + 8 * FACTOR


@pytest.mark.parametrize(
    "how", ["zmq.Context.exit_patience = 0.2", "zmq.Context.instance().exit_patience = 0.2", "env"]
)
def test_patience_can_be_set(how):
    env = {"ZMQLITE_EXIT_PATIENCE": "0.2"} if how == "env" else {}
    _, err, taken = run(
        f"""
        {how if how != "env" else ""}
        s = zmq.PUSH(connect="tcp://127.0.0.1:9")
        for _ in range(3):
            s.send(b"x")
        print("end", flush=True)
        """,
        env=env,
    )
    assert LOST.format("3 messages") in err
    assert taken < 2 + 5 * FACTOR


def test_a_wrong_patience_in_the_environment_is_said():
    process = start("import zmqlite", env={"ZMQLITE_EXIT_PATIENCE": "soon"})
    _, err = process.communicate(timeout=60 * FACTOR)
    assert process.returncode == 0
    assert "not 'soon': 3 is used" in err


@pytest.mark.parametrize("closed", [False, True])
def test_a_linger_that_the_program_set_is_honoured(closed):
    """Also beyond the patience, and when the context has nothing else to wait for."""
    _, err, taken = run(
        f"""
        zmq.Context.exit_patience = 0.1
        s = zmq.PUSH(connect="tcp://127.0.0.1:9", linger=2000)
        s.send(b"x")
        if {closed}:
            s.close()
        print("end", flush=True)
        """
    )
    assert taken > 1.8
    assert "lost" not in err
    assert err.count("waits for PUSH socket") == 1


def test_an_endless_linger_that_the_program_set_is_honoured():
    process = start(
        """
        zmq.Context.exit_patience = 0.1
        s = zmq.PUSH(connect="tcp://127.0.0.1:9", linger=-1)
        s.send(b"x")
        """
    )
    line = process.stderr.readline()
    assert "1 message not sent (their linger says so; Ctrl-C ends the wait)" in line
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30 * FACTOR)
    assert (out, err) == ("", "")


def test_it_waits_as_long_as_messages_move(make_context):
    """A reader that takes one at a time, more slowly than the patience would be in all."""
    context = make_context()
    sink = context.socket(zmq.PULL, linger=0, rcvhwm=1, rcvbuf=4096, rcvtimeo=int(30_000 * FACTOR))
    endpoint = sink.bind("tcp://127.0.0.1:*")
    patience = 1.5 * max(FACTOR, 1)
    process = start(
        """
        zmq.Context.exit_patience = float(sys.argv[2])
        s = zmq.PUSH(connect=sys.argv[1], sndbuf=4096)
        for i in range(12):
            s.send(b"%d" % i + bytes(1 << 20))
        """,
        endpoint,
        patience,
    )
    got = []
    for _ in range(12):
        got.append(sink.recv()[:2].rstrip(b"\0"))
        time.sleep(0.4)
    sink.close()
    _, err = process.communicate(timeout=60 * FACTOR)
    assert got == [b"%d" % i for i in range(12)]
    assert "lost" not in err


def test_a_large_message_that_moves_slowly(make_context):
    """One message has left its queue, but not the process."""
    import socket

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    patience = 1.5 * max(FACTOR, 1)
    process = start(
        """
        zmq.Context.exit_patience = float(sys.argv[2])
        s = zmq.STREAM(connect=sys.argv[1], sndbuf=65536)
        peer = s.recv_multipart()[0]
        s.send_multipart([peer, bytes(30_000_000)])
        """,
        f"tcp://127.0.0.1:{listener.getsockname()[1]}",
        patience,
    )
    peer, _ = listener.accept()
    left = 30_000_000
    while left:
        data = peer.recv(min(left, 2_000_000), socket.MSG_WAITALL)
        assert data, "it was lost"
        left -= len(data)
        time.sleep(0.2)
    peer.close()
    listener.close()
    _, err = process.communicate(timeout=60 * FACTOR)
    assert "lost" not in err


def test_pyzmq_loses_it_after_a_second_without_a_word():
    _, err, taken = run(
        """
        import zmqlite.pyzmq as zmq
        s = zmq.Context.instance().socket(zmq.PUSH)
        s.connect("tcp://127.0.0.1:9")
        s.send(b"x")
        print("end", flush=True)
        """
    )
    assert err == ""
    assert taken < 2.5 + 8 * FACTOR


BEFORE = """
print("end", flush=True)
context = zmq.Context()
if sys.argv[1] == "own":
    with context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9", linger=2000) as s:
        s.send_many([b"x", b"y"])
"""

WAITS = {
    "term": "context.term()",
    "destroy": "s = context.socket(zmq.PAIR); context.destroy()",
    "with": "with context: pass",
    "a second term": """
try:
    context.term(timeout=0)
except zmq.Again as error:
    assert "PUSH socket (tcp://127.0.0.1:9): 2 messages not sent" in str(error), error
context.term()
""",
    "asyncio": """
import asyncio, zmqlite.asyncio as azmq
async def main():
    async with azmq.Context() as own:
        with own.socket(zmq.PUSH, connect="tcp://127.0.0.1:9", linger=2000) as s:
            await s.send_many([b"x", b"y"])
asyncio.run(main())
""",
    "trio": """
import trio, zmqlite.trio as tzmq
async def main():
    async with tzmq.Context() as own:
        with own.socket(zmq.PUSH, connect="tcp://127.0.0.1:9", linger=2000) as s:
            await s.send_many([b"x", b"y"])
trio.run(main)
""",
    "gevent": """
import zmqlite.green as gzmq
with gzmq.Context() as own:
    with own.socket(zmq.PUSH, connect="tcp://127.0.0.1:9", linger=2000) as s:
        s.send_many([b"x", b"y"])
""",
}


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_says_once_what_it_waits_for(name):
    if name in ("trio", "gevent"):
        pytest.importorskip(name)
    code, err, _ = run(
        BEFORE + textwrap.dedent(WAITS[name]),
        "other" if name in ("asyncio", "trio", "gevent") else "own",
    )
    assert code == 0, err
    assert err.count("\n") == 1, err
    assert "the end of a context waits" in err
    assert "PUSH socket (tcp://127.0.0.1:9): 2 messages not sent" in err


def test_a_termination_names_sockets_that_are_open():
    code, err, _ = run(
        """
        print("end", flush=True)
        context = zmq.Context()
        s = context.socket(zmq.PULL, bind="inproc://open")
        timer = threading.Timer(1.5, s.close)
        timer.start()
        context.term()
        """
    )
    assert code == 0
    assert "waits for PULL socket (inproc://open) is open" in err


def test_connections_to_a_name_that_nobody_binds_are_not_waited_for(make_context):
    context = zmq.Context()
    with context.socket(zmq.PUSH, connect="inproc://nobody") as socket:
        socket.send(b"x")
    context.term(timeout=20 * FACTOR)
    assert context.closed


def test_many_closed_sockets_are_forgotten():
    """What is remembered of closed sockets does not grow with their number."""
    import tracemalloc

    context = zmq.Context()

    def open_and_close(count):
        for _ in range(count):
            context.socket(zmq.PUSH, connect="tcp://127.0.0.1:9").close()

    tracemalloc.start()
    open_and_close(1000)
    before = tracemalloc.get_traced_memory()[0]
    open_and_close(2000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    context.term(timeout=30 * FACTOR)
    assert grown < 100_000
