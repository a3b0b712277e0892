"""zmqlite.trio: who waits, in which order, for how long, and who is woken."""

from __future__ import annotations

from typing import Any

import pytest
from support import FACTOR, Source
from trio_stage import pair, run, waiting

import zmqlite

trio: Any = pytest.importorskip("trio")
testing: Any = pytest.importorskip("trio.testing")
zmq: Any = pytest.importorskip("zmqlite.trio")


def test_send_many_with_dontwait_and_time_limits(trio_context: Any) -> None:
    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
        assert await push.send_many(Source(), zmq.DONTWAIT) == 20
        assert await push.send_many([b"x"], zmq.DONTWAIT) == 0
        push.sndtimeo = 0
        with pytest.raises(zmqlite.Again) as caught:
            await push.send_many(Source())
        assert caught.value.sent == 0
        push.sndtimeo = limit = int(1000 * FACTOR)
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                with pytest.raises(zmqlite.Again) as caught:
                    await push.send_many(Source())
                assert caught.value.sent >= 100

            nursery.start_soon(send)
            for _ in range(120):  # it gets on all the time, for longer than the limit
                await trio.sleep(limit / 100_000)  # time is the subject
                await pull.recv()

    run(main)


def test_a_quiet_socket_never_rests(trio_context: Any) -> None:
    """Only what is used in one pass counts, not what was used since long ago."""

    async def main() -> None:
        first, second = pair(trio_context)
        await first.poll(0)
        zmq.set_fairness(seconds=1000, count=10)
        first._binding.rest = None  # who rests fails
        for _ in range(100):
            await first.send(b"x")
            await first.send(b"x")
            await second.poll(0)
            await second.recv_many()
            await trio.sleep(0.0001)  # the next pass

    run(main)


@pytest.mark.parametrize("kinds", ["PAIR PAIR", "CLIENT SERVER", "SCATTER GATHER"])
def test_nothing_runs_while_there_is_no_news(trio_context: Any, kinds: str) -> None:
    """No deadline is set, and no pass made, to come and look."""
    if "PAIR" not in kinds and not zmqlite.DRAFT_API:
        pytest.skip("built without drafts")

    class Passes(trio.abc.Instrument):  # type: ignore[misc]
        count = 0

        def before_io_wait(self, timeout: float) -> None:
            self.count += 1

    async def main() -> None:
        first, second = pair(trio_context, [getattr(zmq, kind) for kind in kinds.split()])
        passes = Passes()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            nursery.start_soon(second.recv)
            nursery.start_soon(second.poll)
            await waiting(second, count=3)
            own = trio.current_effective_deadline()  # the test's own limit
            left = trio.lowlevel.current_statistics().seconds_to_next_deadline
            assert trio.current_time() + left == pytest.approx(own, abs=1)
            trio.lowlevel.add_instrument(passes)
            await trio.sleep(0.1)  # time is the subject: no pass is made meanwhile
            trio.lowlevel.remove_instrument(passes)
            assert passes.count <= 4
            for _ in range(3):  # two are received, one is polled
                await first.send(b"x")

    run(main)


def test_sending_does_not_swallow_the_news_of_a_receiver(trio_context: Any) -> None:
    """Each use of a socket may silence its descriptor, under a task that watches it."""

    async def main() -> None:
        first, second = pair(trio_context)
        for _ in range(200):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(second.recv)
                await waiting(second)
                await first.send(b"news")
                second._poll_events(3)
                await second.send(b"x")
                second.get(zmq.EVENTS)
                assert second.events >= 0
            await first.recv()

    run(main)


def test_poll(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        assert await second.poll(0) == 0
        assert await second.poll(1) == 0
        assert await second.poll(None, zmq.POLLIN | zmq.POLLOUT) == zmq.POLLOUT
        found = []

        async def poll() -> None:
            found.append(await second.poll())

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(poll)
            await waiting(second, count=3)
            await first.send(b"x")
        assert found == [zmq.POLLIN] * 3  # all who look see it
        assert await second.recv() == b"x"

    run(main)


def test_time_limits(trio_context: Any) -> None:
    """RCVTIMEO and SNDTIMEO hold, by trio's own clock."""

    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=1, rcvhwm=1)
        while push.writable():
            await push.send(b"full")
        push.sndtimeo = 30_000
        start = trio.current_time()
        with pytest.raises(zmqlite.Again, match="SNDTIMEO of 30000 ms"):
            await push.send(b"x")
        assert trio.current_time() - start == pytest.approx(30)
        lone = trio_context.socket(zmq.PULL, linger=0, rcvtimeo=20_000)
        for call in ("recv", "recv_string", "recv_multipart", "recv_many"):
            start = trio.current_time()
            with pytest.raises(zmqlite.Again, match="RCVTIMEO of 20000 ms"):
                await getattr(lone, call)()
            assert trio.current_time() - start == pytest.approx(20)
        with pytest.raises(zmqlite.Again):
            async for _ in lone:
                pass
        start = trio.current_time()
        for flags, limit in ((zmq.NOBLOCK, 20_000), (0, 0)):
            lone.rcvtimeo = limit
            with pytest.raises(zmqlite.Again):
                await lone.recv(flags)
        push.sndtimeo = 0
        for flags in (zmq.NOBLOCK, 0):
            with pytest.raises(zmqlite.Again):
                await push.send(b"x", flags)
        assert await lone.poll(5000) == 0
        assert trio.current_time() - start == pytest.approx(5)
        assert lone._binding.idle
        assert await pull.recv() == b"full"

    run(main, clock=testing.MockClock(autojump_threshold=0))


def test_a_full_peer_does_not_hold_up_the_others(trio_context: Any) -> None:
    """A ROUTER that must deliver is always writable, one of its peers is not: no spinning."""

    async def main() -> None:
        router = trio_context.socket(zmq.ROUTER, router_mandatory=1, sndhwm=1, linger=0)
        router.bind("inproc://router")
        peers = {
            name: trio_context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
            for name in (b"full", b"idle")
        }
        for peer in peers.values():
            peer.connect("inproc://router")
            await peer.send(b"hello")
            await router.recv_multipart()
        sent = 0
        while True:
            try:
                await router.send_multipart([b"full", b"x"], zmq.NOBLOCK)
            except zmqlite.Again:
                break
            sent += 1
        async with trio.open_nursery() as nursery:
            nursery.start_soon(router.send_multipart, [b"full", b"last"])
            nursery.start_soon(router.recv_multipart)
            await waiting(router, count=2)  # it would never be blocked if it spun
            await router.send_multipart([b"idle", b"y"])
            assert await peers[b"idle"].recv() == b"y"
            for _ in range(sent):
                assert await peers[b"full"].recv() == b"x"
            assert await peers[b"full"].recv() == b"last"
            await peers[b"idle"].send(b"bye")

    run(main)


def test_many_blocked_peers(trio_context: Any) -> None:
    """Several senders wait, each for a peer of its own, and a receiver besides."""

    async def main() -> None:
        router = trio_context.socket(zmq.ROUTER, router_mandatory=1, sndhwm=2, linger=0)
        router.bind("inproc://router")
        names = [b"p%d" % n for n in range(6)]
        peers = [trio_context.socket(zmq.DEALER, routing_id=n, rcvhwm=2, linger=0) for n in names]

        async def feed(name: bytes) -> None:
            for number in range(200):
                await router.send_multipart([name, b"%d" % number])

        async def eat(peer: Any) -> None:
            for number in range(200):
                assert await peer.recv() == b"%d" % number
                await peer.send(b"ack")

        async with trio.open_nursery() as nursery:
            for peer in peers:
                peer.connect("inproc://router")
                await peer.send(b"hello")
                await router.recv_multipart()
            for name, peer in zip(names, peers, strict=True):
                nursery.start_soon(feed, name)
                nursery.start_soon(eat, peer)
            for _ in range(200 * len(names)):
                await router.recv_multipart()

    run(main)


def test_a_task_that_was_woken_amid_its_cancellation_is_not_woken_twice(trio_context: Any) -> None:
    """A signal handler may close the socket when trio has begun to cancel who waits for it."""

    async def main() -> None:
        socket = trio_context.socket(zmq.DEALER, linger=0)
        ended: list[str] = []

        async def receive(scope: trio.CancelScope) -> None:
            with scope:
                try:
                    await socket.recv()
                except (zmqlite.SocketClosed, trio.ClosedResourceError):
                    ended.append("closed")
            ended.append("out")

        async with trio.open_nursery() as nursery:
            scopes = [trio.CancelScope(), trio.CancelScope()]
            for scope in scopes:
                nursery.start_soon(receive, scope)
            await waiting(socket, count=2)
            await testing.wait_all_tasks_blocked()
            parked = next(one for one in socket._binding.waiters if one.parked)
            parked.call()  # as what happens in the middle of the cancellation may do
            assert parked.abort(None) is trio.lowlevel.Abort.FAILED
            socket.close()
            for scope in scopes:
                scope.cancel()
        assert ended.count("out") == 2

    run(main)
