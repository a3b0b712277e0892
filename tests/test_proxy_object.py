"""`Proxy`: in a thread and in a process. In event loops: loops/test_contract_of_proxies.py."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import HELPERS, run_program
from support import FACTOR, in_thread, keeping, wait_inside, wait_until

import zmqlite as zmq
import zmqlite.asyncio

PATIENCE = 15_000 * FACTOR  # ms
TCP = "tcp://127.0.0.1:*"


@pytest.fixture
def context() -> Iterator[Any]:
    context = keeping(zmq.Context)()
    context.linger = 0
    context.rcvtimeo = context.sndtimeo = int(PATIENCE)
    yield context
    context.destroy(0)


@pytest.fixture
def broker(context: Any) -> Any:
    """Two sockets for a proxy, and a client and a server."""
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    client = context.socket(zmq.REQ, connect=front.bind(TCP))
    server = context.socket(zmq.REP, connect=back.bind(TCP))
    return front, back, client, server


def ask(client: Any, server: Any, question: bytes = b"x") -> None:
    client.send(question)
    server.send(server.recv().upper())
    assert client.recv() == question.upper()


def test_its_life(broker: Any) -> None:
    front, back, client, server = broker
    proxy = zmq.Proxy(front, back)
    assert not proxy.running
    assert proxy.statistics() == (0,) * 8
    with proxy:
        assert proxy.running
        assert proxy.endpoints == (front.endpoints, back.endpoints)
        for _ in range(10):
            ask(client, server)
        counts = proxy.statistics()
        assert (counts.frontend_received, counts.frontend_sent) == (10, 10)
        assert (counts.backend_received, counts.backend_sent) == (10, 10)
        assert counts.frontend_received_bytes == counts.backend_sent_bytes == 60
        assert proxy.wait(1) is False
    assert not proxy.running
    assert proxy.statistics() == counts
    proxy.stop()
    with pytest.raises(zmq.StateError, match="starts once"):
        proxy.start()
    with zmq.Proxy(front, back):  # the sockets are as they were
        ask(client, server)


def test_what_it_is_given_is_checked(context: Any) -> None:
    socket = context.socket(zmq.ROUTER)
    for sides in ((socket, None), ("tcp://a:1", socket), (socket, socket, 5)):
        with pytest.raises(TypeError, match=r"Proxy\(\) takes sockets, or addresses"):
            zmq.Proxy(*sides)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="give it addresses"):
        zmq.Proxy.in_process(socket, socket)
    with pytest.raises(zmq.InvalidArgument, match="nothing"):
        zmq.Proxy(("ROUTER", "nothing"), ("DEALER", TCP)).start()
    for call in ("pause", "resume", "wait"):
        with pytest.raises(zmq.StateError, match="not started"):
            getattr(zmq.Proxy(socket, socket), call)()


def test_other_threads_are_refused(broker: Any) -> None:
    front, back, client, server = broker
    with zmq.Proxy(front, back):
        for call in (front.recv, lambda: back.send(b"x"), front.close, lambda: front.linger):
            for _ in range(20):  # also between two turns of the loop
                with pytest.raises(zmq.ThreadMisuse, match="proxy of ROUTER"):
                    call()
        ask(client, server)
    assert front.linger == 0


def test_a_socket_that_another_thread_uses(broker: Any, context: Any) -> None:
    front, back, *_ = broker
    join = in_thread(front.poll)
    wait_inside(front)
    with pytest.raises(zmq.ThreadMisuse):
        zmq.Proxy(front, back).start()
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        join()


def test_a_pause_is_exact_and_loses_nothing(context: Any) -> None:
    front, back = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    source = context.socket(zmq.PUSH, connect=front.bind(TCP))
    sink = context.socket(zmq.PULL, connect=back.bind(TCP))
    count = 3000

    def feed() -> None:
        for number in range(count):
            source.send(b"%d" % number)

    feeding = in_thread(feed)
    got: list[bytes] = []
    with zmq.Proxy(front, back) as proxy:
        for _ in range(30):
            proxy.pause()
            moved = proxy.statistics()
            while sink.poll(1):
                got.append(sink.recv())
            assert proxy.statistics() == moved
            proxy.resume()
            if len(got) == count:
                break
            got.append(sink.recv())
        while len(got) < count:
            got.append(sink.recv())
    feeding()
    assert got == [b"%d" % number for number in range(count)]


def test_a_capture(broker: Any, context: Any) -> None:
    front, back, client, server = broker
    capture = context.socket(zmq.PUB)
    copies = context.socket(zmq.SUB, subscribe=b"", connect=capture.bind("inproc://copies"))
    with zmq.Proxy(front, back, capture):
        ask(client, server)
        assert copies.recv_multipart()[-1] == b"x"
        assert copies.recv_multipart()[-1] == b"X"


@pytest.mark.parametrize("paused", [False, True])
def test_it_ends_with_its_context(paused: bool) -> None:
    context = keeping(zmq.Context)()
    front, back = (context.socket(kind, bind=TCP) for kind in (zmq.ROUTER, zmq.DEALER))
    proxy = zmq.Proxy(front, back).start()
    if paused:
        proxy.pause()
    in_thread(context.term)()
    assert proxy.wait(PATIENCE)
    assert front.closed
    assert back.closed
    assert not proxy.running
    assert proxy.statistics() == (0,) * 8
    proxy.pause()  # nothing
    proxy.stop()


def test_destroy_ends_it(broker: Any, context: Any) -> None:
    front, back, *_ = broker
    with zmq.Proxy(front, back) as proxy:
        in_thread(context.destroy, 0)()
        assert proxy.wait(PATIENCE)


def test_an_error_inside_is_raised_once(context: Any) -> None:
    """A REP as the backend cannot send before it has received."""
    front = context.socket(zmq.PULL)
    back = context.socket(zmq.REP, bind="inproc://back")
    source = context.socket(zmq.PUSH, connect=front.bind("inproc://front"))
    proxy = zmq.Proxy(front, back).start()
    source.send(b"x")
    with pytest.raises(zmq.StateError):
        proxy.wait(PATIENCE)
    proxy.stop()
    assert proxy.wait()
    for error in (None, KeyError):

        def use(error: Any = error) -> None:
            with zmq.Proxy(front, back) as proxy:
                source.send(b"x")
                wait_until(lambda: not proxy.running, what="the end")
                if error is not None:
                    raise error

        with pytest.raises(error or zmq.StateError):
            use()
    assert not front.closed


@pytest.mark.parametrize("call", ["pause", "statistics", "stop"])
def test_a_call_while_it_ends_returns(context: Any, call: str) -> None:
    """The call holds the lock at the moment at which the thread wants it."""
    sides = ("ROUTER", "tcp://127.0.0.1:*"), ("DEALER", "tcp://127.0.0.1:*")
    proxy = zmq.Proxy(*sides).start()
    runner: Any = proxy._runner
    lock, arrived, let_go = runner._lock, threading.Event(), threading.Event()

    class Gap:
        _is_owned = staticmethod(lock._is_owned)

        def __enter__(self) -> Any:
            if threading.current_thread().name.startswith("proxy of"):
                arrived.set()
                assert let_go.wait(20 * FACTOR)
            return lock.__enter__()

        def __exit__(self, *exc: Any) -> Any:
            return lock.__exit__(*exc)

    runner._lock = Gap()
    runner._steering.terminate()
    assert arrived.wait(20 * FACTOR)
    threading.Timer(0.2, let_go.set).start()  # the call is inside by then, or it is no harder
    in_thread(getattr(proxy, call))()
    proxy.stop()
    assert not proxy.running


def test_a_handler_may_stop_it(context: Any) -> None:
    """Also in the middle of another call of the same thread."""
    run_program(
        """
        import signal
        sides = ("ROUTER", "tcp://127.0.0.1:*"), ("DEALER", "tcp://127.0.0.1:*")
        proxy = zmq.Proxy(*sides).start()
        signal.signal(signal.SIGALRM, lambda *_: proxy.stop())
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        while proxy.running:
            proxy.statistics()
        proxy.stop()
        """
    )


def test_the_child_of_a_fork_does_not_wait_for_it() -> None:
    run_program(
        """
        sides = ("ROUTER", "tcp://127.0.0.1:*"), ("DEALER", "tcp://127.0.0.1:*")
        with zmq.Proxy(*sides) as proxy:
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
            else:
                assert not proxy.running
                proxy.statistics()
        if not child:
            os._exit(0)
        """
    )


def test_it_makes_and_closes_sockets_of_addresses(context: Any) -> None:
    with zmq.Proxy(("ROUTER", TCP), (zmq.DEALER, [TCP, TCP], {"rcvhwm": 10})) as proxy:
        (front,), (_, back) = proxy.endpoints
        ask(context.socket(zmq.REQ, connect=front), context.socket(zmq.REP, connect=back))
    again = zmq.Proxy(("ROUTER", front), ("DEALER", back))
    with again:
        assert again.endpoints[0] == (front,)


pyzmq_peer = """
import sys, zmq
kind, address = sys.argv[1:]
socket = zmq.Context().socket(getattr(zmq, kind))
socket.connect(address)
if kind == "REP":
    while True:
        socket.send(socket.recv().upper())
for number in range(200):
    socket.send(b"a%d" % number)
    assert socket.recv() == b"A%d" % number
print("done")
"""


@pytest.mark.parametrize("where", ["thread", "process", "asyncio"])
def test_pyzmq_at_both_ends(where: str) -> None:
    pytest.importorskip("zmq")

    def talk(endpoints: Any) -> None:
        (front,), (back,) = endpoints
        command = [sys.executable, "-c", pyzmq_peer]
        server = subprocess.Popen([*command, "REP", back])
        try:
            done = subprocess.run(
                [*command, "REQ", front], capture_output=True, timeout=30 * FACTOR, check=True
            )
            assert done.stdout == b"done\n"
        finally:
            server.kill()
            server.wait()

    sides: Any = ("ROUTER", TCP), ("DEALER", TCP)
    if where == "asyncio":

        async def main() -> Any:
            async with zmqlite.asyncio.Proxy(*sides) as proxy:
                await asyncio.to_thread(talk, proxy.endpoints)
                return proxy.statistics()

        counts = asyncio.run(main())
    else:
        make = zmq.Proxy if where == "thread" else zmq.Proxy.in_process
        with make(*sides) as proxy:
            talk(proxy.endpoints)
            counts = proxy.statistics()
    assert counts.frontend_received == counts.frontend_sent == 200


def test_in_a_process(context: Any) -> None:
    proxy = zmq.Proxy.in_process(("ROUTER", TCP), ("DEALER", TCP))
    with proxy:
        (front,), (back,) = proxy.endpoints
        client = context.socket(zmq.REQ, connect=front)
        server = context.socket(zmq.REP, connect=back)
        ask(client, server)
        proxy.pause()
        client.send(b"y")
        assert not server.poll(20)
        assert proxy.statistics().frontend_received == 1
        proxy.resume()
        server.send(server.recv())
        assert client.recv() == b"y"
        assert proxy.running
        assert not proxy.wait(1)
    assert not proxy.running
    assert proxy.statistics().frontend_sent == 2
    proxy.stop()


def test_a_process_that_cannot_start_or_dies() -> None:
    with pytest.raises(zmq.InvalidArgument, match="nothing"):
        zmq.Proxy.in_process(("ROUTER", "nothing"), ("DEALER", TCP)).start()
    proxy = zmq.Proxy.in_process(("ROUTER", TCP), ("DEALER", TCP)).start()
    os.kill(proxy._runner._process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="ended with -9"):
        proxy.wait(PATIENCE)
    proxy.stop()


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, zmqlite as zmq
            if __name__ == "__main__":
                sides = ("ROUTER", "tcp://127.0.0.1:*"), ("DEALER", "tcp://127.0.0.1:*")
                proxy = zmq.Proxy.in_process(*sides).start()
                print(proxy._runner._process.pid, flush=True)
                os._exit(0)
            """
        )
    )
    out = subprocess.run(
        [sys.executable, str(program)], capture_output=True, timeout=30 * FACTOR, check=True
    ).stdout

    def gone() -> bool:
        try:
            os.kill(int(out), 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{int(out)}/stat")
        return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"

    wait_until(gone, 15, "the process to end")


def test_ctrl_c_while_it_waits() -> None:
    out = run_program(
        HELPERS
        + """
import signal
with zmq.Context() as context:
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    front.bind("tcp://127.0.0.1:*")
    back.bind("tcp://127.0.0.1:*")
    main = threading.main_thread().ident
    def waits():
        frame = sys._current_frames()[main]
        while frame is not None and "proxy" not in frame.f_code.co_filename:
            frame = frame.f_back
        return frame is not None and "wait" in frame.f_code.co_name
    def press():
        until(waits)
        os.kill(os.getpid(), signal.SIGINT)
    thread = threading.Thread(target=press)
    try:
        with zmq.Proxy(front, back) as proxy:
            thread.start()
            proxy.wait()
    except KeyboardInterrupt:
        print("interrupted", proxy.running)
    thread.join()
    front.close()
    back.close()
"""
    )
    assert out == "interrupted False\n"


def test_a_program_that_forgets_to_stop_ends() -> None:
    run_program(
        """
        context = zmq.Context()
        front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        front.bind("inproc://front")
        back.bind("inproc://back")
        proxy = zmq.Proxy(front, back).start()
        import warnings
        warnings.simplefilter("ignore", ResourceWarning)
        """
    )
