"""One small adapter a loop, so that the contract is stated once: spawn, cancel, pause, limit, run.

A scenario is a coroutine function. asyncio, uvloop and trio run it as it is. In gevent a greenlet
runs it: there a call that waits suspends the greenlet, and the coroutine around it never notices.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakSet

import pytest
from support import FACTOR

import zmqlite

LIMIT = 20 * FACTOR
NOTHING: Any = object()
"""What `within` answers when the time is over."""

Call = Callable[..., Awaitable[Any]]


class Job:
    """A task of any loop: its value, its exception, and whether it has ended."""

    def __init__(self, world: World, call: Call, args: tuple[Any, ...]) -> None:
        self.call, self.args, self.world = call, args, world
        self.value: Any = NOTHING
        self.error: BaseException | None = None
        self.over = world.event()
        self.handle: Any = None

    @property
    def ended(self) -> bool:
        return bool(self.over.is_set())

    @property
    def cancelled(self) -> bool:
        return isinstance(self.error, self.world.CANCELLED)

    async def run(self) -> None:
        try:
            self.value = await self.call(*self.args)
        except Exception as error:
            self.error = error
        except BaseException as error:
            self.error = error
            raise

    def end(self, *_: object) -> None:
        """The loop is done with it; one that was cancelled before it began has no exception."""
        if self.value is NOTHING and self.error is None:
            self.error = self.world.never_began()
        self.over.set()

    def cancel(self) -> None:
        self.world.cancel(self)

    async def join(self) -> Any:
        """Return its value, or raise what ended it (what a cancellation raised is in `error`)."""
        await self.over.wait()
        if self.error is not None and not self.cancelled:
            raise self.error
        return self.value


class World:
    """A loop, and the module for it. It keeps no job alive, and a socket while it is in `kept`."""

    name = ""
    CANCELLED: type[BaseException]
    CLOSED: tuple[type[BaseException], ...] = (zmqlite.SocketClosed,)
    """What ends a call whose socket is closed."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.made: WeakSet[Any] = WeakSet()
        self.jobs: WeakSet[Job] = WeakSet()

    def context(self) -> Any:
        return self.module.Context()

    def socket(self, context: Any, kind: int, cls: Any = None, **options: Any) -> Any:
        socket = context.socket(kind, cls, linger=0, **options)
        self.kept.append(socket)
        self.made.add(socket)
        return self.awaited(socket)

    def awaited(self, socket: Any) -> Any:
        return socket

    def binding(self, socket: Any) -> Any:
        return socket._binding

    def poller(self) -> Any:
        return self.module.Poller()

    def spawn(self, call: Call, *args: Any) -> Job:
        job = Job(self, call, args)
        self.jobs.add(job)
        self.start(job)
        return job

    async def waiting(self, socket: Any, count: int = 1) -> None:
        """Come back when this many tasks wait on a socket."""
        while self.binding(socket) is None or len(self.binding(socket).waiters) < count:
            await self.pause()
        await self.settle()

    async def settle(self) -> None:
        """Come back when all that can go on has had its turns."""
        for _ in range(5):
            await self.pause()

    module: Any
    event: Callable[[], Any]
    never_began: Callable[[], BaseException]

    def start(self, job: Job) -> None:
        raise NotImplementedError

    def cancel(self, job: Job) -> None:
        raise NotImplementedError

    async def pause(self) -> None:
        """Let the others run once."""
        raise NotImplementedError

    async def within(self, seconds: float, call: Call, *args: Any) -> Any:
        """Await a call for so long; NOTHING when that was too short."""
        raise NotImplementedError

    def debug(self) -> None:
        """Have the loop look for calls from threads that are not its own, if it can."""

    def use_clock(self, clock: Any) -> None:
        """Have the fairness of this loop go by another clock."""
        raise NotImplementedError

    def run(self, main: Call, *args: Any) -> Any:
        raise NotImplementedError


class Asyncio(World):
    name = "asyncio"
    CANCELLED = asyncio.CancelledError
    CLOSED = (asyncio.CancelledError,)  # docs/asyncio.md: close cancels what waits

    def __init__(self) -> None:
        super().__init__()
        import zmqlite.asyncio

        self.module = zmqlite.asyncio
        self.event, self.never_began = asyncio.Event, asyncio.CancelledError

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def start(self, job: Job) -> None:
        job.handle = asyncio.get_running_loop().create_task(job.run())
        job.handle.add_done_callback(job.end)

    def cancel(self, job: Job) -> None:
        job.handle.cancel()

    async def pause(self) -> None:
        await asyncio.sleep(0)

    async def within(self, seconds: float, call: Call, *args: Any) -> Any:
        async def calling() -> Any:
            return await call(*args)

        try:
            return await asyncio.wait_for(calling(), seconds)
        except asyncio.TimeoutError:
            return NOTHING

    def debug(self) -> None:
        asyncio.get_running_loop().set_debug(True)

    def use_clock(self, clock: Any) -> None:
        from zmqlite.asyncio.binding import budget_of

        budget_of(asyncio.get_running_loop()).clock = clock

    def run(self, main: Call, *args: Any) -> Any:
        loop = self.new_loop()
        complaints: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        task = loop.create_task(main(*args))  # type: ignore[arg-type]
        hang = loop.call_later(LIMIT, task.cancel, f"not done after {LIMIT} s")
        try:
            return loop.run_until_complete(task)
        finally:
            hang.cancel()
            rest = asyncio.all_tasks(loop)
            for left in rest:
                left.cancel()
            if rest:
                loop.run_until_complete(asyncio.wait(rest))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            assert not complaints, complaints


class Uvloop(Asyncio):
    name = "uvloop"

    def __init__(self) -> None:
        super().__init__()
        self.uvloop = pytest.importorskip("uvloop")

    def new_loop(self) -> Any:
        return self.uvloop.new_event_loop()


class Trio(World):
    name = "trio"

    def __init__(self) -> None:
        super().__init__()
        self.trio: Any = pytest.importorskip("trio")
        self.testing: Any = pytest.importorskip("trio.testing")
        self.module = pytest.importorskip("zmqlite.trio")
        self.event, self.CANCELLED = self.trio.Event, self.trio.Cancelled
        self.never_began = asyncio.CancelledError  # not met: trio begins what it then cancels

    def start(self, job: Job) -> None:
        job.handle = self.trio.CancelScope()

        async def scoped() -> None:
            try:
                with job.handle:
                    await job.run()
            finally:
                job.end()

        self.nursery.start_soon(scoped)

    def cancel(self, job: Job) -> None:
        job.handle.cancel()

    async def pause(self) -> None:
        await self.trio.lowlevel.checkpoint()

    async def settle(self) -> None:
        await self.testing.wait_all_tasks_blocked()

    async def within(self, seconds: float, call: Call, *args: Any) -> Any:
        with self.trio.move_on_after(seconds):
            return await call(*args)
        return NOTHING

    def use_clock(self, clock: Any) -> None:
        from zmqlite.trio.binding import budget_of_run

        budget_of_run().clock = clock

    def run(self, main: Call, *args: Any) -> Any:
        outcome: list[Any] = [None, None]

        async def limited() -> None:
            with self.trio.fail_after(LIMIT):
                async with self.trio.open_nursery() as self.nursery:
                    try:
                        outcome[0] = await main(*args)
                    except self.trio.Cancelled:
                        raise
                    except BaseException as error:  # not as the only member of a group
                        outcome[1] = error
                    self.nursery.cancel_scope.cancel()

        self.trio.run(limited)
        self.nursery = None
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]


class Gevent(World):
    name = "gevent"

    def __init__(self) -> None:
        super().__init__()
        self.gevent: Any = pytest.importorskip("gevent")
        self.module = pytest.importorskip("zmqlite.green")
        self.CANCELLED = self.never_began = self.gevent.GreenletExit
        self.event = AwaitedEvent

    def awaited(self, socket: Any) -> Any:
        return Awaited(socket)

    def binding(self, socket: Any) -> Any:
        return socket.plain._binding

    def poller(self) -> Any:
        return AwaitedPoller(self.module.Poller())

    def start(self, job: Job) -> None:
        job.handle = self.gevent.spawn(lambda: drive(job.run()))
        job.handle.link(job.end)

    def cancel(self, job: Job) -> None:
        job.handle.kill(block=False)

    async def pause(self) -> None:
        self.gevent.sleep(0)

    async def within(self, seconds: float, call: Call, *args: Any) -> Any:
        with self.gevent.Timeout(seconds, False):
            return await call(*args)
        return NOTHING

    def use_clock(self, clock: Any) -> None:
        from zmqlite.green.binding import budget_of_hub

        budget_of_hub(self.gevent.get_hub()).clock = clock

    def run(self, main: Call, *args: Any) -> Any:
        self.module.set_fairness(seconds=0.001, count=4096)  # the hub stays, and so would others
        try:
            with self.gevent.Timeout(LIMIT):
                return drive(main(*args))
        finally:
            self.use_clock(None)
            left = [job.handle for job in list(self.jobs) if not job.ended]
            self.gevent.killall(left)


def drive(coroutine: Any) -> Any:
    """Run a coroutine whose awaits never suspend it: what waits suspends the greenlet."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a scenario awaits what is not of gevent")


class Awaited:
    """A socket of gevent whose data calls can be awaited, as in the other loops."""

    def __init__(self, plain: Any) -> None:
        object.__setattr__(self, "plain", plain)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.plain, name)
        waits = (
            name.startswith(("send", "recv", "poll", "wait", "request"))
            and "_nonblock" not in name
        )
        return awaitable(value) if waits and callable(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.plain, name, value)

    def __aiter__(self) -> Awaited:
        return self

    async def __anext__(self) -> Any:
        with contextlib.suppress(StopIteration):
            return next(self.plain)
        raise StopAsyncIteration


class AwaitedPoller:
    """A Poller of gevent whose `poll` can be awaited."""

    def __init__(self, plain: Any) -> None:
        self.plain, self.members = plain, {}
        self.poll = awaitable(self._poll)

    def register(self, socket: Awaited, events: int) -> None:
        self.members[socket.plain] = socket
        self.plain.register(socket.plain, events)

    def _poll(self, timeout: float | None = None) -> list[tuple[Any, int]]:
        return [(self.members[socket], events) for socket, events in self.plain.poll(timeout)]


class AwaitedEvent:
    """An event of gevent whose `wait` can be awaited."""

    def __init__(self) -> None:
        from gevent.event import Event

        plain = Event()
        self.set, self.is_set, self.wait = plain.set, plain.is_set, awaitable(plain.wait)


def awaitable(call: Callable[..., Any]) -> Call:
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return awaited


WORLDS: tuple[type[World], ...] = (Asyncio, Uvloop, Trio, Gevent)


def pair(world: World, context: Any, kinds: Any = (zmqlite.PAIR,) * 2, **options: Any) -> Any:
    """Return two sockets, connected over inproc."""
    first, second = (world.socket(context, kind, **options) for kind in kinds)
    second.connect(first.bind(f"inproc://{id(first):x}"))
    return first, second


async def narrow(world: World, context: Any) -> Any:
    """Return a full PUSH, its PULL, and how many messages are on the way."""
    push, pull = pair(world, context, (zmqlite.PUSH, zmqlite.PULL), sndhwm=1, rcvhwm=1)
    count = 0
    while push.writable():
        await push.send(b"full")
        count += 1
    return push, pull, count
