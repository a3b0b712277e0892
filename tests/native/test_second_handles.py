"""A second handle on a context, `Context.shadow`, ends nothing of its owner: in every world."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest
from programs import program, run_program
from support import FACTOR, in_thread, needs_patch, wait_inside, wait_until

import zmqlite as zmq


def test_destroy_beside_a_thread_that_receives(context: Any) -> None:
    view = zmq.Context.shadow(context)
    own = context.socket(zmq.PAIR, bind="inproc://own")
    held, idle = view.socket(zmq.PAIR, connect="inproc://own"), view.socket(zmq.PUSH)
    join = in_thread(held.recv)
    wait_inside(held)
    for _ in range(2):
        with pytest.raises(zmq.ThreadMisuse, match="wakes nobody: have its threads leave"):
            view.destroy()
        assert idle.closed
        assert not view.closed
    own.send(b"go on")  # the owner's sockets work as before, and so does the view's
    assert join() == b"go on"
    view.destroy()
    assert held.closed
    assert view.closed
    assert not context.closed
    context.socket(zmq.PAIR).close()


def test_shutdown_is_refused(context: Any) -> None:
    view = zmq.Context.shadow(context)
    with pytest.raises(zmq.NotSupported, match="second handle"):
        view.shutdown()
    with context.socket(zmq.PAIR) as one:
        assert not one.poll(0)
    view.term()
    view.shutdown()  # a closed handle is left alone


def test_its_linger_is_its_own(context: Any) -> None:
    view = zmq.Context.shadow(context)
    own = context.socket(zmq.PUSH, linger=1234)
    other = view.socket(zmq.PUSH)
    view.destroy(linger=5)
    assert other.closed
    assert own.linger == 1234
    own.close()


def test_asyncio(context: Any) -> None:
    import zmqlite.asyncio as azmq

    async def main() -> None:
        view = azmq.Context.shadow(context)
        held = view.socket(zmq.PULL, socket_class=zmq.Socket, bind="inproc://held")
        join = in_thread(held.recv)
        wait_inside(held)
        with pytest.raises(zmq.ThreadMisuse, match="wakes nobody"):
            await view.__aexit__(None, None, None)
        raise_if_closed(context)
        context.socket(zmq.PUSH, connect="inproc://held").send(b"x")
        assert join() == b"x"
        async with view:
            pass
        assert held.closed

    with pytest.warns(ResourceWarning, match="unclosed socket"):
        asyncio.run(main())
    raise_if_closed(context)


def raise_if_closed(context: Any) -> None:
    with context.socket(zmq.PAIR) as one:
        one.poll(0)


def test_trio(context: Any) -> None:
    trio = pytest.importorskip("trio")
    import zmqlite.trio as tzmq

    async def main() -> None:
        async with tzmq.Context.shadow(context) as view:
            view.socket(tzmq.PULL).close()
        assert view.closed

    trio.run(main)
    raise_if_closed(context)


def test_gevent(context: Any) -> None:
    gevent = pytest.importorskip("gevent")
    import zmqlite.green as gzmq

    view = gzmq.Context.shadow(context)
    waits = gevent.spawn(view.socket(gzmq.PULL).recv)
    gevent.sleep(0)
    view.destroy()
    gevent.wait([waits])
    assert view.closed
    raise_if_closed(context)


@pytest.mark.parametrize("how", ["term", "destroy", "with"])
def test_no_end_of_a_view_ends_its_owner(context: Any, how: str) -> None:
    view = zmq.Context.shadow(context)
    if how == "with":
        with view:
            pass
    else:
        getattr(view, how)()
    assert view.closed
    raise_if_closed(context)


@pytest.mark.parametrize("inside", [False, True], ids=["idle", "in a thread"])
def test_a_socket_that_a_view_left_open_does_not_hold_up_the_exit(inside: bool) -> None:
    """It has nothing to send, so there is nothing to wait for, or to say."""
    run_program(
        """
        import warnings
        warnings.simplefilter("ignore")
        zmq.Context.exit_patience = 60
        context = zmq.Context()
        socket = zmq.Context.shadow(context).socket(zmq.PULL, bind="tcp://127.0.0.1:*")
        if sys.argv[1] == "True":
            threading.Thread(target=socket.recv, daemon=True).start()
            while True:
                try:
                    socket.get(zmq.LINGER)
                except zmq.ThreadMisuse:
                    break
        """,
        inside,
    )


def test_the_owner_names_what_a_view_has_left() -> None:
    program(
        """
        context = zmq.Context()
        view = zmq.Context.shadow(context)
        socket = view.socket(zmq.PUSH, connect="tcp://127.0.0.1:9")
        socket.send(b"x")
        error = refused(lambda: context.term(timeout=0.01), zmq.Again)
        assert "PUSH socket (tcp://127.0.0.1:9) is open: 1 message not sent" in str(error), error
        socket.close()
        view.term()
        error = refused(lambda: context.term(timeout=0.01), zmq.Again)
        assert "PUSH socket (tcp://127.0.0.1:9)" in str(error), error
        os._exit(0)
        """
    )


def test_a_view_whose_owner_ends_first(make_context: Any) -> None:
    context = make_context()
    view = zmq.Context.shadow(context)
    held = view.socket(zmq.PULL, bind="inproc://held")
    join = in_thread(held.recv)
    wait_inside(held)
    context.shutdown()
    with pytest.raises(zmq.ContextTerminated):
        join()
    wait_until(lambda: not held.closed, what="the socket, which is its user's to close")
    view.destroy()
    context.term()


def check_closed(view: Any) -> None:
    """It says so, and does nothing, least of all in a context that lies where its own was."""
    after = [zmq.Context() for _ in range(3)]
    assert view.closed
    assert not view.underlying
    for call in (
        lambda: view.get(zmq.IO_THREADS),
        lambda: view.set(zmq.MAX_SOCKETS, 5),
        view.stats,
    ):
        with pytest.raises(RuntimeError, match="closed"):
            call()
    with pytest.raises(zmq.ContextTerminated, match="the context is closed"):
        view.socket(zmq.PAIR)
    assert view.sockets() == []
    for one in after:
        one.term(timeout=20 * FACTOR)
    for call in (view.shutdown, view.term, view.destroy):
        call()


ENDS: dict[str, Any] = {
    "term": lambda context: context.term(),
    "term(timeout=)": lambda context: context.term(timeout=20 * FACTOR),
    "destroy": lambda context: context.destroy(),
    "a thread": lambda context: in_thread(context.term)(),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_view_ends_with_its_owner(make_context: Any, how: str) -> None:
    context, other = make_context(), make_context()
    view, stays = zmq.Context.shadow(context), zmq.Context.shadow(other)
    views = view, zmq.Context.shadow(view), zmq.Context(shadow=context.underlying)
    view.socket(zmq.PUSH).close()
    ENDS[how](context)
    for one in views:
        check_closed(one)
    assert not stays.closed
    stays.socket(zmq.PAIR).close()
    stays.term()


@needs_patch("unsent-report")
def test_a_view_while_its_owner_ends_in_a_thread(make_context: Any) -> None:
    context = make_context()
    view = zmq.Context.shadow(context)
    held = view.socket(zmq.PAIR)
    with pytest.raises(zmq.Again, match="PAIR socket is open"):
        context.term(timeout=0.01)
    for call in (lambda: view.get(zmq.IO_THREADS), lambda: view.socket(zmq.PAIR), view.stats):
        with pytest.raises(zmq.ContextTerminated):
            call()
    assert not view.closed  # so that it can close its sockets
    view.destroy()
    assert held.closed
    context.term(timeout=20 * FACTOR)
    check_closed(view)


def test_a_view_whose_owner_is_dropped() -> None:
    context = zmq.Context()
    views = [zmq.Context(shadow=context.underlying) for _ in range(2)]
    held = views[0].socket(zmq.PAIR)
    with pytest.warns(ResourceWarning, match="unclosed context"):
        del context
    assert views[0].closed
    with pytest.raises(zmq.ContextTerminated):
        held.recv()
    assert not held.closed
    views[0].destroy()
    assert held.closed
    for view in views:
        check_closed(view)


def test_the_exit_closes_what_a_view_has_left_whose_owner_was_dropped() -> None:
    run_program(
        """
        import gc, warnings
        warnings.simplefilter("ignore")
        zmq.Context.exit_patience = 60
        context = zmq.Context()
        view = zmq.Context(shadow=context.underlying)
        socket = view.socket(zmq.PULL, bind="tcp://127.0.0.1:*")
        del context
        gc.collect()
        assert view.closed
        """
    )


def test_a_view_in_the_child_of_a_fork() -> None:
    program(
        """
        context = zmq.Context()
        view = zmq.Context.shadow(context)
        socket = view.socket(zmq.PAIR)
        child = os.fork()
        if not child:
            assert view.closed and socket.closed
            refused(lambda: view.get(zmq.IO_THREADS), zmq.ForkError)
            context.term()
            view.destroy()
            view.term()
            view.destroy()
            refused(lambda: view.socket(zmq.PAIR), zmq.ForkError)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        view.destroy()
        assert socket.closed
        context.term()
        assert view.closed
        """
    )


def test_a_socket_asked_of_one_whose_owner_ended_says_so_as_pyzmq_does() -> None:
    owner = zmq.Context()
    view, closed = zmq.Context.shadow(owner), zmq.Context.shadow(owner)
    closed.term()
    owner.term()
    for context, number in ((view, errno.EFAULT), (closed, errno.ENOTSUP), (owner, errno.ENOTSUP)):
        with pytest.raises(zmq.ZMQError, match="closed") as caught:
            context.socket(zmq.PUB)
        assert caught.value.errno == number
