"""Deprecated: tornado's own `IOLoop`, under the name that it once had here."""

from __future__ import annotations

import warnings

from tornado.ioloop import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
from tornado.ioloop import IOLoop

__all__ = ["IOLoop", "ZMQIOLoop", "install"]

ZMQIOLoop = IOLoop


def _deprecated() -> None:
    warnings.warn(
        "zmq.eventloop.ioloop is deprecated: sockets work in the loops of tornado and asyncio",
        DeprecationWarning,
        stacklevel=3,
    )


_deprecated()


def install() -> None:
    """Deprecated: do nothing."""
    _deprecated()
