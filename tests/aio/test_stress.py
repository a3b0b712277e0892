"""Guarantee 4: no wake-up is missed. Many messages in patterns that provoke it, and a watchdog."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR, LONG, awaiting

import zmqlite as zmq
import zmqlite.asyncio as azmq
from zmqlite.asyncio.binding import LoopBinding

SCALE = 10 if LONG else 1
STALL = 5 * FACTOR


async def watched(progress: Callable[[], Any], *works: Any) -> None:
    """Run until all is done; fail with the state of affairs when nothing has moved for a while."""
    tasks = [asyncio.ensure_future(work) for work in works]
    whole = asyncio.gather(*tasks)
    seen = progress()
    while not whole.done():
        await asyncio.wait({whole}, timeout=STALL)
        if not whole.done() and seen == progress():
            stacks = [task.get_stack(limit=1) for task in tasks if not task.done()]
            whole.cancel()
            pytest.fail(f"stalled at {seen}: {stacks}")
        seen = progress()
    await whole


@pytest.mark.parametrize("at", ["inproc://both", "tcp://127.0.0.1:*"])
def test_both_directions_with_several_tasks_and_random_pauses(
    run_both: Any, wire: Any, at: str
) -> None:
    """Every send may hear what the receivers wait for, and the other way round."""
    each = 12_000 * SCALE
    tasks = 3

    async def main() -> None:
        dealer, router = wire(zmq.DEALER, zmq.ROUTER, at, hwm=20)
        dealer_got: list[int] = []
        router_got: list[int] = []
        chance = random.Random(2)
        await dealer.send(b"-1")
        identity, _ = await router.recv_multipart()

        async def rest() -> None:
            for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 2, 5))):
                await asyncio.sleep(0)

        async def send(prefix: list[bytes], socket: Any, start: int) -> None:
            for number in range(start, each, tasks):
                await socket.send_multipart([*prefix, b"%d" % number])
                await rest()

        async def receive(socket: Any, got: list[int]) -> None:
            while len(got) < each:
                got.append(int((await socket.recv_multipart())[-1]))
                if len(got) >= each:
                    socket._poll_events()  # another use of it
                await rest()

        async def until_full(socket: Any, got: list[int]) -> None:
            readers = [asyncio.ensure_future(receive(socket, got)) for _ in range(tasks)]
            await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

        router.router_mandatory = 1  # or it would drop what the dealer cannot take
        await watched(
            lambda: (len(dealer_got), len(router_got)),
            until_full(dealer, dealer_got),
            until_full(router, router_got),
            *(send([], dealer, start) for start in range(tasks)),
            *(send([identity], router, start) for start in range(tasks)),
        )
        assert sorted(dealer_got) == sorted(router_got) == list(range(each))

    run_both(main())


@pytest.mark.parametrize("at", ["inproc://bursts", "tcp://127.0.0.1:*"])
def test_bursts(run_both: Any, wire: Any, at: str) -> None:
    """From nothing to many and back: the moment between "empty" and "wait" is met often."""
    bursts = 1500 * SCALE

    async def main() -> None:
        push, pull = wire(at=at)
        chance = random.Random(3)
        sizes = [chance.choice((1, 1, 1, 2, 3, 10, 100)) for _ in range(bursts)]
        got = 0

        async def send() -> None:
            for size in sizes:
                await push.send_many([b"x"] * size)
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)

        async def receive() -> None:
            nonlocal got
            while got < sum(sizes):
                await pull.recv()
                got += 1

        await watched(lambda: got, send(), receive())

    run_both(main())


def test_many_from_another_thread(run: Any, actx: Any, context: Any) -> None:
    """The sender runs whenever it likes, also while the receiver goes to sleep."""
    count = 60_000 * SCALE

    async def main() -> None:
        pull = actx.socket(zmq.PULL, linger=0)
        address = pull.bind("tcp://127.0.0.1:*")
        got = 0

        def send() -> None:
            chance = random.Random(4)
            with context.socket(zmq.PUSH) as push:
                push.connect(address)
                left = count
                while left:
                    size = min(left, chance.choice((1, 2, 5, 100, 3000)))
                    push.send_many([b"x"] * size)
                    left -= size
                    if chance.random() < 0.05:
                        time.sleep(chance.random() * 0.0005)

        async def receive() -> None:
            nonlocal got
            async for _ in pull:
                got += 1
                if got == count:
                    return

        thread = asyncio.get_running_loop().run_in_executor(None, send)
        await watched(lambda: got, receive(), thread)
        pull.close()

    run(main())


def test_round_trips(run_both: Any, wire: Any) -> None:
    rounds = 1500 * SCALE

    async def main() -> None:
        done = 0

        async def serve(socket: Any) -> None:
            async for request in socket:
                await socket.send(request)

        async def ask(socket: Any) -> None:
            nonlocal done
            for number in range(rounds):
                await socket.send(b"%d" % number)
                assert await socket.recv() == b"%d" % number
                done += 1

        pairs = [wire(zmq.REQ, zmq.REP, at) for at in ("tcp://127.0.0.1:*", "inproc://rpc")]
        servers = [asyncio.ensure_future(serve(server)) for _, server in pairs]
        await watched(lambda: done, *(ask(client) for client, _ in pairs))
        for _, server in pairs:
            server.close()
        await asyncio.gather(*servers)

    run_both(main())


def test_a_socket_that_is_always_ready_but_refuses_does_not_spin(run_both: Any, wire: Any) -> None:
    """EVENTS says POLLOUT if any peer has room; with ROUTER_MANDATORY a full one refuses.

    The send waits without turning the loop into a busy one, a receive that waits beside it is
    served, and the send goes on when there is room.
    """

    async def main() -> None:
        dealer, router = wire(zmq.DEALER, zmq.ROUTER, "inproc://mandatory", hwm=2)
        wire(zmq.DEALER, zmq.DEALER)[0].connect("inproc://mandatory")  # this peer has room
        router.router_mandatory = 1
        await dealer.send(b"hello")
        identity, _ = await router.recv_multipart()
        sends = [router.send_multipart([identity, b"%d" % number]) for number in range(20)]
        assert not sends[-1].done()
        receive = asyncio.ensure_future(awaiting(router.recv_multipart()))
        before = time.thread_time()
        await asyncio.sleep(0.3)  # time is the subject: what waits uses none
        assert time.thread_time() - before < 0.1 * FACTOR
        for number in range(20):
            await dealer.send(b"ping")
            assert await asyncio.wait_for(receive, STALL) == [identity, b"ping"]
            receive = asyncio.ensure_future(awaiting(router.recv_multipart()))
            assert await asyncio.wait_for(dealer.recv(), STALL) == b"%d" % number
        await asyncio.gather(*sends)
        receive.cancel()

    run_both(main())


def test_waiting_costs_nothing(run_both: Any, wire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks, no timer is set to come and look, and no time is spent."""
    looks: list[object] = []
    dispatch = LoopBinding.dispatch
    monkeypatch.setattr(
        LoopBinding, "dispatch", lambda *args, **how: looks.append(1) or dispatch(*args, **how)
    )

    async def main() -> None:
        push, _ = wire(at="inproc://idle", hwm=1)
        while push.send_nonblock(b"x"):
            pass
        other = azmq.Poller()
        waits = [push.send(b"y"), push.poll(None, zmq.POLLOUT)]
        idle, _ = wire(zmq.PULL, zmq.PUSH, "inproc://idler")
        other.register(idle, zmq.POLLIN)
        waits += [idle.recv(), idle.poll(), asyncio.ensure_future(awaiting(idle.recv()))]
        waits.append(other.poll())
        await asyncio.sleep(0.02)  # the beginning is over
        looks.clear()
        timers = getattr(asyncio.get_running_loop(), "_scheduled", ())
        assert all(timer.cancelled() or timer.when() - time.monotonic() > 10 for timer in timers)
        before = time.thread_time()
        await asyncio.sleep(0.3)  # time is the subject: what waits uses none
        assert time.thread_time() - before < 0.05 * FACTOR
        assert not looks
        assert not any(wait.done() for wait in waits)
        for wait in waits:
            wait.cancel()
        await asyncio.sleep(0)

    run_both(main())
