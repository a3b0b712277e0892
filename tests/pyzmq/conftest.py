"""One test, three libraries: the real pyzmq, its surface over zmqlite, and zmqlite itself.

What passes with `zmq` is true of pyzmq, not only of what we think of it. What pyzmq gets wrong is
tested with `ours` alone.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyzmq.environments import Environment
from support import FACTOR, keeping

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))  # for the table of differences

THEIRS, OURS = ("zmq",), ("zmqlite.pyzmq", "zmqlite")
LIMIT = int(5000 * FACTOR)


def library(name: str) -> Any:
    module = importlib.import_module(name)
    assert module.__name__ == name, f"{name} is taken over: run the tests where nothing is active"
    return module


@pytest.fixture(params=[*THEIRS, *OURS])
def zmq(request: pytest.FixtureRequest) -> Any:
    """Each library in turn."""
    return library(request.param)


@pytest.fixture(params=OURS)
def ours(request: pytest.FixtureRequest) -> Any:
    """Ours alone: for what pyzmq does not do right."""
    return library(request.param)


@pytest.fixture(params=[*THEIRS, OURS[0]])
def tree(request: pytest.FixtureRequest) -> Callable[[str], Any]:
    """A getter of modules of pyzmq's tree, in both libraries that have it: `tree("devices")`."""
    library(request.param)

    def get(name: str = "") -> Any:
        return importlib.import_module(f"{request.param}.{name}" if name else request.param)

    return get


def ending(zmq: Any) -> Iterator[Any]:
    """Yield a context that keeps its sockets, so that a test may drop them, and end it then."""
    context = keeping(zmq.Context)()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def ctx(zmq: Any) -> Iterator[Any]:
    """A context of the library in turn."""
    yield from ending(zmq)


@pytest.fixture
def our_ctx(ours: Any) -> Iterator[Any]:
    """A context of ours."""
    yield from ending(ours)


@pytest.fixture
def tree_ctx(tree: Callable[[str], Any]) -> Iterator[Any]:
    """A context of the library whose tree is in turn."""
    yield from ending(tree(""))


def joined(ctx: Any, one: int, other: int, addr: str = "inproc://joined") -> tuple[Any, Any]:
    """Return two sockets, the second connected to the first, that give up after some seconds."""
    first, second = ctx.socket(one), ctx.socket(other)
    for socket in (first, second):
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = LIMIT
    first.bind(addr)
    second.connect(addr)
    return first, second


@pytest.fixture
def pair(ctx: Any, zmq: Any) -> tuple[Any, Any]:
    """Two PAIR sockets of the library in turn, over inproc."""
    return joined(ctx, zmq.PAIR, zmq.PAIR)


@pytest.fixture
def our_pair(our_ctx: Any, ours: Any) -> tuple[Any, Any]:
    """Two PAIR sockets of ours, over inproc."""
    return joined(our_ctx, ours.PAIR, ours.PAIR)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Zmqlite, and nothing else."""
    return Environment(tmp_path_factory.mktemp("bare") / "env")


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Zmqlite and pyzmq."""
    return Environment(tmp_path_factory.mktemp("both") / "env", pyzmq=True)


@pytest.fixture(params=["bare", "both"])
def any_environment(request: pytest.FixtureRequest) -> Environment:
    found: Environment = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session", params=["bare", "both"])
def activated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """An environment of each kind that is activated, and stays so."""
    folder = tmp_path_factory.mktemp("activated") / "env"
    environment = Environment(folder, pyzmq=request.param == "both")
    environment.tool("activate")
    return environment


@pytest.fixture
def azmq(tree: Callable[[str], Any]) -> Any:
    """The module for asyncio of the library whose tree is in turn."""
    return tree("asyncio")


@pytest.fixture
def actx(azmq: Any) -> Iterator[Any]:
    """A context of that module."""
    yield from ending(azmq)
