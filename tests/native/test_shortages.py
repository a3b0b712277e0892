"""Descriptors that run out, seldom or in the middle of something, cost nobody more than a wait."""

from __future__ import annotations

import sys

import pytest
from programs import hostile_program
from support import SANITIZED, needs_bad_alloc, needs_patch

import zmqlite as zmq

TRANSPORTS = [
    pytest.param(name, marks=pytest.mark.skipif(not zmq.has(name), reason=f"no {name}"))
    if name == "ws"
    else name
    for name in ("tcp", "ipc", "ws")
]


@needs_patch("accept-pause")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_listener_without_descriptors_waits(transport: str) -> None:
    """It does not ask all the time, and goes on when there are some again."""
    hostile_program(
        """
        import resource
        endpoint = "ipc://*" if sys.argv[1] == "ipc" else sys.argv[1] + "://127.0.0.1:*"
        with zmq.Context() as context, context.socket(zmq.PULL, linger=0) as pull:
            pull.rcvtimeo = 20000
            pull.bind(endpoint)
            raws = [socket.socket(socket.AF_UNIX if sys.argv[1] == "ipc" else socket.AF_INET)
                    for _ in range(2)]
            monitor = pull.get_monitor_socket(zmq.EVENT_ACCEPT_FAILED)
            spare = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
            while True:
                try:
                    spare.append(os.dup(0))
                except OSError:
                    break
            for raw in raws:
                raw.settimeout(10)
                if sys.argv[1] == "ipc":
                    raw.connect(pull.last_endpoint.decode()[6:])
                else:
                    raw.connect(("127.0.0.1", wire.port_of(pull.last_endpoint)))
            failed, until = 0, time.monotonic() + 0.5
            while time.monotonic() < until:
                if monitor.poll(10):
                    monitor.recv_multipart()
                    failed += 1
            assert 0 < failed < 30, failed  # it was thousands
            pull.disable_monitor()
            monitor.close()
            for descriptor in spare:
                os.close(descriptor)
            for raw in raws:
                if sys.argv[1] == "ws":
                    wire.speak_ws(raw, wire.port_of(pull.last_endpoint), "PUSH")
                    raw.sendall(wire.ws_message(b"in"))
                else:
                    wire.speak(raw, "PUSH")
                    raw.sendall(wire.frame(b"in"))
            assert [pull.recv() for _ in raws] == [b"in", b"in"]
            # it may also end while it waits
            spare = []
            while True:
                try:
                    spare.append(os.dup(0))
                except OSError:
                    break
            os.close(spare.pop())
            late = socket.socket(socket.AF_UNIX if sys.argv[1] == "ipc" else socket.AF_INET)
            if sys.argv[1] == "ipc":
                late.connect(pull.last_endpoint.decode()[6:])
            else:
                late.connect(("127.0.0.1", wire.port_of(pull.last_endpoint)))
        for raw in (*raws, late):
            raw.close()
        """,
        transport,
    )


LIMITED = """
import gc, resource

def limit(room):
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (room << 20), -1))
"""


@needs_bad_alloc
@needs_patch("kept-upstream")
def test_no_memory_for_a_copy_of_what_a_subscriber_sends() -> None:
    """There is room for the message, and not for another one of its size."""
    hostile_program(
        LIMITED
        + """
size = 96 << 20
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
    where = xpub.bind("tcp://127.0.0.1:*")
    raw = wire.connect(wire.port_of(where))
    wire.speak(raw, "XSUB")
    assert xpub.poll(0) == 0
    head = b"\\x02" + size.to_bytes(8, "big") + b"u" * (1 << 20)
    limit(150)
    raw.sendall(head)
    for _ in range(95):
        raw.sendall(head[-(1 << 20):])
    assert xpub.poll(20000)
    got = xpub.recv(copy=False)
    assert len(got) == size
    raw.sendall(wire.frame(b"small"))
    assert xpub.recv() == b"small"
    raw.close()
"""
    )


@needs_patch("kept-upstream")
def test_what_a_subscriber_sends_keeps_no_more_memory_than_it_has() -> None:
    """Not the buffer that it was read into; and a command in a message is none for the program."""
    most = 600 if SANITIZED else 200  # MiB: AddressSanitizer keeps 256 of what was freed
    hostile_program(
        """
count, most = 3000, int(sys.argv[1])
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub, \\
        context.socket(zmq.XSUB, linger=0) as back, \\
        context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as upstream:
    xpub.only_first_subscribe = 1
    raw = wire.connect(wire.port_of(xpub.bind("tcp://127.0.0.1:*")))
    wire.speak(raw, "XSUB")
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    def size():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[0]) * 4096 >> 20
    before = size()
    for _ in range(count):
        raw.sendall(wire.frame(b"u" * 40))
        xpub.poll(0)
    assert xpub.poll(20000)
    assert size() - before < most, size() - before  # it was half a MiB for each message
    for _ in range(count):
        assert xpub.recv() == b"u" * 40
    raw.sendall(b"\\1\\1x" + wire.command(b"SUBSCRIBE", b"secret"))
    back.connect(upstream.bind("tcp://127.0.0.1:*"))
    back.send_multipart(xpub.recv_multipart(copy=False), copy=False)
    assert upstream.recv_multipart()[1] == b"\\x09SUBSCRIBEsecret"
    raw.close()
""",
        most,
    )


@needs_bad_alloc
@needs_patch("masked-pieces")
@pytest.mark.skipif(not zmq.has("ws"), reason="built without WebSockets")
def test_no_memory_for_a_masked_copy() -> None:
    """Of a message that is lent to a WebSocket's client, which masks what it sends."""
    hostile_program(
        LIMITED
        + """
size = 96 << 20
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
with zmq.Context() as context, context.socket(zmq.PUSH, linger=0, sndtimeo=20000) as push:
    push.connect("ws://127.0.0.1:%d" % listener.getsockname()[1])
    raw, _ = listener.accept()
    raw.settimeout(20)
    request = b""
    while not request.endswith(b"\\r\\n\\r\\n"):
        request += raw.recv(4096)
    raw.sendall(wire.accepted(request, b"ZWS2.0") + wire.ws_message(b"", mask=None))
    body = bytes(range(256)) * (size // 256)
    limit(64)
    push.send(body, copy=False)
    heard = bytearray()
    while len(heard) < size // 8:  # of a whole that would need as much again
        heard += raw.recv(1 << 20)
    frames = bytes(heard[heard.index(b"\\x82\\xff"):])
    mask = frames[10:14]
    said = bytes(b ^ mask[n % 4] for n, b in enumerate(frames[14:20000]))
    assert said[1:] == body[:len(said) - 1]
    assert body[:256] == bytes(range(256))
raw.close()
listener.close()
"""
    )


CROWDED = (
    LIMITED
    + """
kind, transport = sys.argv[1:]
inner, outer = socket.socketpair()
child = os.fork()
if not child:
    try:
        inner.close()
        with zmq.Context() as context, context.socket(zmq.PULL, backlog=1000) as pull:
            outer.sendall(pull.bind(transport).encode().ljust(200))
            poller = zmq.Poller()
            poller.register(pull, zmq.POLLIN), poller.register(outer, zmq.POLLIN)
            limit(40)
            heard = b""
            while True:
                for ready, _ in poller.poll():
                    if ready is pull:
                        if pull.recv() == b"mine":
                            outer.sendall(b"received")
                    elif not outer.recv(1):
                        os._exit(0)
    finally:
        os._exit(1)
outer.close()
inner.settimeout(20)
endpoint = inner.recv(200).decode().strip()
raws, refused = [], 0
def ended(raw):
    raw.setblocking(False)
    try:
        return not raw.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
while refused < 5 and len(raws) < 400:
    raws.append(wire.dial(endpoint, 10 if len(raws) < 20 else 0.2))
    try:
        if kind == "greeted":
            raws[-1].sendall(wire.greeting())
            wire.read_until(raws[-1], b"READY")
        elif transport[:2] == "ws":
            wire.speak_ws(raws[-1], wire.port_of(endpoint), "PUSH")
        else:
            wire.speak(raws[-1], "PUSH")
        if kind == "sends":
            part = wire.ws_message if transport[:2] == "ws" else wire.frame
            raws[-1].sendall(part(b"x" * 1000) * 20)
    except (OSError, AssertionError):
        assert len(raws) > 20   # the first have room
        refused += 1
if not refused:   # (who has heard all that it waits for does not know yet)
    wire.wait_until(lambda: any(ended(raw) for raw in raws), "there was memory for all")
for raw in raws:
    raw.close()
# there is room again: an honest peer, which waits for its turn
honest = zmq.PUSH(connect=endpoint, linger=0, sndtimeo=20_000)
honest.send(b"mine")
assert inner.recv(100) == b"received"
inner.close()
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 0, f"the receiver ended with {status}"
honest.close()
"""
)


@needs_bad_alloc
@needs_patch("room-to-accept")
@pytest.mark.parametrize("kind", ["greeted", "ready", "sends"])
@pytest.mark.parametrize("transport", ["tcp://127.0.0.1:*", "ipc://*", "ws://127.0.0.1:*"])
def test_no_memory_for_another_peer(transport, kind) -> None:
    """It waits until there is some, as without a descriptor."""
    if transport.startswith("ws") and (kind == "greeted" or not zmq.has("ws")):
        pytest.skip("nothing to say before the upgrade")
    hostile_program(CROWDED, kind, transport, timeout=60)


@needs_bad_alloc
@needs_patch("room-to-accept")
def test_no_memory_to_connect() -> None:
    """The attempt fails, and is repeated."""
    hostile_program(
        LIMITED
        + """
import tempfile
folder = tempfile.TemporaryDirectory()
where = f"ipc://{folder.name}/pull"
with zmq.Context() as context, context.socket(zmq.PULL, linger=0, rcvtimeo=20000) as pull:
    pushes = [context.socket(zmq.PUSH, linger=0, reconnect_ivl=10) for _ in range(100)]
    for push in pushes:
        push.connect(where)   # before the limit: a call of the program ends it without memory
    limit(30)
    pull.bind(where)
    for push in pushes:
        push.send_nonblock(b"x")
    assert pull.recv() == b"x"
    while pull.poll(500):   # until all have connected for whom there is memory
        pull.recv()
    for push in pushes[:-1]:
        push.close()
    pushes[-1].sndtimeo = 20000
    pushes[-1].send(b"last")
    while pull.recv() != b"last":
        pass
    pushes[-1].close()
folder.cleanup()
"""
    )


@needs_bad_alloc
@needs_patch("kept-upstream")
def test_no_memory_to_tell_of_what_a_subscriber_asks() -> None:
    """It was not asked then, and the connection stays whole."""
    hostile_program(
        LIMITED
        + """
size = 96 << 20
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
    raw = wire.connect(wire.port_of(xpub.bind("tcp://127.0.0.1:*")))
    wire.speak(raw, "XSUB")
    assert xpub.poll(0) == 0
    piece = bytes(1 << 20)
    limit(150)
    raw.sendall(b"\\x02" + (size + 1).to_bytes(8, "big") + b"\\0")
    for _ in range(96):
        raw.sendall(piece)
    raw.sendall(wire.frame(b"\\1small"))
    assert xpub.recv() == b"\\1small"
    xpub.send(b"small")
    wire.read_until(raw, b"small")
    raw.close()
"""
    )


@needs_bad_alloc
@needs_patch("kept-upstream")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it counts on glibc's malloc")
def test_no_memory_for_one_part_of_what_a_subscriber_sends() -> None:
    """All of the message is dropped, not that part alone."""
    hostile_program(
        LIMITED
        + """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
part, count = b"p" * 50_000, 40
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
    raw = wire.connect(wire.port_of(xpub.bind("tcp://127.0.0.1:*")))
    wire.speak(raw, "XSUB")
    xpub.wait_peers(1, 20000)
    raw.sendall(wire.frame(part, flags=1) + wire.frame(b"before" * 50))
    assert len(xpub.recv_multipart()) == 2   # (what a thread needs for the first one is there)
    raw.sendall(wire.frame(part, flags=1) * count + wire.frame(b"end"))
    raw.sendall(wire.ping(b"all"))
    wire.read_until(raw, b"PONGall")
    limit(0)
    held = []
    while block := libc.malloc(len(part) + 200):
        held.append(block)
    for block in held[:6:2]:   # room for copies of some parts
        libc.free(block)
    xpub.poll(0)   # takes what there is memory for: all of it, or nothing
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    for block in (*held[1:6:2], *held[6:]):
        libc.free(block)
    raw.sendall(wire.frame(b"more", flags=1) + wire.frame(b"after"))
    found = xpub.recv_multipart()
    if found == [part] * count + [b"end"]:   # there was memory elsewhere
        found = xpub.recv_multipart()
    assert found == [b"more", b"after"], [len(each) for each in found]
    raw.close()
"""
    )
