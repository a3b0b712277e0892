"""Sending and receiving: what is refused, what is copied, what a frame and a tracker promise."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import threading
from typing import Any

import pytest

BIG = b"x" * 65536  # from here on, copy=False lends memory


# -- what may be sent ----------------------------------------------------------------------------


def test_text_is_refused_and_the_right_method_named(pair: Any) -> None:
    for send in (pair[0].send, lambda text: pair[0].send(text, copy=False)):
        with pytest.raises(TypeError, match=r"unicode not allowed|send_string"):
            send("text")
    with pytest.raises(TypeError, match="send_string"):
        pair[0].send("text")


@pytest.mark.parametrize("value", [1, None, object(), 1.5, ["part"]])
def test_what_has_no_buffer_is_refused(pair: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        pair[0].send(value)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
@pytest.mark.parametrize("copied", [True, False])
def test_every_buffer_is_sent(pair: Any, make: Any, copied: bool) -> None:
    for size in (0, 1, 30, 70_000):
        pair[0].send(make(b"a" * size), copy=copied)
        assert pair[1].recv() == b"a" * size


def test_a_wrong_part_is_named_and_nothing_is_sent(pair: Any, zmq: Any) -> None:
    with pytest.raises(TypeError, match=r"2|unicode"):
        pair[0].send_multipart([b"one", b"two", "three" * 100])
    pair[0].send(b"next")
    assert pair[1].recv_multipart() == [b"next"]


def test_parts_must_be_a_sequence(pair: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        pair[0].send_multipart(part for part in [b"a"])
    with pytest.raises((IndexError, ValueError)):
        pair[0].send_multipart([])


def test_what_conversions_send(pair: Any) -> None:
    one, other = pair
    one.send_string("é")
    assert other.recv() == "é".encode()
    one.send(b"text")
    assert other.recv_string() == "text"
    one.send_string("é", encoding="latin-1")
    assert other.recv_string(encoding="latin-1") == "é"
    one.send_json({"a": [1, "é"]})
    assert other.recv() == b'{"a": [1, "\\u00e9"]}'
    one.send_json({"b": 1, "a": 2}, sort_keys=True)
    assert other.recv_json(parse_int=str) == {"a": "2", "b": "1"}
    one.send_pyobj({1: 2})
    assert pickle.loads(other.recv()) == {1: 2}
    one.send(pickle.dumps((1, 2)))
    assert other.recv_pyobj() == (1, 2)
    one.send_serialized({"a": b"1"}, lambda msg: [k.encode() for k in msg] + list(msg.values()))
    assert other.recv_serialized(lambda parts: dict([parts])) == {b"a": b"1"}
    with pytest.raises(TypeError):
        one.send_string(b"bytes")
    assert one.send_unicode == one.send_string
    assert one.recv_unicode == one.recv_string


# -- copies and trackers ------------------------------------------------------------------------


def test_a_copied_message_has_no_tracker(pair: Any, zmq: Any) -> None:
    assert pair[0].send(b"a") is None
    assert pair[0].send(BIG) is None
    assert pair[0].send(zmq.Frame(b"a")) is None
    assert pair[0].send_multipart([b"a", b"b"]) is None
    assert [len(pair[1].recv_multipart()) for _ in range(4)] == [1, 1, 1, 2]


def test_below_the_threshold_there_is_one_finished_tracker(pair: Any) -> None:
    assert pair[0].copy_threshold == 65536
    first = pair[0].send(b"x" * 65535, copy=False, track=True)
    second = pair[0].send(b"", copy=False, track=True)
    assert first.done
    assert first is second
    first.wait()
    pair[1].recv()
    pair[1].recv()


def test_from_the_threshold_on_memory_is_lent(pair: Any, zmq: Any) -> None:
    tracker = pair[0].send(BIG, copy=False, track=True)
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(timeout=0.01)
    assert pair[1].recv() == BIG
    tracker.wait(timeout=5)
    assert tracker.done


def test_a_threshold_of_zero_lends_everything(ctx: Any, pair: Any) -> None:
    pair[0].copy_threshold = 0
    tracker = pair[0].send(b"a", copy=False, track=True)
    assert not tracker.done
    pair[1].recv()
    tracker.wait(5)


def test_the_default_threshold_can_be_assigned(
    ctx: Any, zmq: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ctx.socket(zmq.PUSH)
    monkeypatch.setattr(zmq, "COPY_THRESHOLD", 3)
    assert ctx.socket(zmq.PUSH).copy_threshold == 3
    assert ctx.socket(zmq.PUSH, copy_threshold=7).copy_threshold == 7
    assert before.copy_threshold == 65536
    assert not zmq.Frame(b"abc", track=True).tracker.done
    assert zmq.Frame(b"ab", track=True).tracker.done
    assert zmq.Frame(b"abc", track=True, copy_threshold=4).tracker.done
    monkeypatch.undo()
    assert ctx.socket(zmq.PUSH).copy_threshold == 65536
    assert zmq.Frame(b"abc", track=True).tracker.done


def test_a_frame_over_lent_bytes_gives_those(ours: Any) -> None:
    body = b"some bytes"
    frame = ours.Frame(body, copy=False)
    assert frame.bytes is body
    assert copy.copy(frame).bytes is body
    assert ours.Frame(bytearray(body), copy=False).bytes == body


def test_an_untracked_frame_cannot_be_tracked(pair: Any, zmq: Any) -> None:
    with pytest.raises(ValueError, match="track"):
        pair[0].send(zmq.Frame(b"a"), track=True)
    with pytest.raises(ValueError, match="track"):
        pair[0].send(zmq.Frame(BIG, copy=False), track=True, copy=False)
    tracked = zmq.Frame(BIG, track=True)
    assert not tracked.tracker.done
    tracker = pair[0].send(tracked, track=True, copy=False)
    assert not tracker.done
    del tracked
    gc.collect()
    pair[1].recv()
    tracker.wait(5)


def test_a_tracker_watches_trackers_and_frames(pair: Any, zmq: Any) -> None:
    assert zmq.MessageTracker().done
    frame = zmq.Frame(BIG, track=True)
    both = zmq.MessageTracker(frame, pair[0].send(BIG, copy=False, track=True))
    assert not both.done
    pair[1].recv()
    assert not both.done
    del frame
    gc.collect()
    both.wait(5)
    with pytest.raises((TypeError, ValueError)):
        zmq.MessageTracker(b"no tracker")
    with pytest.raises((TypeError, ValueError)):
        zmq.MessageTracker(zmq.Frame(b"untracked"))


# -- frames ---------------------------------------------------------------------------------------


def test_a_frame_shows_its_bytes(zmq: Any) -> None:
    frame = zmq.Frame(b"hello")
    assert bytes(frame) == frame.bytes == b"hello"
    assert frame.bytes is frame.bytes
    assert isinstance(frame.buffer, memoryview)
    assert frame.buffer == b"hello"
    assert len(frame) == 5
    assert memoryview(frame) == b"hello"
    assert not frame.more
    assert len(zmq.Frame()) == 0
    assert frame != zmq.Frame(b"hello"), "frames are equal to themselves only"
    assert frame == frame
    assert len({frame, zmq.Frame(b"hello")}) == 2
    with pytest.raises(TypeError):
        zmq.Frame("text")


def test_the_repr_of_a_frame(zmq: Any) -> None:
    assert re.fullmatch(r"<zmq\w*\.Frame\(b'hello'\)>", repr(zmq.Frame(b"hello")))
    assert re.fullmatch(r"<zmq\w*\.Frame\(b'x{12}'\.\.\.2kB\)>", repr(zmq.Frame(b"x" * 2048)))
    assert str(zmq.Frame(b"hello")) == repr(zmq.Frame(b"hello"))


def test_a_received_frame_is_writable_and_outlives_the_socket(pair: Any, ctx: Any) -> None:
    pair[0].send_multipart([b"first", b"last"])
    first, last = pair[1].recv_multipart(copy=False)
    assert first.more
    assert not last.more
    assert not first.buffer.readonly
    first.buffer[:1] = b"F"
    ctx.destroy(linger=0)
    assert bytes(first.buffer) == b"First"
    assert last.bytes == b"last"


def test_a_frame_can_be_sent_again(pair: Any, zmq: Any) -> None:
    for frame in (zmq.Frame(b"small"), zmq.Frame(BIG), zmq.Frame(BIG, copy=False)):
        for copied in (True, False):
            pair[0].send(frame, copy=copied)
            pair[0].send(frame, copy=copied)
            assert pair[1].recv() == pair[1].recv() == frame.bytes
    pair[0].send(b"received")
    received = pair[1].recv(copy=False)
    pair[1].send(received)
    pair[1].send(received)
    assert pair[0].recv() == pair[0].recv() == received.bytes


def test_what_a_frame_tells(ctx: Any, zmq: Any) -> None:
    server, client = ctx.socket(zmq.PULL), ctx.socket(zmq.PUSH)
    server.rcvtimeo = 20_000
    port = server.bind_to_random_port("tcp://127.0.0.1")
    client.connect(f"tcp://127.0.0.1:{port}")
    client.send(b"a")
    frame = server.recv(copy=False)
    assert frame["Socket-Type"] == frame.get("Socket-Type") == "PUSH"
    assert frame["Peer-Address"] == "127.0.0.1"
    assert frame.get(zmq.MORE) == 0
    with pytest.raises((zmq.ZMQError, KeyError)):
        frame["no such property"]


def test_copy_of_a_frame_shares_its_bytes(zmq: Any) -> None:
    frame = zmq.Frame(b"data")
    assert bytes(copy.copy(frame)) == b"data"


def test_recv_into(pair: Any) -> None:
    buffer = bytearray(10)
    pair[0].send(b"hello")
    assert pair[1].recv_into(buffer) == 5
    assert buffer == b"hello" + bytes(5)
    pair[0].send(b"0123456789abc")
    assert pair[1].recv_into(buffer) == 13, "the size of the message, though some was cut off"
    assert buffer == b"0123456789"
    pair[0].send(b"hello")
    assert pair[1].recv_into(buffer, nbytes=2) == 5
    assert buffer[:3] == b"he2"
    with pytest.raises(BufferError):
        pair[1].recv_into(b"read-only")
    with pytest.raises(ValueError, match=r"nbytes|buffer"):
        pair[1].recv_into(buffer, nbytes=11)


# -- what pyzmq gets wrong ------------------------------------------------------------------------


def test_a_lent_bytearray_cannot_be_resized(our_pair: Any) -> None:
    """D1: pyzmq gives the memory back to Python while libzmq reads it."""
    data = bytearray(BIG)
    tracker = our_pair[0].send(data, copy=False, track=True)
    with pytest.raises(BufferError):
        data.extend(b"more")
    assert our_pair[1].recv() == BIG
    tracker.wait(5)
    data.extend(b"more")


def test_a_bytearray_that_is_received_into_cannot_be_resized(our_pair: Any) -> None:
    """D1, the other direction: the buffer is held for as long as the call lasts."""
    data = bytearray(10)
    waiting = threading.Event()

    def receive() -> None:
        waiting.set()
        our_pair[1].recv_into(data)

    thread = threading.Thread(target=receive)
    thread.start()
    waiting.wait()
    refused = False
    while not refused:
        try:
            data.append(0)
        except BufferError:
            refused = True
        else:
            data.pop()
    our_pair[0].send(b"hello")
    thread.join()
    assert data[:5] == b"hello"


def test_a_tracker_covers_every_part(our_pair: Any, ours: Any) -> None:
    """In pyzmq it is that of the last part alone, here b"" that is finished at once."""
    tracker = our_pair[0].send_multipart([BIG, b""], copy=False, track=True)
    assert not tracker.done
    our_pair[1].recv_multipart()
    tracker.wait(5)


def test_copy_of_a_frame_is_a_frame(ours: Any) -> None:
    """D8: pyzmq's is of a private base class, without half of the methods."""
    frame = ours.Frame(b"data")
    copied = copy.copy(frame)
    assert type(copied) is ours.Frame
    assert copied.bytes == b"data"


def test_a_tracker_waits_for_ever_with_none(our_pair: Any) -> None:
    """D8: a TypeError in pyzmq."""
    tracker = our_pair[0].send(BIG, copy=False, track=True)
    receiver = threading.Timer(0.05, our_pair[1].recv)
    receiver.start()
    tracker.wait(None)
    assert tracker.done
    receiver.join()
