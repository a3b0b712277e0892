# How term() ends a context. One thread at a time is inside zmq_ctx_term, and from then on nobody else may touch the
# handle: it is gone before that thread can say so.

cdef bint begin_to_end(Context self, double limit, double end) except -1:
    """Become the thread that terminates, or wait for the one that does (`limit` below 0: for ever).
    Returns False when there is nothing left to do."""
    while True:
        with cython.critical_section(self):
            if self.handle == NULL:
                return False
            if not self._ends:
                self._ends = True
                return True
        if limit >= 0 and now() >= end:
            fail(EAGAIN, "term", "Context", f"another thread is at it; {still_open(self)}")
        with nogil:
            pause_thread(0.001)
        PyErr_CheckSignals()


cdef bint handle_signals(Context self, double limit, double end, EndWait wait=None) except -1:
    """Say what we wait for, and run signal handlers, which may terminate the context themselves. Returns False if
    they did. When they raise, the handle is kept and term() can be called again. After True, `_termination` is to be
    looked at again: others had their turn, who may have begun one, or ended and dropped one."""
    self._ends = False
    if wait is not None:
        wait.say()
    PyErr_CheckSignals()
    return begin_to_end(self, limit, end)


cdef int end_here(Context self) except -1:
    cdef int error
    cdef void *handle = self.handle
    cdef Shortage shortage
    while True:
        with nogil:
            error = libzmq_errno() if zmq_ctx_term(handle) != 0 else 0
        if is_shortage(error) and paused(&shortage):
            error = EINTR
        if error != EINTR:
            break
        if not handle_signals(self, -1, 0):
            return 0
        if self._termination != NULL:  # others have begun with a limit, and left
            end_in_thread(self, -1, 0)
            return 0
    if error:
        self._ends = False
        fail_to_end(self, error)
    self._forget()
    return 0


cdef int fail_to_begin(str instead) except -1:
    return fail(ENOMEM, "term", "Context", "the system cannot run one more thread, which a timeout or a finalizer "
                f"needs: {instead}")


cdef int fail_to_end(Context self, int error) except -1:
    return fail(error, "term", "Context",
                scarce(self, error) if is_shortage(error) else next_step(error, "term", 0))


cdef void drop_termination(Context self) noexcept:
    """It is over, or has failed. Others who wait for the end may just be asking it how far it is."""
    cdef Termination *ending
    with cython.critical_section(self):
        ending = self._termination
        self._termination = NULL
    del ending


cdef bint runs_in_thread(Context self) noexcept:
    """Whether a thread ends this context; one is begun if there is none. Only the thread that terminates may ask."""
    cdef Termination *ending
    if self._termination == NULL:
        zmq_ctx_shutdown(self.handle)  # what holds after this call is not left to when a thread starts
        ending = begin_termination(self.handle, term_calls())
        with cython.critical_section(self):  # others may ask it how far it is
            self._termination = ending
    return self._termination != NULL


cdef Termination *running_termination(Context self) except NULL:
    """That of this context. Only the thread that terminates may ask."""
    if not runs_in_thread(self):
        self._ends = False
        fail_to_begin("end some, or terminate without a timeout")
    return self._termination


cdef int fail_in_time(Context self, object timeout, str what) except -1:
    return fail(EAGAIN, "term", "Context", f"not done after {timeout} s: {what or still_open(self)}")


cdef bint end_in_thread(Context self, double limit, double end) except -1:
    """Terminate until `end` (`limit` below 0: without one). Returns whether it is done."""
    cdef double left = 0.02
    cdef bint done = False
    cdef Termination *ending
    cdef Shortage shortage
    cdef double word = now() + FIRST_WORD
    while True:
        if now() >= word:
            word = FOREVER
            self._ends = False  # a signal handler may interrupt the text
            tell("the end of a context waits: " + still_open(self))
            if not begin_to_end(self, limit, end):
                return True
        ending = running_termination(self)  # each time: see handle_signals
        if limit >= 0:
            left = min(0.02, max(end - now(), 0))
        with nogil:
            done = ending.wait(left)
        if done:
            error = ending.error()
            if error:
                drop_termination(self)
                self._ends = False
                if not passes(&shortage, error):
                    fail_to_end(self, error)
                if not begin_to_end(self, limit, end):
                    return True
                continue
            self._forget()
            return True
        if interpreter_exits() and not runs_handlers():
            self._ends = False  # a daemon thread: the exit goes on with it
            block_forever()
        if not handle_signals(self, limit, end):
            return True
        if limit >= 0 and now() >= end:
            self._ends = False
            return False
