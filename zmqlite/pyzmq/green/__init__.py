"""`zmq.green`: the names of `zmq`, for gevent.

    import zmq.green as zmq

What waits suspends only its own greenlet; `select`, `zmq_poll` and the proxies do so too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import green as _ours
from ... import pyzmq as _zmq
from ...proxy import proxy as _proxy
from .. import *  # noqa: F403
from .core import _Context, _Socket
from .device import device as _device
from .poll import _Poller

if not TYPE_CHECKING:  # checkers see what is imported above; a list that is made they cannot read
    __all__ = list(_zmq.__all__)

Context = _Context  # type: ignore[assignment, misc]
Socket = _Socket  # type: ignore[assignment, misc]
device = _device  # type: ignore[assignment]
Poller = _Poller  # type: ignore[misc]
select = _ours.select
zmq_poll = _ours.zmq_poll


def proxy(frontend: Any, backend: Any, capture: Any = None) -> None:  # type: ignore[no-redef]
    """As `zmq.proxy`; with sockets for gevent, other greenlets run meanwhile."""
    if isinstance(frontend, _Socket) and isinstance(backend, _Socket):
        _ours.proxy(frontend, backend, capture)
    else:
        _proxy(frontend, backend, capture)
