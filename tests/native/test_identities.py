"""The names of peers: numbers for the nameless, names that return, names that change."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch


@needs_patch("taken-number")
@pytest.mark.parametrize("handover", [0, 1])
def test_a_peer_that_takes_the_next_number(handover):
    """It has seen the number of another, or taken thousands by chance."""
    hostile_program(
        """
server = zmq.Context.instance().socket(zmq.ROUTER, linger=0, rcvtimeo=10_000)
server.router_handover = int(sys.argv[1])
where = server.bind("tcp://127.0.0.1:*")
def connect(identity=b""):
    raw = wire.connect(wire.port_of(where))
    wire.speak(raw, "DEALER", identity)
    return raw
def heard(raw, text):
    raw.sendall(wire.frame(b"", 1) + wire.frame(text))
    *envelope, got = server.recv_multipart()
    assert got == text, (envelope, got)
    server.send_multipart([*envelope, b"answer to " + text])
    wire.read_until(raw, b"answer to " + text)
    return envelope[0]
raws = [connect()]
first = heard(raws[0], b"nameless")
start = int.from_bytes(first[1:], "big")
for step in range(1, 6):
    raws.append(connect(b"\\0" + ((start + step) & 0xFFFFFFFF).to_bytes(4, "big")))
    heard(raws[-1], b"taken %d" % step)
for step in range(20):
    raws.append(connect())
    heard(raws[-1], b"nameless %d" % step)
for raw in raws:
    raw.close()
server.close()
""",
        handover,
    )
