"""Contexts and sockets that end while someone uses them."""

from __future__ import annotations

import signal

import pytest
from programs import program


def test_terminating_while_others_ask():
    """From inside zmq_ctx_term until Python hears of it, the handle is already gone."""
    program(
        """
        sys.setswitchinterval(1e-6)
        stop = []
        def ask():
            while not stop:
                context = contexts[-1]
                for call in (lambda: context.socket(zmq.PAIR).close(),
                    lambda: context.get(zmq.IO_THREADS),
                             lambda: context.set(zmq.BLOCKY, 1), context.shutdown, context.sockets,
                             lambda: context.term(timeout=0.001), lambda: context.destroy(0)):
                    try:
                        call()
                    except (zmq.ZMQError, RuntimeError):
                        pass
        contexts = [zmq.Context()]
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            contexts.append(zmq.Context())
            try:
                contexts[-1].socket(zmq.PAIR).close()
            except (zmq.ZMQError, RuntimeError):
                pass
            contexts[-1].term()
            assert contexts[-1].closed
        stop.append(1)
        for thread in threads:
            thread.join()
        """
    )


def test_a_termination_with_a_limit_is_finished_later():
    program(
        """
        context = zmq.Context()
        one = context.socket(zmq.PAIR)
        one.bind("inproc://open")
        error = refused(lambda: context.term(timeout=0.02), zmq.Again)
        assert "PAIR socket (inproc://open)" in str(error)
        refused(lambda: context.socket(zmq.PAIR))
        refused(lambda: context.get(zmq.IO_THREADS))
        context.shutdown()
        refused(lambda: one.recv(zmq.NOBLOCK), zmq.ContextTerminated)
        one.close()
        # the handle goes now, behind our back, and then the thread that has waited for it
        threads = "/proc/self/task"
        until(lambda: not os.path.isdir(threads) or len(os.listdir(threads)) == 1, "the end")
        refused(lambda: context.get(zmq.IO_THREADS))
        refused(lambda: context.socket(zmq.PAIR))
        context.shutdown()
        assert context.sockets() == []
        context.term()
        assert context.closed
        """
    )


def test_two_threads_terminate():
    program(
        """
        for _ in range(50):
            context = zmq.Context()
            one = context.socket(zmq.PAIR)
            threads = [threading.Thread(target=context.term),
                       threading.Thread(target=context.term, args=(5,)),
                       threading.Thread(target=context.destroy)]
            for thread in threads[:2]:
                thread.start()
            one.close()
            threads[2].start()
            for thread in threads:
                thread.join()
            assert context.closed
        """
    )


def test_terminating_in_the_handler_that_interrupts_the_termination():
    program(
        """
        import signal
        for timeout in (None, 10):
            context = zmq.Context()
            one = context.socket(zmq.PAIR)
            def handler(signum, frame):
                one.close()
                context.term()
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            context.term(timeout)
            assert context.closed
        """
        if hasattr(__import__("signal"), "setitimer")
        else "pass"
    )


needs_alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no signal.setitimer")


@needs_alarms
@pytest.mark.parametrize("timeout", [None, 60])
def test_a_handler_that_begins_a_termination_and_leaves_it(timeout):
    """A thread has the handle from then on: the term() that was interrupted leaves it alone."""
    program(
        """
        import signal
        timeout = eval(sys.argv[1])
        context = zmq.Context()
        one = context.socket(zmq.PAIR, bind="inproc://open")
        def handler(signum, frame):
            refused(lambda: context.term(timeout=0.02), zmq.Again)
            one.close()
            # the handle goes now, and then the thread that has waited for it
            threads = "/proc/self/task"
            until(lambda: not os.path.isdir(threads) or len(os.listdir(threads)) == 1, "the end")
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        context.term(timeout)
        assert context.closed
        """,
        str(timeout),
    )


def test_destroy_wakes_a_poller():
    program(
        """
        for kind in (zmq.PULL, zmq.DEALER):
            context = zmq.Context()
            one = context.socket(kind)
            one.bind("inproc://polled")
            poller = zmq.Poller()
            poller.register(one, zmq.POLLIN)
            errors = []
            def wait():
                try:
                    poller.poll()
                except zmq.ZMQError as error:
                    errors.append(error)
            thread = threading.Thread(target=wait)
            thread.start()
            until(lambda: misused(lambda: poller.poll(0)), "the thread to poll")
            context.destroy(0)
            thread.join(5)
            assert not thread.is_alive(), "the poller sleeps on"
            assert len(errors) == 1
        """
    )


def test_subclasses_that_forget_us():
    """A __del__ or close of one's own that does not call ours must leave no dangling pointers."""
    program(
        """
        import gc, warnings
        warnings.simplefilter("ignore")
        class Forgetful(zmq.Socket):
            def __del__(self):
                pass
        class Broken(zmq.Socket):
            def close(self, linger=None):
                raise RuntimeError("no")
        class OwnPoller(zmq.Poller):
            def __del__(self):
                pass
        class OwnContext(zmq.Context):
            def __del__(self):
                pass
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # exceptions in __del__ are reported there
        for cls in (Forgetful, Broken):
            context = OwnContext()
            keeper = context.socket(zmq.PAIR)
            for _ in range(10):
                one = cls(context, zmq.PAIR)
                one.linger = 0
                poller = OwnPoller()
                poller.register(one, 3)
                poller.register(keeper, 3)
                cycle = [one, poller]
                cycle.append(cycle)
                poller.cycle = cycle
                del one, poller, cycle
                gc.collect()
            assert context.sockets() == [keeper]
            keeper.bind("inproc://touch")
            keeper.poll(0)
            keeper.close()
            context.term(timeout=5)
            context = OwnContext()
            context._cycle = context
            del context
            gc.collect()
        zmq.Context().term()
        """
    )


def test_shadows_end_with_their_original():
    program(
        """
        one = zmq.PAIR(bind="inproc://original")
        shadows = [zmq.Socket.shadow(one), zmq.Socket.shadow(one.underlying), zmq.Socket(one)]
        peer = zmq.PAIR(connect="inproc://original")
        for shadow in shadows:
            shadow.send(b"hello")
            assert peer.recv() == b"hello"
        shadows[0].close()
        assert not one.closed
        poller = zmq.Poller()
        poller.register(shadows[1])
        one.close()
        for shadow in shadows:
            assert shadow.closed
            for call in (lambda: shadow.send(b"x"), lambda: shadow.recv(),
                lambda: shadow.get(zmq.LINGER)):
                refused(call, zmq.SocketClosed)
            shadow.close()
        refused(lambda: poller.poll(10))
        """
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork()")
def test_a_poller_and_a_shadow_in_the_child_of_a_fork():
    """The epoll set is shared with the parent: what the child unregisters must stay with the
    parent."""
    program(
        """
        import gc, warnings
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)  # of threads: libzmq's
        one = zmq.PULL(bind="inproc://forked")
        two = zmq.PUSH(connect="inproc://forked")
        shadow = zmq.Socket.shadow(one)
        pipe = os.pipe()
        poller, other = zmq.Poller(), zmq.Poller()
        for each in (poller, other):
            each.register(one, zmq.POLLIN)
            each.register(pipe[0], zmq.POLLIN)
        assert poller.poll(0) == other.poll(0) == []
        child = os.fork()
        if child == 0:
            try:
                for _ in range(2):
                    refused(lambda: poller.poll(0), zmq.ForkError)
                refused(lambda: shadow.recv(zmq.NOBLOCK), zmq.ForkError)
                refused(lambda: zmq.zmq_poll([(shadow, 1)], 0), zmq.ForkError)
                poller.unregister(one)
                poller.unregister(pipe[0])
                one.close()
                one.underlying
                del other, each
                gc.collect()
                own = zmq.PULL(bind="inproc://own", context=zmq.Context())
                poller.register(own)
                assert poller.poll(0) == []
                os._exit(0)
            except BaseException as error:
                print("child:", repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        two.send(b"x")
        os.write(pipe[1], b"x")
        for each in (poller, other):
            assert dict(each.poll(5000)) == {one: 1, pipe[0]: 1}
        """
    )


def test_registering_while_another_thread_polls():
    """The list that the kernel writes into must not move meanwhile."""
    program(
        """
        pipe = os.pipe()
        poller = zmq.Poller()
        poller.register(pipe[0], zmq.POLLIN)
        found = []
        thread = threading.Thread(target=lambda: found.extend(poller.poll(10_000)))
        thread.start()
        more = zmq.PAIR(bind="inproc://more")
        until(lambda: misused(lambda: poller.poll(0)), "the thread to poll")
        assert misused(lambda: poller.register(more))
        assert misused(lambda: poller.unregister(pipe[0]))
        os.write(pipe[1], b"x")
        thread.join()
        assert found == [(pipe[0], 1)]
        """
    )
