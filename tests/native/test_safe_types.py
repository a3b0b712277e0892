"""How sockets of the thread-safe types wait: they have no descriptor of their own."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from programs import program
from support import in_thread

import zmqlite as zmq

pytestmark = pytest.mark.skipif(not zmq.has("draft"), reason="built without drafts")


def full_server(context: Any) -> tuple[Any, int]:
    """Return a SERVER whose one client takes no more, and the client's routing id."""
    server = context.socket(zmq.SERVER, sndhwm=2, linger=0)
    client = context.socket(zmq.CLIENT, rcvhwm=2, linger=0, rcvtimeo=20_000)
    client.connect(server.bind("inproc://full"))
    client.send(b"who")
    routing_id = server.recv(copy=False).routing_id
    with suppress(zmq.Again):
        while True:
            server.send(b"x", zmq.DONTWAIT, routing_id=routing_id)
    return server, routing_id


@pytest.mark.parametrize("place", ["main", "thread"])
def test_a_send_that_waits_sleeps(context: Any, place: str) -> None:
    """A SERVER always says that it can send: a wait that believed it kept a processor busy."""
    server, routing_id = full_server(context)
    server.sndtimeo = 1000

    def spent() -> float:
        began = time.thread_time()
        with pytest.raises(zmq.Again):
            server.send(b"y", routing_id=routing_id)
        return time.thread_time() - began

    assert (spent() if place == "main" else in_thread(spent)()) < 0.2


@pytest.mark.parametrize("place", ["main", "thread"])
def test_a_send_that_waits_goes_on(context: Any, place: str) -> None:
    server, routing_id = full_server(context)
    server.sndtimeo = 20_000
    client = next(one for one in context.sockets() if one.type == zmq.CLIENT)

    def send() -> None:
        server.send(b"y", routing_id=routing_id)

    def drain() -> bytes:
        while (got := client.recv()) != b"y":
            pass
        return bytes(got)

    if place == "main":
        draining = in_thread(drain)
        send()
        assert draining() == b"y"
    else:
        sending = in_thread(send)
        assert drain() == b"y"
        sending()


NO_DESCRIPTOR = """
import resource
place = sys.argv[1]
context = zmq.Context()
server, client = context.socket(zmq.SERVER), context.socket(zmq.CLIENT, linger=0)
client.connect(server.bind("inproc://x"))
client.send(b"first")
assert server.recv() == b"first"
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass

def waits():
    server.rcvtimeo = 200
    began = time.monotonic()
    try:
        server.recv()
    except zmq.Again:
        assert time.monotonic() - began > 0.19
    else:
        raise AssertionError("nothing was sent")
    server.rcvtimeo = 20000
    threading.Timer(0.1, client.send, [b"second"]).start()
    assert server.recv() == b"second"
    done.append(True)

done = []
if place == "main":
    waits()
else:
    thread = threading.Thread(target=waits)
    thread.start()
    thread.join()
assert done
for one in taken:
    os.close(one)
context.destroy()
"""


@pytest.mark.parametrize("place", ["main", "thread"])
def test_a_wait_needs_no_free_descriptor(place: str) -> None:
    """Strangers may hold the last ones."""
    program(NO_DESCRIPTOR, place)
