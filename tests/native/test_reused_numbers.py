"""A poller whose members were closed, and their numbers given to others, unheard of by it."""

from __future__ import annotations

import asyncio
import gc
import os
import socket as sockets
import time

import pytest
from support import FACTOR, in_thread

import zmqlite as zmq
import zmqlite.asyncio as loops

IN = zmq.POLLIN


def with_number(number):
    """A pair of sockets, one of which has this number, which must be the least that is free."""
    one, other = sockets.socketpair()
    return (one, other) if one.fileno() == number else (other, one)


@pytest.fixture
def pair():
    """Of two connected descriptors the one that will be closed, and the other."""
    read, write = os.pipe()
    yield read, write
    os.close(write)


def test_a_member_that_has_the_number_of_one_that_is_dropped_later(poller):
    closed, its_peer = sockets.socketpair()
    number = closed.fileno()
    poller.register(closed, IN)
    closed.close()
    member, peer = with_number(number)
    assert member.fileno() == number
    with its_peer, member, peer:
        poller.register(member, IN)
        poller.unregister(closed)
        assert poller.poll(0) == []
        peer.send(b"x")
        assert poller.poll(5000) == [(number, IN)]
        poller.unregister(member)
        assert poller.poll(0) == []


def test_a_copy_of_a_closed_descriptor_reports_nobody(poller, pair):
    """The set knows the open file, for a child process may have it; its watch is gone."""
    read, write = pair
    poller.register(read, IN)
    copy = os.dup(read)
    os.close(read)
    poller.unregister(read)
    gc.collect()
    os.write(write, b"x")
    for _ in range(20):
        others = [sockets.socketpair() for _ in range(5)]
        for one, _ in others:
            poller.register(one, IN)
        assert poller.poll(0) == []
        for one, other in others:
            poller.unregister(one)
            one.close()
            other.close()
    start = time.thread_time()
    assert poller.poll(300) == []
    assert time.thread_time() - start < 0.1 * FACTOR
    os.close(copy)


def test_a_copy_of_a_closed_descriptor_does_not_speak_for_its_number(poller, pair):
    read, write = pair
    poller.register(read, IN)
    copy = os.dup(read)
    os.close(read)
    member, peer = with_number(read)
    assert member.fileno() == read
    with member, peer:
        poller.register(member, IN)
        os.write(write, b"x")
        assert poller.poll(0) == []
        poller.unregister(read)
        assert poller.poll(0) == []
        peer.send(b"x")
        assert poller.poll(5000) == [(read, IN)]
    os.close(copy)


def test_the_same_number_registered_again(poller, pair):
    read, _ = pair
    poller.register(read, IN)
    os.close(read)
    member, peer = with_number(read)
    assert member.fileno() == read
    with member, peer:
        poller.register(read, IN)
        peer.send(b"x")
        assert poller.poll(5000) == [(read, IN)]


def test_a_socket_with_the_number_of_a_closed_one_that_a_second_handle_was_on(context, poller):
    closed = context.socket(zmq.PULL)
    number = closed.fd
    second = zmq.Socket.shadow(closed)
    poller.register(second, IN)
    closed.close()
    with pytest.raises(zmq.SocketClosed):
        poller.poll(0)
    made = []
    end = time.monotonic() + 5 * FACTOR
    while not made or made[-1].fd != number:  # libzmq's own thread closes the descriptor
        assert time.monotonic() < end
        if len(made) > 50:
            made.pop(0).close()
        made.append(context.socket(zmq.PULL))
    pull = made[-1]
    pull.bind("inproc://reused")
    poller.register(pull, IN)
    poller.unregister(second)
    assert poller.poll(0) == []

    def send():
        with context.socket(zmq.PUSH) as push:
            push.connect("inproc://reused")
            push.send(b"x")

    join = in_thread(send)
    assert poller.poll(5000 * FACTOR) == [(pull, IN)]
    join()
    for one in made:
        one.close()


def test_a_poll_of_a_loop_goes_on_when_the_set_is_made_anew(pair):
    read, _write = pair

    async def main():
        poller = loops.Poller()
        poller.register(read, IN)
        waiting = asyncio.ensure_future(poller.poll())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        os.close(read)
        member, peer = with_number(read)
        with member, peer:
            poller.register(member, IN)
            poller.unregister(read)
            peer.send(b"x")
            return await asyncio.wait_for(waiting, 5 * FACTOR), member.fileno()

    ready, number = asyncio.run(main())
    assert ready == [(number, IN)]
