"""All four worlds have the same names, with the same arguments, and make their own sockets."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import textwrap
from typing import Any

import gevent
import pytest
import trio
import trio.testing
from programs import run_program
from support import FACTOR

import zmqlite
import zmqlite.asyncio
import zmqlite.green
import zmqlite.trio

WORLDS = [zmqlite.asyncio, zmqlite.trio, zmqlite.green]
FUNCTIONS = [name for name in zmqlite.__all__ if inspect.isroutine(getattr(zmqlite, name))]
GROUPS = {
    "functions": [*FUNCTIONS, "NoAnswer", "Proxy", "SocketType.__call__"],
    **{
        name: [f"{name}.{path}" for path in dir(getattr(zmqlite, name)) if path[0] != "_"]
        for name in ("Context", "Poller", "Proxy", "Socket")
    },
}


def found(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def arguments(thing: Any) -> list[tuple[str, Any, Any]]:
    """Return what is given, with its defaults; `self` is of another kind in compiled classes."""
    return [
        (given.name, given.kind, given.default)
        for given in inspect.signature(thing).parameters.values()
        if given.name != "self"
    ]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
@pytest.mark.parametrize("group", GROUPS)
def test_the_same_in_every_world(group: str, world: Any) -> None:
    """Each name of each class, and those of the module."""
    others = []
    for path in GROUPS[group]:
        plain, mine = found(zmqlite, path), found(world, path)
        assert callable(plain) == callable(mine), path
        if mine is not plain and callable(plain) and arguments(mine) != arguments(plain):
            others.append(f"{path}{inspect.signature(mine)} is {inspect.signature(plain)}")
    assert not others
    assert len(GROUPS[group]) > 5


OWN = {"set_fairness"}  # where there is a loop to share


def public(module: Any) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_")}


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_every_public_name_is_there_and_no_other(world: Any) -> None:
    assert public(world) - OWN == set(zmqlite.__all__) - {"__version__"}
    assert set(world.__all__) - OWN == set(zmqlite.__all__)
    for name in world.__all__:
        assert getattr(world, name) is not None
    assert world.ZMQError is zmqlite.ZMQError
    assert world.__version__ == zmqlite.__version__


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_types_are_numbers_as_everywhere(world: Any, context: Any) -> None:
    assert world.REQ == zmqlite.REQ == 3
    assert world.XREQ is world.DEALER
    assert world.SocketType(3) is world.REQ
    assert pickle.loads(pickle.dumps(world.REQ)) is world.REQ
    assert {zmqlite.REQ: 1}[world.REQ] == 1
    with context.socket(world.REQ) as plain:
        assert type(plain) is zmqlite.Socket
        assert plain.type is zmqlite.REQ


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_a_type_makes_sockets_of_its_world(world: Any, context: Any) -> None:
    for home in (world.Context.shadow(context), context):  # a context of any world serves
        with world.PULL(context=home, bind="tcp://127.0.0.1:*", rcvhwm=7) as pull:
            assert isinstance(pull, world.Socket)
            assert isinstance(pull.context, world.Context)
            assert pull.rcvhwm == 7
            assert pull.last_endpoint.startswith(b"tcp://127.0.0.1:")
    with pytest.raises(TypeError, match=r"PULL\(connect="):
        world.PULL("tcp://127.0.0.1:5555")
    with pytest.raises(TypeError, match="rcvhwm"):
        world.PULL(context=context, rcvhvm=1)


def test_types_of_asyncio_await() -> None:
    async def main() -> None:
        async with zmqlite.asyncio.Context() as context:
            with zmqlite.asyncio.REP(context=context) as server:
                address = server.bind("tcp://127.0.0.1:*")
                with zmqlite.asyncio.REQ(context=context, connect=address) as client:
                    await client.send(b"hello")
                    assert await server.recv() == b"hello"

    asyncio.run(asyncio.wait_for(main(), 20 * FACTOR))


def test_types_and_poller_of_trio_await() -> None:
    async def main() -> None:
        with trio.fail_after(20 * FACTOR):
            async with zmqlite.trio.Context() as context:
                pull = zmqlite.trio.PULL(context=context)
                push = zmqlite.trio.PUSH(context=context, connect=pull.bind("inproc://trio"))
                poller = zmqlite.trio.Poller()
                poller.register(pull, zmqlite.trio.POLLIN)
                assert await poller.poll(0) == []
                assert await poller.poll(5) == []
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(push.send, b"hello")
                    assert await poller.poll() == [(pull, zmqlite.POLLIN)]
                assert await pull.recv() == b"hello"
                with trio.move_on_after(0.01) as scope:
                    await poller.poll()
                assert scope.cancelled_caught
                async with trio.open_nursery() as nursery:  # one that comes is heard
                    nursery.start_soon(poller.poll)
                    await trio.testing.wait_all_tasks_blocked()
                    poller.register(push, zmqlite.trio.POLLOUT)
                push.close()
                pull.close()

    trio.run(main)


def test_types_of_gevent_let_others_run() -> None:
    context = zmqlite.green.Context()
    pull = zmqlite.green.PULL(context=context)
    push = zmqlite.green.PUSH(context=context, connect=pull.bind("inproc://green"))
    waiting = gevent.spawn(pull.recv)
    gevent.sleep(0)
    push.send(b"hello")
    assert waiting.get(timeout=20 * FACTOR) == b"hello"
    push.close()
    pull.close()
    context.term()


STOPS = """
    import warnings
    import zmqlite

    LIMIT = 500  # ms, several steps of the main thread

    def receive(**options):
        with zmqlite.PULL(bind="tcp://127.0.0.1:*", rcvtimeo=LIMIT, linger=0, **options) as pull:
            try:
                pull.recv()
            except zmqlite.Again:
                pass

    async def main():
        with zmqlite.PUSH(bind="inproc://other", linger=0) as push:
            with zmqlite.PULL(connect="inproc://other") as pull:
                push.send(b"there")
                pull.recv()  # does not wait
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            receive()
            receive()
        print(len(told), *(f"{one.category.__name__}: {one.message}" for one in told))
"""


@pytest.mark.parametrize(
    ("loop", "run"),
    [("asyncio", "import asyncio; asyncio.run(main())"), ("trio", "import trio; trio.run(main)")],
)
def test_a_blocking_call_that_stops_a_loop_says_so_once(loop: str, run: str) -> None:
    code = textwrap.dedent(STOPS)
    said = run_program(code + run)
    assert said.startswith("1 RuntimeWarning: recv() on PULL socket")
    assert f"zmqlite.{loop}" in said
    assert run_program(code + "try: main().send(None)\nexcept StopIteration: pass") == "0\n"


WAITS = {
    "recv": "pull.recv()",
    "send": "push.send(b'x')",
    "poll": "pull.poll(LIMIT)",
    "Poller": "poller.poll(LIMIT)",
    "select": "zmqlite.select([pull], [], [], LIMIT / 1000)",
    "zmq_poll": "zmqlite.zmq_poll([(pull, 1)], LIMIT)",
    "proxy": "zmqlite.proxy(pull, push)",
}
STOPS_BY = """
    import sys, threading, warnings
    import zmqlite

    LIMIT = 500

    def wait():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with zmqlite.Context() as context:
                pull = context.socket(zmqlite.PULL, linger=0, rcvtimeo=LIMIT)
                push = context.socket(zmqlite.PUSH, linger=0, sndtimeo=LIMIT)
                poller = zmqlite.Poller()
                poller.register(pull)
                if CALL.startswith("zmqlite.proxy"):
                    threading.Timer(LIMIT / 1000, context.shutdown).start()
                try:
                    eval(CALL)
                except (zmqlite.Again, zmqlite.ContextTerminated):
                    pass
                pull.close()
                push.close()
        print(len(told), *(f"{one.category.__name__}: {one.message}" for one in told))

    async def main():
        wait()

    def in_thread(run, *args):
        thread = threading.Thread(target=run, args=args)
        thread.start()
        thread.join()
"""
RUNS = {
    "asyncio": "import asyncio; asyncio.run(main())",
    "asyncio in a thread": "import asyncio; in_thread(lambda: asyncio.run(main()))",
    "trio in a thread": "import trio; in_thread(trio.run, main)",
    "gevent": "import gevent; gevent.spawn(wait).join()",
    "nothing": "wait()",
    "nothing in a thread": "in_thread(wait)",
    "a greenlet aside": "import gevent; gevent.sleep(0); in_thread(wait)",
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("call", WAITS)
def test_whatever_waits_beside_a_loop_says_so(call: str, run: str) -> None:
    loop = run.split()[0]
    if loop in ("trio", "gevent", "a"):
        pytest.importorskip("gevent" if loop == "a" else loop)
    code = f"CALL = {WAITS[call]!r}\n{textwrap.dedent(STOPS_BY)}{RUNS[run]}"
    said = run_program(code)
    if loop in ("asyncio", "trio", "gevent"):
        name = call if call in ("recv", "send", "proxy") else "poll"
        assert said.startswith(f"1 RuntimeWarning: {name}() on P"), said
        assert f"zmqlite.{loop.replace('gevent', 'green')}" in said
    else:
        assert said == "0\n", said
