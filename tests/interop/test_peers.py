"""What the peers are, what they do when they meet each other through us, and their oddities."""

from __future__ import annotations

import socket as tcp
from collections.abc import Callable
from typing import Any

import pytest
from interop.peers import KINDS, Peer
from interop.protocol import build, tally
from interop.talk import Line, bodies_for_reply, receive
from support import FACTOR, in_thread

import zmqlite as zmq

GetPeer = Callable[[str], Peer]
Connect = Callable[..., tuple[Any, Line]]

NAMES = list(KINDS)
CHAIN = list(zip(NAMES, NAMES[1:] + NAMES[:1], strict=True))


def test_version_of_the_protocol(peer: Peer) -> None:
    """As its first bytes say: two generations, and three implementations, are among the peers."""
    line = Line(peer, "probe", "REP")
    endpoint = line.do("bind", "tcp://127.0.0.1:*")
    port = int(endpoint.rpartition(":")[2])
    with tcp.create_connection(("127.0.0.1", port), timeout=8 * FACTOR) as stream:
        stream.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00")
        head = b""
        while len(head) < 12:
            more = stream.recv(12 - len(head))
            assert more, f"it hung up after {head!r}"
            head += more
    assert (head[0], head[9]) == (0xFF, 0x7F)
    revision = (2, 0) if head[10] == 1 else (head[10], head[11])  # ZMTP 2 calls itself 1
    assert revision == peer.kind.greeting, peer.description


@pytest.mark.parametrize(("asking", "answering"), CHAIN)
def test_through_our_broker(
    asking: str, answering: str, get_peer: GetPeer, context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    """A client in one language, a worker in another, and a proxy of ours between them."""
    client, worker = get_peer(asking), get_peer(answering)
    front, back = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    addresses = [str(socket.bind("tcp://127.0.0.1:*")) for socket in (front, back)]
    running = in_thread(zmq.proxy, front, back)
    words = bodies_for_reply(worker)
    service = Line(worker, "service", "REP")
    service.do("connect", addresses[1])
    question = Line(client, "question", "REQ")
    question.do("connect", addresses[0])
    worker.start("echo", "service", 3 * len(words))
    answers = question.do("ask", 3, *words)
    assert worker.finish() == answers == tally(build(3, words))
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        running()


def test_one_socket_for_many_languages(
    peers_here: list[Peer], context: zmq.Context[zmq.Socket[bytes]]
) -> None:
    """All push to one socket at once; each one's messages stay whole and in order."""
    count = 300
    socket = context.socket(zmq.PULL, rcvtimeo=int(8000 * FACTOR))
    endpoint = socket.bind("tcp://127.0.0.1:*")
    lines = {peer.kind.name.encode(): Line(peer, "push", "PUSH") for peer in peers_here}
    for name, line in lines.items():
        line.do("connect", endpoint)
        line.peer.start("send", "push", count, f"x{name.hex()},n")
    found: dict[bytes, list[bytes]] = {name: [] for name in lines}
    for name, number in receive(socket, count * len(lines)):
        found[name].append(number)
    for name, line in lines.items():
        assert found[name] == [b"%d" % number for number in range(count)]
        assert line.peer.finish() == tally([name, number] for number in found[name])


class TestOddities:
    """If one of these fails, the peer has changed: mend what refers to it, and docs/interop.md."""

    def test_old_pyomq_cuts_a_request_at_its_last_empty_part(
        self, get_peer: GetPeer, connect: Connect
    ) -> None:
        """REP takes the envelope off up to the first empty part; that one did, up to the last."""
        socket, line = connect(get_peer("pyomq"), zmq.REQ, "REP")
        socket.send_multipart([b"a", b"", b"b"])
        seen = [b"b"] if line.peer.older_than("pyomq", 0, 27) else [b"a", b"", b"b"]
        assert line.do("recv", 1) == tally([seen])

    def test_longest_identity_of_jeromq(self, get_peer: GetPeer, connect: Connect) -> None:
        """With 128 bytes or more it mistakes the length for a negative one, and hangs."""
        longest = b"\x01" + bytes(125) + b"\xff"
        socket, line = connect(get_peer("jeromq"), zmq.ROUTER, "DEALER", identity=longest)
        line.do("send", 1, "x6869")
        assert socket.recv_multipart() == [longest, b"hi"]
        socket.send_multipart([longest, b"ho"])
        assert line.do("recv", 1) == tally([[b"ho"]])
