"""Helpers that tests import by name; the fixtures are in conftest."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import zmqlite as zmq
from zmqlite import _build

HAS_GIL: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
FACTOR = float(os.environ.get("ZMQLITE_TEST_TIMEOUT_FACTOR", "1"))
"""Stretches every timeout of the suite."""
LONG = os.environ.get("ZMQLITE_TEST_LONG") == "1"
"""The long form of tests that have one; see docs/asyncio.md."""

SANITIZED = any("address" in switch for switch in _build.SWITCHES)
"""Whether AddressSanitizer is in this build."""

needs_curve = pytest.mark.skipif(not zmq.has("curve"), reason="built without CURVE")
needs_drafts = pytest.mark.skipif(not zmq.DRAFT_API, reason="built without drafts")
needs_bad_alloc = pytest.mark.skipif(
    SANITIZED,
    reason="without memory AddressSanitizer ends the program, where `new` would throw, and it"
    " takes several times as much itself",
)
"""For tests of the last MB."""


def needs_patch(*names: str) -> pytest.MarkDecorator:
    """Skip where libzmq is someone else's build: it dies of what these patches of ours close.

    Not where its version has mended that itself: then the test is about upstream's remedy.
    """
    known = {*_build.LIBZMQ_PATCHES, *_build.LIBZMQ_MENDED}
    lacking = [name for name in names if f"{name}.patch" not in known]
    return pytest.mark.skipif(
        bool(lacking), reason=f"this libzmq was built without {', '.join(lacking)}.patch"
    )


def connect_pair(
    context: zmq.Context[Any],
    endpoint: str = "tcp://127.0.0.1:*",
    bound: int = zmq.PAIR,
    connected: int = zmq.PAIR,
    **options: Any,
) -> tuple[Any, Any]:
    """Return two sockets, the second connected to the first, that give up after some seconds."""
    limit = int(15_000 * FACTOR)
    server = context.socket(bound, rcvtimeo=limit, sndtimeo=limit, linger=0, **options)
    client = context.socket(connected, rcvtimeo=limit, sndtimeo=limit, linger=0, **options)
    client.connect(server.bind(endpoint))
    return server, client


def binds(socket: Any, address: str) -> bool:
    """Bind it, and return True; False while the address is still taken."""
    try:
        socket.bind(address)
    except zmq.AddressInUse:
        return False
    return True


def closes(socket: Any) -> bool:
    """Close it, and return True; False while another thread is inside."""
    try:
        socket.close()
    except zmq.ThreadMisuse:
        return False
    return True


def encrypted_pair(
    context: zmq.Context[Any],
    bound: int,
    connected: int,
    endpoint: str = "tcp://127.0.0.1:*",
) -> tuple[Any, Any]:
    """Return two sockets with CURVE, the second connected to the first."""
    public, secret = zmq.curve_keypair()
    own_public, own_secret = zmq.curve_keypair()
    server = context.socket(bound, rcvtimeo=int(10_000 * FACTOR), linger=0)
    server.curve_server, server.curve_secretkey = 1, secret
    client = context.socket(connected, sndtimeo=int(10_000 * FACTOR), linger=0)
    client.curve_serverkey = public
    client.curve_publickey, client.curve_secretkey = own_public, own_secret
    client.connect(server.bind(endpoint))
    return server, client


class Source:
    """An iterable without end that counts what is drawn."""

    def __init__(self, message: Any = b"x") -> None:
        self.drawn = 0
        self.message = message

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.drawn += 1
            yield self.message


async def turns(count: int = 5) -> None:
    """Let asyncio's loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def awaiting(future: Any) -> Any:
    """Await what is no coroutine, in a task of its own."""
    return await future


def keeping(kind: Any) -> Any:
    """Return a kind of context whose sockets live as long as it does, so that a test may drop one
    without a ResourceWarning."""

    class KeepingContext(kind):  # type: ignore[misc]
        def socket(self, *args: Any, **kwargs: Any) -> Any:
            socket = super().socket(*args, **kwargs)
            self.__dict__.setdefault("_kept", []).append(socket)
            return socket

    return KeepingContext


def wait_until(condition: Callable[[], Any], timeout: float = 5, what: str = "") -> Any:
    """Return the condition's value as soon as it is true; fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout * FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout * FACTOR:.1f} s in vain for {what or condition}")
        time.sleep(0.001)


def in_time(limit: float, attempt: Callable[[], float | None], tries: int = 5) -> None:
    """Call `attempt` until a call takes `limit` seconds at most; fail if none of `tries` does.

    What is late by itself is late each time; what a busy machine has delayed is not. An attempt
    may return the seconds that count.
    """
    taken = []
    for _ in range(tries):
        start = time.monotonic()
        seconds = attempt()
        taken.append(time.monotonic() - start if seconds is None else seconds)
        if taken[-1] <= limit:
            return
    pytest.fail(f"more than {limit:.3f} s each time: {[round(t, 3) for t in taken]}")


def in_thread(function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    """Run a function in a thread; the returned callable joins it and gives its result or error."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((function(*args), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True, name=f"test-{function.__name__}")
    thread.start()

    def join(timeout: float = 10) -> Any:
        thread.join(timeout * FACTOR)
        if not outcome:
            frames = sys._current_frames().get(thread.ident or 0)
            pytest.fail(f"{thread.name} did not end; it is at {frames}")
        value, error = outcome[0]
        if error is not None:
            raise error
        return value

    join.thread = thread  # type: ignore[attr-defined]
    return join


def is_inside(socket: Any) -> bool:
    """Whether another thread is in a call on this socket, where it has let the GIL go."""
    try:
        socket.get(zmq.LINGER)
    except zmq.ThreadMisuse:
        return True
    return False


def is_polled(poller: zmq.Poller) -> bool:
    """Whether another thread is in this poller's poll()."""
    try:
        poller.poll(0)
    except zmq.ThreadMisuse:
        return True
    return False


def wait_inside(*sockets: Any) -> None:
    """Come back when another thread is in a call on each socket (in poll() of each poller)."""
    for one in sockets:
        inside = is_polled if isinstance(one, zmq.Poller) else is_inside
        wait_until(lambda one=one, inside=inside: inside(one), what=f"a thread to be in {one}")


def wait_asleep(join: Callable[[], Any]) -> None:
    """Come back when the thread of `in_thread` sleeps, and not because others have the GIL.

    For what cannot be asked: a thread-safe socket serves any number of threads, and says nothing
    about them. What waits for the GIL wakes after each switch interval.
    """
    task = Path(f"/proc/self/task/{join.thread.native_id}/status")  # type: ignore[attr-defined]
    if not task.exists():
        time.sleep(0.1)  # this system does not tell
        return
    seen: list[str] = []

    def rests() -> bool:
        status = task.read_text()
        switches = status[status.index("voluntary_ctxt_switches") :]
        if "State:\tS" not in status or switches not in seen:
            seen.clear()
        seen.append(switches)
        time.sleep(sys.getswitchinterval())
        return len(seen) > 4

    wait_until(rests, what=f"{join.thread.name} to sleep")  # type: ignore[attr-defined]
