"""Whether a value suits an option, and why libzmq refused one.

This module alone decides what type and range a value must have, and it refuses only what every
libzmq would refuse or would get wrong in silence; whether this build, this socket type and this
moment allow an option is left to libzmq, and `explain` turns its bare EINVAL into a reason.
"""

from __future__ import annotations

from math import isfinite

from .. import _build
from ..enums import Errno, SocketType
from ..error import InvalidArgument, NotSupported, ZMQError
from .rows import BYTES, FD, INT, INT64, KEY, STRING, TEXTUAL, UINT64, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["check_readable", "check_value", "explain", "is_number", "lacking"]

_BOUNDS = {
    INT: (-(2**31), 2**31 - 1),
    INT64: (-(2**63), 2**63 - 1),
    # A negative bitmap is two's complement, as it would be in C: -1 sets every bit.
    UINT64: (-(2**63), 2**64 - 1),
    FD: (-(2**31), 2**63 - 1),
}
_KEY_SIZES = (32, 40, 41)  # raw; Z85; Z85 with its NUL


def check_value(option: Option, value: Any, subject: str = "") -> Any:
    """Return `value` as the core takes it, or say what is wrong with it.

    Ints may be bools or enum members. Bytes must be `bytes`. None takes away the value of an
    option that is `resettable`.

    Raises `TypeError` for a wrong type, `InvalidArgument` for a value outside the range that
    libzmq accepts and for a read-only option, `NotSupported` for an option newer than this
    libzmq.
    """
    if not option.writable:
        raise _refusal(option, "set", subject, "it is read-only", "read it instead")
    if _too_new(option):
        raise _not_here(option, "set", subject, lacking(option))
    if value is None and option.resettable:
        return None
    if option.kind in TEXTUAL:
        return _check_bytes(option, value, subject)
    return _check_int(option, value, subject)


def is_number(value: object) -> bool:
    """Whether a value is a whole number, of any type; a class of numbers is none."""
    return hasattr(value, "__index__") and not isinstance(value, type)


def _check_int(option: Option, value: Any, subject: str) -> int:
    if not is_number(value):
        raise TypeError(f"{option.name} takes an int, got {_short(value)}{_meant(option, value)}")
    number = int(value.__index__())
    low, high = _BOUNDS[option.kind]
    if option.low is not None:
        low = max(low, option.low)
    if option.high is not None:
        high = min(high, option.high)
    if not low <= number <= high:
        raise _refusal(option, "set", subject, f"{number} is out of range", _allowed(option))
    return number & 0xFFFFFFFFFFFFFFFF if option.kind == UINT64 else number


def _meant(option: Option, value: Any) -> str:
    """What to write in place of a value that is no int."""
    if value is None:
        return f": it is {option.doc}"
    if not isinstance(value, float) or not isfinite(value):
        return ""
    if value.is_integer():
        return f": write {value:.0f}"
    if option.unit != "ms":
        return ""
    whole = round(value * 1000)
    return f": times are whole milliseconds; {value:g} s are {whole}"


def _check_bytes(option: Option, value: Any, subject: str) -> bytes:
    if not isinstance(value, bytes):
        if isinstance(value, str):
            raise TypeError(
                f"{option.name} takes bytes, not str: use set_string (setsockopt_string), "
                "or encode it"
            )
        raise TypeError(f"{option.name} takes bytes, got {_short(value)}")
    size, problem = len(value), ""
    if option.kind == KEY:
        if size not in _KEY_SIZES or (size == _KEY_SIZES[-1] and value[-1]):
            problem = f"a key of {size} bytes"
    elif size < (option.low or 0) or (option.high is not None and size > option.high):
        problem = f"a value of {size} bytes"
    elif option.name == "METADATA":
        key, colon, text = value.partition(b":")
        if not (colon and text and key.startswith(b"X-") and len(key) <= 255):
            problem = f"{value!r}"
    if problem:
        raise _refusal(option, "set", subject, problem, _allowed(option))
    return value


def check_readable(option: Option, subject: str = "") -> None:
    """Raise `InvalidArgument` for a write-only option, `NotSupported` for one not there yet."""
    if not option.readable:
        raise _refusal(option, "get", subject, "it is write-only", "remember what was set")
    if _too_new(option):
        raise _not_here(option, "get", subject, lacking(option))


def _too_new(option: Option) -> bool:
    return option.since > _build.LIBZMQ_VERSION and (
        f"{option.patch}.patch" not in _build.LIBZMQ_PATCHES
    )


def lacking(option: Option) -> str:
    """Return what this libzmq lacks for an option, as far as its build tells; "" for nothing.

    A reason to give after libzmq has refused, not one to refuse by: some draft options work in
    a library that was built without drafts.
    """
    if _too_new(option):
        return f"it needs libzmq {_dotted(option.since)}, and this is {_version()}"
    if option.draft and not _build.DRAFTS:
        return f"it is a draft option, and this libzmq {_version()} was built without drafts"
    if option.feature and option.feature not in _build.FEATURES:
        return f"it needs a libzmq built with {option.feature}, and this one was not"
    return ""


def explain(
    error: ZMQError,
    option: Option | int,
    operation: str,
    subject: str = "",
    socket_type: int | None = None,
) -> ZMQError:
    """Return a better error than libzmq's, which has one EINVAL for a dozen reasons.

    `operation` is "get" or "set", `option` the row, or the number where there is no row. Every
    errno but EINVAL comes back as it was. The errno stays EINVAL, since callers test for it.
    """
    if error.errno != Errno.EINVAL:
        return error
    if isinstance(option, Option) and option.name in error.operation:
        return error  # a guard of the core refused it, and knows better why
    if not isinstance(option, Option):
        problem = f"libzmq {_version()} refused option number {int(option)}"
        return InvalidArgument.during(
            f"{operation} option {int(option)}", subject, "zmqlite has no option of that number",
            text=problem,
        )  # fmt: skip
    missing = lacking(option)
    if missing:
        return _not_here(option, operation, subject, missing)
    if option.name in ("SUBSCRIBE", "UNSUBSCRIBE") and socket_type == _XPUB:
        return _refusal(option, operation, subject, "not in this mode", "set XPUB_MANUAL first")
    if option.types and socket_type is not None and socket_type not in option.types:
        owners = " and ".join(kind.name for kind in option.types)
        return _refusal(
            option, operation, subject, "this socket type lacks it", f"it belongs to {owners}"
        )
    problem = "libzmq refused it"
    if option.kind == KEY and operation == "set":
        problem = "these characters are no Z85"
    return _refusal(option, operation, subject, problem, _allowed(option))


_XPUB = SocketType.XPUB.value


def _refusal(
    option: Option, operation: str, subject: str, problem: str, hint: str
) -> InvalidArgument:
    return InvalidArgument.during(f"{operation} {option.name}", subject, hint, text=problem)


def _not_here(option: Option, operation: str, subject: str, reason: str) -> NotSupported:
    return NotSupported.during(
        f"{operation} {option.name}", subject, errno=Errno.EINVAL.value, text=reason
    )


def _allowed(option: Option) -> str:
    """The range in words: what to write instead."""
    if option.kind == KEY:
        return "a key has 32 bytes, or 40 in Z85"
    if option.name == "METADATA":
        return 'write b"X-key:value"'
    sized = option.kind in (BYTES, STRING)
    unit = "bytes" if sized else option.unit
    low, high = option.low, option.high
    if option.flag and low == 0 and high == 1:
        return "allowed are 0 and 1"
    if low is None and high is None and not sized:
        low, high = _BOUNDS[option.kind]
    if low is not None and high is not None:
        span = f"from {low} to {high}"
    elif low is not None:
        span = f"{low} and more"
    elif high is not None:
        span = f"at most {high}"
    else:
        return ""
    return f"allowed: {span}" + (f" (in {unit})" if unit else "")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _version() -> str:
    return _dotted(_build.LIBZMQ_VERSION)
