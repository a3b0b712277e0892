"""Every constant under the names that pyzmq gives it: enum classes, and flat names for members."""

from __future__ import annotations

from enum import Enum as Enum
from enum import IntEnum as IntEnum
from enum import IntFlag as IntFlag

from .. import constants as _shared
from ..constants import *  # noqa: F403
from ..enums import _OptType as _OptType

TYPE_CHECKING = False
if not TYPE_CHECKING:  # to checkers all of it is public by now
    __all__ = ["Enum", "IntEnum", "IntFlag"]
    __all__ += _shared.__all__
