"""What peers subscribe to, and what passes between XSUB and XPUB."""

from __future__ import annotations

import copy

import pytest
from programs import hostile_program, program
from support import needs_patch

import zmqlite as zmq


@needs_patch("deep-topics")
def test_topics_that_begin_with_one_another_do_not_use_up_the_stack():
    """A stranger sends them through a proxy whose thread has a small stack."""
    hostile_program(
        """
front, back = zmq.XSUB(), zmq.XPUB()
for side in (front, back):
    side.linger = 0
    side.sndhwm = 0   # what is subscribed to counts as messages on their way to a publisher
    side.bind("tcp://127.0.0.1:*")
ports = {side: wire.port_of(side.last_endpoint) for side in (front, back)}
TOPICS = 3000
passed = threading.Event()

def proxy():
    for _ in range(TOPICS):
        front.send(back.recv())
    passed.set()
    front.poll(10000)          # a publisher comes: the tree is walked
    assert front.recv() == b"aaa news"

threading.stack_size(256 * 1024)
thread = threading.Thread(target=proxy)
thread.start()
subscriber = wire.connect(ports[back])
wire.speak(subscriber, "SUB")
for length in range(TOPICS):
    subscriber.sendall(wire.command(b"SUBSCRIBE", b"a" * (length + 1)))
assert passed.wait(20)
publisher = wire.connect(ports[front])
wire.speak(publisher, "PUB")
seen = 0
while seen < TOPICS * TOPICS // 2:   # all of them
    seen += len(publisher.recv(1 << 20))
publisher.sendall(wire.frame(b"aaa news"))
thread.join(10)
assert not thread.is_alive()
for used in (subscriber, publisher, front, back):
    used.close()
"""
    )


@needs_patch("deep-topics")
def test_a_very_deep_tree_is_freed():
    program(
        """
sub = zmq.SUB()
for length in range(1, 20001):
    sub.subscribe("a" * length)
sub.close()
zmq.Context.instance().term()
""",
        timeout=35,
    )


@needs_patch("lent-upstream")
def test_what_an_xsub_has_lent_is_received_and_freed(context):
    xpub, xsub = context.socket(zmq.XPUB, rcvtimeo=20_000), context.socket(zmq.XSUB)
    xpub.bind("inproc://upstream")
    xsub.connect("inproc://upstream")
    body = b"m" * 300_000
    for _ in range(50):
        tracker = xsub.send(body, copy=False, track=True)
        frame = xpub.recv(copy=False)
        again = copy.copy(frame)
        del frame
        junk = [b"j" * 300_000 for _ in range(3)]
        assert again.bytes == body
        del again, junk
        tracker.wait(5)


@pytest.mark.parametrize("kind", [zmq.PUSH, zmq.DEALER])
@needs_patch("immediate-before")
def test_immediate_may_be_taken_back(kind):
    hostile_program(
        """
import warnings
kind, peer = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(10)
victim = zmq.Context.instance().socket(kind, linger=0, immediate=1, reconnect_ivl=1)
events = victim.get_monitor_socket()
events.rcvtimeo = 10000
victim.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")   # the endpoint that exists keeps the old value: the point
    victim.immediate = 0
for _ in range(3):
    raw, _ = listener.accept()
    raw.settimeout(10)
    wire.speak(raw, peer)
    raw.close()
    while zmq.parse_monitor_message(events.recv_multipart())["event"] != zmq.EVENT_DISCONNECTED:
        pass
    victim.poll(10, zmq.POLLOUT)
victim.disable_monitor()
events.close()
victim.close()
listener.close()
zmq.Context.instance().term()
""",
        kind.name,
        {"PUSH": "PULL", "DEALER": "ROUTER"}[kind.name],
    )


@needs_patch("verbose-cancels")
@pytest.mark.parametrize("every", [0, 1])
def test_every_cancellation(context, every):
    """Two subscribers of one topic behind a proxy: upstream hears of one end, or of both."""
    publisher = context.socket(zmq.XPUB, linger=0, rcvtimeo=10_000, xpub_verboser=1)
    proxy = context.socket(zmq.XSUB, linger=0, xsub_verbose_unsubscribe=every)
    proxy.connect(publisher.bind("inproc://publisher"))
    for message in (b"\1news", b"\1news", b"\0news", b"\0news", b"\1end"):
        proxy.send(message)
    heard = []
    while heard[-1:] != [b"\1end"]:
        heard.append(publisher.recv())
    assert heard == [b"\1news", b"\1news", *[b"\0news"] * (1 + every), b"\1end"]


@needs_patch("verbose-cancels")
@pytest.mark.parametrize("value", [-1, "1", None])
def test_an_option_of_cancellations_takes_a_flag(context, value):
    proxy = context.socket(zmq.XSUB)
    with pytest.raises((zmq.InvalidArgument, TypeError)):
        proxy.xsub_verbose_unsubscribe = value
    with pytest.raises(zmq.InvalidArgument):
        context.socket(zmq.XPUB).xsub_verbose_unsubscribe = 1


@pytest.mark.parametrize("kind", [0, 3])
def test_an_option_that_libzmq_reads_unseen_has_a_value(kind):
    """Past the facade: 4.3.5 and later read an int there, whatever they are given."""
    program(
        """
        context = zmq.Context()
        proxy = context.socket(zmq.XSUB)
        refused(lambda: proxy._set_option(115, int(sys.argv[1]), None), zmq.InvalidArgument)
        refused(lambda: proxy._set_option(115, 3, b""), zmq.InvalidArgument)
        context.destroy(0)
        """,
        kind,
    )
