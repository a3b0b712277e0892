"""zmqlite.green under load: floods, bursts, and peers that are full or gone."""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from typing import Any

import pytest
from green_stage import pair, wait_for
from pauses import MOST, PROMISE, SlowClock, typical
from support import FACTOR

import zmqlite

gevent: Any = pytest.importorskip("gevent")
zmq: Any = pytest.importorskip("zmqlite.green")
budget_of_hub: Any = pytest.importorskip("zmqlite.green.binding").budget_of_hub


def pauses_in_a_flood(context: Any, clock: Any, count: int) -> tuple[list[int], list[float]]:
    """Return how many operations were done, and how much CPU time went by, in each pause of a
    greenlet that wants to run all the time."""
    done = 0

    def flood(push: Any, pull: Any) -> None:
        nonlocal done
        while True:
            push.send(b"x")
            pull.recv()
            done += 2

    zmq.set_fairness()
    budget_of_hub(gevent.get_hub()).clock = clock
    floods = [gevent.spawn(flood, *pair(context, (zmq.PUSH, zmq.PULL), hwm=0)) for _ in range(3)]
    operations, seconds = [], []
    for _ in range(count):
        before, start = done, time.thread_time()
        gevent.sleep(0)
        operations.append(done - before)
        seconds.append(time.thread_time() - start)
    gevent.killall(floods)
    budget_of_hub(gevent.get_hub()).clock = None
    return operations, seconds


def test_a_flood_lets_others_run(green_context: Any) -> None:
    operations, _ = pauses_in_a_flood(green_context, SlowClock(), 2000)
    assert max(operations) <= MOST
    assert statistics.mean(operations) > 5, "a pass is used"


def test_a_flood_lets_others_run_by_the_real_clock(green_context: Any) -> None:
    _, seconds = pauses_in_a_flood(green_context, None, 300)
    assert typical(seconds) < PROMISE * FACTOR


@pytest.mark.parametrize("transport", ["inproc://green", "tcp://127.0.0.1:*"])
def test_bursts_both_ways_miss_no_wakeup(green_context: Any, transport: str) -> None:
    total = 20_000
    rng = random.Random(transport)
    ends = [green_context.socket(zmq.DEALER, hwm=50, linger=0) for _ in range(2)]
    ends[1].connect(ends[0].bind(transport))

    def send(socket: Any, half: int) -> None:
        for number in range(half, total, 2):
            socket.send(b"%d" % number)
            if rng.random() < 0.02:
                gevent.sleep(0)

    def receive(socket: Any) -> list[int]:
        return [int(socket.recv()) for _ in range(total // 2)]

    senders = [gevent.spawn(send, socket, half) for socket in ends for half in (0, 1)]
    receivers = [gevent.spawn(receive, socket) for socket in ends for _ in range(2)]
    gevent.joinall(senders + receivers, raise_error=True)
    for first, second in (receivers[:2], receivers[2:]):
        assert sorted(first.value + second.value) == list(range(total))


def test_a_full_peer_does_not_hold_up_the_others(green_context: Any) -> None:
    router = green_context.socket(zmq.ROUTER, router_mandatory=1, sndhwm=1, linger=0)
    router.bind("inproc://router")
    peers = {}
    for name in (b"full", b"idle"):
        peer = green_context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
        peer.connect("inproc://router")
        peer.send(b"hello")
        router.recv_multipart()
        peers[name] = peer
    sent = 0
    with contextlib.suppress(zmqlite.Again):
        while True:
            router.send_multipart([b"full", b"x"], zmq.NOBLOCK)
            sent += 1
    blocked = [gevent.spawn(router.send_multipart, [b"full", b"last"]), gevent.spawn(router.recv)]
    wait_for(router, count=2)
    start = time.thread_time()
    gevent.sleep(0.1)  # time is the subject: what waits uses none
    assert time.thread_time() - start < 0.05 * FACTOR
    router.send_multipart([b"idle", b"y"])
    assert peers[b"idle"].recv() == b"y"
    assert [peers[b"full"].recv() for _ in range(sent + 1)] == [b"x"] * sent + [b"last"]
    peers[b"idle"].send(b"bye")
    gevent.joinall(blocked, raise_error=True)


@pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")
def test_routing_id_is_kept_by_a_send_that_waits(green_context: Any) -> None:
    server, client = pair(green_context, (zmq.SERVER, zmq.CLIENT), sndhwm=1, rcvhwm=1)
    client.send(b"hello")
    peer = server.recv(copy=False).routing_id
    answers = [gevent.spawn(server.send, b"%d" % n, routing_id=peer) for n in range(20)]
    assert sorted(int(client.recv()) for _ in range(20)) == list(range(20))
    gevent.joinall(answers, raise_error=True)
    radio, dish = pair(green_context, (zmq.RADIO, zmq.DISH))
    dish.join("news")
    listener = gevent.spawn(dish.recv, copy=False)
    while not listener.ready():
        radio.send(b"x", group="news")
        gevent.sleep(0.001)
    assert listener.get().group == "news"
