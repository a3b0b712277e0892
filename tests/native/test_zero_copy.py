"""Memory lent to libzmq: never changed, never freed too early, always given back."""

from __future__ import annotations

import copy
import sys
import threading
import time
import weakref

import pytest
from programs import program
from support import connect_pair, in_thread, wait_until

import zmqlite as zmq
from zmqlite._native.core import BORROW_THRESHOLD, INSIDE_THRESHOLD

BIG = 200_000


def fresh_bytes(size: int = BIG) -> bytes:
    """Bytes that nobody else holds."""
    return bytes(bytearray(b"lent!") * (size // 5 + 1))[:size]


def stuck_sender(context):
    """A sender whose peer does not read: what it lends stays lent until the peer reads or it
    closes."""
    server, client = connect_pair(context, "inproc://stuck", zmq.PULL, zmq.PUSH)
    return server, client


# -- lending and giving back ---------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["inproc://lend", "tcp://127.0.0.1:9"])
def test_a_lent_bytearray_refuses_to_be_resized(context, endpoint):
    if endpoint.startswith("inproc"):
        server, client = stuck_sender(context)
    else:  # nobody is there: the message waits
        client = context.socket(zmq.PUSH, linger=0)
        client.connect(endpoint)
    data = bytearray(fresh_bytes())
    tracker = client.send(data, copy=False, track=True)
    with pytest.raises(BufferError):
        data.append(1)
    with pytest.raises(BufferError):
        data.clear()
    assert not tracker.done
    begin = time.monotonic()
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.02)
    assert time.monotonic() - begin >= 0.02
    with pytest.raises(zmq.NotDone):
        tracker.wait(0)
    with pytest.raises(TimeoutError):
        tracker.wait(timeout=0.001)
    if endpoint.startswith("inproc"):
        assert server.recv() == bytes(data)
    client.close(0)
    tracker.wait(5)
    assert tracker.done
    data.append(1)
    data.clear()


def test_a_sent_bytearray_is_given_back_over_tcp(context):
    server, client = connect_pair(context)
    data = bytearray(fresh_bytes())
    tracker = client.send(data, copy=False, track=True)
    assert server.recv() == bytes(data)
    tracker.wait(None)
    data.clear()


def test_below_the_threshold_nothing_is_lent(context):
    _, client = stuck_sender(context)
    small = bytearray(65535)
    tracker = client.send(small, copy=False, track=True)
    assert tracker.done
    small.clear()
    assert client.send(b"x", copy=False).done
    client.copy_threshold = 0
    data = bytearray(1)
    tracker = client.send(data, copy=False, track=True)
    assert not tracker.done
    with pytest.raises(BufferError):
        data.append(0)


def test_one_tracker_for_all_parts(context):
    server, client = stuck_sender(context)
    parts = [bytearray(fresh_bytes()), b"small", fresh_bytes(), memoryview(bytearray(BIG))]
    tracker = client.send_multipart(parts, copy=False, track=True)
    received = []
    for place in range(4):
        assert not tracker.done, f"done before part {place} was received"
        received.append(server.recv(copy=False))
    assert not tracker.done  # the frames still look at the memory
    del received[1:]
    assert not tracker.done
    received.clear()
    tracker.wait(5)


def test_trackers_of_trackers_events_and_frames(context):
    server, client = stuck_sender(context)
    event = threading.Event()
    frame = zmq.Frame(fresh_bytes(), copy=False, track=True)
    tracker = zmq.MessageTracker(event, frame, zmq.MessageTracker())
    assert not tracker.done
    client.send(frame)
    del frame
    event.set()
    assert not tracker.done
    server.recv()
    tracker.wait(5)
    for wrong in ("text", 3, zmq.Frame(b"untracked")):
        with pytest.raises((TypeError, ValueError)):
            zmq.MessageTracker(wrong)


def test_untracked_frames_are_not_tracked(context):
    _, client = stuck_sender(context)
    with pytest.raises(ValueError, match="not tracked"):
        client.send(zmq.Frame(b"x"), track=True)
    with pytest.raises(ValueError, match="not tracked"):
        client.send_multipart([b"x", zmq.Frame(b"x")], copy=False, track=True)
    tracked = zmq.Frame(b"x", track=True, copy_threshold=100)
    assert client.send(tracked, copy=False, track=True).done


def test_a_waiting_tracker_lets_others_run(context):
    server, client = stuck_sender(context)
    tracker = client.send(bytearray(BIG), copy=False, track=True)
    join = in_thread(lambda: server.recv())
    tracker.wait(5)
    assert len(join()) == BIG


class Watched(bytearray):
    """A bytearray that can be watched by a weak reference."""


def test_memory_comes_home_while_nobody_calls(context):
    """The I/O thread gives back and Python lets go, though no call goes into the core."""
    _, client = connect_pair(context)
    for _ in range(40):  # more often than the interpreter's queue of pending calls is long
        data = Watched(fresh_bytes())
        gone = weakref.ref(data)
        client.send(data, copy=False)
        del data
        wait_until(lambda gone=gone: gone() is None, what="the memory to come home")


def test_memory_comes_home_while_every_thread_waits_in_recv(context):
    """The only Python thread sleeps in recv: what came home is let go when it wakes up."""
    server, client = connect_pair(context)
    data = Watched(fresh_bytes())
    gone = weakref.ref(data)
    client.send(data, copy=False)
    del data
    assert len(server.recv()) == BIG
    client.rcvtimeo = 50
    with pytest.raises(zmq.Again):
        client.recv()
    wait_until(lambda: gone() is None)


DROPS = {
    "received": lambda server, client: [server.recv() for _ in range(500)],
    "closed sender": lambda server, client: client.close(0),
    "closed receiver": lambda server, client: server.close(0),
}


@pytest.mark.parametrize("how", DROPS)
@pytest.mark.parametrize("size", [INSIDE_THRESHOLD, BORROW_THRESHOLD, 70_000])
@pytest.mark.parametrize("kind", ["copy", "nocopy", "multipart", "many", "frame"])
def test_refcounts_return(context, kind, size, how):
    data = fresh_bytes(size)
    before = sys.getrefcount(data)
    server, client = connect_pair(
        context, "inproc://counts", zmq.PULL, zmq.PUSH, sndhwm=0, rcvhwm=0
    )
    for _ in range(500):
        if kind == "copy":
            client.send(data)
        elif kind == "nocopy":
            client.send(data, copy=False)
        elif kind == "multipart":
            client.send_multipart([data])
        elif kind == "many":
            client.send_many([data])
        else:
            client.send(zmq.Frame(data, copy=False))
    if kind != "nocopy" or size >= 65536:
        assert sys.getrefcount(data) == before + 500  # the I/O thread has not given back yet
    DROPS[how](server, client)
    server.close(0)
    client.close(0)
    wait_until(lambda: sys.getrefcount(data) == before, what="the references to come home")


@pytest.mark.parametrize("size", [10, INSIDE_THRESHOLD, BORROW_THRESHOLD, 70_000])
def test_a_publisher_that_drops_keeps_no_reference(context, size):
    data = fresh_bytes(size)
    array = bytearray(data)
    before = sys.getrefcount(data), sys.getrefcount(array)
    publisher = context.socket(zmq.PUB, sndhwm=3, linger=0)
    publisher.bind("inproc://drops")
    subscriber = context.socket(zmq.SUB, rcvhwm=3, subscribe=b"")
    subscriber.connect("inproc://drops")
    for _ in range(2000):
        publisher.send(data)
        publisher.send(array, copy=False)
        publisher.send_multipart([b"", data, array], copy=False)
    subscriber.close(0)
    publisher.close(0)
    wait_until(lambda: (sys.getrefcount(data), sys.getrefcount(array)) == before)
    array.clear()


def test_a_publisher_without_subscribers_lets_go_at_once(context):
    publisher = context.socket(zmq.PUB)
    publisher.bind("inproc://nobody")
    data = bytearray(BIG)
    publisher.send(data, copy=False, track=True).wait(5)
    data.clear()


@pytest.mark.parametrize("flags", [0, zmq.DONTWAIT])
def test_a_send_that_fails_gives_back(context, flags):
    sender = context.socket(zmq.PUSH, sndtimeo=20)
    sender.bind("inproc://fails")
    data, array = fresh_bytes(), bytearray(BIG)
    before = sys.getrefcount(data)
    for _ in range(3):
        with pytest.raises(zmq.Again):
            sender.send(data, flags)
        with pytest.raises(zmq.Again):
            sender.send(array, flags, copy=False)
        with pytest.raises(zmq.Again):
            sender.send_multipart([data, array], flags, copy=False)
        with pytest.raises(TypeError):
            sender.send_multipart([data, array, None], copy=False)
    wait_until(lambda: sys.getrefcount(data) == before)
    array.clear()


def test_lent_memory_stays_when_its_owner_goes(context):
    """The sender drops its only reference at once; the peer still gets the right bytes."""
    server, client = connect_pair(context, sndhwm=0, rcvhwm=0)
    for number in range(300):
        client.send(bytes([number % 256]) * 50_000)
        client.send(bytearray([number % 256]) * 70_000, copy=False)
    for number in range(300):
        assert server.recv() == bytes([number % 256]) * 50_000
        assert server.recv() == bytes([number % 256]) * 70_000


# -- nobody changes what is lent -----------------------------------------------------------------


@pytest.mark.parametrize("route", ["direct", "frame", "through a proxy", "frames forwarded"])
@pytest.mark.parametrize("size", [INSIDE_THRESHOLD, BORROW_THRESHOLD, 70_000])
def test_ws_masks_no_memory_of_ours(context, route, size):
    """A ws client masks what it sends, and libzmq does so in place where it thinks it may."""
    if not zmq.has("ws"):
        pytest.skip("this libzmq was built without ws")
    server, client = connect_pair(context, "ws://127.0.0.1:*", zmq.PULL, zmq.PUSH)
    data = fresh_bytes(size)
    array = bytearray(data)
    expected = bytes(bytearray(data))
    head, feeder = connect_pair(context, "inproc://feeder", zmq.PULL, zmq.PUSH)
    join = None
    if route == "direct":
        client.send(data)
        client.send(array, copy=False)
    elif route == "frame":
        client.send(zmq.Frame(data, copy=False))
        client.send(zmq.Frame(array, copy=False))
    else:
        feeder.send(data)
        feeder.send(array, copy=False)
        if route == "through a proxy":
            join = in_thread(zmq.proxy, head, client)
        else:
            client.send(head.recv(copy=False))
            client.send_multipart([head.recv(copy=False)])
    assert server.recv() == expected
    assert server.recv() == expected
    assert data == expected
    assert array == expected
    if join is not None:
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            join()


@pytest.mark.skipif(INSIDE_THRESHOLD == BORROW_THRESHOLD, reason="libzmq knows no lender")
def test_inproc_hands_over_the_same_object(context):
    server, client = connect_pair(context, "inproc://same")
    data = fresh_bytes(5000)
    client.send(data)
    assert server.recv() is data
    client.send_multipart([b"x", data, b"y"])
    assert server.recv_multipart()[1] is data
    client.send_many([data, data])
    got = []
    while len(got) < 2:
        got += server.recv_many()
    assert got[0] is data
    assert got[1] is data
    client.send(data)
    assert next(server) is data
    client.send(data)
    assert server.recv(copy=False).bytes is data
    client.send(memoryview(data)[1:])
    assert server.recv() == data[1:]
    client.send(memoryview(data)[:4000], copy=False)
    assert server.recv() == data[:4000]
    client.copy_threshold = 0
    for part in (memoryview(data)[:4000], memoryview(data)[1:], memoryview(data)):
        client.send(part, copy=False)
        assert server.recv() == bytes(part)


class Hidden(bytes):
    pass


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("kind", [bytes, Hidden, memoryview, bytearray])
def test_a_received_frame_never_writes_into_what_was_sent(context, kind, copy):
    server, client = connect_pair(context, "inproc://written")
    client.copy_threshold = 0
    original = fresh_bytes()
    data = kind(original)
    client.send(data, copy=copy)
    frame = server.recv(copy=False)
    if not frame.buffer.readonly:
        memoryview(frame)[0:4] = b"XXXX"
    else:
        with pytest.raises(TypeError):
            memoryview(frame)[0] = 1
    assert bytes(data) == original


def test_which_frames_are_writable(context):
    server, client = connect_pair(context, "tcp://127.0.0.1:*")
    client.send(fresh_bytes())
    frame = server.recv(copy=False)
    assert not frame.buffer.readonly  # it came over the wire: nobody else looks at it
    frame.buffer[:3] = b"abc"
    assert frame.bytes[:3] == b"abc"
    other = copy.copy(frame)
    assert other.buffer.readonly
    assert frame.buffer.readonly
    assert zmq.Frame(b"lent" * 30_000, copy=False).buffer.readonly
    assert zmq.Frame(bytearray(BIG), copy=False).buffer.readonly
    own = zmq.Frame(b"copied")
    own.buffer[0] = ord("C")
    assert own.bytes == b"Copied"
    assert zmq.Frame().buffer.nbytes == 0


def test_a_frame_is_initialised_once():
    """A second __init__ would free the memory under the first one's views."""
    frame = zmq.Frame(fresh_bytes())
    view = frame.buffer
    with pytest.raises(RuntimeError):
        frame.__init__(b"other")
    with pytest.raises(RuntimeError):
        frame.__init__(zmq.Frame(b"other"))
    assert bytes(view[:5]) == b"lent!"


class OwnFrame(zmq.Frame):
    def __init__(self, data=b"default" * 100):
        super().__init__(data)


class EmptyFrame(zmq.Frame):
    pass


def test_copies_of_frames():
    frame = EmptyFrame(fresh_bytes(), copy=False, track=True)
    for other in (copy.copy(frame), frame.fast_copy(), zmq.Frame(frame)):
        assert other.bytes == frame.bytes
        assert other.tracker is frame.tracker
    assert type(copy.copy(frame)) is EmptyFrame
    tracker = frame.tracker
    del frame
    assert not tracker.done
    del other
    tracker.wait(5)
    with pytest.raises(TypeError):
        copy.copy(OwnFrame())


def test_trackers_in_a_long_chain():
    program("""
        import zmqlite as zmq
        last = zmq.MessageTracker()
        for _ in range(200_000):
            last = zmq.MessageTracker(last)
        assert last.done
        many = [zmq.MessageTracker()]
        for _ in range(60):
            many.append(zmq.MessageTracker(*many))
        assert many[-1].done
    """)
