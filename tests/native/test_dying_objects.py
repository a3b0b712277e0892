"""Sockets that are just being deallocated: nothing brings them back to life, or waits for them.

Python tells weak references, and lets go of what a subclass's attributes hold, before the object
itself comes to its end. Code that runs there reaches the socket through its context.
"""

from __future__ import annotations

import textwrap

import pytest
from programs import HELPERS, run_program

SUBCLASSES = """
import gc, weakref
class Silent(zmq.Socket):
    def __del__(self):
        pass
class Open(zmq.Socket):
    def close(self, linger=None):
        pass
    def __del__(self):
        pass
class Failing(zmq.Socket):
    def __del__(self):
        raise ZeroDivisionError
class Slotted(zmq.Socket):
    __slots__ = ("slot",)
    def __del__(self):
        pass
sys.unraisablehook = lambda unraisable: None  # of Failing

class Finalizer:
    def __init__(self, act):
        self.act = act
    def __del__(self):
        self.act()
"""


def dying(code: str, *args: object) -> str:
    """Run it with an allocator that shows when freed memory is used."""
    return run_program(
        HELPERS + SUBCLASSES + textwrap.dedent(code), *args, env={"PYTHONMALLOC": "debug"}
    )


@pytest.mark.parametrize("end", ["destroy", "destroy(0)", "term", "term in time", "sockets"])
@pytest.mark.parametrize("kind", ["Silent", "Open", "Failing", "Slotted"])
def test_a_context_is_ended_while_its_socket_dies(kind, end):
    dying(
        """
        ends = {
            "destroy": lambda c: c.destroy(),
            "destroy(0)": lambda c: c.destroy(0),
            "term": lambda c: c.term(),
            "term in time": lambda c: c.term(timeout=10),
            "sockets": lambda c: c.sockets(),
        }
        kind, end = globals()[sys.argv[1]], ends[sys.argv[2]]
        def by_weak_reference(context, one):
            weakref.finalize(one, end, context)
        def by_attribute(context, one):
            one._attribute = Finalizer(lambda: end(context))
        def by_slot(context, one):
            name = "slot" if kind is Slotted else "_attribute"
            setattr(one, name, Finalizer(lambda: end(context)))
        for way in (by_weak_reference, by_attribute, by_slot):
            # in a cycle it is not dying yet: term() waits for it as for any that is open
            for cycle in (False, True) if "term" not in sys.argv[2] else (False,):
                context = zmq.Context()
                one = kind(context, zmq.PUSH)
                way(context, one)
                if cycle:
                    one._me = one
                del one
                gc.collect()
                assert context.sockets() == [], (way, cycle)
                assert context.closed == (sys.argv[2] != "sockets"), (way, cycle)
                context.term(timeout=10)
        """,
        kind,
        end,
    )


def test_no_list_of_sockets_has_one_that_dies():
    dying(
        """
        found = []
        with zmq.Context() as context:
            other = context.socket(zmq.PAIR, linger=0)
            for kind in (Silent, Open, Slotted):
                one = kind(context, zmq.PULL)
                address = one.underlying
                weakref.finalize(one, lambda: found.append(context.sockets()))
                weakref.finalize(one, lambda: found.append([str(context)]))
                shadow = zmq.Socket.shadow(address)
                weakref.finalize(one, lambda s=shadow: found.append([s._shadowed()]))
                del one
                gc.collect()
            context.destroy()
        assert found.count([other]) == 3 and found.count([None]) == 3, found
        """
    )


def test_asyncio_sockets_die_alike():
    dying(
        """
        import zmqlite.asyncio
        class Silent(zmqlite.asyncio.Socket):
            def __del__(self):
                pass
        context = zmqlite.asyncio.Context()
        one = context.socket(zmq.PUSH, Silent)
        weakref.finalize(one, context.destroy)
        del one
        gc.collect()
        assert context.closed
        """
    )


def test_another_thread_ends_the_context_of_a_socket_that_dies():
    dying(
        """
        context = zmq.Context()
        dies, over = threading.Event(), threading.Event()
        def wait():
            dies.set()
            over.wait(20)
        def work():
            one = Silent(context, zmq.PUSH)
            weakref.finalize(one, wait)
        thread = threading.Thread(target=work)
        thread.start()
        assert dies.wait(20)
        assert context.sockets() == []
        context.destroy()
        over.set()
        thread.join()
        assert context.closed
        """
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork()")
def test_a_process_forks_while_its_socket_dies():
    dying(
        """
        import warnings
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        context = zmq.Context()
        one = Silent(context, zmq.PUSH)
        children = []
        weakref.finalize(one, lambda: children.append(os.fork()))
        del one
        gc.collect()
        if children == [0]:
            refused(lambda: context.socket(zmq.PULL), zmq.ForkError)
            with zmq.Context() as own:
                own.socket(zmq.PULL).close()
            os._exit(0)
        assert os.waitpid(children[0], 0)[1] == 0
        context.term()
        """
    )


def test_a_socket_that_its_finalizer_saves_lives_on():
    """What Python calls resurrection, which is allowed in `__del__`."""
    dying(
        """
        saved = []
        class Saved(zmq.Socket):
            def __del__(self):
                saved.extend(context.sockets())
        with zmq.Context() as context:
            one = Saved(context, zmq.PAIR)
            one.bind("inproc://saved")
            del one
            gc.collect()
            peer = context.socket(zmq.PAIR, connect="inproc://saved", linger=0)
            saved[0].send(b"here")
            assert peer.recv() == b"here"
            peer.close()
            saved.pop().close()
            gc.collect()
        """
    )


@pytest.mark.skipif(not __import__("os").path.isdir("/proc/self/task"), reason="needs /proc")
def test_a_context_whose_finalizer_forgets_ours_leaves_no_threads():
    dying(
        """
        class Silent(zmq.Context):
            def __del__(self):
                pass
        def threads():
            return len(os.listdir("/proc/self/task"))
        before = threads()
        context = Silent()
        context.socket(zmq.PAIR).close()
        assert threads() > before
        del context
        gc.collect()
        until(lambda: threads() <= before, "the threads to end")
        """
    )
