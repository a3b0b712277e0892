"""Every blocking call can be interrupted, and keeps its deadline while signals arrive."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
import time

import pytest
from support import FACTOR, connect_pair, in_thread, in_time, wait_until

import zmqlite as zmq

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no interval timers"
)
# How late a deadline may be on a busy machine; it may never be early.
LATE = 0.25 * FACTOR


class Interrupted(Exception):
    pass


@pytest.fixture
def alarm():
    """alarm(handler, after, every=0): call `handler` by SIGALRM."""
    before = signal.getsignal(signal.SIGALRM)

    def start(handler, after, every=0.0):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, after, every)

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def interrupt(signum, frame):
    raise Interrupted


def call_interrupted(alarm, after, call):
    """Call with an alarm set; it raises before the call on a machine that is slow to get there."""
    alarm(interrupt, after)
    call()


def full_sender(context):
    """A PUSH whose high-water mark is reached."""
    sender = context.socket(zmq.PUSH, sndhwm=1, linger=0)
    sender.bind("inproc://nobody")
    return sender


CALLS = {
    "recv": lambda c, s: s.recv(),
    "recv frame": lambda c, s: s.recv(copy=False),
    "recv_multipart": lambda c, s: s.recv_multipart(),
    "recv_string": lambda c, s: s.recv_string(),
    "recv_into": lambda c, s: s.recv_into(bytearray(10)),
    "recv_many": lambda c, s: s.recv_many(),
    "iterate": lambda c, s: next(iter(s)),
    "poll": lambda c, s: s.poll(),
    "send": lambda c, s: full_sender(c).send(b"x"),
    "send_many": lambda c, s: full_sender(c).send_many([b"x"]),
    "send_multipart": lambda c, s: full_sender(c).send_multipart([b"x", b"y"]),
    "zmq_poll": lambda c, s: zmq.zmq_poll([(s, zmq.POLLIN)]),
    "select": lambda c, s: zmq.select([s], [], []),
    "proxy": lambda c, s: zmq.proxy(s, full_sender(c)),
    "term": lambda c, s: c.term(),
    "term in time": lambda c, s: c.term(timeout=30),
}


@pytest.mark.parametrize("name", CALLS)
def test_interrupted_at_once(context, alarm, name):
    socket = context.socket(zmq.PULL)
    socket.bind("inproc://quiet")

    def attempt():
        start = time.monotonic()
        with pytest.raises(Interrupted):
            call_interrupted(alarm, 0.1, lambda: CALLS[name](context, socket))
        assert time.monotonic() - start >= 0.1

    in_time(0.15 + LATE, attempt)
    assert not context.closed


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith("term")])
def test_a_signal_that_interrupts_nothing_is_heard(context, alarm, name):
    """One that arrives before the wait has begun, or that another thread was given, as here."""
    socket = context.socket(zmq.PULL)
    socket.bind("inproc://quiet")
    alarm(interrupt, 0)
    main = threading.get_ident()

    def give_to_another_thread():
        wait_until(lambda: asleep(main), what="the main thread to sleep")
        signal.pthread_kill(threading.get_ident(), signal.SIGALRM)

    done = in_thread(give_to_another_thread)
    with pytest.raises(Interrupted):
        CALLS[name](context, socket)
    done()


def asleep(ident):
    """Whether a thread is in one of CALLS, and not in what pytest does around it."""
    frame = sys._current_frames()[ident]
    while frame is not None:
        if (frame.f_code.co_name, frame.f_code.co_filename) == ("<lambda>", __file__):
            return True
        frame = frame.f_back
    return False


def test_poller_interrupted(context, alarm):
    socket = context.socket(zmq.PULL)
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    with pytest.raises(Interrupted):
        call_interrupted(alarm, 0.05, poller.poll)
    assert poller.poll(0) == []


def test_empty_poller_keeps_its_time(alarm):
    def attempt():
        start = time.monotonic()
        assert zmq.Poller().poll(100) == []
        assert time.monotonic() - start >= 0.1

    in_time(0.1 + LATE, attempt)


@pytest.mark.parametrize("wait", ["recv", "send", "poll", "poller", "zmq_poll", "empty poller"])
def test_deadlines_are_exact_under_signals(context, alarm, wait):
    ticks = []
    socket = context.socket(zmq.PULL, rcvtimeo=300)
    socket.bind("inproc://quiet")
    sender = full_sender(context)
    sender.sndtimeo = 300
    poller = zmq.Poller()
    if wait == "poller":
        poller.register(socket, zmq.POLLIN)
    alarm(lambda *_: ticks.append(1), 0.02, 0.02)

    def attempt():
        start = time.monotonic()
        if wait == "recv":
            with pytest.raises(zmq.Again, match="RCVTIMEO of 300 ms"):
                socket.recv()
        elif wait == "send":
            with pytest.raises(zmq.Again, match="SNDTIMEO of 300 ms"):
                sender.send(b"x")
        elif wait == "poll":
            assert socket.poll(300) == 0
        elif wait == "zmq_poll":
            assert zmq.zmq_poll([(socket, zmq.POLLIN)], 300) == []
        else:
            assert poller.poll(300) == []
        assert time.monotonic() - start >= 0.299

    in_time(0.3 + LATE, attempt)
    assert len(ticks) >= 2
    assert socket.rcvtimeo == 300
    assert sender.sndtimeo == 300


def test_handler_sees_the_option_unchanged_and_may_use_the_socket(context, alarm):
    socket = context.socket(zmq.PAIR, rcvtimeo=2000)
    socket.bind("inproc://reenter")
    peer = context.socket(zmq.PAIR)
    peer.connect("inproc://reenter")
    seen = []

    def handler(signum, frame):
        seen.append(socket.rcvtimeo)
        socket.send(b"from the handler")
        if len(seen) == 2:
            peer.send(b"enough")

    alarm(handler, 0.02, 0.02)
    assert socket.recv() == b"enough"
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert set(seen) == {2000}
    assert peer.recv() == b"from the handler"


@pytest.mark.parametrize("operation", ["recv", "send"])
def test_a_wait_in_steps_leaves_the_option_alone(context, operation):
    """Whoever shares the socket, as a second handle does, sees the user's value throughout."""
    socket, peer = connect_pair(context, f"inproc://{operation}", sndhwm=1, rcvhwm=1)
    second = zmq.Socket.shadow(socket.underlying)
    if operation == "send":
        while socket.send_nonblock(b"x"):
            pass
    socket.sndtimeo = socket.rcvtimeo = 4321
    main = threading.get_ident()

    def look():
        wait_until(lambda: asleep(main), what="the main thread to sleep")
        for _ in range(30):
            seen.add((second.rcvtimeo, second.sndtimeo))
            time.sleep(0.003)  # time is the subject: over several steps of the wait
        if operation == "send":
            peer.recv_many()
        else:
            peer.send(b"enough")

    seen = set()
    done = in_thread(look)
    (lambda: socket.send(b"y") if operation == "send" else socket.recv())()
    done()
    assert seen == {(4321, 4321)}


def test_handler_may_change_the_time_that_is_left(context, alarm):
    socket = context.socket(zmq.PULL, rcvtimeo=60_000)
    socket.bind("inproc://patience")

    def lose_patience(signum, frame):
        socket.rcvtimeo = 80

    alarm(lose_patience, 0.05)
    with pytest.raises(zmq.Again, match="RCVTIMEO of 80 ms"):
        socket.recv()


def past(moment, call):
    """A handler that does this, and comes back when a deadline that it interrupts is over."""

    def handler(signum, frame):
        call()
        while time.monotonic() < moment[0]:
            pass

    return handler


@pytest.mark.parametrize("operation", ["recv", "send"])
def test_what_a_long_handler_brings_is_taken_when_time_is_over(context, alarm, operation):
    """The deadline says when the wait ends, not that what is there by then is left there."""
    address = f"inproc://late-{operation}"
    socket, peer = connect_pair(context, address, sndhwm=1, rcvhwm=1)
    deadline = [0.0]
    if operation == "send":
        while socket.send_nonblock(b"x"):
            pass
        alarm(past(deadline, peer.recv_many), 0.02)
    else:
        alarm(past(deadline, lambda: peer.send(b"there")), 0.02)
    socket.sndtimeo = socket.rcvtimeo = 100
    deadline[0] = time.monotonic() + 0.2
    if operation == "send":
        socket.send(b"y")
    else:
        assert socket.recv() == b"there"


@pytest.mark.parametrize("limit", [0, 1, 49, 50, 51, 120])
def test_timeouts_around_a_step_are_kept(context, limit):
    socket = context.socket(zmq.PULL, rcvtimeo=limit)
    socket.bind("inproc://quiet")
    sender = full_sender(context)
    sender.sndtimeo = limit
    for _ in range(3):  # from the third on a receive waits at once
        start = time.monotonic()
        with pytest.raises(zmq.Again, match=f"RCVTIMEO of {limit} ms"):
            socket.recv()
        assert time.monotonic() - start >= limit / 1000
    start = time.monotonic()
    with pytest.raises(zmq.Again, match=f"SNDTIMEO of {limit} ms"):
        sender.send(b"x")
    assert time.monotonic() - start >= limit / 1000


@pytest.mark.parametrize("message", [False, True])
def test_news_that_bring_no_message_leave_a_wait_as_it_is(context, message):
    """Peers that come and go wake the main thread, which looks for a message and sleeps on."""
    socket = context.socket(zmq.PULL)
    socket.bind("inproc://busy")
    main = threading.get_ident()
    ended = threading.Event()

    def disturb():
        wait_until(lambda: asleep(main) or ended.is_set(), what="the main thread to sleep")
        while not ended.is_set() and len(visits) < (50 if message else 500):  # the reaper may lag
            visits.append(context.socket(zmq.PUSH, connect="inproc://busy", linger=0).close())
        if message:
            with context.socket(zmq.PUSH, connect="inproc://busy") as peer:
                peer.send(b"at last")

    visits = []
    receive = lambda: socket.recv()  # noqa: E731 - asleep() looks for one
    for limit in [60_000 * FACTOR] if message else [300, 1000, 5000 * FACTOR]:
        socket.rcvtimeo = int(limit)
        ended.clear()
        done = in_thread(disturb)
        start = time.monotonic()
        if message:
            assert receive() == b"at last"
        else:
            with pytest.raises(zmq.Again, match=f"RCVTIMEO of {int(limit)} ms"):
                receive()
            assert time.monotonic() - start >= limit / 1000 - 0.001
        ended.set()
        done()
        if visits:  # else the thread did not come to its turn in time
            break
    assert visits


@pytest.mark.parametrize("operation", ["recv", "send"])
def test_the_end_of_the_context_ends_the_wait_of_the_main_thread(make_context, operation):
    context = make_context()
    receiver = context.socket(zmq.PULL)
    sender = full_sender(context)
    main = threading.get_ident()

    def end():
        wait_until(lambda: asleep(main), what="the main thread to sleep")
        context.shutdown()

    done = in_thread(end)
    with pytest.raises(zmq.ContextTerminated):
        (lambda: receiver.recv() if operation == "recv" else sender.send(b"x"))()
    done()
    receiver.close()
    sender.close()


def test_an_answer_that_does_not_come(context, alarm):
    """Who is used to quick answers looks out for them first; limits, signals and endings hold."""
    server, client = connect_pair(context, "inproc://answers", zmq.DEALER, zmq.DEALER)

    def answer():
        for _ in range(20):
            server.send(server.recv())

    done = in_thread(answer)
    for number in range(20):
        client.send(b"%d" % number)
        assert client.recv() == b"%d" % number
    done()
    for limit in (0, 1, 120):
        client.rcvtimeo = limit
        client.send(b"silence")
        start = time.monotonic()
        with pytest.raises(zmq.Again, match=f"RCVTIMEO of {limit} ms"):
            client.recv()
        assert time.monotonic() - start >= limit / 1000
    client.rcvtimeo = -1
    client.send(b"silence")
    with pytest.raises(Interrupted):
        call_interrupted(alarm, 0.05, client.recv)
    client.send(b"silence")
    alarm(lambda *_: context.shutdown(), 0.05)
    with pytest.raises(zmq.ContextTerminated):
        client.recv()


def test_handler_may_close_the_socket_it_interrupts(context, alarm):
    socket = context.socket(zmq.PULL)
    socket.bind("inproc://closing")
    alarm(lambda *_: socket.close(), 0.05)
    with pytest.raises(zmq.SocketClosed):
        socket.recv()


def test_busy_proxy_is_interrupted(context, alarm):
    front, producer = connect_pair(context, "inproc://front", zmq.PULL, zmq.PUSH)
    back, consumer = connect_pair(context, "inproc://back", zmq.PUSH, zmq.PULL)
    stopped = []

    def produce():
        producer.send_many(itertools.repeat(b"x" * 100))

    def consume():
        for _ in consumer:
            stopped.append(1)

    joins = [in_thread(produce), in_thread(consume)]

    def interrupt_it_when_busy(before):
        wait_until(lambda: len(stopped) > before + 100, what="messages to pass")
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        return time.monotonic() + 0.1

    def attempt():
        alarm(interrupt, 0)
        due = in_thread(interrupt_it_when_busy, len(stopped))
        with pytest.raises(Interrupted):
            zmq.proxy(front, back)
        return time.monotonic() - due()

    in_time(0.05 + LATE, attempt)
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        joins[0]()
    joins[1]()


def test_long_batches_are_interrupted(context, alarm):
    server, client = connect_pair(context, "inproc://batch", zmq.PULL, zmq.PUSH, hwm=0)

    def messages():
        yield b"m"
        alarm(interrupt, 0.05)
        yield from itertools.repeat(b"m", 50_000_000)

    with pytest.raises(Interrupted) as caught:
        client.send_many(messages())
    assert caught.value.sent > 0
    got = 0
    while got < caught.value.sent:
        got += len(server.recv_many())
    assert got == caught.value.sent
