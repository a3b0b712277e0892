# The two moments when a process changes under our feet: fork() and the end of the interpreter.

import atexit
import os
import sys
from sys import byteorder

cdef bint exiting = False


cdef bint interpreter_exits() noexcept:
    return exiting


cdef int block_forever() except -1:
    """A thread that wakes up in a context that is ending with the interpreter waits here for its end,
    as Python does with daemon threads; there is nobody left to tell about an exception."""
    if threading.current_thread() is threading.main_thread():
        return 0
    while True:
        with nogil:
            pause_thread(3600)


def _forget_after_fork():
    """In the child: libzmq's threads stayed with the parent, so every handle from there is dead."""
    global forks, main_thread
    cdef void *place = all_contexts
    cdef void *inner
    while place != NULL:
        inner = (<Context> place)._sockets
        while inner != NULL:
            forget_socket(<Handle> inner)
            inner = (<Handle> inner)._next
        (<Context> place).handle = NULL
        (<Context> place)._state = FORKED
        (<Context> place)._termination = NULL
        (<Context> place)._ends = False
        place = (<Context> place)._next
    left_behind.clear()  # these threads are the parent's
    patience_of.clear()
    place = all_shadows
    while place != NULL:
        forget_socket(<Handle> place)
        place = (<Handle> place)._next
    forks += 1
    main_thread = PyThread_get_thread_ident()
    renew_after_fork()
    forget_idle_watch()
    bytes_pool.renew()
    drain()


cdef void forget_socket(Handle self) noexcept:
    self.handle = NULL
    self._state = FORKED
    self._ready_fds = NULL
    guard_reset(&self._guard)


# Contexts that were dropped and have messages to send: threads that are in zmq_ctx_term, and how many
# seconds the exit of the interpreter gives each; below 0: as many as linger says.
cdef vector[Termination *] left_behind
cdef vector[double] patience_of

cdef double MOMENT = 0.02  # seconds that a finalizer gives a context to end; without messages it is quicker


cdef double exit_patience(Context context) except? -1:
    patience = getattr(context, "_exit_patience", None)
    return -1 if patience is None else patience


cdef int end_later(Context self) except -1:
    """A context was dropped. A finalizer, which runs whenever and wherever the collector does, waits for
    nobody: a thread ends the context, as soon as what is unsent has gone, or linger is over."""
    cdef Termination *ending
    cdef bint done
    cdef double patience = exit_patience(self)
    self._close_idle()
    drain()
    with cython.critical_section(self):
        if self.handle == NULL or self._ends:
            return 0  # the exit of the interpreter has found it first
        self._ends = True
        ending = self._termination
        self._termination = NULL
    if ending == NULL:
        zmq_ctx_shutdown(self.handle)
        ending = begin_termination(self.handle, &term_quietly, &last_error, EINTR)
    if ending == NULL:
        self._ends = False
        fail_to_begin("close contexts before the last reference goes")
    with nogil:
        done = ending.wait(MOMENT)
    if done:
        del ending
    else:
        leave_behind(ending, patience)
    self._forget()
    return 0


cdef void leave_behind(Termination *ending, double patience) noexcept:
    registry_lock()
    if not exiting:
        forget_the_done()
    left_behind.push_back(ending)
    patience_of.push_back(patience)
    registry_unlock()


cdef void forget_the_done() noexcept:
    """Under the lock."""
    cdef size_t place = 0
    while place < left_behind.size():
        if left_behind[place].wait(0):
            del left_behind[place]
            left_behind.erase(left_behind.begin() + place)
            patience_of.erase(patience_of.begin() + place)
        else:
            place += 1


cdef int wait_for_left_behind() except -1:
    """At the exit of the interpreter: the same as for a context that is still there."""
    cdef Termination *ending
    cdef size_t place = 0
    cdef double patience, end
    cdef bint done
    while True:
        ending = one_left_behind(place, &patience)
        if ending == NULL:
            return 0
        place += 1
        end = now() + (3 if patience < 0 else patience)
        while True:
            with nogil:
                done = ending.wait(0.02)
            if done:
                break
            PyErr_CheckSignals()
            if now() >= end:
                if patience >= 0:
                    break
                tell_of_waiting("closed sockets")
                end = now() + 1e9


cdef Termination *one_left_behind(size_t place, double *patience) noexcept:
    """The one with this number, which is not forgotten any more; NULL when there are no others."""
    cdef Termination *ending = NULL
    registry_lock()
    if place < left_behind.size():
        ending = left_behind[place]
        patience[0] = patience_of[place]
    registry_unlock()
    return ending


cdef int tell_of_waiting(str names) except -1:
    print(f"zmqlite: waiting for unsent messages of {names} "
          "(their linger says so; Ctrl-C to lose them)", file=sys.stderr)
    return 0


def _end_with_interpreter():
    """Close what the program left open, and wait for unsent messages as linger says."""
    global exiting
    cdef void *place
    cdef IdleHandle *watch
    exiting = True
    contexts = []
    registry_lock()
    try:
        place = all_contexts
        while place != NULL:
            keep(contexts, place)
            place = (<Context> place)._next
    finally:
        registry_unlock()
    try:
        for context in contexts:
            end_context(context)
        wait_for_left_behind()
    except KeyboardInterrupt:
        pass  # the user does not want to wait: leave, unsent messages are lost
    stop_pending_calls()
    watch = end_idle_watch(True)
    if watch != NULL:
        with nogil:
            await_idle_watch(watch)


cdef int end_context(Context context) except -1:
    """Close, wake the daemon threads that are inside, wait, terminate.

    A context with ``_exit_patience`` waits that many seconds and loses what is unsent then; others
    wait as linger says, and tell.
    """
    cdef double patience = exit_patience(context)
    cdef double first = 3 if patience < 0 else patience
    if context.handle == NULL or context._shadow:
        return 0
    names = "; ".join(subject_of(socket) for socket in context.sockets())
    context._close_idle()
    if context._sockets != NULL:
        context.shutdown()
        while context._sockets != NULL:
            with nogil:
                pause_thread(0.0005)
            PyErr_CheckSignals()
            context._close_idle()
    try:
        if end_at_exit(context, first) or patience >= 0:
            return 0
    except ZMQError:  # no thread can be had that waits for us: wait ourselves, which has no limit
        if patience < 0 and begin_to_end(context, -1, 0):
            end_here(context)
        return 0
    tell_of_waiting(names or "closed sockets")
    end_at_exit(context, -1)
    return 0


cdef bint end_at_exit(Context context, double limit) except -1:
    """Terminate within `limit` seconds, below 0 for ever. Returns whether it is done."""
    return not begin_to_end(context, -1, 0) or end_in_thread(context, limit, now() + limit)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_end_with_interpreter)
