"""The constants, with types of sockets that make sockets for gevent.

Checkers read `constants.pyi`, which the build writes.
"""

from __future__ import annotations

from .._loops.types import constants_of

globals().update(constants_of(__name__))
