"""Much at once, with checksums: processes over tcp and ipc, threads over inproc.

ZMQLITE_TEST_LONG=1 multiplies the counts.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zlib

import pytest
from support import FACTOR, in_thread

import zmqlite as zmq

FACTOR_OF_COUNT = 20 if os.environ.get("ZMQLITE_TEST_LONG") else 1
SIZES = [0, 1, 30, 33, 34, 200, 2047, 2048, 5000, 65_535, 70_000, 300_000]

WORKER = """
import random, sys, zlib, zmqlite as zmq
tasks, results, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
dice = random.Random(seed)
pull = zmq.PULL(connect=tasks, rcvtimeo=60000)
push = zmq.PUSH(connect=results, sndtimeo=60000)
push.send(b"ready")
done = 0
while done < count:
    how = dice.randrange(4)
    if how == 0:
        parts = pull.recv_multipart()
    elif how == 1:
        parts = pull.recv_multipart(copy=False)
    elif how == 2:
        parts = [pull.recv()]
        while pull.more_parts:
            parts.append(pull.recv(copy=False))
    else:
        parts = pull.recv_many(1, multipart=True)[0]
    if bytes(parts[0]) == b"stop":
        break
    number, checksum = bytes(parts[0]).split()
    crc = 0
    for part in parts[1:]:
        crc = zlib.crc32(part, crc)
    assert crc == int(checksum), number
    if dice.random() < 0.5:
        push.send_multipart([bytes(parts[0]), *parts[1:]], copy=dice.random() < 0.5)
    else:
        push.send_many([[bytes(parts[0]), *map(bytes, parts[1:])]])
    done += 1
"""


def message(dice: random.Random, number: int) -> list:
    """A numbered message of random parts, with its checksum in the first one."""
    body = [
        dice.choice([bytes, bytearray, memoryview, zmq.Frame])(
            bytes([dice.randrange(256)]) * dice.choice(SIZES)
        )
        for _ in range(dice.choice([1, 1, 2, 5]))
    ]
    crc = 0
    for part in body:
        crc = zlib.crc32(part, crc)
    return [b"%d %d" % (number, crc), *body]


def checked(parts: list) -> int:
    """Return the number of a message whose checksum is right."""
    number, checksum = bytes(parts[0]).split()
    crc = 0
    for part in parts[1:]:
        crc = zlib.crc32(part, crc)
    assert crc == int(checksum)
    return int(number)


@pytest.mark.parametrize("transport", ["tcp://127.0.0.1:*", "ipc://*"])
def test_processes(context, transport):
    if transport.startswith("ipc") and not zmq.has("ipc"):
        pytest.skip("this libzmq was built without ipc")
    workers, count = 3, 1500 * FACTOR_OF_COUNT
    push = context.socket(zmq.PUSH, linger=0, sndtimeo=int(30_000 * FACTOR))
    pull = context.socket(zmq.PULL, rcvtimeo=int(30_000 * FACTOR))
    tasks, results = push.bind(transport), pull.bind(transport)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, tasks, results, str(seed), str(count)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(workers)
    ]
    try:
        dice = random.Random(11)
        # who comes when all is done would never hear that it is over
        assert [pull.recv() for _ in processes] == [b"ready"] * workers

        def send():
            for number in range(count):
                parts = message(dice, number)
                if number % 3:
                    push.send_multipart(parts, copy=bool(number % 2))
                else:
                    push.send_many([parts])

        sender = in_thread(send)
        seen = {checked(pull.recv_multipart(copy=number % 2 == 0)) for number in range(count)}
        sender(30)
        assert seen == set(range(count))
        for _ in range(workers * 3):
            push.send(b"stop", zmq.NOBLOCK) if push.poll(100, zmq.POLLOUT) else None
        for process in processes:
            _, errors = process.communicate(timeout=20 * FACTOR)
            assert (process.returncode, errors) == (0, "")
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_threads(context):
    """A ring of threads; each checks what comes and passes it on."""
    count, rounds = 4, 1200 * FACTOR_OF_COUNT
    inputs = [context.socket(zmq.PULL, rcvtimeo=int(20_000 * FACTOR)) for _ in range(count)]
    ends = [one.bind(f"inproc://stress{number}") for number, one in enumerate(inputs)]

    def work(number):
        dice = random.Random(number)
        with context.socket(
            zmq.PUSH, connect=ends[(number + 1) % count], sndtimeo=int(20_000 * FACTOR)
        ) as out:
            total = 0
            for turn in range(rounds):
                out.send_multipart(message(dice, turn), copy=dice.random() < 0.5)
                parts = inputs[number].recv_multipart(copy=dice.random() < 0.5)
                assert checked(parts) == turn
                total += 1
        return total

    assert [join(60) for join in [in_thread(work, number) for number in range(count)]] == (
        [rounds] * count
    )


def test_sockets_come_and_go(context):
    """Thousands of short lives on one context, with messages under way."""
    for turn in range(700 * FACTOR_OF_COUNT):
        with context.socket(zmq.PUSH, linger=0) as push, context.socket(zmq.PULL) as pull:
            end = pull.bind(f"inproc://short{turn}" if turn % 3 else "tcp://127.0.0.1:*")
            push.connect(end)
            push.send(b"x" * (turn * 37 % 9000))
            if turn % 2:
                assert pull.recv() == b"x" * (turn * 37 % 9000)


def test_contexts_come_and_go():
    def live():
        for turn in range(60 * FACTOR_OF_COUNT):
            with zmq.Context() as own:
                pair = own.socket(zmq.PAIR, linger=0), own.socket(zmq.PAIR, linger=0)
                pair[0].bind("inproc://own")
                pair[1].connect("inproc://own")
                pair[1].send(b"y" * 5000)
                assert pair[0].recv(copy=bool(turn % 2)) is not None
                for one in pair:
                    one.close()
        return True

    assert all(join(60) for join in [in_thread(live) for _ in range(3)])


def test_publish_to_many(context):
    publisher = context.socket(
        zmq.XPUB, xpub_verbose=1, sndhwm=0, linger=0, rcvtimeo=int(10_000 * FACTOR)
    )
    publisher.bind("inproc://wide")
    readers = [
        context.socket(zmq.SUB, rcvhwm=0, subscribe=b"", rcvtimeo=int(10_000 * FACTOR))
        for _ in range(20)
    ]
    for reader in readers:
        reader.connect("inproc://wide")
        assert publisher.recv() == b"\1"
    big = bytes(range(256)) * 40
    for number in range(300 * FACTOR_OF_COUNT):
        publisher.send_multipart([b"%d" % number, big], copy=bool(number % 2))
    for reader in readers:
        for number in range(300 * FACTOR_OF_COUNT):
            first, second = reader.recv_multipart()
            assert first == b"%d" % number
            assert second == big
