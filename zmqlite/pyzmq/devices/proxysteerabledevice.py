"""Steerable proxies: a fourth socket takes the commands PAUSE, RESUME and TERMINATE."""

from __future__ import annotations

from typing import Any

from ...constants import PUB
from ...proxy import proxy_steerable
from ._side import Side
from .proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy

__all__ = ["ProcessProxySteerable", "ProxySteerable", "ProxySteerableBase", "ThreadProxySteerable"]


class ProxySteerableBase(ProxyBase):
    """What all steerable proxies share: a `ctrl` socket beside the other three."""

    def __init__(
        self, in_type: int, out_type: int, mon_type: int = PUB, ctrl_type: int | None = None
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self._ctrl = Side(ctrl_type, "ctrl_type")
        self.ctrl_type = self._ctrl.socket_type

    def bind_ctrl(self, addr: str) -> None:
        """Bind the `ctrl` socket to an address."""
        self._ctrl.binds.append(addr)

    def bind_ctrl_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """As `bind_in_to_random_port`, for the `ctrl` socket."""
        return self._bind_to_random_port(self._ctrl, addr, *args, **kwargs)

    def connect_ctrl(self, addr: str) -> None:
        """Connect the `ctrl` socket to an address."""
        self._ctrl.connects.append(addr)

    def setsockopt_ctrl(self, opt: int, value: Any) -> None:
        """Set an option of the `ctrl` socket."""
        self._ctrl.options.append((opt, value))

    def _setup_sockets(self) -> tuple[Any, ...]:
        return tuple(self._open(self._in, self._out, self._mon, self._ctrl))

    def run_device(self) -> None:
        """Make the sockets and run `proxy_steerable(in, out, mon, ctrl)`."""
        proxy_steerable(*self._setup_sockets())


class ProxySteerable(ProxySteerableBase, Proxy):
    """A steerable proxy that `start()` runs in the foreground."""


class ThreadProxySteerable(ProxySteerableBase, ThreadProxy):
    """A steerable proxy in a thread of its own."""


class ProcessProxySteerable(ProxySteerableBase, ProcessProxy):
    """A steerable proxy in a process of its own, with a context of its own."""
