"""A test that is a coroutine function is run in each loop in turn, and must leave nothing behind:
no task, no descriptor, nothing that refers to a socket or a task."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import wait_until

sys.path.insert(0, str(Path(__file__).parent))  # for `worlds`: the import mode adds no path

from worlds import WORLDS, World

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture(params=WORLDS, ids=lambda world: world.name)
def world(request: pytest.FixtureRequest) -> World:
    """The adapter of each loop in turn, after it has opened what it keeps for good."""
    world: World = request.param()

    async def warm() -> None:
        await world.spawn(world.pause).join()

    world.run(warm)
    with world.context() as context:
        context.socket(world.module.PULL).close()
    return world


@pytest.fixture
def context(world: World) -> Iterator[Any]:
    """A context whose sockets are this loop's."""
    context = world.context()
    yield context
    if not context.closed:
        context.destroy(0)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    scenario = pyfuncitem.obj
    if not inspect.iscoroutinefunction(scenario):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(scenario).parameters}
    world, context = given["world"], given["context"]
    before = descriptors()
    gc.freeze()  # what stands by now: a look at all that the suite has loaded takes half a second
    try:
        world.run(lambda: scenario(**given))
        assert not [job.call for job in world.jobs if not job.ended], "tasks are left"
        context.destroy(0)
        world.kept.clear()
        gc.collect()
    finally:
        gc.unfreeze()
    assert not list(world.jobs), "something refers to tasks that have ended"
    assert not list(world.made), "something refers to sockets that are closed"
    wait_until(lambda: descriptors() <= before, what="the descriptors to be given back")
    return True


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir())) if DESCRIPTORS.exists() else 0
