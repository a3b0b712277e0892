"""Message parts and the trackers of their memory, as the compiled core makes them.

`Message` is the older name of `Frame`.
"""

from __future__ import annotations

from ._native.core import Frame, MessageTracker
from ._native.core import follow_threshold as follow_threshold

__all__ = ["COPY_THRESHOLD", "Frame", "Message", "MessageTracker"]

COPY_THRESHOLD = 65536
"""From this size in bytes on, `send(copy=False)` lends memory to libzmq instead of copying it.

The default of `copy_threshold`: assigning to `zmqlite.COPY_THRESHOLD` changes it for sockets and
frames made from then on.
"""

Message = Frame
