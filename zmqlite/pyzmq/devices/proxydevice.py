"""Proxies: devices that show a third socket everything that passes."""

from __future__ import annotations

from typing import Any

from ...constants import PUB, QUEUE
from ...proxy import proxy
from ._side import Side
from .basedevice import Device, ProcessDevice, ThreadDevice

__all__ = ["ProcessProxy", "Proxy", "ProxyBase", "ThreadProxy"]


class ProxyBase(Device):
    """What all proxies share: a `mon` socket beside `in` and `out`."""

    def __init__(self, in_type: int, out_type: int, mon_type: int = PUB) -> None:
        super().__init__(QUEUE, in_type, out_type)
        self._mon = Side(mon_type, "mon_type")
        self.mon_type = self._mon.socket_type

    def bind_mon(self, addr: str) -> None:
        """Bind the `mon` socket to an address."""
        self._mon.binds.append(addr)

    def bind_mon_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """As `bind_in_to_random_port`, for the `mon` socket."""
        return self._bind_to_random_port(self._mon, addr, *args, **kwargs)

    def connect_mon(self, addr: str) -> None:
        """Connect the `mon` socket to an address."""
        self._mon.connects.append(addr)

    def setsockopt_mon(self, opt: int, value: Any) -> None:
        """Set an option of the `mon` socket."""
        self._mon.options.append((opt, value))

    def _setup_sockets(self) -> tuple[Any, ...]:
        return tuple(self._open(self._in, self._out, self._mon))

    def run_device(self) -> None:
        """Make the sockets and run `proxy(in, out, mon)`."""
        proxy(*self._setup_sockets())


class Proxy(ProxyBase):
    """A proxy that `start()` runs in the foreground."""


class ThreadProxy(ProxyBase, ThreadDevice):
    """A proxy in a thread of its own."""


class ProcessProxy(ProxyBase, ProcessDevice):
    """A proxy in a process of its own, with a context of its own."""
