"""Habits of pyzmq that the suites of other packages rely on; each test names who found it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import pytest
from support import FACTOR

TREES = ("zmq", "zmqlite.pyzmq")


@pytest.fixture(params=TREES)
def zmq(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


def test_the_context_of_a_socket_can_be_replaced(zmq: Any) -> None:
    """zmq_anyio, whose sockets are shadows."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as socket:
        other = zmq.Context.shadow(context)
        socket.context = other
        assert socket.context is other


def test_connecting_to_port_zero(zmq: Any) -> None:
    """nbclient, with a connection file that has not been filled yet."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect("tcp://127.0.0.1:0")


def test_what_was_copied_has_the_finished_tracker(zmq: Any) -> None:
    """pyzmq's own tests."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 0
        socket.connect("tcp://127.0.0.1:9")
        assert socket.send(b"x", copy=False, track=True) is zmq._FINISHED_TRACKER


def test_a_frame_has_one_buffer(zmq: Any) -> None:
    """pyzmq's own tests."""
    frame = zmq.Frame(b"some text")
    view = frame.buffer
    assert view is frame.buffer
    assert bytes(view) == b"some text"


def test_a_released_buffer_is_not_given_again() -> None:
    """Ours alone: pyzmq hands the dead one out as long as someone has it."""
    ours: Any = importlib.import_module("zmqlite.pyzmq")
    frame = ours.Frame(b"some text")
    with frame.buffer as view:
        assert bytes(view) == b"some text"
    assert frame.buffer is not view
    assert bytes(frame.buffer) == b"some text"


def test_a_closed_socket_says_so_first(zmq: Any) -> None:
    """pyzmq's own tests: before it looks at the address."""
    with zmq.Context() as context:
        socket = context.socket(zmq.PUB)
        socket.close()
        for call in (socket.bind, socket.connect):
            with pytest.raises(zmq.ZMQError) as caught:
                call(b"")
            assert caught.value.errno == zmq.ENOTSOCK


def test_subclasses_share_the_default_context(zmq: Any) -> None:
    """pyzmq's own tests: unless they have an `_instance` of their own."""

    class Shares(zmq.Context):  # type: ignore[misc]
        pass

    class Keeps(zmq.Context):  # type: ignore[misc]
        _instance = None

    with zmq.Context.instance() as context, Keeps.instance() as own:
        assert Shares.instance() is context
        assert type(own) is Keeps
        assert Keeps.instance() is own


def test_what_connect_returns_shows_the_address(zmq: Any) -> None:
    """pyzmq's own tests."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as one:
        assert "bind='inproc://shown'" in repr(one.bind("inproc://shown"))
        with context.socket(zmq.PAIR) as two:
            assert "connect='inproc://shown'" in repr(two.connect("inproc://shown"))


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("side", ["in", "out"])
def test_a_device_of_one_socket(tree: str, side: str) -> None:
    """pyzmq's own tests: a negative type means the socket of the other side."""
    zmq: Any = importlib.import_module(tree)
    devices: Any = importlib.import_module(f"{tree}.devices")
    with zmq.Context() as home, zmq.Context() as context:
        device = devices.ThreadDevice(zmq.QUEUE, zmq.REP, -1)
        device.context_factory = lambda: home
        bind: Callable[[str], int] = getattr(device, f"bind_{side}_to_random_port")
        port = bind("tcp://127.0.0.1")
        device.start()
        with context.socket(zmq.REQ) as socket:
            socket.rcvtimeo = int(5000 * FACTOR)
            socket.linger = 0
            socket.connect(f"tcp://127.0.0.1:{port}")
            socket.send(b"back")
            assert socket.recv() == b"back"
        home.term()
        device.join()


def test_a_closed_socket_has_a_type_but_no_options(zmq: Any) -> None:
    """aiozmq, which asks a socket that it is given for its type to see whether it is open."""
    with zmq.Context() as context:
        socket = context.socket(zmq.PUB)
        socket.close()
        for get in (socket.getsockopt, socket.get):
            with pytest.raises(zmq.ZMQError) as caught:
                get(zmq.TYPE)
            assert caught.value.errno == zmq.ENOTSOCK
        assert socket.type == zmq.PUB
        assert "closed" in repr(socket)


def test_a_poller_refuses_late(zmq: Any) -> None:
    """pyleco, whose tests register mocks of sockets."""
    stranger = object()
    poller = zmq.Poller()
    poller.register(stranger, zmq.POLLIN)
    poller.modify(stranger, zmq.POLLOUT)
    assert poller.sockets == [(stranger, zmq.POLLOUT)]
    assert stranger in poller
    with pytest.raises(TypeError):
        poller.poll(0)
    poller.register(stranger, 0)
    assert stranger not in poller
    poller.register(stranger)
    poller.unregister(stranger)
    with pytest.raises(KeyError):
        poller.unregister(stranger)
    assert poller.poll(0) == []


def test_an_asynchronous_poller_refuses_late(zmq: Any) -> None:
    """pyleco, in the same way."""
    poller = importlib.import_module(f"{zmq.__name__}.asyncio").Poller()
    poller.register(object(), zmq.POLLIN)

    async def poll() -> None:
        await poller.poll(0)

    with pytest.raises(TypeError):
        asyncio.run(poll())
