"""The options of a context, and those that its sockets are born with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._native import core
from ..enums import ContextOption, SocketOption
from ..error import InvalidArgument
from .attributes import ContextOptions
from .check import check_value, is_number
from .rows import INT
from .socket import declares, unknown, warn_late
from .table import CONTEXT_OPTIONS, find

__all__ = ["ContextSettings"]

_NAME_PREFIX = ContextOption.THREAD_NAME_PREFIX.value

if TYPE_CHECKING:
    from .attributes import SocketOptions as _Defaults
else:

    class _Defaults:
        """What `__getattr__` serves; checkers see it as the attributes of a socket."""

        __slots__ = ()


class ContextSettings(ContextOptions, _Defaults, core.Context):
    """The half of `Context` that knows options; see `Context`."""

    sockopts: dict[int, Any]
    """Option number -> value: what `socket()` sets on each new socket."""

    def get(self, option: int) -> Any:
        """Return a context option: zmq_ctx_get(3). RuntimeError when closed.

        An int; bytes for a THREAD_NAME_PREFIX that is not a number.
        """
        if option == _NAME_PREFIX and core.DRAFT_API:
            text = self._get_text(option).partition(b"\0")[0]
            return int(text) if text.isdigit() else text or 0
        try:
            return super().get(option)
        except (TypeError, OverflowError):
            raise _no_number("get", option) from None

    def set(self, option: int, optval: int | str | bytes) -> None:
        """Set a context option: zmq_ctx_set(3). RuntimeError when closed.

        THREAD_NAME_PREFIX also takes text (at most 16 bytes; needs a build with drafts). What
        acts only before the first socket warns (`LateOptionWarning`) when there is one already.
        """
        if not is_number(option):
            raise _no_number("set", option)
        row = CONTEXT_OPTIONS.by_number.get(option)
        if isinstance(option, SocketOption):
            raise InvalidArgument.during(
                f"set {option.name}",
                "Context",
                f"set it on a socket, or context.{option.name.lower()} for those made later",
                text="it is an option of sockets",
            )
        if row is not None and row.writable and row.kind == INT:
            optval = check_value(row, optval, "Context")
        if row is not None and row.acts_late and self.sockets():
            warn_late(
                f"{row.name} was set when there were sockets already, and a context reads it "
                "with its first socket: set it before"
            )
        if isinstance(optval, (str, bytes)):
            self._set_text(option, optval.encode() if isinstance(optval, str) else optval)
        else:
            super().set(option, optval)

    def setsockopt(self, opt: int, value: Any) -> None:
        """Set the default of a socket option for sockets made later; wrong ones show up then."""
        self.sockopts[opt] = value

    def getsockopt(self, opt: int) -> Any:
        """Return the default of a socket option; KeyError if none was set."""
        return self.sockopts[opt]

    # `ContextOptions` has the attributes of context options; here are those of socket options.
    # Hidden from checkers, who see misspelt names best without these.

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            row = None if name.startswith("_") else CONTEXT_OPTIONS.find(name)
            if row is not None:  # another spelling, or one that raised and says once more why
                return getattr(type(self), row.name).__get__(self, type(self))
            number = _socket_option(name)
            if number is None:
                raise unknown(self, name, CONTEXT_OPTIONS.by_name)
            if number not in self.sockopts:
                raise AttributeError(f"no default was set for the socket option {name.upper()}")
            return self.sockopts[number]

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "exit_patience":
                core.check_patience(value)
            if name in self.__dict__ or name.startswith("_") or declares(type(self), name):
                super().__setattr__(name, value)
                return
            row = CONTEXT_OPTIONS.find(name)
            if row is not None:
                super().__setattr__(row.name, value)
                return
            number = _socket_option(name)
            if number is None:
                raise unknown(self, name, CONTEXT_OPTIONS.by_name)
            self.sockopts[number] = value

        def __delattr__(self, name: str) -> None:
            number = None if name in self.__dict__ else _socket_option(name)
            if number is None:
                super().__delattr__(name)
            elif self.sockopts.pop(number, self) is self:
                raise AttributeError(f"no default was set for the socket option {name.upper()}")


def _socket_option(name: str) -> int | None:
    """Return the number of the socket option of that name, HWM of libzmq 2 included."""
    row = find(name)
    if row is not None:
        return row.number
    return SocketOption.HWM.value if name.upper() == "HWM" else None


def _no_number(operation: str, option: object) -> TypeError:
    return TypeError(
        f"{operation}() of a context takes the number of an option, such as zmq.IO_THREADS, "
        f"not {option!r:.80}"
    )
