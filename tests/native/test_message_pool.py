"""The pool of message bodies: what was given back serves the next message of its size."""

from __future__ import annotations

import ctypes

import pytest
from support import encrypted_pair, needs_curve, needs_patch

import zmqlite as zmq

pytestmark = needs_patch("message-pool")


def places(push, pull, size, count):
    """Return where so many messages lay, one after another."""
    seen = set()
    for _ in range(count):
        push.send(bytes(size))
        frame = pull.recv(copy=False)
        seen.add(ctypes.addressof(ctypes.c_char.from_buffer(frame)))
        del frame
    return seen


@needs_curve
@pytest.mark.parametrize("size", [100, 1000, 1400])
def test_a_decrypted_part_is_given_back_as_what_it_was(size):
    """It is shorter than what was received, and took its memory out of the stock for good."""
    with zmq.Context(max_sockets=10) as context:
        context.zero_copy_recv = 0  # else it lies in the middle of what was read
        pull, push = encrypted_pair(context, zmq.PULL, zmq.PUSH)
        assert len(places(push, pull, size, 3000)) < 300
        pull.close()
        push.close(0)
