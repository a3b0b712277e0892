"""The exceptions: one class for an errno, every class also a built-in one, cheap to make."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import timeit
from typing import Any

import pytest

from zmqlite import error
from zmqlite.enums import Errno
from zmqlite.error import Again, InvalidArgument, NotSupported, ZMQError, error_for

TREE = {
    "Again": (BlockingIOError, Errno.EAGAIN),
    "ContextTerminated": (OSError, Errno.ETERM),
    "InterruptedSystemCall": (InterruptedError, errno.EINTR),
    "StateError": (OSError, Errno.EFSM),
    "SocketClosed": (OSError, Errno.ENOTSOCK),
    "ThreadMisuse": (RuntimeError, errno.EBUSY),
    "ForkError": (RuntimeError, errno.EPERM),
    "InvalidArgument": (ValueError, Errno.EINVAL),
    "NotSupported": (NotImplementedError, Errno.ENOTSUP),
    "AddressInUse": (OSError, Errno.EADDRINUSE),
    "AddressNotAvailable": (OSError, Errno.EADDRNOTAVAIL),
    "HostUnreachable": (ConnectionError, Errno.EHOSTUNREACH),
    "PermissionDenied": (PermissionError, errno.EACCES),
    "AddressNotFound": (FileNotFoundError, errno.ENOENT),
    "IncompatibleProtocol": (OSError, Errno.ENOCOMPATPROTO),
}
BY_ERRNO = [
    (number, name) for name, (_, number) in TREE.items() if name != "ForkError"
] + [
    (errno.EPERM, "PermissionDenied"),
    (errno.EOPNOTSUPP, "NotSupported"),
    (Errno.EPROTONOSUPPORT, "NotSupported"),
    (errno.ENOMEM, "ZMQError"),
    (Errno.EMTHREAD, "ZMQError"),
]  # fmt: skip


@pytest.mark.parametrize("name", TREE)
def test_every_class_is_a_zmq_error_and_a_built_in_one(name: str) -> None:
    kind = getattr(error, name)
    builtin, number = TREE[name]
    assert issubclass(kind, (ZMQError, error.ZMQBaseError, OSError))
    assert issubclass(kind, builtin)
    assert kind.__doc__
    assert kind().errno == number
    assert name in (error.__doc__ or "")


def test_the_others_are_fitting_built_ins_too() -> None:
    assert issubclass(error.ZMQBindError, (error.ZMQBaseError, OSError))
    assert not issubclass(error.ZMQBindError, ZMQError)
    assert issubclass(error.NotDone, (error.ZMQBaseError, TimeoutError))
    assert issubclass(error.ZMQVersionError, NotImplementedError)
    assert issubclass(error.DraftFDWarning, RuntimeWarning)
    assert issubclass(error.LateOptionWarning, UserWarning)


@pytest.mark.parametrize(("number", "name"), BY_ERRNO)
def test_one_table_picks_the_class(number: int, name: str) -> None:
    made = error_for(int(number), "send", "PUSH socket")
    assert type(made) is getattr(error, name)
    assert made.errno == number
    assert made.args == (number,)


def test_the_message_says_what_where_why_and_what_next() -> None:
    made = error_for(errno.EADDRINUSE, "bind", "REP socket (tcp://127.0.0.1:1)", "choose another")
    text = os.strerror(errno.EADDRINUSE)
    assert str(made) == f"bind on REP socket (tcp://127.0.0.1:1): {text}; choose another"
    assert made.strerror == text
    assert (made.operation, made.hint) == ("bind", "choose another")
    assert repr(made) == f"AddressInUse({str(made)!r})"
    assert str(error_for(errno.EINVAL, "bind")) == "bind: Invalid argument"
    assert str(error_for(errno.EINVAL, "", "a socket")) == "a socket: Invalid argument"
    assert str(error_for(errno.EINVAL)) == "Invalid argument"
    assert str(error_for(errno.EINVAL, text="no")) == "no"


def test_during_makes_exactly_the_class_it_is_asked_of() -> None:
    made = error.ForkError.during("send", "PUSH socket", "make a new one")
    assert type(made) is error.ForkError
    assert made.errno == errno.EPERM
    late = InvalidArgument.during("bind", errno=errno.ENAMETOOLONG, text="too long")
    assert (late.errno, str(late)) == (errno.ENAMETOOLONG, "bind: too long")


@pytest.mark.parametrize(
    ("args", "number", "text"),
    [
        ((), 0, os.strerror(0)),
        ((4, "hi"), 4, "hi"),
        ((errno.EAGAIN,), errno.EAGAIN, os.strerror(errno.EAGAIN)),
        (("bar",), None, "bar"),
        ((None, "x"), None, "x"),
    ],
)
def test_made_by_hand_as_in_pyzmq(args: tuple[Any, ...], number: int | None, text: str) -> None:
    made = ZMQError(*args)
    assert (made.errno, made.strerror, str(made), made.args) == (number, text, text, args)


def test_a_class_keeps_its_errno_whatever_it_is_told() -> None:
    assert Again(5, "x").errno == errno.EAGAIN
    assert Again("nothing yet").strerror == "nothing yet"
    assert error.ContextTerminated(msg="gone").errno == Errno.ETERM
    assert NotSupported(Errno.EPROTONOSUPPORT).errno == Errno.EPROTONOSUPPORT
    assert NotSupported(5).errno == Errno.ENOTSUP
    assert type(ZMQError(Errno.ETERM)) is ZMQError


@pytest.mark.parametrize(
    "made",
    [
        error_for(errno.EADDRINUSE, "bind", "REP socket", "choose another"),
        ZMQError(4, "hi"),
        Again(),
        error.NotDone(),
        error.ZMQBindError("no port"),
        error.ZMQVersionError("4.9", "telepathy"),
    ],
    ids=lambda made: type(made).__name__,
)
def test_pickling_and_copying_lose_nothing(made: BaseException) -> None:
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert type(again) is type(made)
        assert (str(again), again.args, vars(again)) == (str(made), made.args, vars(made))
        assert getattr(again, "errno", None) == getattr(made, "errno", None)


class Peculiar(ZMQError):
    def __init__(self, where: str, *, times: int = 1) -> None:
        super().__init__(errno.EIO, f"at {where}")
        self.where = where
        self.times = times


class Silent(ZMQError):
    def __init__(self, where: str) -> None:
        self.where = where


def test_subclasses_may_have_constructors_of_their_own() -> None:
    made = Peculiar("home", times=3)
    assert made.args == ("home",)
    again = pickle.loads(pickle.dumps(made))
    assert (again.where, again.times, again.errno, str(again)) == ("home", 3, errno.EIO, "at home")
    assert str(Silent("x")) == ""
    assert pickle.loads(pickle.dumps(Silent("x"))).where == "x"


def test_version_error_reads_as_in_pyzmq() -> None:
    made = error.ZMQVersionError("4.9", "telepathy")
    assert str(made) == f"telepathy requires libzmq >= 4.9, have {made.version}"
    assert (made.min_version, made.msg) == ("4.9", "telepathy")


def test_texts_for_every_errno() -> None:
    for number in Errno:
        assert error.strerror_for(number)
    assert error.strerror_for(Errno.ETERM) == "Context was terminated"
    assert error.strerror_for(errno.EINVAL) == os.strerror(errno.EINVAL)
    assert error.strerror_for(156384712 + 40) == "Unknown error 156384752"


def test_making_one_is_cheap() -> None:
    # A polling loop makes them by the million: 0.35 us measured, a wide margin for slow machines.
    best = min(timeit.repeat(lambda: error_for(errno.EAGAIN, "recv", "PULL"), number=2000))
    assert best / 2000 < 10e-6
