"""Much by many threads at once on one context, poller or gate: all of it works, or is refused.

With a GIL the threads take turns as often as Python lets them; without one they run at a time.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from support import FACTOR, in_thread, needs_patch, wait_until

import zmqlite as zmq
from zmqlite.auth import AddressRules, Gate, Verdict

THREADS = 4
LIMIT = 30 * FACTOR


@pytest.fixture(autouse=True)
def take_turns_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Run all of these in threads, and return what they return."""
    return [join(LIMIT) for join in [in_thread(function) for function in functions]]


class InStep:
    """Threads that go through the same places, and begin at each together."""

    def __init__(self) -> None:
        self._come: list[int] = []

    def meet(self, place: int) -> None:
        """Wait until all are there. (A Barrier takes a thousand times as long without a GIL.)"""
        self._come.append(place)
        end = time.monotonic() + LIMIT
        while len(self._come) < (place + 1) * THREADS:
            assert time.monotonic() < end, "another thread has not come"
            time.sleep(0)


def until_over(function: Callable[[], Any], over: threading.Event) -> Callable[[], int]:
    """Return what calls this again and again until the others are done; it returns how often."""

    def run() -> int:
        count = 0
        while not over.is_set():
            function()
            count += 1
        return count

    return run


def beside(work: Callable[[], Any], *others: Callable[[], Any]) -> None:
    """Do work in threads, and other things beside it until it is done."""
    over = threading.Event()
    joins = [in_thread(until_over(other, over)) for other in others]
    try:
        at_once(*[work] * THREADS)
    finally:
        over.set()
        for join in joins:
            join(LIMIT)


def test_sockets_come_and_go_while_others_look(context: zmq.Context) -> None:
    names = iter(range(10**6))
    lock = threading.Lock()

    def come_and_go() -> None:
        for _ in range(60):
            with lock:
                name = f"inproc://{next(names)}"
            with context.socket("PULL", bind=name) as pull, context.socket("PUSH") as push:
                push.connect(name)
                push.send(b"x")
                assert pull.recv() == b"x"

    def look() -> None:
        for one in context.sockets():
            assert one.context is context
            repr(one)
        assert repr(context)

    def second_handle() -> None:
        view = zmq.Context.shadow(context)
        with view.socket("PAIR"):
            pass
        view.term()

    beside(come_and_go, look, second_handle)
    assert context.sockets() == []


def test_defaults_change_while_sockets_are_made(context: zmq.Context) -> None:
    """One that iterated over the defaults themselves failed: they had changed meanwhile."""
    options = [zmq.SNDHWM, zmq.RCVHWM, zmq.LINGER, zmq.SNDTIMEO, zmq.RCVTIMEO, zmq.BACKLOG]

    def make() -> None:
        for _ in range(100):
            context.socket("PAIR").close()

    context.sockopts.update(dict.fromkeys(options, 5))

    def change() -> None:
        context.sockopts.pop(zmq.SNDHWM)
        context.setsockopt(zmq.SNDHWM, 5)

    beside(make, change)


def test_second_handles_end_with_their_owner() -> None:
    for _ in range(4):
        owner = zmq.Context()
        views = [zmq.Context.shadow(owner) for _ in range(THREADS)]

        def use(view: zmq.Context) -> None:
            try:
                while True:
                    view.socket("PAIR").close()
                    view.get(zmq.IO_THREADS)
            except (zmq.ContextTerminated, RuntimeError, zmq.ZMQError):
                pass

        joins = [in_thread(use, view) for view in views]
        owner.destroy(0)
        for join in joins:
            join(LIMIT)
        assert owner.closed
        assert all(view.closed for view in views)


def test_a_context_ends_under_the_hands_of_its_users() -> None:
    for _ in range(4):
        context = zmq.Context()
        begun = threading.Semaphore(0)

        def use(context: zmq.Context = context, begun: threading.Semaphore = begun) -> None:
            try:
                while True:
                    with context.socket("DEALER", linger=0) as dealer:
                        dealer.connect("inproc://nobody")
                        begun.release()
                        dealer.poll(1)
                        context.sockets()
            except (zmq.ContextTerminated, zmq.SocketClosed, RuntimeError):
                pass

        joins = [in_thread(use) for _ in range(THREADS)]
        for _ in range(THREADS):
            assert begun.acquire(timeout=LIMIT)
        at_once(*[lambda context=context: context.destroy(0)] * 2)
        for join in joins:
            join(LIMIT)
        assert context.closed
        assert context.sockets() == []


def test_many_threads_end_one_context() -> None:
    """Each says what it waits for, while another one may have ended it."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        where = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"
        for _ in range(5):
            context = zmq.Context()
            with context.socket("PUSH", linger=50, connect=where) as push:
                push.send(b"x")

            def end(context: zmq.Context = context) -> None:
                while not context.closed:
                    with suppress(zmq.Again):
                        context.term(0.001)

            at_once(*[end] * THREADS)
            assert context.closed


def test_closed_sockets_are_remembered_by_one_thread_at_a_time(context: zmq.Context) -> None:
    """Each has a message to send, and lingers for it: without the GIL, the list of them tore."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        where = f"tcp://127.0.0.1:{deaf.getsockname()[1]}"

        def leave() -> None:
            for _ in range(100):
                with context.socket("PUSH", linger=20, connect=where) as push:
                    push.send(b"x", zmq.DONTWAIT)

        at_once(*[leave] * THREADS)


def test_monitor_events_in_many_threads(context: zmq.Context) -> None:
    """Two that begin at once have one monitor: a second one ended the first."""
    if not zmq.has("draft"):
        pytest.skip("monitor_events takes a libzmq with drafts")
    watched = [context.socket("PULL") for _ in range(60)]

    step = InStep()

    def watch() -> list[Any]:
        streams: list[Any] = []
        for number, one in enumerate(watched):
            step.meet(number)
            while len(streams) <= number:
                with suppress(zmq.ThreadMisuse):
                    streams.append(one.monitor_events(zmq.Event.LISTENING))
        return streams

    found = at_once(*[watch] * THREADS)
    for number, one in enumerate(watched):
        one.bind("tcp://127.0.0.1:*")
        for stream in (streams[number] for streams in found):
            assert stream._source.poll(10_000 * FACTOR), "it does not hear of the monitor"
            assert next(stream).event == zmq.Event.LISTENING
            stream.close()
        one.close()


def test_one_poller_in_many_threads_works_or_refuses(context: zmq.Context) -> None:
    poller = zmq.Poller()
    far = context.socket("PULL", bind="inproc://polled")
    near = context.socket("PUSH", connect="inproc://polled")
    done, refused = [0] * THREADS, [0] * THREADS

    def use(place: int) -> None:
        own = context.socket("PAIR")
        for number in range(300):
            try:
                [
                    lambda: poller.register(own, zmq.POLLIN),
                    lambda: poller.poll(0),
                    lambda: poller.unregister(own),
                    lambda: poller.register(far, zmq.POLLIN),
                    lambda: len(poller.sockets) + len(repr(poller)),
                ][number % 5]()
                done[place] += 1
            except (zmq.ThreadMisuse, KeyError):
                refused[place] += 1
        while True:
            try:
                poller.delete(own)
                break
            except zmq.ThreadMisuse:
                pass
        own.close()

    def send() -> None:
        for _ in range(300):
            near.send(b"x")

    at_once(send, *[lambda place=place: use(place) for place in range(THREADS)])
    assert sum(done) + sum(refused) == 300 * THREADS
    poller.register(far, zmq.POLLIN)
    assert poller.poll(5000 * FACTOR) == [(far, zmq.POLLIN)]
    assert len(poller) == 1


def test_rules_for_addresses_are_added_while_they_are_asked() -> None:
    """One that iterated over the rules themselves failed, and the peer stayed out."""
    rules = AddressRules()
    rules.allow(*(f"10.0.{number}.1" for number in range(200)))
    numbers = iter(range(10**6))

    def ask() -> None:
        for _ in range(20):
            assert rules.check("::ffff:10.0.199.1")
            assert not rules.check("10.9.9.9")

    def add() -> None:
        number = min(next(numbers), 2000)  # that many: each makes the check longer
        rules.allow(f"11.{number // 250 % 250}.{number % 250}.1")

    beside(ask, add)


def test_a_callable_for_keys_is_never_asked_in_the_thread_of_the_gate() -> None:
    """While it comes in the place of a list, who asks waits for it in a thread of its own."""
    gate = Gate()
    seen: list[bool] = []

    class Keys(dict[str, Any]):
        def __setitem__(self, domain: str, keys: Any) -> None:
            super().__setitem__(domain, keys)
            at_once = gate.answers_at_once([b"", b"", b""])
            seen.append(at_once and gate._keys["*"] is judge)

    def judge(domain: str, key: bytes) -> Verdict:
        return Verdict(False)

    gate._keys = Keys()
    gate.curve([])
    gate.curve(judge)
    gate.curve([])
    assert seen == [False] * 3
    assert gate.answers_at_once([b"", b"", b""])


def test_a_gate_is_served_again_and_again_while_peers_come(make_context: Any) -> None:
    context = make_context()
    gate = Gate()
    gate.plain({"a": "b"})
    for _ in range(2):
        with gate.serve(context):
            server = context.socket("PULL", plain_server=1, bind="tcp://127.0.0.1:*")

            def come(where: str = server.endpoints[0]) -> None:
                for _ in range(2):
                    options = {"plain_username": "a", "plain_password": "b", "linger": 5000}
                    with context.socket("PUSH", connect=where, **options) as peer:
                        peer.send(b"x")

            def change() -> None:
                time.sleep(0.001)  # or it takes all the time there is
                gate.plain({"a": "b", "c": "d"})
                gate.allow("127.0.0.1")
                gate.curve([])

            beside(come, change)
            for _ in range(2 * THREADS):
                assert server.poll(10_000 * FACTOR)
                assert server.recv() == b"x"
            server.close()


def test_requests_of_many_threads_leave_the_socket_usable(context: zmq.Context) -> None:
    """Each is answered or refused; a count that got lost refused all that came later."""
    server = context.socket("REP", bind="inproc://answers")
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            if server.poll(20):
                server.send(server.recv())

    serving = in_thread(serve)
    try:
        clients = [context.socket("DEALER", connect="inproc://answers") for _ in range(30)]

        step = InStep()

        def ask() -> None:
            for number, client in enumerate(clients):
                step.meet(number)
                for _ in range(5):
                    with suppress(zmq.ThreadMisuse):
                        assert client.request(b"x", 10_000 * FACTOR) == b"x"

        at_once(*[ask] * THREADS)

        def ask_at_last() -> list[bytes]:
            return [client.request(b"at last", 10_000 * FACTOR) for client in clients]

        assert in_thread(ask_at_last)(LIMIT) == [b"at last"] * len(clients)
        for client in clients:
            client.close()
    finally:
        over.set()
        serving(LIMIT)


def test_the_default_context_is_made_once() -> None:
    kinds = [type("Own", (zmq.Context,), {}) for _ in range(50)]
    step = InStep()

    def make() -> list[zmq.Context]:
        return [step.meet(number) or kind.instance() for number, kind in enumerate(kinds)]

    found = at_once(*[make] * THREADS)
    for contexts in zip(*found, strict=True):
        assert len(set(map(id, contexts))) == 1
        contexts[0].term()


@needs_patch("known-numbers")
def test_numbers_are_read_while_sockets_are_used_and_closed(context: zmq.Context) -> None:
    pull = context.socket("PULL", bind="inproc://counted")
    sent = 50

    def send() -> None:
        with context.socket("PUSH", connect="inproc://counted") as push:
            for _ in range(sent):
                push.send(b"x")
                push.stats()

    beside(send, context.stats, pull.stats)
    for _ in range(sent * THREADS):
        pull.recv()
    wait_until(lambda: pull.stats().messages_in == sent * THREADS, what="all to be counted")


@needs_patch("known-numbers")
@pytest.mark.parametrize("kinds", [("PUSH", "PULL"), ("CLIENT", "SERVER")], ids="-".join)
def test_to_read_numbers_is_in_nobodys_way(context: zmq.Context, kinds: tuple[str, str]) -> None:
    """What comes while another thread reads them waits for that moment, and is not refused."""
    number = iter(range(10**6))
    open_now: list[Any] = []

    def look() -> None:
        for one in open_now[-2:]:
            with suppress(zmq.SocketClosed):
                assert one.stats().drops == 0

    def use() -> None:
        for _ in range(100):
            name = f"inproc://{next(number)}"
            with context.socket(kinds[0]) as near, context.socket(kinds[1], bind=name) as far:
                open_now.extend((near, far))
                near.connect(name)
                for _ in range(20):
                    near.send(b"x")
                    assert far.poll(10_000 * FACTOR)
                    assert far.recv() == b"x"

    over = threading.Event()
    joins = [in_thread(until_over(look, over)) for _ in range(THREADS)]
    try:
        in_thread(use)(LIMIT)
    finally:
        over.set()
        for join in joins:
            join(LIMIT)


@needs_patch("known-numbers")
def test_numbers_have_the_news_of_an_idle_socket(context: zmq.Context) -> None:
    """Whoever asks: nobody is inside, so that peers and their messages can be heard of."""
    pull = context.socket("PULL", bind="inproc://idle")
    push = context.socket("PUSH", connect="inproc://idle")
    push.send(b"x")
    for stats in (in_thread(pull.stats)(LIMIT), pull.stats()):
        assert (stats.queued_in, len(stats.peers)) == (1, 1)
    assert pull.recv() == b"x"
