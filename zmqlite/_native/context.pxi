# Context: libzmq's threads and limits. All contexts and their sockets hang in chains of borrowed
# pointers, not weak references: a collector that finds a whole cycle of them clears weak references
# before it calls finalizers, and a context must still find its sockets then.

cdef void *all_contexts = NULL


cdef class Context:
    """Context(io_threads=1, shadow=0)

    A libzmq context (zmq_ctx_new). May be used from every thread.

    ``shadow`` is the address of a context that someone else made and ends; 0 makes a new one.
    """

    def __init__(self, io_threads=1, shadow=0):
        cdef int threads
        cdef size_t address = shadow
        if self._state:
            raise RuntimeError("a context is initialised once")
        if address:
            self.handle = <void *> address
            self._shadow = True
            self._started = True
        else:
            threads = io_threads
            self.handle = zmq_ctx_new()
            if self.handle == NULL:
                fail(libzmq_errno(), "Context", "")
            if zmq_ctx_set(self.handle, ZMQ_IO_THREADS, threads) != 0:
                error = libzmq_errno()
                zmq_ctx_term(self.handle)
                self.handle = NULL
                fail(error, "Context", f"io_threads={threads}", "the number of I/O threads is 0 or more")
        self._state = OPEN
        context_link(self)

    cdef int _check(self) except -1:
        if self.handle != NULL:
            return 0
        if self._state == FORKED:
            raise ForkError(EPERM, "this context was made before fork(): its threads are not in this "
                            "process; make a new Context here (Context.instance() does)")
        raise RuntimeError("the context is closed")

    @property
    def closed(self):
        """Whether the context was terminated (or belongs to the parent of a fork)."""
        return self.handle == NULL

    @property
    def underlying(self):
        """The address of libzmq's context, 0 when closed."""
        return <size_t> self.handle

    def get(self, int option):
        """Return a context option (zmq_ctx_get)."""
        cdef int value
        self._check()
        value = zmq_ctx_get(self.handle, option)
        if value < 0 and libzmq_errno() == EINVAL:
            fail(EINVAL, "get", "Context", f"option {option} cannot be read")
        return value

    def set(self, int option, int value):
        """Set a context option (zmq_ctx_set)."""
        self._check()
        if zmq_ctx_set(self.handle, option, value) != 0:
            fail(libzmq_errno(), "set", "Context", f"option {option} does not take {value}")

    def _set_text(self, int option, bytes value):
        """Set a context option that is text (zmq_ctx_set_ext, draft)."""
        self._check()
        if zmq_ctx_set_ext(self.handle, option, PyBytes_AS_STRING(value), len(value)) != 0:
            fail(libzmq_errno(), "set", "Context", f"option {option} does not take {value!r}")

    def _get_text(self, int option):
        """Return a context option that is text (zmq_ctx_get_ext, draft)."""
        cdef char buffer[256]
        cdef size_t size = sizeof(buffer)
        self._check()
        if zmq_ctx_get_ext(self.handle, option, buffer, &size) != 0:
            fail(libzmq_errno(), "get", "Context", f"option {option} cannot be read")
        return buffer[:size].rstrip(b"\0")

    def sockets(self):
        """Return the sockets of this context that are open, oldest last."""
        cdef list found = []  # first: making it may run the collector, which may shorten the chain
        cdef void *place = self._sockets
        while place != NULL:
            found.append(<object> place)
            place = (<Handle> place)._next
        return found

    cdef int _start(self) except -1:
        """Before the first socket: libzmq aborts when it cannot open its own descriptors."""
        cdef int threads
        if not self._started:
            threads = zmq_ctx_get(self.handle, ZMQ_IO_THREADS)
            if not descriptors_left(10 + 2 * min(threads, 25)):
                fail(EMFILE, "socket", "Context")
            self._started = True
        return 0

    def shutdown(self):
        """Make every blocked or later call on this context's sockets raise ContextTerminated.

        Does not block and closes nothing (zmq_ctx_shutdown). A closed context is left alone.
        """
        if self.handle != NULL:
            self._shut = True
            zmq_ctx_shutdown(self.handle)

    def term(self, timeout=None):
        """Terminate the context: wait until its sockets are closed and their messages sent.

        Sockets that are still open raise ContextTerminated in their users, who must close them.
        Messages unsent are waited for as long as each socket's linger says. ``timeout`` is in
        seconds, None for ever; when it is over first, raises Again that names what is open, and the
        context can be terminated again. Interruptible by signals; a second call is no error
        (zmq_ctx_term). In the child of a fork it does nothing.
        """
        cdef int rc = 0
        cdef void *handle = self.handle
        drain()
        if handle == NULL:
            return
        if self._shadow:
            self._forget()
            return
        if timeout is None and self._ending == NULL:
            while True:
                with nogil:
                    rc = zmq_ctx_term(handle)
                if rc == 0 or libzmq_errno() != EINTR:
                    break
                PyErr_CheckSignals()  # raises with the handle kept: term() can be called again
                if self.handle == NULL:
                    return
            if rc != 0:
                fail(libzmq_errno(), "term", "Context")
        elif not end_in_thread(self, -1 if timeout is None else timeout):
            fail(EAGAIN, "term", "Context", f"not done after {timeout} s: {still_open(self)}")
        self._forget()

    def _forget(self):
        """The context is gone: take it out of the chain."""
        self.handle = NULL
        self._state = CLOSED
        context_unlink(self)
        if self._ending != NULL:
            del self._ending
            self._ending = NULL
        drain()

    def destroy(self, linger=None):
        """Close every socket of this context, then terminate it. Safe from any thread.

        ``linger`` (ms, -1 for ever) is set on each socket first, if given. Threads that wait in a
        socket are woken with ContextTerminated; their sockets are closed once they have left.
        Interruptible by signals. Source: zmq_ctx_shutdown, zmq_close, zmq_ctx_term.
        """
        if self.handle == NULL:
            return
        if linger is not None:
            self._linger_all(linger)
        self._close_idle(-2)
        if self._sockets != NULL:
            self.shutdown()
            while self._sockets != NULL:
                with nogil:
                    pause_thread(0.0005)  # for the users to wake up and leave
                PyErr_CheckSignals()
                self._close_idle(-2)
        self.term()

    cdef int _linger_all(self, int linger) except -1:
        # LINGER is an atomic inside libzmq, so it may be set while another thread uses the socket.
        cdef void *place = self._sockets
        while place != NULL:
            if (<Handle> place).handle != NULL:
                zmq_setsockopt((<Handle> place).handle, ZMQ_LINGER, &linger, sizeof(linger))
            place = (<Handle> place)._next
        return 0

    cdef int _close_idle(self, int linger) except -1:
        """Close the sockets that no thread is inside of."""
        for socket in self.sockets():
            if not owner_in_use(&(<Handle> socket)._owner):
                (<Handle> socket).close(None if linger == -2 else linger)
        return 0

    def __del__(self):
        if self.handle == NULL or self._shadow:
            context_unlink(self)
            return
        if interpreter_exits():
            return
        try:
            warnings.warn(f"unclosed context {self!r}", ResourceWarning, source=self)
        finally:  # a warning may be an exception
            self.destroy()

    def __dealloc__(self):
        if self._state:
            context_unlink(self)


cdef void context_link(Context self) noexcept:
    global all_contexts
    self._next = all_contexts
    self._previous = NULL
    if all_contexts != NULL:
        (<Context> all_contexts)._previous = <void *> self
    all_contexts = <void *> self


cdef void context_unlink(Context self) noexcept:
    global all_contexts
    if self._previous != NULL:
        (<Context> self._previous)._next = self._next
    elif all_contexts == <void *> self:
        all_contexts = self._next
    if self._next != NULL:
        (<Context> self._next)._previous = self._previous
    self._next = NULL
    self._previous = NULL


cdef int term_quietly(void *context) noexcept nogil:
    return zmq_ctx_term(context)


cdef int last_error() noexcept nogil:
    return libzmq_errno()


cdef bint end_in_thread(Context self, double timeout) except -1:
    """Terminate with a limit of `timeout` seconds (below 0: none). Returns whether it is done."""
    cdef double end = now() + timeout
    cdef double left = 0.02
    cdef bint done = False
    if self._ending == NULL:
        self._ending = new Ending(self.handle, &term_quietly, &last_error, EINTR)
    while not done:
        if timeout >= 0:
            left = min(0.02, max(end - now(), 0))
        with nogil:
            done = self._ending.wait(left)
        PyErr_CheckSignals()
        if not done and timeout >= 0 and now() >= end:
            return False
    return True


cdef str still_open(Context self):
    open_sockets = [subject_of(socket) for socket in self.sockets()]
    if open_sockets:
        return "still open: " + "; ".join(open_sockets)
    return "closed sockets still have unsent messages (their linger says to wait)"
