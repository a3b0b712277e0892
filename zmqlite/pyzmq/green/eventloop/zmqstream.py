"""`ZMQStream`, in the loop of the current thread."""

from __future__ import annotations

from typing import Any

from tornado.ioloop import IOLoop

from ...eventloop import zmqstream
from ...sugar import Socket

__all__ = ["ZMQStream"]


class ZMQStream(zmqstream.ZMQStream):
    """As `zmq.eventloop.zmqstream.ZMQStream`."""

    def __init__(self, socket: Socket[Any], io_loop: IOLoop | None = None) -> None:
        super().__init__(socket, io_loop or IOLoop.current())
