"""Whatever comes over the wire, the process lives and talks to the honest."""

from __future__ import annotations

from programs import program
from support import needs_patch

HANDSHAKE = """
GREETING = b"\\xff" + bytes(8) + b"\\x7f\\x03\\x00NULL" + bytes(16) + bytes(32)

def command(name, body):
    data = bytes([len(name)]) + name + body
    return bytes([4, len(data)]) + data

def ready(kind):
    return command(b"READY", b"\\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind)
"""


def test_frames_announced_with_any_size():
    program(
        HANDSHAKE
        + """
def attack(port, size):
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(GREETING + ready(b"PUSH"))
    raw.settimeout(5)
    raw.recv(64)
    for flags in (2, 3):
        try:
            raw.sendall(bytes([flags]) + struct.pack(">Q", size) + b"x" * 100)
        except OSError:
            pass
    return raw

for limit in (-1, 1 << 20):
    server = zmq.PULL(maxmsgsize=limit, bind="tcp://127.0.0.1:*", rcvtimeo=20_000)
    port = int(server.last_endpoint.decode().rpartition(":")[2])
    raws = [attack(port, size) for size in
            (1 << 63, (1 << 64) - 1, (1 << 64) - 33, 1 << 62, 1 << 47, 1 << 40, (1 << 31) - 1)]
    good = zmq.PUSH(connect=server.last_endpoint.decode())
    good.send(b"alive")
    assert server.recv() == b"alive"
    for raw in raws:
        raw.close()
    server.close()
    good.close()
"""
    )


@needs_patch("short-ping", "named-errors")
def test_a_ping_too_short_is_not_answered_with_our_memory():
    program(
        HANDSHAKE
        + """
server = zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=20_000)

def ready_peer():
    raw = socket.create_connection(("127.0.0.1",
        int(server.last_endpoint.decode().rpartition(":")[2])))
    raw.settimeout(5)
    raw.sendall(GREETING + ready(b"PUSH"))
    answer = b""
    while b"Socket-Type" not in answer:
        answer += raw.recv(1000)
    return raw

def answers(raw):
    answer = b""
    while more := raw.recv(1000):
        answer += more
        if b"PONG" in answer:
            break
    raw.close()
    return answer

for ttl in (b"", b"\\0"):
    raw = ready_peer()
    raw.sendall(command(b"PING", ttl))
    assert answers(raw) == b"", "the connection was not ended"
raw = ready_peer()
raw.sendall(command(b"PING", b"\\0\\0context"))
assert answers(raw).endswith(b"PONGcontext")
"""
    )


def test_garbage_against_every_socket_type():
    program(
        HANDSHAKE
        + """
import random
random.seed(4711)
kinds = [zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL,
    zmq.PUSH, zmq.XPUB,
         zmq.XSUB, zmq.STREAM]
if zmq.has("draft"):
    kinds += [zmq.SERVER, zmq.CLIENT, zmq.RADIO, zmq.DISH, zmq.GATHER, zmq.SCATTER, zmq.PEER,
        zmq.CHANNEL]
NAMES = [kind.name.encode() for kind in kinds] + [b"", b"x" * 200, b"\\xff\\x00"]

def garbage():
    choice = random.randrange(8)
    if choice == 0:
        return random.randbytes(random.randrange(1, 3000))
    if choice == 1:
        return GREETING + random.randbytes(random.randrange(1, 3000))
    if choice == 2:
        return GREETING[:random.randrange(64)]
    if choice == 3:
        return (b"GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\n" + random.randbytes(50)
                + b"\\r\\n\\r\\n")
    if choice == 4:
        return b"\\x01\\x00" + random.randbytes(100)          # ZMTP 1.0
    if choice == 5:
        return GREETING + command(random.choice([b"ERROR", b"HELLO", b"PING", b"SUBSCRIBE", b""]),
                                  random.randbytes(random.randrange(60)))
    data = GREETING + ready(random.choice(NAMES))
    for _ in range(random.randrange(20)):
        size = random.randrange(0, 300)
        body = random.randbytes(size)
        if random.random() < 0.3:
            name = random.choice([b"SUBSCRIBE", b"CANCEL", b"PING", b"PONG", b"JOIN", b"LEAVE",
                b"READY"])
            data += command(name, body[:60])
        elif size < 256:
            data += bytes([random.choice([0, 1, 4, 8, 0x20]), size]) + body
        else:
            data += bytes([random.choice([2, 3, 6])]) + struct.pack(">Q", size) + body
    return data

transports = ["tcp://127.0.0.1:*"] + ["ws://127.0.0.1:*"] * zmq.has("ws")
for transport in transports:
    for kind in kinds:
        victim = zmq.Context.instance().socket(kind, linger=0, handshake_ivl=500)
        victim.bind(transport)
        if kind == zmq.SUB:
            victim.subscribe = b""
        port = int(victim.last_endpoint.decode().rstrip("/").rpartition(":")[2])
        raws = []
        for _ in range(25):
            raw = socket.create_connection(("127.0.0.1", port))
            try:
                raw.sendall(garbage())
                if random.random() < 0.3:
                    raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            raws.append(raw)
            if random.random() < 0.5:
                raws.pop(0).close()
            for action in (lambda: victim.recv_multipart(zmq.NOBLOCK),
                           lambda: victim.send_multipart([b"x", b"y"], zmq.NOBLOCK)):
                try:
                    action()
                except zmq.ZMQError:
                    pass
        for raw in raws:
            raw.close()
        if kind == zmq.PULL:
            with zmq.PUSH(connect=victim.last_endpoint.decode()) as good:
                good.send(b"the honest message")
                while victim.recv() != b"the honest message":
                    pass
        victim.close()
zmq.Context.instance().term()
""",
        timeout=35,
    )
