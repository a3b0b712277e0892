"""Deprecated: tornado's `IOLoop` under another name."""

from __future__ import annotations

from ...eventloop.ioloop import *  # noqa: F403
from ...eventloop.ioloop import IOLoop, ZMQIOLoop, install

__all__ = ["IOLoop", "ZMQIOLoop", "install"]
