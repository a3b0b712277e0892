"""From which size bytes are lent, who gets them back, and when a loan is over."""

from __future__ import annotations

import array
import asyncio
import contextlib
import sys

import pytest
from support import connect_pair, in_thread, wait_asleep, wait_until

import zmqlite as zmq
import zmqlite.asyncio
from zmqlite import _build
from zmqlite._native import core
from zmqlite._native.core import BORROW_THRESHOLD, INSIDE_THRESHOLD

PATCHED = "lent-bodies.patch" in _build.LIBZMQ_PATCHES
patched = pytest.mark.skipif(not PATCHED, reason="this libzmq cannot tell whose memory it holds")


def fresh_bytes(size: int) -> bytes:
    """Bytes that nobody else holds."""
    return bytes(bytearray(b"lent!") * (size // 5 + 1))[:size]


def handed_over(got, data):
    """Whether what was received is what was lent: the very object, where libzmq can tell."""
    return got is data if PATCHED else got == data


def pair(context, *kinds, endpoint="inproc://loans", **options):
    return connect_pair(context, endpoint, *(kinds or (zmq.PULL, zmq.PUSH)), **options)


def test_thresholds_follow_the_library():
    assert 0 < INSIDE_THRESHOLD <= BORROW_THRESHOLD
    assert (INSIDE_THRESHOLD < BORROW_THRESHOLD) == PATCHED


# -- who gets what back --------------------------------------------------------------------------

SENDS = {
    "send": lambda client, data: client.send(data),
    "positional flags": lambda client, data: client.send(data, zmq.DONTWAIT),
    "multipart": lambda client, data: client.send_multipart([data]),
    "many": lambda client, data: client.send_many([data]),
    "many multipart": lambda client, data: client.send_many([[data]]),
    "nonblock": lambda client, data: client.send_nonblock(data),
    "frame": lambda client, data: client.send(zmq.Frame(data, copy=False)),
}
RECEIVES = {
    "recv": lambda server: server.recv(),
    "next": next,
    "multipart": lambda server: server.recv_multipart()[0],
    "many": lambda server: server.recv_many()[0],
    "many multipart": lambda server: server.recv_many(multipart=True)[0][0],
    "nonblock": lambda server: server.recv_nonblock(),
    "multipart nonblock": lambda server: server.recv_multipart_nonblock()[0],
    "frame": lambda server: server.recv(copy=False).bytes,
}


@pytest.mark.parametrize("size", [INSIDE_THRESHOLD, BORROW_THRESHOLD, 300_000])
@pytest.mark.parametrize("receive", RECEIVES)
@pytest.mark.parametrize("send", SENDS)
def test_every_way_lends_and_hands_over(context, send, receive, size):
    server, client = pair(context)
    data = fresh_bytes(size)
    before = sys.getrefcount(data)
    SENDS[send](client, data)
    got = RECEIVES[receive](server)
    assert handed_over(got, data)
    del got
    wait_until(lambda: sys.getrefcount(data) == before, what="the reference to come home")
    assert id(data) not in [id(owner) for owner in core.loans().values()]


@pytest.mark.parametrize("receive", RECEIVES)
@pytest.mark.parametrize("send", [name for name in SENDS if name != "frame"])
def test_below_the_threshold_all_is_copied(context, send, receive):
    server, client = pair(context)
    data = fresh_bytes(INSIDE_THRESHOLD - 1)
    before = sys.getrefcount(data)
    SENDS[send](client, data)
    assert sys.getrefcount(data) == before
    got = RECEIVES[receive](server)
    assert got == data
    assert got is not data


def test_awaited_sends_lend_too():
    async def both():
        context = zmq.asyncio.Context()
        server, client = pair(context)
        data = fresh_bytes(INSIDE_THRESHOLD)
        await client.send(data)
        assert handed_over(await server.recv(), data)
        await client.send_multipart([b"x", data])
        assert handed_over((await server.recv_multipart())[1], data)
        context.destroy(linger=0)

    asyncio.run(both())


def test_of_a_part_of_bytes_only_the_part_comes_back(context):
    """Memory that begins where a lent object begins is not that object."""
    server, client = pair(context)
    client.copy_threshold = 0
    data = fresh_bytes(5000)
    client.send(data)
    client.send(memoryview(data)[:4000], copy=False)
    client.send(memoryview(data), copy=False)
    assert handed_over(server.recv(), data)
    assert server.recv() == data[:4000]
    assert server.recv() == data


class Hidden(bytes):
    pass


def test_a_subclass_comes_back_as_plain_bytes(context):
    server, client = pair(context)
    client.copy_threshold = 0
    for copy in (True, False):
        client.send(Hidden(b"y" * 5000), copy=copy)
        got = server.recv()
        assert type(got) is bytes
        assert got == b"y" * 5000


# -- where the threshold is the low one ----------------------------------------------------------

BETWEEN = (INSIDE_THRESHOLD + BORROW_THRESHOLD) // 2


def lends(client, size=BETWEEN) -> bool:
    data = fresh_bytes(size)
    before = sys.getrefcount(data)
    client.send(data)
    return sys.getrefcount(data) > before


@patched
def test_the_low_threshold_is_for_inproc_alone(context):
    client = context.socket(zmq.PUSH, linger=0)
    client.bind("inproc://one")
    client.bind("inproc://two")
    peers = [context.socket(zmq.PULL) for _ in range(2)]
    for peer, name in zip(peers, ("one", "two"), strict=True):
        peer.connect(f"inproc://{name}")
    assert lends(client)
    client.unbind("inproc://two")
    assert lends(client)
    client.bind("tcp://127.0.0.1:*")
    assert not lends(client)
    assert lends(client, BORROW_THRESHOLD)
    client.bind("inproc://three")
    assert not lends(client)
    client.unbind(client.last_endpoint)
    assert not lends(client)


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "ipc://@zmqlite-loans-*"])
def test_other_transports_have_the_high_threshold(context, endpoint):
    if endpoint.startswith("ipc") and sys.platform != "linux":
        pytest.skip("abstract names are Linux's")
    client = context.socket(zmq.PUSH, linger=0)
    client.connect(endpoint.replace("*", "9"))
    assert not lends(client, BORROW_THRESHOLD - 1)
    assert lends(client, BORROW_THRESHOLD)


# -- when a loan is over -------------------------------------------------------------------------


@patched
@pytest.mark.parametrize("receive", RECEIVES)
def test_who_receives_ends_the_loan(context, receive):
    """At once: no further call is needed for the reference to come home."""
    server, client = pair(context)
    data = fresh_bytes(5000)
    before = sys.getrefcount(data)
    client.send(data)
    assert sys.getrefcount(data) == before + 1
    RECEIVES[receive](server)
    assert sys.getrefcount(data) == before


REFUSED = {
    "send": lambda client, data: client.send(data, zmq.DONTWAIT),
    "multipart": lambda client, data: client.send_multipart([data], zmq.DONTWAIT),
    "many": lambda client, data: client.send_many([data], zmq.DONTWAIT),
    "nonblock": lambda client, data: client.send_nonblock(data),
}


@patched
@pytest.mark.parametrize("send", REFUSED)
def test_a_refused_send_lends_nothing(context, send):
    client = context.socket(zmq.PUSH, sndhwm=1)
    client.bind("inproc://full")
    server = context.socket(zmq.PULL, rcvhwm=1)
    server.connect("inproc://full")
    filling = fresh_bytes(5000)
    while client.send_nonblock(filling):
        pass
    data = fresh_bytes(INSIDE_THRESHOLD)
    before = sys.getrefcount(data)
    with contextlib.suppress(zmq.Again):
        assert not REFUSED[send](client, data)
    assert sys.getrefcount(data) == before
    assert server.recv() is filling


@patched
def test_receiving_into_a_buffer_ends_it_too(context):
    server, client = pair(context)
    data, buffer = fresh_bytes(5000), bytearray(5000)
    before = sys.getrefcount(data)
    client.send(data)
    assert server.recv_into(buffer) == 5000
    assert sys.getrefcount(data) == before
    assert buffer == data


def test_the_last_of_many_receivers_ends_the_loan(context):
    publisher = context.socket(zmq.XPUB, linger=0)
    publisher.bind("inproc://fan")
    subscribers = [context.socket(zmq.SUB, subscribe=b"") for _ in range(3)]
    for subscriber in subscribers:
        subscriber.connect("inproc://fan")
    publisher.recv()
    data = fresh_bytes(INSIDE_THRESHOLD)
    before = sys.getrefcount(data)
    publisher.send(data)
    for subscriber in subscribers:
        assert sys.getrefcount(data) == before + 1
        assert handed_over(subscriber.recv(), data)
    wait_until(lambda: sys.getrefcount(data) == before)


def test_copies_of_a_frame_share_the_loan(context):
    server, client = pair(context)
    data = fresh_bytes(5000)
    before = sys.getrefcount(data)
    client.send(data)
    frame = server.recv(copy=False)
    other = frame.fast_copy()
    del frame
    assert other.buffer.readonly
    client.send(other)
    del other
    assert core.loans()
    assert sys.getrefcount(data) == before + 1
    assert handed_over(server.recv(), data)
    wait_until(lambda: sys.getrefcount(data) == before)


def test_a_tracked_loan_is_told_to_who_waits(context):
    server, client = pair(context)
    data = fresh_bytes(100_000)
    before = sys.getrefcount(data)
    tracker = client.send(data, copy=False, track=True)

    def wait():
        tracker.wait(20)
        return tracker.done

    join = in_thread(wait)
    wait_asleep(join)
    assert not tracker.done
    assert handed_over(server.recv(), data)
    assert join()
    assert sys.getrefcount(data) == before


def test_nothing_can_be_lent(context):
    server, client = pair(context)
    client.copy_threshold = 0
    for empty in (bytearray(), array.array("d"), memoryview(b""), b""):
        tracker = client.send(empty, copy=False, track=True)
        assert not tracker.done
        assert server.recv() == b""
        tracker.wait(20)


def test_more_loans_than_are_kept_for_the_next(context):
    """Loans come from a stock that is bounded; all of them are counted and come home."""
    count = 10_000
    server, client = pair(context, sndhwm=0, rcvhwm=0)
    data = fresh_bytes(INSIDE_THRESHOLD)
    before = sys.getrefcount(data)
    earlier = len(core.loans())
    for _ in range(2):
        client.send_many([data] * count)
        assert sys.getrefcount(data) == before + count
        assert len(core.loans()) <= earlier + 1  # by their address, and all have the same
        left = count
        while left:
            got = server.recv_many(left)
            assert all(handed_over(body, data) for body in got)
            left -= len(got)
        del got
        wait_until(lambda: sys.getrefcount(data) == before)


def test_many_threads_lend_and_end_loans(context):
    """The stock of loans and their ring hold while threads take turns, with a wire among them."""
    rounds, bodies = 2000, [fresh_bytes(size) for size in (INSIDE_THRESHOLD, 2000, 70_000)]
    before = [sys.getrefcount(body) for body in bodies]

    def work(number):
        server, client = pair(context, endpoint=f"inproc://threads-{number}")
        far, near = pair(context, endpoint="tcp://127.0.0.1:*")
        for turn in range(rounds):
            body = bodies[turn % len(bodies)]
            client.send(body)
            frame = server.recv(copy=False)
            if turn % 10:
                assert handed_over(frame.bytes, body)
            else:
                near.send(frame)  # the I/O thread gives back
                assert far.recv() == body
            if not turn % 100:
                core.loans()
        for socket in (server, client, far, near):
            socket.close(0)

    for join in [in_thread(work, number) for number in range(4)]:
        join()
    wait_until(lambda: [sys.getrefcount(body) for body in bodies] == before)
