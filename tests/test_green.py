"""zmqlite.green: greenlets that wait, are killed, share sockets; nothing lost, nothing late."""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pauses import MOST, PROMISE, SlowClock, typical
from support import FACTOR, in_thread, needs_drafts, wait_until

import zmqlite

gevent: Any = pytest.importorskip("gevent")
zmq: Any = pytest.importorskip("zmqlite.green")
budget_of_hub: Any = pytest.importorskip("zmqlite.green.binding").budget_of_hub

LIMIT = 20 * FACTOR


class KeepingContext(zmq.Context):
    """Keeps its sockets alive, so that a test may drop one without a ResourceWarning."""

    def socket(self, *args: Any, **kwargs: Any) -> Any:
        socket = super().socket(*args, **kwargs)
        self.__dict__.setdefault("_kept", []).append(socket)
        return socket


@pytest.fixture
def green_context() -> Iterator[Any]:
    context = KeepingContext()
    with gevent.Timeout(LIMIT):
        yield context
    for socket in context.sockets():
        socket.close(0)
    context.term(timeout=LIMIT)


def pair(context: Any, kinds: Any = (zmq.PAIR, zmq.PAIR), **options: Any) -> Any:
    first, second = (context.socket(kind, linger=0, **options) for kind in kinds)
    second.connect(first.bind(f"inproc://{id(first):x}"))
    return first, second


def full(push: Any) -> Any:
    while push.writable():
        push.send(b"full")
    return push


def wait_for_poll(poller: Any) -> None:
    """Come back when a greenlet waits in `poller.poll`."""
    while not poller._waits:
        gevent.sleep(0)
    gevent.sleep(0)


def wait_for(*sockets: Any, count: int = 1) -> None:
    """Come back when this many greenlets wait on each socket."""
    for socket in sockets:
        while socket._link is None or len(socket._link.waiters) < count:
            gevent.sleep(0)


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "waits"])
@pytest.mark.parametrize(
    ("send", "given", "recv", "taken", "value"),
    [
        ("send", (b"x",), "recv", (), b"x"),
        ("send_multipart", ([b"a", b"b"],), "recv_multipart", (), [b"a", b"b"]),
        ("send_string", ("caf\xe9",), "recv_string", (), "caf\xe9"),
        ("send_strings", (["a", "b"],), "recv_strings", (), ["a", "b"]),
        ("send_json", ({"a": [1]},), "recv_json", (), {"a": [1]}),
        ("send_pyobj", ({1: 2},), "recv_pyobj", (), {1: 2}),
        ("send_serialized", (7, lambda n: [b"7"]), "recv_serialized", (lambda p: int(p[0]),), 7),
        ("send_many", ([b"a", b"b"],), "recv_many", (), [b"a", b"b"]),
        ("send_multipart", ([b"i", b"", b"x"],), "recv_envelope", (), ([b"i", b""], [b"x"])),
    ],
)
def test_calls(
    green_context: Any, send: str, given: Any, recv: str, taken: Any, value: Any, waits: bool
) -> None:
    first, second = pair(green_context)
    if waits:
        receiver = gevent.spawn(getattr(second, recv), *taken)
        wait_for(second)
    getattr(first, send)(*given)
    if not waits:
        receiver = gevent.spawn(getattr(second, recv), *taken)
    assert receiver.get() == value


def test_several_greenlets_in_order(green_context: Any) -> None:
    push, pull = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=1, rcvhwm=1)
    receivers = []
    for number in range(10):
        receivers.append(gevent.spawn(pull.recv))
        wait_for(pull, count=number + 1)
    senders = [gevent.spawn(push.send, b"%d" % number) for number in range(10)]
    assert [g.get() for g in receivers] == [b"%d" % number for number in range(10)]
    gevent.joinall(senders, raise_error=True)
    full(push)
    senders = []
    for number in range(10):
        senders.append(gevent.spawn(push.send, b"%d" % number))
        wait_for(push, count=number + 1)
    got = [pull.recv() for _ in iter(lambda: all(g.ready() for g in senders), True)]
    got += pull.recv_many()
    assert [part for part in got if part != b"full"] == [b"%d" % n for n in range(10)]


@pytest.mark.parametrize("transport", ["inproc://green", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("call", ["recv", "recv_string", "recv_multipart", "recv_json"])
def test_a_killed_receive_loses_nothing(green_context: Any, call: str, transport: str) -> None:
    rng = random.Random(call)
    pull, push = (green_context.socket(kind, linger=0, hwm=0) for kind in (zmq.PULL, zmq.PUSH))
    push.connect(pull.bind(transport))
    got: list[int] = []
    killed = 0

    def take() -> None:
        value = getattr(pull, call)()
        got.append(int(value[0] if call == "recv_multipart" else value))

    for number in range(3000):
        if number % 2:
            greenlet = gevent.spawn(take)
            sends, ends = rng.randrange(4), rng.randrange(6)
            for tick in range(max(sends, ends) + 1):
                if tick == sends:
                    push.send(b"%d" % number)
                if tick == ends:
                    greenlet.kill(block=False)
                gevent.sleep(0)
            greenlet.join()
            killed += isinstance(greenlet.value, gevent.GreenletExit)
            continue
        limit = gevent.Timeout.start_new(rng.choice((0, 1e-5, 1e-4)))
        try:
            push.send(b"%d" % number)
            take()
        except gevent.Timeout:
            killed += 1
        finally:
            limit.close()
    while len(got) < 3000:
        got.append(int(pull.recv()))
    assert got == list(range(3000))
    assert killed > 100
    assert pull._link.idle


def test_a_killed_send_did_not_happen(green_context: Any) -> None:
    rng = random.Random(1)
    push, pull = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=2, rcvhwm=2)
    sent: list[bytes] = []
    got: list[bytes] = []

    def send(part: bytes) -> None:
        push.send(part)
        sent.append(part)

    for number in range(5000):
        greenlet = gevent.spawn(send, b"%d" % number)
        for _ in range(rng.randrange(3)):
            gevent.sleep(0)
        if rng.random() < 0.3 and pull.readable():
            got += pull.recv_many()
        if rng.random() < 0.5:
            gevent.sleep(0)
        greenlet.kill()
    while pull.readable():
        got += pull.recv_many()
    assert got == sent
    assert 200 < len(sent) < 5000


class Source:
    """An iterable without end that counts what is drawn."""

    def __init__(self, message: Any = b"x") -> None:
        self.drawn = 0
        self.message = message

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.drawn += 1
            yield self.message


def test_send_many_draws_as_it_sends_and_others_run(green_context: Any) -> None:
    push, pull = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
    source, ended = Source([b"x", b"y"]), []

    def send() -> None:
        try:
            push.send_many(source)
        except gevent.GreenletExit as error:
            ended.append(error.sent)  # type: ignore[attr-defined]
            raise

    sender = gevent.spawn(send)
    wait_for(push)
    assert source.drawn == 21
    for _ in range(5000):
        assert pull.recv_multipart() == [b"x", b"y"]
    while source.drawn < 5021:
        gevent.sleep(0)
    wait_for(push)
    assert source.drawn == 5021
    sender.kill()
    assert ended == [5020]


def test_send_many_to_a_socket_that_always_takes_more_lets_others_run(green_context: Any) -> None:
    push = green_context.socket(zmq.PUB, linger=0)
    push.bind("inproc://void")
    sender = gevent.spawn(push.send_many, Source())
    for _ in range(20):
        gevent.sleep(0)
    sender.kill()


@pytest.mark.parametrize("error", [KeyError("mine"), zmqlite.Again()], ids=["KeyError", "Again"])
@pytest.mark.parametrize("hwm", [2, 1000])
def test_an_exception_of_what_send_many_draws(green_context: Any, error: Any, hwm: int) -> None:
    push, pull = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=hwm, rcvhwm=hwm)

    def failing() -> Iterator[bytes]:
        for number in range(20):
            yield b"%d" % number
        raise error

    def send() -> None:
        with pytest.raises(type(error)) as caught:
            push.send_many(failing())
        assert caught.value is error
        assert error.sent == 20

    sender = gevent.spawn(send)
    for number in range(20):
        assert pull.recv() == b"%d" % number
    sender.get(timeout=LIMIT)


def test_send_many_with_dontwait_and_a_time_limit(green_context: Any) -> None:
    push, _ = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=10, rcvhwm=10)
    assert push.send_many(Source(), zmq.DONTWAIT) == 20
    assert push.send_many([b"x"], zmq.DONTWAIT) == 0
    for limit in (0, 10):
        push.sndtimeo = limit
        with pytest.raises(zmq.Again) as caught:
            push.send_many(Source())
        assert caught.value.sent == 0


def test_errors_name_the_call_that_failed(green_context: Any) -> None:
    """Not the step inside it that met the error; and a time limit says on which endpoint."""
    push, pull = pair(green_context, (zmq.PUSH, zmq.SUB))
    with pytest.raises(zmqlite.NotSupported, match=r"^recv on PUSH socket"):
        push.recv()
    pull.rcvtimeo = 1
    with pytest.raises(zmqlite.Again, match=r"^recv on SUB socket \(inproc://.*subscription"):
        pull.recv()
    with pytest.warns(UserWarning, match=r"write poll\(500\)"):
        assert pull.poll(0.5) == 0
    push.close()
    for name in ("recv", "recv_multipart", "recv_many", "poll"):
        with pytest.raises(zmqlite.SocketClosed, match=f"^{name} on PUSH socket.* is closed"):
            getattr(push, name)()
    with pytest.raises(zmqlite.SocketClosed, match=r"^send on PUSH socket"):
        push.send(b"x")


def test_time_limits(green_context: Any) -> None:
    push, pull = pair(green_context, (zmq.PUSH, zmq.PULL), sndhwm=1, rcvhwm=1)
    full(push)
    lone = green_context.socket(zmq.PULL, rcvtimeo=30, linger=0)
    push.sndtimeo = 30
    for call in (lone.recv, lone.recv_string, lone.recv_multipart, lambda: push.send(b"x")):
        start = time.monotonic()
        with pytest.raises(zmqlite.Again, match="TIMEO of 30 ms"):
            call()
        assert 0.029 < time.monotonic() - start < 15 * FACTOR
    with pytest.raises(zmqlite.Again):
        next(lone)
    lone.rcvtimeo = push.sndtimeo = 0
    for call in (lone.recv, lambda: push.send(b"x"), lambda: pull.send(b"x", zmq.NOBLOCK)):
        with pytest.raises((zmqlite.Again, zmqlite.NotSupported)):
            call()
    lone.rcvtimeo = -1
    with pytest.raises(zmqlite.Again):
        lone.recv(zmq.NOBLOCK)
    assert lone.poll(10) == 0
    assert lone.poll(0) == 0


DRAFT = pytest.mark.skipif(not zmqlite.DRAFT_API, reason="built without drafts")


@pytest.mark.parametrize(
    "kinds",
    [("PAIR", "PAIR"), pytest.param(("CLIENT", "SERVER"), marks=DRAFT)],
    ids=["PAIR", "SERVER"],
)
def test_nothing_runs_while_there_is_no_news(
    green_context: Any, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, str]
) -> None:
    """No timer comes to look, and nothing spins: all that the hub has is a descriptor of each."""
    first, second = pair(green_context, [getattr(zmq, kind) for kind in kinds])
    gevent.sleep(0.001)
    active = getattr(gevent.get_hub().loop, "activecnt", None)  # libev tells
    looks = 0
    look = type(second._make_link(gevent.get_hub())).dispatch

    def counted(link: Any, *args: Any) -> Any:
        nonlocal looks
        looks += 1
        return look(link, *args)

    monkeypatch.setattr("zmqlite.green.binding.Link.dispatch", counted)
    poller = zmq.Poller()
    poller.register(second, zmq.POLLIN)
    waiting = [gevent.spawn(second.recv), gevent.spawn(poller.poll)]
    wait_for(second)
    wait_for_poll(poller)
    gevent.sleep(0.001)
    if active is not None:
        shared = second.thread_safe  # such a socket's descriptor is that of its own queue
        assert gevent.get_hub().loop.activecnt == active + (1 if shared else 2)
    before = looks
    gevent.sleep(0.1)
    assert looks - before <= 2
    first.send_many([b"x", b"y"])
    assert waiting[0].get() == b"x"
    assert waiting[1].get() == [(second, zmq.POLLIN)]


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
    gevent.sleep(0.1)
    assert time.thread_time() - start < 0.05 * FACTOR
    router.send_multipart([b"idle", b"y"])
    assert peers[b"idle"].recv() == b"y"
    assert [peers[b"full"].recv() for _ in range(sent + 1)] == [b"x"] * sent + [b"last"]
    peers[b"idle"].send(b"bye")
    gevent.joinall(blocked, raise_error=True)


def star(context: Any, *names: bytes) -> Any:
    """Return a ROUTER that must deliver, and peers that are full, by name."""
    router = context.socket(zmq.ROUTER, router_mandatory=1, sndhwm=1, linger=0)
    address = router.bind(f"inproc://{id(router):x}")
    peers = {}
    for name in names:
        peers[name] = context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
        peers[name].connect(address)
        peers[name].send(b"hello")
        router.recv_multipart()
        while router.send_many([[name, b"fill"]], zmq.DONTWAIT):
            pass
    return router, peers


def test_a_peer_that_goes_fails_what_waits_for_it(green_context: Any) -> None:
    """Though no other peer has room, so that the socket does not become writable."""
    router, peers = star(green_context, b"going", b"full")
    blocked = [gevent.spawn(router.send_multipart, [b"going", b"x"]) for _ in range(2)]
    wait_for(router, count=2)
    peers[b"going"].close()
    for greenlet in blocked:
        with pytest.raises(zmq.HostUnreachable):
            greenlet.get(timeout=LIMIT)


def test_a_message_does_not_begin_in_the_middle_of_another(green_context: Any) -> None:
    """Sent part by part, while another greenlet waits for a full peer that has room then."""
    router, peers = star(green_context, b"full", b"idle")
    while peers[b"idle"].poll(0):
        peers[b"idle"].recv()
    blocked = gevent.spawn(router.send_multipart, [b"full", b"x", b"y"])
    wait_for(router)
    router.send(b"idle", zmq.SNDMORE)
    while peers[b"full"].poll(0):
        assert peers[b"full"].recv_multipart() == [b"fill"]
    gevent.sleep(0.01)
    router.send(b"1", zmq.SNDMORE)
    gevent.sleep(0.01)
    router.send(b"2")
    assert peers[b"idle"].recv_multipart() == [b"1", b"2"]
    assert peers[b"full"].recv_multipart() == [b"x", b"y"]
    blocked.get(timeout=LIMIT)


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


# -- the end --------------------------------------------------------------------------------------


def end_close(context: Any, socket: Any) -> None:
    socket.close()


def end_close_elsewhere(context: Any, socket: Any) -> None:
    in_thread(socket.close)()


def end_destroy(context: Any, socket: Any) -> None:
    context.destroy(0)


def end_plain_destroy(context: Any, socket: Any) -> None:
    zmqlite.Context.destroy(context, 0)


def end_shutdown(context: Any, socket: Any) -> None:
    context.shutdown()


ENDS = [value for name, value in list(globals().items()) if name.startswith("end_")]


@pytest.mark.parametrize("end", ENDS)
def test_the_end_wakes_all_who_wait(green_context: Any, end: Any) -> None:
    first, _ = pair(green_context, sndhwm=1, rcvhwm=1)
    full(first)

    def call(function: Any, *args: Any) -> None:
        with pytest.raises(zmqlite.ZMQError):
            function(*args)

    ended = [
        gevent.spawn(call, first.recv),
        gevent.spawn(call, first.send, b"x"),
        gevent.spawn(call, first.poll),
        gevent.spawn(list, first),
    ]
    wait_for(first, count=4)
    end(green_context, first)
    gevent.joinall(ended, raise_error=True)
    assert ended[3].value == []


def test_term_lets_others_run() -> None:
    context, other = zmq.Context(), zmq.Context()
    push, pull = context.socket(zmq.PUSH), other.socket(zmq.PULL)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    with gevent.Timeout(LIMIT):
        receiver = gevent.spawn(pull.recv)
        push.send(b"x")
        push.close()
        context.term()
        assert receiver.get() == b"x"
        pull.close()
        other.term()


# -- polling and pumping --------------------------------------------------------------------------


def test_poller(green_context: Any) -> None:
    first, second = pair(green_context)
    readable, writable = os.pipe()
    plain = zmqlite.Context.shadow(green_context).socket(zmq.PULL, bind="inproc://plain")
    push = green_context.socket(zmq.PUSH, connect="inproc://plain", linger=0)
    poller = zmq.Poller()
    for source in (second, readable, plain):
        poller.register(source, zmq.POLLIN)
    assert poller.poll(0) == []
    assert poller.poll(5) == []
    try:
        for act, source in (
            (lambda: first.send(b"x"), second),
            (lambda: os.write(writable, b"x"), readable),
            (lambda: push.send(b"x"), plain),
        ):
            waiting = gevent.spawn(poller.poll)
            gevent.sleep(0.001)
            assert not waiting.ready()
            act()
            assert waiting.get() == [(source, zmq.POLLIN)]
            second.recv() if source is second else os.read(readable, 1) \
                if source is readable else plain.recv()  # fmt: skip
            assert poller.poll(0) == []
    finally:
        plain.close()
        os.close(readable)
        os.close(writable)
    waiting = gevent.spawn(zmq.select, [second], [second], [], 1)
    assert waiting.get() == ([], [second], [])
    assert zmq.zmq_poll([(second, zmq.POLLIN)], 1) == []
    assert zmq.zmq_poll([]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_a_blocking_member_that_another_thread_closes(green_context: Any, context: Any) -> None:
    """A socket without peers: libzmq lets it go without a word through its descriptor."""
    kept, closed = green_context.socket(zmq.PULL), context.socket(zmq.PULL)
    poller = zmq.Poller()
    for member in (kept, closed):
        poller.register(member, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll)
    wait_for_poll(poller)
    in_thread(closed.close)()
    with pytest.raises(zmq.NotSupported, match="unregister it"):
        waiting.get()
    poller.unregister(closed)
    assert poller.poll(1) == []


def test_a_poller_that_came_too_late_goes_on_waiting(green_context: Any) -> None:
    first, second = pair(green_context)
    poller = zmq.Poller()
    poller.register(second, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll)
    wait_for_poll(poller)
    for _ in range(3):
        first.send(b"x")
        second.recv()  # before the poller gets to run
        gevent.sleep(0)
        assert not waiting.ready()
    first.send(b"x")
    assert waiting.get() == [(second, zmq.POLLIN)]


def test_a_poll_that_takes_the_news_wakes_the_others(green_context: Any) -> None:
    first, second = pair(green_context)
    poller = zmq.Poller()
    poller.register(second, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for _ in range(3)]
    while len(poller._waits) < 3:
        gevent.sleep(0)
    first.send(b"x")
    assert poller.poll(0) == [(second, zmq.POLLIN)]
    assert [one.get() for one in waiting] == [[(second, zmq.POLLIN)]] * 3


def test_a_poll_costs_nothing_for_members_that_are_not_ready(green_context: Any) -> None:
    """One descriptor stands for all of them, and what waits on a member hears what polls read."""
    first, second = pair(green_context)
    poller = zmq.Poller()
    for number in range(50):
        poller.register(green_context.socket(zmq.PULL, bind=f"inproc://quiet{number}"), zmq.POLLIN)
    poller.register(second, zmq.POLLERR)
    active = getattr(gevent.get_hub().loop, "activecnt", None)
    waiting = [gevent.spawn(poller.poll, 10_000), gevent.spawn(second.recv)]
    wait_for_poll(poller)
    wait_for(second)
    if active is not None:
        assert gevent.get_hub().loop.activecnt <= active + 3  # that, its time limit, the receive
    for _ in range(20):
        first.send(b"x")
        assert poller.poll(0) == []  # reads EVENTS, for a greenlet that waits for the message
        assert waiting[1].get(timeout=10) == b"x"
        waiting[1] = gevent.spawn(second.recv)
        wait_for(second)
    gevent.killall(waiting)


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
@pytest.mark.parametrize("count", [1, 3])
def test_pollers_wake_when_another_greenlet_takes_a_message_and_more_remain(
    green_context: Any, context: Any, count: int
) -> None:
    """Of a blocking socket: who takes the first message hears what its descriptor says of all."""
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
    push.connect(pull.bind("tcp://127.0.0.1:*"))
    push.send(b"0")
    pull.recv()  # connected: from now on only a message makes the descriptor speak
    pollers = []
    for _ in range(count):
        pollers.append(zmq.Poller())
        pollers[-1].register(pull, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for poller in pollers]
    gevent.sleep(0)
    push.send_many([b"1", b"2"])
    wait_until(lambda: pull.poll_events(zmq.POLLIN), what="the messages")
    assert pull.recv() == b"1"  # the hub did not run meanwhile
    with gevent.Timeout(LIMIT):
        for greenlet in waiting:
            assert greenlet.get() == [(pull, zmq.POLLIN)]


@pytest.mark.skipif(sys.platform != "linux", reason="without epoll only the descriptor tells")
def test_pollers_of_one_member_do_not_keep_each_other_busy(
    green_context: Any, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hears of the other's looks, which are no news: the socket can be written always."""
    first, second = context.socket(zmq.PAIR), context.socket(zmq.PAIR, linger=0)
    second.connect(first.bind("inproc://calm"))
    looks = []
    poll = zmqlite.Poller.poll
    monkeypatch.setattr(zmqlite.Poller, "poll", lambda *args: looks.append(1) or poll(*args))
    pollers = []
    for _ in range(2):
        pollers.append(zmq.Poller())
        pollers[-1].register(first, zmq.POLLIN)
    waiting = [gevent.spawn(poller.poll) for poller in pollers]
    gevent.sleep(0.2)
    assert len(looks) <= 12
    second.send(b"x")
    with gevent.Timeout(LIMIT):
        assert [greenlet.get() for greenlet in waiting] == [[(first, zmq.POLLIN)]] * 2


@needs_drafts
def test_a_poller_waits_for_a_blocking_socket_without_a_descriptor(
    green_context: Any, context: Any
) -> None:
    server, client = context.socket(zmq.SERVER), context.socket(zmq.CLIENT, linger=0)
    client.connect(server.bind("inproc://thread-safe"))
    poller = zmq.Poller()
    poller.register(server, zmq.POLLIN)
    waiting = gevent.spawn(poller.poll)
    gevent.sleep(0.01)
    assert not waiting.ready()
    client.send(b"x")
    with gevent.Timeout(LIMIT):
        assert waiting.get() == [(server, zmq.POLLIN)]


def test_poll_at_the_end_raises_what_recv_raises(green_context: Any) -> None:
    pull = green_context.socket(zmq.PULL)
    waiting = gevent.spawn(pull.poll)
    wait_for(pull)
    pull.close()
    with pytest.raises(zmq.SocketClosed, match="poll"):
        waiting.get(timeout=LIMIT)
    with pytest.raises(zmq.SocketClosed):
        pull.poll()
    pull = green_context.socket(zmq.PULL)
    waiting = gevent.spawn(pull.poll)
    wait_for(pull)
    green_context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        waiting.get(timeout=LIMIT)


@pytest.mark.parametrize("name", ["proxy", "device"])
def test_pumps(green_context: Any, name: str) -> None:
    front = green_context.socket(zmq.ROUTER, bind="inproc://front", linger=0)
    back = green_context.socket(zmq.DEALER, bind="inproc://back", linger=0)
    args = (front, back) if name == "proxy" else (zmq.QUEUE, front, back)
    pump = gevent.spawn(getattr(zmq, name), *args)
    request = green_context.socket(zmq.REQ, connect="inproc://front", linger=0)
    reply = green_context.socket(zmq.REP, connect="inproc://back", linger=0)
    worker = gevent.spawn(lambda: reply.send(reply.recv().upper()))
    request.send(b"hello")
    assert request.recv() == b"HELLO"
    worker.get()
    if name == "proxy":
        pump.kill()
        assert front._link.idle
        assert back._link.idle
    else:
        front.close()
        pump.join()
        assert isinstance(pump.exception, zmqlite.SocketClosed)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_proxy_goes_one_way_where_the_types_know_no_other(
    green_context: Any, backwards: bool
) -> None:
    front = green_context.socket(zmq.PULL, bind="inproc://front", linger=0)
    back = green_context.socket(zmq.PUSH, bind="inproc://back", linger=0)
    push = green_context.socket(zmq.PUSH, connect="inproc://front", linger=0)
    pull = green_context.socket(zmq.PULL, connect="inproc://back", linger=0)
    pump = gevent.spawn(zmq.proxy, *((back, front) if backwards else (front, back)))
    for text in (b"one", b"two"):
        push.send(text)
        assert pull.recv() == text
        gevent.sleep(0)
    assert not pump.ready()
    pump.kill()


def test_threads_have_hubs_of_their_own(green_context: Any) -> None:
    first, second = pair(green_context)

    def talk() -> bytes:
        greenlet = gevent.spawn(second.recv)
        wait_for(second)
        first.send(b"x")
        value: bytes = greenlet.get()
        gevent.get_hub().destroy()
        return value

    assert in_thread(talk)() == b"x"
    first.send(b"here")  # both belong to our hub again
    assert second.recv() == b"here"

    def borrow() -> None:
        first.send(b"there")  # at once, but not as a part of our hub's pass
        assert first._link.home is gevent.get_hub()
        assert second.recv() == b"there"
        assert second._link.home is gevent.get_hub()
        gevent.get_hub().destroy()

    in_thread(borrow)()
    greenlet = gevent.spawn(second.recv)
    wait_for(second)

    def steal() -> None:
        with pytest.raises(zmqlite.ThreadMisuse):
            second.recv()
        gevent.get_hub().destroy()

    in_thread(steal)()
    first.send(b"y")
    assert greenlet.get() == b"y"


def test_the_names_of_the_library_are_all_there() -> None:
    skipped = {"Message", "SyncContext", "SyncSocket", "Steering", "ProxyStatistics",
               "proxy_steerable", "__version__", "DRAFT_API", "Endpoint"}  # fmt: skip
    assert set(zmqlite.__all__) - set(zmq.__all__) <= skipped
    assert zmq.Context.instance() is not zmqlite.Context.instance()
    zmq.Context.instance().term()
    zmqlite.Context.instance().term()


def test_endpoints_are_given_up(green_context: Any) -> None:
    pull, push = green_context.socket(zmq.PULL, linger=0), green_context.socket(zmq.PUSH, linger=0)
    with pull.bind("tcp://127.0.0.1:*") as bound:
        address = bound.last_endpoint.decode()
        with push.connect(address):
            push.send(b"x")
            assert pull.recv() == b"x"
            assert push.endpoints == (address,)
    assert pull.endpoints == push.endpoints == ()


def test_a_full_peer_holds_up_nothing_for_another_and_its_own_stay_in_order(
    green_context: Any,
) -> None:
    """Of a ROUTER, whose messages have addressees of their own."""
    router = green_context.socket(zmq.ROUTER, sndhwm=1, router_mandatory=1, linger=0)
    router.bind("inproc://router")
    peers = {}
    for name in (b"full", b"open"):
        peers[name] = green_context.socket(zmq.DEALER, routing_id=name, rcvhwm=1, linger=0)
        peers[name].connect("inproc://router")
        peers[name].send(b"here")
        assert router.recv_multipart() == [name, b"here"]
    count = 0
    with contextlib.suppress(zmq.Again):
        while True:
            router.send_multipart([b"full", b"%d" % count], zmq.DONTWAIT)
            count += 1
    sends = []
    for number in range(20):
        sends.append(gevent.spawn(router.send_multipart, [b"full", b"%d" % (count + number)]))
        wait_for(router, count=number + 1)
    router.send_multipart([b"open", b"at once"])
    assert peers[b"open"].recv() == b"at once"
    found = [peers[b"full"].recv() for _ in range(count + 20)]
    gevent.joinall(sends, raise_error=True)
    assert found == [b"%d" % number for number in range(count + 20)]
