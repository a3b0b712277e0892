"""The system gives no thread, or not as it was asked for: an error says so, and signals come."""

from __future__ import annotations

import os
import sys

import pytest
from programs import program
from support import needs_patch

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")


@linux_only
def test_no_memory_for_threads():
    program(
        """
        import resource
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + (100 << 20),) * 2)
        context = zmq.Context(io_threads=200)
        assert refused(lambda: context.socket(zmq.PAIR)).errno == 12
        context.io_threads = 1
        context.socket(zmq.PAIR).close()
        context.term()
        """
    )


NO_THREADS = """
import resource, signal
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
def without_threads(call):
    '''Call while no thread can be had: there is no room for its stack.'''
    kept = [bytes(100) for _ in range(10_000)]
    del kept  # what an exception takes is there already
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 20), hard))
    try:
        return call()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""


@linux_only
def test_term_in_time_without_a_thread_for_it():
    """Our libzmq needs none; with another it says so, blocks no signals, and the context can be
    terminated later."""
    program(
        NO_THREADS
        + """
before = blocked()
context = zmq.Context()
error = without_threads(lambda: refused(lambda: context.socket(zmq.PAIR)))
assert error.errno == 12 and blocked() == before
context.socket(zmq.PAIR).close()
needs_none = "unsent-report.patch" in zmq._build.LIBZMQ_PATCHES
if needs_none:
    without_threads(lambda: context.term(timeout=20))
    assert context.closed and blocked() == before
for _ in range(0 if needs_none else 3):
    error = without_threads(lambda: refused(lambda: context.term(timeout=1)))
    assert error.errno == 12 and "thread" in str(error), error
    assert not isinstance(error, zmq.Again)
    assert blocked() == before
hits = []
signal.signal(signal.SIGUSR1, lambda *_: hits.append(1))
os.kill(os.getpid(), signal.SIGUSR1)
assert hits
context.term(timeout=20)
assert context.closed and blocked() == before
"""
    )


@linux_only
def test_term_too_late_without_a_thread_for_it():
    """What stays open is told, as ever; the thread that would have gone on is not missed."""
    program(
        NO_THREADS
        + """
before = blocked()
context = zmq.Context()
one = context.socket(zmq.PAIR)
knows = "unsent-report.patch" in zmq._build.LIBZMQ_PATCHES
for limit in (0, 0.01, 0.01):
    error = without_threads(lambda: refused(lambda: context.term(timeout=limit)))
    assert error.operation == "term" and blocked() == before, error
    if knows:
        assert isinstance(error, zmq.Again) and "PAIR socket is open" in str(error), error
    else:
        assert error.errno == 12 and "thread" in str(error), error
one.close()
context.term(timeout=20)
assert context.closed and blocked() == before
"""
    )


@linux_only
def test_the_end_of_a_program_without_threads():
    program(
        NO_THREADS
        + """
context = zmq.Context()
one = context.socket(zmq.PAIR, bind="inproc://end")
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 20), hard))
"""
    )


@linux_only
def test_threads_that_cannot_run_as_they_are_told():
    """Scheduling that the system refuses ended the process, also for want of a privilege."""
    program(
        """
        bad = [(zmq.THREAD_SCHED_POLICY, 99), (zmq.THREAD_AFFINITY_CPU_ADD, 1000),
               (zmq.THREAD_AFFINITY_CPU_ADD, 2**31 - 1)]
        for option, value in bad:
            context = zmq.Context()
            context.set(option, value)
            for _ in range(2):
                error = refused(lambda: context.socket(zmq.PAIR))
                assert "THREAD_" in str(error)
            context.term()
        context = zmq.Context()
        context.set(zmq.THREAD_AFFINITY_CPU_ADD, 1000)
        context.set(zmq.THREAD_AFFINITY_CPU_REMOVE, 1000)
        context.set(zmq.THREAD_AFFINITY_CPU_ADD, min(os.sched_getaffinity(0)))
        context.socket(zmq.PAIR).close()
        context.term()
        if os.getuid() == 0:
            os.setgid(65534), os.setuid(65534)
        for options in ([(zmq.THREAD_PRIORITY, 5)], [(zmq.THREAD_SCHED_POLICY, os.SCHED_FIFO)],
                        [(zmq.THREAD_SCHED_POLICY, os.SCHED_RR), (zmq.THREAD_PRIORITY, 200)]):
            context = zmq.Context()
            for option, value in options:
                context.set(option, value)
            try:
                context.socket(zmq.PAIR).close()
            except zmq.ZMQError as error:
                assert "THREAD_" in str(error)
            context.term()
        """
    )


@needs_patch("nice-value")
@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root may raise a priority"
)
def test_a_priority_for_the_threads_of_a_nice_process():
    """nice() answers -1 there, which is the new value and no error."""
    program(
        """
        os.nice(19)
        with zmq.Context() as context:
            context.set(zmq.THREAD_PRIORITY, 5)
            context.socket(zmq.PAIR).close()
        """
    )
