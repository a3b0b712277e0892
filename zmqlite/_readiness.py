"""When an event loop must look at a socket: the rules of FD and EVENTS, without any I/O.

A socket's descriptor (FD) is no level but a shout: it turns readable when the socket's state may
have changed, and any call on the socket may hear the shout in place of whoever waits. So:

1. When the descriptor speaks, read EVENTS (that silences it) and wake whom they concern.
2. After any call on the socket while somebody waits, read EVENTS once more, soon: the call may
   have silenced the descriptor.
3. Whoever begins to wait, or stops waiting without having used what woke him, has EVENTS read.
4. One look at a time: what happens while a look is due is seen by that look.

Loops differ only in how they wait for the descriptor and in how they run something soon.
"""

from __future__ import annotations

__all__ = ["IN", "OUT", "Readiness"]

IN = 1
OUT = 2


class Readiness:
    """What one socket's waiters want, and whether a look at EVENTS is due."""

    __slots__ = ("_due", "_wanted")

    def __init__(self) -> None:
        self._wanted = [0, 0]
        self._due = False

    @property
    def wanted(self) -> int:
        """The mask of directions that somebody waits for."""
        return (IN if self._wanted[0] else 0) | (OUT if self._wanted[1] else 0)

    @property
    def due(self) -> bool:
        """Whether a look is due and not done yet."""
        return self._due

    def begin(self, mask: int) -> bool:
        """Somebody begins to wait. Returns whether a look must be arranged now (rule 3)."""
        if mask & IN:
            self._wanted[0] += 1
        if mask & OUT:
            self._wanted[1] += 1
        return self._arrange()

    def end(self, mask: int) -> bool:
        """Somebody waits no more. Returns whether the others need a look (rule 3)."""
        if mask & IN:
            self._wanted[0] -= 1
        if mask & OUT:
            self._wanted[1] -= 1
        return self._arrange()

    def used(self) -> bool:
        """The socket was used. Returns whether a look must be arranged (rule 2)."""
        return self._arrange()

    def look(self, events: int) -> int:
        """EVENTS were read. Returns the directions to wake; those are woken until a later look."""
        self._due = False
        return events & self.wanted

    def forget(self) -> None:
        """The arranged look will not come: the loop is gone, or the socket closed."""
        self._due = False

    def _arrange(self) -> bool:
        if self._due or not (self._wanted[0] or self._wanted[1]):
            return False
        self._due = True
        return True
