"""Nothing zmqlite does makes the `__dict__` of a socket, so that Python finds methods quickly.

A call such as `sock.recv()` takes some 250 instructions more, a quarter of the whole, once the
object has one: Python looks there first, and from 3.11 on gives up its shortcut.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest

import zmqlite as zmq
import zmqlite.asyncio


def has_dict(socket: Any) -> bool:
    before = gc.get_referents(socket)
    own = socket.__dict__  # makes it, if need be
    return any(one is own for one in before)


USES: dict[str, Callable[[Any], object]] = {
    "bind": lambda one: one.bind("inproc://here"),
    "bind to a free port": lambda one: one.bind("tcp://127.0.0.1:*"),
    "connect": lambda one: one.connect("inproc://there"),
    "detach": lambda one: (one.disconnect(one.connect("tcp://127.0.0.1:1")),
                           one.unbind(one.bind("tcp://127.0.0.1:*"))),
    "options": lambda one: (setattr(one, "LINGER", 0), one.set(zmq.LINGER, 1), one.linger),
    "events": lambda one: (one.events, one.getsockopt(zmq.EVENTS), one.poll(0), one.fileno()),
    "messages": lambda one: (one.recv_nonblock(), one.send_nonblock(b"")),
    "looks": lambda one: (repr(one), one.endpoints, one.closed, one.context, one.type),
    "close": lambda one: one.close(),
}  # fmt: skip


def test_it_is_seen_when_there_is_one(context):
    socket = context.socket(zmq.PAIR)
    vars(socket)["_note_of_mine"] = 1  # (to set it is not enough for Python 3.14)
    assert has_dict(socket)


@pytest.mark.parametrize("use", USES)
def test_a_use_makes_no_dict(context, use):
    socket = context.socket(zmq.PAIR)
    USES[use](socket)
    assert not has_dict(socket)


@pytest.mark.parametrize("options", [{"harden": True}, {"bind": "inproc://one"}, {"linger": 5}])
def test_no_option_of_a_new_socket_makes_one(context, options):
    assert not has_dict(context.socket(zmq.PAIR, **options))


def test_nor_do_the_calls_of_asyncio():
    async def main() -> list[bool]:
        with zmqlite.asyncio.Context() as context:
            pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
            push.connect(pull.bind("inproc://loop"))
            await push.send(b"a")
            assert await pull.recv() == b"a"
            waits = pull.recv_multipart()
            await push.send_multipart([b"b", b"c"])
            assert await waits == [b"b", b"c"]
            push.close()
            pull.close()
            return [has_dict(one) for one in (pull, push)]

    assert asyncio.run(main()) == [False, False]


def test_nor_do_those_of_trio():
    trio: Any = pytest.importorskip("trio")
    ours: Any = pytest.importorskip("zmqlite.trio")

    async def main() -> list[bool]:
        async with ours.Context() as context:
            pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH, linger=0)
            push.connect(pull.bind("inproc://trio"))
            await push.send(b"a")
            assert await pull.recv() == b"a"
            push.close()
            pull.close()
            return [has_dict(one) for one in (pull, push)]

    assert trio.run(main) == [False, False]
