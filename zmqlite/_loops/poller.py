"""What the pollers of event loops share: what to watch for a member of another kind."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .._native import core
from ..enums import PollEvent, SocketOption
from ..options.rows import Kind
from ..poller import Poller

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LoopPoller", "arm_for_blocking", "copy_of", "watch_of"]

_POLLIN = PollEvent.POLLIN.value


class LoopPoller(Poller):
    """A poller in which tasks wait: a change of its members has each of them look again."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._waits = set()
        return self


def watch_of(source: Any, flags: int) -> tuple[Any, int, core.ReadyFD | None]:
    """Return what is to be copied and watched for a member that is no socket of the loop (see
    `copy_of`), the events to watch it for, and what is to be closed afterwards."""
    if not isinstance(source, core.Socket):
        return source if isinstance(source, int) else source.fileno(), flags, None
    if source.thread_safe:
        signal = core.ReadyFD(source)
        return signal.fileno(), _POLLIN, signal
    if os.name == "posix":
        return source, _POLLIN, None
    return source._get_option(SocketOption.FD.value, Kind.FD), _POLLIN, None


def copy_of(source: Any) -> int:
    """Return a copy of a descriptor, or of a socket's own, which may be closed meanwhile."""
    if isinstance(source, core.Socket):
        return core.duplicate_fd_of(source)
    return core.duplicate(source)


def arm_for_blocking(poller: core.Poller, sources: Iterable[Any], of_loop: type) -> int:
    """Return a descriptor that is readable once a blocking member is closed, or used by others:
    its own need not be then. -1 where there is no such member, or no such descriptor; else
    `_disarm_wakeup` is to be called afterwards.
    """
    for source in sources:
        if isinstance(source, core.Socket) and not isinstance(source, of_loop):
            return poller._arm_wakeup()
    return -1
