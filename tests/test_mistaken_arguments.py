"""Arguments of the wrong kind: refused before anything is sent or received, with the next step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import zmqlite as zmq
import zmqlite.asyncio

PLACE = "tcp://127.0.0.1:*"

MISTAKES: dict[str, tuple[Callable[[Any, Any], object], type[Exception], str]] = {
    # (push, pull) -> what is said
    "two parts": (lambda s, r: s.send(b"a", b"b"), TypeError, "these are numbers.*one list"),
    "flags by name": (lambda s, r: s.send(b"a", "NOBLOCK"), TypeError, "such as zmq.DONTWAIT"),
    "parts one by one": (lambda s, r: s.send_multipart(b"a", b"b"), TypeError, "one list"),
    "parts by name": (
        lambda s, r: s.send_multipart({"a": b"b"}),
        TypeError,
        "a sequence of parts",
    ),
    "many of one": (
        lambda s, r: s.send_many(b"ab"),
        TypeError,
        r"not 'bytes': send\(\) sends one",
    ),
    "many of text": (lambda s, r: s.send_many("ab"), TypeError, r"send_string\(\) sends a text"),
    "many of none": (lambda s, r: s.send_many(None), TypeError, "takes messages, such as a list"),
    "many of pairs": (lambda s, r: s.send_many({1: 2}), TypeError, r"send_json\(\) sends it"),
    "texts of bytes": (lambda s, r: s.send_strings([b"a"]), TypeError, r"send_multipart\(\)"),
    "json in time": (lambda s, r: s.send_json(1, timeout=5), TypeError, "sndtimeo"),
    "pairs for poll": (lambda s, r: zmq.zmq_poll([r], 5), TypeError, r"\[\(socket, zmq.POLLIN\)"),
    "poll of one": (lambda s, r: zmq.zmq_poll(r, 5), TypeError, "takes a list of pairs"),
    "select of one": (lambda s, r: zmq.select(r, [], [], 0), TypeError, r"write \[socket\]"),
    "no function": (lambda s, r: r.recv_serialized(None), TypeError, "takes a function"),
    "connect to it": (lambda s, r: s.connect(r), TypeError, "takes a text such as tcp://"),
    "bind a dict": (lambda s, r: r.bind({"port": 5}), TypeError, "takes a text such as tcp://"),
    "poll a type": (
        lambda s, r: zmq.Poller().register(zmq.PULL, 1),
        TypeError,
        "a type of sockets",
    ),
    "poll a number": (
        lambda s, r: zmq.Poller().register(10**10, 1),
        OverflowError,
        "10000000000 is no file descriptor",
    ),
    "iterate a PUSH": (lambda s, r: next(iter(s)), zmq.NotSupported, "a PUSH socket only sends"),
    "a text to frame": (lambda s, r: zmq.Frame("a"), TypeError, r"\): encode the text yourself$"),
    "a password": (
        lambda s, r: s.connect("tcp://me:secret@host:5555"),
        zmq.InvalidArgument,
        "write tcp://host:5555; plain_username",
    ),
    "three slashes": (
        lambda s, r: s.connect("tcp:///127.0.0.1:5555"),
        zmq.InvalidArgument,
        "write tcp://127.0.0.1:5555$",
    ),
    "no host to bind": (
        lambda s, r: r.bind(":5555"),
        zmq.InvalidArgument,
        re.escape("write tcp://*:5555"),
    ),
    "no host to connect": (
        lambda s, r: s.connect(":5555"),
        zmq.InvalidArgument,
        "write tcp://127.0.0.1:5555",
    ),
    "an option of contexts": (
        lambda s, r: s.context.socket(zmq.PUSH, io_threads=2),
        TypeError,
        r"Context\(io_threads=",
    ),
    "an option of sockets": (
        lambda s, r: s.context.set(zmq.LINGER, 0),
        zmq.InvalidArgument,
        "an option of sockets; set it on a socket, or context.linger",
    ),
    "no context": (lambda s, r: zmq.PUSH(context=5), TypeError, r"such as zmq.Context\(\), not 5"),
    "a class of contexts": (
        lambda s, r: zmqlite.asyncio.PUSH(context=zmq.Context),
        TypeError,
        "takes a context",
    ),
    "a timeout of text": (
        lambda s, r: zmq.REQ(context=s.context, linger=0).request(b"x", "5"),
        TypeError,
        "takes milliseconds as its timeout, not '5'",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_said(context: zmq.Context[Any], mistake: str) -> None:
    call, kind, text = MISTAKES[mistake]
    receiver = context.socket(zmq.PULL, linger=0, rcvtimeo=5000)
    sender = context.socket(zmq.PUSH, linger=0, sndtimeo=5000, connect=receiver.bind(PLACE))
    sender.send(b"kept")
    assert receiver.poll(5000)
    with pytest.raises(kind, match=text):
        call(sender, receiver)
    assert receiver.recv() == b"kept", "the message was lost"
    assert not receiver.poll(0), "something was sent"


def test_an_iterable_of_the_old_kind_is_one() -> None:
    class Old:
        def __getitem__(self, place: int) -> bytes:
            return (b"a", b"b")[place]

    with zmq.Context() as context:
        receiver = context.socket(zmq.PULL, bind="inproc://old", rcvtimeo=5000)
        sender = context.socket(zmq.PUSH, connect="inproc://old", linger=0)
        old: Any = Old()
        assert sender.send_many(old) == 2
        assert [receiver.recv(), receiver.recv()] == [b"a", b"b"]
        sender.close()
        receiver.close()
