"""Large bodies over a stream: written from where they lie, read to where they belong.

The sizes lie around those at which the engine changes its way: 8 KiB (written in place), 32 KiB
(read in place), 256 KiB (a batch).
"""

from __future__ import annotations

import os
import random
import socket
import sys
import weakref
from contextlib import suppress
from pathlib import Path

import pytest
from programs import program
from support import connect_pair, encrypted_pair, in_thread, needs_curve, needs_patch, wait_until

import zmqlite as zmq

EDGES = (8192, 32_768, 262_144)
AROUND = [edge + off for edge in EDGES for off in (-10, -9, -8, -1, 0, 1)]
STREAMS = ["tcp://127.0.0.1:*", "ipc://*"]


class Watched(bytearray):
    """Memory that tells when it is let go."""


def body(size: int, seed: int) -> bytes:
    """Bytes that show when a piece is lost, doubled or moved."""
    return random.Random(seed * 1_000_003 + size).randbytes(size)


def mixture(count: int, seed: int) -> list[list[bytes]]:
    """Messages of one to four parts, most of them around the edges, some tiny, some huge."""
    choose = random.Random(seed)
    sizes = [*AROUND, 0, 1, 20, 255, 256, 3000, 600_000, 1_500_000]
    return [
        [body(choose.choice(sizes), seed + n) for _ in range(choose.choice((1, 1, 2, 4)))]
        for n in range(count)
    ]


def pass_all(client, server, messages) -> None:
    """Send all in one thread and see in another that they come as they were."""
    join = in_thread(lambda: [client.send_multipart(message) for message in messages])
    for number, message in enumerate(messages):
        assert server.recv_multipart() == message, f"message {number}"
    join(60)


@pytest.mark.parametrize("size", AROUND)
def test_runs_of_one_size(pair, size):
    server, client = pair()
    data = [body(size, n) for n in range(40)]
    join = in_thread(lambda: [client.send(one) for one in data])
    assert [server.recv() for _ in data] == data
    join()


TINY = pytest.param(1, marks=needs_patch("small-batch"))


@pytest.mark.parametrize("batch", [TINY, 100, 8192, 40_000, 262_144, 4_000_000])
@pytest.mark.parametrize("place", STREAMS)
def test_mixtures_with_any_batch(context, place, batch):
    options = {"in_batch_size": batch, "out_batch_size": batch}
    if not zmq.DRAFT_API:
        options = {}
    server, client = connect_pair(context, place, **options)
    messages = mixture(12 if batch < 1000 else 60, batch)
    if batch == 1:  # a system call for each byte of a head: short bodies
        messages = [[part[:9000] for part in message] for message in messages]
    pass_all(client, server, messages)


@pytest.mark.parametrize("place", STREAMS)
def test_a_socket_that_takes_little_at_a_time(context, place):
    """Every write ends within a piece, and the next goes on there."""
    server, client = connect_pair(context, place, sndbuf=4096, rcvbuf=4096)
    pass_all(client, server, mixture(25, 3))


@needs_curve
def test_encrypted(context):
    server, client = encrypted_pair(context, zmq.PAIR, zmq.PAIR)
    pass_all(client, server, mixture(30, 4))


@pytest.mark.parametrize("place", STREAMS)
def test_lent_memory_comes_back_once_and_not_before_it_is_written(context, place):
    """What has come back is overwritten at once: whoever gave it back early sends zeros."""
    options = {"sndhwm": 1, "rcvhwm": 1, "sndbuf": 4096, "rcvbuf": 4096}
    server, client = connect_pair(context, place, zmq.PULL, zmq.PUSH, **options)
    bodies = [Watched(body(400_000, n)) for n in range(25)]
    wanted = [bytes(one) for one in bodies]
    gone = [weakref.ref(one) for one in bodies]
    trackers: list[zmq.MessageTracker] = []

    def overwrite() -> None:
        for one, tracker in zip(bodies, trackers, strict=False):
            if tracker.done:
                one[:] = bytes(len(one))

    def send_all() -> None:
        for one in bodies:
            trackers.append(client.send(one, copy=False, track=True))
            overwrite()

    rest = in_thread(send_all)
    for number, one in enumerate(wanted):
        # of what is not yet received, one waits at each end and one is on its way at each
        assert sum(tracker.done for tracker in trackers) <= number + 4
        assert server.recv() == one, f"message {number}"
    rest()
    for tracker in trackers:
        tracker.wait(5)
    overwrite()
    bodies.clear()
    wait_until(lambda: not any(one() for one in gone), what="the memory to be let go")


@pytest.mark.parametrize("place", STREAMS)
@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_an_end_in_the_midst_gives_everything_back(context, place, who):
    server, client = connect_pair(
        context, place, zmq.PULL, zmq.PUSH, sndhwm=100, rcvhwm=1, sndbuf=4096, rcvbuf=4096
    )
    trackers = [
        client.send(bytearray(body(300_000, n)), copy=False, track=True) for n in range(20)
    ]
    assert server.recv() == body(300_000, 0)
    assert not trackers[-1].done
    if who == "receiver":
        server.close(0)
    client.close(0)
    for tracker in trackers:
        tracker.wait(5)


@pytest.mark.parametrize("version", [0, 1])
def test_old_peers_take_and_give_large_bodies(version):
    """ZMTP 1.0 and 2.0 have heads of their own."""
    program(
        f"""
VERSION = {version}
SIZES = (8191, 8192, 32768, 262144, 700000)
raw = socket.create_server(("127.0.0.1", 0))
pair = zmq.DEALER(connect=f"tcp://127.0.0.1:{{raw.getsockname()[1]}}", rcvtimeo=10000,
                  linger=0, sndtimeo=10000)
link = raw.accept()[0]
link.settimeout(10)
stream = link.makefile("rb")

def head(size):
    if VERSION:
        return b"\\x02" + struct.pack(">Q", size)
    return b"\\xff" + struct.pack(">Q", size + 1) + b"\\x00"

# the signature with the version, the socket's type (DEALER) and an empty identity; or, in
# version 1, nothing but the identity
link.sendall(b"\\xff" + bytes(8) + b"\\x7f\\x01\\x05\\x00\\x00" if VERSION else b"\\x01\\x00")
greeting = stream.read(10)
assert greeting[:1] == b"\\xff" and greeting[9:] == b"\\x7f", greeting
if VERSION:
    version, kind = stream.read(2)
    assert stream.read(2) == b"\\x00\\x00", "an empty identity"
bodies = [bytes([n + 1]) * size for n, size in enumerate(SIZES)]
for body in bodies:
    pair.send(body)
for body in bodies:
    wanted = head(len(body)) + body
    got = stream.read(len(wanted))
    assert got == wanted, (len(body), got[:12])
for body in bodies:
    link.sendall(head(len(body)) + body)
    assert pair.recv() == body
for end in (stream, link, raw, pair):
    end.close()
"""
    )


def send_buffers(port):
    """Return SO_SNDBUF of each connection of this process to that port."""
    found = []
    for place in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if not place.readlink().name.startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(place.name))) as one:
                if one.family == socket.AF_INET and one.getpeername()[1] == port:
                    found.append(one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
    return found


@needs_patch("local-buffer")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's way with its buffers")
@pytest.mark.parametrize("asked", [-1, 50_000])
def test_the_send_buffer_of_a_connection_to_this_machine(context, asked):
    """It is limited with the first large body, unless the user has set it."""
    limit = min(262_144, int(Path("/proc/sys/net/core/wmem_max").read_text()))
    server = context.socket(zmq.PULL, rcvtimeo=20_000)
    client = context.socket(zmq.PUSH, sndtimeo=20_000, sndbuf=asked)
    endpoint = server.bind("tcp://127.0.0.1:*")
    client.connect(endpoint)
    port = int(endpoint.rpartition(":")[2])
    client.send(bytes(65_535))
    assert server.recv() == bytes(65_535)
    (before,) = send_buffers(port)
    assert before == 2 * asked or asked == -1
    for size in (65_536, 3_000_000):
        client.send(bytes(size))
        assert server.recv() == bytes(size)
        assert send_buffers(port) == [before if asked > 0 else 2 * limit]
