"""Readers for loops that have none: Windows' proactor loop cannot watch a socket's descriptor.
There a thread of our own waits in select() for all descriptors of a loop and tells the loop. A
descriptor that spoke is left alone until the loop has handled it, or the thread would spin. Other
loops are their own readers. ZMQLITE_SELECTOR_THREAD=1 forces the thread, for tests.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

__all__ = ["Reader", "SelectorThread", "reader_of"]

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LIFE_SIGN = 1.0  # seconds: how often the thread looks whether its loop is there
_PATIENCE = 5.0  # seconds that the end of a loop waits for the thread, which needs a moment


class Reader(Protocol):
    """What watching a descriptor needs of a loop."""

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> object: ...
    def remove_reader(self, fd: int) -> object: ...
    def add_writer(self, fd: int, callback: Callable[..., object], *args: Any) -> object: ...
    def remove_writer(self, fd: int) -> object: ...


class SelectorThread:
    """Watches descriptors for one loop from a daemon thread, which ends with the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop, lambda _: self._nudge())
        self._state = threading.Condition()
        self._callbacks: dict[tuple[int, int], tuple[Callable[..., object], tuple[Any, ...]]] = {}
        self._armed: set[tuple[int, int]] = set()
        self._selected: dict[int, int] = {}  # what the thread is waiting for
        self._changed, self._wake = socket.socketpair()
        self._changed.setblocking(False)
        self._wake.setblocking(False)
        self._thread = threading.Thread(target=self._run, daemon=True, name="zmqlite-selector")
        self._thread.start()
        _end_with(loop, self)

    def stop(self) -> None:
        """The loop was closed: end the thread, and give its descriptors back."""
        self._nudge()
        if threading.current_thread() is not self._thread and not sys.is_finalizing():
            self._thread.join(_PATIENCE)

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback(*args)` in the loop whenever `fd` is readable."""
        self._add((fd, _READ), callback, args)

    def add_writer(self, fd: int, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback(*args)` in the loop whenever `fd` is writable."""
        self._add((fd, _WRITE), callback, args)

    def remove_reader(self, fd: int) -> bool:
        """Stop watching `fd`. When this returns, the thread does not touch it any more."""
        return self._remove((fd, _READ))

    def remove_writer(self, fd: int) -> bool:
        """Stop watching `fd`. When this returns, the thread does not touch it any more."""
        return self._remove((fd, _WRITE))

    def _add(
        self, key: tuple[int, int], callback: Callable[..., object], args: tuple[Any, ...]
    ) -> None:
        with self._state:
            self._callbacks[key] = callback, args
            self._armed.add(key)
        self._nudge()

    def _remove(self, key: tuple[int, int]) -> bool:
        fd, event = key
        with self._state:
            known = self._callbacks.pop(key, None) is not None
            self._armed.discard(key)
            if threading.current_thread() is not self._thread:  # which may run a finalizer
                while self._selected.get(fd, 0) & event:
                    self._nudge()
                    self._state.wait()
        return known

    def _nudge(self) -> None:
        with suppress(OSError):  # it has enough nudges waiting, or has ended
            self._wake.send(b"\0")

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._changed, _READ)
        try:
            while True:
                loop = self._loop()
                if loop is None or loop.is_closed():
                    return
                del loop  # not while waiting
                self._select(selector)
                ready = [(int(key.fd), mask) for key, mask in selector.select(_LIFE_SIGN)]
                self._report(ready)
        finally:
            with self._state:
                self._selected = {}
                self._callbacks.clear()
                self._state.notify_all()
            selector.close()
            self._changed.close()
            self._wake.close()

    def _select(self, selector: selectors.BaseSelector) -> None:
        """Bring the selector up to date, and tell who waits for that."""
        with self._state:
            wanted: dict[int, int] = {}
            for fd, event in self._armed:
                wanted[fd] = wanted.get(fd, 0) | event
            for fd, mask in self._selected.items():
                if wanted.get(fd) != mask:
                    with suppress(OSError, KeyError):
                        selector.unregister(fd)
            for fd, mask in wanted.items():
                if self._selected.get(fd) != mask:
                    with suppress(OSError, KeyError, ValueError):  # it was closed
                        selector.register(fd, mask)
            self._selected = wanted
            self._state.notify_all()

    def _report(self, ready: list[tuple[int, int]]) -> None:
        loop = self._loop()
        for fd, mask in ready:
            if fd == self._changed.fileno():
                with suppress(BlockingIOError):
                    while self._changed.recv(4096):
                        pass
                continue
            keys = [(fd, event) for event in (_READ, _WRITE) if mask & event]
            with self._state:
                self._armed.difference_update(keys)
            if loop is not None:
                with suppress(RuntimeError):  # the loop was closed in this moment
                    for key in keys:
                        loop.call_soon_threadsafe(self._handle, key)

    def _handle(self, key: tuple[int, int]) -> None:
        """In the loop: run the callback, then watch again."""
        callback, args = self._callbacks.get(key, (None, ()))
        if callback is None:
            return
        try:
            callback(*args)
        finally:
            with self._state:
                if key in self._callbacks:
                    self._armed.add(key)
            self._nudge()


def _end_with(loop: asyncio.AbstractEventLoop, thread: SelectorThread) -> None:
    """Have the thread end within the loop's `close`: loops tell nobody else that they end."""
    before = loop.close

    def close() -> None:
        before()
        vars(loop).pop("close", None)
        thread.stop()

    with suppress(AttributeError):  # of a loop that takes none: the thread will see that it ended
        loop.close = close  # type: ignore[method-assign]


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
