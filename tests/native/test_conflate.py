"""CONFLATE: only the last message counts, and that one always arrives, whole or not."""

from __future__ import annotations

import pytest
from programs import program
from support import needs_patch

import zmqlite as zmq


@needs_patch("conflate-parts")
@pytest.mark.parametrize("endpoint", ["inproc://parts", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize(
    "kinds",
    [("PUSH", "PULL"), ("PUB", "SUB"), ("DEALER", "DEALER"), ("DEALER", "ROUTER")],
    ids="-".join,
)
def test_parts_do_not_end_the_process(endpoint, kinds):
    """Whoever got a part that promised another one aborted when there was none."""
    program(
        """
        endpoint, sends, receives = sys.argv[1:]
        context = zmq.Context()
        receiver = context.socket(getattr(zmq, receives), conflate=1, linger=0, rcvtimeo=20)
        sender = context.socket(getattr(zmq, sends), conflate=1, linger=0, sndtimeo=20)
        if receives == "SUB":
            receiver.subscribe(b"")
        sender.connect(receiver.bind(endpoint))
        got = 0
        end = time.monotonic() + 20
        while got < 12 and time.monotonic() < end:
            for flags in (zmq.SNDMORE, zmq.SNDMORE, 0):
                try:
                    sender.send(b"part", flags)
                    got += bool(receiver.recv_multipart())
                except zmq.Again:
                    pass
        assert got >= 12, got
        context.destroy(0)
        """,
        endpoint,
        *kinds,
    )


@needs_patch("conflate-parts")
def test_the_last_message_arrives_while_somebody_looks(context):
    """It was lost when the receiver happened to look in that moment."""
    receiver = context.socket(zmq.PULL, conflate=1, linger=0)
    sender = context.socket(zmq.PUSH, linger=0, connect=receiver.bind("tcp://127.0.0.1:*"))
    count = 0
    for _ in range(2500):
        sender.send_many([b"%d" % number for number in range(count, count + 200)])
        count += 200
        while receiver.recv_nonblock() != b"%d" % (count - 1):
            pass  # the guard against hangs of every test ends this one
