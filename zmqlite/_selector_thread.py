"""Readers for loops that have none: Windows' proactor loop cannot watch a socket's descriptor.

There a thread of our own waits in select() for all descriptors of a loop and tells the loop. A descriptor
that spoke is left alone until the loop has handled it, or the thread would spin. Other loops are their
own readers. ZMQLITE_SELECTOR_THREAD=1 forces the thread, for tests.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

__all__ = ["SelectorThread", "reader_of"]


class Reader(Protocol):
    """What a link needs of a loop."""

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> object: ...
    def remove_reader(self, fd: int) -> object: ...


class SelectorThread:
    """Watches descriptors for one loop from a daemon thread, which ends with the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._lock = threading.Lock()
        self._callbacks: dict[int, tuple[Callable[..., object], tuple[Any, ...]]] = {}
        self._armed: set[int] = set()
        self._changed, self._wake = socket.socketpair()
        self._changed.setblocking(False)
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._run, daemon=True, name="zmqlite-selector")
        self._thread.start()

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback(*args)` in the loop whenever `fd` is readable."""
        with self._lock:
            self._callbacks[fd] = callback, args
            self._armed.add(fd)
        self._nudge()

    def remove_reader(self, fd: int) -> bool:
        """Stop watching `fd`. When this returns the thread will not touch it any more."""
        with self._lock:
            known = self._callbacks.pop(fd, None) is not None
            self._armed.discard(fd)
        self._nudge()
        return known

    def _nudge(self) -> None:
        try:
            self._wake.send(b"\0")
        except BlockingIOError:
            pass  # it has enough nudges waiting
        except OSError:
            pass  # the thread has ended

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._changed:
            selector.register(self._changed, selectors.EVENT_READ)
            watched: set[int] = set()
            while True:
                loop = self._loop()
                if loop is None or loop.is_closed():
                    self._wake.close()
                    return
                with self._lock:
                    armed = set(self._armed)
                for fd in watched - armed:
                    selector.unregister(fd)
                for fd in armed - watched:
                    selector.register(fd, selectors.EVENT_READ)
                watched = armed
                del loop
                ready = [int(key.fd) for key, _ in selector.select(1)]
                if self._changed.fileno() in ready:
                    self._swallow()
                self._report([fd for fd in ready if fd in watched])

    def _swallow(self) -> None:
        try:
            while self._changed.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _report(self, ready: list[int]) -> None:
        loop = self._loop()
        with self._lock:
            self._armed.difference_update(ready)
        for fd in ready:
            try:
                if loop is not None:
                    loop.call_soon_threadsafe(self._handle, fd)
            except RuntimeError:
                return  # the loop was closed in this moment

    def _handle(self, fd: int) -> None:
        """In the loop: run the callback, then watch again."""
        callback, args = self._callbacks.get(fd, (None, ()))
        if callback is None:
            return
        callback(*args)
        with self._lock:
            if fd in self._callbacks:
                self._armed.add(fd)
        self._nudge()


_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, SelectorThread] = WeakKeyDictionary()


def reader_of(loop: asyncio.AbstractEventLoop) -> Reader:
    """Return what watches descriptors for a loop: itself, or a thread where it cannot."""
    if not _needs_thread(loop):
        return loop
    thread = _threads.get(loop)
    if thread is None:
        thread = _threads[loop] = SelectorThread(loop)
    return thread


def _needs_thread(loop: asyncio.AbstractEventLoop) -> bool:
    if os.environ.get("ZMQLITE_SELECTOR_THREAD") == "1":
        return True
    proactor = getattr(asyncio, "ProactorEventLoop", None)
    return proactor is not None and isinstance(loop, proactor)
