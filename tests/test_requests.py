"""`request` of blocking sockets, against servers of their own process. In event loops:
loops/test_contract_of_requests.py."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import HELPERS, run_program
from support import FACTOR, in_thread, keeping, needs_patch, wait_inside, wait_until

import zmqlite as zmq

PATIENCE = 15_000 * FACTOR  # ms
KINDS = [zmq.REQ, zmq.DEALER]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=["REQ", "DEALER"])

SERVER = """
import importlib, sys
module, kind, address = sys.argv[1:4]
zmq = importlib.import_module(module)
server = zmq.Context().socket(getattr(zmq, kind))
server.linger = 0
server.bind(address)
print("bound", flush=True)
held = []
while True:
    message = server.recv_multipart()
    body = message[-1]
    if body == b"drop":
        if kind == "REP":
            server.send(b"dropped")
    elif body == b"hold":
        held.append(message)
    else:
        for late in held:
            server.send_multipart(late)
        held.clear()
        for _ in range(2 if body == b"twice" else 1):
            server.send_multipart([*message[:-1], body.upper()])
"""


class Server:
    """A process that answers; of a ROUTER also late, twice, or never."""

    def __init__(self, address: str, kind: str, module: str) -> None:
        self.address, self.kind, self.module = address, kind, module
        self.process: Any = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, self.module, self.kind, self.address],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout.readline() == b"bound\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


@pytest.fixture
def server_of(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def make(kind: str = "ROUTER", module: str = "zmqlite") -> Server:
        if module == "zmq":
            pytest.importorskip("zmq")
        servers.append(Server(f"ipc://{tmp_path}/{len(servers)}", kind, module))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


@pytest.fixture
def context() -> Iterator[zmq.Context]:
    context = keeping(zmq.Context)()
    context.linger = 0
    yield context
    context.destroy(0)


@pytest.mark.parametrize("module", ["zmqlite", "zmq"])
@pytest.mark.parametrize("server_kind", ["REP", "ROUTER"])
@each_kind
def test_servers_of_every_kind(
    context: Any, server_of: Any, kind: int, server_kind: str, module: str
) -> None:
    server = server_of(server_kind, module)
    server.start()
    client = context.socket(kind, connect=server.address)
    for number in range(20):
        assert client.request(b"a%d" % number, PATIENCE) == b"A%d" % number
    assert client.request([b"first", b"b"], PATIENCE, 3) == [b"first", b"B"]
    assert client.request(memoryview(b"c"), PATIENCE) == b"C"


@each_kind
def test_a_server_that_is_late(context: Any, server_of: Any, kind: int) -> None:
    server = server_of("REP")
    client = context.socket(kind, connect=server.address)
    join = in_thread(client.request, b"x", PATIENCE)
    wait_inside(client)
    server.start()
    assert join() == b"X"


@each_kind
@pytest.mark.parametrize("module", ["zmqlite", "zmq"])
def test_a_server_that_dies_and_comes_back(
    context: Any, server_of: Any, kind: int, module: str
) -> None:
    server = server_of("ROUTER", module)
    server.start()
    client = context.socket(kind, connect=server.address, reconnect_ivl=10)
    assert client.request(b"a", PATIENCE) == b"A"
    join = in_thread(client.request, b"hold", 100, int(PATIENCE / 100))
    wait_inside(client)
    server.kill()
    server.start()
    wait_inside(client)
    # the new one holds it as well, until it is asked for something else
    other = context.socket(zmq.DEALER, connect=server.address)

    def answered() -> bool:
        assert other.request(b"flush", PATIENCE) == b"FLUSH"
        return not join.thread.is_alive()

    wait_until(answered, 15, "the answer of the second server")
    assert join() == b"hold"
    assert client.request(b"b", PATIENCE) == b"B"


@each_kind
def test_answers_that_come_twice(context: Any, server_of: Any, kind: int) -> None:
    server = server_of()
    server.start()
    client = context.socket(kind, connect=server.address)
    for _ in range(5):
        assert client.request(b"twice", PATIENCE) == b"TWICE"
        assert client.request(b"x", PATIENCE) == b"X"
    assert client.late_answers == (5 if kind == zmq.DEALER else 0)


@each_kind
def test_answers_that_come_late(context: Any, server_of: Any, kind: int) -> None:
    server = server_of()
    server.start()
    client = context.socket(kind, connect=server.address)
    assert client.request(b"x", PATIENCE) == b"X"
    for _ in range(3):
        with pytest.raises(zmq.NoAnswer, match="sent twice in"):
            client.request(b"hold", 20, retries=1)
        assert client.request(b"y", PATIENCE) == b"Y"


@each_kind
def test_a_late_answer_to_an_earlier_try(context: Any, kind: int) -> None:
    """It will do for a DEALER; of a REQ, libzmq drops it unseen, and the last one's comes through.
    docs/requests.md says so."""
    router = context.socket(zmq.ROUTER)
    client = context.socket(kind, connect=router.bind("inproc://x"))
    join = in_thread(client.request, b"x", 200 * FACTOR, int(PATIENCE / 200))
    tries = [router.recv_multipart() for _ in range(2)]
    router.send_multipart([*tries[0][:-1], b"to the first"])
    if kind == zmq.DEALER:
        assert join() == b"to the first"
        return
    assert router.poll(PATIENCE), "the answer to the first try was taken"
    router.recv_multipart()  # a third try: the server is as slow as ever
    while join.thread.is_alive():
        if router.poll(10):
            router.send_multipart([*router.recv_multipart()[:-1], b"to the last"])
    assert join() == b"to the last"


@needs_patch("known-peers")
def test_what_the_error_says(context: Any, server_of: Any) -> None:
    client = context.socket(zmq.DEALER, connect="ipc:///nobody/is/here")
    with pytest.raises(zmq.NoAnswer) as raised:
        client.request(b"x", 10, retries=2)
    error = raised.value
    assert isinstance(error, zmq.Again)
    assert (error.tries, error.connected) == (3, 0)
    assert error.waited >= 30
    assert str(error).startswith("request on DEALER socket: no answer; sent 3 times in ")
    assert "nobody is connected at ipc:///nobody/is/here" in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.tries, copy.waited) == (str(error), 3, error.waited)


@needs_patch("known-peers")
def test_the_error_knows_a_failed_handshake(context: Any) -> None:
    server = context.socket(zmq.ROUTER, plain_server=True)
    client = context.socket(zmq.DEALER, connect=server.bind("tcp://127.0.0.1:*"))

    def failure() -> str:
        with pytest.raises(zmq.NoAnswer) as raised:
            client.request(b"x", 50)
        assert raised.value.connected == 0
        return raised.value.reason

    assert "handshake failed" in wait_until(failure, what="a handshake that fails")


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (("text",), TypeError, "encode the text"),
        ((["text"],), TypeError, "encode the text"),
        (([],), ValueError, "one part at least"),
        ((5,), TypeError, "bytes-like"),
        ((b"x", None, 1), ValueError, "it takes one, in ms"),
        ((b"x", float("nan")), ValueError, "milliseconds"),
        ((b"x", 10, -1), ValueError, "from 0 on"),
        ((b"x", 10, 1.5), TypeError, "number of retries"),
    ],
)
def test_arguments_are_checked(context: Any, given: Any, error: Any, text: str) -> None:
    client = context.socket(zmq.DEALER, bind="inproc://x")
    with pytest.raises(error, match=text):
        client.request(*given)
    with pytest.raises(zmq.NoAnswer):
        client.request(b"still usable", 0)


def test_seconds_are_warned_of(context: Any) -> None:
    client = context.socket(zmq.DEALER, bind="inproc://x")
    with pytest.warns(UserWarning, match=r"request\(\)"), pytest.raises(zmq.NoAnswer):
        client.request(b"x", 0.5)


@pytest.mark.parametrize("kind", [zmq.PUSH, zmq.ROUTER, zmq.PAIR, zmq.REP])
def test_other_types_make_none(context: Any, kind: int) -> None:
    with pytest.raises(zmq.NotSupported, match="only REQ and DEALER"):
        context.socket(kind).request(b"x", 1)


def test_a_req_in_the_middle_of_a_plain_round_trip(context: Any) -> None:
    rep = context.socket(zmq.REP)
    req = context.socket(zmq.REQ, connect=rep.bind("inproc://x"))
    req.send(b"plain")
    for answered in (False, True):
        if answered:
            rep.send(rep.recv() + b"?")
            assert req.poll(PATIENCE)
        with pytest.raises(zmq.StateError, match=r"receive the answer to what send\(\)"):
            req.request(b"x", 1000)
    assert req.recv() == b"plain?"
    join = in_thread(req.request, b"x", PATIENCE)
    rep.send(rep.recv())
    assert join() == b"x"
    req.send(b"plain")  # and back
    rep.send(rep.recv())
    assert req.recv() == b"plain"


@each_kind
def test_in_the_middle_of_a_message(context: Any, kind: int) -> None:
    router = context.socket(zmq.ROUTER)
    client = context.socket(kind, connect=router.bind("inproc://x"))
    client.send(b"a", zmq.SNDMORE)
    with pytest.raises(zmq.StateError, match="send the rest"):
        client.request(b"x", 1000)
    client.send(b"b")
    *envelope, _, _ = router.recv_multipart()
    router.send_multipart([*envelope, b"c", b"d"])
    assert client.recv() == b"c"
    with pytest.raises(zmq.StateError, match="receive the rest"):
        client.request(b"x", 1000)
    assert client.recv() == b"d"


def test_two_threads_are_refused(context: Any) -> None:
    router = context.socket(zmq.ROUTER)
    client = context.socket(zmq.DEALER, connect=router.bind("inproc://x"))
    join = in_thread(client.request, b"x", PATIENCE)
    question = router.recv_multipart()
    with pytest.raises(zmq.ThreadMisuse, match="a request of thread 'test-request' is in flight"):
        client.request(b"y", 1000)
    router.send_multipart(question)
    assert join() == b"x"


@each_kind
@pytest.mark.parametrize("place", ["claim", "pop"])
def test_ctrl_c_binds_a_socket_to_no_thread(
    context: Any, monkeypatch: pytest.MonkeyPatch, kind: int, place: str
) -> None:
    """Between the claim and the count, or when the request is over."""
    client = context.socket(kind, connect="inproc://nobody", linger=0)
    with pytest.raises(zmq.NoAnswer):
        client.request(b"x", 1)
    asked = client._asked

    def and_ctrl_c(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            function(*args)
            raise KeyboardInterrupt

        return call

    class Pending(dict[bytes, Any]):
        pop = and_ctrl_c(dict.pop)

    with monkeypatch.context() as patch:
        if place == "claim":
            patch.setattr(asked, "claim", and_ctrl_c(asked.claim))
        else:
            patch.setattr(asked, "pending", Pending())
        with pytest.raises(KeyboardInterrupt):
            client.request(b"x", 1)
    with pytest.raises(zmq.NoAnswer):
        in_thread(client.request, b"x", 1)()


def test_closing_the_context_ends_it(context: Any) -> None:
    client = context.socket(zmq.DEALER, bind="inproc://x")
    join = in_thread(client.request, b"x")
    wait_inside(client)
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated, match="request"):
        join()


def test_a_buffer_may_change_before_it_is_sent_again(context: Any) -> None:
    router = context.socket(zmq.ROUTER)
    client = context.socket(zmq.DEALER, connect=router.bind("inproc://x"))
    data = bytearray(b"x")
    join = in_thread(client.request, data, 100 * FACTOR, 100)
    first = router.recv_multipart()
    data[:] = b"other"
    second = router.recv_multipart()
    assert first == second
    router.send_multipart(second)
    assert join() == b"x"


def test_ctrl_c_ends_it() -> None:
    out = run_program(
        HELPERS
        + """
import signal
context = zmq.Context()
router = context.socket(zmq.ROUTER, linger=0)
client = context.socket(zmq.DEALER, connect=router.bind("inproc://x"), linger=0)
def press():
    router.recv_multipart()
    until(lambda: misused(lambda: client.get(zmq.LINGER)))
    os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=press)
thread.start()
try:
    client.request(b"x")
except KeyboardInterrupt:
    print("interrupted")
thread.join()
answer = threading.Thread(target=lambda: router.send_multipart(router.recv_multipart()))
answer.start()
print(client.request(b"y", 20000))
answer.join()
context.destroy(0)
"""
    )
    assert out == "interrupted\nb'y'\n"


def test_sockets_that_make_none_have_nothing_of_it(context: Any) -> None:
    client = context.socket(zmq.DEALER)
    assert client.late_answers == 0
    assert not hasattr(client, "_asked")


def test_keys_differ_between_sockets(context: Any) -> None:
    """What a socket of the same name asked before must not answer this one."""
    router = context.socket(zmq.ROUTER, bind="inproc://x")
    keys = set()
    for _ in range(3):
        with context.socket(zmq.DEALER, connect="inproc://x", linger=0) as client:
            for _ in range(2):
                with pytest.raises(zmq.NoAnswer):
                    client.request(b"x", 0)
                keys.add(router.recv_multipart()[1])
    assert len(keys) == 6


def test_greenlets_of_a_patched_program_share_a_socket() -> None:
    """gevent's patch gives each greenlet a thread ident of its own; they are one thread."""
    pytest.importorskip("gevent")
    run_program(
        """
        import warnings
        warnings.simplefilter("ignore")
        from gevent import monkey
        monkey.patch_all()
        import gevent
        import zmqlite.green as gzmq
        context = gzmq.Context()
        router = context.socket(zmq.ROUTER, linger=0)
        client = context.socket(zmq.DEALER, connect=router.bind("inproc://x"), linger=0)
        def serve():
            for question in [router.recv_multipart() for _ in range(5)]:
                router.send_multipart(question)
        server = gevent.spawn(serve)
        asking = [gevent.spawn(client.request, b"%d" % n, 20000) for n in range(5)]
        gevent.joinall(asking, raise_error=True)
        assert [one.value for one in asking] == [b"%d" % n for n in range(5)]
        router.close()
        client.close()
        context.term()
        """
    )
