"""The public surface against the installed pyzmq: what differs stands in a table, with reasons."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyzmq.compare import Comparison, Difference
from pyzmq_differences import ROWS, Row, explanations

import zmqlite
import zmqlite.pyzmq

pytest.importorskip("gevent")  # both trees have a room that needs it

HERE = Path(__file__).parent

# What of pyzmq's tree `import zmqlite as zmq` stands for; the rest is in the guest room.
ROOF = ("", "error", "constants", "asyncio")
SIDES = {"guest": "zmqlite.pyzmq", "roof": "zmqlite"}


def surface(package: str, wanted: dict[str, list[str]]) -> Any:
    """Describe a package in a process of its own, where nothing is activated."""
    done = subprocess.run(
        [sys.executable, str(HERE / "surface.py"), package],
        input=json.dumps(wanted), capture_output=True, text=True, check=False,
        cwd=Path(zmqlite.__file__).parents[1],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@cache
def theirs() -> Any:
    found = surface("zmq", {})
    version = found[""]["__version__"]["is"]
    assert version == repr(zmqlite.pyzmq.__version__), "the table is about another pyzmq"
    return found


@cache
def differences(side: str) -> list[Difference]:
    modules = theirs() if side == "guest" else {name: theirs()[name] for name in ROOF}
    ours = surface(
        SIDES[side],
        {module: [name for name in names if name != "*"] for module, names in modules.items()},
    )
    return list(Comparison(modules, ours, extras=side == "guest"))


@pytest.mark.parametrize("side", SIDES)
def test_every_difference_is_explained(side: str) -> None:
    unexplained = [
        f"{SIDES[side]}.{where}: {what}"
        for where, what in differences(side)
        if not any(explanations(side, where, what))
    ]
    assert not unexplained, "\n".join(unexplained)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.where[:40]}: {row.what[:30]}")
def test_every_row_explains_something(row: Row) -> None:
    assert row.reason.endswith(".")
    for side in row.sides.split():
        found = any(row.explains(side, *difference) for difference in differences(side))
        assert found or row.varies, f"nothing of this differs in {SIDES[side]} any more"


def test_the_comparison_sees_what_it_should() -> None:
    """Against a mutilated copy of itself: each kind of difference is found."""
    mutilated = json.loads(json.dumps(theirs()))
    mutilated[""]["PUSH"]["is"] = "SocketType.PUSH=9"
    del mutilated[""]["Again"]
    mutilated[""]["ZMQError"]["ancestry"].remove("ZMQBaseError")
    mutilated[""]["SocketOption"]["members"]["LINGER"] += 1
    mutilated[""]["Context"]["members"]["term"]["kind"] = "attribute"
    mutilated["utils.z85"]["encode"]["signature"] = []
    del mutilated["devices"]
    for names in mutilated.values():
        for thing in names.values():
            thing.pop("of", None)
    found = set(Comparison(theirs(), mutilated, extras=False))
    assert ("PUSH", "is SocketType.PUSH=9, there SocketType.PUSH=8") in found
    assert ("Again", "missing") in found
    assert ("ZMQError", "does not inherit ZMQBaseError") in found
    assert ("SocketOption.LINGER", "is 18, there 17") in found
    assert ("Context.term", "is a attribute, there a method") in found
    assert ("utils.z85.encode()", "takes (), there (rawbytes)") in found
    assert ("devices", "missing") in found


def test_the_surface_is_whole() -> None:
    """Nothing of pyzmq was left out by the tool that looks."""
    modules = theirs()
    assert len(modules) > 50
    assert {"asyncio", "auth.thread", "devices", "eventloop.zmqstream", "green", "log.handlers",
            "ssh.tunnel", "sugar.socket", "utils.monitor"} <= set(modules)  # fmt: skip
    assert len(modules[""]) >= 300
