"""Many topics at a publisher, and peers that come and go."""

from __future__ import annotations

import random
import select

import pytest
from programs import hostile_program
from support import needs_patch

import zmqlite as zmq

pytestmark = needs_patch("own-topics")


def test_the_end_of_a_peer_costs_what_it_subscribed_to() -> None:
    """One peer has long topics; what others cost that come and go does not depend on these."""
    hostile_program(
        """
        with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=20000) as xpub:
            xpub.bind("tcp://127.0.0.1:*")
            port = wire.port_of(xpub.last_endpoint)

            def subscriber(*topics):
                raw = wire.connect(port)
                wire.speak(raw, "SUB")
                raw.sendall(b"".join(wire.command(b"SUBSCRIBE", topic) for topic in topics))
                return raw

            big = subscriber(*(os.urandom(200) for _ in range(4000)))
            for _ in range(4000):
                assert xpub.recv()[:1] == b"\\1"
            raws = [subscriber(b"%02d" % i) for i in range(100)]
            assert {xpub.recv() for _ in raws} == {b"\\1%02d" % i for i in range(100)}
            for raw in raws:
                wire.reset(raw)
            began = time.thread_time()
            assert {xpub.recv() for _ in raws} == {b"\\0%02d" % i for i in range(100)}
            spent = time.thread_time() - began
            assert spent < 0.5, spent  # it was two seconds and more
            wire.reset(big)
            assert all(xpub.recv()[:1] == b"\\0" for _ in range(4000))
        """
    )


def test_topics_among_many_peers() -> None:
    """What matches is what was subscribed to, whoever comes, goes and cancels meanwhile."""
    chance = random.Random(7)
    words = [
        b"",
        b"a",
        b"ab",
        b"abc",
        b"abd",
        b"b",
        b"\x00",
        b"\xff",
        b"a" * 300,
        b"a" * 299 + b"z",
    ]
    with zmq.Context() as context, context.socket(zmq.XPUB, linger=0, rcvtimeo=10000) as xpub:
        xpub.bind("inproc://topics-among-many")
        xpub.xpub_verboser = True
        held: dict[zmq.Socket, set[bytes]] = {}
        try:
            for _ in range(300):
                kind = chance.random()
                if not held or (kind < 0.15 and len(held) < 6):
                    held[context.socket(zmq.XSUB, linger=0)] = set()
                    list(held)[-1].connect("inproc://topics-among-many")
                elif kind < 0.25:
                    sub = chance.choice(list(held))
                    topics = held.pop(sub)
                    sub.close()
                    assert {xpub.recv() for _ in topics} == {b"\0" + topic for topic in topics}
                else:
                    sub, topic = chance.choice(list(held)), chance.choice(words)
                    code = chance.choice([b"\0", b"\1"])
                    if (topic in held[sub]) == (code == b"\1"):
                        continue
                    sub.send(code + topic)
                    assert xpub.recv() == code + topic
                    (held[sub].add if code == b"\1" else held[sub].discard)(topic)
                text = chance.choice(words) + chance.choice(words)
                xpub.send(text)
                for sub, topics in held.items():
                    wanted = any(text.startswith(topic) for topic in topics)
                    assert sub.poll(0 if not wanted else 5000) == (zmq.POLLIN if wanted else 0)
                    if wanted:
                        assert sub.recv() == text
        finally:
            for sub in held:
                sub.close()


@needs_patch("topic-memory")
def test_no_memory_for_a_topic() -> None:
    """It is not subscribed to; all else goes on, for its subscriber too."""
    hostile_program(
        """
        import resource
        size = 16 << 20  # takes half a GB
        with zmq.Context() as context, context.socket(zmq.PUB, linger=0) as pub:
            port = wire.port_of(pub.bind("tcp://127.0.0.1:*"))
            honest = wire.connect(port)
            wire.speak(honest, "SUB")
            honest.sendall(wire.command(b"SUBSCRIBE", b"honest"))
            with open("/proc/self/statm") as statm:
                pages = int(statm.read().split()[0])
            room = pages * resource.getpagesize() + (160 << 20)
            resource.setrlimit(resource.RLIMIT_AS, (room, -1))
            for _ in range(2):
                raw = wire.connect(port)
                raw.settimeout(0.01)
                wire.speak(raw, "SUB")
                raw.settimeout(20)
                body = b"\\x09SUBSCRIBE" + bytes(1 << 20)
                raw.sendall(b"\\x06" + (size + 10).to_bytes(8, "big") + body)
                for _ in range(15):
                    raw.sendall(body[10:])
                raw.sendall(wire.command(b"SUBSCRIBE", b"more"))
                raw.settimeout(0.01)
                end = time.monotonic() + 20
                heard = b""
                while b"more news" not in heard:
                    assert time.monotonic() < end
                    pub.send(b"honest news")
                    pub.send(b"more news")
                    try:
                        heard += raw.recv(4096)
                    except TimeoutError:
                        pass
                raw.close()
            wire.read_until(honest, b"honest news")
            honest.close()
        """
    )


needs_epoll = pytest.mark.skipif(not hasattr(select, "epoll"), reason="a system without epoll")

COUNT = 300_000
"""More requests than one call reads, which is 65,536."""


def ask_without_end(context: zmq.Context, where: str) -> zmq.Socket:
    """Return a subscriber that has asked for one topic again and again, then for another."""
    sub = context.socket(zmq.XSUB, linger=0, rcvtimeo=10000, sndhwm=0, xsub_verbose_unsubscribe=1)
    sub.connect(where)
    for _ in range(COUNT // 2):
        sub.send(b"\1again")
        sub.send(b"\0again")
    sub.send(b"\1last")
    return sub


@needs_patch("bounded-requests", "verbose-cancels")
def test_one_call_reads_so_many_requests_and_no_more() -> None:
    """Who sends requests as fast as they are read does not keep the publisher in one call."""
    with (
        zmq.Context() as context,
        context.socket(zmq.PUB, linger=0, rcvhwm=0) as pub,
        ask_without_end(context, pub.bind("inproc://so-many")) as sub,
    ):
        calls = 0
        while not sub.poll(0):
            pub.send(b"last")
            calls += 1
            if calls % 1000 == 0:
                assert calls < 1_000_000, "the rest is never read"
        assert calls > COUNT // 65536
        assert sub.recv() == b"last"


@needs_patch("bounded-requests", "verbose-cancels")
@needs_epoll
def test_requests_that_are_left_are_told_to_who_waits_for_an_edge() -> None:
    """The descriptor says so once more each time, also if nothing is there for the program."""
    context = zmq.Context()
    xpub = context.socket(zmq.XPUB, linger=0, rcvhwm=0, rcvtimeo=10000)
    with (
        context,
        xpub,
        select.epoll() as epoll,
        ask_without_end(context, xpub.bind("inproc://left")) as sub,
    ):
        epoll.register(xpub.fd, select.EPOLLIN | select.EPOLLET)
        edges, seen = 0, [b""]
        while seen[-1] != b"\1last":
            assert epoll.poll(10), f"no edge after {edges}"
            edges += 1
            while xpub.get(zmq.EVENTS) & zmq.POLLIN:
                seen.append(xpub.recv())
        assert len(seen) == COUNT + 2
        xpub.send(b"last")
        assert sub.recv() == b"last"


@needs_patch("bounded-requests", "verbose-cancels")
@needs_epoll
def test_requests_that_are_left_make_an_edge_for_a_publisher_too() -> None:
    """It has nothing to receive, so that nothing but the descriptor can tell."""
    context = zmq.Context()
    pub = context.socket(zmq.PUB, linger=0, rcvhwm=0)
    with (
        context,
        pub,
        select.epoll() as epoll,
        ask_without_end(context, pub.bind("inproc://left")) as sub,
    ):
        epoll.register(pub.fd, select.EPOLLIN | select.EPOLLET)
        for edge in range(COUNT // 65536 + 1):
            assert epoll.poll(10), f"no edge after {edge}"
            pub.get(zmq.EVENTS)
        pub.send(b"last")
        assert sub.recv() == b"last"


@needs_patch("bounded-requests", "verbose-cancels")
def test_a_subscriber_goes_whose_requests_are_left() -> None:
    """And one that comes after it is heard, although more is asked for than is read."""
    with zmq.Context() as context, context.socket(zmq.PUB, linger=0, rcvhwm=0) as pub:
        where = pub.bind("inproc://goes")
        flood = ask_without_end(context, where)
        with context.socket(zmq.SUB, linger=0, rcvtimeo=10000) as honest:
            honest.connect(where)
            honest.subscribe = b"honest"
            pub.send(b"nobody")
            flood.close()
            for _ in range(1_000_000):
                pub.send(b"honest")
                if honest.poll(0):
                    break
            assert honest.recv() == b"honest"
