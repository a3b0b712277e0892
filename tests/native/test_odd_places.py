"""Sockets where they do not belong: an exception, or nothing at all, but no abort."""

from __future__ import annotations

import pytest
from programs import program, run_program
from support import needs_drafts, needs_patch


@needs_patch("odd-places")
@needs_drafts
def test_a_datagram_from_a_socket_without_an_address():
    program(
        """
        context = zmq.Context()
        socket = context.socket(zmq.DGRAM, linger=0, sndtimeo=20)
        for call in (lambda: socket.send(b"x"), lambda: socket.send(b"x", zmq.NOBLOCK),
                     lambda: socket.send_multipart([b"127.0.0.1:9", b"x"]),
                     lambda: socket.send(bytes(5000), copy=False)):
            refused(call, zmq.Again)
        context.destroy(0)
        """
    )


@needs_patch("odd-places")
@needs_drafts
@pytest.mark.parametrize(
    "endpoint", ["inproc://x", "ipc://@zmqlite-odd", "tcp://127.0.0.1:9", "ws://127.0.0.1:9"]
)
def test_datagrams_go_over_udp_only(endpoint):
    program(
        """
        context = zmq.Context()
        socket = context.socket(zmq.DGRAM, linger=0)
        assert refused(lambda: socket.connect(sys.argv[1])).errno == zmq.ENOCOMPATPROTO
        assert refused(lambda: socket.bind(sys.argv[1])).errno == zmq.ENOCOMPATPROTO
        context.destroy(0)
        """,
        endpoint,
    )


@needs_patch("odd-places")
@pytest.mark.parametrize("look", [0, 1])
def test_a_stream_over_inproc_meets_parts(look):
    program(
        """
        context = zmq.Context()
        stream = context.socket(zmq.STREAM, linger=0, rcvtimeo=20000, bind="inproc://stream")
        peer = context.socket(zmq.DEALER, linger=0, connect="inproc://stream")
        peer.send_multipart([b"one", b"two"])
        bodies = []
        while bodies[-1:] != [b"two"]:
            if int(sys.argv[1]):
                stream.poll(20000)
            name, body = stream.recv_multipart()
            bodies.append(body)
        assert bodies[-2:] == [b"one", b"two"], bodies
        context.destroy(0)
        """,
        look,
    )


@needs_patch("odd-places")
def test_a_rep_answers_nobody():
    program(
        """
        context = zmq.Context()
        rep = context.socket(zmq.REP, linger=0, rcvtimeo=20000)
        rep.setsockopt(zmq.ROUTER_MANDATORY, 1)
        dealer = context.socket(zmq.DEALER, linger=0, bind="inproc://dealer")
        rep.connect("inproc://dealer")
        dealer.send_multipart([b"", b"question"])
        assert rep.poll(20000)
        rep.disconnect("inproc://dealer")
        for _ in range(5):  # both ends see to their commands: the pipe goes
            dealer.get(zmq.EVENTS)
            rep.get(zmq.EVENTS)
        assert rep.recv() == b"question"
        rep.send(b"answer to nobody")
        context.destroy(0)
        """
    )


@needs_patch("unset-flag")
@needs_drafts
def test_a_new_socket_was_not_disconnected():
    """Whatever was in its memory, which glibc fills here: refused once, it tries again."""
    run_program(
        """
        import os
        context = zmq.Context()
        endpoint = f"ipc://@zmqlite-unset-{os.getpid()}"
        client = context.socket(zmq.PUSH, linger=0, reconnect_ivl=10)
        client.reconnect_stop = zmq.RECONNECT_STOP_HANDSHAKE_FAILED
        reports = client.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
        reports.rcvtimeo = 10000
        client.connect(endpoint)
        zmq.recv_monitor_message(reports)  # it was refused, and goes on
        client.disable_monitor()
        client.send(b"here")
        server = context.socket(zmq.PULL, rcvtimeo=20000, bind=endpoint)
        assert server.recv() == b"here"
        context.destroy(0)
        """,
        env={"MALLOC_PERTURB_": "254"},
    )
