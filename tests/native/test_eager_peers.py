"""A peer of NULL need not wait for our READY: what it says right behind its own is taken."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = needs_patch("eager-peer")

TRANSPORTS = [name for name in ("tcp", "ipc", "ws") if name == "tcp" or zmq.has(name)]

CONNECTED = """
transport, *arguments = sys.argv[1:]
ANY = "ipc://*" if transport == "ipc" else transport + "://127.0.0.1:*"

def shaken(endpoint, kind, *bodies, minor=1):
    # a connection, and all that it says at once: greeting, READY and messages
    raw = wire.dial(endpoint)
    if transport == "ws":
        said = [wire.upgrade(wire.port_of(endpoint), b"ZWS2.0/NULL"),
                wire.ws_message(wire.ready(kind)[2:], 2), *map(wire.ws_message, bodies)]
    else:
        said = [wire.greeting((3, minor)), wire.ready(kind), *map(wire.frame, bodies)]
    raw.sendall(b"".join(said))
    return raw
"""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_all_at_once(transport):
    """Each was refused, but for those whose greeting was read before the rest was there."""
    hostile_program(
        CONNECTED
        + """
with zmq.Context() as context, context.socket(zmq.PULL, linger=0, rcvtimeo=10000) as pull:
    endpoint = pull.bind(ANY)
    for n in range(100):
        with shaken(endpoint, "PUSH", b"%d" % n, b"", b"end") as raw:
            assert [pull.recv() for _ in range(3)] == [b"%d" % n, b"", b"end"]
            wire.read_until(raw, b"READY")
    # (no message is small enough for the limit of a handshake)
    large = b"x" * (1 << 20)
    with shaken(endpoint, "PUSH", large):
        assert pull.recv() == large
""",
        transport,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("batch", ["1", "16", "64", "8192+20000"])
def test_our_part_fills_the_batch(batch, transport):
    """A READY that leaves no room behind it, or is longer than that, is the end as well."""
    hostile_program(
        CONNECTED
        + """
with zmq.Context() as context, context.socket(zmq.ROUTER, linger=0, rcvtimeo=10000) as router:
    size, _, metadata = arguments[0].partition("+")
    router.out_batch_size = int(size)
    if metadata:
        router.set(zmq.METADATA, "X-long:" + "x" * int(metadata))
    endpoint = router.bind(ANY)
    for n in range(20):
        with shaken(endpoint, "DEALER", b"%d" % n, b"end") as raw:
            name, body = router.recv_multipart()
            assert body == b"%d" % n
            assert router.recv_multipart() == [name, b"end"]
            router.send_multipart([name, b"to " + body])
            wire.read_until(raw, b"to %d" % n)
    assert router.stats().failed_handshakes == 0
""",
        transport,
        batch,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_answer(transport):
    """The peer's name is known before its first message."""
    hostile_program(
        CONNECTED
        + """
with zmq.Context() as context, context.socket(zmq.ROUTER, linger=0, rcvtimeo=10000) as router:
    endpoint = router.bind(ANY)
    for n in range(20):
        with shaken(endpoint, "DEALER", b"%d" % n) as raw:
            name, body = router.recv_multipart()
            assert body == b"%d" % n
            router.send_multipart([name, b"to " + body])
            wire.read_until(raw, b"to %d" % n)
""",
        transport,
    )


def test_a_subscription_at_once():
    hostile_program(
        CONNECTED
        + """
with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=10000) as xpub:
    endpoint = xpub.bind(ANY)
    for n in range(20):
        with shaken(endpoint, "SUB", b"\\1topic", minor=0) as raw:
            assert xpub.recv() == b"\\1topic"
            xpub.send(b"topic %d" % n)
            wire.read_until(raw, b"topic %d" % n)
        assert xpub.recv() == b"\\0topic"
""",
        "tcp",
    )


def test_what_is_no_message_behind_it():
    """READY twice, or with the end right behind it: one connection ends, and no more."""
    hostile_program(
        CONNECTED
        + """
with zmq.Context() as context, context.socket(zmq.PULL, linger=0, rcvtimeo=10000) as pull:
    endpoint = pull.bind(ANY)
    hello = wire.greeting() + wire.ready("PUSH")
    for said in (hello + wire.frame(b"\\4PING", 4), hello + b"\\xff" * 20):
        raw = wire.dial(endpoint)
        raw.sendall(said)
        assert wire.ended(raw)
    for n in range(100):
        raw = wire.dial(endpoint)
        raw.sendall(hello + wire.frame(b"%d" % n) * (n % 3))
        (wire.reset if n % 2 else wire.hang_up)(raw)
    with shaken(endpoint, "PUSH", b"honest"):
        while pull.recv() != b"honest":
            pass
    wire.wait_until(lambda: not pull.peers, "the end of all")
""",
        "tcp",
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("verdict", ["200", "400", "300"])
def test_it_waits_for_the_verdict(verdict, transport):
    """It is received if the ZAP handler lets its peer in, and the connection ends if not."""
    hostile_program(
        CONNECTED
        + """
verdict = arguments[0].encode()
with zmq.Context() as context, context.socket(zmq.PULL, linger=0) as pull, \\
        context.socket(zmq.REP, linger=0, rcvtimeo=10000) as handler:
    handler.bind("inproc://zeromq.zap.01")
    pull.zap_domain, pull.handshake_ivl, pull.rcvtimeo = "all", 0, 10000
    endpoint = pull.bind(ANY)
    for n in range(10):
        raw = shaken(endpoint, "PUSH", b"%d" % n, b"end")
        request = handler.recv_multipart()
        assert not pull.poll(0)
        handler.send_multipart([*request[:2], verdict, b"", b"", b""])
        if verdict == b"200":
            assert [pull.recv(), pull.recv()] == [b"%d" % n, b"end"]
            wire.read_until(raw, b"READY")
            raw.close()
        elif n % 2:
            wire.hang_up(raw)   # this one has not waited to hear it
        else:
            assert wire.ended(raw)
    assert not pull.poll(0)
    wire.wait_until(lambda: not pull.peers, "the end of all")
    # those that go while the handler thinks
    for n in range(10):
        raw = shaken(endpoint, "PUSH", b"early")
        request = handler.recv_multipart()
        (wire.reset if n % 2 else socket.socket.close)(raw)
        handler.send_multipart([*request[:2], verdict, b"", b"", b""])
    wire.wait_until(lambda: not pull.peers, "the end of those")
""",
        transport,
        verdict,
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refusal_is_one_failure(when):
    """What the refused peer says, before the verdict or after it, is not another."""
    hostile_program(
        CONNECTED
        + """
when = arguments[0]
with zmq.Context() as context, context.socket(zmq.PULL, linger=0) as pull, \\
        context.socket(zmq.REP, linger=0, rcvtimeo=10000) as handler:
    handler.bind("inproc://zeromq.zap.01")
    pull.zap_domain, pull.handshake_ivl = "all", 0
    events = pull.monitor_events(
        zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_DISCONNECTED)
    endpoint = pull.bind(ANY)
    for n in range(1, 4):
        raw = shaken(endpoint, "PUSH", *[b"early"] * (when == "before"))
        request = handler.recv_multipart()
        handler.send_multipart([*request[:2], b"400", b"no", b"", b""])
        wire.read_until(raw, b"ERROR\\x03400")
        if when == "after":
            raw.sendall(wire.frame(b"late"))
        assert wire.ended(raw)
        assert [next(events).event.name for _ in range(2)] == [
            "HANDSHAKE_FAILED_AUTH", "DISCONNECTED"]
        assert pull.stats().failed_handshakes == n
        assert len(pull.past_peers) == n and "400" in pull.past_peers[-1].reason
    events.close()
""",
        "tcp",
        when,
    )


@pytest.mark.parametrize("kind", ["REQ", "DEALER", "SUB", "PULL"])
@pytest.mark.parametrize("end", ["closed", "reset", "asked"])
def test_a_client_comes_back(kind, end):
    """A server that says its first words and goes, whatever those are, is tried again.

    Also where a ZAP handler of the client's own is asked about the server ("asked").
    """
    hostile_program(
        """
kind, end = sys.argv[1:]
peer = {"REQ": "REP", "DEALER": "ROUTER", "SUB": "PUB", "PULL": "PUSH"}[kind]
listener = socket.create_server(("127.0.0.1", 0), backlog=10)
listener.settimeout(20)
with zmq.Context() as context, listener, \\
        context.socket(zmq.ROUTER, linger=0, rcvtimeo=10000) as handler, \\
        context.socket(getattr(zmq, kind), linger=0, reconnect_ivl=5) as client:
    client.handshake_ivl = 0   # it is not that one which ends the connection
    if end == "asked":
        handler.bind("inproc://zeromq.zap.01")
        client.zap_domain = "all"
    client.connect("tcp://127.0.0.1:%d" % listener.getsockname()[1])
    for body in (b"x", b"", b"x" * 100000, b"y") * 3:
        raw, _ = listener.accept()
        raw.sendall(wire.greeting() + wire.ready(peer) + wire.frame(body))
        if end == "asked":
            request = handler.recv_multipart()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, wire.ABRUPT)
            raw.close()
            continue   # which nobody answers
        if end == "reset":
            wire.reset(raw)
        else:
            raw.close()
    listener.accept()[0].close()
""",
        kind,
        end,
    )
