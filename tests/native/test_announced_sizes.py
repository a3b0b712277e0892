"""A peer may announce a part of any size: the process lives, and the honest peers are served.

Each size is sent with bytes behind it, since a wrong size shows only when the body is read. What
is tried are the ends of the ranges in which arithmetic wraps or changes its sign, and the sizes
at which libzmq and its patches take another path.
"""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_curve, needs_patch

import zmqlite as zmq

WAYS = [
    *("zmtp 1.0", "zmtp 2.0", "zmtp 3.0", "zmtp 3.1", "curve", "plain"),
    pytest.param("ws", marks=needs_patch("ws-refused")),
]
"""How the hostile peer speaks. (PLAIN wants a ZAP handler; there the honest ones do without.)"""

ATTACK = """
import contextlib, struct

way = sys.argv[1]

def around(middle, before=70, after=70):
    return range(middle - before, middle + after + 1)

TOP = 1 << 64
SIZES = sorted({*range(TOP - 200, TOP), *around(1 << 63), *around(1 << 32), *around(1 << 31),
    # classes of the message pool, with and without the 40 bytes of a content
    *(32 * n + d for n in range(53) for d in (-41, -40, -1, 0, 1) if 32 * n + d >= 0),
    # one byte of size, blocks for bodies, batches of input
    *around(256, 3, 3), *around(4096, 65, 65), *around(8192, 65, 65), *around(65536, 3, 3),
    *around(262144, 65, 65), *around(4 << 20, 65, 65)})
JUNK = b"x" * 5000

def hello(kind, port, bound):
    # what a peer says before it may announce a part
    if way == "zmtp 1.0":
        return b"\\1\\0"
    if way == "zmtp 2.0":
        return wire.SIGNATURE + bytes([1, wire.NUMBERS[kind]]) + wire.frame(b"")
    if way == "ws" and bound:
        return wire.upgrade(port)
    if way == "ws":
        return (b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n"
            b"Connection: Upgrade\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n"
            b"Sec-WebSocket-Protocol: ZWS2.0\\r\\n\\r\\n")
    if way in ("curve", "plain"):
        return wire.greeting(mechanism=way.upper().encode())
    return wire.greeting((3, int(way[-1]))) + wire.ready(kind)

def announcements(size, bound):
    mask = bytes(4) if bound else None
    if way == "zmtp 1.0":
        return [wire.old_header(size, flags, True) for flags in (0, 1)]
    if way == "ws":
        named = wire.ws_message(b"", 0, mask)
        return [named + wire.ws_header(size, code, mask, 8) for code in (2, 8, 9, 10)]
    return [wire.header(size, flags, True) for flags in (0, 1, 4)]

def attack(raw, said, announced):
    try:
        raw.sendall(said)
        if way == "ws":
            wire.read_until(raw, b"\\r\\n\\r\\n")
        raw.sendall(announced + JUNK)
        wire.hang_up(raw)
    except OSError:
        raw.close()

OPTIONS = dict(linger=0, rcvhwm=0, rcvtimeo=20_000, sndtimeo=20_000)
if way == "curve":
    public, secret = zmq.curve_keypair()
    SERVER = dict(curve_server=1, curve_secretkey=secret)
    CLIENT = dict(curve_serverkey=public, curve_publickey=public, curve_secretkey=secret)
elif way == "plain":
    SERVER, CLIENT = dict(plain_server=1), dict(plain_username="u", plain_password="p")
else:
    SERVER = CLIENT = {}
ADDRESS = ("ws" if way == "ws" else "tcp") + "://127.0.0.1:*"

def served(push, pull):
    push.send(b"honest")
    deadline = time.monotonic() + 10
    while pull.recv() != b"honest":
        assert time.monotonic() < deadline
"""


def skip_what_is_missing(way: str) -> None:
    """Skip what this build lacks."""
    if way in ("ws", "curve") and not zmq.has(way):
        pytest.skip(f"built without {way}")


@pytest.mark.parametrize("way", WAYS)
def test_to_a_server(way):
    skip_what_is_missing(way)
    hostile_program(
        ATTACK
        + """
attacked = pull = zmq.PULL(bind=ADDRESS, **OPTIONS, **SERVER)
port = wire.port_of(attacked.last_endpoint)
if way == "plain":
    pull = zmq.PULL(bind=ADDRESS, **OPTIONS)
    CLIENT = {}
push = zmq.PUSH(connect=pull.last_endpoint.decode(), **OPTIONS, **CLIENT)
said = hello("PUSH", port, True)
for number, size in enumerate(SIZES):
    for announced in announcements(size, True):
        raw = wire.connect(port)
        attack(raw, said, announced)
    if number % 50 == 0:
        served(push, pull)
served(push, pull)
for used in (attacked, pull, push):
    used.close()
zmq.Context.instance().term()
""",
        way,
        timeout=35,
    )


@pytest.mark.parametrize("way", WAYS)
def test_to_a_client(way):
    skip_what_is_missing(way)
    hostile_program(
        ATTACK
        + """
listener = socket.create_server(("127.0.0.1", 0), backlog=10)
listener.settimeout(10)
hostile = ADDRESS.replace("*", str(listener.getsockname()[1]))
hostile += "/" * (way == "ws")
attacked = pull = zmq.SUB(subscribe=b"", reconnect_ivl=-1, **OPTIONS, **CLIENT)
if way == "plain":
    pull = zmq.SUB(subscribe=b"", **OPTIONS)
    SERVER = {}
push = zmq.PUB(bind=ADDRESS, **OPTIONS, **SERVER)
pull.connect(push.last_endpoint.decode())
while True:   # until the subscription has come
    push.send(b"first")
    if pull.poll(10):
        break
said = hello("PUB", 0, False)
for number, size in enumerate(SIZES):
    for announced in announcements(size, False):
        attacked.connect(hostile)
        raw, _ = listener.accept()
        raw.settimeout(10)
        attack(raw, said, announced)
        with contextlib.suppress(zmq.AddressNotFound):  # it may be gone by itself
            attacked.disconnect(hostile)
    if number % 50 == 0:
        served(push, pull)
served(push, pull)
for used in (attacked, pull, push, listener):
    used.close()
zmq.Context.instance().term()
""",
        way,
        timeout=35,
    )


@needs_curve
def test_after_an_encrypted_handshake_the_limit_holds(context):
    """A peer with a key is a peer all the same: its parts are measured by MAXMSGSIZE."""
    public, secret = zmq.curve_keypair()
    pull = context.socket(zmq.PULL, curve_server=1, curve_secretkey=secret, maxmsgsize=1000)
    pull.rcvtimeo = 20_000
    endpoint = pull.bind("tcp://127.0.0.1:*")
    keys = {"curve_serverkey": public, "curve_publickey": public, "curve_secretkey": secret}
    large = context.socket(zmq.PUSH, linger=0, connect=endpoint, **keys)
    small = context.socket(zmq.PUSH, linger=0, connect=endpoint, **keys)
    large.send(b"x" * 2000)
    small.send(b"honest")
    assert pull.recv() == b"honest"
