"""Frames: memory, properties and trackers, as users of the package meet them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from support import FACTOR, connect_pair, wait_until

import zmqlite as zmq

BIG = bytes(range(256)) * 512  # 128 KiB


class TestFrame:
    def test_names(self) -> None:
        assert zmq.Message is zmq.Frame
        assert zmq.COPY_THRESHOLD == 65536

    @pytest.mark.parametrize("data", [b"", b"x", BIG, bytearray(b"abc"), memoryview(b"abc")])
    def test_holds_bytes(self, data: Any) -> None:
        frame = zmq.Frame(data)
        assert bytes(frame) == frame.bytes == bytes(frame.buffer) == bytes(data)
        assert len(frame) == len(data)
        assert isinstance(frame.buffer, memoryview)
        assert not frame.more

    def test_empty(self) -> None:
        assert len(zmq.Frame()) == 0

    @pytest.mark.parametrize("wrong", ["text", 5, [b"x"]])
    def test_refuses_what_has_no_bytes(self, wrong: Any) -> None:
        with pytest.raises(TypeError):
            zmq.Frame(wrong)

    def test_identity_equality(self) -> None:
        one = zmq.Frame(b"x")
        assert one == one
        assert one != zmq.Frame(b"x")
        assert {one: 1}[one] == 1

    def test_copy_is_a_frame_over_the_same_memory(self) -> None:
        frame = zmq.Frame(BIG)
        for other in (copy.copy(frame), frame.fast_copy()):
            assert type(other) is zmq.Frame
            assert other.bytes == BIG

    def test_subclasses_copy_to_their_own_kind(self) -> None:
        class Mine(zmq.Frame):
            pass

        assert type(copy.copy(Mine(b"x"))) is Mine

    def test_repr_shows_the_beginning(self) -> None:
        assert "b'short'" in repr(zmq.Frame(b"short"))
        assert "b'xxxxxxxxxxxx'...2kB" in repr(zmq.Frame(b"x" * 2048))

    def test_does_not_pickle(self) -> None:
        with pytest.raises(TypeError):
            pickle.dumps(zmq.Frame(b"x"))


class TestReceived:
    def test_more(self, pair: Any) -> None:
        one, two = pair()
        one.send_multipart([b"a", b"b"])
        first = two.recv(copy=False)
        assert (first.bytes, first.more) == (b"a", True)
        second = two.recv(copy=False)
        assert (second.bytes, second.more) == (b"b", False)

    def test_outlives_the_socket_and_the_context(self) -> None:
        with zmq.Context() as context:
            one, two = connect_pair(context)
            one.send(BIG)
            frame = two.recv(copy=False)
            one.close()
            two.close()
        assert frame.bytes == BIG

    def test_can_be_sent_on_and_again(self, pair: Any) -> None:
        one, two = pair()
        one.send(BIG)
        frame = two.recv(copy=False)
        two.send(frame)
        two.send_multipart([frame, frame])
        assert one.recv() == BIG
        assert one.recv_multipart() == [BIG, BIG]

    def test_properties(self, context: Any) -> None:
        server, client = connect_pair(context, bound=zmq.REP, connected=zmq.REQ)
        client.send(b"x")
        frame = server.recv(copy=False)
        assert frame["Socket-Type"] == frame.get("Socket-Type") == "REQ"
        assert frame["Peer-Address"] == "127.0.0.1"
        assert frame.get(zmq.MORE) == 0
        with pytest.raises(zmq.ZMQError, match="Nonsense"):
            frame.get("Nonsense")

    def test_draft_properties(self, context: Any) -> None:
        if not zmq.DRAFT_API:
            pytest.skip("no drafts")
        server, client = connect_pair(context, bound=zmq.SERVER, connected=zmq.CLIENT)
        client.send(b"x")
        frame = server.recv(copy=False)
        assert frame.routing_id == frame.get("routing_id") > 0
        reply = zmq.Frame(b"y")
        reply.routing_id = frame.routing_id
        server.send(reply)
        assert client.recv() == b"y"
        reply.group = "news"
        assert reply.group == "news"


class TestTracker:
    def test_is_done_when_libzmq_lets_go(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://tracked")
        data = bytearray(BIG)
        tracker = one.send(data, copy=False, track=True)
        assert isinstance(tracker, zmq.MessageTracker)
        assert not tracker.done
        with pytest.raises(BufferError):
            data.append(1)
        assert two.recv() == BIG
        tracker.wait(5 * FACTOR)
        assert tracker.done
        wait_until(lambda: data.append(1) or True)

    def test_runs_out_of_time(self, context: Any) -> None:
        one, _ = connect_pair(context, "inproc://tracked")
        tracker = one.send(BIG, copy=False, track=True)
        with pytest.raises(zmq.NotDone) as caught:
            tracker.wait(0.01)
        assert isinstance(caught.value, TimeoutError)

    def test_small_messages_are_copied_and_done(self, context: Any) -> None:
        one, _ = connect_pair(context, "inproc://tracked")
        tracker = one.send(b"x", copy=False, track=True)
        assert tracker.done
        tracker.wait(None)
        assert one.send(b"x") is None

    def test_watches_several(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://tracked")
        both = zmq.MessageTracker(*(one.send(BIG, copy=False, track=True) for _ in range(2)))
        two.recv()
        assert not both.done
        two.recv()
        both.wait(5 * FACTOR)
