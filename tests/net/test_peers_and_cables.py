"""Do the numbers and the waits say the truth: workers come late and die, cables are cut."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from net.cable import Machine
from support import needs_curve, needs_patch

pytestmark = [pytest.mark.net, needs_patch("known-peers", "known-numbers")]
Machines = tuple[Machine, Machine]

BEATS = "BEATS = dict(heartbeat_ivl=200, heartbeat_timeout=400, reconnect_ivl=50, linger=0)\n"
UNTIL = """
def until(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.01)

def say(*words):
    print(*words, flush=True)

"""
TOOLS = BEATS + UNTIL

DISTRIBUTOR = """
with zmq.PUSH(**BEATS) as tasks, tasks.monitor_events(zmq.EVENT_DISCONNECTED) as ends:
    tasks.bind(sys.argv[1])
    try:
        tasks.wait_peers(2, 50)
    except zmq.Again as error:
        say("0 of 2 peers" in str(error))
    say(tasks.wait_peers(2, 30_000), "came")
    until(lambda: len(tasks.peers) == 1)
    say(next(ends).reason == "", tasks.past_peers[-1].reason)
    until(lambda: len(tasks.stats().peers) == 1)  # its queue goes a moment later
    stats = tasks.stats()
    say(stats.connects, stats.disconnects)
    say(tasks.wait_peers(2, 30_000), "again")
    tasks.send_many([b"task"] * 10)
    say(tasks.wait_drained(30_000), "left", tasks.stats().messages_out)
    sys.stdin.read()
"""
WORKER = """
with zmq.PULL(connect=sys.argv[1], **BEATS) as tasks:
    tasks.wait_peers(1, 30_000)
    say("here")
    for task in tasks:
        say(task.decode())
"""


@pytest.mark.parametrize("dies", ["process", "machine"])
def test_workers_come_late_die_and_come_back(machines: Machines, dies: str) -> None:
    here, there = machines
    address = f"tcp://{here.address}:5588"
    with ExitStack() as stack:
        server = stack.enter_context(here.program(TOOLS + DISTRIBUTOR, address))
        server.says("True")
        far = stack.enter_context(there.program(TOOLS + WORKER, address))
        near = stack.enter_context(here.program(TOOLS + WORKER, address))
        server.says("2 came")
        far.says("here")
        near.says("here")
        if dies == "machine":  # it says nothing any more, not even that it has gone
            there.link("down")
        far.process.kill()
        server.says("True " + ("the peer closed it" if dies == "process" else "no sign of life"))
        server.says("2 1")
        if dies == "machine":
            there.link("up")
        back = stack.enter_context(there.program(TOOLS + WORKER, address))
        back.says("here")
        server.says("2 again")
        server.says("0 left 10")
        for worker in (near, back):
            for _ in range(5):
                worker.says("task")


SENDER = """
with zmq.PUSH(sndhwm=50, sndbuf=20_000, **BEATS) as sender:
    sender.connect(sys.argv[1])
    sender.wait_peers(1, 30_000)
    sender.send(b"first")
    say(sender.wait_drained(30_000))
    sys.stdin.readline()  # the cable is cut
    sent = 1
    while sender.send_nonblock(bytes(50_000)):
        sent += 1
    stats = sender.stats()
    say(stats.messages_out == sent, stats.drops, stats.unsent > 0, stats.queued_out > 0)
    try:
        sender.wait_drained(50)
    except zmq.Again as error:
        say(f"for {sys.argv[1]}" in str(error), "messages wait" in str(error))
    until(lambda: not sender.peers)
    say(sender.past_peers[-1].reason)
    sender.sndtimeo = 1
    try:
        while True:
            sender.send(bytes(50_000))
            sent += 1
    except zmq.Again as error:
        say("nobody is connected" in str(error), "no sign of life" in str(error))
    say(sender.stats().messages_out == sent)
    sys.stdin.readline()  # it is mended
    say(sender.wait_peers(1, 30_000), sender.wait_drained(30_000))
    stats = sender.stats()
    say(stats.messages_out == sent, stats.unsent, stats.queued_out)
    say(stats.connects, stats.disconnects, stats.retries > 0)
"""
RECEIVER = """
with zmq.PULL(rcvhwm=5, rcvbuf=20_000, **BEATS) as receiver:
    receiver.bind(sys.argv[1])
    for message in receiver:
        pass
"""


def test_a_full_queue_before_a_cut_cable(machines: Machines) -> None:
    here, there = machines
    address = f"tcp://{there.address}:5589"
    with there.program(TOOLS + RECEIVER, address), here.program(TOOLS + SENDER, address) as sender:
        sender.says("0")
        there.link("down")
        sender.enter()
        sender.says("True 0 True True")
        sender.says("True True")
        sender.says("no sign of life")
        sender.says("True True")
        sender.says("True")
        there.link("up")
        sender.enter()
        sender.says("1 0")
        sender.says("True 0 0")
        sender.says("2 1 True")
        sender.ends()


PUBLISHER = """
with zmq.PUB(sndhwm=10, sndbuf=20_000, **BEATS) as news:
    news.bind(sys.argv[1])
    say(news.wait_subscribers(1, "a", 30_000))
    sys.stdin.readline()
    for _ in range(500):
        news.send(b"a" + bytes(20_000))
    stats = news.stats()
    say(stats.messages_out + stats.drops, stats.drops > 0, stats.peers[0].drops == stats.drops)
    until(lambda: not news.peers and not news.stats().peers)
    try:
        news.wait_subscribers(1, "a", 50)
    except zmq.Again as error:
        say("0 of 1 subscribers" in str(error), "no sign of life" in str(error))
    news.send(b"a")
    say(news.stats().messages_out + news.stats().drops >= 500)
    sys.stdin.readline()
    say(news.wait_subscribers(1, "a", 30_000))
"""
SUBSCRIBER = """
with zmq.SUB(subscribe="a", rcvhwm=5, rcvbuf=20_000, **BEATS) as news:
    news.connect(sys.argv[1])
    for message in news:
        pass
"""


def test_a_publisher_before_a_cut_cable(machines: Machines) -> None:
    here, there = machines
    address = f"tcp://{here.address}:5590"
    with (
        here.program(TOOLS + PUBLISHER, address) as publisher,
        there.program(TOOLS + SUBSCRIBER, address),
    ):
        publisher.says("1")
        there.link("down")
        publisher.enter()
        publisher.says("500 True True")
        publisher.says("True True")
        publisher.says("True")
        there.link("up")
        publisher.enter()
        publisher.says("1")
        publisher.ends()


CLIENT = """
with zmq.REQ(connect=sys.argv[1], **BEATS) as client:
    say(client.request(b"1", timeout=30_000))
    sys.stdin.readline()  # the cable is cut
    try:
        client.request(b"2", timeout=3000, retries=1)
    except zmq.NoAnswer as error:
        say(error.tries, error.connected, "nobody is connected" in str(error), error.reason)
    sys.stdin.readline()  # it is mended
    say(client.request(b"3", timeout=30_000, retries=5))
"""
SERVER = """
with zmq.REP(bind=sys.argv[1], **BEATS) as server:
    for request in server:
        server.send(request)
"""


def test_a_request_over_a_cut_cable(machines: Machines) -> None:
    here, there = machines
    address = f"tcp://{there.address}:5591"
    with there.program(TOOLS + SERVER, address), here.program(TOOLS + CLIENT, address) as client:
        client.says("b'1'")
        there.link("down")
        client.enter()
        client.says(f"2 0 True {address}: no sign of life")
        there.link("up")
        client.enter()
        client.says("b'3'")
        client.ends()


LOCKED = """
with zmq.PULL(curve_server=1, curve_secretkey=sys.argv[2].encode(), **BEATS) as server:
    with server.monitor_events(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL) as failures:
        server.bind(sys.argv[1])
        event = next(failures)
        say(event.reason, event.address.startswith(sys.argv[3]), event.routing_id)
    try:
        server.wait_peers(1, 50)
    except zmq.Again as error:
        say("0 of 1 peers" in str(error), "cryptographic" in str(error))
    stats = server.stats()
    say(stats.connects, stats.disconnects, stats.failed_handshakes > 0)
    server.rcvtimeo = 1
    try:
        server.recv()
    except zmq.Again as error:
        say("the client has another server key than ours" in str(error))
    sys.stdin.read()
"""
STRANGER = """
public, secret = zmq.curve_keypair()
keys = dict(curve_publickey=public, curve_secretkey=secret)
with zmq.DEALER(curve_serverkey=zmq.curve_keypair()[0], **keys, **BEATS) as client:
    client.connect(sys.argv[1])
    until(lambda: client.past_peers)
    try:
        client.request(b"x", timeout=50)
    except zmq.NoAnswer as error:
        say(error.connected, "handshake failed" in error.reason)
    say(client.stats().connects, client.stats().failed_handshakes > 0)
"""


@needs_curve
def test_a_key_of_another_server(machines: Machines) -> None:
    import zmqlite as zmq

    here, there = machines
    address = f"tcp://{here.address}:5592"
    secret = zmq.curve_keypair()[1].decode()
    arguments = (address, secret, f"tcp://{there.address}:")
    with (
        here.program(TOOLS + LOCKED, *arguments) as server,
        there.program(TOOLS + STRANGER, address) as client,
    ):
        server.says("zmtp cryptographic True None")
        server.says("True True")
        server.says("0 0 True")
        server.says("True")
        client.says("0 True")
        client.says("0 True")
        client.ends()
