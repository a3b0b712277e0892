"""What a burst took goes back when nothing has moved for some seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import run_program
from support import FACTOR, HAS_GIL, SANITIZED, in_thread, needs_patch

pytestmark = [
    needs_patch("large-input"),  # the memory that is kept for a while is of large bodies
    pytest.mark.skipif(not HAS_GIL, reason="not without the GIL"),
    pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs /proc"),
    pytest.mark.skipif(SANITIZED, reason="AddressSanitizer keeps what was freed"),
]

PRELUDE = """
from zmqlite._native import core

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def tasks():
    return os.listdir("/proc/self/task")

def threads():
    return len(tasks())

def name_of(task):
    with open(f"/proc/self/task/{task}/comm") as file:
        return file.read()

def looks_of(task):
    '''How often a thread has slept: the one that watches does so between its looks.'''
    try:
        with open(f"/proc/self/task/{task}/status") as file:
            return int(next(line for line in file if line.startswith("voluntary")).split()[1])
    except OSError:
        return 1 << 30  # it has given back all, and ended

def until(condition, seconds=20):
    '''Wait for it without a call into the core: nothing but time may bring it about.'''
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, (resident() >> 20, threads(), core.held_bytes())
        time.sleep(0.02)

def burst(size, count, endpoint="tcp://127.0.0.1:*", kind=bytearray, context=None):
    '''Receive so many messages of this size, and let go of them.'''
    server = zmq.PULL(rcvhwm=0, linger=0, context=context)
    client = zmq.PUSH(sndhwm=0, linger=0, context=context, connect=server.bind(endpoint))
    client.send_many([kind(size)] * count)
    got = [server.recv() for _ in range(count)]
    assert resident() > before + size * count // 2
    return server, client

before = resident()
MB = 1 << 20
"""


PROGRAMS = {
    # From the blocks that are kept for bodies, and what the C library has kept of the rest.
    "the memory of bursts goes back": """
sockets = []
for endpoint, size in (("tcp://127.0.0.1:*", 20_000), ("tcp://127.0.0.1:*", 1_000_000),
                       ("tcp://127.0.0.1:*", 9_000_000), ("ipc://*", 1_000_000)):
    sockets += burst(size, 200_000_000 // size, endpoint)
until(lambda: resident() < before + 30 * MB and core.held_bytes() <= MB)
""",
    # Which libzmq has in memory of its own, however the program takes it, or leaves it.
    "bursts that are no bytes objects go back": """
sockets = []
for way in ("frames", "into", "left"):
    server = zmq.PULL(rcvhwm=0, linger=0)
    client = zmq.PUSH(sndhwm=0, linger=0, connect=server.bind("tcp://127.0.0.1:*"))
    client.send_many([bytearray(200_000)] * 1000)
    client.send(b"last")
    client.wait_drained(20_000)  # the other side has it
    buffer = bytearray(200_000)
    until(lambda: resident() > before + 150 * MB)
    if way == "left":
        server.close()
    elif way == "into":
        while server.recv_into(buffer) > 4:
            pass
    else:
        while len(server.recv(copy=False)) > 4:
            pass
    sockets += server, client
    until(lambda: resident() < before + 40 * MB)
""",
    # It sleeps in a poll, or works without a pause.
    "blocks go back whatever the main thread does": """
sockets = burst(1_000_000, 50)
assert core.held_bytes() > 10 * MB
poller = zmq.Poller()
poller.register(sockets[0], zmq.POLLIN)
for _ in range(40):
    if core.held_bytes() <= MB:
        break
    assert poller.poll(500) == []
assert core.held_bytes() <= MB
more = burst(1_000_000, 50)
end = time.monotonic() + 20
while core.held_bytes() > MB:
    assert time.monotonic() < end
    sum(range(10_000))
""",
    "what is kept or still in the queue is left alone": """
server = zmq.PULL(rcvhwm=0, linger=0)
client = zmq.PUSH(sndhwm=0, linger=0, connect=server.bind("tcp://127.0.0.1:*"))
bodies = [bytes([n]) * 1_000_000 for n in range(60)]
client.send_many(bodies)
kept = [server.recv() for _ in range(20)]
views = [memoryview(server.recv()) for _ in range(20)]
begin = core.held_bytes()
until(lambda: core.held_bytes() < begin)
assert kept == bodies[:20] and views == bodies[20:40]
assert [server.recv() for _ in range(20)] == bodies[40:]
""",
    "a program that receives all the time keeps its blocks": """
server, client = burst(300_000, 50)
begin = core.held_bytes()
assert begin > 10 * MB
others = [task for task in tasks() if not name_of(task).startswith("ZMQbg")]
watching, = [task for task in others if int(task) != os.getpid()]
last, longest, first = time.monotonic(), 0, looks_of(watching)
end = last + 20
while looks_of(watching) < first + 4:  # it goes back after two in which nothing has moved
    assert time.monotonic() < end
    client.send(bytearray(300_000))
    server.recv()
    longest = max(longest, time.monotonic() - last)
    last = time.monotonic()
    time.sleep(0.1)
longest = max(longest, time.monotonic() - last)
assert core.held_bytes() >= begin or longest > 1  # the machine stood still
""",
    "no thread stays when nothing is held": """
assert threads() == 1
def end():  # in seconds: the kernel lists a thread for a moment after its end
    with zmq.Context() as context:
        sockets = burst(1_000_000, 50, context=context)
        assert threads() > 3  # those of libzmq, and the one that waits
        context.destroy(0)
    begin = time.monotonic()
    until(lambda: threads() == 1)
    return time.monotonic() - begin
assert any(end() < 0.5 for _ in range(5)), "it waits for its next look"
with zmq.Context() as context:
    sockets = burst(1_000_000, 50, context=context)
    alone = threads() - 1
    until(lambda: threads() == alone)
    context.destroy(0)
""",
    "forks while memory goes back": """
import warnings
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
sockets = burst(1_000_000, 50)
end = time.monotonic() + 20
while core.held_bytes() > MB:
    assert time.monotonic() < end
    child = os.fork()
    if child == 0:
        with zmq.Context() as context:
            frames = [zmq.Frame(bytearray(1_000_000), copy=True) for _ in range(3)]
            assert core.held_bytes() > MB
            del frames
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    time.sleep(0.05)
""",
    # Each child leaves those behind that were in use, here by frames that it still has.
    "nested forks do not use up the blocks": """
import warnings
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
kept = []
for depth in range(60):
    kept.append([zmq.Frame(bytearray([depth]) * (5000 + depth)) for _ in range(40)])
    assert core.held_bytes() >= 40 * 5000, depth
    if os.fork():
        status = os.wait()[1]
        os._exit(status != 0)
for depth, frames in enumerate(kept):
    for frame in frames[:3]:
        assert frame.bytes == bytes([depth]) * (5000 + depth)
with zmq.Context() as context:
    server = context.socket(zmq.PULL, bind="inproc://nested")
    client = context.socket(zmq.PUSH, connect="inproc://nested")
    for depth, frames in enumerate(kept):
        client.send(frames.pop(), copy=False)
        client.send(frames.pop().bytes)
        for _ in range(2):
            assert server.recv() == bytes([depth]) * (5000 + depth)
    for pull in (server, client):
        pull.close()
    del frames, frame
    kept.clear()
assert core.held_bytes() == 0
for n in range(50):
    frame = zmq.Frame(bytearray([n]) * 50_000)
    assert core.held_bytes() >= 50_000 and frame.bytes == bytes([n]) * 50_000
""",
    **{
        f"a program ends at once while memory is held, after {pause} s": f"PAUSE = {pause}"
        + """
import atexit
def late():
    assert time.monotonic() < end + 10, "the end takes long"
atexit.register(late)
sockets = burst(1_000_000, 50)
time.sleep(PAUSE)  # time is the subject: how far the thread that waits is
for one in sockets:
    one.close()
end = time.monotonic()
"""
        for pause in (0, 0.3, 2.2)
    },
}
"""Each takes seconds, in which next to nothing happens: they run side by side."""


def idling(name):
    run_program(PRELUDE + PROGRAMS[name], timeout=50)


@pytest.fixture(scope="module")
def started(request):
    """Those programs that are asked for, all at once; what waits for one, by its name."""
    wanted = {
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    }
    joins = {name: in_thread(idling, name) for name in PROGRAMS if name in wanted}
    yield joins
    for join in joins.values():
        join.thread.join(60 * FACTOR)


@pytest.mark.parametrize("name", PROGRAMS)
def test_idle(started, name):
    started[name](60)
