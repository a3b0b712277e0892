# The two moments when a process changes under our feet: fork() and the end of the interpreter.

import atexit
import os
import sys
from sys import byteorder

cdef bint exiting = False


cdef bint interpreter_exits() noexcept:
    return exiting


cdef int park() except -1:
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
        (<Context> place)._ending = NULL
        (<Context> place)._ends = False
        place = (<Context> place)._next
    place = all_shadows
    while place != NULL:
        forget_socket(<Handle> place)
        place = (<Handle> place)._next
    forks += 1
    main_thread = PyThread_get_thread_ident()
    renew_after_fork()
    forget_idle_watch()
    blocks.renew()
    drain()


cdef void forget_socket(Handle self) noexcept:
    self.handle = NULL
    self._state = FORKED
    self._signals = NULL
    owner_reset(&self._owner)


def _end_with_interpreter():
    """Close what the program left open, and wait for unsent messages as linger says."""
    global exiting
    cdef void *place
    cdef IdleHandle *watch
    exiting = True
    contexts = []
    chain_lock()
    try:
        place = all_contexts
        while place != NULL:
            keep(contexts, place)
            place = (<Context> place)._next
    finally:
        chain_unlock()
    try:
        for context in contexts:
            end_context(context)
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
    patience = getattr(context, "_exit_patience", None)
    cdef double first = 3 if patience is None else patience
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
        if end_at_exit(context, first) or patience is not None:
            return 0
    except ZMQError:  # no thread can be had that waits for us: wait ourselves, which has no limit
        if patience is None and begin_to_end(context, -1, 0):
            end_here(context)
        return 0
    print(f"zmqlite: waiting for unsent messages of {names or 'closed sockets'} "
          "(their linger says so; Ctrl-C to lose them)", file=sys.stderr)
    end_at_exit(context, -1)
    return 0


cdef bint end_at_exit(Context context, double limit) except -1:
    """Terminate within `limit` seconds, below 0 for ever. Returns whether it is done."""
    return not begin_to_end(context, -1, 0) or end_in_thread(context, limit, now() + limit)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_end_with_interpreter)
