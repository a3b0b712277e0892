"""Peers for tests: each runs once, is shared by all tests, and loses its sockets after each."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from interop.browsers import make_page
from interop.peers import KINDS, Peer, Peers
from interop.talk import Line
from support import FACTOR

import zmqlite as zmq

LIMIT = int(6000 * FACTOR)


@functools.cache
def _missing(name: str) -> str:
    return KINDS[name].missing()


def need(name: str) -> None:
    """Skip the test without that peer; fail if ZMQLITE_PEERS says that it must be there."""
    if lack := _missing(name):
        reason = f"no {name} peer here: {lack} is missing (see tests/interop/install-peers)"
        if name in os.environ.get("ZMQLITE_PEERS", "").split():
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def all_peers() -> Iterator[Peers]:
    peers = Peers()
    yield peers
    peers.end()
    _met.update(peers.descriptions)


_met: dict[str, str] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which versions the tests have talked."""
    for name, description in _met.items():
        terminalreporter.write_line(f"interop with {name}: {description}")


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page that runs browser.js."""
    folder = tmp_path_factory.mktemp("page")
    make_page(folder)
    return folder


@pytest.fixture
def get_peer(all_peers: Peers, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Peer]]:
    """A getter of peers by name, which skips the test where one cannot be had."""

    def get(name: str) -> Peer:
        need(name)
        return all_peers.get(name)

    failures = request.session.testsfailed
    yield get
    if request.session.testsfailed > failures:
        all_peers.end()  # who knows what state they are in: the next test starts them again
    else:
        all_peers.clear()


@pytest.fixture(params=list(KINDS))
def peer(request: pytest.FixtureRequest, get_peer: Callable[[str], Peer]) -> Peer:
    """Each peer in turn."""
    return get_peer(request.param)


@pytest.fixture
def peers_here(get_peer: Callable[[str], Peer]) -> list[Peer]:
    """All peers that this machine has."""
    found = [get_peer(name) for name in KINDS if not _missing(name)]
    if not found:
        pytest.skip("no peer at all is here (see tests/interop/install-peers)")
    return found


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a path that is short enough for an ipc address."""
    folder = tempfile.mkdtemp(prefix="zl")
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def connect(
    context: zmq.Context[zmq.Socket[bytes]], short_folder: Path
) -> Callable[..., tuple[Any, Line]]:
    """A maker of a socket of ours that is connected to one of a peer's."""
    number = iter(range(1000))

    def make(
        peer: Peer,
        ours: int,
        theirs: str,
        we_bind: bool = True,
        transport: str = "tcp",
        options: dict[str, Any] | None = None,
        named: bool = False,
        **their_options: Any,
    ) -> tuple[Any, Line]:
        limits = {"rcvtimeo": LIMIT, "sndtimeo": LIMIT, "linger": 0}
        socket: Any = context.socket(ours, **limits, **(options or {}))
        name = f"{theirs}{next(number)}"
        if named:
            their_options["identity"] = peer.kind.identity
        line = Line(peer, name, theirs, **their_options)
        address = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{short_folder / name}"
        if we_bind:
            line.do("connect", socket.bind(address))
        else:
            socket.connect(line.do("bind", address))
        return socket, line

    return make


ROUTES = {
    f"{name}-{transport}-{side} bind": (name, transport, we_bind)
    for name, kind in KINDS.items()
    for transport in kind.transports
    for we_bind, side in ((True, "we"), (False, "they"))
}


@pytest.fixture(params=list(ROUTES.values()), ids=list(ROUTES))
def link(
    request: pytest.FixtureRequest,
    get_peer: Callable[[str], Peer],
    connect: Callable[..., tuple[Any, Line]],
) -> Callable[..., tuple[Any, Line]]:
    """`connect` for each peer over each of its transports, bound by us and by the peer."""
    name, transport, we_bind = request.param
    if transport == "ipc" and (sys.platform == "win32" or not zmq.has("ipc")):
        pytest.skip("no ipc here")
    return functools.partial(connect, get_peer(name), we_bind=we_bind, transport=transport)
