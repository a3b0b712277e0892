"""Exceptions: which class, which errno, what they say."""

from __future__ import annotations

import errno
import pickle
from typing import Any

import pytest


def test_the_tree(zmq: Any) -> None:
    for name in ("Again", "ContextTerminated", "InterruptedSystemCall"):
        assert issubclass(getattr(zmq, name), zmq.ZMQError)
    for name in ("ZMQError", "ZMQBindError", "NotDone"):
        assert issubclass(getattr(zmq, name), zmq.ZMQBaseError)
    assert issubclass(zmq.InterruptedSystemCall, InterruptedError)
    assert issubclass(zmq.ZMQVersionError, NotImplementedError)
    assert issubclass(zmq.DraftFDWarning, RuntimeWarning)


def test_an_error_made_by_hand(zmq: Any) -> None:
    error = zmq.ZMQError(zmq.EFSM)
    assert error.errno == zmq.EFSM
    assert error.strerror == str(error) == zmq.strerror(zmq.EFSM)
    assert zmq.strerror(zmq.EFSM) in repr(error)
    assert type(zmq.ZMQError(zmq.ETERM)) is zmq.ZMQError
    error = zmq.ZMQError(5, "custom")
    assert (error.errno, str(error)) == (5, "custom")
    assert repr(error) == "ZMQError('custom')"
    assert zmq.ZMQError(msg="custom").strerror == "custom"


def test_errors_of_one_errno_keep_it(zmq: Any) -> None:
    assert zmq.Again().errno == errno.EAGAIN
    assert zmq.Again(5, "ignored").errno == errno.EAGAIN
    assert zmq.ContextTerminated().errno == zmq.ETERM
    assert zmq.InterruptedSystemCall().errno == errno.EINTR
    assert str(zmq.Again()) == zmq.strerror(errno.EAGAIN)
    assert repr(zmq.Again()) == f"Again({zmq.strerror(errno.EAGAIN)!r})"


def test_raised_by_libzmq(ctx: Any, zmq: Any) -> None:
    request = ctx.socket(zmq.REQ)
    with pytest.raises(zmq.ZMQError) as caught:
        request.recv()
    assert caught.value.errno == zmq.EFSM
    with pytest.raises(zmq.Again) as caught:
        request.send(b"nobody is there", zmq.DONTWAIT)
    assert caught.value.errno == zmq.EAGAIN
    with pytest.raises(zmq.ZMQError) as caught:
        ctx.socket(999)
    assert caught.value.errno == zmq.EINVAL
    router = ctx.socket(zmq.ROUTER)
    router.router_mandatory = 1
    with pytest.raises(zmq.ZMQError) as caught:
        router.send_multipart([b"nobody", b"hello"])
    assert caught.value.errno == zmq.EHOSTUNREACH


def test_a_subclass_with_another_constructor(zmq: Any) -> None:
    class OwnError(zmq.ZMQError):  # type: ignore[misc]
        def __init__(self, one: Any, *, two: Any) -> None:
            super().__init__(zmq.EFSM, f"{one} {two}")

    assert str(OwnError(1, two=2)) == "1 2"


def test_version_errors(zmq: Any) -> None:
    error = zmq.ZMQVersionError("9.9.9", "Flying")
    assert (error.min_version, error.msg) == ("9.9.9", "Flying")
    assert str(error) == repr(error)[len("ZMQVersionError('") : -2]
    assert str(error).startswith("Flying requires libzmq >= 9.9.9, have ")


def test_text_and_number_of_errno(zmq: Any) -> None:
    assert zmq.strerror(errno.EAGAIN) == "Resource temporarily unavailable"
    assert isinstance(zmq.zmq_errno(), int)


def test_errors_of_pyzmq_can_be_loaded_by_its_names(tree: Any) -> None:
    """What a pickle names is found: `zmq.error.Again` is a class of that module."""
    error = tree("error").Again()
    assert type(pickle.loads(pickle.dumps(error))) is tree("").Again is tree("error").Again
