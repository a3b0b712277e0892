"""Heartbeats find who is gone, and only those: whatever waits to be written or to be read."""

from __future__ import annotations

import sys

import pytest
from programs import hostile_program
from support import needs_drafts, needs_patch

import zmqlite as zmq

pytestmark = needs_patch("stalled-output")

TRANSPORTS = [
    "tcp://127.0.0.1:*",
    "ipc://*",
    pytest.param(
        "ws://127.0.0.1:*", marks=pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
    ),
]

PEER = """
import contextlib

class Pauses:
    # how long this peer was silent: on a busy machine that alone may be too long
    def __init__(self):
        self.began = self.last = time.monotonic()
        self.longest = 0
    def another(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
    def so_far(self):
        return time.monotonic() - self.began

def verdict(kept):
    for _ in range(20):
        if (answer := kept()) is True:
            return
        assert answer, "it was dropped"
    raise AssertionError("this peer was never scheduled in time: nothing is proved")

def meet(sock, kind, rcvbuf=0):
    endpoint = sock.last_endpoint.decode()
    raw = wire.dial(endpoint, rcvbuf=rcvbuf)
    if endpoint.startswith("ws"):
        wire.speak_ws(raw, wire.port_of(endpoint), kind)
    else:
        wire.speak(raw, kind)
    return raw

def events(sock, *kinds):
    monitor = sock.get_monitor_socket(sum(kinds))
    monitor.rcvtimeo = 15_000
    return monitor
"""


@pytest.mark.parametrize("size", [100, 5_000, 3_000_000])
@pytest.mark.parametrize("transport", TRANSPORTS[:2])
def test_a_peer_that_takes_nothing_is_noticed_while_output_waits(transport, size):
    """The PING has to wait behind it; that the peer makes no room counts as no answer."""
    hostile_program(
        PEER
        + """
transport, size = sys.argv[1], int(sys.argv[2])
push = zmq.PUSH(linger=0, sndhwm=1000, heartbeat_ivl=50, heartbeat_timeout=150, bind=transport)
gone = events(push, zmq.EVENT_DISCONNECTED)
for _ in range(2):
    raw = meet(push, "PULL")
    body = b"x" * size
    deadline = time.monotonic() + 15
    while not gone.poll(0):
        for _ in range(100):
            if not push.send_nonblock(body):
                time.sleep(0.01)
                break
        assert time.monotonic() < deadline, "nobody notices"
    gone.recv_multipart()
    raw.close()
push.disable_monitor()
gone.close()
push.close()
""",
        transport,
        size,
        timeout=60,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process by a signal")
def test_a_process_that_stands_still_is_noticed_while_output_waits():
    hostile_program(
        PEER
        + """
import signal, subprocess
push = zmq.PUSH(linger=0, heartbeat_ivl=100, heartbeat_timeout=1500, bind="tcp://127.0.0.1:*")
gone = events(push, zmq.EVENT_DISCONNECTED)
code = "import sys, zmqlite\\npull = zmqlite.PULL(connect=sys.argv[1])\\nwhile True: pull.recv()"
peer = subprocess.Popen([sys.executable, "-c", code, push.last_endpoint.decode()],
                        stderr=subprocess.DEVNULL)
try:
    for n in range(20_000):   # it keeps up at first
        push.send(b"x" * 1000)
    assert not gone.poll(0), "one that receives was dropped"
    peer.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 15
    while not gone.poll(0):
        if not push.send_nonblock(b"x" * 1000):
            time.sleep(0.01)
        assert time.monotonic() < deadline, "nobody notices"
finally:
    peer.kill()
    peer.wait()
push.disable_monitor()
gone.close()
push.close()
""",
        timeout=40,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_slow_peer_that_takes_something_is_not_dropped(transport):
    """One long message fills all the time; the PING comes behind it, and is answered then.

    The limit is far above the 200 ms after which the kernel itself asks whether there is room.
    """
    hostile_program(
        PEER
        + """
def kept():
    push = zmq.PUSH(linger=0, sndbuf=8192, heartbeat_ivl=50, heartbeat_timeout=800,
        bind=sys.argv[1])
    gone = events(push, zmq.EVENT_DISCONNECTED)
    raw = meet(push, "PULL", rcvbuf=8192)
    push.send(b"x" * 50_000_000)   # more than it takes meanwhile
    pauses = Pauses()
    while pauses.so_far() < 3 and raw.recv(80_000):
        pauses.another()
        time.sleep(0.01)  # time is the subject: it is slow
    pauses.another()
    dropped = gone.poll(0)
    push.disable_monitor()
    gone.close()
    raw.close()
    push.close()
    return not dropped or pauses.longest > 0.4 and "not known"

verdict(kept)
""",
        transport,
        timeout=40,
    )


def test_a_peer_that_answers_is_not_dropped_by_a_receiver_that_is_full():
    """Its answers lie unread behind what the program does not take."""
    hostile_program(
        PEER
        + """
def kept():
    pull = zmq.PULL(rcvhwm=5, rcvtimeo=10_000, heartbeat_ivl=30, heartbeat_timeout=60)
    gone = events(pull, zmq.EVENT_DISCONNECTED)
    pull.bind("tcp://127.0.0.1:*")
    raw = meet(pull, "PUSH")
    raw.sendall(b"".join(wire.frame(b"%d" % n) for n in range(100)))
    raw.settimeout(0.01)
    seen, answered = b"", 0
    pauses = Pauses()
    while answered < 12 and not gone.poll(0):
        assert pauses.so_far() < 10, "there are no heartbeats"
        with contextlib.suppress(TimeoutError, ConnectionError):
            seen += raw.recv(1000)
        while answered < seen.count(b"\\4PING"):
            with contextlib.suppress(ConnectionError):
                raw.sendall(wire.command(b"PONG"))
            answered += 1
        pauses.another()
    dropped = gone.poll(0)
    if not dropped:
        assert [pull.recv() for _ in range(100)] == [b"%d" % n for n in range(100)]
    pull.disable_monitor()
    for one in (gone, raw, pull):
        one.close()
    return not dropped or pauses.longest > 0.03 and "not known"

verdict(kept)
"""
    )


def test_what_a_silent_peer_had_sent_to_a_full_receiver_is_received():
    hostile_program(
        PEER
        + """
pull = zmq.PULL(rcvhwm=5, rcvtimeo=10_000, heartbeat_ivl=20, heartbeat_timeout=60)
gone = events(pull, zmq.EVENT_DISCONNECTED)
pull.bind("tcp://127.0.0.1:*")
raw = meet(pull, "PUSH")
raw.sendall(b"".join(wire.frame(b"%d" % n) for n in range(100)))
assert gone.poll(10_000), "it is silent"
assert [pull.recv() for _ in range(100)] == [b"%d" % n for n in range(100)]
pull.disable_monitor()
gone.close()
raw.close()
"""
    )


@needs_patch("long-ttl")
@pytest.mark.parametrize("tenths", [656, 1000, 1311, 65535])
def test_a_long_time_to_live_is_not_a_short_one(tenths):
    """Above 65.5 seconds it wrapped around: 65.6 were 0.064."""
    hostile_program(
        PEER
        + """
pull = zmq.PULL(rcvtimeo=10_000)
pull.bind("tcp://127.0.0.1:*")
raw = meet(pull, "PUSH")
raw.sendall(wire.command(b"PING", struct.pack(">H", int(sys.argv[1]))))
wire.read_until(raw, b"PONG")
raw.settimeout(0.2)
try:
    raise AssertionError(f"it was dropped: {raw.recv(10)!r}")
except TimeoutError:
    pass
raw.close()
""",
        tenths,
    )


@needs_drafts
@needs_patch("dish-commands")
@pytest.mark.parametrize("side", ["RADIO", "DISH"])
def test_heartbeats_between_radio_and_dish(side):
    """They are no messages: a DISH took them for the name of a group."""
    hostile_program(
        """
side, = sys.argv[1:]
beats = dict(heartbeat_ivl=10, heartbeat_timeout=5000)
radio = zmq.RADIO(linger=0, bind="tcp://127.0.0.1:*", **(beats if side == "RADIO" else {}))
dish = zmq.DISH(rcvtimeo=10_000, **(beats if side == "DISH" else {}))
gone = dish.get_monitor_socket(zmq.EVENT_DISCONNECTED)
dish.join("group")
dish.connect(radio.last_endpoint.decode())
while not dish.poll(10):
    radio.send(b"hello", group="group")
for n in range(20):
    radio.send(b"%d" % n, group="group")
    while (got := dish.recv()) == b"hello":
        pass
    assert got == b"%d" % n
    time.sleep(0.01)  # time is the subject: heartbeats come between
assert not gone.poll(0), "the connection was lost"
dish.disable_monitor()
gone.close()
dish.close()
radio.close()
""",
        side,
    )
