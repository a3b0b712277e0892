"""`zmq.green`: the names of `zmq`, for gevent.

    import zmq.green as zmq

What waits suspends only its own greenlet; `select`, `zmq_poll` and the proxies do so too.
"""

from __future__ import annotations

from typing import Any

from ... import green as _ours
from .. import *  # noqa: F403
from .. import __all__ as _names
from .. import sugar as _sugar
from ..sugar import proxy as _proxy
from . import poll
from .core import _Context, _Socket
from .device import device

__all__ = ["device", *_names]  # pyright: ignore[reportUnsupportedDunderAll]

Context = _Context
Socket = _Socket
Poller = poll._Poller
select = _ours.select
zmq_poll = _ours.zmq_poll


def proxy(frontend: Any, backend: Any, capture: Any = None) -> None:
    """As `zmq.proxy`; with sockets for gevent, other greenlets run meanwhile."""
    if isinstance(frontend, _Socket) and isinstance(backend, _Socket):
        _ours.proxy(frontend, backend, capture)
    else:
        _proxy(frontend, backend, capture)
