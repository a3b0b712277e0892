"""Options and calls at random: exceptions are fine, a dead process is not."""

from __future__ import annotations

import pytest
from programs import program, run_program
from support import LONG, needs_patch


def test_every_option_with_odd_values():
    """All option numbers, all kinds, all socket types, past the facade's checks."""
    program(
        """
        from zmqlite._native import core
        from zmqlite.error import ZMQBaseError
        kinds = range(0, 21)
        numbers = [-1, 0, 1, 2, 100, 255, 256, 65536, 2**31 - 1, -2**31, -2, 2**40]
        texts = [b"", b"\\0", b"x", b"\\x01" * 32, b"a" * 40, b"a" * 41, b"z" * 255, b"z" * 256,
            b"z" * 5000,
                 b"127.0.0.1", b"key:value", b"X-k:v", b"0.0.0.0/0", b"\\xff" * 8]
        context = zmq.Context()
        context.max_sockets = 4000
        count = 0
        for kind in kinds:
            try:
                core.Socket(context, kind).close()
            except zmq.ZMQError:
                continue
            one = core.Socket(context, kind)
            for option in list(range(0, 130)) + [1000, -1]:
                if option == 89:
                    continue  # USE_FD: takes real sockets, see above
                for how, values in ((0, numbers), (1, numbers), (2, numbers), (3, texts), (4,
                    texts),
                                    (5, texts), (6, numbers[:4]), (0, [None])):
                    for value in values:
                        try:
                            one._set_option(option, how, value)
                            count += 1
                        except (ZMQBaseError, OverflowError, TypeError):
                            pass
                for how in range(7):
                    try:
                        one._get_option(option, how)
                    except ZMQBaseError:
                        pass
            # and what such a socket does then
            for call in (lambda: one._bind(f"inproc://fuzz{kind}"), lambda: one._connect("tcp://127.0.0.1:9"),
                         lambda: one._bind("tcp://127.0.0.1:*"), lambda: one.send(b"x",
                             zmq.NOBLOCK),
                         lambda: one.recv(zmq.NOBLOCK), lambda: one.send_multipart([b"", b"x"],
                             zmq.NOBLOCK),
                         lambda: one._poll_events(3, 0)):
                try:
                    call()
                except ZMQBaseError:
                    pass
            one.close(0)
        assert count > 5000
        context.term(timeout=10)
        for option in range(-2, 30):
            for value in numbers:
                context = zmq.Context()
                try:
                    core.Context.set(context, option, value)
                except (ZMQBaseError, OverflowError):
                    pass
                try:
                    core.Context.get(context, option)
                    if value < 100:
                        context.socket(zmq.PAIR).close()
                except ZMQBaseError:
                    pass
                context.term()
            for text in texts:
                context = zmq.Context()
                for call in (lambda: context._set_text(option, text),
                    lambda: context._get_text(option)):
                    try:
                        call()
                    except ZMQBaseError:
                        pass
                context.term()
        """,
        timeout=35,
    )


FUZZ = """
import random
seed = int(sys.argv[1])
random.seed(seed)
END = time.monotonic() + float(sys.argv[2])
from zmqlite.error import ZMQBaseError
ALLOWED = (ZMQBaseError, ValueError, TypeError, BufferError, KeyError, IndexError, RuntimeError)
kinds = [zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL,
    zmq.PUSH, zmq.XPUB]
if zmq.has("draft"):
    kinds += [zmq.SERVER, zmq.CLIENT, zmq.RADIO, zmq.DISH, zmq.GATHER, zmq.SCATTER, zmq.PEER,
        zmq.CHANNEL]
names = [f"inproc://f{i}" for i in range(6)] + [f"ipc://@fuzz-{os.getpid()}-{i}" for i in range(3)]
bodies = [b"", b"x", b"y" * 3000, bytearray(70000), memoryview(b"z" * 5000),
    zmq.Frame(b"f" * 5000)]

def option():
    number, value = random.randrange(120), random.randrange(-1, 3)
    # whoever asks libzmq to wait for ever gets that, and proves nothing
    endless = number in (zmq.LINGER, zmq.RCVTIMEO, zmq.SNDTIMEO)
    return number, abs(value) if endless else value

class World:
    def __init__(self):
        self.renew()
    def renew(self):
        self.context = zmq.Context()
        self.sockets = []
        self.poller = zmq.Poller()
    def make(self):
        one = self.context.socket(random.choice(kinds), linger=0, rcvtimeo=5, sndtimeo=5)
        self.sockets.append(one)
    def any(self):
        return random.choice(self.sockets)

def actions(world):
    one, body, nb = world.any, lambda: random.choice(bodies), random.choice((0, zmq.NOBLOCK))
    return [
        world.make, world.make, lambda: one().bind(random.choice(names)),
            lambda: one().connect(random.choice(names)),
        lambda: one().connect(random.choice(names)), lambda: one().unbind(random.choice(names)),
        lambda: one().disconnect(random.choice(names)), lambda: one().close(),
        lambda: one().send(body(), nb), lambda: one().send(body(), nb | zmq.SNDMORE),
        lambda: one().send(body(), nb, copy=False, track=True),
            lambda: one().send_multipart([body(), body()], nb),
        lambda: one().send_many([body(), [body(), body()]], nb), lambda: one().recv(nb),
        lambda: one().recv(nb, copy=False), lambda: one().recv_multipart(nb),
            lambda: one().recv_many(5, nb),
        lambda: one().recv_into(bytearray(10), flags=nb), lambda: one().recv_nonblock(),
        lambda: one().send_nonblock(body()), lambda: one().poll(2),
            lambda: world.poller.register(one(), random.randrange(4)),
        lambda: world.poller.unregister(one()), lambda: world.poller.poll(2),
            lambda: world.poller.poll(0),
        lambda: zmq.zmq_poll([(one(), 1), (one(), 3)], 2),
            lambda: one().set(*option()),
        lambda: one().get(random.randrange(120)), lambda: one().subscribe(b""),
            lambda: one().join("g"),
        lambda: one().monitor("inproc://m"), lambda: one().monitor(None),
            lambda: one().get_monitor_socket().close(),
        lambda: one().loan(100).__enter__(),
    ]

def work(world, number):
    while time.monotonic() < END:
        roll = random.random()
        try:
            if roll < 0.002 and number == 0:
                old, world.context = world.context, zmq.Context()
                old.destroy(0)
                world.sockets = []
            elif roll < 0.003 and number == 1:
                world.context.shutdown()
            elif roll < 0.01:
                world.poller = zmq.Poller()
            elif len(world.sockets) > 60:
                world.sockets.pop(0).close()
            elif not world.sockets:
                world.make()
            else:
                random.choice(actions(world))()
        except ALLOWED:
            pass

import warnings
warnings.simplefilter("ignore")
worlds = [World()]
count, shared = int(sys.argv[3]), sys.argv[4] == "True"
worlds *= count if shared else 1
worlds += [World() for _ in range(count - len(worlds))]
threads = [threading.Thread(target=work, args=(world, n)) for n, world in enumerate(worlds)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for context in {world.context for world in worlds}:
    context.destroy(0)
"""


NEEDED = needs_patch(
    "begun-message",
    "conflate-parts",
    "connect-routing-id",
    "lb-peer-lost",
    "monitor-stall",
    "odd-places",
    "one-too-many",
    "pending-inproc",
    "poller-ended",
    "small-batch",
    "term-pending",
)
SECONDS = 20 if LONG else 1
SEEDS = range(1, 31) if LONG else (1, 2)


@NEEDED
@pytest.mark.parametrize("seed", SEEDS)
def test_calls_at_random(seed):
    run_program(FUZZ, seed, SECONDS, 1, False, timeout=15 + SECONDS)


@NEEDED
@pytest.mark.parametrize("shared", [False, True], ids=["contexts", "context"])
@pytest.mark.parametrize("seed", SEEDS)
def test_calls_at_random_in_four_threads(seed, shared):
    """Threads that bind, connect, set odd options, close and end at once, for a while."""
    run_program(FUZZ, seed, SECONDS, 4, shared, timeout=15 + SECONDS)
