"""Deprecated: an authenticator in a loop of tornado, which is one of asyncio."""

from __future__ import annotations

import warnings
from typing import Any

from .asyncio import AsyncioAuthenticator

__all__ = ["IOLoopAuthenticator"]

warnings.warn(
    "zmq.auth.ioloop is deprecated: use zmq.auth.asyncio.AsyncioAuthenticator",
    DeprecationWarning,
    stacklevel=2,
)


class IOLoopAuthenticator(AsyncioAuthenticator):
    """An `AsyncioAuthenticator` under its older name."""

    def __init__(
        self,
        context: Any = None,
        encoding: str = "utf-8",
        log: Any = None,
        io_loop: Any = None,
    ) -> None:
        if io_loop is not None:
            warnings.warn(
                f"{type(self).__name__}(io_loop) means nothing: the running loop is used",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(context, None, encoding, log)
