"""Objects are initialised once: a second time is refused, wherever it comes from."""

from __future__ import annotations

import textwrap

import pytest
from programs import HELPERS, run_program
from support import needs_drafts

PRELUDE = """
from zmqlite._native import core

class Again:
    '''A number that initialises an object while it is being converted.'''
    def __init__(self, number, act):
        self.number, self.act = number, act
    def __index__(self):
        act, self.act = self.act, lambda: None
        act()
        return self.number
    __int__ = __index__
    def __bool__(self):
        return bool(self.__index__())

def once(call):
    '''Call; it may be refused.'''
    try:
        return call()
    except RuntimeError as error:
        assert "once" in str(error), error

def together(count, call):
    '''Call from many threads at once; return what was raised.'''
    raised, start = [], threading.Barrier(count)
    def run():
        start.wait()
        try:
            call()
        except RuntimeError as error:
            raised.append(error)
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
"""


def initialising(code: str, *args: object) -> str:
    """Run it with an allocator that shows when freed memory is used."""
    return run_program(
        HELPERS + PRELUDE + textwrap.dedent(code), *args, env={"PYTHONMALLOC": "debug"}
    )


def test_a_frame_of_itself():
    initialising(
        """
        frame = zmq.Frame()
        frame.__init__(frame)
        assert len(frame) == 0 and frame.bytes == b""
        frame.__init__(b"body")
        refused(lambda: frame.__init__(frame), RuntimeError)
        assert frame.bytes == b"body"
        empty = zmq.Frame()
        assert empty.bytes == b"" and len(empty.buffer) == 0
        empty.__init__(b"late")
        assert empty.bytes == b"late" == empty.buffer
        """
    )


@pytest.mark.parametrize("outer", ["copied", "lent", "frame"])
@pytest.mark.parametrize("inner", ["copied", "lent", "frame", "empty"])
def test_a_frame_whose_argument_initialises_it(inner, outer):
    initialising(
        """
        bodies = {"copied": bytearray(b"inner" * 5000), "lent": b"inner" * 20000,
                  "frame": zmq.Frame(b"inner" * 5000), "empty": b""}
        inner, outer = bodies[sys.argv[1]], sys.argv[2]
        data = {"copied": bytearray(b"o" * 50), "lent": b"o" * 100_000, "frame": zmq.Frame(b"o")}
        data = data[outer]
        views = []
        for _ in range(20):
            frame = zmq.Frame.__new__(zmq.Frame)
            def act():
                frame.__init__(inner)
                views.append(memoryview(frame))
            threshold = Again(80_000, act)
            once(lambda: frame.__init__(data, copy_threshold=threshold))
            once(lambda: frame.__init__(data, track=threshold))
            if views:
                assert views[-1] == inner
            if views and len(inner):
                assert frame.bytes == bytes(inner)
            frame.__init__(frame) if not len(frame) else None
        """,
        inner,
        outer,
    )


def test_a_frame_that_threads_initialise():
    initialising(
        """
        bodies = [bytes([n]) * 300_000 for n in range(4)]
        for _ in range(150):
            frame = zmq.Frame.__new__(zmq.Frame)
            left = list(bodies)
            views = []
            def call():
                body = left.pop()
                frame.__init__(bytearray(body) if body[0] % 2 else body)
                views.append((memoryview(frame), body))
            raised = together(4, call)
            assert len(raised) == 3 and len(views) == 1
            assert views[0][0] == views[0][1] == frame.bytes
        """
    )


def test_a_frame_whose_class_makes_other_things():
    initialising(
        """
        class Itself(zmq.Frame):
            made = None
            def __new__(cls, *args):
                if cls.made is None:
                    cls.made = super().__new__(cls)
                return cls.made
            def __init__(self, *args):
                pass
        class Nothing(zmq.Frame):
            def __new__(cls, *args):
                return super().__new__(cls) if args else None
        class Full(zmq.Frame):
            def __init__(self, body=b"full"):
                super().__init__(body)
        for cls, body in ((Itself, b"a"), (Nothing, b"b"), (Full, b"c")):
            frame = cls(body)
            for call in (frame.fast_copy, frame.__copy__):
                refused(call, TypeError)
        class Plain(zmq.Frame):
            def __init__(self, *args):
                super().__init__(*args)
                self.note = "made"
        copy = Plain(b"plain").fast_copy()
        assert copy.bytes == b"plain" and copy.note == "made"
        """
    )


@pytest.mark.parametrize("module", ["zmqlite", "zmqlite.asyncio", "zmqlite._native.core"])
def test_a_socket_whose_argument_initialises_it(module):
    initialising(
        """
        import importlib
        module = importlib.import_module(sys.argv[1])
        with zmq.Context() as context:
            other = context.socket(zmq.REP)
            # the facade takes no such thing for an address
            for keyword in ("copy_threshold", "shadow") if module is core else ("copy_threshold",):
                one = module.Socket.__new__(module.Socket)
                number = Again(5 if keyword == "copy_threshold" else other.underlying,
                               lambda: one.__init__(context, zmq.PULL))
                once(lambda: one.__init__(context, zmq.PUSH, **{keyword: number}))
                assert context.sockets().count(one) == 1
                assert one._type_number == zmq.PULL
                one._bind(f"inproc://{keyword}")
                one.close()
            one = module.Socket(context, zmq.PUB)
            for more in ({}, {"shadow": other.underlying}):
                refused(lambda: one.__init__(context, zmq.SUB, **more), RuntimeError)
            assert not getattr(one, "_shadow", False)
            assert one._type_number == zmq.PUB and not one.closed
            one.close()
            refused(lambda: one.__init__(context, zmq.SUB), RuntimeError)
            assert context.sockets() == [other]
            other.close()
        """,
        module,
    )


def test_a_socket_that_threads_initialise():
    initialising(
        """
        with zmq.Context() as context:
            for _ in range(100):
                one = zmq.Socket.__new__(zmq.Socket)
                assert len(together(4, lambda: one.__init__(context, zmq.PAIR))) == 3
                assert context.sockets() == [one]
                one.close()
                assert context.sockets() == []
        """
    )


def test_what_failed_can_be_initialised_again():
    initialising(
        """
        context = zmq.Context.__new__(zmq.Context)
        refused(lambda: context.__init__(-1))
        context.__init__(1)
        one = zmq.Socket.__new__(zmq.Socket)
        refused(lambda: one.__init__(context, 4711))
        refused(lambda: one.__init__(None, zmq.PAIR), TypeError)
        refused(lambda: one.__init__(shadow=4711))
        one.__init__(context, zmq.PAIR)
        one.bind("inproc://at-last")
        one.close()
        frame = zmq.Frame.__new__(zmq.Frame)
        refused(lambda: frame.__init__("text"), TypeError)
        frame.__init__(b"bytes")
        context.term()
        """
    )


@pytest.mark.parametrize("module", ["zmqlite", "zmqlite.asyncio", "zmqlite._native.core"])
def test_a_context_whose_argument_initialises_it(module):
    initialising(
        """
        import importlib
        module = importlib.import_module(sys.argv[1])
        other = zmq.Context()
        for _ in range(2):
            number = Again(2, lambda: context.__init__(1))
            context = module.Context.__new__(module.Context)
            once(lambda: context.__init__(number))
            refused(lambda: context.__init__(1), RuntimeError)
            refused(lambda: context.__init__(1, other.underlying), RuntimeError)
            assert not getattr(context, "_shadow", False)
            if module is not core:
                context.linger = 7
                refused(lambda: context.__init__(1), RuntimeError)
                assert context.linger == 7
            zmq.Socket(context, zmq.PAIR).close()
            context.term()
            assert context.closed
            refused(lambda: context.__init__(1), RuntimeError)
        context = core.Context.__new__(core.Context)
        once(lambda: context.__init__(1, Again(other.underlying, lambda: context.__init__(1))))
        context.term()
        for _ in range(50):
            context = module.Context.__new__(module.Context)
            assert len(together(4, context.__init__)) == 3
            context.term()
        other.term()
        """,
        module,
    )


def test_every_other_class_is_initialised_once():
    """Those of the loops, too, whose fields are in use while they call out."""
    initialising(
        """
        import asyncio, zmqlite.asyncio
        loop = asyncio.new_event_loop()
        with zmq.PAIR(bind="inproc://once") as one:
            peer = zmq.PAIR(connect="inproc://once", linger=0)
            class Link:
                pass
            loan = core.Loan(one, 5)
            view = loan.__enter__()
            refused(lambda: loan.__init__(one, 9), RuntimeError)
            view[:] = b"loans"
            del view
            loan.__exit__(None, None, None)
            assert peer.recv() == b"loans"
            refused(lambda: loan.__init__(one, 9), RuntimeError)
            refused(loan.__enter__, RuntimeError)
            budget = core.FairnessBudget(lambda call: None)
            refused(lambda: budget.__init__(print), RuntimeError)
            dispatcher = core.Dispatcher.__new__(core.Dispatcher)
            errors = (asyncio.CancelledError, asyncio.InvalidStateError)
            kinds = (asyncio.Future, (asyncio.Task,), *errors)
            of_handle = (dispatcher, budget, loop, kinds)
            handle = core.LoopHandle(*of_handle)
            refused(lambda: handle.__init__(*of_handle), RuntimeError)
            queues = [core.WaitQueue(handle, mask) for mask in (1, 2, 3)]
            refused(lambda: queues[0].__init__(handle, 1), RuntimeError)
            dispatcher.__init__(one, *queues)
            refused(lambda: dispatcher.__init__(one, *queues), RuntimeError)
            waiter = core.TaskWaiter(queues[0], print)
            refused(lambda: waiter.__init__(queues[0], print), RuntimeError)
            of_path = (asyncio._get_running_loop, asyncio.Future, *queues)
            path = core.FastPath(*of_path)
            refused(lambda: path.__init__(*of_path), RuntimeError)
            batch = core.Batch(one, [b"first"])
            refused(lambda: batch.__init__(one, [b"second"]), RuntimeError)
            assert batch() == 1
            assert peer.recv() == b"first"
            peer.close()
        loop.close()
        """
    )


def test_what_waits_and_was_not_initialised():
    initialising(
        """
        with zmq.PAIR(bind="inproc://lane") as one:
            path = core.FastPath.__new__(core.FastPath)
            refused(path.in_loop, RuntimeError)
            assert (path.recv(one), path.next(one), path.send(one, b"x", 0)) == (None,) * 3
            queue = core.WaitQueue.__new__(core.WaitQueue)
            refused(lambda: path.__init__(print, print, queue, queue, queue), RuntimeError)
            dispatcher = core.Dispatcher.__new__(core.Dispatcher)
            assert dispatcher.try_recv(one) is None
            assert dispatcher.try_send(one, b"x", 0) is False
            refused(lambda: dispatcher.__init__(one, queue, queue, queue), RuntimeError)
            refused(lambda: dispatcher.waiting, AttributeError)
            refused(dispatcher.dispatch, TypeError)
            waiter = core.TaskWaiter.__new__(core.TaskWaiter)
            refused(waiter.first_try, TypeError)
            refused(waiter.end_wait, AttributeError)
        """
    )


@needs_drafts
def test_a_signal_is_initialised_once():
    initialising(
        """
        with zmq.CLIENT() as one, zmq.SERVER() as two:
            signal = core.ReadyFD(one)
            used = signal.fileno()
            refused(lambda: signal.__init__(two), RuntimeError)
            assert signal.fileno() == used
            signal.close()
            refused(lambda: signal.__init__(two), RuntimeError)
            refused(signal.fileno, ValueError)
        """
    )


def test_classes_with_an_own_init_work_as_they_did():
    initialising(
        """
        class Own(zmq.Socket):
            def __init__(self, *args, note="", **keywords):
                super().__init__(*args, **keywords)
                self.__dict__["note"] = note
        class OwnContext(zmq.Context):
            def __init__(self, *args, note="", **keywords):
                super().__init__(*args, **keywords)
                self.__dict__["note"] = note
        class OwnPoller(zmq.Poller):
            def __init__(self, note):
                super().__init__()
                self.note = note
        with OwnContext(2, note="c") as context:
            one = context.socket(zmq.PAIR, Own, note="s", copy_threshold=5)
            assert (context.note, context.io_threads) == ("c", 2)
            assert (one.note, one.copy_threshold) == ("s", 5)
            shadow = Own(one, note="second")
            assert shadow._shadow and shadow._shadow_obj is one
            poller = OwnPoller("p")
            poller.register(one)
            assert poller.note == "p" and one in poller
            one.close()
        """
    )
