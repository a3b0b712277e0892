"""How many objects are made for one call that waits: at most four of ours, in every loop.

What the loop itself makes for any task that waits is not ours, nor is the coroutine of the call.
"""

from __future__ import annotations

import gc
import types
from collections import Counter
from functools import partial
from typing import Any
from weakref import ReferenceType

from worlds import World, pair

JOBS = 50
OURS = 4
HOMES = ("zmqlite", "gevent._gevent_cevent")
# Kinds that are made for a wait, though no class of ours.
OTHERS = (partial, types.FunctionType, types.CellType, types.MethodType, types.CoroutineType,
          types.GeneratorType, ReferenceType)  # fmt: skip


def alive() -> Counter[str]:
    """Count what the collector knows, by class."""
    gc.collect()
    found: Counter[str] = Counter()
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith(HOMES) or kind in OTHERS:
            found[kind.__qualname__] += 1
    return found


async def of_one(world: World, begin: Any) -> Counter[str]:
    """Return how many objects of each class one more job makes that waits."""
    jobs = [world.spawn(begin) for _ in range(3)]  # what is made once is there
    await world.settle()
    before = alive()
    jobs += [world.spawn(begin) for _ in range(JOBS)]
    await world.settle()
    after = alive()
    for job in jobs:
        job.cancel()
    for job in jobs:
        await job.join()
    return Counter({kind: round((n - before[kind]) / JOBS) for kind, n in after.items()})


async def test_a_wait_makes_few_objects(world: World, context: Any) -> None:
    _, second = pair(world, context)
    made = await of_one(world, second.recv)
    plain = await of_one(world, world.event().wait)
    ours = made - plain
    assert 0 < ours.total() <= OURS, ours
