"""The build, the limits of the system, and whether messages arrive."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..._build import FEATURES, LIBSODIUM_VERSION, LIBZMQ_LACKS, LIBZMQ_PATCHES, LIBZMQ_SOURCE
from ..._native.info import has, zmq_version
from ..._version import __version__
from ...context import Context
from ...endpoint import IPC_PATH_MAX_LEN
from ...enums import SocketType
from ...error import ZMQBaseError
from .finding import FINE, NOTE, WRONG, Finding

__all__ = ["examine"]

ENOUGH_DESCRIPTORS = 1024
_PATIENCE = 5000
_COMPANIONS = ("click", "rich", "trio", "gevent", "uvloop", "tornado", "msgpack")
_WANTED = ("curve", "ipc")


def examine() -> Iterator[Finding]:
    """Yield what there is to say about this installation and this machine."""
    yield from the_build()
    yield from the_limits()
    yield from the_places()
    yield from the_messages()
    yield from the_neighbours()


def the_build() -> Iterator[Finding]:
    yield Finding(FINE, "zmqlite", f"{__version__}, {Path(__file__).parents[2]}")
    yield Finding(FINE, "python", f"{platform.python_version()}, {platform.platform()}")
    yield Finding(FINE, "libzmq", f"{zmq_version()}, from {LIBZMQ_SOURCE}")
    if LIBZMQ_LACKS:
        text = f"{len(LIBZMQ_PATCHES)} patches are in, {len(LIBZMQ_LACKS)} are missing"
        yield Finding(NOTE, "patches", text, "`zmqlite version` says what each would bring")
    elif LIBZMQ_PATCHES:
        yield Finding(FINE, "patches", f"all {len(LIBZMQ_PATCHES)} of zmqlite's own are in")
    else:
        remedy = "what docs/engine.md says of patches does not hold here"
        yield Finding(NOTE, "patches", "none of zmqlite's own is in this libzmq", remedy)
    missing = [name for name in _WANTED if not has(name)]
    text = ", ".join(FEATURES) or "none"
    if missing:
        remedy = "build zmqlite with the libzmq that it brings"
        yield Finding(NOTE, "features", f"{text}; without {', '.join(missing)}", remedy)
    else:
        yield Finding(FINE, "features", text)
    if LIBSODIUM_VERSION:
        yield Finding(FINE, "libsodium", LIBSODIUM_VERSION)


def the_limits() -> Iterator[Finding]:
    """Descriptors and sockets."""
    with Context() as context:
        most, possible = context.max_sockets, context.socket_limit
    yield Finding(FINE, "sockets", f"{most:,} a context, max_sockets up to {possible:,}")
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:
        return  # not a Unix
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    words = ["no limit" if n == endless else f"{n:,}" for n in (soft, hard)]
    used = descriptors_in_use()
    text = f"{words[0]}, at most {words[1]}" + (f"; {used} in use" if used is not None else "")
    if soft == endless or soft >= ENOUGH_DESCRIPTORS:
        yield Finding(FINE, "descriptors", text)
    else:
        remedy = f"a socket takes one and a connection one more: ulimit -n {ENOUGH_DESCRIPTORS}"
        if hard not in (endless,) and hard < ENOUGH_DESCRIPTORS:
            remedy += ", by an administrator, as the limit is fixed"
        yield Finding(WRONG if soft < 256 else NOTE, "descriptors", text, remedy)


def descriptors_in_use() -> int | None:
    """Return how many descriptors this process has, None where the system does not tell."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(list(Path(folder).iterdir()))
        except OSError:
            continue
    return None


def the_places() -> Iterator[Finding]:
    """Where ipc endpoints go."""
    if not has("ipc"):
        return
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        yield Finding(WRONG, "temporary", str(error), "set TMPDIR to a folder that can be written")
        return
    left = IPC_PATH_MAX_LEN - len(os.fsencode(folder)) - 1
    if left < 32:
        text = f"{folder} leaves {max(left, 0)} bytes for the name of an ipc endpoint"
        yield Finding(WRONG, "temporary", text, "set TMPDIR to a shorter path")
    else:
        yield Finding(FINE, "temporary", f"{folder}, for ipc://*")


def the_messages() -> Iterator[Finding]:
    """Send a message over each transport."""
    if "LD_PRELOAD" in os.environ:
        yield Finding(NOTE, "LD_PRELOAD", os.environ["LD_PRELOAD"], "it is loaded into libzmq too")
    places = {"inproc": "inproc://doctor", "tcp": "tcp://127.0.0.1:*"}
    if has("ipc"):
        places["ipc"] = "ipc://*"
    for transport, place in places.items():
        try:
            exchange(place)
        except (ZMQBaseError, OSError) as error:
            remedy = "a firewall, or a container without a loopback?" * (transport == "tcp")
            yield Finding(WRONG, transport, str(error), remedy)
        else:
            yield Finding(FINE, transport, "a message went there and back")


def exchange(place: str) -> None:
    """Send a message there and back; raises what goes wrong."""
    context = Context()
    try:
        limits: dict[str, Any] = {"rcvtimeo": _PATIENCE, "sndtimeo": _PATIENCE, "linger": 0}
        server = context.socket(SocketType.REP, **limits)
        client = context.socket(SocketType.REQ, connect=server.bind(place), **limits)
        client.send(b"there")
        server.send(server.recv())
        client.recv()
    finally:
        context.destroy(linger=0)


def the_neighbours() -> Iterator[Finding]:
    """What else is installed that has to do with this."""
    found: list[str] = []
    for name in _COMPANIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    yield Finding(FINE, "packages", ", ".join(found) or "none that zmqlite knows")
    try:
        text = f"{version('pyzmq')} is installed as well, with a libzmq of its own"
    except PackageNotFoundError:
        return
    yield Finding(FINE, "pyzmq", text)
