"""Sockets for tornado. Tornado itself is loaded when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop

__all__ = ["IOLoop"]


def __getattr__(name: str) -> Any:
    if name == "IOLoop":
        from tornado.ioloop import IOLoop

        return IOLoop
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
