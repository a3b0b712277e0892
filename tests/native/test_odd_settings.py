"""Settings that do not go together, and what changes between two parts of a message."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(10000 * FACTOR)


@needs_patch("raw-empty")
@pytest.mark.parametrize("how", ["probe", "unset"])
def test_a_raw_router_has_no_empty_message_to_send(how: str) -> None:
    hostile_program(
        """
        import warnings
        with zmq.Context() as context, context.socket(zmq.ROUTER, linger=0) as router:
            router.rcvtimeo = 20000
            router.router_raw = 1
            if sys.argv[1] == "probe":
                router.probe_router = 1
            else:
                router.router_raw = 0
            router.bind("tcp://127.0.0.1:*")
            raw = wire.connect(wire.port_of(router.last_endpoint))
            if sys.argv[1] == "probe":
                raw.sendall(b"hello")
                name, said = router.recv_multipart()
                while not said:  # that there is a connection
                    name, said = router.recv_multipart()
                assert said == b"hello"
                router.send_multipart([name, b"and good-bye"])
                said = wire.read_until(raw, b"good-bye")
                assert said == b"and good-bye", said
            else:
                # it is a ROUTER as any other again
                wire.speak(raw, "DEALER", b"me")
                raw.sendall(wire.frame(b"hello"))
                assert router.recv_multipart() == [b"me", b"hello"]
                router.send_multipart([b"me", b""])
                router.send_multipart([b"me", b"and good-bye"])
                assert wire.read_until(raw, b"good-bye").endswith(b"\\0\\0\\0\\x0cand good-bye")
            raw.close()
        """,
        how,
    )


@needs_patch("raw-empty")
def test_a_router_that_was_raw_when_it_connected() -> None:
    """Its peers of before stay raw: an empty message tells them nothing."""
    hostile_program(
        """
        import warnings
        with zmq.Context() as context, context.socket(zmq.ROUTER, linger=0) as router:
            router.rcvtimeo = 20000
            router.router_raw = 1
            router.bind("tcp://127.0.0.1:*")
            raw = wire.connect(wire.port_of(router.last_endpoint))
            raw.sendall(b"hello")
            name, said = router.recv_multipart()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it is late
                router.router_raw = 0
            router.send_multipart([name, b""])
            router.send_multipart([name, b"and good-bye"])
            assert wire.read_until(raw, b"good-bye") == b"and good-bye"
            raw.close()
        """
    )


@needs_patch("lowered-hwm")
@pytest.mark.parametrize("kind", [zmq.ROUTER, zmq.PUSH, zmq.XPUB, zmq.DEALER, zmq.PAIR])
@pytest.mark.parametrize("transport", ["inproc://lowered-hwm", "tcp://127.0.0.1:*"])
def test_a_limit_lowered_between_two_parts(context, kind, transport):
    """The message that was begun goes out whole, and what follows is whole, too."""
    peer = {zmq.ROUTER: zmq.DEALER, zmq.PUSH: zmq.PULL, zmq.XPUB: zmq.SUB}.get(kind, kind)
    sender = context.socket(kind, linger=0, sndhwm=200, rcvtimeo=LIMIT, sndtimeo=LIMIT)
    getter = context.socket(peer, linger=0, rcvhwm=20, rcvtimeo=LIMIT)
    getter.connect(sender.bind(transport))
    head = []
    if kind == zmq.ROUTER:
        getter.send(b"I am here")
        head = [sender.recv_multipart()[0]]
        sender.router_mandatory = 1
    elif kind == zmq.XPUB:
        getter.subscribe(b"")
        assert sender.recv() == b"\1"
    try:
        sender.send_multipart([*head, b"0", b"x" * 20000])  # as soon as there is a connection
        for number in range(1, 100 if kind == zmq.XPUB else 3000):
            sender.send_multipart([*head, b"%d" % number, b"x" * 20000], zmq.DONTWAIT)
    except zmq.Again:
        # full: make room for some more
        while not sender.poll(0, zmq.POLLOUT):
            assert getter.recv_multipart()[1:] == [b"x" * 20000]
    parts = [*head, b"begun", b"middle", b"end"]
    sender.send(parts[0], zmq.SNDMORE)
    sender.send(parts[1], zmq.SNDMORE)
    sender.sndhwm = 1
    for part in parts[2:]:
        sender.send(part, zmq.SNDMORE if part is not parts[-1] else 0)
    sender.sndhwm = 1000
    while (got := getter.recv_multipart())[0] != b"begun":
        assert got[1:] == [b"x" * 20000]
    assert got == [b"begun", b"middle", b"end"]
    sender.send_multipart([*head, b"one", b"more"])
    assert getter.recv_multipart() == [b"one", b"more"]
