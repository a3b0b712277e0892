"""What a peer says before it is known, out of turn, or malformed: its connection ends, no more."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_bad_alloc, needs_curve, needs_patch

PRELUDE = """
import contextlib, warnings

warnings.simplefilter("ignore", ResourceWarning)   # of raw sockets

def listening():
    listener = socket.create_server(("127.0.0.1", 0), backlog=10)
    listener.settimeout(10)
    return listener, "tcp://127.0.0.1:%d" % listener.getsockname()[1]

def accepted(listener):
    raw, _ = listener.accept()
    raw.settimeout(10)
    return raw

from wire import ended

def honest(pull):
    push = zmq.PUSH(connect=pull.last_endpoint.decode(), linger=0)
    push.send(b"honest")
    while (body := pull.recv()) != b"honest":
        print("got", body)
    push.close()
"""

CURVE = (
    PRELUDE
    + """
public, secret = zmq.curve_keypair()
own, own_secret = zmq.curve_keypair()
listener, endpoint = listening()
push = zmq.DEALER(linger=0)
monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
monitor.rcvtimeo = 10000
push.curve_serverkey, push.curve_publickey, push.curve_secretkey = public, own, own_secret
push.connect(endpoint)
raw = accepted(listener)
raw.sendall(wire.greeting(mechanism=b"CURVE"))
said = b""
while len(said) < 64 + 2 + 200:
    said += raw.recv(1000)
hello = said[66:]
def why():
    return zmq.recv_monitor_message(monitor)["value"]
"""
)


@needs_curve
@needs_patch("early-ready")
def test_ready_before_welcome():
    """A CURVE client opens no box of a server that has exchanged no keys with it."""
    hostile_program(
        CURVE
        + """
raw.sendall(wire.command(b"READY", bytes(8) + bytes(40)))
assert why() == zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
assert ended(raw)
"""
    )


@needs_curve
@needs_patch("weak-server-key")
def test_weak_key_of_a_server():
    bindings = pytest.importorskip("nacl.bindings")
    assert bindings
    hostile_program(
        CURVE
        + """
from nacl.bindings import crypto_box
nonce = b"n" * 16
box = crypto_box(bytes(128), b"WELCOME-" + nonce, hello[80:112], zmq.z85_decode(secret))
raw.sendall(wire.command(b"WELCOME", nonce + box))
assert why() == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC
assert ended(raw)
"""
    )


@needs_patch("named-errors")
def test_malformed_commands():
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10000)
port = wire.port_of(pull.last_endpoint)
for wrong in (b"", b"\\5PING", b"\\xff" + b"x" * 254, b"\\4PING", b"\\4PING\\0"):
    raw = wire.connect(port)
    wire.speak(raw, "PUSH")
    raw.sendall(wire.frame(b"first"))
    assert pull.recv() == b"first"
    raw.sendall(wire.frame(wrong, 4))
    assert ended(raw), wrong
honest(pull)
"""
    )


@needs_patch("named-errors")
@pytest.mark.parametrize("way", ["tcp", "ws"])
def test_enforced_domain_without_a_handler(way):
    """Who cannot be asked about is sent away at once, and not when a timer says so."""
    hostile_program(
        PRELUDE
        + """
way = sys.argv[1]
if way == "ws" and not zmq.has("ws"):
    raise SystemExit
for mechanism, options in ((b"NULL", {}), (b"PLAIN", dict(plain_server=1))):
    pull = zmq.PULL(zap_domain=b"d", zap_enforce_domain=1, handshake_ivl=0,
        bind=way + "://127.0.0.1:*", **options)
    port = wire.port_of(pull.last_endpoint)
    raw = wire.connect(port)
    hello = wire.ready("PUSH") if mechanism == b"NULL" else wire.command(b"HELLO", b"\\1u\\1p")
    if way == "tcp":
        raw.sendall(wire.greeting(mechanism=mechanism) + hello)
    else:
        raw.sendall(wire.upgrade(port, b"ZWS2.0/" + mechanism))
        wire.read_until(raw, b"\\r\\n\\r\\n")
        body = hello[2:]
        raw.sendall(wire.ws_message(body, 2))
    assert ended(raw), mechanism
    pull.close()
""",
        way,
    )


@needs_patch("long-ttl")
def test_long_ttl():
    """656 tenths of a second are not 64 milliseconds."""
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10000)
raw = wire.connect(wire.port_of(pull.last_endpoint))
wire.speak(raw, "PUSH")
raw.sendall(wire.command(b"PING", struct.pack(">H", 656)))
wire.read_until(raw, b"PONG")
raw.settimeout(1)   # ten times the time that it took
try:
    assert raw.recv(100), "the connection was ended"
except TimeoutError:
    pass
raw.sendall(wire.frame(b"still here"))
assert pull.recv() == b"still here"
"""
    )


@needs_patch("late-announcement")
@pytest.mark.parametrize("how", ["a message", "nothing"])
def test_full_router_and_a_peer_that_comes_back(how):
    """The queue is full of what the peer had sent before: it is heard again when there is room."""
    said = hostile_program(
        PRELUDE
        + """
listener, endpoint = listening()
router = zmq.ROUTER(linger=0, rcvhwm=20, reconnect_ivl=5, router_mandatory=1)
monitor = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
monitor.rcvtimeo = 10000
router.connect(endpoint)

def known():
    try:
        router.send_multipart([b"me", b"hello"])
        return True
    except zmq.HostUnreachable:
        return False

raw = accepted(listener)
wire.speak(raw, "DEALER", b"me")
zmq.recv_monitor_message(monitor)
until(known, "the peer")
raw.sendall(wire.frame(b"x") * 20)   # as many as there is room for
wire.hang_up(raw)
raw = accepted(listener)
wire.speak(raw, "DEALER", b"me")
if sys.argv[1] == "a message":
    raw.sendall(wire.frame(b"again"))
else:
    zmq.recv_monitor_message(monitor)
got = 0
router.rcvtimeo = 2000
with contextlib.suppress(zmq.Again):
    while True:
        if router.recv_multipart() == [b"me", b"again"]:
            break
        got += 1
        if got == 20 and sys.argv[1] != "a message":
            raw.sendall(wire.frame(b"again"))
    print("heard again")
router.send_multipart([b"me", b"answer"])
wire.read_until(raw, b"answer")
print("answered")
""",
        how,
    )
    assert said.splitlines() == ["heard again", "answered"]


@needs_patch("handshake-size")
def test_size_of_a_handshake():
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10000)
port = wire.port_of(pull.last_endpoint)
for greeting, head in (
    (wire.greeting(), wire.header(65537, 4)),
    (wire.greeting((3, 0)), wire.header(1 << 30, 4)),
    (wire.SIGNATURE + bytes([1, wire.NUMBERS["PUSH"]]), wire.header(65537)),
    (b"", wire.old_header(65538, 0, True)[:9] + b"\\0"),
):
    raw = wire.connect(port)
    raw.sendall(greeting + head)
    assert ended(raw), (greeting, head)
body = b"x" * (1 << 20)   # afterwards there is no such limit
raw = wire.connect(port)
wire.speak(raw, "PUSH")
raw.sendall(wire.frame(body))
assert pull.recv() == body
honest(pull)
"""
    )


@needs_patch("handshake-size")
def test_long_identity():
    hostile_program(
        PRELUDE
        + """
router = zmq.ROUTER(bind="tcp://127.0.0.1:*", rcvtimeo=10000)
port = wire.port_of(router.last_endpoint)
name = b"n" * 256
for said in (
    wire.greeting() + wire.ready("DEALER", name),
    wire.SIGNATURE + bytes([1, wire.NUMBERS["DEALER"]]) + wire.frame(name),
    wire.old_header(257, 0, True) + name,
):
    raw = wire.connect(port)
    raw.sendall(said)
    assert ended(raw), said[:20]
raw = wire.connect(port)
wire.speak(raw, "DEALER", name[:255])
raw.sendall(wire.frame(b"x"))
assert router.recv_multipart() == [name[:255], b"x"]
"""
    )


@needs_patch("cut-metadata")
@pytest.mark.parametrize("left", [b"\x0bSocket-Type", b"\x0bSocket-Type\0\0\0\x06", b"\3X-a\0\0"])
def test_metadata_that_is_cut_off(left):
    hostile_program(
        PRELUDE
        + """
pull = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=10000)
raw = wire.connect(wire.port_of(pull.last_endpoint))
raw.sendall(wire.greeting() + wire.command(b"READY", bytes.fromhex(sys.argv[1])))
assert ended(raw)
honest(pull)
""",
        left.hex(),
    )


@needs_bad_alloc
@needs_curve
@needs_patch("no-memory-left")
def test_no_memory_for_a_box():
    """The memory for an encrypted copy is missing: the message is lost, and nothing else."""
    pytest.importorskip("resource")
    hostile_program(
        PRELUDE
        + """
import gc, resource
public, secret = zmq.curve_keypair()
pull = zmq.PULL(curve_server=1, curve_secretkey=secret, rcvtimeo=10000)
pull.bind("tcp://127.0.0.1:*")
def pushing():
    push = zmq.PUSH(curve_serverkey=public, curve_publickey=public, curve_secretkey=secret)
    push.linger = 0
    push.connect(pull.last_endpoint.decode())
    return push
push = pushing()
monitor = push.get_monitor_socket(zmq.EVENT_DISCONNECTED)
monitor.rcvtimeo = 10000
push.send(b"first")
assert pull.recv() == b"first"
body = bytes(300 << 20)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20), resource.RLIM_INFINITY))
push.send(body, copy=False)
zmq.recv_monitor_message(monitor)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
push.close()
push = pushing()
push.send(b"after")
assert pull.recv() == b"after"
"""
    )


@needs_patch("large-topics")
@pytest.mark.parametrize("version", ["2.0", "3.0", "3.1"])
def test_large_topics(version):
    """A subscription says that it is large by the size of its frame, not by that of its topic."""
    hostile_program(
        PRELUDE
        + """
version = sys.argv[1]
listener, endpoint = listening()
sub = zmq.SUB(linger=0)
sizes = range(240, 260)
topics = [bytes([size - 200]) * size for size in sizes]
for topic in topics:
    sub.subscribe(topic)
sub.connect(endpoint)
raw = accepted(listener)
if version == "2.0":
    raw.sendall(wire.SIGNATURE + bytes([1, wire.NUMBERS["PUB"]]) + wire.frame(b""))
else:
    raw.sendall(wire.greeting((3, int(version[-1]))) + wire.ready("PUB"))

file = raw.makefile("rb")
file.read(12 if version == "2.0" else 64)
def frame():
    flags, size = file.read(2)
    if flags & 2:
        size = struct.unpack(">Q", bytes([size]) + file.read(7))[0]
    return file.read(size)
first = frame()   # READY or the routing id
said = [frame() for _ in topics]
prefix = b"\\x09SUBSCRIBE" if version == "3.1" else b"\\1"
assert sorted(said) == sorted(prefix + topic for topic in topics)
for topic in topics:
    sub.unsubscribe(topic)
said = [frame() for _ in topics]
prefix = b"\\x06CANCEL" if version == "3.1" else b"\\0"
assert sorted(said) == sorted(prefix + topic for topic in topics)
""",
        version,
    )
