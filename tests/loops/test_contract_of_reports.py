"""What sockets report of their connections, read in a loop: in order, to the end, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from support import needs_drafts
from worlds import World

import zmqlite as zmq


async def taken(stream: Any, found: list[Any]) -> str:
    """Read a stream to its end, by the loop's own way."""
    if hasattr(stream, "__anext__"):
        async for one in stream:
            found.append(one)
    else:
        found.extend(stream)
    return "ended"


async def test_reports_of_a_monitor_socket(world: World, context: Any) -> None:
    server = world.socket(context, zmq.REP)
    monitor = server.get_monitor_socket()
    found: list[Any] = []
    job = world.spawn(taken, world.module.monitor_events(monitor), found)
    await world.settle()
    endpoint = server.bind("tcp://127.0.0.1:*").encode()
    server.close()
    assert await job.join() == "ended"
    assert [(one["event"], one["endpoint"]) for one in found[:1]] == [
        (zmq.EVENT_LISTENING, endpoint)
    ]
    assert found[-1]["event"] is zmq.EVENT_MONITOR_STOPPED
    monitor.close()


async def test_reports_end_where_the_monitor_socket_is_closed(world: World, context: Any) -> None:
    monitor = world.socket(context, zmq.REP).get_monitor_socket()
    job = world.spawn(taken, world.module.monitor_events(monitor), [])
    await world.settle()
    monitor.close()
    assert await job.join() == "ended"
    assert await world.spawn(taken, world.module.monitor_events(monitor), []).join() == "ended"


async def test_reports_end_for_a_task_whose_report_another_one_took(
    world: World, context: Any
) -> None:
    server = world.socket(context, zmq.REP)
    monitor = server.get_monitor_socket()
    found: list[Any] = []
    jobs = [
        world.spawn(taken, world.module.monitor_events(monitor), found),
        world.spawn(taken, world.module.monitor_events(monitor), found),
    ]
    await world.settle()
    server.bind("tcp://127.0.0.1:*")
    while not found:  # both have heard of it by then
        await world.pause()
    await world.settle()
    monitor.close()
    assert [await job.join() for job in jobs] == ["ended", "ended"]
    assert [one["event"] for one in found] == [zmq.EVENT_LISTENING]
    server.close()


async def test_reports_end_with_the_context(world: World, context: Any) -> None:
    monitor = world.socket(context, zmq.REP).get_monitor_socket()
    job = world.spawn(taken, world.module.monitor_events(monitor), [])
    await world.settle()
    context.shutdown()
    assert await job.join() == "ended"
    monitor.close()


async def test_reports_and_a_time_limit(world: World, context: Any) -> None:
    monitor = world.socket(context, zmq.REP).get_monitor_socket()
    monitor.rcvtimeo = 1
    with pytest.raises(zmq.Again):
        await taken(world.module.monitor_events(monitor), [])
    monitor.close()


async def test_reports_are_not_read_by_the_wrong_loop(world: World, context: Any) -> None:
    """Where they are awaited, a plain `for` is refused before it has taken one."""
    server = world.socket(context, zmq.REP)
    monitor = server.get_monitor_socket()
    server.bind("tcp://127.0.0.1:*")
    stream = world.module.monitor_events(monitor)
    if hasattr(stream, "__anext__"):
        with pytest.raises(TypeError, match="not iterable"):
            list(stream)
    message = world.module.recv_monitor_message(monitor)
    if hasattr(message, "__await__"):
        message = await message
    assert message["event"] is zmq.EVENT_LISTENING
    monitor.close()


@needs_drafts
async def test_a_stream_of_events_that_is_closed_while_a_task_reads_it(
    world: World, context: Any
) -> None:
    server = world.socket(context, zmq.REP)
    stream = server.monitor_events()
    found: list[Any] = []
    job = world.spawn(taken, stream, found)
    await world.settle()
    stream.close()
    assert await job.join() == "ended"
    assert not found
    assert stream.closed
    again = server.monitor_events()
    job = world.spawn(taken, again, found)
    await world.settle()
    job.cancel()
    await job.over.wait()
    assert job.cancelled
    assert not again.closed
    again.close()
