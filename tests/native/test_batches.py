"""send_many and recv_many: many messages in one crossing, none lost, nobody kept waiting."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from support import FACTOR, connect_pair, in_thread, in_time, needs_drafts, wait_inside, wait_until

import zmqlite as zmq
from zmqlite._native import core


def receive(socket, count, **kwargs):
    """Collect at least `count` entries by recv_many."""
    got = []
    while len(got) < count:
        got += socket.recv_many(**kwargs)
    return got


def test_many_of_every_kind(pair):
    server, client = pair()
    messages = [b"a", bytearray(b"b"), memoryview(b"c"), zmq.Frame(b"d"), [b"e", b"f"], (b"g",),
                b"h" * 5000, [bytearray(b"i"), b"j" * 5000], b""]  # fmt: skip
    assert client.send_many(messages) == 9
    assert client.send_many([]) == 0
    assert client.send_many(iter([b"k"])) == 1
    parts = [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h" * 5000, b"i", b"j" * 5000, b"", b"k"]
    assert receive(server, len(parts)) == parts
    client.send_many(messages)
    got = receive(server, 9, multipart=True)
    assert got == [[b"a"], [b"b"], [b"c"], [b"d"], [b"e", b"f"], [b"g"], [b"h" * 5000],
                   [b"i", b"j" * 5000], [b""]]  # fmt: skip


def test_order_and_number_over_every_transport(pair):
    server, client = pair(zmq.PULL, zmq.PUSH)
    join = in_thread(client.send_many, (b"%d" % i for i in range(20_000)))
    got = receive(server, 20_000)
    assert got == [b"%d" % i for i in range(20_000)]
    assert join() == 20_000


def test_at_most_max(context):
    server, client = connect_pair(context, "inproc://most")
    client.send_many([b"%d" % i for i in range(10)])
    assert server.recv_many(3) == [b"0", b"1", b"2"]
    assert server.recv_many(max=1) == [b"3"]
    assert server.recv_many(multipart=True, max=2) == [[b"4"], [b"5"]]
    assert len(server.recv_many(1000)) == 4
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="max"):
            server.recv_many(wrong)


def test_the_last_message_is_whole(context):
    server, client = connect_pair(context, "inproc://whole")
    client.send_many([[b"%d" % part for part in range(7)]] * 10)
    got = server.recv_many(1)
    assert got == [b"%d" % part for part in range(7)]
    assert not server.more_parts
    assert len(server.recv_many(3)) == 21
    assert server.recv() == b"0"  # begun part by part, it is finished so
    assert server.recv_many(1) == [b"%d" % part for part in range(1, 7)]
    assert server.recv_many(2, multipart=True) == [[b"%d" % part for part in range(7)]] * 2


def test_it_waits_for_the_first_only(context):
    server, client = connect_pair(context, "inproc://first")
    join = in_thread(server.recv_many)
    client.send(b"one")
    assert join() == [b"one"]
    with pytest.raises(zmq.Again):
        server.recv_many(10, zmq.DONTWAIT)
    server.rcvtimeo = 20
    begin = time.monotonic()
    with pytest.raises(zmq.Again, match="RCVTIMEO of 20 ms"):
        server.recv_many()
    assert time.monotonic() - begin >= 0.02


def test_dontwait_stops_and_counts(context):
    server, client = connect_pair(context, "inproc://stops", sndhwm=5, rcvhwm=5)
    taken = []

    def messages():
        for number in range(1000):
            taken.append(number)
            yield b"%d" % number

    count = client.send_many(messages(), zmq.DONTWAIT)
    assert 0 < count < 1000
    assert len(taken) == count + 1  # one was asked for, and not sent
    assert client.send_many([b"x"], zmq.DONTWAIT) == 0
    assert client.send_many([[b"x", b"y"]], zmq.DONTWAIT) == 0
    assert receive(server, count) == [b"%d" % i for i in range(count)]


def test_sndtimeo_tells_how_many_went(context):
    _, client = connect_pair(context, "inproc://timeo", sndhwm=5, rcvhwm=5)
    client.sndtimeo = 20
    with pytest.raises(zmq.Again) as caught:
        client.send_many([b"x"] * 1000)
    assert caught.value.sent == 10


class Stop(Exception):
    pass


class Slotted(Exception):
    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)


@pytest.mark.parametrize("error", [Stop, Slotted, KeyboardInterrupt, StopAsyncIteration])
def test_an_iterable_that_raises(context, error):
    server, client = connect_pair(context, "inproc://raises")

    def messages():
        yield b"1"
        yield [b"2", b"3"]
        raise error

    with pytest.raises(error) as caught:
        client.send_many(messages())
    if error is not Slotted:
        assert caught.value.sent == 2
    assert receive(server, 3) == [b"1", b"2", b"3"]
    client.send(b"next")
    assert server.recv_multipart() == [b"next"]


def test_an_again_of_the_iterable_is_not_taken_for_our_own(context):
    server, client = connect_pair(context, "inproc://again")
    idle = context.socket(zmq.PULL)

    def messages():
        yield b"1"
        yield idle.recv(zmq.DONTWAIT)

    for flags in (0, zmq.DONTWAIT):
        with pytest.raises(zmq.Again) as caught:
            client.send_many(messages(), flags)
        assert caught.value.sent == 1
        assert server.recv() == b"1"


@pytest.mark.parametrize("bad", ["text", None, 7, [b"x", None], []])
def test_a_bad_message_in_a_batch(context, bad):
    server, client = connect_pair(context, "inproc://bad")
    with pytest.raises((TypeError, IndexError)) as caught:
        client.send_many([b"1", bad, b"2"])
    assert caught.value.sent == 1
    assert server.recv_many() == [b"1"]
    for wrong in (None, 7):
        with pytest.raises(TypeError):
            client.send_many(wrong)


def test_the_iterable_may_use_the_socket(context):
    server, client = connect_pair(context, "inproc://reenter")

    def messages():
        for number in range(100):
            client.send(b"inner %d" % number)
            yield b"outer %d" % number
            if number == 50:
                server.close()
                client.close()

    with pytest.raises(zmq.SocketClosed) as caught:
        client.send_many(messages())
    assert caught.value.sent == 51


def test_state_of_more_after_a_batch(context):
    server, client = connect_pair(context, "inproc://more")
    client.send_many([b"a", b"b"], zmq.SNDMORE)
    client.send_many([b"c"])
    assert server.recv_multipart() == [b"a", b"b", b"c"]


def test_router_batches(context):
    router, dealer = connect_pair(context, "tcp://127.0.0.1:*", zmq.ROUTER, zmq.DEALER)
    dealer.send_many([[b"", b"%d" % i] for i in range(100)])
    requests = receive(router, 100, multipart=True)
    assert [parts[2] for parts in requests] == [b"%d" % i for i in range(100)]
    assert router.send_many(requests) == 100
    assert [parts[1] for parts in receive(dealer, 100, multipart=True)] == [
        b"%d" % i for i in range(100)
    ]


# -- nobody is kept waiting ----------------------------------------------------------------------


def clock_of_this_thread():
    """Return a clock that goes while the calling thread runs: whatever else a busy machine does
    takes none of its time. Anybody may read it."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(threading.get_ident())
    return lambda: time.clock_gettime(clock)


class Counter:
    """A thread that counts, and sees how long the calling thread ran between two counts."""

    def __init__(self):
        self.clock = clock_of_this_thread()
        self.count, self.longest, self.stop = 0, 0.0, False
        self.last = self.clock()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop:
            now = self.clock()
            self.longest = max(self.longest, now - self.last)
            self.last = now
            self.count += 1

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.count > 100)
        self.begin, self.longest = self.clock(), 0.0
        return self

    def __exit__(self, *exc):
        self.stop = True
        self.thread.join()

    def kept_waiting_by(self, batch):
        """Call `batch` until the calling thread has run for long; return for how long at most it
        kept this one from counting, in seconds: all the time, if it never let go."""
        while self.clock() - self.begin < 2 * PATIENCE:
            batch()
        return max(self.longest, self.clock() - self.last)


# The interpreter's switch interval is 5 ms, ours is somewhat longer, and a busy machine may wake
# the other thread too late to take its turn, several times in a row.
PATIENCE = 0.08


def test_other_threads_run_during_a_long_send_batch(context):
    """The iterable is a list, so that no Python code runs in the batch."""
    client = context.socket(zmq.PUB)
    client.bind("inproc://nobody")
    messages = [b"x" * 100] * 6_000_000  # twice as long as the patience

    def attempt():
        with Counter() as counter:
            return counter.kept_waiting_by(lambda: client.send_many(messages))

    in_time(PATIENCE, attempt)


def test_other_threads_run_during_long_receive_batches(context):
    server, client = connect_pair(context, "inproc://long", sndhwm=0, rcvhwm=0)

    messages = [b"message"] * 300_000

    def batch():
        client.send_many(messages)
        got = 0
        while got < len(messages):
            got += len(server.recv_many(1_000_000))

    def attempt():
        with Counter() as counter:
            return counter.kept_waiting_by(batch)

    in_time(PATIENCE, attempt)


def test_a_batch_never_stays_inside_for_long(context):
    """What is left after a slice of time waits for the next call."""
    server, client = connect_pair(context, "inproc://slice", sndhwm=0, rcvhwm=0)
    client.send_many([b"message"] * 200_000)
    sizes = []
    while sum(sizes) < 200_000:
        sizes.append(len(server.recv_many(1_000_000)))
    assert len(sizes) >= 3


def test_batches_in_several_threads(context):
    """Each thread with its own sockets; the switch interval is as short as it can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def work(name):
            server, client = connect_pair(context, f"inproc://{name}", sndhwm=0, rcvhwm=0)
            for turn in range(20):
                sent = client.send_many([b"%d %d" % (turn, i) * 50 for i in range(200)])
                assert receive(server, sent) == [b"%d %d" % (turn, i) * 50 for i in range(200)]
            return True

        joins = [in_thread(work, f"t{number}") for number in range(4)]
        assert all(join() for join in joins)
    finally:
        sys.setswitchinterval(interval)


MIXED = [
    b"",
    b"small",
    bytes(range(33)),
    bytes(range(34)),
    b"k" * 700,
    b"l" * 3000,
    b"m" * 70_000,
    bytearray(b"mutable"),
    [b"two", b"parts"],
]


def test_a_long_list_of_all_sizes_arrives_in_order(pair):
    server, client = pair(zmq.PULL, zmq.PUSH)
    client.sndhwm = server.rcvhwm = 3
    messages = (MIXED * 30)[7:] + [b"%d" % i for i in range(200)]
    join = in_thread(client.send_many, messages)
    got = receive(server, len(messages), multipart=True)
    assert got == [m if isinstance(m, list) else [bytes(m)] for m in messages]
    assert join() == len(messages)


@pytest.mark.parametrize(
    "kinds", [(zmq.PULL, zmq.PUSH), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)]
)
@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 100])
def test_every_message_is_passed_on_at_once(context, kinds, count):
    for endpoint in ("inproc://on", "tcp://127.0.0.1:*"):
        server, client = connect_pair(context, endpoint, *kinds)
        messages = tuple(b"%d" % i for i in range(count))
        assert client.send_many(messages) == count
        assert receive(server, count) == list(messages)
        server.close()


@needs_drafts
@pytest.mark.parametrize("kinds", [(zmq.GATHER, zmq.SCATTER), (zmq.SERVER, zmq.CLIENT)])
def test_thread_safe_sockets_too(context, kinds):
    server, client = connect_pair(context, "inproc://safe", *kinds)
    assert client.send_many([b"%d" % i for i in range(100)]) == 100
    assert receive(server, 100) == [b"%d" % i for i in range(100)]


def test_a_batch_is_shared_among_the_receivers(context):
    with context.socket(zmq.PUSH) as sender:
        endpoint = sender.bind("inproc://shared")
        receivers = [context.socket(zmq.PULL, connect=endpoint, rcvtimeo=20_000) for _ in range(3)]
        sender.send_many([b"%d" % i for i in range(99)])
        for place, receiver in enumerate(receivers):
            assert receiver.recv_many() == [b"%d" % i for i in range(place, 99, 3)]


def test_what_nobody_took_is_not_kept(context):
    server, client = connect_pair(context, "inproc://kept", zmq.PULL, zmq.PUSH, sndhwm=5, rcvhwm=5)
    before = dict(core.loans())
    bodies = [bytes([i]) * 5000 for i in range(100)]
    assert client.send_many(bodies, zmq.DONTWAIT) == 10
    assert len(core.loans()) - len(before) == (10 if core.INSIDE_THRESHOLD < 5000 else 0)
    assert client.send_many(bodies, zmq.DONTWAIT) == 0
    assert server.recv_many() == bodies[:10]
    assert core.loans() == before
    assert len({sys.getrefcount(body) for body in bodies}) == 1


def test_a_list_that_shrinks_meanwhile(context):
    server, client = connect_pair(
        context, "inproc://shrinks", zmq.PULL, zmq.PUSH, sndhwm=40, rcvhwm=40
    )
    messages = [b"%d" % i for i in range(1000)]
    join = in_thread(client.send_many, messages)
    wait_inside(client)
    del messages[100:]  # 80 went at most until now, the rest waits for room
    assert receive(server, 100) == messages
    assert join() == 100


def test_a_batch_longer_than_a_message_of_many_parts(context):
    server, client = connect_pair(context, "inproc://parts")
    message = [b"%d" % i for i in range(100)]
    client.send_many([message, b"between", message, b"end"])
    assert server.recv_many(1) == message
    assert server.recv_many(2, multipart=True) == [[b"between"], message]
    assert server.recv_many() == [b"end"]


def test_an_error_amid_a_batch_comes_with_the_number(context):
    server, client = connect_pair(context, "inproc://turn", zmq.REP, zmq.REQ)
    with pytest.raises(zmq.StateError) as caught:
        client.send_many([b"question", b"out of turn", b"too"])
    assert caught.value.sent == 1
    assert server.recv_many() == [b"question"]
    with pytest.raises(zmq.NotSupported) as caught:
        context.socket(zmq.PULL).send_many([b"x"] * 40)
    assert caught.value.sent == 0


def test_metadata_outlives_what_was_received_beside_it(context):
    server, client = connect_pair(context, "tcp://127.0.0.1:*", zmq.PULL, zmq.PUSH)
    for _ in range(3):
        client.send_many([b"x"] * 1000)
        assert receive(server, 999, max=1) == [b"x"] * 999
        frame = server.recv(copy=False)
        assert frame["Socket-Type"] == "PUSH"
        client.send_many([b"x"] * 1000)
        assert receive(server, 1000) == [b"x"] * 1000
        assert frame["Socket-Type"] == "PUSH"
    client.send_many([b"last"] * 50)
    assert server.poll(5000 * FACTOR)
    client.close()
    assert receive(server, 50) == [b"last"] * 50
    assert frame["Socket-Type"] == "PUSH"
