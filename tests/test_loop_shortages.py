"""No descriptor for a loop to watch: the call fails, and nothing of it stays behind."""

from __future__ import annotations

import sys

import pytest
from programs import program
from support import needs_drafts

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="takes descriptors as Linux counts them"
)

TAKE_ALL = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

def take_all():
    used = max(map(int, os.listdir("/proc/self/fd"))) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        return taken

def give_back(taken):
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
"""


@linux
def test_a_greenlet_that_was_refused_stands_in_nobodys_way():
    pytest.importorskip("gevent")
    program(
        TAKE_ALL
        + """
import gevent
import zmqlite.green as green
gevent.get_hub()
with green.Context() as context:
    pull = context.socket(zmq.PULL, rcvtimeo=20_000, linger=0)
    push = context.socket(zmq.PUSH, linger=0)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    taken = take_all()
    refused(pull.recv, OSError)
    give_back(taken)
    waiting = gevent.spawn(pull.recv)
    gevent.sleep(0)
    push.send(b"late")
    assert waiting.get(timeout=20) == b"late"
    pull.close()
    push.close()
"""
    )


@linux
@needs_drafts
def test_an_awaited_send_that_was_refused_is_not_sent_later():
    program(
        TAKE_ALL
        + """
import asyncio
import zmqlite.asyncio as aio

async def main():
    with aio.Context() as context:
        client = context.socket(zmq.CLIENT, linger=0)
        where = client.bind("tcp://127.0.0.1:*")
        server = zmq.SERVER(linger=0, rcvtimeo=20_000)
        taken = take_all()
        try:
            await client.send(b"refused")
        except OSError:
            pass
        else:
            raise AssertionError("it was sent to nobody")
        give_back(taken)
        server.connect(where)
        await client.send(b"second")
        assert server.recv() == b"second"
        server.close()
        client.close()

asyncio.run(main())
"""
    )
