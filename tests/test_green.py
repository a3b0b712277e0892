"""zmqlite.green: greenlets that wait, are killed, share sockets; nothing lost, nothing late."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from green_stage import LIMIT, full, pair, wait_for, wait_for_poll
from support import FACTOR, Source, in_thread

import zmqlite

gevent: Any = pytest.importorskip("gevent")
zmq: Any = pytest.importorskip("zmqlite.green")
get_hub_if_exists: Any = pytest.importorskip("gevent._hub_local").get_hub_if_exists
budget_of_hub: Any = pytest.importorskip("zmqlite.green.binding").budget_of_hub


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
    assert pull._binding.idle


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
    look = second._make_binding.dispatch

    def counted(binding: Any, *args: Any) -> Any:
        nonlocal looks
        looks += 1
        return look(binding, *args)

    monkeypatch.setattr("zmqlite.green.binding.LoopBinding.dispatch", counted)
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
    gevent.sleep(0.1)  # time is the subject: nobody looks while nothing happens
    assert looks - before <= 2
    first.send_many([b"x", b"y"])
    assert waiting[0].get() == b"x"
    assert waiting[1].get() == [(second, zmq.POLLIN)]


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


def test_a_thread_without_a_hub_gets_none_at_the_end(green_context: Any) -> None:
    """It would keep the hub's descriptors for seconds, and has no greenlets to run."""
    _first, second = pair(green_context)
    waiting = gevent.spawn(second.recv)
    wait_for(second)

    def end() -> Any:
        second.close()
        green_context.destroy(0)
        return get_hub_if_exists()

    assert in_thread(end)() is None
    with pytest.raises(zmqlite.SocketClosed):
        waiting.get(timeout=LIMIT)


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
        assert first._binding.loop is gevent.get_hub()
        assert second.recv() == b"there"
        assert second._binding.loop is gevent.get_hub()
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
