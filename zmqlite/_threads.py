"""Threads of the system, also where gevent's patches put greenlets in their place; and one lock.

What stands still in C++ must not run in a greenlet: it would stop all others, for good.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["are_greenlets", "first_use_lock", "real", "start"]


def real(name: str) -> Any:
    """Return what `_thread` has by this name, as Python made it."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey.get_original("_thread", name) if monkey else getattr(_thread, name)


def are_greenlets() -> bool:
    """Return whether `threading.Thread` makes greenlets."""
    return threading.get_ident is not real("get_ident")


def start(run: Callable[[], object], name: str) -> None:
    """Run this in a thread that does not hold up the end of the program."""
    if are_greenlets():
        real("start_new_thread")(run, ())
    else:
        threading.Thread(target=run, name=name, daemon=True).start()


first_use_lock: Any = real("RLock")()
"""What threads share is made under it, at its first use: the default context of a class, the
record of a socket's requests, the monitor of a socket and the list of those who watch it. Nothing
in there waits. A signal handler or finalizer may come to the same place in the middle: so its
owner may take it again, and looks again at what is there."""

if hasattr(os, "register_at_fork"):  # the thread that holds it may not be in the child
    os.register_at_fork(after_in_child=first_use_lock._at_fork_reinit)
