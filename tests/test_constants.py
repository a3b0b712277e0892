"""The vocabulary: enums, flat names, and what a constant says when it is gone."""

from __future__ import annotations

import copy
import enum
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zmqlite import constants, enums
from zmqlite.enums import Event, Flag, PollEvent, SocketOption, SocketType, _OptType

FAMILIES = [
    value
    for name, value in vars(enums).items()
    if isinstance(value, type) and issubclass(value, int) and not name.startswith("_")
    if value.__module__ == enums.__name__
]
PREFIXES = {
    "Event": "EVENT_",
    "ReconnectStop": "RECONNECT_STOP_",
    "RouterNotify": "NOTIFY_",
    "NormMode": "NORM_",
    "GSSAPINameType": "GSSAPI_NT_",
}
# Two names that mean a socket option when they stand alone.
SHARED = {("ContextOption", "IPV6"), ("ContextOption", "BLOCKY")}


def flat_name(family: type, name: str) -> str:
    return name if name.startswith("PROTOCOL_ERROR_") else PREFIXES.get(family.__name__, "") + name


def test_there_are_fourteen_families() -> None:
    assert len(FAMILIES) == 14
    for family in FAMILIES:
        assert family.__doc__
        if family not in (Flag, PollEvent, Event):
            assert issubclass(family, enum.IntEnum), family
        else:
            assert issubclass(family, enum.IntFlag), family


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_every_member_has_a_flat_name(family: Any) -> None:
    for name, member in family.__members__.items():
        if (family.__name__, name) not in SHARED:
            assert getattr(constants, flat_name(family, name)) is member
            assert flat_name(family, name) in constants.__all__


def test_every_name_in_all_exists_once_and_nothing_else_is_public() -> None:
    assert len(set(constants.__all__)) == len(constants.__all__)
    public = {
        name
        for name, value in vars(constants).items()
        if isinstance(value, (int, str)) and name.isupper() and not name.startswith("_")
    } - {"TYPE_CHECKING"}
    assert public <= set(constants.__all__)
    for name in constants.__all__:
        assert getattr(constants, name) is not None


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("XREQ", "DEALER"),
        ("XREP", "ROUTER"),
        ("UPSTREAM", "PULL"),
        ("DOWNSTREAM", "PUSH"),
        ("IDENTITY", "ROUTING_ID"),
        ("CONNECT_RID", "CONNECT_ROUTING_ID"),
        ("DELAY_ATTACH_ON_CONNECT", "IMMEDIATE"),
        ("FAIL_UNROUTABLE", "ROUTER_MANDATORY"),
        ("ROUTER_BEHAVIOR", "ROUTER_MANDATORY"),
        ("NOBLOCK", "DONTWAIT"),
        ("EVENT_ALL", "EVENT_ALL_V1"),
    ],
)
def test_older_names(alias: str, name: str) -> None:
    assert getattr(constants, alias) is getattr(constants, name)


def test_members_are_plain_ints_to_others() -> None:
    assert constants.PUSH == 8
    assert {8: "push"}[constants.PUSH] == "push"
    assert int(constants.POLLIN | constants.POLLOUT) == 3
    assert constants.DONTWAIT | constants.SNDMORE == 3
    assert Event(513) == Event.CONNECTED | Event.DISCONNECTED
    assert SocketType(3) is constants.REQ
    assert SocketType["REQ"] is constants.REQ
    assert f"{constants.PUSH:d}" == "8"


@pytest.mark.parametrize("member", [SocketType.PUSH, SocketOption.LINGER, Event.ALL, Flag(3)])
def test_members_pickle_and_copy(member: Any) -> None:
    assert pickle.loads(pickle.dumps(member)) == member
    assert copy.deepcopy(member) is copy.copy(member) is member


def test_option_types_that_pyzmq_users_look_at() -> None:
    def of(name: str) -> _OptType:
        return SocketOption[name]._opt_type

    assert of("LINGER") is _OptType.int
    assert of("FD") is _OptType.fd
    assert of("IDENTITY") is _OptType.bytes
    assert of("MAXMSGSIZE") is of("AFFINITY") is of("VMCI_BUFFER_SIZE") is _OptType.int64
    assert [t.value for t in _OptType] == ["int", "int64", "bytes", "fd"]


def test_removed_names_say_what_replaced_them() -> None:
    with pytest.raises(AttributeError, match=r"SWAP.*SNDHWM") as caught:
        _ = constants.SWAP  # type: ignore[attr-defined]
    assert caught.value.name == "SWAP"
    with pytest.raises(AttributeError, match="MULTICAST_LOOP"):
        _ = constants.MCAST_LOOP  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"RECOVERY_IVL.*milliseconds"):
        _ = constants.RECOVERY_IVL_MSEC  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no attribute 'PUHS'$"):
        _ = constants.PUHS  # type: ignore[attr-defined]


def test_a_roof_can_speak_for_itself_about_removed_names() -> None:
    with pytest.raises(AttributeError, match="module 'roof' has no attribute 'SWAP'"):
        constants._raise_missing("SWAP", "roof")


def test_socket_types_make_sockets_through_the_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(enums, "_socket_factory", None)
    with pytest.raises(RuntimeError, match=r"PUSH\(\.\.\.\).*import zmqlite"):
        constants.PUSH(connect="inproc://x")

    def factory(*args: Any, **kwargs: Any) -> str:
        calls.append((args, kwargs))
        return "socket"

    enums.set_socket_factory(factory)
    assert constants.REQ(connect="inproc://x", linger=0) == "socket"
    expected = {"connect": "inproc://x", "bind": None, "context": None, "linger": 0}
    assert calls == [((SocketType.REQ,), expected)]
    with pytest.raises(TypeError):
        constants.REQ("inproc://x")  # type: ignore[call-arg]


def test_the_same_names_and_numbers_as_pyzmq() -> None:
    theirs: Any = pytest.importorskip("zmq.constants")
    for name in theirs.__all__:
        value = getattr(theirs, name)
        if isinstance(value, type) or name == "RECONNECT_STOP_AFTER_DISCONNECT":
            continue  # libzmq changed the one number; the header that was compiled decides
        ours = getattr(constants, name)
        assert (int(ours), ours.name) == (int(value), value.name)
        assert type(ours).__name__ == type(value).__name__
    for option in theirs.SocketOption:
        assert SocketOption[option.name]._opt_type.value == option._opt_type.value


def test_floor_0_imports_next_to_nothing() -> None:
    code = (
        "import sys, types\n"
        "package = types.ModuleType('zmqlite'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['zmqlite'] = package\n"  # the floor alone, without the roof above it
        "import zmqlite.constants, zmqlite.error\n"
        "print(*sys.modules)"
    )
    package = str(Path(enums.__file__).parent)
    run = [sys.executable, "-S", "-c", code, package]
    loaded = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    heavy = {"typing", "re", "inspect", "dataclasses", "collections", "difflib", "socket"}
    # enum brings some of these by itself: only what it does not bring counts.
    plain = [sys.executable, "-S", "-c", "import enum, types, sys; print(*sys.modules)"]
    brought = subprocess.run(plain, check=True, capture_output=True, text=True).stdout.split()
    assert not heavy & (set(loaded) - set(brought))
