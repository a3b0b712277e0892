"""A peer that sends more than a socket takes and then goes leaves no descriptor behind."""

from __future__ import annotations

import sys

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = [
    needs_patch("full-receiver"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc"),
]

TRANSPORTS = [
    "tcp://127.0.0.1:*",
    "ipc://*",
    pytest.param(
        "ws://127.0.0.1:*", marks=pytest.mark.skipif(not zmq.has("ws"), reason="built without ws")
    ),
]

CROWD = """
transport, end, *kinds = sys.argv[1:]
COUNT, CROWD = 400, 20
PARTS = {"PULL": "PUSH", "PAIR": "PAIR", "DEALER": "DEALER", "ROUTER": "DEALER", "XSUB": "PUB",
    "REP": "REQ", "XPUB": "SUB", "PUSH": "PULL", "PUB": "SUB", "SCATTER": "GATHER",
    "GATHER": "SCATTER", "CHANNEL": "CHANNEL", "SERVER": "CLIENT", "RADIO": "DISH"}

def message(body):
    return wire.ws_message(body) if transport[:2] == "ws" else wire.frame(body)

def speak(raw):
    if transport[:2] == "ws":
        wire.speak_ws(raw, wire.port_of(endpoint), peer)
    else:
        wire.speak(raw, peer)

def leave(raw):
    if end == "reset":
        wire.reset(raw)
    else:   # an end in good order: nothing is left unread here, which would make it a reset
        raw.setblocking(False)
        try:
            while raw.recv(65536):
                pass
        except BlockingIOError:
            pass
        raw.close()

def come_and_go(data):
    raw = wire.dial(endpoint)
    speak(raw)
    raw.sendall(data)
    leave(raw)

def gone(count):
    wire.wait_until(lambda: wire.open_files() <= files, f"descriptors of {count} peers stay open")

def each_kind():
    global kind, peer, victim, endpoint, files
    for kind in kinds:
        peer = PARTS[kind]
        print(kind, flush=True)
        victim = zmq.Context.instance().socket(getattr(zmq, kind), rcvhwm=50, linger=0)
        victim.rcvtimeo = victim.sndtimeo = 10_000
        if zmq.DRAFT_API:   # little is read at once, so that much is left to the system
            victim.in_batch_size = 8192
        endpoint = victim.bind(transport)
        raw = wire.dial(endpoint)
        speak(raw)   # whatever is opened once is open now
        files = wire.open_files() - 2
        leave(raw)
        gone(1)
        if kind in ("PAIR", "CHANNEL"):
            assert not victim.poll(10)   # which makes room for the next peer
        yield kind
        victim.close()
"""

KINDS = ["PULL", "PAIR", "DEALER", "ROUTER", "XSUB", "REP", "XPUB", "PUSH", "PUB"]
DRAFTS = ["SCATTER", "GATHER", "SERVER", "RADIO"] * zmq.DRAFT_API


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_descriptor_stays_open(transport, end):
    """The program does nothing at all meanwhile."""
    hostile_program(
        CROWD
        + """
for kind in each_kind():
    for _ in range(CROWD):
        come_and_go(message(b"x") * COUNT)
    gone(CROWD)
zmq.Context.instance().term()
""",
        transport,
        end,
        *KINDS,
        *DRAFTS,
    )


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_the_kernel_had_taken_is_received(transport, end):
    """Also when it is more than one batch of input, and however late the program asks."""
    hostile_program(
        CROWD
        + """
CROWD = 3
for kind in each_kind():
    for who in range(CROWD):
        come_and_go(b"".join(message(b"%d %d " % (who, n) + b"x" * 100) for n in range(COUNT)))
    gone(CROWD)
    seen = [[] for _ in range(CROWD)]
    for _ in range(CROWD * COUNT):
        who, n, _ = victim.recv_multipart()[-1].split()
        seen[int(who)].append(int(n))
    assert seen == [list(range(COUNT))] * CROWD
""",
        transport,
        end,
        "PULL",
        "DEALER",
        "ROUTER",
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_sender_that_was_sent_to_goes_on_sending(transport):
    """None of its messages goes to one of those that have left."""
    hostile_program(
        CROWD
        + """
for kind in each_kind():
    for _ in range(CROWD):
        come_and_go(message(b"x") * COUNT)
    gone(CROWD)
    honest = zmq.Context.instance().socket(getattr(zmq, peer), connect=endpoint, rcvtimeo=10_000)
    if kind == "PUB":
        honest.subscribe = b""
    while True:   # until it is known there
        victim.send(b"hello")
        if honest.poll(10):
            break
    for n in range(200):
        victim.send(b"%d" % n)
        got = honest.recv()
        while got == b"hello":
            got = honest.recv()
        assert got == b"%d" % n
    honest.close()
""",
        transport,
        "close",
        "PUSH",
        "PUB",
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_peer_that_was_turned_away_overfills(transport):
    """A PAIR has one peer: nobody takes what a second one sends, and it goes all the same."""
    hostile_program(
        CROWD
        + """
for kind in each_kind():
    good = zmq.PAIR(connect=endpoint, linger=0, rcvtimeo=10_000)
    good.send(b"here")
    assert victim.recv() == b"here"
    files = wire.open_files()
    for _ in range(CROWD):
        come_and_go(message(b"x") * COUNT)
    gone(CROWD)
    victim.send(b"still"), good.recv()
    good.close()
""",
        transport,
        "close",
        "PAIR",
    )


NOT_READ = """
def overfill(raw, part):   # until the system takes no more: the end lies behind what nobody reads
    raw.setblocking(False)
    try:
        while True:
            raw.send(part)
    except BlockingIOError:
        pass
    raw.close()
"""


@needs_patch("turned-away")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_peer_that_was_turned_away_sends_more_than_the_system_takes(transport):
    hostile_program(
        CROWD
        + NOT_READ
        + """
for kind in each_kind():
    good = getattr(zmq, peer)(connect=endpoint, linger=0, rcvtimeo=10_000)
    good.send(b"here")
    assert victim.recv() == b"here"
    files = wire.open_files()
    for _ in range(CROWD):
        raw = wire.dial(endpoint)
        speak(raw)
        overfill(raw, message(b"x" * 100) * 1000)
    def all_gone():   # (the socket turns peers away when the program calls)
        return not victim.poll(0) and wire.open_files() <= files
    wire.wait_until(all_gone, "descriptors stay open")
    victim.send(b"still"), good.recv()
    good.close()
""",
        transport,
        "close",
        "PAIR",
        *["CHANNEL"] * zmq.DRAFT_API,
    )


@needs_patch("turned-away")
def test_peers_whose_name_another_has_taken_over_send_more_than_the_system_takes():
    hostile_program(
        NOT_READ
        + """
victim = zmq.ROUTER(bind="tcp://127.0.0.1:*", router_handover=1, rcvhwm=5, rcvtimeo=10_000)
files = wire.open_files()
crowd = []
for n in range(10):   # (each is known before the next comes)
    crowd.append(wire.dial(victim.last_endpoint))
    wire.speak(crowd[-1], "DEALER", identity=b"name")
    crowd[-1].sendall(wire.frame(b"%d" % n))
    assert victim.recv_multipart() == [b"name", b"%d" % n]
for raw in crowd:
    overfill(raw, wire.frame(b"x" * 100) * 1000)
def gone():
    while victim.recv_multipart_nonblock():
        pass
    return wire.open_files() <= files
wire.wait_until(gone, "descriptors stay open")
"""
    )


def test_peers_with_one_name_do_not_throw_each_other_out_again_and_again():
    """Whoever came first is not heard any more, stays connected, and does not come again."""
    hostile_program(
        """
victim = zmq.ROUTER(bind="tcp://127.0.0.1:*", router_handover=1, rcvtimeo=10_000)
first, second = (
    zmq.DEALER(routing_id=b"name", linger=0, rcvtimeo=10_000, sndtimeo=10_000, reconnect_ivl=1)
    for _ in range(2)
)
with victim.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
    for n, dealer in enumerate((first, second)):
        dealer.connect(victim.last_endpoint)
        dealer.send(b"%d" % n)
        while victim.recv_multipart() != [b"name", b"%d" % n]:
            pass
    for _ in range(10_000):
        first.send_nonblock(b"x" * 1000)
    for n in range(100):
        second.send(b"%d" % n)
        assert victim.recv_multipart() == [b"name", b"%d" % n]
        victim.send_multipart([b"name", b"%d" % n])
        assert second.recv() == b"%d" % n
    assert not monitor.poll(50), monitor.recv_multipart()
    victim.disable_monitor()
"""
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_socket_with_messages_for_a_peer_that_has_gone_can_be_closed(transport):
    """It lingers without end; but nobody is there whom the messages could reach."""
    hostile_program(
        CROWD
        + """
for kind in each_kind():
    raw = wire.dial(endpoint)
    speak(raw)
    raw.sendall(message(b"x") * COUNT)
    victim.recv_multipart()
    connected = wire.watched_files()
    leave(raw)
    wire.wait_until(lambda: wire.watched_files() < connected, "the end was not noticed")
    for n in range(20):
        victim.send(b"for nobody")
    victim.linger = -1
zmq.Context.instance().term()
""",
        transport,
        "close",
        "DEALER",
        "PAIR",
    )


def test_a_client_comes_back_when_it_has_read_what_was_left():
    """A server is restarted while its client is full: nothing is lost, and the client returns."""
    hostile_program(
        """
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(10)
port = listener.getsockname()[1]
client = zmq.PULL(connect=f"tcp://127.0.0.1:{port}", rcvhwm=5, rcvtimeo=10_000, reconnect_ivl=10)
for turn in range(3):
    raw, _ = listener.accept()
    raw.settimeout(10)
    wire.speak(raw, "PUSH")
    raw.sendall(b"".join(wire.frame(b"%d %d" % (turn, n)) for n in range(100)))
    connected = wire.watched_files()
    raw.close()
    wire.wait_until(lambda: wire.watched_files() < connected, "the end was not noticed")
    seen = [client.recv() for _ in range(100)]
    assert seen == [b"%d %d" % (turn, n) for n in range(100)], seen
client.close()
listener.close()
"""
    )


def test_the_monitor_tells_the_end_once_and_when_it_comes():
    hostile_program(
        """
server = zmq.PULL(bind="tcp://127.0.0.1:*", rcvhwm=5, rcvtimeo=10_000)
with server.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
    for turn in range(3):
        raw = wire.dial(server.last_endpoint)
        wire.speak(raw, "PUSH")
        raw.sendall(wire.frame(b"x") * 100)
        raw.close()
        assert monitor.poll(10_000), "nobody says that the peer has gone"
        monitor.recv_multipart()
        for _ in range(100):
            assert server.recv() == b"x"
        assert not monitor.poll(20), monitor.recv_multipart()
    server.disable_monitor()
server.close()
"""
    )
