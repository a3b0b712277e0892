"""Who is called what at a ROUTER, whatever peers call themselves."""

from __future__ import annotations

import struct

from programs import hostile_program
from support import needs_patch

import zmqlite as zmq


@needs_patch("taken-number")
def test_nobody_takes_the_name_of_the_next_nameless_peer():
    hostile_program(
        """
router = zmq.ROUTER(bind="tcp://127.0.0.1:*", rcvtimeo=20_000, linger=0)
port = wire.port_of(router.last_endpoint)

def come(identity=b""):
    raw = wire.connect(port)
    wire.speak(raw, "DEALER", identity)
    raw.sendall(wire.frame(b"hi"))
    name, text = router.recv_multipart()
    assert text == b"hi"
    return raw, name

raw, name = come()
raws, names = [raw], {name}
for _ in range(3):
    number, = struct.unpack(">I", name[1:])
    claimed = bytes(1) + struct.pack(">I", (number + 1) & 0xFFFFFFFF)
    for identity in (claimed, b""):
        raw, name = come(identity)
        assert name not in names, "two peers of one name"
        raws.append(raw)
        names.add(name)
for name in names:
    router.send_multipart([name, b"to you alone"])
for raw in raws:
    raw.settimeout(5)
    wire.read_until(raw, b"to you alone")
    raw.close()
router.close()
"""
    )


@needs_patch("taken-number")
def test_a_name_that_the_program_gave_is_passed_over(context):
    router = context.socket(zmq.ROUTER, rcvtimeo=20_000, linger=0)
    endpoint = router.bind("tcp://127.0.0.1:*")
    first = context.socket(zmq.DEALER, connect=endpoint, linger=0)
    first.send(b"hi")
    name, _ = router.recv_multipart()
    peer = context.socket(zmq.ROUTER, linger=0)
    given = bytes(1) + struct.pack(">I", struct.unpack(">I", name[1:])[0] + 1)
    router.connect_routing_id = given
    router.connect(peer.bind("tcp://127.0.0.1:*"))
    second = context.socket(zmq.DEALER, connect=endpoint, linger=0)
    second.send(b"me too")
    other, text = router.recv_multipart()
    assert text == b"me too"
    assert other not in (name, given)
