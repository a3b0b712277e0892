"""What a ZAP handler says counts for the connection that it was asked about."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_drafts, needs_patch

pytestmark = needs_patch("zap-connection")

PRELUDE = """
import contextlib, warnings

warnings.simplefilter("ignore", ResourceWarning)   # of raw sockets

listener = socket.create_server(("127.0.0.1", 0), backlog=50)
listener.settimeout(10)
endpoint = "tcp://127.0.0.1:%d" % listener.getsockname()[1]

def accepted():
    raw, _ = listener.accept()
    raw.settimeout(10)
    return raw

def hello(user):
    return wire.greeting(mechanism=b"PLAIN") + wire.command(
        b"HELLO", bytes([len(user)]) + user + b"\\1x")

handler = zmq.ROUTER(bind="inproc://zeromq.zap.01", rcvtimeo=10000)

def asked():
    frames = handler.recv_multipart()
    assert frames[2] == b"1.0"
    return frames

def answer(frames, code, user=b""):
    handler.send_multipart([*frames[:3], frames[3], code, b"", user, b""])
"""


def test_of_another_connection():
    """A connecting server asks about each peer, and lets in none on the word about another."""
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(linger=0, rcvtimeo=1000, plain_server=1, zap_domain=b"d", reconnect_ivl=5)
pull.connect(endpoint)
raw = accepted()
raw.sendall(hello(b"alice"))
about_alice = asked()
assert about_alice[-2] == b"alice"
raw.close()
raw = accepted()
raw.sendall(hello(b"mallory"))
answer(about_alice, b"200", b"alice")
about_mallory = asked()
assert about_mallory[-2] == b"mallory"
answer(about_mallory, b"400")
wire.read_until(raw, b"RROR\\x03400")
with contextlib.suppress(OSError):
    raw.sendall(wire.command(b"INITIATE", wire.properties([(b"Socket-Type", b"PUSH")]))
        + wire.frame(b"from mallory"))
try:
    pull.recv()
except zmq.Again:
    pass
else:
    raise AssertionError("let in")
"""
    )


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_that_comes_late(mechanism):
    """The answer about a peer that has gone meets a connection that has said nothing yet."""
    hostile_program(
        PRELUDE
        + """
options = dict(plain_server=1) if sys.argv[1] == "PLAIN" else {}
pull = zmq.PULL(linger=0, rcvtimeo=10000, zap_domain=b"d", reconnect_ivl=5, **options)
pull.connect(endpoint)
said = wire.greeting() + wire.ready("PUSH") if not options else hello(b"alice")
raw = accepted()
raw.sendall(said)
about_alice = asked()
raw.close()
raw = accepted()
answer(about_alice, b"200", b"alice")
raw.sendall(said)
answer(asked(), b"200", b"alice")
if options:
    wire.read_until(raw, b"WELCOME")
    raw.sendall(wire.command(b"INITIATE", wire.properties([(b"Socket-Type", b"PUSH")])))
wire.read_until(raw, b"READY")
raw.sendall(wire.frame(b"asked about"))
assert pull.recv() == b"asked about"
""",
        mechanism,
    )


def test_for_a_socket_that_closes():
    """While a handler has not answered, a closed socket does not let the next peer ask."""
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(linger=0, plain_server=1, zap_domain=b"d", reconnect_ivl=5)
pull.connect(endpoint)
raw = accepted()
raw.sendall(hello(b"alice"))
question = asked()
closer = threading.Thread(target=pull.close)
closer.start()
time.sleep(0.1)   # so that the session has heard of it, most often
raw.close()
listener.settimeout(0.5)
with contextlib.suppress(TimeoutError):
    raw = accepted()
    raw.sendall(hello(b"mallory"))
    with contextlib.suppress(ConnectionError):
        while raw.recv(1000):
            pass
closer.join()
handler.close()
zmq.Context.instance().term()
"""
    )


def test_in_a_session_that_ends():
    """A peer says HELLO just when its session ends: again and again, in either order."""
    hostile_program(
        PRELUDE
        + """
import random
ended = threading.Event()

def serve():
    kept = []
    while not ended.is_set():
        with contextlib.suppress(OSError):
            raw, _ = listener.accept()
            raw.sendall(hello(b"alice"))
            kept.append(raw)
        while len(kept) > 20:
            kept.pop(0).close()

def refuse():
    handler.rcvtimeo = 50
    while not ended.is_set():
        with contextlib.suppress(zmq.Again):
            answer(asked(), b"400")

threads = [threading.Thread(target=target) for target in (serve, refuse)]
listener.settimeout(0.1)
for thread in threads:
    thread.start()
for _ in range(1500):
    pull = zmq.PULL(linger=0, plain_server=1, zap_domain=b"d", immediate=1)
    pull.connect(endpoint)
    until = time.perf_counter() + random.random() * 0.0006
    while time.perf_counter() < until:
        pass
    pull.close()
ended.set()
for thread in threads:
    thread.join()
"""
    )


@needs_drafts
@needs_patch("user-id-message")
@pytest.mark.parametrize("kind", ["REQ", "DISH", "PULL"])
def test_user_id(kind):
    """Whoever the peer is, it takes no place in the queue and is no message of the pattern."""
    hostile_program(
        PRELUDE
        + """
def serve():
    with contextlib.suppress(zmq.ContextTerminated, zmq.Again):
        while True:
            answer(asked(), b"200", b"joe")

threading.Thread(target=serve, daemon=True).start()
kind = getattr(zmq, sys.argv[1])
peer = {zmq.REQ: zmq.REP, zmq.DISH: zmq.RADIO, zmq.PULL: zmq.PUSH}[kind]
options = dict(rcvhwm=1) if kind == zmq.PULL else {}
context = zmq.Context.instance()
server = context.socket(kind, plain_server=1, zap_domain=b"d", rcvtimeo=10000, linger=0, **options)
server.bind("tcp://127.0.0.1:*")
client = context.socket(peer, plain_username=b"u", plain_password=b"p", linger=0, rcvtimeo=10000)
if kind == zmq.DISH:
    server.join("g")
client.connect(server.last_endpoint.decode())
if kind == zmq.REQ:
    server.send(b"question")
    assert client.recv() == b"question"
    client.send(b"answer")
    assert server.recv() == b"answer"
elif kind == zmq.DISH:
    until = time.monotonic() + 10
    while not server.poll(20):
        client.send(b"x", group="g")
        assert time.monotonic() < until, "nothing comes"
    frame = server.recv(copy=False)
    assert (bytes(frame), frame["User-Id"]) == (b"x", "joe")
else:
    for number in range(5):
        client.send(b"%d" % number)
    for number in range(5):
        frame = server.recv(copy=False)
        assert (bytes(frame), frame["User-Id"]) == (b"%d" % number, "joe")
""",
        kind,
    )


@needs_patch("zap-impostor")
@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN", "CURVE"])
def test_a_socket_of_another_kind_at_the_address_of_the_handler(mechanism: str) -> None:
    """Nobody is let in, and nothing dies or waits of it."""
    hostile_program(
        """
        mechanism = sys.argv[1]
        if mechanism == "CURVE" and not zmq.has("curve"):
            sys.exit()
        with zmq.Context() as context:
            impostor = context.socket(zmq.PULL, linger=0)
            impostor.bind("inproc://zeromq.zap.01")
            server = context.socket(zmq.PULL, linger=0)
            client = context.socket(zmq.PUSH, linger=0, reconnect_ivl=1)
            server.zap_domain = b"global"
            if mechanism == "PLAIN":
                server.plain_server = True
                client.plain_username, client.plain_password = b"a", b"b"
            elif mechanism == "CURVE":
                public, secret = zmq.curve_keypair()
                server.curve_server, server.curve_secretkey = True, secret
                client.curve_serverkey = public
                client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
            else:
                server.zap_enforce_domain = 1
            monitor = server.get_monitor_socket()
            client.connect(server.bind("tcp://127.0.0.1:*"))
            client.send(b"let me in")
            ends = 0
            while ends < 3:
                assert monitor.poll(10000), "nothing happens"
                number = int.from_bytes(monitor.recv_multipart()[0][:2], sys.byteorder)
                ends += number in (zmq.EVENT_DISCONNECTED, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                                   zmq.EVENT_HANDSHAKE_FAILED_AUTH)
            assert not server.poll(0)
            server.disable_monitor()
            for one in (monitor, client, server, impostor):
                one.close()
        """,
        mechanism,
    )
