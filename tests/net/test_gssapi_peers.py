"""Kerberos, past the first exchange: who is let in, subscriptions, memory, odd peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from net.realm import SERVICE, kerberos
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("gssapi"), reason="built without gssapi")


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with kerberos(tmp_path_factory.mktemp("realm")) as environment:
        yield environment


@pytest.fixture
def kerberized(realm: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    """Runs a program in the realm, with these helpers; it says at its end that it is done."""

    def run(code: str, *args: object) -> None:
        for name, value in realm.items():
            monkeypatch.setenv(name, value)
        done = hostile_program(HELPERS + code + DONE, SERVICE, *args)
        assert done == "done\n"

    return run


DONE = """
context.destroy(linger=0)
print("done")
"""
HELPERS = """
import contextlib
service = sys.argv[1]
NAMES = dict(gssapi_principal_nametype=zmq.GSSAPI_NT_KRB5_PRINCIPAL, linger=0, rcvtimeo=20000)
context = zmq.Context()

def serve(kind, **options):
    return context.socket(kind, gssapi_server=1, gssapi_principal=service, **NAMES, **options)

def client_of(kind, **options):
    return context.socket(
        kind, gssapi_principal="alice", gssapi_service_principal=service,
        gssapi_service_principal_nametype=zmq.GSSAPI_NT_KRB5_PRINCIPAL, **NAMES, **options)

def answering(status):
    # a ZAP handler that says the same of everybody, until the context ends
    handler = context.socket(zmq.REP, linger=0, rcvtimeo=20000, bind="inproc://zeromq.zap.01")
    asked = []
    def handle():
        with handler, contextlib.suppress(zmq.ContextTerminated):
            while True:
                version, number, _, _, _, mechanism, *names = handler.recv_multipart()
                asked.append((mechanism, *names))
                handler.send_multipart([version, number, status, b"", b"somebody", b""])
    threading.Thread(target=handle, daemon=True).start()
    return asked

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
"""


@needs_patch("gssapi-denied")
@pytest.mark.parametrize("plaintext", [0, 1], ids=["encrypted", "plain"])
@pytest.mark.parametrize("status", ["400", "500"])
def test_who_is_refused_stays_outside(kerberized, status: str, plaintext: int) -> None:
    """A ticket says who comes, the handler whether that one may; the client learns of it."""
    kerberized(
        """
status, plaintext = sys.argv[2], int(sys.argv[3])
asked = answering(status.encode())
server = serve(zmq.PULL, zap_domain=b"global", gssapi_plaintext=plaintext)
client = client_of(zmq.PUSH, gssapi_plaintext=plaintext)
ENDS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED
reports = client.get_monitor_socket(ENDS)
reports.rcvtimeo = 20000
own = server.get_monitor_socket(ENDS)
own.rcvtimeo = 20000
client.connect(server.bind("tcp://127.0.0.1:*"))
client.send(b"let me in")
for monitor in (own, reports):
    report = zmq.recv_monitor_message(monitor)
    assert report["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH, report
    assert report["value"] == int(status), report
assert asked[0][0] == b"GSSAPI" and asked[0][1].startswith(b"alice@"), asked
assert not server.poll(200)
""",
        status,
        plaintext,
    )


@needs_patch("gssapi-denied")
def test_a_temporary_failure_keeps_the_client_out(kerberized) -> None:
    kerberized(
        """
answering(b"300")
server = serve(zmq.PULL, zap_domain=b"global")
own = server.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
own.rcvtimeo = 20000
client = client_of(zmq.PUSH)
client.connect(server.bind("tcp://127.0.0.1:*"))
client.send(b"let me in")
assert zmq.recv_monitor_message(own)["value"] == 300
assert not server.poll(200)
"""
    )


def test_who_is_known_comes_in(kerberized) -> None:
    kerberized(
        """
answering(b"200")
server = serve(zmq.PULL, zap_domain=b"global")
client = client_of(zmq.PUSH)
client.connect(server.bind("tcp://127.0.0.1:*"))
client.send(b"let me in")
frame = server.recv(copy=False)
assert bytes(frame) == b"let me in"
assert frame.get("User-Id") == "somebody"
"""
    )


@needs_patch("gssapi-denied")
def test_a_domain_that_is_enforced_wants_a_handler(kerberized) -> None:
    kerberized(
        """
server = serve(zmq.PULL, zap_domain=b"global", zap_enforce_domain=1)
own = server.get_monitor_socket(
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_SUCCEEDED)
own.rcvtimeo = 20000
client = client_of(zmq.PUSH)
client.connect(server.bind("tcp://127.0.0.1:*"))
client.send(b"let me in")
assert zmq.recv_monitor_message(own)["event"] == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
assert not server.poll(200)
"""
    )


@needs_patch("gssapi-subscriptions")
@pytest.mark.parametrize("plaintext", [0, 1], ids=["encrypted", "plain"])
def test_subscriptions_arrive_and_end(kerberized, plaintext: int) -> None:
    """At first, after a reconnection, and to a peer of ZMTP 3.0."""
    kerberized(
        """
plaintext = int(sys.argv[2])
publisher = serve(zmq.XPUB, gssapi_plaintext=plaintext)
subscriber = client_of(zmq.SUB, gssapi_plaintext=plaintext, reconnect_ivl=10)
endpoint = publisher.bind("tcp://127.0.0.1:*")
subscriber.connect(endpoint)
topics = [b"", b"news", b"x" * 300]
for topic in topics:
    subscriber.subscribe(topic)
    assert publisher.recv() == b"\\1" + topic
    publisher.send(topic + b" heard")
    assert subscriber.recv() == topic + b" heard"
publisher.close()
publisher = serve(zmq.XPUB, gssapi_plaintext=plaintext)
for _ in range(1000):
    try:
        publisher.bind(endpoint)
        break
    except zmq.AddressInUse:
        time.sleep(0.01)
heard = []
for _ in range(2000):
    subscriber.poll(0)  # it subscribes again when its own thread comes by
    heard += [publisher.recv()] if publisher.poll(10) else []
    if len(heard) == len(topics):
        break
assert sorted(heard) == sorted(b"\\1" + topic for topic in topics), heard
for topic in topics:
    subscriber.unsubscribe(topic)
    assert publisher.recv() == b"\\0" + topic
""",
        plaintext,
    )


@needs_patch("gssapi-leaks")
def test_nothing_is_left_of_what_was_sent(kerberized) -> None:
    kerberized(
        """
server, client = serve(zmq.PULL), client_of(zmq.PUSH)
client.connect(server.bind("tcp://127.0.0.1:*"))
body = bytes(20_000)
for number in range(3000):
    client.send(body)
    assert server.recv() == body
    if number == 500:
        before = resident()
assert resident() - before < 25_000_000, resident() - before  # of 50 MB that came since
"""
    )


@needs_patch("gssapi-leaks")
def test_nothing_is_left_of_a_bad_hello(kerberized) -> None:
    """Before anybody is authenticated: a token, and more than it announced."""
    kerberized(
        """
server = serve(zmq.PULL)
port = wire.port_of(server.bind("tcp://127.0.0.1:*"))
token = bytes(1_000_000)
hello = struct.pack(">I", len(token)) + token + b"more"
for number in range(100):
    raw = wire.connect(port)
    raw.sendall(wire.greeting(mechanism=b"GSSAPI") + wire.command(b"INITIATE", hello))
    wire.hang_up(raw)
    if number == 20:
        before = resident()
assert resident() - before < 40_000_000, resident() - before  # of 80 MB that came since
client = client_of(zmq.PUSH)
client.connect(server.last_endpoint)
client.send(b"through")
assert server.recv() == b"through"
"""
    )


# The few calls of GSSAPI that a peer of our own needs to say what libzmq would not.
PEER = r"""
import ctypes, ctypes.util
krb = ctypes.CDLL(ctypes.util.find_library("gssapi_krb5"))
class Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]
    @classmethod
    def of(cls, text):
        held = ctypes.create_string_buffer(text, len(text))
        made = cls(len(text), ctypes.cast(held, ctypes.c_void_p))
        made.text = text
        return made
    def __bytes__(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""
minor, byref, pointer = ctypes.c_uint32(), ctypes.byref, ctypes.c_void_p

class Peer:
    # a client whose handshake is done, and who wraps whatever it likes
    def __init__(self, port):
        self.context, name = pointer(), pointer()
        kind = pointer.in_dll(krb, "GSS_KRB5_NT_PRINCIPAL_NAME")
        keep = ctypes.create_string_buffer(service.encode())
        text = Buffer(len(service) + 1, ctypes.cast(keep, pointer))
        assert not krb.gss_import_name(byref(minor), byref(text), kind, byref(name))
        self.raw = wire.connect(port)
        self.raw.sendall(wire.greeting(mechanism=b"GSSAPI"))
        self.seen = b""
        self.take(64)
        answer, out = None, Buffer()
        while True:
            given = ctypes.create_string_buffer(answer or b"", len(answer or b""))
            token = Buffer(len(answer or b""), ctypes.cast(given, pointer))
            major = krb.gss_init_sec_context(
                byref(minor), None, byref(self.context), name, None, 2 | 4, 0, None,
                byref(token) if answer else None, None, byref(out), None, None)
            assert major in (0, 1), (hex(major), minor.value)
            said = bytes(out)
            self.raw.sendall(wire.command(b"INITIATE", struct.pack(">I", len(said)) + said)
                             if said else wire.frame(b"", 4))
            if major == 0:
                break
            answer = self.command()[13:]
        assert self.command().startswith(b"\x07MESSAGE")  # its READY

    def take(self, size):
        while len(self.seen) < size:
            more = self.raw.recv(65536)
            assert more, "the server hung up"
            self.seen += more
        taken, self.seen = self.seen[:size], self.seen[size:]
        return taken

    def command(self):
        flags, size = self.take(2)
        if flags & 2:
            size = int.from_bytes(bytes([size]) + self.take(7), "big")
        return self.take(size)

    def wrapped(self, text, encrypted=1):
        given = ctypes.create_string_buffer(text, len(text))
        plain = Buffer(len(text), ctypes.cast(given, pointer))
        out, state = Buffer(), ctypes.c_int()
        words = (encrypted, 0, byref(plain), byref(state), byref(out))
        assert not krb.gss_wrap(byref(minor), self.context, *words)
        assert state.value == encrypted
        return wire.command(b"MESSAGE", struct.pack(">I", out.length) + bytes(out))
"""


@needs_patch("gssapi-odd-messages")
@pytest.mark.parametrize("when", ["for READY", "after it"])
@pytest.mark.parametrize("what", ["nothing", "not encrypted", "garbage"])
def test_a_peer_that_wraps_something_odd(kerberized, what: str, when: str) -> None:
    """It is cut off, and the others are served."""
    kerberized(
        PEER
        + """
what, when = sys.argv[2:]
server = serve(zmq.PULL)
port = wire.port_of(server.bind("tcp://127.0.0.1:*"))
peer = Peer(port)
if when == "after it":
    ready = b"\\2\\5READY" + wire.properties([(b"Socket-Type", b"PUSH")])
    peer.raw.sendall(peer.wrapped(ready) + peer.wrapped(b"\\0heard"))
    assert server.recv() == b"heard"
odd = {"nothing": lambda: peer.wrapped(b""), "not encrypted": lambda: peer.wrapped(b"\\0x", 0),
       "garbage": lambda: wire.command(b"MESSAGE", struct.pack(">I", 9) + b"123456789")}
peer.raw.sendall(odd[what]())
wire.hang_up(peer.raw)
client = client_of(zmq.PUSH)
client.connect(server.last_endpoint)
client.send(b"through")
assert server.recv() == b"through"
""",
        what,
        when,
    )
