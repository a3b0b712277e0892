"""Proxies: what they carry, what stops them, and how they are steered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, connect_pair, in_thread
from tracing import calls_seen, needs_strace

import zmqlite as zmq

LIMIT = int(5000 * FACTOR)

HOLDING = """
import threading, time
import zmqlite as zmq

def forward():
    try:
        zmq.proxy(front, back)
    except zmq.ContextTerminated:
        front.close()
        back.close()

with zmq.Context() as context:
    front = context.socket(zmq.PULL, bind="inproc://front")
    back = context.socket(zmq.PUSH, bind="inproc://back")
    thread = threading.Thread(target=forward)
    thread.start()
    with context.socket(zmq.PUSH, connect="inproc://front") as source:
        source.send(b"held")
        while source.send_nonblock(b"x" * 1000):
            pass
    with context.socket(zmq.PULL, connect="inproc://back") as sink:
        assert sink.recv() == b"held"
    context.shutdown()
    thread.join()
"""


@pytest.fixture
def line(context: Any, endpoint: str) -> Any:
    """Two sockets for a proxy, and the outer ones that talk through it, over each transport."""
    front, back = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    source = context.socket(zmq.PUSH, connect=front.bind(endpoint), linger=0)
    sink = context.socket(zmq.PULL, connect=back.bind(endpoint.replace("name", "back")))
    sink.rcvtimeo = LIMIT
    return front, back, source, sink


class TestProxy:
    def test_carries_messages_whole(self, context: Any, line: Any) -> None:
        front, back, source, sink = line
        running = in_thread(zmq.proxy, front, back)
        messages = [[b"%d" % n, b"", b"x" * n] for n in range(200)]
        for message in messages:
            source.send_multipart(message)
        assert [sink.recv_multipart() for _ in messages] == messages
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            running()

    def test_carries_requests_and_replies(self, context: Any) -> None:
        front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        req = context.socket(zmq.REQ, connect=front.bind("tcp://127.0.0.1:*"), rcvtimeo=LIMIT)
        rep = context.socket(zmq.REP, connect=back.bind("tcp://127.0.0.1:*"), rcvtimeo=LIMIT)
        running = in_thread(zmq.proxy, front, back)
        for n in range(20):
            req.send(b"%d" % n)
            rep.send(rep.recv() + b"!")
            assert req.recv() == b"%d!" % n
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            running()

    @needs_strace
    def test_waits_for_each_socket_in_one_place(self, tmp_path: Path) -> None:
        """In two, the look for one took away the news for the other, and the proxy slept on.

        It holds a message here, so that it waits for the same socket to write and to read.
        """
        asked = [line.partition("]")[0] for line in calls_seen(HOLDING, "poll", tmp_path)]
        waits = [re.findall(r"fd=(\d+)", line) for line in asked]
        assert {1, 2} <= {len(fds) for fds in waits}
        assert all(len(fds) == len(set(fds)) for fds in waits), waits

    def test_carries_subscriptions(self, context: Any) -> None:
        front, back = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
        publisher = context.socket(
            zmq.XPUB, connect=front.bind("tcp://127.0.0.1:*"), rcvtimeo=LIMIT
        )
        subscriber = context.socket(
            zmq.SUB, connect=back.bind("tcp://127.0.0.1:*"), subscribe="b", rcvtimeo=LIMIT
        )
        running = in_thread(zmq.proxy, front, back)
        assert publisher.recv() == b"\x01b"
        publisher.send(b"a")
        publisher.send(b"b")
        assert subscriber.recv() == b"b"
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            running()

    def test_capture_sees_both_ways(self, context: Any) -> None:
        front, outer_front = connect_pair(context, "inproc://front")
        back, outer_back = connect_pair(context, "inproc://back")
        capture, tap = connect_pair(context, "inproc://tap", zmq.PUSH, zmq.PULL)
        running = in_thread(zmq.proxy, front, back, capture)
        outer_front.send_multipart([b"there", b"1"])
        assert outer_back.recv_multipart() == [b"there", b"1"]
        outer_back.send(b"back")
        assert outer_front.recv() == b"back"
        assert tap.recv_multipart() == [b"there", b"1"]
        assert tap.recv_multipart() == [b"back"]
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            running()

    def test_refuses_what_is_no_socket(self, context: Any) -> None:
        with pytest.raises(TypeError):
            zmq.proxy(context.socket(zmq.PULL), 5)  # type: ignore[arg-type]

    @pytest.mark.parametrize("run", [zmq.proxy, zmq.proxy_steerable])
    def test_names_what_is_no_socket(self, context: Any, run: Any) -> None:
        socket = context.socket(zmq.PULL)
        with pytest.raises(TypeError, match="frontend is no socket: 1"):
            run(1, socket)
        with pytest.raises(TypeError, match="backend is no socket: None"):
            run(socket, None)
        with pytest.raises(TypeError, match="capture is no socket: 'x'"):
            run(socket, socket, "x")


class TestDevice:
    @pytest.mark.parametrize("kind", [(), (zmq.QUEUE,), (zmq.STREAMER,)])
    def test_is_a_proxy_whatever_its_type(self, context: Any, kind: tuple[int, ...]) -> None:
        front, source = connect_pair(context, "inproc://front", zmq.PULL, zmq.PUSH)
        back, sink = connect_pair(context, "inproc://back", zmq.PUSH, zmq.PULL)
        running = in_thread(zmq.device, *kind, front, back)
        source.send(b"x")
        assert sink.recv() == b"x"
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            running()

    def test_wrong_number_of_arguments(self) -> None:
        with pytest.raises(TypeError, match="1 arguments"):
            zmq.device(zmq.QUEUE)  # type: ignore[call-overload]


class TestSteering:
    @pytest.fixture
    def steered(self, context: Any) -> Any:
        front, source = connect_pair(context, "inproc://front", zmq.PULL, zmq.PUSH)
        back, sink = connect_pair(context, "inproc://back", zmq.PUSH, zmq.PULL)
        control, far = connect_pair(context, "inproc://control")
        running = in_thread(zmq.proxy_steerable, front, back, None, control)
        return source, sink, zmq.Steering(far), running

    def test_terminate_returns(self, steered: Any) -> None:
        source, sink, steering, running = steered
        source.send(b"x")
        assert sink.recv() == b"x"
        steering.terminate()
        assert running() is None

    def test_pause_and_resume(self, steered: Any) -> None:
        source, sink, steering, running = steered
        steering.pause()
        steering.statistics()  # answered, so the pause is in force
        source.send(b"x")
        assert sink.poll(50) == 0
        steering.resume()
        assert sink.recv() == b"x"
        steering.terminate()
        running()

    def test_statistics_count(self, steered: Any) -> None:
        source, sink, steering, running = steered
        assert set(steering.statistics()) == {0}
        for _ in range(3):
            source.send(b"12345")
            sink.recv()
        counted = steering.statistics()
        assert counted.frontend_received == counted.backend_sent == 3
        assert counted.frontend_received_bytes == counted.backend_sent_bytes == 15
        assert counted.backend_received == counted.frontend_sent == 0
        steering.terminate()
        running()
