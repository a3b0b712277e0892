"""Threads of the system, also where gevent's patches put greenlets in their place.

What stands still in C++ must not run in a greenlet: it would stop all others, for good.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["are_greenlets", "making", "real", "start"]


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


making: Any = real("RLock")()
"""Held for a moment by who makes, at its first use, what threads share. A signal handler may come
to the same place in the middle: so its owner may take it again."""

if hasattr(os, "register_at_fork"):  # the thread that holds it may not be in the child
    os.register_at_fork(after_in_child=making._at_fork_reinit)
