"""A gate that tasks of a trio run serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from ..security.service import AwaitedService
from ..security.zap import Outcome

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["GateService"]


class GateService(AwaitedService):
    """See `zmqlite.auth.Gate.serve`."""

    async def __aenter__(self) -> Self:
        self._open()
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        self._nursery.start_soon(self._serve, self._nursery.start_soon)
        return self

    async def __aexit__(self, *exc: Any) -> bool | None:  # type: ignore[override]
        self._nursery.cancel_scope.cancel()
        try:
            return await self._manager.__aexit__(*exc)
        finally:
            self._close()

    async def _within(self, frames: list[bytes]) -> Outcome:
        with trio.move_on_after(self._limit):
            return await self._gate.decide_async(frames)
        return self._late(frames)
