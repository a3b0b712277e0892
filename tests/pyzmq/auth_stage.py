"""Authenticators at work, and who meets them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from pyzmq.conftest import OURS, THEIRS
from support import FACTOR, in_thread

import zmqlite.pyzmq as guest
import zmqlite.pyzmq.auth as guest_auth
from zmqlite.monitor import parse_monitor_message
from zmqlite.pyzmq import Event

LIMIT = int(10_000 * FACTOR)
LIBRARIES = (THEIRS[0], OURS[0])
WELCOME, REFUSED = True, False


class Loop:
    """A loop of asyncio in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.join = in_thread(self.loop.run_forever)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        async def call() -> Any:
            return function(*args)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(LIMIT / 1000)

    def end(self) -> None:
        async def idle() -> None:
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(idle(), self.loop).result(LIMIT / 1000)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()
        self.loop.close()


@contextmanager
def guarding(library: str, kind: str, ctx: Any, **kwargs: Any) -> Iterator[Any]:
    """Have an authenticator of a library at work in a context, in a thread or in a loop."""
    module = importlib.import_module(f"{library}.auth.{kind}")
    if kind == "thread":
        auth = module.ThreadAuthenticator(ctx, **kwargs)
        auth.start()
        try:
            yield auth
        finally:
            auth.stop()
        return
    loop = Loop()
    auth = module.AsyncioAuthenticator(ctx, **kwargs)
    try:
        loop.call(auth.start)
        yield auth
    finally:
        loop.call(auth.stop)
        loop.end()


def meet(
    server_ctx: Any, client_ctx: Any, server: dict[str, Any], client: dict[str, Any]
) -> tuple[bool, Any]:
    """Connect a client to a server over tcp; return whether it came in, and its user id."""
    pull, push = server_ctx.socket(guest.PULL), client_ctx.socket(guest.PUSH)
    for socket, options in ((pull, server), (push, client)):
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
    watch = push.get_monitor_socket()
    try:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push.connect(f"tcp://127.0.0.1:{port}")
        events: set[int] = set()
        ends = {Event.HANDSHAKE_SUCCEEDED, Event.HANDSHAKE_FAILED_AUTH}
        while not events & ends:
            assert watch.poll(LIMIT), f"only {events}"
            events.add(parse_monitor_message(watch.recv_multipart())["event"])
        if Event.HANDSHAKE_SUCCEEDED not in events:
            assert not pull.poll(0)
            return REFUSED, None
        push.send(b"hello")
        assert pull.poll(LIMIT)
        frame = pull.recv(copy=False)
        assert frame.bytes == b"hello"
        try:
            return WELCOME, frame["User-Id"]
        except Exception:  # nobody was asked; the two libraries raise different ones
            return WELCOME, None
    finally:
        push.disable_monitor()
        for socket in (pull, push, watch):
            socket.close(0)


Guard = Callable[..., AbstractContextManager[Any]]


class Scene:
    """An authenticator at work, its server's context, and a client of one library."""

    def __init__(self, auth: Any, server_ctx: Any, client_ctx: Any) -> None:
        self.auth = auth
        self._contexts = server_ctx, client_ctx

    def meet(self, server: dict[str, Any], client: dict[str, Any]) -> tuple[bool, Any]:
        return meet(*self._contexts, server, client)


class Keys:
    """A server's keys and those of two clients, one of them known to the server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clients"
        self.folder.mkdir()
        self.server_public, self.server_secret = guest.curve_keypair()
        _, known = guest_auth.create_certificates(self.folder, "known")
        self.public, self.secret = guest_auth.load_certificate(known)
        self.server = {"curve_server": 1, "curve_secretkey": self.server_secret}
        self.known = self.client(self.public, self.secret)
        self.stranger = self.client(*guest.curve_keypair())

    def client(self, public: bytes, secret: bytes | None) -> dict[str, Any]:
        return {
            "curve_serverkey": self.server_public,
            "curve_publickey": public,
            "curve_secretkey": secret,
        }


def plain(username: bytes, password: bytes) -> dict[str, Any]:
    return {"plain_username": username, "plain_password": password}
