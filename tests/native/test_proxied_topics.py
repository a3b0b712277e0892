"""Topics that a subscriber has no memory for, its own or those that a proxy passes on."""

from __future__ import annotations

from programs import hostile_program
from support import needs_bad_alloc, needs_patch

pytestmark = needs_patch("proxied-topics")

LIMITED = """
import errno, resource

def limit(room):
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[0])
    most = pages * resource.getpagesize() + (room << 20) if room else -1
    resource.setrlimit(resource.RLIMIT_AS, (most, -1))

MIB = 1 << 20
"""


def test_no_memory_for_a_topic() -> None:
    """It is an error of the call, and all else goes on."""
    hostile_program(
        LIMITED
        + """
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
    where = xpub.bind("tcp://127.0.0.1:*")
    for kind in (zmq.XSUB, zmq.SUB):
        with context.socket(kind, linger=0, rcvtimeo=20000) as sub:
            sub.connect(where)
            sub.wait_peers(1, 20000)
            ask = (lambda topic: sub.send(b"\\1" + topic)) if kind == zmq.XSUB else sub.subscribe
            ask(b"before")
            huge = b"h" * (96 * MIB)
            # (there is room for a copy of the message, or for the topic in the tree)
            limit(150 if kind == zmq.SUB else 60)
            for _ in range(3):
                try:
                    ask(huge)
                    raise SystemExit("there is memory")
                except zmq.ZMQError as error:
                    assert error.errno == errno.ENOMEM, error
                except MemoryError:
                    pass
            limit(0)
            del huge
            ask(b"after")
            assert [xpub.recv(), xpub.recv()] == [b"\\1before", b"\\1after"]
            xpub.send(b"after")
            assert sub.recv() == b"after"
            sub.close()
            xpub.recv(), xpub.recv()
"""
    )


def test_a_proxy_goes_on() -> None:
    """What it had no memory for is lost, and nothing behind it."""
    hostile_program(
        LIMITED
        + """
import threading
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
    front, back = context.socket(zmq.PULL, linger=0), context.socket(zmq.XSUB, linger=0)
    back.connect(xpub.bind("tcp://127.0.0.1:*"))
    back.wait_peers(1, 20000)
    raw = wire.connect(wire.port_of(front.bind("tcp://127.0.0.1:*")))
    wire.speak(raw, "PUSH")
    front.wait_peers(1, 20000)
    mover = threading.Thread(target=zmq.proxy, args=(front, back), daemon=True)
    mover.start()
    raw.sendall(wire.frame(b"\\1before"))
    assert xpub.recv() == b"\\1before"
    piece = bytes(MIB)
    limit(150)
    raw.sendall(wire.header(96 * MIB) + b"\\1" + piece[1:])
    for _ in range(95):
        raw.sendall(piece)
    raw.sendall(wire.frame(b"\\1after"))
    assert xpub.recv() == b"\\1after"
    assert mover.is_alive()
    limit(0)
    raw.close()
    os._exit(0)
"""
    )


@needs_bad_alloc
def test_a_publisher_that_cannot_be_told_is_asked_again() -> None:
    """There is no room in its pipe, and no memory to keep what it is to be told."""
    hostile_program(
        LIMITED
        + """
listener = socket.create_server(("127.0.0.1", 0))
with zmq.Context() as context, context.socket(zmq.XSUB, linger=0, sndhwm=1) as xsub:
    xsub.connect("tcp://127.0.0.1:%d" % listener.getsockname()[1])
    raw, _ = listener.accept()
    raw.settimeout(20)
    xsub.send(b"\\1first")  # fills the pipe
    topic = zmq.Frame(b"\\1" + b"t" * (64 * MIB) + b"END", copy=False)
    limit(100)              # the tree needs 64, and what is to be told as much again
    xsub.send(topic)
    xsub.send(b"\\1last")
    limit(0)
    wire.speak(raw, "XPUB")
    raw.setblocking(False)
    heard, until = bytearray(), time.monotonic() + 20
    while not (b"first" in heard[:200] and b"tEND" in heard and b"last" in heard):
        assert time.monotonic() < until, (len(heard), bytes(heard[:50]), bytes(heard[-50:]))
        xsub.poll(1)        # it hears of the room
        try:
            while True:
                heard += raw.recv(1 << 20)
        except BlockingIOError:
            pass
    raw.close()
listener.close()
"""
    )


def test_groups_are_joined_and_left_once() -> None:
    """Of a DISH, which may be joined and left once."""
    hostile_program(
        """
with zmq.Context() as context, context.socket(zmq.RADIO, linger=0) as radio, \\
        context.socket(zmq.DISH, linger=0, rcvtimeo=20000) as dish:
    dish.connect(radio.bind("inproc://groups"))
    for n in range(300):
        dish.join("g%d" % n)
    for n in range(299):
        dish.leave("g%d" % n)
    for refused in (lambda: dish.join("g299"), lambda: dish.leave("g0")):
        try:
            refused()
            raise SystemExit("twice")
        except zmq.InvalidArgument:
            pass
    radio.send(b"no", group="g0")
    radio.send(b"yes", group="g299")
    assert dish.recv() == b"yes"
"""
    )
