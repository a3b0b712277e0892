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
        (<Context> place).handle = (<Context> place)._owner = NULL
        (<Context> place)._state = FORKED
        (<Context> place)._termination = NULL
        (<Context> place)._ends = False
        place = (<Context> place)._next
    left_behind.clear()  # these threads are the parent's
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


# Contexts that were dropped and have messages to send. A thread is in zmq_ctx_term for each.

cdef vector[LeftBehind] left_behind

cdef double MOMENT = 0.02  # seconds that a finalizer gives a context to end; without messages it is quicker
cdef double REAPING = 0.5  # ... and the exit, for sockets that have nothing to send
cdef double DEFAULT_PATIENCE = 3


cdef double exit_patience(Context context) except? -1:
    """How many seconds the exit of the interpreter waits after the last message has moved, for sockets whose linger
    the program never set; below 0: for ever."""
    cdef double seconds = DEFAULT_PATIENCE
    try:
        seconds = check_patience(getattr(context, "exit_patience", seconds))
    except (TypeError, ValueError) as error:
        tell(f"{error}: {DEFAULT_PATIENCE:g} is used")
    return -1 if seconds < 0 or seconds == FOREVER else seconds


def check_patience(value, /):
    """Return how many seconds an exit_patience is; TypeError or ValueError for what is none."""
    said = "Context.exit_patience is a number of seconds, 0 not to wait, below 0 for ever, not "
    try:
        said += f"{value!r:.80}"
    except ValueError:  # Python writes no ints of thousands of digits
        said += f"such an {type(value).__name__}"
    if not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError(said)
    try:
        seconds = float(value)
    except OverflowError:
        raise ValueError(said) from None
    if seconds != seconds:
        raise ValueError(said)
    return seconds


cdef double exit_limit(Context context) except? -1:
    """How many seconds it waits in all, and then loses what is unsent without a word; below 0: not so."""
    limit = getattr(context, "_exit_limit", None)
    return -1 if limit is None else limit


cdef int end_later(Context self) except -1:
    """A context was dropped. A finalizer, which runs whenever and wherever the collector does, waits for
    nobody: a thread ends the context, as soon as what is unsent has gone, or linger is over."""
    cdef Termination *ending
    cdef bint done
    cdef double patience = exit_patience(self)
    cdef double limit = exit_limit(self)
    cdef double kept = 0
    cdef bytes names
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
        ending = begin_termination(self.handle, term_calls())
    if ending == NULL:
        self._ends = False
        fail_to_begin("close contexts before the last reference goes")
    with nogil:
        done = ending.wait(MOMENT)
    if done:
        del ending
    else:
        names = sum_up_lingering(self, &kept).encode("utf-8", "replace")
        leave_behind(ending, patience, limit, kept, names)
    self._forget()
    return 0


cdef void leave_behind(Termination *ending, double patience, double limit, double kept, string names) noexcept:
    cdef LeftBehind one
    one.ending = ending
    one.patience = patience
    one.limit = limit
    one.kept = kept
    one.names = names
    registry_lock()
    if not exiting:
        forget_the_done()
    left_behind.push_back(one)
    registry_unlock()


cdef void forget_the_done() noexcept:
    """Under the lock."""
    cdef size_t place = 0
    while place < left_behind.size():
        if left_behind[place].ending.wait(0):
            del left_behind[place].ending
            left_behind.erase(left_behind.begin() + place)
        else:
            place += 1


# The exit of the interpreter. A linger that the program set is honoured. Where it set none, libzmq would wait for ever:
# that lasts as long as messages move, and a few seconds more.

@cython.final
cdef class ExitWait:
    """A wait for one context at the exit of the interpreter."""

    cdef Context _context        # None for one that was dropped
    cdef Termination *_ending    # a thread is in zmq_ctx_term; NULL: we ask libzmq ourselves
    cdef EndWait _wait
    cdef double _begin
    cdef double _moved           # when the last message did
    cdef double _patience
    cdef double _limit
    cdef double _kept            # until when a linger that the program set makes it wait
    cdef uint64_t _messages
    cdef uint64_t _moves
    cdef bint _known
    cdef bint _told
    cdef str _names

    cdef bint step(self) except -1:
        """Look. Returns whether it is over, or given up."""
        cdef double time = now()
        cdef uint64_t before = self._moves
        if self._is_over():
            return True
        if self._moves != before:
            self._moved = time
        if self._limit >= 0:
            return time - self._begin >= self._limit
        if not self._told and time - self._begin >= FIRST_WORD:
            self._told = True
            tell(f"the exit of the program waits for {self._which()} ({self._how_long()}; Ctrl-C ends the wait)")
        if not self._known or self._patience < 0 or time < self._kept or time - self._moved < self._quiet():
            return False
        tell(f"the program ends, and what was not sent is lost: {self._which()} ({self._why()})")
        return True

    cdef bint _is_over(self) except -1:
        """Only a look takes the context. Else it is free: a signal handler that terminates it waits in our place."""
        cdef bint over
        if self._context is None:
            return self._look()
        with cython.critical_section(self._context):
            if self._context.handle == NULL or self._context._ends:
                return self._context.handle == NULL
            self._context._ends = True
        try:
            if self._ending != self._context._termination:  # others had their turn, and began one
                self._follow()
            over = self._look()
        except BaseException:
            self._context._ends = False
            raise
        if over and self._ending == NULL:
            end_here(self._context)  # which gives it back, also when it fails
        else:
            self._context._ends = False
        return over

    cdef int _follow(self) except -1:
        self._ending = self._context._termination
        self._names = sum_up_lingering(self._context, &self._kept) or self._names
        return 0

    cdef double _quiet(self):
        """How long nothing has to move. A socket that has nothing to send needs a moment to end as well."""
        cdef uint64_t messages = self._messages if self._ending != NULL else self._wait._unsent.messages()
        return max(self._patience, MOMENT if messages else REAPING)

    cdef str _why(self):
        if self._patience == 0:
            return "exit_patience is 0: the exit waits for no message; set linger to have it wait"
        return f"nothing has moved for {self._patience:g} s; set linger, or exit_patience of the context"

    cdef bint _look(self) except -1:
        cdef bint done
        if self._ending != NULL:
            with nogil:
                done = self._ending.wait(0)
            if not done:
                self._known = self._ending.waits_for(&self._messages, &self._moves)
            return done
        if self._wait.over():
            return True
        self._known = True
        self._moves = self._wait._unsent.moves()
        self._kept = self._wait.set_by_program()
        return False

    cdef str _which(self):
        if self._ending == NULL:
            return self._wait.which()
        return f"{self._names or 'closed sockets'}: {unsent_text(self._messages) if self._known else 'unsent messages'}"

    cdef str _how_long(self):
        if not self._known or self._kept > now():
            return "their linger says so"
        if self._patience < 0:
            return "until all is sent, as exit_patience says"
        return f"until nothing has moved for {self._patience:g} s"


cdef bint close_all_idle(list handles) except -1:
    """Close the sockets that no thread is inside of; return whether that was all."""
    cdef bint done = True
    for one in handles:
        (<Context> one)._close_idle()
        done = done and (<Context> one)._sockets == NULL
    return done


cdef ExitWait exit_wait(Context context):
    """Close what a context has open, wake the threads that are inside, and begin to wait; None if it has ended."""
    cdef ExitWait wait = ExitWait()
    cdef list handles
    if context._shadow and context._state != FORKED:
        context._close_idle()  # its owner ends it, or has
        return None
    if context.handle == NULL:
        return None
    handles = handles_on(context)
    wait._context = context
    wait._patience = exit_patience(context)
    wait._limit = exit_limit(context)
    wait._names = "; ".join(subject_of(socket) for socket in all_sockets(context))
    if not close_all_idle(handles):
        context.shutdown()
        while not close_all_idle(handles):
            with nogil:
                pause_thread(0.0005)
            PyErr_CheckSignals()
    wait._begin = wait._moved = now()
    if not begin_to_end(context, -1, 0):
        return None
    wait._wait = EndWait(context)
    wait._wait._told = True  # we say it ourselves
    if context._termination != NULL:
        wait._follow()
    else:
        zmq_ctx_shutdown(context.handle)
        if wait._wait.over() and not wait._wait.known:
            wait._ending = begin_termination(context.handle, term_calls())
            with cython.critical_section(context):
                context._termination = wait._ending
            if wait._ending == NULL:  # no thread can be had that waits for us: wait ourselves
                if wait._limit < 0:
                    end_here(context)
                wait = None
    context._ends = False
    return wait


cdef ExitWait behind_wait(size_t place):
    """The same for the one with this number of those that were dropped; None when there are no others."""
    cdef ExitWait wait = ExitWait()
    cdef LeftBehind one
    cdef bint found = False
    registry_lock()
    if place < left_behind.size():
        one = left_behind[place]  # which is not forgotten any more
        found = True
    registry_unlock()
    if not found:
        return None
    wait._ending = one.ending
    wait._patience, wait._limit, wait._kept = one.patience, one.limit, one.kept
    wait._names = one.names.decode("utf-8", "replace")
    wait._begin = wait._moved = now()
    return wait


cdef int end_all(list contexts) except -1:
    """All at the same time: what one waits is no reason for the next to wait as long again."""
    cdef list waits = []
    cdef list goes_on
    cdef size_t place = 0
    cdef double pause = 50e-6
    for context in contexts:
        try:
            waits.append(exit_wait(context))
        except Exception as error:  # the others are to end all the same
            tell(f"{context!r} cannot be ended: {error}")
    behind = behind_wait(place)
    while behind is not None:
        waits.append(behind)
        place += 1
        behind = behind_wait(place)
    while True:
        goes_on = []
        for one in waits:
            try:
                if one is not None and not (<ExitWait> one).step():
                    goes_on.append(one)
            except Exception as error:
                tell(f"a context cannot be ended: {error}")
        waits = goes_on
        if not waits:
            return 0
        with nogil:
            pause_thread(pause)
        pause = min(pause * 1.5, 0.01)
        PyErr_CheckSignals()


def _end_with_interpreter():
    """Close what the program left open, and wait for unsent messages: see ExitWait."""
    global exiting
    cdef IdleHandle *watch
    exiting = True
    try:
        end_all(live_contexts())
    except KeyboardInterrupt:
        pass  # the user does not want to wait: leave, unsent messages are lost
    finally:
        stop_pending_calls()
        watch = end_idle_watch(True)
        if watch != NULL:
            with nogil:
                await_idle_watch(watch)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_end_with_interpreter)
