"""Groups of receivers: pgm, epgm and norm where they are built in, udp always.

The receiver joins first: norm would have a late one ask for all that it missed. Nobody is told
when it has joined, so the sender goes on until the receiver has seen enough, which must then be
without a gap: these protocols repeat what was lost.
"""

from __future__ import annotations

import pytest
from net.cable import Machine, numbers
from support import needs_patch

import zmqlite as zmq

pytestmark = pytest.mark.net

PUBLISHER = """
with zmq.PUB(linger=0, rate=100_000, sndhwm=0) as publisher:
    getattr(publisher, sys.argv[2])(sys.argv[1])
    for number in range(1_000_000):
        publisher.send_multipart([b"noise", b"%d" % number])
        publisher.send_multipart([b"news", b"%d" % number, b"", bytes([number % 256]) * 2000])
        time.sleep(0.02)  # the beat of the broadcast
"""
SUBSCRIBER = """
with zmq.SUB(subscribe=b"news", rcvtimeo=int(sys.argv[3])) as subscriber:
    getattr(subscriber, sys.argv[2])(sys.argv[1])
    print("listening", flush=True)
    first = None
    for count in range(30):
        topic, number, empty, body = subscriber.recv_multipart()
        number = int(number)
        first = number if first is None else first
        assert (topic, empty) == (b"news", b"")
        assert number == first + count, f"{number} after {first + count - 1}"
        assert body == bytes([number % 256]) * 2000
    print(first, number)
"""
PATIENCE = "30000"


@pytest.mark.parametrize("join", ["bind", "connect"])
@pytest.mark.parametrize("transport", ["pgm", "epgm", "norm"])
def test_published_to_a_group(
    machines: tuple[Machine, Machine], transport: str, join: str
) -> None:
    """To bind and to connect are the same with a group."""
    if not zmq.has(transport.removeprefix("e")):
        pytest.skip(f"built without {transport}")
    sender, receiver = machines

    def address(machine: Machine) -> str:
        # both machines have one host name, from which norm would make up one number for both
        number = f"{machine.number}," if transport == "norm" else ""
        return f"{transport}://{number}{machine.address};239.192.7.7:5577"

    with receiver.program(SUBSCRIBER, address(receiver), join, PATIENCE) as there:
        there.says("listening")
        with sender.program(PUBLISHER, address(sender), join):
            first, last = numbers(there.ends())
    assert last == first + 29


RADIO = """
with zmq.RADIO(linger=0, multicast_hops=2, connect=sys.argv[1]) as radio:
    for number in range(1_000_000):
        radio.send(b"x", group="noise")
        radio.send(b"%d" % number, group="news")
        time.sleep(0.02)  # the beat of the broadcast
"""
DISH = """
with zmq.DISH(rcvtimeo=int(sys.argv[2]), bind=sys.argv[1]) as dish:
    dish.join("news")
    for _ in range(40):
        frame = dish.recv(copy=False)
        assert frame.group == "news", frame.group
        print(int(bytes(frame)))
"""


@pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
@pytest.mark.parametrize("interface", ["address", "device"])
def test_radio_to_a_group(machines: tuple[Machine, Machine], interface: str) -> None:
    """udp promises nothing, but over a cable of our own nothing is lost."""
    sender, receiver = machines

    def address(machine: Machine) -> str:
        return f"udp://{getattr(machine, interface)};239.192.7.8:5578"

    with (
        sender.program(RADIO, address(sender)),
        receiver.program(DISH, address(receiver), PATIENCE) as dish,
    ):
        seen = numbers(dish.ends())
    assert seen == list(range(seen[0], seen[0] + 40))


HOPS = """
import socket, struct
device = sys.argv[1]
index = socket.if_nametoindex(device)
receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
receiver.settimeout(0.2)
receiver.bind(("::", 0))
receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
group = socket.inet_pton(socket.AF_INET6, "ff02::1234")
receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))
address = f"udp://{device};[ff02::1234]:{receiver.getsockname()[1]}"
with zmq.RADIO(linger=0, ipv6=1, multicast_hops=7) as radio:
    for attempt in range(200):  # the device's own address takes a moment
        try:
            radio.connect(address)
            break
        except zmq.ZMQError:
            time.sleep(0.05)
    for attempt in range(200):
        radio.send(b"heard", group="news")
        try:
            body, facts, flags, sender = receiver.recvmsg(100, 100)
        except TimeoutError:
            continue
        print(body, [struct.unpack("@i", value)[0] for _, _, value in facts])
        break
receiver.close()
"""


@pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
@needs_patch("udp-hops", "udp-in-use")
def test_hops_over_ipv6(machines: tuple[Machine, Machine]) -> None:
    machine, _ = machines
    with machine.program(HOPS, machine.device) as both:
        assert both.ends() == "b'\\x04newsheard' [7]\n"
