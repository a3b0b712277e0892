"""Memory for large bodies is used again, and never while anybody can see it."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest
from programs import run_program
from support import (
    HAS_GIL,
    connect_pair,
    encrypted_pair,
    in_thread,
    needs_curve,
    needs_patch,
    wait_until,
)
from tracing import calls_seen, needs_strace

import zmqlite as zmq
from zmqlite import _build
from zmqlite._native import core

LEAST, MOST = 4 << 10, 4 << 20
BUDGET = 32 << 20
STREAMS = ["tcp://127.0.0.1:*", "ipc://*"]

in_place = needs_patch("large-input")
IN_PLACE = "large-input.patch" in _build.LIBZMQ_PATCHES
pytestmark = pytest.mark.skipif(not HAS_GIL, reason="not without the GIL")


def body(size: int, seed: int) -> bytes:
    """Bytes that show when a piece is lost, doubled or moved."""
    return random.Random(seed * 1_000_003 + size).randbytes(size)


def flow(context, place: str, **options):
    return connect_pair(context, place, zmq.PULL, zmq.PUSH, **options)


def address(data) -> int:
    """Where a bytes object, or a writable view, keeps its bytes."""
    import ctypes

    if isinstance(data, bytes):
        return id(data) + bytes.__basicsize__ - 1
    return ctypes.addressof(ctypes.c_char.from_buffer(data))


@in_place
@pytest.mark.parametrize("place", STREAMS)
@pytest.mark.parametrize("size", [LEAST, 8192, 32_768, 32_769, 300_001, MOST])
def test_what_was_dropped_is_used_again(context, place, size):
    server, client = flow(context, place)
    places = set()
    bodies = [body(size, n) for n in range(3)]
    for n in range(60):
        client.send(bodies[n % 3])
        message = server.recv()
        assert message == bodies[n % 3]
        places.add(id(message))
    assert len(places) < 20, "each message came in memory of its own"
    assert 0 < core.held_bytes() <= 20 * (size + size // 16)


@pytest.mark.parametrize("size", [LEAST - 1, MOST + 1])
def test_other_sizes_are_not_kept(context, size):
    server, client = flow(context, "tcp://127.0.0.1:*")
    before = core.held_bytes()
    for n in range(5):
        client.send(body(size, n))
        assert server.recv() == body(size, n)
    assert core.held_bytes() == before


@pytest.mark.parametrize("place", STREAMS)
def test_what_is_kept_stays_as_it_is(context, place):
    """A third is kept: as an object, by a view of it, by a piece of it, in a set."""
    server, client = flow(context, place)
    choose = random.Random(7)
    sizes = [32_768] * 30 + [LEAST, 50_000, 262_144, 1_000_000, 20, 70_000] * 10
    choose.shuffle(sizes)
    join = in_thread(lambda: [client.send(body(size, n)) for n, size in enumerate(sizes)])
    kept = {}
    seen = set()
    for n in range(len(sizes)):
        message = server.recv()
        if n % 3 == 0:
            kept[n] = (
                message,
                memoryview(message),
                memoryview(message)[5:17],
                [message],
            )[n // 3 % 4]
            seen.add(message)
    join()
    del message
    for n, holder in kept.items():
        wanted = body(sizes[n], n)
        assert wanted in seen
        if isinstance(holder, memoryview):
            assert holder == (wanted if len(holder) != 12 else wanted[5:17])
        else:
            assert holder in (wanted, [wanted])


@pytest.mark.parametrize("place", STREAMS)
def test_a_hash_is_that_of_the_new_bytes(context, place):
    server, client = flow(context, place)
    for n in range(30):
        client.send(body(40_000, n))
        message = server.recv()
        assert hash(message) == hash(bytes(bytearray(message)))
        assert message[-1:] == body(40_000, n)[-1:]
        assert int.from_bytes(message[:4], "big") == int.from_bytes(body(40_000, n)[:4], "big")


def test_objects_end_with_a_nul_and_have_their_size(context):
    """Of one block come objects of several sizes; C code counts on the byte behind the last."""
    import ctypes

    server, client = flow(context, "tcp://127.0.0.1:*")
    for size in (32_768, 32_001, 32_700, 31_800, 32_768):
        for _ in range(3):
            client.send(b"\xff" * size)
            message = server.recv()
            assert len(message) == size
            assert ctypes.string_at(address(message) + size, 1) == b"\0"
            assert sys.getsizeof(message) == sys.getsizeof(b"") + size


def test_a_program_that_keeps_all_gets_all_and_we_hold_little(context):
    server, client = flow(context, "ipc://*", rcvhwm=10)
    count = 150
    join = in_thread(lambda: [client.send(body(500_000, n)) for n in range(count)])
    kept = []
    for _ in range(count):
        kept.append(server.recv())
        assert core.held_bytes() <= BUDGET
    join()
    assert kept == [body(500_000, n) for n in range(count)]


def test_other_sizes_take_over(context):
    server, client = flow(context, "tcp://127.0.0.1:*")
    for size in range(300_000, MOST, 900_000):
        for n in range(12):
            client.send(body(size, n))
            assert server.recv() == body(size, n)
            assert core.held_bytes() <= BUDGET


def test_bodies_of_many_sizes_need_few_blocks(context):
    """No guess is ever right, and all are copied: from and into memory that is used again."""
    server, client = flow(context, "tcp://127.0.0.1:*")
    choose = random.Random(5)
    for n in range(600):
        size = choose.randrange(10_000, 12_000)
        client.send(body(size, n))
        assert server.recv() == body(size, n)
    assert core.held_bytes() < 100 * 12_000


def test_the_end_of_a_context_lets_go():
    with zmq.Context() as context:
        server, client = flow(context, "tcp://127.0.0.1:*")
        for n in range(20):
            client.send(body(1_000_000, n))
            kept = server.recv()
        assert bool(core.held_bytes()) == IN_PLACE
        server.close()
        client.close()
    assert core.held_bytes() == 0
    assert kept == body(1_000_000, 19)


def test_frames_keep_their_memory(context):
    server, client = flow(context, "tcp://127.0.0.1:*")
    for n in range(10):  # so that there are blocks
        client.send(body(100_000, n))
        server.recv()
    frames = []
    for n in range(40):
        client.send(body(100_000, n))
        frames.append(server.recv(copy=False))
    for n, frame in enumerate(frames):
        assert frame.bytes == body(100_000, n)
        assert frame.buffer == body(100_000, n)
    held = core.held_bytes()
    frames.clear()
    client.send(b"")
    server.recv()
    assert core.held_bytes() == held, "their blocks are free, not lost"


def test_recv_into_gives_back(context):
    server, client = flow(context, "tcp://127.0.0.1:*")
    buffer = bytearray(100_000)
    client.send(body(100_000, 0))
    server.recv()
    for n in range(50):
        client.send(body(100_000, n))
        assert server.recv_into(buffer) == 100_000
        assert buffer == body(100_000, n)
    assert core.held_bytes() < 1_000_000


@in_place
@pytest.mark.parametrize("how", ["frame", "into"])
def test_who_receives_no_bytes_gets_blocks_too(context, how):
    server, client = flow(context, "tcp://127.0.0.1:*")
    assert core.held_bytes() == 0
    buffer = bytearray(100_000)
    for n in range(20):
        client.send(body(100_000, n))
        if how == "frame":
            assert server.recv(copy=False).bytes == body(100_000, n)
        else:
            assert server.recv_into(buffer) == 100_000
            assert buffer == body(100_000, n)
    assert 0 < core.held_bytes() < 1_000_000


@in_place
def test_a_loan_is_received_in_the_same_process_without_a_copy(context):
    server, client = flow(context, "inproc://loans")
    for n in range(20):
        with client.loan(200_000) as view:
            view[:] = body(200_000, n)
            where = address(view)
        message = server.recv()
        assert message == body(200_000, n)
        assert address(message) == where
    assert core.held_bytes() < 1_000_000


def test_a_loan_that_is_still_looked_at_is_copied(context):
    """What the view changes afterwards is not seen by whoever received the bytes."""
    server, client = flow(context, "inproc://loans")
    with client.loan(200_000) as view:
        view[:] = body(200_000, 1)
        other = memoryview(view)
    message = server.recv()
    other[:] = bytes(200_000)
    assert message == body(200_000, 1)


def test_passed_on_objects_are_not_overwritten(context):
    """What was received is lent to the next socket, whose peer takes its time."""
    first, source = flow(context, "tcp://127.0.0.1:*")
    last, client = flow(context, "ipc://*", sndhwm=200, rcvhwm=1, sndbuf=4096, rcvbuf=4096)
    join = in_thread(lambda: [source.send(body(50_000, n)) for n in range(100)])
    for _ in range(100):
        client.send(first.recv())
    join()
    assert [last.recv() for _ in range(100)] == [body(50_000, n) for n in range(100)]


def test_shared_by_subscribers(context):
    """A proxy hands one body to several: none of them gets it without a copy."""
    outside = context.socket(zmq.XSUB, linger=0)
    inside = context.socket(zmq.XPUB, linger=0, rcvtimeo=20_000)
    publisher = context.socket(zmq.PUB, linger=0)
    publisher.connect(outside.bind("tcp://127.0.0.1:*"))
    inside.bind("inproc://fan")
    subscribers = [context.socket(zmq.SUB, linger=0, rcvtimeo=20_000) for _ in range(3)]
    for subscriber in subscribers:
        subscriber.connect("inproc://fan")
        subscriber.subscribe(b"")
    inside.recv()
    outside.send(b"\1")
    wait_until(lambda: publisher.send(b"go") or outside.poll(10), what="the subscription")
    kept = []
    for n in range(30):
        publisher.send(body(60_000, n))
        while True:
            inside.send(frame := outside.recv(copy=False))
            if len(frame) > 2:
                break
        for subscriber in subscribers:
            while (message := subscriber.recv()) == b"go":
                pass
            assert message == body(60_000, n)
            kept.append(message)
    assert kept == [body(60_000, n) for n in range(30) for _ in subscribers]


GUESSES = """
import random
from zmqlite._native import core

GREETING = b"\\xff" + bytes(8) + b"\\x7f\\x03\\x00NULL" + bytes(16) + bytes(32)
READY = b"\\x05READY\\x0bSocket-Type" + struct.pack(">I", 4) + b"PUSH"

def frame(data, more=False):
    if len(data) < 256:
        return bytes([more, len(data)]) + data
    return bytes([2 + more]) + struct.pack(">Q", len(data)) + data

seed = int(sys.argv[1])
choose = random.Random(seed)
SIZES = (4096, 9000, 16384, 20000, 32768, 65536, 100000, 300000)
parts = []  # (body, more)
while len(parts) < 150:
    size = choose.choice(SIZES)
    for _ in range(choose.choice((1, 2, 3, 9, 20))):
        parts.append((choose.randbytes(size), choose.random() < 0.2))
    for _ in range(choose.choice((0, 0, 1, 3))):
        odd = choose.choice((0, 1, 9, 255, 256, size - 1, size + 1, 5000, 700000))
        parts.append((choose.randbytes(odd), choose.random() < 0.2))
parts.append((b"end", False))
stream = b"".join(frame(*part) for part in parts)

with zmq.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=15000) as server:
    port = int(server.last_endpoint.decode().rpartition(":")[2])
    raw = socket.create_connection(("127.0.0.1", port))
    raw.sendall(GREETING + bytes([4, len(READY)]) + READY)
    answer = b""
    while b"Socket-Type" not in answer:  # not before it is ready, too
        answer += raw.recv(1000)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def feed():
        place = 0
        while place < len(stream):
            step = choose.choice((1, 5, 9, 40, 8000, 32777, 100000, 262144, 2000000))
            raw.sendall(stream[place:place + step])
            place += step
            if choose.random() < 0.3:
                time.sleep(0)

    feeder = threading.Thread(target=feed)
    feeder.start()
    for number, (data, more) in enumerate(parts):
        got = server.recv()
        assert got == data, (seed, number, len(data), len(got))
        assert server.more_parts == more, (seed, number)
        if number % 4 == 0:
            kept = got
    feeder.join()
    raw.close()
"""


@pytest.mark.parametrize("seed", range(8))
def test_wrong_guesses_and_reads_that_end_anywhere(seed):
    """A peer of our own making sends runs of one size, and others, cut at any place."""
    run_program(GUESSES, seed)


def test_a_body_that_is_too_large_ends_a_run(context):
    server, client = flow(context, "tcp://127.0.0.1:*", maxmsgsize=40_000)
    ends = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    ends.rcvtimeo = client.sndtimeo
    for n in range(20):
        client.send(body(40_000, n))
    client.send(body(40_001, 0))
    for n in range(20):
        assert server.recv() == body(40_000, n)
    ends.recv_multipart()  # what is sent before the sender has heard of the end goes down with it
    client.send(b"again")  # over a new connection
    assert server.recv() == b"again"
    client.disable_monitor()


@in_place
@needs_strace
def test_several_bodies_in_one_read(tmp_path):
    """After a few of one size, heads and bodies are read to places of their own."""
    program = """
import zmqlite as zmq
server, client = zmq.PULL(), zmq.PUSH()
client.connect(server.bind("ipc://*"))
for _ in range(40):
    for _ in range(20):
        client.send(bytes(32768))
    for _ in range(20):
        server.recv()
client.close()
server.close()
"""
    lines = [line for line in calls_seen(program, "readv", tmp_path) if "iov_len=32768" in line]
    assert any(line.count("iov_len=9") > 1 for line in lines), lines[-3:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_both_go_on():
    run_program(
        """
from zmqlite._native import core

def work(count):
    with zmq.Context() as context:
        server, client = context.socket(zmq.PULL, rcvtimeo=10000), context.socket(zmq.PUSH)
        client.connect(server.bind("tcp://127.0.0.1:*"))
        for n in range(count):
            client.send(bytes([n]) * 100000)
            yield
            assert server.recv() == bytes([n]) * 100000
        assert core.held_bytes() < 20 * 110000
        server.close()
        client.close()

here = work(60)
for _ in range(30):
    next(here)
child = os.fork()
if not child:
    import warnings
    warnings.simplefilter("ignore")
    for _ in work(40):
        pass
    os._exit(0)
for _ in here:
    pass
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    )


def test_two_contexts_in_two_threads():
    def work(seed: int) -> None:
        with zmq.Context() as context:
            server, client = flow(context, "tcp://127.0.0.1:*")
            choose = random.Random(seed)
            kept = []
            for _ in range(15):
                size = choose.choice((20_000, 50_000, 200_000))
                data = [body(size, choose.randrange(1000)) for _ in range(20)]
                for one in data:
                    client.send(one)
                got = [server.recv() for _ in data]
                assert got == data
                kept.append((got[3], data[3]))
            assert all(got == sent for got, sent in kept)
            server.close()
            client.close()

    for join in [in_thread(work, seed) for seed in range(3)]:
        join(30)


@needs_curve
def test_encrypted_bodies_are_given_back(context):
    server, client = encrypted_pair(context, zmq.PULL, zmq.PUSH)
    for n in range(60):
        client.send(body(100_000, n))
        assert server.recv() == body(100_000, n)
    assert core.held_bytes() < 40 * 110_000


def test_the_header_says_the_same() -> None:
    """The limits that these tests take for granted."""
    text = (Path(core.__file__).parent / "memory" / "bytes_pool.hpp").read_text(encoding="utf-8")
    for words in ("least = 4 << 10", "most = 4 << 20", "budget = 32 << 20"):
        assert words in text
