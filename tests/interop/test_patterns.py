"""Every pattern with every peer, both ways, bound by us and by them, every body checked.

`BODIES` has what may go wrong on the way: empty and binary parts, many parts, 100 kB, and the
sizes at which a frame changes its form. Tallies carry a digest of what each end has seen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from interop.peers import Peer
from interop.protocol import BODIES, build, tally
from interop.talk import (
    Line,
    agree_that_they_hear,
    agree_that_we_hear,
    ask,
    bind_again,
    bodies_for_reply,
    echo,
    receive,
    send,
)
from support import FACTOR

import zmqlite as zmq
from zmqlite.monitor import recv_monitor_message

Link = Callable[..., tuple[Any, Line]]

MESSAGES = build(1, BODIES)
WAIT = int(6000 * FACTOR)  # ms
MANY = 500
NUMBERS = build(MANY, ["n,-"])
TOPICS = [b"A.", b"\x00\xff"]
LEADER = ["x412e,n", "x00ff,p100000.1", "x422e,p100000.1", "x412e33,p100000.1,-"]
EDITION = ["x412e,n", "x422e,n", "x00ff", "x00fe,n", "x41", "-", "x412e3161,-,x00ff,n"]
PUBLISHED = [*build(1, LEADER), *build(30, EDITION)]
WANTED = [message for message in PUBLISHED if message[0].startswith(tuple(TOPICS))]


class TestRequestReply:
    def test_we_ask(self, link: Link) -> None:
        socket, line = link(zmq.REQ, "REP")
        words = bodies_for_reply(line.peer)
        messages = build(1, words)
        seen, answers = line.during(lambda: ask(socket, messages), "echo", len(words))
        assert answers == messages
        assert seen == tally(messages)

    def test_they_ask(self, link: Link) -> None:
        socket, line = link(zmq.REP, "REQ")
        answers, seen = line.during(lambda: echo(socket, len(BODIES)), "ask", 1, *BODIES)
        assert seen == MESSAGES
        assert answers == tally(MESSAGES)


class TestPipeline:
    def test_we_push(self, link: Link) -> None:
        socket, line = link(zmq.PUSH, "PULL")
        messages = [*MESSAGES, *NUMBERS]
        seen, _ = line.during(lambda: send(socket, messages), "recv", len(messages))
        assert seen == tally(messages)

    def test_they_push(self, link: Link) -> None:
        socket, line = link(zmq.PULL, "PUSH")
        sent, seen = line.during(lambda: receive(socket, len(MESSAGES)), "send", 1, *BODIES)
        assert seen == MESSAGES
        assert sent == tally(MESSAGES)
        sent, seen = line.during(lambda: receive(socket, MANY), "send", MANY, "n,-")
        assert seen == NUMBERS
        assert sent == tally(NUMBERS)


class TestPublishing:
    """Only what begins with a topic arrives, and all of it."""

    def test_we_publish(self, link: Link) -> None:
        socket, line = link(zmq.PUB, "SUB", subscribe=TOPICS)
        agree_that_they_hear(socket, line, TOPICS)
        seen, _ = line.during(lambda: send(socket, PUBLISHED), "recv", len(WANTED))
        assert seen == tally(WANTED)
        socket.send(b"A.end")  # and nothing was between
        assert line.do("recv", 1) == tally([[b"A.end"]])

    def test_they_publish(self, link: Link) -> None:
        socket, line = link(zmq.SUB, "PUB")
        for topic in TOPICS:
            socket.subscribe(topic)
        agree_that_we_hear(line, socket, TOPICS)
        sent = [line.do("send", 1, *LEADER), line.do("send", 30, *EDITION)]
        assert sent == [tally(build(1, LEADER)), tally(build(30, EDITION))]
        assert receive(socket, len(WANTED)) == WANTED
        line.do("send", 1, "x412e")  # and nothing was between
        assert socket.recv_multipart() == [b"A."]


class TestRouting:
    def test_we_route(self, link: Link) -> None:
        """To a dealer whose identity has bytes that are no text, where its API allows them."""
        socket, line = link(zmq.ROUTER, "DEALER", named=True)
        identity = line.peer.kind.identity
        sent, seen = line.during(lambda: receive(socket, len(BODIES)), "send", 1, *BODIES)
        assert seen == [[identity, *message] for message in MESSAGES]
        assert sent == tally(MESSAGES)
        seen_there, _ = line.during(
            lambda: send(socket, MESSAGES, (identity,)), "recv", len(BODIES)
        )
        assert seen_there == tally(MESSAGES)

    def test_they_route(self, link: Link) -> None:
        identity = b"\x01we\x00\xff"
        socket, line = link(zmq.DEALER, "ROUTER", options={"routing_id": identity})
        with_identity = tally([identity, *message] for message in MESSAGES)
        seen, answers = line.during(lambda: ask(socket, MESSAGES), "echo", len(BODIES))
        assert answers == MESSAGES
        assert seen == with_identity

    def test_our_router_for_their_request(self, link: Link) -> None:
        """An anonymous REQ: an identity of five bytes, the empty part, the body."""
        socket, line = link(zmq.ROUTER, "REQ")
        answers, seen = line.during(lambda: echo(socket, len(BODIES)), "ask", 1, *BODIES)
        assert answers == tally(MESSAGES)
        assert [message[1:] for message in seen] == [[b"", *message] for message in MESSAGES]
        assert {(len(message[0]), message[0][:1]) for message in seen} == {(5, b"\x00")}

    def test_our_dealer_for_their_reply(self, link: Link) -> None:
        """Requests in flight at the same time; an envelope of two addresses comes back."""
        socket, line = link(zmq.DEALER, "REP")
        words = bodies_for_reply(line.peer)
        messages = build(1, words)
        envelope = (b"\x00one", b"two\xff", b"")

        def our_part() -> list[list[bytes]]:
            send(socket, messages, envelope)
            return receive(socket, len(messages))

        seen, answers = line.during(our_part, "echo", len(words))
        assert seen == tally(messages)
        expected = [[*envelope, *message] for message in messages]
        if line.peer.older_than("pyomq", 0, 27):  # sometimes one answer overtakes another there
            answers.sort()
            expected.sort()
        assert answers == expected


def connected(socket: Any, events: int) -> Any:
    """Start to watch for the start and the end of connections; each call waits for the next."""
    monitor = socket.get_monitor_socket(events)

    def wait() -> int:
        assert monitor.poll(WAIT), f"no {events!r} within {WAIT} ms"
        return int(recv_monitor_message(monitor)["event"])

    return wait


class TestComingBack:
    """A side that ends and starts again, as programs do, finds the other one waiting."""

    def test_they_restart(self, peer: Peer, connect: Link) -> None:
        socket, line = connect(peer, zmq.PUSH, "PULL", we_bind=False)
        send(socket, NUMBERS[:1])
        assert line.do("recv", 1) == tally(NUMBERS[:1])
        endpoint = socket.endpoints[0]
        wait = connected(socket, zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        peer.do("close")
        assert wait() == zmq.EVENT_DISCONNECTED
        line = Line(peer, "again", "PULL")
        assert bind_again(functools.partial(line.do, "bind"), endpoint) == endpoint
        assert wait() == zmq.EVENT_CONNECTED
        send(socket, MESSAGES)
        assert line.do("recv", len(MESSAGES)) == tally(MESSAGES)
        socket.disable_monitor()

    def test_we_restart(
        self, peer: Peer, connect: Link, context: zmq.Context[zmq.Socket[bytes]]
    ) -> None:
        socket, line = connect(peer, zmq.ROUTER, "DEALER", named=True)
        line.during(lambda: receive(socket, 1), "send", 1, "x31")
        endpoint = socket.endpoints[0]
        socket.close()
        socket = context.socket(zmq.ROUTER, rcvtimeo=WAIT, linger=0)
        wait = connected(socket, zmq.EVENT_ACCEPTED)
        bind_again(socket.bind, endpoint)
        assert wait() == zmq.EVENT_ACCEPTED
        answers, seen = line.during(lambda: echo(socket, len(BODIES)), "ask", 1, *BODIES)
        assert seen == [[peer.kind.identity, *message] for message in MESSAGES]
        assert answers == tally(MESSAGES)
        socket.disable_monitor()
