"""A socket of a peer, as a test sees it, and the moment at which a subscription is in force."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from interop.peers import Peer, PeerError, deadline
from interop.protocol import BODIES, spell

import zmqlite as zmq


class Line:
    """One socket in a peer, by its name there."""

    def __init__(self, peer: Peer, name: str, type_name: str, **options: Any) -> None:
        self.peer = peer
        self.name = name
        words = []
        for key, value in options.items():
            for one in value if isinstance(value, list) else [value]:
                words.append(f"{key}={one.hex() if isinstance(one, bytes) else one}")
        peer.do("open", name, type_name, *words)

    def do(self, job: str, *words: Any) -> str:
        """Have a job done on this socket."""
        return self.peer.do(job, self.name, *words)

    def during(self, our_part: Callable[[], Any], job: str, *words: Any) -> tuple[str, Any]:
        """Do our part while the peer does a job; return what each of us got out of it."""
        self.peer.start(job, self.name, *words)
        try:
            found = our_part()
        except zmq.ZMQError as error:
            if self.peer.answered():  # its reason comes before ours
                self.peer.finish()
            raise self.peer.failure(f"leaves us waiting: {error}") from error
        return self.peer.finish(), found


def receive(socket: Any, count: int) -> list[list[bytes]]:
    """Receive that many messages."""
    return [socket.recv_multipart() for _ in range(count)]


def send(socket: Any, messages: list[list[bytes]], prefix: tuple[bytes, ...] = ()) -> None:
    """Send messages, each behind a prefix."""
    for message in messages:
        socket.send_multipart([*prefix, *message])


def echo(socket: Any, count: int) -> list[list[bytes]]:
    """Receive that many messages, send back each, and return them."""
    found = []
    for _ in range(count):
        found.append(socket.recv_multipart())
        socket.send_multipart(found[-1])
    return found


def ask(socket: Any, messages: list[list[bytes]]) -> list[list[bytes]]:
    """Send each message and wait for its answer; return the answers."""
    found = []
    for message in messages:
        socket.send_multipart(message)
        found.append(socket.recv_multipart())
    return found


def agree_that_they_hear(publisher: Any, line: Line, topics: list[bytes]) -> None:
    """Publish until the peer has heard each topic, and let it throw away the rest of that."""
    for topic in topics:
        check = deadline(f"the subscription of {line.peer.kind.name} to {topic!r}")
        line.peer.start("until", line.name, spell(topic + b"sync"))
        publisher.send(topic + b"sync")
        while not line.peer.answered(0.005):
            publisher.send(topic + b"sync")
            check()
        line.peer.finish()
    publisher.send(topics[0] + b"go")
    line.do("until", spell(topics[0] + b"go"))


def agree_that_we_hear(line: Line, subscriber: Any, topics: list[bytes]) -> None:
    """Let the peer publish until we have heard each topic, and throw away the rest of that."""
    check = deadline(f"our subscription at {line.peer.kind.name}")
    unheard = set(topics)
    while unheard:
        line.do("send", 1, *(spell(topic + b"sync") for topic in topics))
        while unheard and subscriber.poll(5):
            unheard.discard(subscriber.recv().removesuffix(b"sync"))
        check()
    line.do("send", 1, spell(topics[0] + b"go"))
    while subscriber.recv() != topics[0] + b"go":
        pass


def bind_again(bind: Callable[[str], Any], endpoint: str) -> Any:
    """Bind to an endpoint that is just about to be given up."""
    check = deadline(f"{endpoint} to be free")
    while True:
        with contextlib.suppress(zmq.AddressInUse, PeerError):
            return bind(endpoint)
        check()
        time.sleep(0.002)


def bodies_for_reply(peer: Peer) -> list[str]:
    """Return what a REP socket of that peer takes: an old pyomq stumbles over empty parts."""
    if peer.older_than("pyomq", 0, 27):
        return [word for word in BODIES if "-" not in word]
    return BODIES
