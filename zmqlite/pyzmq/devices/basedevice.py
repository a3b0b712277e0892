"""Devices: two sockets and a pump between them, in this thread, another one, or a process.

A device is told first what its sockets shall be; they are made where it runs. It runs until its
context ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import Process
from threading import Thread
from typing import Any, ClassVar

from ...constants import ETERM, QUEUE, REQ
from ...error import ZMQBindError, ZMQError
from ...proxy import proxy
from ..sugar.context import Context
from ._side import Side

__all__ = ["BackgroundDevice", "Device", "ProcessDevice", "ThreadDevice"]

_PAUSE = 0.01  # between two looks at whether a device is done


class Device:
    """A pump between an `in` and an `out` socket, run by `start()` in the foreground.

    `device_type` means nothing any more: the types of the sockets decide. What `bind_in`,
    `connect_in`, `setsockopt_in` and their like for `out` are told happens when the device runs.
    """

    context_factory: Callable[..., Any] = Context.instance
    """Makes the context that the sockets live in; called without arguments."""
    daemon: bool = True
    """Whether a background device keeps the program from ending (False) or not."""
    done: bool = False
    """Whether it has run and ended."""

    def __init__(
        self, device_type: int = QUEUE, in_type: int | None = None, out_type: int | None = None
    ) -> None:
        self.device_type = device_type
        self._in = Side(in_type, "in_type")
        self._out = Side(out_type, "out_type")
        self.in_type = self._in.socket_type
        self.out_type = self._out.socket_type
        self.daemon = True
        self.done = False
        self._taken: list[str] = []
        self._sockets: list[Any] = []

    def bind_in(self, addr: str) -> None:
        """Bind the `in` socket to an address."""
        self._in.binds.append(addr)

    def bind_in_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Bind the `in` socket to a free port of `addr`, chosen now, and return the port.

        What follows the address is as in `Socket.bind_to_random_port`.
        """
        return self._bind_to_random_port(self._in, addr, *args, **kwargs)

    def connect_in(self, addr: str) -> None:
        """Connect the `in` socket to an address."""
        self._in.connects.append(addr)

    def setsockopt_in(self, opt: int, value: Any) -> None:
        """Set an option of the `in` socket."""
        self._in.options.append((opt, value))

    def bind_out(self, addr: str) -> None:
        """Bind the `out` socket to an address."""
        self._out.binds.append(addr)

    def bind_out_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """As `bind_in_to_random_port`, for the `out` socket."""
        return self._bind_to_random_port(self._out, addr, *args, **kwargs)

    def connect_out(self, addr: str) -> None:
        """Connect the `out` socket to an address."""
        self._out.connects.append(addr)

    def setsockopt_out(self, opt: int, value: Any) -> None:
        """Set an option of the `out` socket."""
        self._out.options.append((opt, value))

    def _bind_to_random_port(self, side: Side, addr: str, *args: int, **kwargs: int) -> int:
        port = self._reserve_random_port(addr, *args, **kwargs)
        side.binds.append(f"{addr}:{port}")
        return port

    def _reserve_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Return a port that is free now and that this device has not chosen before."""
        for _ in range(100):
            with Context() as context, context.socket(REQ, linger=0) as probe:
                port: int = probe.bind_to_random_port(addr, *args, **kwargs)
            taken = f"{addr}:{port}"
            if taken not in self._taken:
                self._taken.append(taken)
                return port
        raise ZMQBindError(f"no free port of {addr} that this device does not use already")

    def _open(self, *sides: Side) -> list[Any]:
        """Make the sockets where the device runs; if one cannot be had, none stays open."""
        self._context = self.context_factory()
        for side in sides:
            shared = self._sockets[0] if self._sockets else None
            self._sockets.append(side.open(self._context, shared))
        return self._sockets

    def _setup_sockets(self) -> tuple[Any, ...]:
        """Make the sockets of this kind of device, in order."""
        return tuple(self._open(self._in, self._out))

    def run_device(self) -> None:
        """Make the sockets and pump until the context ends: what a kind of device is about."""
        ins, outs = self._setup_sockets()
        proxy(ins, outs)

    def _close_sockets(self) -> None:
        for socket in self._sockets:
            socket.close()
        self._sockets = []

    def run(self) -> None:
        """Run here and now, until the context ends, and close the sockets."""
        try:
            self.run_device()
        except ZMQError as error:
            if error.errno != ETERM:
                raise
        finally:
            self.done = True
            self._close_sockets()

    def start(self) -> None:
        """Run the device; this one does so in the foreground."""
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has ended, or `timeout` seconds are over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.done and (deadline is None or time.monotonic() < deadline):
            time.sleep(_PAUSE)


class BackgroundDevice(Device):
    """A device that `start()` launches elsewhere; `launcher` is the thread or process."""

    launcher: Any = None
    _launch_class: ClassVar[Any] = None

    def start(self) -> None:
        """Run the device in the background."""
        self.launcher = self._launch_class(target=self.run)
        self.launcher.daemon = self.daemon
        self.launcher.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the background ends, or `timeout` seconds are over."""
        self.launcher.join(timeout=timeout)


class ThreadDevice(BackgroundDevice):
    """A device in a thread of its own."""

    _launch_class = Thread


class ProcessDevice(BackgroundDevice):
    """A device in a process of its own, with a context of its own."""

    _launch_class = Process
    context_factory: Callable[..., Any] = Context

    def __getstate__(self) -> dict[str, Any]:
        """What travels to a process that is not forked: all but the process itself."""
        state = self.__dict__.copy()
        state.pop("launcher", None)
        return state
