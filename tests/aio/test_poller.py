"""The awaitable Poller: sockets of both kinds, descriptors, and neighbours who watch the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket as plain_socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, needs_drafts, turns, wait_until

import zmqlite as zmq
import zmqlite.asyncio as azmq
from zmqlite.asyncio.selector_thread import reader_of

LIMIT = 5000 * FACTOR


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_a_blocking_member_that_another_thread_closes(run_both: Any, context: Any) -> None:
    """A socket without peers: libzmq lets it go without a word through its descriptor."""

    async def main() -> None:
        kept, closed = context.socket(zmq.PULL), context.socket(zmq.PULL)
        poller = azmq.Poller()
        for member in (kept, closed):
            poller.register(member, zmq.POLLIN)
        both = [poller.poll(LIMIT), poller.poll()]
        await turns()
        await asyncio.to_thread(closed.close)
        for future in both:
            with pytest.raises(zmq.NotSupported, match="unregister it"):
                await asyncio.wait_for(future, LIMIT / 1000)
        poller.unregister(closed)
        assert await poller.poll(1) == []

    run_both(main())


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_a_blocking_member_that_another_task_uses(run_both: Any, context: Any) -> None:
    """Who takes the first message hears what the descriptor says of all of them."""

    async def main() -> None:
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
        push.connect(pull.bind("tcp://127.0.0.1:*"))
        push.send(b"0")
        wait_until(lambda: pull._poll_events(zmq.POLLIN), what="the first message")
        pull.recv()  # connected: from now on only a message makes the descriptor speak
        pollers = [azmq.Poller() for _ in range(2)]
        for poller in pollers:
            poller.register(pull, zmq.POLLIN)
        both = [poller.poll() for poller in pollers]
        await turns()
        push.send_many([b"1", b"2"])
        wait_until(lambda: pull._poll_events(zmq.POLLIN), what="the messages")
        assert pull.recv() == b"1"  # the loop did not run meanwhile
        for future in both:
            assert await asyncio.wait_for(future, LIMIT / 1000) == [(pull, zmq.POLLIN)]

    run_both(main())


def test_mixed_members(run_both: Any, wire: Any, context: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        blocking, sender = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        sender.connect(blocking.bind("inproc://blocking"))
        reader, writer = os.pipe()
        left, right = plain_socket.socketpair()
        poller = azmq.Poller()
        for member in (pull, blocking, reader, left):
            poller.register(member, zmq.POLLIN)
        try:
            assert await poller.poll(0) == []
            assert await poller.poll(20) == []
            for ready, make in (
                (pull, lambda: push.send(b"x")),
                (blocking, lambda: sender.send(b"x")),
                (reader, lambda: os.write(writer, b"x")),
                (left, lambda: right.send(b"x")),
            ):
                future = poller.poll(LIMIT)
                assert isinstance(future, asyncio.Future)
                await turns()
                assert not future.done()
                make()
                found = dict(await future)
                key = ready.fileno() if ready is left else ready
                assert found == {key: zmq.POLLIN}
                assert poller.readables == [key]
                for drain in (pull.recv_nonblock, blocking.recv_nonblock):
                    drain()
                if ready is reader:
                    os.read(reader, 1)
            left.recv(1)
        finally:
            for fd in (reader, writer):
                os.close(fd)
            left.close()
            right.close()

    run_both(main())


def test_mixed_members_under_load(run_both: Any, actx: Any, context: Any) -> None:
    """Bursts from a thread on each of them, while a task receives from another socket of the loop.

    What comes is counted, and a wake-up that is missed ends the test.
    """
    each = 10_000
    kinds = [(zmq.PULL, zmq.PUSH), (zmq.PULL, zmq.PUSH)]
    if zmq.DRAFT_API:
        kinds.append((zmq.GATHER, zmq.SCATTER))

    async def main() -> None:
        makers = [actx, context, actx]
        members = [maker.socket(kind) for maker, (kind, _) in zip(makers, kinds, strict=False)]
        addresses = [member.bind("tcp://127.0.0.1:*") for member in members]
        other = actx.socket(zmq.PULL, linger=0)
        addresses.append(other.bind("tcp://127.0.0.1:*"))
        reader, writer = os.pipe()
        os.set_blocking(reader, False)

        def load() -> None:
            chance = random.Random(5)
            senders = [
                context.socket(kind, connect=address, hwm=0)
                for (_, kind), address in zip([*kinds, (0, zmq.PUSH)], addresses, strict=True)
            ]
            left = [each] * (len(senders) + 1)
            while any(left):
                place = chance.choice([place for place, count in enumerate(left) if count])
                size = min(left[place], chance.choice((1, 1, 2, 30, 300)))
                left[place] -= size
                if place == len(senders):
                    os.write(writer, b"x" * size)
                else:
                    senders[place].send_many([b"x"] * size)
                if chance.random() < 0.2:
                    time.sleep(chance.random() * 0.001)
            for sender in senders:
                sender.close()

        async def receive() -> None:
            for _ in range(each):
                assert await other.recv() == b"x"

        poller = azmq.Poller()
        for source in (*members, reader):
            poller.register(source, zmq.POLLIN)
        task = asyncio.ensure_future(receive())
        thread = asyncio.get_running_loop().run_in_executor(None, load)
        got = dict.fromkeys([*members, reader], 0)
        while min(got.values()) < each:
            found = await poller.poll(30_000 * FACTOR)
            assert found, f"a wake-up was missed: {list(got.values())}"
            for source, _ in found:
                if source == reader:
                    with contextlib.suppress(BlockingIOError):
                        got[source] += len(os.read(reader, 100))
                elif source.recv_nonblock() is not None:
                    got[source] += 1
        await asyncio.wait_for(task, 30 * FACTOR)
        await thread
        assert set(got.values()) == {each}
        for fd in (reader, writer):
            os.close(fd)
        for member in members:
            member.close()

    run_both(main())


def test_writing(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire(at="inproc://writing", hwm=1)
        poller = azmq.Poller()
        poller.register(push, zmq.POLLOUT)
        assert await poller.poll() == [(push, zmq.POLLOUT)]
        while push.send_nonblock(b"x"):
            pass
        future = poller.poll(LIMIT)
        await turns()
        assert not future.done()
        while pull.recv_nonblock():
            pass
        assert await future == [(push, zmq.POLLOUT)]
        left, right = plain_socket.socketpair()
        with left, right:
            left.setblocking(False)
            right.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    left.send(bytes(100_000))
            poller = azmq.Poller()
            poller.register(left, zmq.POLLOUT)
            future = poller.poll(LIMIT)
            await turns()
            assert not future.done()
            with contextlib.suppress(BlockingIOError):
                while True:
                    right.recv(1 << 20)
            assert [mask for _, mask in await future] == [zmq.POLLOUT]

    run_both(main())


def test_the_time_is_kept(run_both: Any, wire: Any) -> None:
    """Also when the descriptor speaks again and again of what the poller does not wait for."""

    async def main() -> None:
        dealer, router = wire(zmq.DEALER, zmq.ROUTER)
        poller = azmq.Poller()
        poller.register(zmq.Socket(dealer), zmq.POLLIN)
        loop = asyncio.get_running_loop()
        start = loop.time()
        future = poller.poll(100)
        while not future.done():
            await dealer.send(b"x")  # its acknowledgements come back as commands
            await router.recv_multipart()
            await asyncio.sleep(0.001)  # time is the subject: the poll has its limit
        assert await future == []
        assert 0.099 <= loop.time() - start < 15 * FACTOR
        assert await azmq.Poller().poll(10) == []

    run_both(main())


def test_several_pollers_and_readers_of_one_descriptor(run_both: Any, context: Any) -> None:
    async def main() -> None:
        blocking, sender = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        sender.connect(blocking.bind("inproc://shared"))
        reader, writer = os.pipe()
        loop = asyncio.get_running_loop()
        heard: list[int] = []
        loop.add_reader(reader, lambda: heard.append(1))
        try:
            pollers = [azmq.Poller() for _ in range(3)]
            for poller in pollers:
                poller.register(blocking, zmq.POLLIN)
                poller.register(reader, zmq.POLLIN)
            futures = [poller.poll(LIMIT) for poller in pollers]
            await turns()
            futures.pop().cancel()
            await turns()
            sender.send(b"x")
            assert [await future for future in futures] == [[(blocking, zmq.POLLIN)]] * 2
            blocking.recv()
            futures = [poller.poll(LIMIT) for poller in pollers]
            await turns()
            os.write(writer, b"x")
            assert [await future for future in futures] == [[(reader, zmq.POLLIN)]] * 3
            await asyncio.sleep(0)
            assert heard, "the reader that was there before is still there"
        finally:
            loop.remove_reader(reader)
            os.close(reader)
            os.close(writer)

    run_both(main())


def test_a_poll_does_not_keep_others_from_waking_up(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        left, right = wire(zmq.DEALER, zmq.DEALER)
        poller = azmq.Poller()
        poller.register(right, zmq.POLLIN)
        for number in range(100):
            receive, poll, socket_poll = right.recv(), poller.poll(), right.poll()
            await turns(number % 4)
            left.send(b"%d" % number)
            assert await asyncio.wait_for(receive, LIMIT) == b"%d" % number
            left.send(b"again")
            assert await asyncio.wait_for(poll, LIMIT) == [(right, zmq.POLLIN)]
            assert await asyncio.wait_for(socket_poll, LIMIT) == zmq.POLLIN
            assert await right.recv() == b"again"

    run_both(main())


def test_cancelling_a_poll(run: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        poller = azmq.Poller()
        poller.register(pull, zmq.POLLIN)
        for future in (poller.poll(), pull.poll(), pull.poll(60_000)):
            await turns()
            future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future
        await push.send(b"x")
        assert await poller.poll(LIMIT) == [(pull, zmq.POLLIN)]
        assert await pull.recv() == b"x"

    run(main())


def test_socket_poll(run_both: Any, wire: Any) -> None:
    async def main() -> None:
        push, pull = wire()
        loop = asyncio.get_running_loop()
        assert pull.poll(0).result() == 0
        start = loop.time()
        assert await pull.poll(30) == 0
        assert loop.time() - start >= 0.029
        polls = [pull.poll(), pull.poll(LIMIT), pull.poll(None, zmq.POLLIN | zmq.POLLOUT)]
        await push.send(b"x")
        assert await asyncio.gather(*polls) == [zmq.POLLIN] * 3
        assert await pull.poll(-1) == zmq.POLLIN
        assert await push.poll(None, zmq.POLLOUT) == zmq.POLLOUT
        assert await pull.recv() == b"x"

    run_both(main())


def test_a_closed_member_ends_the_poll(run: Any, wire: Any) -> None:
    async def main() -> None:
        _, pull = wire()
        poller = azmq.Poller()
        poller.register(pull, zmq.POLLIN)
        future = poller.poll()
        await turns()
        pull.close()
        with pytest.raises(zmq.ZMQError):
            await asyncio.wait_for(future, LIMIT)

    run(main())


class Counting(azmq.Poller):
    looks = 0

    def poll_nonblock(self) -> list[tuple[Any, int]]:
        self.looks += 1
        return super().poll_nonblock()


@pytest.mark.parametrize("special", [False, True], ids=["epoll", "zmq_poll"])
def test_a_poller_of_both_kinds_sleeps_while_nothing_happens(
    run: Any, context: Any, special: bool
) -> None:
    """Its own looks at its members are no news that wakes it."""

    async def main() -> None:
        blocking, tied = zmq.PULL(), azmq.Context.shadow(zmq.Context.instance()).socket(zmq.PULL)
        poller = Counting()
        members = [blocking, tied]
        if special and zmq.DRAFT_API:
            members.append(zmq.SERVER())
        for member in members:
            poller.register(member, zmq.POLLIN)
        assert await poller.poll(50) == []
        assert await poller.poll(50) == []
        assert poller.looks < 20
        for member in members:
            member.close()

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll each member is watched")
def test_one_reader_stands_for_all_members(run: Any, actx: Any) -> None:
    async def main() -> None:
        reader: Any = reader_of(asyncio.get_running_loop())
        readers: list[int] = []
        add_reader = reader.add_reader
        reader.add_reader = lambda fd, *call: readers.append(fd) or add_reader(fd, *call)
        poller = azmq.Poller()
        for number in range(50):
            poller.register(actx.socket(zmq.PULL, bind=f"inproc://member{number}"), zmq.POLLIN)
        future = poller.poll()
        await turns()
        assert len(readers) == 1
        async with actx.socket(zmq.PUSH, connect="inproc://member7") as push:
            await push.send(b"x")
            [(member, events)] = await asyncio.wait_for(future, LIMIT / 1000)
            assert await member.recv() == b"x"
            assert events == zmq.POLLIN

    run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll each member is watched")
def test_a_poll_that_takes_the_news_tells_what_else_waits(run_both: Any, wire: Any) -> None:
    """Other polls of the same poller, and the tasks that wait on a member."""

    async def main() -> None:
        push, pull = wire(at="inproc://news")
        poller, deaf = azmq.Poller(), azmq.Poller()
        poller.register(pull, zmq.POLLIN)
        deaf.register(pull, zmq.POLLERR)
        both = [poller.poll(LIMIT), poller.poll()]
        await turns()
        await push.send(b"x")
        assert poller.poll_nonblock() == [(pull, zmq.POLLIN)]
        for future in both:
            assert await asyncio.wait_for(future, LIMIT / 1000) == [(pull, zmq.POLLIN)]
        assert await pull.recv() == b"x"
        for _ in range(20):
            receive = pull.recv()
            await turns()
            await push.send(b"y")
            assert deaf.poll_nonblock() == []
            assert await asyncio.wait_for(receive, LIMIT / 1000) == b"y"

    run_both(main())


def test_the_end_of_the_context_is_heard_by_all(run_both: Any, wire: Any) -> None:
    """libzmq tells it once: whichever reads it first tells the others."""

    async def main() -> None:
        _push, pull = wire(at="inproc://end")
        first, second = azmq.Poller(), azmq.Poller()
        for poller in (first, second):
            poller.register(pull, zmq.POLLIN)
        calls = [first.poll(), pull.recv(), second.poll(), pull.poll()]
        await turns()
        pull.context.shutdown()
        for call in calls:
            with pytest.raises(zmq.ContextTerminated):
                await asyncio.wait_for(call, LIMIT / 1000)

    run_both(main())


@needs_drafts
def test_a_member_that_comes_while_a_poll_waits(run_both: Any, wire: Any, context: Any) -> None:
    """Also one that epoll cannot watch, and one in a poller that has such a member."""

    async def main() -> None:
        push, pull = wire(at="inproc://later")
        with (
            context.socket(zmq.SERVER, bind="inproc://safe") as server,
            context.socket(zmq.CLIENT, connect="inproc://safe") as client,
        ):
            client.send(b"first")
            poller = azmq.Poller()
            poller.register(pull, zmq.POLLIN)
            waiting = poller.poll()
            await turns()
            poller.register(server, zmq.POLLIN)
            assert await asyncio.wait_for(waiting, LIMIT / 1000) == [(server, zmq.POLLIN)]
            server.recv()
            poller.unregister(pull)
            waiting = poller.poll()
            await turns()
            poller.register(pull, zmq.POLLIN)
            await push.send(b"x")
            assert await asyncio.wait_for(waiting, LIMIT / 1000) == [(pull, zmq.POLLIN)]

    run_both(main())


@pytest.mark.skipif(sys.platform != "linux", reason="epoll refuses plain files")
def test_a_plain_file_is_ready_however_busy_the_loop_is(run_both: Any, tmp_path: Any) -> None:
    """No loop watches one, and need not: it is always ready."""

    async def main() -> None:
        with (tmp_path / "plain").open("w+") as file:
            poller = azmq.Poller()
            poller.register(file, zmq.POLLIN)
            for _ in range(5000):  # more than one iteration of the loop lets through
                assert await poller.poll(LIMIT) == [(file.fileno(), zmq.POLLIN)]

    run_both(main())


def descriptors_of(path: Path) -> int:
    return sum(one.resolve() == path for one in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="says which descriptors are open")
def test_a_watch_that_the_loop_refuses_leaves_no_descriptor(run_both: Any, tmp_path: Any) -> None:
    path = (tmp_path / "plain").resolve()

    async def main() -> None:
        with path.open("w+") as file:
            poller = azmq.Poller()
            poller.register(file, zmq.POLLERR)  # which it never has
            for _ in range(4):
                with contextlib.suppress(OSError):
                    await poller.poll(1)
            assert descriptors_of(path) == 1

    run_both(main())
