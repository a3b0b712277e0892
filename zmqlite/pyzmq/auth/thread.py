"""An authenticator in a thread of its own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from ...enums import PollEvent, SocketType
from ...error import ZMQError
from ..asyncio import Poller
from ..sugar import Socket
from .base import Authenticator

__all__ = ["ThreadAuthenticator"]

_PATIENCE = 10  # seconds until the thread runs


class AuthenticationThread(Thread):
    """Serves an authenticator until its pipe says TERMINATE, or the context ends."""

    pipe: Socket[bytes]
    authenticator: Authenticator
    poller: Poller | None = None

    def __init__(self, authenticator: Authenticator, pipe: Socket[bytes]) -> None:
        super().__init__(daemon=True, name="zmq-auth")
        self.authenticator = authenticator
        self.log = authenticator.log
        self.pipe = pipe
        self.started = Event()

    def run(self) -> None:
        """Serve in a loop of this thread's own."""
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._run())
        except ZMQError as error:
            self.log.debug("the context has ended: %s", error)
        finally:
            self.started.set()
            self.pipe.close()
            loop.close()

    async def _run(self) -> None:
        zap_socket = self.authenticator.zap_socket
        self.poller = poller = Poller()
        poller.register(self.pipe, PollEvent.POLLIN)
        poller.register(zap_socket, PollEvent.POLLIN)
        self.started.set()
        while True:
            ready = dict(await poller.poll())
            if self.pipe in ready and self._handle_pipe_message(self.pipe.recv_multipart()):
                return
            if zap_socket in ready:
                await self.authenticator.handle_zap_message(zap_socket.recv_multipart())

    def _handle_pipe_message(self, msg: list[bytes]) -> bool:
        """Return whether this is the end."""
        if msg[0] == b"TERMINATE":
            return True
        self.log.error("the authenticator knows no command %r", msg[0])
        self.pipe.send(b"ERROR")
        return False


class ThreadAuthenticator(Authenticator):
    """An `Authenticator` that a background thread runs. Rules may be changed while it does."""

    pipe: Any
    pipe_endpoint: str = ""
    thread: Any

    def __init__(self, context: Any = None, encoding: str = "utf-8", log: Any = None) -> None:
        self.thread = self.pipe = None
        self.zap_socket = None
        super().__init__(context, encoding, log)
        self.pipe_endpoint = f"inproc://{id(self)}.inproc"

    def start(self) -> None:
        """Start the thread; when this returns, it serves."""
        super().start()
        self.pipe = self.context.socket(SocketType.PAIR, socket_class=Socket)
        self.pipe.linger = 1
        self.pipe.bind(self.pipe_endpoint)
        far_end = self.context.socket(SocketType.PAIR, socket_class=Socket)
        far_end.linger = 1
        far_end.connect(self.pipe_endpoint)
        self.thread = AuthenticationThread(self, far_end)
        self.thread.start()
        if not self.thread.started.wait(_PATIENCE):
            raise RuntimeError(f"the thread did not start within {_PATIENCE} s")

    def stop(self) -> None:
        """Stop the thread, and wait for it."""
        self._stop(wait=True)

    def _stop(self, wait: bool) -> None:
        if self.pipe:
            with suppress(ZMQError):  # the context has ended, and the thread with it
                self.pipe.send(b"TERMINATE", 1)
            if wait and self.is_alive():
                self.thread.join()
            self.thread = None
            with suppress(ZMQError):  # closing frees the address a little later
                self.pipe.unbind(self.pipe_endpoint)
            self.pipe.close()
            self.pipe = None
        super().stop()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return bool(self.thread and self.thread.is_alive())

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self._stop(wait=False)  # the collector's thread has other things to do
