"""Every constant under the names that pyzmq gives it: enum classes, and flat names for members."""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag

from .. import constants as _ours
from ..constants import *  # noqa: F403
from ..enums import _OptType

# The older way to spell an option's type is private there too, but read by many.
__all__ = ["Enum", "IntEnum", "IntFlag"]
__all__ += _ours.__all__
