"""Under AddressSanitizer, memory that is kept for later is as forbidden as memory that was freed.

Each program here does what must not be done, and has to be caught: else the other tests prove
nothing about such memory under the sanitizer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from support import FACTOR, SANITIZED, needs_patch

pytestmark = [
    needs_patch("message-pool", "large-input"),
    pytest.mark.skipif(not SANITIZED, reason="only AddressSanitizer sees it"),
]

PRELUDE = """
import ctypes, sys, zmqlite as zmq
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
push.connect(pull.bind(sys.argv[1]))
pull.rcvtimeo = 20_000

def address(buffer):
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))

def touch(place, size=16):
    print("touched", flush=True)
    ctypes.string_at(place, size)
"""
FORBIDDEN = {
    "a loan that was not sent": """
        try:
            with push.loan(10_000) as view:
                place = address(view)
                touch(place, 10_000)
                del view
                raise KeyError
        except KeyError:
            pass
        touch(place)
        """,
    "a loan, beyond its end": """
        with push.loan(10_000) as view:
            touch(address(view) + 10_000)
        """,
    "bytes that nobody has any more": """
        for _ in range(3):  # the first teaches libzmq that there is use for a block
            push.send(bytes(100_000))
            message = pull.recv()
        place = id(message) + bytes.__basicsize__ - 1
        touch(place, 100_000)
        del message
        for _ in range(9):  # a look at three that are out, each
            with push.loan(5_000):
                pass
        touch(place)
        """,
    "a small message that was closed": """
        push.send(bytes(200))
        frame = pull.recv(copy=False)
        place = address(frame)
        touch(place, 200)
        del frame
        touch(place)
        """,
    "a small message, beyond its end": """
        push.send(bytes(201))
        frame = pull.recv(copy=False)
        touch(address(frame) + 201)
        """,
}
ALLOWED = """
    for _ in range(9):
        push.send(bytes(100_000))
        touch(id(pull.recv()) + bytes.__basicsize__ - 1, 0)
    kept = [pull.recv() for _ in range(9) if not push.send(bytes(50_000))]
    for message in kept:
        touch(id(message) + bytes.__basicsize__ - 1, 50_001)
"""


def run(code: str, place: str) -> subprocess.CompletedProcess[str]:
    options = os.environ.get("ASAN_OPTIONS", "") + ":abort_on_error=0:exitcode=99"
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code) + "\ncontext.destroy(0)", place],
        env={**os.environ, "ASAN_OPTIONS": options},
        capture_output=True,
        text=True,
        timeout=30 * FACTOR,
        check=False,
    )


@pytest.mark.parametrize("what", FORBIDDEN)
def test_it_is_reported(what: str) -> None:
    code = FORBIDDEN[what]
    # over tcp a small message is a piece of what was read, and no block of the pool
    done = run(code, "inproc://a" if "small" in what else "tcp://127.0.0.1:*")
    assert "use-after-poison" in done.stderr, done.stderr
    assert done.returncode == 99
    assert done.stdout.count("touched") == code.count("touch("), "an earlier touch was forbidden"


def test_what_is_allowed_is_not() -> None:
    done = run(ALLOWED, "tcp://127.0.0.1:*")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("touched") == 18
