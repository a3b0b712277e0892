"""Poller and select: sockets, descriptors and objects that have one, together."""

from __future__ import annotations

import os
import re
import socket as system
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import FACTOR, connect_pair, in_thread, wait_inside
from tracing import calls_seen, needs_strace

import zmqlite as zmq

LONG = 5000 * FACTOR

TWICE = """
import zmqlite as zmq

with zmq.Context() as context:
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    pairs = [(one, zmq.POLLOUT), (two, zmq.POLLIN), (one, zmq.POLLIN)]
    assert zmq.zmq_poll(pairs, 20) == []
    assert zmq.select([one, two], [one, two], [one], 0.02) == ([], [], [])
    one.close()
    two.close()
"""


class TestPoller:
    def test_finds_what_is_ready(self, pair: Any) -> None:
        one, two = pair()
        poller = zmq.Poller()
        poller.register(one)
        poller.register(two, zmq.POLLIN)
        one.send(b"x")
        assert dict(poller.poll(LONG))[one] == zmq.POLLOUT
        two.poll(LONG)
        assert dict(poller.poll(LONG)) == {one: zmq.POLLOUT, two: zmq.POLLIN}
        assert two.recv() == b"x"
        assert poller.poll(0) == [(one, zmq.POLLOUT)]

    def test_events_are_plain_numbers(self, context: Any) -> None:
        one, _ = connect_pair(context)
        poller = zmq.Poller()
        poller.register(one, zmq.POLLOUT)
        ((member, events),) = poller.poll(LONG)
        assert member is one
        assert type(events) is int

    @pytest.mark.parametrize("timeout", [20, 20.7])
    def test_timeout_is_in_milliseconds(self, context: Any, timeout: float) -> None:
        poller = zmq.Poller()
        poller.register(context.socket(zmq.PULL), zmq.POLLIN)
        start = time.monotonic()
        assert poller.poll(timeout) == []
        assert time.monotonic() - start >= 0.019

    def test_waits_also_without_members(self) -> None:
        start = time.monotonic()
        assert zmq.Poller().poll(20) == []
        assert time.monotonic() - start >= 0.019

    @pytest.mark.parametrize("timeout", [None, -1])
    def test_waits_for_ever(self, context: Any, timeout: Any) -> None:
        one, two = connect_pair(context)
        poller = zmq.Poller()
        poller.register(two, zmq.POLLIN)
        waiting = in_thread(poller.poll, timeout)
        wait_inside(poller)
        one.send(b"x")
        assert waiting() == [(two, zmq.POLLIN)]

    def test_descriptors_and_files(self, context: Any, pipe: tuple[int, int]) -> None:
        read, write = pipe
        left, right = system.socketpair()
        with left, right:
            poller = zmq.Poller()
            poller.register(read, zmq.POLLIN)
            poller.register(left, zmq.POLLIN)
            poller.register(context.socket(zmq.PULL), zmq.POLLIN)
            assert poller.poll(0) == []
            os.write(write, b"x")
            assert poller.poll(LONG) == [(read, zmq.POLLIN)]
            right.send(b"x")
            assert len(poller.poll(LONG)) == 2

    def test_membership(self, context: Any) -> None:
        one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        poller = zmq.Poller()
        poller.register(one, zmq.POLLIN)
        assert one in poller
        assert two not in poller
        assert poller.sockets == [(one, zmq.POLLIN)]
        poller.modify(one, zmq.POLLOUT)
        assert poller.sockets == [(one, zmq.POLLOUT)]
        poller.register(one, zmq.POLLIN)
        assert poller.sockets == [(one, zmq.POLLIN)]
        assert poller.size == len(poller) == 1
        poller.register(one, 0)
        assert one not in poller
        with pytest.raises(KeyError):
            poller.unregister(one)

    def test_repr_shows_members(self, context: Any, pipe: tuple[int, int]) -> None:
        poller = zmq.Poller()
        assert repr(poller).startswith("<zmqlite.Poller() at 0x")
        socket = context.socket(zmq.PULL, bind="inproc://shown")
        poller.register(socket, zmq.POLLIN)
        poller.register(pipe[1], zmq.POLLIN | zmq.POLLOUT)
        assert f"({socket!r} POLLIN, {pipe[1]} POLLIN|POLLOUT) at 0x" in repr(poller)
        assert "inproc://shown" in repr(poller)
        for number in range(3):
            poller.register(context.socket(zmq.PULL), 64 if number else zmq.POLLERR)
        assert ", ...) at" in repr(poller)
        socket.close()
        assert " closed> POLLIN" in repr(poller)

    def test_members_that_close(self, context: Any) -> None:
        one, two = connect_pair(context)
        poller = zmq.Poller()
        poller.register(one, zmq.POLLIN)
        poller.register(two, zmq.POLLIN)
        one.close()
        assert poller.delete(one)
        assert poller.poll(0) == []

    def test_refuses_strangers(self) -> None:
        with pytest.raises(TypeError):
            zmq.Poller().register("nonsense")

    def test_context_that_ends(self, context: Any) -> None:
        poller = zmq.Poller()
        poller.register(context.socket(zmq.PULL), zmq.POLLIN)
        waiting = in_thread(poller.poll)
        wait_inside(poller)
        context.shutdown()
        with pytest.raises(zmq.ContextTerminated):
            waiting()

    def test_many_members(self, context: Any) -> None:
        poller = zmq.Poller()
        receivers = [context.socket(zmq.PULL, bind=f"inproc://many-{n}") for n in range(200)]
        for receiver in receivers:
            poller.register(receiver, zmq.POLLIN)
        sender = context.socket(zmq.PUSH, connect="inproc://many-117")
        for _ in range(3):
            sender.send(b"x")
            assert poller.poll(LONG) == [(receivers[117], zmq.POLLIN)]
            receivers[117].recv()
            assert poller.poll(0) == []


class TestNamesFromRuby:
    def test_register_readable_and_writable_add_up(self, context: Any) -> None:
        one, _ = connect_pair(context)
        poller = zmq.Poller()
        poller.register_readable(one)
        assert poller.sockets == [(one, zmq.POLLIN)]
        poller.register_writable(one)
        assert poller.sockets == [(one, zmq.POLLIN | zmq.POLLOUT)]
        assert poller.deregister_readable(one)
        assert poller.sockets == [(one, zmq.POLLOUT)]
        assert not poller.deregister_readable(one)
        assert poller.deregister_writable(one)
        assert one not in poller
        assert not poller.deregister(one)
        assert not poller.delete(one)

    def test_readables_and_writables_are_those_of_the_last_poll(self, context: Any) -> None:
        one, two = connect_pair(context, "inproc://last")
        poller = zmq.Poller()
        poller.register(one)
        poller.register(two)
        assert (poller.readables, poller.writables) == ([], [])
        one.send(b"x")
        poller.poll(LONG)
        assert poller.readables == [two]
        assert set(poller.writables) == {one, two}
        two.recv()
        poller.poll_nonblock()
        assert poller.readables == []

    def test_deregister_all(self, context: Any) -> None:
        socket = context.socket(zmq.PULL)
        poller = zmq.Poller()
        poller.register(socket)
        assert poller.deregister(socket)
        assert poller.size == 0


class TestSelect:
    def test_three_lists(self, pair: Any) -> None:
        one, two = pair()
        one.send(b"x")
        two.poll(LONG)
        assert zmq.select([one, two], [one], [one, two], 1) == ([two], [one], [])

    def test_timeout_is_in_seconds(self, context: Any) -> None:
        start = time.monotonic()
        assert zmq.select([context.socket(zmq.PULL)], [], [], 0.02) == ([], [], [])
        assert 0.019 <= time.monotonic() - start < 15 * FACTOR

    def test_waits_for_ever(self, context: Any) -> None:
        one, two = connect_pair(context)
        waiting = in_thread(zmq.select, [two], [], [])
        wait_inside(two)
        one.send(b"x")
        assert waiting() == ([two], [], [])

    def test_descriptors(self, pipe: tuple[int, int]) -> None:
        read, write = pipe
        assert zmq.select([read], [write], [], 0) == ([], [write], [])
        os.write(write, b"x")
        assert zmq.select([read], [write], [read, write], 1) == ([read], [write], [])

    def test_nothing(self) -> None:
        assert zmq.select([], [], [], 0) == ([], [], [])


class TestZmqPoll:
    def test_pairs(self, context: Any, pipe: tuple[int, int]) -> None:
        read, write = pipe
        one, _ = connect_pair(context)
        os.write(write, b"x")
        one.poll(LONG, zmq.POLLOUT)
        found = zmq.zmq_poll([(one, zmq.POLLOUT), (read, zmq.POLLIN)], 1000)
        assert found == [(one, zmq.POLLOUT), (read, zmq.POLLIN)]

    @needs_strace
    def test_a_socket_listed_twice_waits_in_one_place(self, tmp_path: Path) -> None:
        """In two, a look took away the news for the place before it, which slept on."""
        waits = [line for line in calls_seen(TWICE, "poll", tmp_path) if "fd=" in line]
        asked = [re.findall(r"fd=(\d+)", line.partition("]")[0]) for line in waits]
        assert 2 in map(len, asked)
        assert all(len(fds) == len(set(fds)) for fds in asked), asked

    def test_a_socket_listed_twice_answers_each_place(self, pair: Any) -> None:
        one, two = pair(zmq.PAIR, zmq.PAIR)
        two.send(b"x")
        assert one.poll(5000 * FACTOR) == zmq.POLLIN
        pairs = [(one, zmq.POLLIN), (two, zmq.POLLIN), (one, zmq.POLLOUT), (one, 3)]
        assert zmq.zmq_poll(pairs, 0) == [(one, zmq.POLLIN), (one, zmq.POLLOUT), (one, 3)]

    def test_objects_come_back_as_descriptors(self) -> None:
        left, right = system.socketpair()
        with left, right:
            right.send(b"x")
            assert zmq.zmq_poll([(left, zmq.POLLIN)], 1000) == [(left.fileno(), zmq.POLLIN)]

    def test_empty_list_returns_at_once(self) -> None:
        assert zmq.zmq_poll([], -1) == []


# -- what else is a number, or in the middle of an import ----------------------------------------


class Half:
    """A number that has no more than __float__."""

    def __float__(self) -> float:
        return 0.5


def test_a_time_limit_is_any_number(pair: Any) -> None:
    _, two = pair()
    poller = zmq.Poller()
    poller.register(two, zmq.POLLIN)
    limit: Any = Half()
    with pytest.warns(UserWarning, match="poll\\(\\) takes milliseconds"):
        assert poller.poll(limit) == []
    with pytest.warns(UserWarning, match="poll\\(\\) takes milliseconds"):
        assert two.poll(limit) == 0


def test_an_error_of_what_select_draws_from_is_told() -> None:
    def members() -> Any:
        yield from ()
        raise TypeError("of the program")

    with pytest.raises(TypeError, match="of the program"):
        zmq.select(members(), [], [])
    with pytest.raises(TypeError, match="takes lists of sockets"):
        zmq.select([[]], [], [])


@pytest.mark.parametrize("name", ["asyncio.events", "trio.lowlevel", "gevent._hub_local"])
def test_a_wait_beside_an_unfinished_import(
    name: str, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may be in the middle of importing an event loop."""
    one, two = pair()
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))

    def wait() -> bytes:
        poller = zmq.Poller()
        poller.register(two, zmq.POLLIN)
        assert poller.poll(150) == []
        answer: bytes = two.recv()
        return answer

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(wait)
        wait_inside(two)
        one.send(b"x")
        assert waiting.result(LONG / 1000) == b"x"
        assert threads.submit(two.recv, zmq.DONTWAIT).exception(LONG / 1000).__class__ is zmq.Again
