"""What the sockets of trio and gevent have in common: how they are bound to a loop, and which
of its tasks must hear of what."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..error import Again, SocketClosed, ThreadMisuse
from .operations import perform
from .uses import UsedSocket

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LoopSocket"]


class LoopSocket(UsedSocket[bytes]):
    """A socket that belongs to the loop that uses it, and moves when nobody waits on it.

    The thread-safe types belong to every loop that uses them.
    """

    __slots__ = ("_binding", "_bindings")  # see SocketSettings
    _binding: Any
    _bindings: dict[Any, Any]
    _make_binding: ClassVar[type[Any]]  # a TaskBinding of the loop

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._binding, self._bindings = None, {}
        return self

    def _running_loop(self) -> Any:
        """Return the running loop; raise RuntimeError where none runs."""
        raise NotImplementedError

    def _attach(self, attempt: Any = None) -> Any:
        """Return the binding to the running loop, for an attempt that would raise if closed."""
        loop = self._running_loop()
        binding = self._binding
        if binding is not None and binding.loop is loop:
            return binding
        if self.closed:
            if attempt is not None:
                perform(attempt)  # says it under its own name
            raise SocketClosed.during("use", self._subject(), "the socket is closed")
        bindings = self._bindings
        if loop not in bindings:
            for old in list(bindings.values()):
                if self.thread_safe and not old.over:
                    continue
                if not old.idle:
                    raise ThreadMisuse.during(
                        "use", self._subject(), "tasks of another loop wait on this socket"
                    )
                old.end()
                del bindings[old.loop]
            bindings[loop] = self._make_binding(self, loop)
        binding = self._binding = bindings[loop]
        return binding

    def _untie(self) -> None:
        """End what ties the socket to any loop."""
        bindings, self._binding, self._bindings = self._bindings, None, {}
        for binding in bindings.values():
            binding.end()

    def close(self, linger: int | None = None) -> None:
        """Close the socket; what waits on it ends with `SocketClosed`, an iteration just ends."""
        super().close(linger)
        # Afterwards: a task that is woken from another thread must not find the socket open still,
        # and wait once more.
        if self._bindings:
            self._untie()

    # -- uses of the socket: none may cost a waiting task its wake-up -----------------------------

    def _used(self) -> None:
        binding = self._binding
        if binding is None or binding.idle or self.closed:
            return
        try:
            here = binding.loop is self._running_loop()
        except RuntimeError:
            here = False
        if here:
            binding.used()
        elif not self.thread_safe:  # else each loop has a signal of its own
            binding.used_elsewhere()

    def _again(self, limit: int, receives: bool) -> Again:
        return self._not_now("recv" if receives else "send", limit)
