"""The types of sockets in the world of an event loop: called, they make sockets of that world."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from .. import constants
from ..context import check_context
from ..enums import SocketType, unnamed

__all__ = ["LoopSocketType", "constants_of"]


class LoopSocketType(IntEnum):
    """A type of socket that is also a factory of sockets for one event loop; equal to the member
    of `zmqlite.SocketType` with its name."""

    def __call__(
        self,
        *misplaced: object,
        connect: Any = None,
        bind: Any = None,
        context: Any = None,
        **options: Any,
    ) -> Any:
        """Make a socket of this type for the event loop; see `zmqlite.SocketType`.

        `context` defaults to `Context.instance()` of the same module; one of another world serves
        too, and ends as its owner wishes.
        """
        if misplaced:
            raise unnamed(self.name, misplaced)
        world: Any = type(self)
        home: Any = context
        if home is None:
            home = world._contexts.instance()
        elif not isinstance(context, world._contexts):
            check_context(self.name, context)
            home = world._contexts.shadow(context)
        return home.socket(self, connect=connect, bind=bind, **options)


def constants_of(module: str) -> dict[str, Any]:
    """Return all constants for the `constants` of an event loop, with types of sockets of its own.

    The loop's module sets the `_contexts` of the types when it has that class.
    """
    members = {name: member.value for name, member in SocketType.__members__.items()}
    make: Any = LoopSocketType
    flat: Any = constants
    types = make("SocketType", members, module=module.rpartition(".")[0])
    names = {name: getattr(flat, name) for name in flat.__all__}
    names |= {"SocketType": types, **types.__members__}
    return names | {"__all__": list(names)}
