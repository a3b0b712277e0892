# Context: libzmq's threads and limits, and how they end.

cdef enum:
    MAX_IO_THREADS = 1024

cdef struct NumbersRoom:  # where libzmq writes what it has counted, and how much there is
    void *data
    size_t size


cdef class Context:
    """Context(io_threads=1, shadow=0)

    A libzmq context (zmq_ctx_new). May be used from every thread.

    ``shadow`` is the address of a context that others made and end; 0 makes a new one.
    """

    def __init__(self, io_threads=1, shadow=0):
        cdef size_t address = shadow  # first: these run code of the caller's, which may come here again
        cdef int threads = 0 if address else io_threads
        if not once_claim(&self._once):
            raise RuntimeError("a context is initialised once")
        try:
            if not address:
                self._make(threads)
            elif not context_link_view(self, <void *> address):
                fail_shadow(address, "context", EFAULT)
        except BaseException:
            once_release(&self._once)  # what failed can be tried again
            raise
        self._last_close = -1e9
        if not address:
            self._state = OPEN
            context_link(self)

    cdef int _make(self, int io_threads) except -1:
        cdef int error
        cdef void *handle
        cdef Shortage shortage
        check_limit(NULL, ZMQ_IO_THREADS, io_threads)
        handle = zmq_ctx_new()
        while handle == NULL:
            error = libzmq_errno()
            if not passes(&shortage, error):
                fail(error, "Context", "", scarce(None, error) if is_shortage(error) else "")
            handle = zmq_ctx_new()
        if zmq_ctx_set(handle, ZMQ_IO_THREADS, io_threads) != 0:
            error = libzmq_errno()
            zmq_ctx_term(handle)
            fail(error, "Context", f"io_threads={io_threads}", "the number of I/O threads is 0 or more")
        self.handle = handle
        return 0

    cdef int _check(self, Context owner) except -1:
        """Inside critical sections of this handle and its owner, which begins to end in one of its own."""
        cdef bint ends = owner._ends or owner._termination != NULL  # first: it takes that back after the handle
        if self.handle != NULL:
            if ends:
                fail(ETERM, "use", "Context", "it is being terminated")
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
        cdef Context owner = owner_of(self)
        with cython.critical_section(self, owner):
            self._check(owner)
            set_errno(0)  # -1 may be a value
            value = zmq_ctx_get(self.handle, option)
            if value < 0 and libzmq_errno() == EINVAL:
                fail(EINVAL, "get", "Context", f"option {option} cannot be read")
        return value

    def set(self, int option, int optval):
        """Set a context option (zmq_ctx_set)."""
        cdef Context owner = owner_of(self)
        with cython.critical_section(self, owner):
            self._check(owner)
            check_limit(self.handle, option, optval)
            if zmq_ctx_set(self.handle, option, optval) != 0:
                fail(libzmq_errno(), "set", "Context", f"option {option} does not take {optval}")
            if option == ZMQ_THREAD_SCHED_POLICY:
                self._schedule.policy = optval
            elif option == ZMQ_THREAD_PRIORITY:
                self._schedule.priority = optval
            elif option == ZMQ_THREAD_AFFINITY_CPU_ADD:
                self._schedule.cpus.push_back(optval)
            elif option == ZMQ_THREAD_AFFINITY_CPU_REMOVE:
                left = {cpu for cpu in self._schedule.cpus if cpu != optval}
                self._schedule.cpus = left

    def _set_text(self, int option, bytes value):
        """Set a context option that is text (zmq_ctx_set_ext, draft)."""
        if value is None:
            raise TypeError("a context option that is text takes bytes, not None")
        cdef Context owner = owner_of(self)
        with cython.critical_section(self, owner):
            self._check(owner)
            if len(value) == sizeof(int):  # libzmq would take it for a number
                if option != ZMQ_THREAD_NAME_PREFIX:
                    fail(EINVAL, "set", "Context", f"option {option} is a number")
                value += b"\0"
            if zmq_ctx_set_ext(self.handle, option, PyBytes_AS_STRING(value), len(value)) != 0:
                fail(libzmq_errno(), "set", "Context", f"option {option} does not take {value!r}")

    def _get_text(self, int option):
        """Return a context option that is text (zmq_ctx_get_ext, draft)."""
        cdef char buffer[256]
        cdef size_t size = sizeof(buffer)
        cdef Context owner = owner_of(self)
        memset(buffer, 0, sizeof(buffer))  # 4.3.4 ends the text nowhere
        with cython.critical_section(self, owner):
            self._check(owner)
            if zmq_ctx_get_ext(self.handle, option, buffer, &size) != 0:
                fail(libzmq_errno(), "get", "Context", f"option {option} cannot be read")
        return PyBytes_FromStringAndSize(buffer, strlen(buffer))

    def _get_numbers(self):
        """Return what our own libzmq has counted for the sockets, which socket/stats.py reads.

        In any thread: it counts so that others may read, and looks at its sockets under its own lock.
        """
        cdef NumbersRoom room
        cdef size_t size = sizeof(room)
        cdef bytes value
        cdef int error = ENOBUFS
        cdef Context owner = owner_of(self)
        room.size = 4096
        while error == ENOBUFS:
            value = PyBytes_FromStringAndSize(NULL, room.size)
            room.data = PyBytes_AS_STRING(value)
            with cython.critical_section(self, owner):
                self._check(owner)
                error = libzmq_errno() if zmq_ctx_get_ext(self.handle, ZMQLITE_CONTEXT_NUMBERS, &room, &size) else 0
        if error:
            fail(error, "stats", "Context", "")
        return value[:room.size]

    def sockets(self):
        """Return the sockets of this context that are open, oldest last."""
        cdef list found = []  # first: making it may run the collector, which may shorten the chain
        cdef void *place
        registry_lock()
        try:
            place = self._sockets
            while place != NULL:
                keep(found, place)
                place = (<Handle> place)._next
        finally:
            registry_unlock()
        return found

    def _closed_lately(self):
        """Return (name, addresses) for each socket that was bound, and was closed a moment ago."""
        return closed_lately(self)

    cdef int _start(self) except -1:
        """Before the first socket: libzmq aborts when it cannot open its own descriptors. Returns EMFILE
        then, or 0."""
        cdef int threads, error
        if not self._started:
            threads = zmq_ctx_get(self.handle, ZMQ_IO_THREADS)
            if not descriptors_left(10 + 3 * threads):
                return EMFILE
            error = threads_left(threads + 1, &self._schedule)
            if error == EAGAIN:
                fail(ENOMEM, "socket", "Context", f"the system cannot run {threads + 1} more threads")
            if error:
                fail(error, "socket", "Context", "the context's threads cannot run as THREAD_SCHED_POLICY, "
                     "THREAD_PRIORITY and THREAD_AFFINITY_CPU_ADD say")
            self._started = True
        return 0

    def shutdown(self):
        """Make every blocked or later call on this context's sockets raise ContextTerminated.

        Does not block and closes nothing (zmq_ctx_shutdown). A closed context is left alone; a second
        handle on one raises NotSupported, for it ends nothing of its owner.
        """
        if self._shadow and self.handle != NULL:
            fail(ENOTSUP, "shutdown", "Context", "this is a second handle on a context, which its owner shuts down")
        with cython.critical_section(self):
            if self.handle != NULL and not self._ends and self._termination == NULL:
                self._shut = True
                zmq_ctx_shutdown(self.handle)

    def term(self, timeout=None):
        """Terminate the context: wait until its sockets are closed and their messages sent.

        Sockets that are still open raise ContextTerminated in their users, who must close them.
        Messages unsent are waited for as long as each socket's linger says; after a second, a line on
        stderr says whose and how many. ``timeout`` is in
        seconds, None for ever; when it is over first, raises Again that names what is open, and the
        context can be terminated again. Interruptible by signals; a second call is no error
        (zmq_ctx_term). In the child of a fork it does nothing.
        """
        cdef double limit = limit_of("term", timeout, "seconds")
        cdef double end = now() + limit
        cdef EndWait wait = EndWait(self)
        cdef int outcome
        cdef str what = None
        drain()
        if self._shadow:
            self._forget()
            return
        close_dying(self)
        if not begin_to_end(self, limit, end):
            return  # another thread has done it
        if self._termination == NULL:
            outcome = await_sockets(self, wait, limit, end)
            if outcome == ENDED:
                return
            if outcome == GONE and (wait.known or timeout is None):
                end_here(self)
                return
            what = wait.which() if wait.known else None
            if outcome == LATE and wait.known and not runs_in_thread(self):
                self._ends = False
                fail_in_time(self, timeout, what)  # time is over, whether or not a thread can be had
        if not end_in_thread(self, limit, end):
            fail_in_time(self, timeout, what)

    def _forget(self):
        """The context is gone: take it out of the chain, and its second handles with it."""
        context_close(self)
        self._ends = False
        drop_termination(self)
        drain()
        self._give_back()

    cdef int _give_back(self) except -1:
        """What was kept for its messages is not needed; nor, without a context, a thread that waits for idleness."""
        cdef size_t before = bytes_pool.held()
        cdef IdleHandle *watch = NULL
        bytes_pool.clear()
        if all_contexts == NULL:
            watch = end_idle_watch(False)
        with nogil:
            if watch != NULL:
                await_idle_watch(watch)
            if before > IDLE_LEAST:
                trim_memory()
        return 0

    def destroy(self, linger=None):
        """Close every socket of this context, then terminate it. Safe from any thread.

        ``linger`` (ms, -1 for ever) is set on each socket first, if given. Threads that wait in a
        socket are woken with ContextTerminated; their sockets are closed once they have left.
        Interruptible by signals. Source: zmq_ctx_shutdown, zmq_close, zmq_ctx_term. A second handle on a
        context closes its own sockets alone; ThreadMisuse, and it stays open, while a thread is inside one.
        """
        if self.handle == NULL and (not self._shadow or self._sockets == NULL or self._state == FORKED):
            return  # (a second handle that ended with its owner may have sockets)
        if linger is not None:
            linger_all(self, whole_linger(linger))
        self._close_idle()
        if self._sockets != NULL and self._shadow:
            close_view(self)
        elif self._sockets != NULL:
            self.shutdown()
            while self._sockets != NULL:
                with nogil:
                    pause_thread(0.0005)  # for the users to wake up and leave
                PyErr_CheckSignals()
                self._close_idle()
        self.term()

    cdef int _close_idle(self) except -1:
        """Close the sockets that no thread is inside of."""
        close_dying(self)
        for socket in self.sockets():
            if not guard_in_use(&(<Handle> socket)._guard):
                try:
                    (<Handle> socket).close()
                    if (<Handle> socket).handle != NULL:  # a subclass has a close() that forgets ours
                        Handle.close(socket)
                except ThreadMisuse:
                    pass  # a thread came in meanwhile
        return 0

    def __del__(self):
        if self.handle == NULL or self._shadow:
            return
        if interpreter_exits():
            return
        try:
            warnings.warn(f"unclosed context {self!r}", ResourceWarning, source=self)
        finally:  # a warning may be an exception
            end_later(self)

    def __dealloc__(self):
        if not self._state:
            return
        context_forget(self)
        if self.handle != NULL and not self._shadow and not self._ends and not interpreter_exits():
            # Whatever a subclass did in its own __del__: libzmq's threads do not outlive us. The sockets are gone.
            if self._termination == NULL:
                zmq_ctx_shutdown(self.handle)  # else it waits for names that nobody will bind
                self._termination = begin_termination(self.handle, term_calls())
            if self._termination != NULL:
                leave_behind(self._termination, DEFAULT_PATIENCE, -1, 0, string())
                self._termination = NULL
        del self._termination


cdef int check_limit(void *handle, int option, int value) except -1:
    """Refuse numbers with which libzmq overflows or aborts when the first socket is made."""
    cdef int most = 0
    if option == ZMQ_IO_THREADS:
        most = MAX_IO_THREADS
    elif option == ZMQ_MAX_SOCKETS:
        most = zmq_ctx_get(handle, ZMQ_SOCKET_LIMIT)
    if most and value > most:
        fail(EINVAL, "set", "Context", f"option {option} takes at most {most}, not {value}")
    return 0
