"""The sockets of a proxy: those that it was given, and those that it makes itself."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Any

from .._native import core
from ..context import Context
from ..error import ZMQError

__all__ = ["STEP", "Sides"]

STEP = 0.02  # seconds between looks whether the other end is still there
_LINGER = 1000  # ms; of sockets that a proxy has made itself


def _is_address(side: Any) -> bool:
    return isinstance(side, tuple) and 2 <= len(side) <= 3  # pyright: ignore[reportUnknownArgumentType]


class Sides:
    """The sockets of a proxy: those it was given, and those it makes and closes itself."""

    def __init__(self, sides: tuple[Any, ...]) -> None:
        for side, name in zip(sides, ("frontend", "backend", "capture"), strict=True):
            socket = isinstance(side, core.Socket) or (side is None and name == "capture")
            if not socket and not (_is_address(side)):
                raise TypeError(
                    f"Proxy() takes sockets, or addresses as ('ROUTER', 'tcp://*:5555'); "
                    f"{name} is neither: {side!r:.80}"
                )
        self.given = sides
        self.all: list[Any] = []
        self._made = ExitStack()

    def open(self, make_context: Any, end: Any = Context.term) -> None:
        """Make the sockets that are given as addresses, in the context of the others.

        If there are no others the context is made here, too, and ended by ``end``.
        """
        context: Any = next(
            (side.context for side in self.given if isinstance(side, core.Socket)), None
        )
        with ExitStack() as made:
            if context is None:
                context = make_context()
                made.callback(end, context)
            for side in self.given:
                if side is None or isinstance(side, core.Socket):
                    self.all.append(side)
                    continue
                kind, endpoint, *rest = side
                options: dict[str, Any] = {"linger": _LINGER, **(rest[0] if rest else {})}
                socket: Any = context.socket(kind, bind=endpoint, **options)
                made.callback(socket.close)
                self.all.append(socket)
            self._made = made.pop_all()

    @property
    def endpoints(self) -> tuple[tuple[str, ...], ...]:
        return tuple(side.endpoints for side in self.all if side is not None)

    def close(self, everything: bool) -> None:
        """Close what was made here; ``everything`` if the context ends."""
        if everything:
            for socket in self.all:
                if socket is not None:
                    with suppress(ZMQError):
                        socket.close()
        self._made.close()
