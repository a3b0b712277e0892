"""What a message tells about its peer: the same on each part, whether it was polled for or not."""

from __future__ import annotations

import sys

import pytest
from programs import program
from support import FACTOR, needs_patch

import zmqlite as zmq

LIMIT = int(10_000 * FACTOR)
NAMES = ["Peer-Address", "Socket-Type", "User-Id"]


class Everybody:
    """A ZAP handler that knows everybody as somebody."""

    def __init__(self, context) -> None:
        self.socket = context.socket(zmq.REP, linger=0, rcvtimeo=LIMIT)
        self.socket.bind("inproc://zeromq.zap.01")

    def answer(self) -> None:
        version, number, *_ = self.socket.recv_multipart()
        self.socket.send_multipart([version, number, b"200", b"", b"somebody", b""])


def told(frame: zmq.Frame) -> dict[str, str]:
    found = {}
    for name in NAMES:
        try:
            found[name] = frame.get(name)
        except zmq.ZMQError:
            found[name] = "nothing"
    return found


@needs_patch("polled-properties")
@pytest.mark.parametrize("look", ["nothing", "poll", "EVENTS", "poll twice", "poll each part"])
@pytest.mark.parametrize("parts", [1, 3])
def test_all_parts_tell_the_same(context, look: str, parts: int) -> None:
    handler = Everybody(context)
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, zap_domain=b"global")
    dealer = context.socket(zmq.DEALER, linger=0, routing_id=b"dealer")
    dealer.connect(router.bind("tcp://127.0.0.1:*"))
    handler.answer()
    for _ in range(3):
        dealer.send_multipart([b"part"] * parts)
        if look != "nothing":
            assert router.poll(LIMIT)
        if look == "EVENTS":
            assert router.events & zmq.POLLIN
        if look == "poll twice":
            assert router.poll(LIMIT)
        message = []
        while not message or message[-1].more:
            if look == "poll each part":
                assert router.poll(LIMIT)
            message.append(router.recv(copy=False))
        assert [bytes(frame) for frame in message] == [b"dealer", *[b"part"] * parts]
        first, *others = [told(frame) for frame in message]
        assert first["User-Id"] == "somebody"
        assert first["Peer-Address"] == "127.0.0.1"
        assert first["Socket-Type"] == "DEALER"
        assert all(other == first for other in others)


def test_over_inproc_there_is_nothing_to_tell(context) -> None:
    router = context.socket(zmq.ROUTER, linger=0, rcvtimeo=LIMIT, bind="inproc://router")
    dealer = context.socket(zmq.DEALER, linger=0, connect="inproc://router")
    dealer.send(b"part")
    assert router.poll(LIMIT)
    for frame in router.recv_multipart(copy=False):
        with pytest.raises(zmq.ZMQError):
            frame.get("Peer-Address")


def test_a_message_nobody_reads_takes_its_properties_along(context) -> None:
    """Polled for and not received: the socket ends with it, and nothing is left."""
    router = context.socket(zmq.ROUTER, linger=0)
    dealer = context.socket(zmq.DEALER, linger=0)
    dealer.connect(router.bind("tcp://127.0.0.1:*"))
    dealer.send(b"part")
    assert router.poll(LIMIT)
    dealer.close()
    router.close()


@needs_patch("inline-33")
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("size", [1, 32, 33])
def test_a_small_frame_holds_no_memory_but_its_own(size: int) -> None:
    """A frame of up to 33 bytes lies in itself; a larger one keeps what was read with it."""
    program(
        """
        def kibibytes():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE") // 1024
        context = zmq.Context()
        pull = context.socket(zmq.PULL, rcvtimeo=20000)
        push = context.socket(zmq.PUSH, linger=0, connect=pull.bind("tcp://127.0.0.1:*"))
        body = b"x" * int(sys.argv[1])
        kept = []
        for number in range(200):
            push.send(body)
            kept.append(pull.recv(copy=False))
            if number == 20:  # all that grows once has grown
                before = kibibytes()
        assert all(bytes(frame) == body for frame in kept)
        assert kibibytes() - before < 10_000, kibibytes() - before
        context.destroy(0)
        """,
        size,
    )
