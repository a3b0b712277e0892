"""The system runs out of something: an exception says of what."""

from __future__ import annotations

import errno
import sys

import pytest
from programs import program
from support import needs_drafts, needs_patch

import zmqlite as zmq

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")


@linux_only
@pytest.mark.parametrize("spare", [0, 1, 2, 3, 4, 5, 6, 8, 10, 12])
def test_no_descriptors_for_a_context(spare):
    program(
        """
        import resource
        spare = int(sys.argv[1])
        context = zmq.Context()
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        for fd in taken[:spare]:
            os.close(fd)
        try:
            made = [context.socket(zmq.PAIR)]
        except zmq.ZMQError as error:
            assert error.errno == 24 and "ulimit" in str(error), error
            assert spare < 14
            made = []
        for call in (lambda: made.append(context.socket(zmq.PUSH)), lambda: made[0].bind("tcp://127.0.0.1:*"),
                     lambda: made[0].connect("tcp://127.0.0.1:9"), lambda: made[0].poll(1),
                     lambda: zmq.Poller().register(made[0]), lambda: zmq.Poller().poll(1)):
            try:
                call()
            except (zmq.ZMQError, IndexError) as error:
                pass
        for fd in taken[spare:]:
            os.close(fd)
        context.socket(zmq.PAIR).close()
        context.destroy(0)
        """,
        spare,
    )


@linux_only
def test_no_descriptors_while_connections_come():
    program(
        """
        import resource
        server = zmq.REP(bind="tcp://127.0.0.1:*")
        port = int(server.last_endpoint.decode().rpartition(":")[2])
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, used + 40))
        raws = []
        try:
            for _ in range(100):
                raws.append(socket.create_connection(("127.0.0.1", port)))
        except OSError:
            pass
        assert len(raws) >= 15
        refused(lambda: [zmq.PAIR(linger=0) for _ in range(100)])
        for raw in raws:
            raw.close()
        def ask():
            with zmq.REQ(connect=server.last_endpoint.decode(), linger=0) as client:
                client.send(b"?")
                return server.poll(200) and server.recv() and (server.send(b"!") or client.recv())
        for _ in range(20):
            if ask():
                break
        else:
            raise AssertionError("the server does not recover")
        """
    )


LOOPS = {
    "sockets": "with zmq.PAIR(linger=0): pass",
    "bound": "with zmq.PULL(bind='ipc://@zmqlite-%d-%d' % (os.getpid(), number), linger=0): pass",
    "connected": "with zmq.PUSH(connect='tcp://127.0.0.1:9', linger=0): pass",
    "monitored": """
with zmq.SUB(linger=0) as sub, sub.get_monitor_socket():
    sub.connect("tcp://127.0.0.1:9")
""",
    "left monitors": """
with zmq.SUB(linger=0) as sub:
    sub.monitor("inproc://monitor-%d" % number)
""",
    "polled": """
with zmq.PAIR(linger=0) as pair:
    zmq.Poller().register(pair)
    zmq.Poller().poll(0)
""",
    "contexts": """
zmq.PAIR(linger=0).close()
with zmq.Context() as context, context.socket("pair"): pass
""",
}


@linux_only
@pytest.mark.parametrize("loop", LOOPS)
def test_opening_and_closing_in_a_loop_does_not_run_out_of_descriptors(loop):
    """What a closed socket held comes back in libzmq's own time: the loop waits for it."""
    program(
        """
        import resource
        loop = compile(sys.argv[1], "loop", "exec")
        zmq.PAIR().close()  # the threads of the context are there
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 25, used + 25))
        for number in range(400):
            exec(loop)
        """,
        LOOPS[loop],
    )


OPEN_AND_CLOSE = """
import resource
from zmqlite._native import core

def open_and_close(use):
    "Sockets, where few descriptors are free, with a use of one more after each."
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, used + 20))
    for _ in range(400):
        zmq.PAIR().close()
        use()

"""


@linux_only
@pytest.mark.parametrize("copy", ["core.duplicate(0)", "core.duplicate_fd_of(one)"])
def test_a_copy_of_a_descriptor_waits_for_closed_sockets(copy):
    """As event loops make one for what waits."""
    program(
        OPEN_AND_CLOSE
        + """
one = zmq.PAIR()
copy = lambda: eval(sys.argv[1])
open_and_close(lambda: os.close(copy()))
kept = []
error = refused(lambda: [kept.append(copy()) for _ in range(30)], OSError)
assert error.errno == 24, error
""",
        copy,
    )


@linux_only
@needs_drafts
def test_a_descriptor_for_a_thread_safe_type_waits_for_closed_sockets():
    program(
        OPEN_AND_CLOSE
        + """
server = zmq.SERVER()

def use():
    signal = core.ReadyFD(server)
    signal.fileno()
    signal.close()

open_and_close(use)
"""
    )


@linux_only
@needs_drafts
def test_a_poll_of_a_thread_safe_type_waits_for_closed_sockets():
    """libzmq opens a descriptor for each such poll."""
    program(
        OPEN_AND_CLOSE
        + """
server = zmq.SERVER()

def use():
    assert server.poll(0) == 0

open_and_close(use)
kept = []

def refusal():  # what the last closed socket held may come back late
    refused(lambda: [kept.append(os.dup(0)) for _ in range(30)], OSError)
    try:
        server.poll(0)
    except zmq.ZMQError as error:
        return error

error = until(refusal)
assert error.errno == 24 and "raise the limit" in str(error), error
"""
    )


def test_opening_and_closing_in_a_loop_stays_within_max_sockets(make_context):
    context = make_context(max_sockets=2)
    for _ in range(1000):
        with context.socket("pair"), context.socket("pair"):
            pass


def test_a_context_ends_though_closed_sockets_hold_the_last_descriptors():
    """It may need a socket itself, for inproc connections to a name that nobody bound."""
    program(
        """
        import resource
        used = len(os.listdir("/proc/self/fd"))
        for timeout in (None, 20):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 25, used + 25))
            for _ in range(20):
                context = zmq.Context()
                waits = context.socket("pair", connect="inproc://nobody", linger=0)
                made = []
                try:
                    while True:
                        made.append(context.socket("pair"))
                except zmq.ZMQError as error:
                    assert error.errno == 24, error
                for one in made + [waits]:
                    one.close()
                context.term(timeout)
        """
    )


def test_what_is_short_is_named():
    """The limit of open files is the one to raise only when it is what was reached."""
    context = zmq.Context(max_sockets=2)
    pairs = [context.socket("pair", linger=2500) for _ in range(2)]
    for attempt in (lambda: context.socket("pair"), lambda: pairs[0].monitor("inproc://monitor")):
        with pytest.raises(zmq.ZMQError, match="MAX_SOCKETS of 2") as refusal:
            attempt()
        assert refusal.value.errno == errno.EMFILE
        assert "ulimit" not in str(refusal.value)
        assert "linger" not in str(refusal.value)
    pairs[0].connect("tcp://127.0.0.1:9")
    pairs[0].send(b"never sent")
    pairs[0].close()
    with pytest.raises(zmq.ZMQError, match=r"MAX_SOCKETS of 2 .* until their linger is over"):
        context.socket("pair")
    context.destroy(0)


@linux_only
def test_what_is_open_for_good_is_refused_at_once():
    program(
        """
        import resource
        sockets = [zmq.PAIR(linger=0)]
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 5, used + 5))
        took = 9
        for _ in range(5):
            start = time.monotonic()
            error = refused(lambda: [sockets.append(zmq.PAIR(linger=0)) for _ in range(9)])
            took = min(took, time.monotonic() - start)
            assert error.errno == 24 and "ulimit" in str(error), error
            assert "MAX_SOCKETS" not in str(error), error
            for call in (lambda: zmq.Context(), lambda: sockets[0].monitor("inproc://m"),
                         lambda: zmq.Poller().register(sockets[0]), lambda: zmq.Poller().poll(0)):
                error = refused(call)
                assert error.errno == 24 and "ulimit" in str(error), error
        assert took < 0.9, took  # the patience with closed sockets is a second
        """
    )


def test_limits_beyond_reason():
    program(
        """
        for number in (-1, 1 << 20, (1 << 31) - 1):
            refused(lambda: zmq.Context(io_threads=number), zmq.ZMQError, ValueError)
        refused(lambda: zmq.Context(io_threads=1 << 40), OverflowError, zmq.ZMQError)
        context = zmq.Context()
        for number in (-1, 0, 1 << 20, (1 << 31) - 1):
            refused(lambda: context.set(zmq.MAX_SOCKETS, number))
            if number:
                refused(lambda: context.set(zmq.IO_THREADS, number))
        context.max_sockets = 65535
        context.socket(zmq.PAIR).close()
        context.term()
        """
    )


def test_a_context_without_io_threads():
    program(
        """
        context = zmq.Context(io_threads=0)
        one, two = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        for address in ("tcp://127.0.0.1:*", "ipc://*", "ws://127.0.0.1:*"):
            refused(lambda: one.bind(address))
        for address in ("tcp://127.0.0.1:9", "ipc:///tmp/nobody-there"):
            refused(lambda: one.connect(address))
        one.bind("inproc://works")
        two.connect("inproc://works")
        two.send(b"fine")
        assert one.recv() == b"fine"
        context.destroy(0)
        """
    )


@needs_patch("term-pending")
@linux_only
def test_more_sockets_than_a_context_has_room_for():
    program(
        """
        import resource
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        context = zmq.Context()
        made = []
        def more():
            while True:
                made.append(context.socket(zmq.PUSH, linger=0))
                made[-1].connect("inproc://pending")
        error = refused(more)
        assert error.errno == 24 and "MAX_SOCKETS" in str(error)
        if hard > 1100:
            assert len(made) == 1023
        context.destroy()
        """
    )


@needs_patch("term-pending")
@pytest.mark.parametrize("count", [1, 2, 5])
def test_pending_inproc_connections_at_the_limit(count):
    """zmq_ctx_term needs one more socket to end them, and asserted that it gets it."""
    program(
        """
        count = int(sys.argv[1])
        for end in ("destroy", "term", "timeout", "shutdown"):
            context = zmq.Context()
            context.max_sockets = count
            sockets = [context.socket(zmq.PUSH, linger=0) for _ in range(count)]
            for number, one in enumerate(sockets):
                one.connect(f"inproc://nobody-{number % 3}")
                one.send(b"into the void")
            refused(lambda: context.socket(zmq.PAIR))
            if end == "destroy":
                context.destroy()
                continue
            if end == "shutdown":
                context.shutdown()
            for one in sockets:
                one.close()
            context.term(*[5] * (end == "timeout"))
        """,
        count,
    )


@needs_drafts
@needs_patch("small-batch")
@pytest.mark.parametrize("size", [1, 2, 8, 9])
def test_a_tiny_batch_of_input(size):
    """A buffer of one byte: bodies were read from memory that was someone else's."""
    program(
        """
        context = zmq.Context()
        receiver = context.socket(zmq.PULL, linger=0, rcvtimeo=20000)
        receiver.set(zmq.IN_BATCH_SIZE, int(sys.argv[1]))
        sender = context.socket(zmq.PUSH, linger=0)
        sender.connect(receiver.bind("tcp://127.0.0.1:*"))
        for turn in range(100):
            for length in (0, 1, 26, 33, 40, 300, 5000):
                body = bytes([turn]) * length
                sender.send(body)
                assert receiver.recv() == body
        context.destroy(0)
        """,
        size,
    )
