"""What peers say to a RADIO or a DISH, byte by byte."""

from __future__ import annotations

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")

HELPERS = """
def hear(dish, radio, group):
    "Send until the DISH has joined, and return what it got."
    for n in range(2000):
        radio.send(b"news %d" % n, group=group)
        if dish.poll(5):
            return dish.recv()
    raise AssertionError("not heard in vain")

from wire import ended
"""


@needs_patch("long-group")
@pytest.mark.parametrize("name", ["JOIN", "LEAVE"])
def test_a_group_that_is_too_long_ends_its_connection_only(name):
    hostile_program(
        HELPERS
        + """
radio = zmq.RADIO(bind="tcp://127.0.0.1:*", linger=0)
good = zmq.DISH(connect=radio.last_endpoint.decode(), linger=0)
good.join("g" * 255)
assert hear(good, radio, "g" * 255)
for size in (256, 257, 1000, 70_000):
    raw = wire.connect(wire.port_of(radio.last_endpoint))
    wire.speak(raw, "DISH")
    raw.sendall(wire.command(sys.argv[1].encode(), b"g" * size))
    assert ended(raw)
    raw.close()
assert hear(good, radio, "g" * 255)

raw = wire.connect(wire.port_of(radio.last_endpoint))
wire.speak(raw, "DISH")
raw.sendall(wire.command(sys.argv[1].encode(), b"g" * 255) + wire.command(b"JOIN", b"short"))
raw.settimeout(0.01)
for _ in range(2000):
    radio.send(b"as long as it may be", group="short")
    try:
        raw.recv(1, socket.MSG_PEEK)
        break
    except TimeoutError:
        pass
raw.settimeout(10)
wire.read_until(raw, b"as long as it may be")
raw.close()
radio.close()
good.close()
""",
        name,
    )


@needs_patch("full-dish")
@pytest.mark.parametrize("group", ["", "\0", "\0zero", "g" * 200])
def test_a_full_dish_keeps_messages_of_any_group(group):
    hostile_program(
        """
group = bytes.fromhex(sys.argv[1])
dish = zmq.DISH(bind="tcp://127.0.0.1:*", linger=0, rcvhwm=3, rcvtimeo=10_000)
dish.join("")
dish.join("g" * 200)
dish.join("last")
raw = wire.connect(wire.port_of(dish.last_endpoint))
wire.speak(raw, "RADIO")
for n in range(100):
    raw.sendall(wire.frame(group, 1) + wire.frame(b"%d" % n))
raw.sendall(wire.frame(b"last", 1) + wire.frame(b"end"))
assert dish.poll(10_000)
time.sleep(0.05)                  # more than its pipe takes has come by now; if not, no matter
got = []
while not got or got[-1] != b"end":
    got.append(dish.recv())
assert got == [b"%d" % n for n in range(100)] + [b"end"], got
raw.close()
dish.close()
""",
        group.encode().hex(),
    )
