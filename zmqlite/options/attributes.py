"""The options of sockets and contexts as attributes: `sock.linger = 0`, `sock.LINGER`.

Drawn from the rows at import; checkers read the same names, with their types, in `_typed`. An
attribute goes through `get` and `set` of its owner, which check, and a subclass that overrides
those is heard.
"""

from __future__ import annotations

from types import MethodType

from ..enums import Errno, SocketType
from ..error import ZMQError
from .rows import CONTEXT_ROWS, SOCKET_ALIASES, SOCKET_ROWS, TEXTUAL
from .table import SOCKET_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .rows import Option

__all__ = ["ContextOptions", "SocketOptions"]

_by_name = SOCKET_OPTIONS.by_name
_SNDHWM, _RCVHWM = _by_name["SNDHWM"].number, _by_name["RCVHWM"].number
_SUBSCRIBE, _UNSUBSCRIBE = _by_name["SUBSCRIBE"].number, _by_name["UNSUBSCRIBE"].number


def _say(self: Any) -> str:
    """What an attribute says of its option, made when it is asked for."""
    row = self.row
    unit = f" ({row.unit})" if row.unit else ""
    access = "" if row.writable else "; read-only"
    access = access if row.readable else "; write-only"
    return f"{row.name}: {row.doc}{unit}{access}"


_says: Any = property(_say)


class _Int:
    __doc__ = _says

    def __init__(self, row: Option) -> None:
        self.row = row
        self.number = row.number
        self.__name__ = row.name.lower()

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        if owner is None:
            return self
        try:
            return owner.get(self.number)
        except ZMQError as error:
            # hasattr() and mock ask for every name; for them a refused option is an absent one.
            if error.errno not in (Errno.EINVAL, Errno.EFAULT):
                raise
            raise AttributeError(str(error)) from error

    def __set__(self, owner: Any, value: Any) -> None:
        owner.set(self.number, value)  # refuses a read-only one in the words of all refusals


class _Bytes(_Int):
    __doc__ = _says
    # Reads as bytes; a str that is assigned travels as UTF-8, None resets what can be reset.

    def __set__(self, owner: Any, value: Any) -> None:
        owner.set(self.number, _encoded(value))


class _WriteOnlyInt(_Int):
    __doc__ = _says

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        if owner is None:
            return self
        raise AttributeError(f"{self.__name__} attribute is write-only")


class _WriteOnlyBytes(_WriteOnlyInt, _Bytes):
    __doc__ = _says


class _Type(_Int):
    __doc__ = _says
    # Known also of a closed socket, of which `get` knows nothing.

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self if owner is None else SocketType(owner._type_number)


class _HighWaterMarks(_Int):
    __doc__ = "HWM: SNDHWM and RCVHWM under one name, as libzmq 2 had it; reads as SNDHWM."

    def __init__(self, row: Option) -> None:
        super().__init__(row)
        self.__name__ = "hwm"

    def __set__(self, owner: Any, value: int) -> None:
        owner.set(_SNDHWM, value)
        owner.set(_RCVHWM, value)


class _Assignable:
    """A method of one argument that assignment calls too: `sub.subscribe = b"topic"`."""

    def __init__(self, method: Callable[[Any, bytes | str], None]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, owner: Any, cls: type | None = None) -> Any:
        return self.method if owner is None else MethodType(self.method, owner)

    def __set__(self, owner: Any, value: bytes | str) -> None:
        self.method(owner, value)


def _encoded(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _attributes(rows: Iterable[Option]) -> dict[str, Any]:
    """Return an attribute for each row, under its name in lower and in upper case."""
    found: dict[str, Any] = {}
    for row in rows:
        make: type[_Int] = _Int if row.readable else _WriteOnlyInt
        if row.kind in TEXTUAL:
            make = _Bytes if row.readable else _WriteOnlyBytes
        found[row.name] = found[row.name.lower()] = make(row)
    return found


if TYPE_CHECKING:
    from ._typed import ContextOptions, SocketOptions
else:

    class SocketOptions:
        """Every socket option as an attribute; needs `get(number)` and `set(number, value)`."""

        __slots__ = ()

        vars().update(_attributes(SOCKET_ROWS))
        type = TYPE = _Type(_by_name["TYPE"])
        hwm = HWM = _HighWaterMarks(_by_name["SNDHWM"])
        for alias, name in SOCKET_ALIASES.items():
            vars()[alias] = vars()[alias.lower()] = vars()[name]
        del alias, name

        @_Assignable
        def subscribe(self, topic):
            """Receive what starts with `topic`, as well as what was subscribed to before.

            A str travels as UTF-8; an empty topic receives everything. On XPUB and PUB, with
            XPUB_MANUAL set, it says yes to the subscription that was received last.
            """
            self.set(_SUBSCRIBE, _encoded(topic))

        @_Assignable
        def unsubscribe(self, topic):
            """Take back one `subscribe` of the same topic; the others stay."""
            self.set(_UNSUBSCRIBE, _encoded(topic))

        SUBSCRIBE = subscribe
        UNSUBSCRIBE = unsubscribe

    class ContextOptions:
        """Every context option as an attribute; needs `get(number)` and `set(number, value)`."""

        __slots__ = ()

        vars().update(_attributes(CONTEXT_ROWS))
