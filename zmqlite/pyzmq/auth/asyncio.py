"""An authenticator in a loop of asyncio."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import suppress
from typing import Any

from ...enums import PollEvent
from ...error import ContextTerminated, SocketClosed
from ..asyncio import Poller
from .base import Authenticator

__all__ = ["AsyncioAuthenticator"]


class AsyncioAuthenticator(Authenticator):
    """An `Authenticator` that a task of the running loop serves."""

    def __init__(
        self, context: Any = None, loop: Any = None, encoding: str = "utf-8", log: Any = None
    ) -> None:
        super().__init__(context, encoding, log)
        if loop is not None:
            warnings.warn(
                f"{type(self).__name__}(loop) means nothing: the running loop is used",
                DeprecationWarning,
                stacklevel=2,
            )
        self._task: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Start to serve. Call it inside the loop."""
        super().start()
        self._task = asyncio.ensure_future(self._serve())

    def stop(self) -> None:
        """Stop to serve."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        super().stop()

    async def _serve(self) -> None:
        zap_socket = self.zap_socket
        poller = Poller()
        poller.register(zap_socket, PollEvent.POLLIN)
        with suppress(ContextTerminated, SocketClosed):
            while True:
                if await poller.poll():
                    await self.handle_zap_message(zap_socket.recv_multipart())
