"""zmqlite.trio: the calls, the waiting, the ends. Storms and floods: test_trio_load.py."""

from __future__ import annotations

import contextlib
import errno
import gc
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, in_thread

import zmqlite

trio: Any = pytest.importorskip("trio")
testing: Any = pytest.importorskip("trio.testing")
zmq: Any = pytest.importorskip("zmqlite.trio")

LIMIT = 10 * FACTOR


def run(main: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
    """Run a test's main function; fail if it hangs."""

    async def limited() -> Any:
        with trio.fail_after(LIMIT * 1000 if "clock" in options else LIMIT):
            return await main(*args)

    return trio.run(limited, **options)


def pair(context: Any, kinds: tuple[int, int] = (zmq.PAIR, zmq.PAIR), **options: Any) -> Any:
    """Return two sockets of one context, connected over inproc."""
    first = context.socket(kinds[0], linger=0, **options)
    second = context.socket(kinds[1], linger=0, **options)
    second.connect(first.bind(f"inproc://{id(first):x}"))
    return first, second


class KeepingContext(zmq.Context):
    """Keeps its sockets alive, so that a test may drop one without a ResourceWarning."""

    def socket(self, *args: Any, **kwargs: Any) -> Any:
        socket = super().socket(*args, **kwargs)
        self.__dict__.setdefault("_kept", []).append(socket)
        return socket


@pytest.fixture
def trio_context() -> Any:
    context = KeepingContext()
    yield context
    for socket in context.sockets():
        socket.close(0)
    context.term(timeout=LIMIT)


async def waiting(*sockets: Any, count: int = 1) -> None:
    """Come back when this many tasks wait on each socket."""
    for socket in sockets:
        while socket._link is None or len(socket._link.waiters) < count:
            await trio.lowlevel.checkpoint()
    await testing.wait_all_tasks_blocked()


# -- the calls ------------------------------------------------------------------------------------


CALLS: list[tuple[str, tuple[Any, ...], str, tuple[Any, ...], Any]] = [
    ("send", (b"x",), "recv", (), b"x"),
    ("send", (bytearray(b"x"),), "recv", (), b"x"),
    ("send", (b"x" * 100_000,), "recv", (), b"x" * 100_000),
    ("send_multipart", ([b"a", b"b"],), "recv_multipart", (), [b"a", b"b"]),
    ("send_string", ("caf\xe9\udcff",), "recv_string", (), "caf\xe9\udcff"),
    ("send_strings", (["a", "b"],), "recv_strings", (), ["a", "b"]),
    ("send_json", ({"a": [1]},), "recv_json", (), {"a": [1]}),
    ("send_pyobj", ({1: b"x"},), "recv_pyobj", (), {1: b"x"}),
    ("send_serialized", (7, lambda n: [b"%d" % n]), "recv_serialized", (lambda p: int(p[0]),), 7),
    ("send_multipart", ([b"id", b"", b"x"],), "recv_envelope", (), ([b"id", b""], [b"x"])),
    ("send_many", ([b"a", [b"b", b"c"]],), "recv_many", (), [b"a", b"b", b"c"]),
]


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "waits"])
@pytest.mark.parametrize(("send", "given", "recv", "taken", "value"), CALLS)
def test_calls(
    trio_context: Any, send: str, given: Any, recv: str, taken: Any, value: Any, waits: bool
) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        results = []

        async def receive() -> None:
            results.append(await getattr(second, recv)(*taken))

        async with trio.open_nursery() as nursery:
            if waits:
                nursery.start_soon(receive)
                await waiting(second)
            await getattr(first, send)(*given)
            if not waits:
                nursery.start_soon(receive)
        assert results == [value]

    run(main)


def test_recv_into_and_frames(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        buffer = bytearray(4)
        await first.send(b"abcdef")
        assert await second.recv_into(buffer) == 6
        assert buffer == b"abcd"
        tracker = await first.send(b"x" * 70_000, copy=False, track=True)
        frame = await second.recv(copy=False)
        assert isinstance(frame, zmqlite.Frame)
        assert len(frame) == 70_000
        del frame
        await trio.to_thread.run_sync(tracker.wait, LIMIT)

    run(main)


def test_every_call_is_a_checkpoint(trio_context: Any) -> None:
    """Also when it can be done at once: cancelled, it has done nothing."""

    async def main() -> None:
        first, second = pair(trio_context)
        await first.send(b"one")
        for call in ("recv", "recv_string", "recv_json", "recv_multipart", "recv_many", "poll"):
            with testing.assert_checkpoints(), trio.move_on_after(0) as scope:
                await getattr(second, call)()
            assert scope.cancelled_caught, call
        with trio.move_on_after(0) as scope:
            await first.send(b"two")
        assert scope.cancelled_caught
        with trio.move_on_after(0) as scope:
            await first.send_many([b"two"])
        assert scope.cancelled_caught
        assert await second.recv_many() == [b"one"]

    run(main)


def test_str_is_refused(trio_context: Any) -> None:
    async def main() -> None:
        first, _ = pair(trio_context)
        with pytest.raises(TypeError, match="send_string"):
            await first.send("text")
        with pytest.raises(TypeError, match="async for"):
            iter(first)

    run(main)


def test_nursery_takes_the_calls(trio_context: Any) -> None:
    """They are async functions, which trio insists on."""

    async def main() -> None:
        first, second = pair(trio_context)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            nursery.start_soon(first.send_string, "x")

    run(main)


# -- waiting --------------------------------------------------------------------------------------


def test_receivers_are_served_in_order(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        got: list[tuple[int, bytes]] = []

        async def receive(number: int) -> None:
            got.append((number, await second.recv()))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(receive, number)
                await waiting(second, count=number + 1)
            await first.send_many([b"%d" % number for number in range(20)])
        assert got == [(number, b"%d" % number) for number in range(20)]

    run(main)


def test_senders_are_served_in_order(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=1, rcvhwm=1)
        while first.writable():
            await first.send(b"full")
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(first.send, b"%d" % number)
                await waiting(first, count=number + 1)
            got: list[bytes] = []
            while len(got) < 20:
                part = await second.recv()
                if part != b"full":
                    got.append(part)
        assert got == [b"%d" % number for number in range(20)]

    run(main)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_cancelled_waiter_hands_over(trio_context: Any, which: int) -> None:
    """The first one watches the descriptor; another must do so when he goes."""

    async def main() -> None:
        first, second = pair(trio_context)
        got: list[int] = []
        scopes = [trio.CancelScope() for _ in range(3)]

        async def receive(number: int) -> None:
            with scopes[number]:
                await second.recv()
                got.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(3):
                nursery.start_soon(receive, number)
                await waiting(second, count=number + 1)
            scopes[which].cancel()
            await testing.wait_all_tasks_blocked()
            await first.send(b"x")
            await first.send(b"y")
        assert got == [number for number in range(3) if number != which]
        assert second._link.idle

    run(main)


def test_a_woken_waiter_is_not_overtaken(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        got: list[Any] = []

        async def receive() -> None:
            got.append(await second.recv())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await waiting(second)
            await first.send_many([b"1", b"2"])
            assert await second.recv() == b"2"
        assert got == [b"1"]

    run(main)


class Source:
    """An iterable without end that counts what is drawn."""

    def __init__(self, message: Any = b"x") -> None:
        self.drawn = 0
        self.message = message

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.drawn += 1
            yield self.message


def test_send_many_draws_as_it_sends_and_others_run(trio_context: Any) -> None:
    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
        source, ended = Source([b"x", b"y"]), []
        with trio.CancelScope() as scope:

            async def send() -> None:
                try:
                    await push.send_many(source)
                except trio.Cancelled as error:
                    ended.append(error.sent)
                    raise

            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                await waiting(push)
                assert source.drawn == 21
                for _ in range(5000):
                    assert await pull.recv_multipart() == [b"x", b"y"]
                await waiting(push)
                assert source.drawn == 5021
                scope.cancel()
        assert ended == [5020]

    run(main)


def test_send_many_to_a_socket_that_always_takes_more_lets_others_run(trio_context: Any) -> None:
    async def main() -> None:
        push = trio_context.socket(zmq.PUB, linger=0)
        push.bind("inproc://void")
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(push.send_many, Source())
                for _ in range(20):
                    await trio.lowlevel.checkpoint()
                scope.cancel()

    run(main)


@pytest.mark.parametrize("error", [KeyError("mine"), zmqlite.Again()], ids=["KeyError", "Again"])
@pytest.mark.parametrize("hwm", [2, 1000])
def test_an_exception_of_what_send_many_draws(trio_context: Any, error: Any, hwm: int) -> None:
    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=hwm, rcvhwm=hwm)

        def failing() -> Iterator[bytes]:
            for number in range(20):
                yield b"%d" % number
            raise error

        async def send() -> None:
            with pytest.raises(type(error)) as caught:
                await push.send_many(failing())
            assert caught.value is error
            assert error.sent == 20

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for number in range(20):
                assert await pull.recv() == b"%d" % number

    run(main)


def test_send_many_with_dontwait_and_time_limits(trio_context: Any) -> None:
    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
        assert await push.send_many(Source(), zmq.DONTWAIT) == 20
        assert await push.send_many([b"x"], zmq.DONTWAIT) == 0
        push.sndtimeo = 0
        with pytest.raises(zmqlite.Again) as caught:
            await push.send_many(Source())
        assert caught.value.sent == 0
        push.sndtimeo = limit = int(200 * FACTOR)
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                with pytest.raises(zmqlite.Again) as caught:
                    await push.send_many(Source())
                assert caught.value.sent >= 100

            nursery.start_soon(send)
            for _ in range(120):  # it gets on all the time, for longer than the limit
                await trio.sleep(limit / 40_000)
                await pull.recv()

    run(main)


def test_a_quiet_socket_never_rests(trio_context: Any) -> None:
    """Only what is used in one pass counts, not what was used since long ago."""

    async def main() -> None:
        first, second = pair(trio_context)
        await first.poll(0)
        zmq.set_fairness(seconds=1000, count=10)
        first._link.rest = None  # who rests fails
        for _ in range(100):
            await first.send(b"x")
            await first.send(b"x")
            await second.poll(0)
            await second.recv_many()
            await trio.sleep(0.0001)

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
            await trio.sleep(0.1)
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
                second.poll_events(3)
                await second.send(b"x")
                second.get(zmq.EVENTS)
                assert second.events >= 0
            await first.recv()

    run(main)


def test_connect_wakes_a_sender(trio_context: Any) -> None:
    """It makes the socket writable without a word from the descriptor."""

    async def main() -> None:
        push, pull = (trio_context.socket(kind, linger=0) for kind in (zmq.PUSH, zmq.PULL))
        pull.bind("inproc://late")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(push.send, b"x")
            await waiting(push)
            push.connect("inproc://late")
        assert await pull.recv() == b"x"

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
        assert lone._link.idle
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


async def star(context: Any, *names: bytes) -> Any:
    """Return a ROUTER that must deliver, and peers that are full, by name."""
    router = context.socket(zmq.ROUTER, router_mandatory=1, sndhwm=1, linger=0)
    address = router.bind(f"inproc://{id(router):x}")
    peers = {}
    for name in names:
        peers[name] = context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
        peers[name].connect(address)
        await peers[name].send(b"hello")
        await router.recv_multipart()
        while await router.send_many([[name, b"fill"]], zmq.DONTWAIT):
            pass
    return router, peers


def test_a_peer_that_goes_fails_what_waits_for_it(trio_context: Any) -> None:
    """Though no other peer has room, so that the socket does not become writable."""

    async def main() -> None:
        router, peers = await star(trio_context, b"going", b"full")

        async def send() -> None:
            with pytest.raises(zmqlite.HostUnreachable):
                await router.send_multipart([b"going", b"x"])

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(send)
            await waiting(router, count=2)
            peers[b"going"].close()

    run(main)


def test_a_message_does_not_begin_in_the_middle_of_another(trio_context: Any) -> None:
    """Sent part by part by a task, while another one waits for a full peer that has room then."""

    async def main() -> None:
        router, peers = await star(trio_context, b"full", b"idle")
        while await peers[b"idle"].poll(0):
            await peers[b"idle"].recv()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(router.send_multipart, [b"full", b"x", b"y"])
            await waiting(router)
            await router.send(b"idle", zmq.SNDMORE)
            while await peers[b"full"].poll(0):
                assert await peers[b"full"].recv_multipart() == [b"fill"]
            await testing.wait_all_tasks_blocked()
            await router.send(b"1", zmq.SNDMORE)
            await testing.wait_all_tasks_blocked()
            await router.send(b"2")
            assert await peers[b"idle"].recv_multipart() == [b"1", b"2"]
            assert await peers[b"full"].recv_multipart() == [b"x", b"y"]

    run(main)


def test_many_blocked_peers(trio_context: Any) -> None:
    """Several senders wait, each for a peer of his own, and a receiver besides."""

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


# -- the end --------------------------------------------------------------------------------------


def test_endpoints_are_given_up(trio_context: Any) -> None:
    async def main() -> None:
        pull, push = (trio_context.socket(kind, linger=0) for kind in (zmq.PULL, zmq.PUSH))
        endpoint = pull.bind("tcp://127.0.0.1:*")
        with endpoint, push.connect(endpoint) as connected:
            await connected.send(b"x")
            assert await pull.recv() == b"x"
            assert len(push.endpoints) == 1
        assert pull.endpoints == push.endpoints == ()

    run(main)


def test_use_after_close(trio_context: Any) -> None:
    async def main() -> None:
        first, second = pair(trio_context)
        await second.poll(0)
        first.close()
        await second.aclose()
        for socket in (first, second):
            for call in (socket.recv, socket.recv_multipart, socket.poll, socket.recv_many):
                with pytest.raises(trio.ClosedResourceError) as caught:
                    await call()
                assert isinstance(caught.value, zmqlite.SocketClosed)
                assert caught.value.errno == errno.ENOTSOCK
            with pytest.raises(trio.ClosedResourceError):
                await socket.send(b"x")
            async for _ in socket:
                pytest.fail("a closed socket has no messages")

    run(main)


def test_errors_name_the_call_that_failed(trio_context: Any) -> None:
    """Not the step inside it that met the error; and a time limit says on which endpoint."""

    async def main() -> None:
        push, pull = pair(trio_context, (zmq.PUSH, zmq.SUB))
        with pytest.raises(zmqlite.NotSupported, match=r"^recv on PUSH socket"):
            await push.recv()
        pull.rcvtimeo = 1
        with pytest.raises(zmqlite.Again, match=r"^recv on SUB socket \(inproc://.*subscription"):
            await pull.recv()
        with pytest.warns(UserWarning, match=r"write poll\(500\)"):
            assert await pull.poll(0.5) == 0
        push.close()
        for name in ("recv", "recv_multipart", "recv_many", "poll"):
            with pytest.raises(zmq.SocketClosed, match=f"^{name} on PUSH socket.* is closed"):
                await getattr(push, name)()
        with pytest.raises(zmq.SocketClosed, match=r"^send on PUSH socket"):
            await push.send(b"x")

    run(main)


def end_close(context: Any, socket: Any) -> None:
    socket.close()


def end_close_elsewhere(context: Any, socket: Any) -> None:
    in_thread(socket.close)()


def end_destroy(context: Any, socket: Any) -> None:
    context.destroy(0)


def end_destroy_elsewhere(context: Any, socket: Any) -> None:
    in_thread(context.destroy, 0)()


def end_plain_destroy(context: Any, socket: Any) -> None:
    """The core closes the sockets and asks nobody."""
    zmqlite.Context.destroy(context, 0)


def end_shutdown(context: Any, socket: Any) -> None:
    context.shutdown()


ENDS = [v for k, v in list(globals().items()) if k.startswith("end_")]


@pytest.mark.parametrize("end", ENDS)
def test_the_end_wakes_all_who_wait(trio_context: Any, end: Callable[..., None]) -> None:
    async def main() -> None:
        first, _second = pair(trio_context, sndhwm=1, rcvhwm=1)
        while first.writable():
            await first.send(b"full")
        ended: list[str] = []
        expected = (
            zmqlite.ContextTerminated if end is end_shutdown
            else (trio.ClosedResourceError, zmqlite.ContextTerminated)
        )  # fmt: skip

        async def call(function: Any, *args: Any) -> None:
            with pytest.raises(expected):
                await function(*args)
            ended.append(function.__name__)

        async def iterate() -> None:
            async for _ in first:
                pytest.fail("nothing was sent")
            ended.append("iterate")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(call, first.recv)
            nursery.start_soon(call, first.recv_string)
            nursery.start_soon(iterate)
            nursery.start_soon(call, first.send, b"x")
            nursery.start_soon(call, first.poll)
            await waiting(first, count=5)
            end(trio_context, first)
        assert len(ended) == 5

    run(main)


def test_context_manager_warns_and_ends(recwarn: pytest.WarningsRecorder) -> None:
    async def main() -> None:
        async with zmq.Context() as context, context.socket(zmq.PULL) as socket:
            assert not socket.closed
        assert socket.closed
        assert context.closed
        with pytest.warns(ResourceWarning, match="unclosed"):
            async with zmq.Context() as context:
                context.socket(zmq.PULL)
        assert context.closed

    run(main)


def test_leaving_a_context_lets_other_tasks_run() -> None:
    """It waits for unsent messages, which a task of this very run receives."""

    async def main() -> None:
        receiver = zmq.Context()
        pull = receiver.socket(zmq.PULL, linger=0)
        got = []

        async def receive() -> None:
            await testing.wait_all_tasks_blocked()
            address = pull.bind("tcp://127.0.0.1:*")
            push.connect(address)
            await push.send(b"x")
            nursery.start_soon(leave)
            got.append(await pull.recv())

        async def leave() -> None:
            push.close()
            await sender.aclose()

        sender = zmq.Context()
        push = sender.socket(zmq.PUSH)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
        assert got == [b"x"]
        assert sender.closed
        pull.close()
        await receiver.aclose()

    run(main)


def test_leaving_a_context_can_be_cancelled() -> None:
    async def main() -> None:
        context = zmq.Context()
        push = context.socket(zmq.PUSH, linger=int(300 * FACTOR))
        push.connect("tcp://127.0.0.1:9")
        await push.send(b"nobody takes this")
        with trio.move_on_after(0) as scope:
            await context.aclose()
        assert scope.cancelled_caught
        assert push.closed
        context.term(timeout=LIMIT)

    run(main)


# -- runs, threads, worlds ------------------------------------------------------------------------


def test_a_socket_moves_from_run_to_run(trio_context: Any) -> None:
    first, second = pair(trio_context)

    async def talk() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            await waiting(second)
            await first.send(b"x")

    for _ in range(3):
        run(talk)
    in_thread(run, talk)()
    run(talk)


def test_a_socket_that_is_waited_on_stays(trio_context: Any) -> None:
    first, second = pair(trio_context)

    def elsewhere() -> None:
        async def receive() -> None:
            await second.recv()

        with pytest.raises(zmqlite.ThreadMisuse):
            run(receive)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.recv)
            await waiting(second)
            await trio.to_thread.run_sync(elsewhere)
            await first.send(b"x")

    run(main)


def test_one_context_serves_three_worlds(trio_context: Any) -> None:
    """trio, asyncio and a blocking thread in a ring over inproc."""
    import asyncio

    import zmqlite.asyncio

    plain = zmqlite.Context.shadow(trio_context)
    looped = zmqlite.asyncio.Context.shadow(trio_context)
    count = 500
    to_loop = trio_context.socket(zmq.PUSH, bind="inproc://1", linger=0)
    from_thread = trio_context.socket(zmq.PULL, bind="inproc://3", linger=0)

    def thread() -> None:
        with plain.socket(zmq.PULL, connect="inproc://2") as pull, \
                plain.socket(zmq.PUSH, connect="inproc://3") as push:  # fmt: skip
            for _ in range(count):
                push.send(pull.recv() + b" thread")

    def loop() -> None:
        async def main() -> None:
            with looped.socket(zmq.PULL, connect="inproc://1") as pull, \
                    looped.socket(zmq.PUSH, bind="inproc://2") as push:  # fmt: skip
                ready.set()
                for _ in range(count):
                    await push.send(await pull.recv() + b" asyncio")

        asyncio.run(main())

    ready = threading.Event()
    join_loop = in_thread(loop)
    assert ready.wait(LIMIT)
    join_thread = in_thread(thread)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(to_loop.send_many, [b"%d" % n for n in range(count)])
            for number in range(count):
                assert await from_thread.recv() == b"%d asyncio thread" % number

    run(main)
    join_loop()
    join_thread()


DRAFT_PAIRS = [("SERVER", "CLIENT"), ("GATHER", "SCATTER"), ("CHANNEL", "CHANNEL")]


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
@pytest.mark.parametrize("names", DRAFT_PAIRS)
def test_draft_types_wait_without_a_descriptor(trio_context: Any, names: Any) -> None:
    async def main() -> None:
        kinds = tuple(zmqlite.SocketType[name] for name in names)
        receiver, sender = pair(trio_context, kinds, rcvhwm=2, sndhwm=2)
        got: list[bytes] = []

        async def receive() -> None:
            while len(got) < 3000:
                got.append(await receiver.recv())

        async def send() -> None:
            for number in range(3000):
                await sender.send(b"%d" % number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await waiting(receiver)
            nursery.start_soon(send)
        assert got == [b"%d" % number for number in range(3000)]

    run(main)


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
def test_draft_groups_and_ids(trio_context: Any) -> None:
    async def main() -> None:
        radio, dish = pair(trio_context, (zmq.RADIO, zmq.DISH))
        dish.join("news")
        server, client = pair(trio_context, (zmq.SERVER, zmq.CLIENT))
        answers: list[Any] = []

        async def listen() -> None:
            answers.append(await dish.recv(copy=False))

        async def ask() -> None:
            await client.send(b"ask")
            answers.append(await client.recv())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            frame = await server.recv(copy=False)
            await server.send(b"answer", routing_id=frame.routing_id)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await waiting(dish)
            while len(answers) < 2:  # the radio learns of the group some time
                await radio.send(b"x", group="news")
                await trio.sleep(0.001)
        assert answers[0] == b"answer"
        assert answers[1].group == "news"

    run(main)


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
def test_a_thread_safe_socket_serves_two_runs(trio_context: Any) -> None:
    server, client = pair(trio_context, (zmq.SERVER, zmq.CLIENT))

    async def receive() -> bytes:
        return await server.recv()

    joins = [in_thread(run, receive) for _ in range(2)]

    async def main() -> None:
        while sum(not ln.idle for ln in dict(server._links).values()) < 2:
            await trio.sleep(0.001)
        await client.send_many([b"1", b"2"])

    run(main)
    assert sorted(join() for join in joins) == [b"1", b"2"]
    server.close()


# -- anyio ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio(backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    import zmqlite.asyncio

    module: Any = {"asyncio": zmqlite.asyncio, "trio": zmq}[backend]

    async def main() -> None:
        got: list[bytes] = []

        async def receive() -> None:
            async for part in pull:
                got.append(part)

        async with module.Context() as context:
            push, pull = pair(context, (zmq.PUSH, zmq.PULL))
            with anyio.fail_after(LIMIT):
                number = 0
                for delay in [0, 1e-6, 1e-5, 1e-4] * 50:
                    with anyio.move_on_after(delay):
                        await push.send(b"%d" % number)
                        number += 1
                    with anyio.move_on_after(delay):
                        got.append(await pull.recv())
                async with anyio.create_task_group() as group:
                    group.start_soon(receive)
                    await push.send_many([b"x"] * 10)
                    while b"x" not in got[-1:] or got.count(b"x") < 10:
                        await anyio.sleep(0)
                    pull.close()
                assert got == [b"%d" % n for n in range(number)] + [b"x"] * 10
            push.close()

    anyio.run(main, backend=backend)


# -- descriptors and memory -----------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_descriptors_do_not_grow(trio_context: Any) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def cancelled(socket: Any, times: int) -> None:
        for _ in range(times):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(socket.recv)
                await waiting(socket, count=5)
                nursery.cancel_scope.cancel()

    async def main() -> None:
        first, second = pair(trio_context)
        await cancelled(second, 1)
        before = count()
        await cancelled(second, 100)
        assert count() <= before
        second.close()
        first.close()

    before = None
    for _ in range(5):
        run(main)
        trio_context.get(zmq.IO_THREADS)
        before = before or count()
    assert count() <= before + 4  # libzmq's reaper may be late with the last pair


def test_nothing_is_left_for_the_collector(trio_context: Any) -> None:
    """Neither a served nor a cancelled call leaves a cycle behind."""

    async def main() -> None:
        first, second = pair(trio_context)

        async def work() -> None:
            for _ in range(50):
                await first.send(b"x")
                await second.recv()
                with trio.move_on_after(1e-5):
                    await second.recv()

        await work()
        gc.collect()
        gc.disable()
        try:
            await work()
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            ours = [o for o in gc.garbage if type(o).__module__.startswith("zmqlite")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert ours == []

    run(main)


def test_a_full_peer_holds_up_nothing_for_another_and_its_own_stay_in_order(
    trio_context: Any,
) -> None:
    """Of a ROUTER, whose messages have addressees of their own."""

    async def main() -> None:
        router = trio_context.socket(zmq.ROUTER, sndhwm=1, router_mandatory=1, linger=0)
        router.bind("inproc://router")
        peers = {}
        for name in (b"full", b"open"):
            peers[name] = trio_context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
            peers[name].connect("inproc://router")
            await peers[name].send(b"here")
            assert await router.recv_multipart() == [name, b"here"]
        count = 0
        with contextlib.suppress(zmqlite.Again):
            while True:
                await router.send_multipart([b"full", b"%d" % count], zmq.DONTWAIT)
                count += 1
        async with trio.open_nursery() as nursery:
            for number in range(20):
                message = [b"full", b"%d" % (count + number)]
                nursery.start_soon(router.send_multipart, message)
                await waiting(router, count=number + 1)
            await router.send_multipart([b"open", b"at once"])
            assert await peers[b"open"].recv() == b"at once"
            found = [await peers[b"full"].recv() for _ in range(count + 20)]
        assert found == [b"%d" % number for number in range(count + 20)]

    run(main)
