"""Message pumps between two sockets.

    steering   zmq_proxy(3), its steerable sister, and the far end of its control socket
    objects    a proxy that is started, paused and stopped: `Proxy`
    sides      the sockets of a proxy, given or made
    thread     what runs it in a thread
    process    what runs it in a process

Tasks of an event loop run it in `_loops/proxies.py`.

As an attribute of the package, `zmqlite.proxy` is the function of that name, as in pyzmq; this
room is reached by `from zmqlite.proxy import ...`.
"""

from .objects import Proxy, ProxyBase
from .steering import ProxyStatistics, Steering, device, proxy, proxy_steerable

__all__ = [
    "Proxy",
    "ProxyBase",
    "ProxyStatistics",
    "Steering",
    "device",
    "proxy",
    "proxy_steerable",
]
