# A descriptor for the thread-safe socket types, which have none of their own (FD is refused).


@cython.no_gc_clear  # __dealloc__ still needs the socket, and nothing here closes a cycle
cdef class ReadyFD:
    """ReadyFD(socket): a descriptor that turns readable when a thread-safe socket may be ready.

    For event loops. Read ``events()`` each time it speaks; close it when it is not watched any more, before
    or after the socket (zmq_poller_fd, draft). Raises NotSupported without drafts.
    """

    def __init__(self, Handle socket not None):
        cdef Shortage shortage
        cdef int error = EMFILE
        if not once_claim(&self._once):
            raise RuntimeError("a signal is initialised once")
        try:
            while error:
                guard_enter(socket, "ReadyFD")
                self._socket = socket
                error = self._open(socket)
                guard_exit(socket)
                if error and not passes(&shortage, error):
                    fail_socket(socket, error, "ReadyFD")
        except BaseException:
            once_release(&self._once)
            raise

    cdef int _open(self, Handle socket) noexcept:
        """Returns an errno."""
        cdef int error = 0
        cdef void *poller = zmq_poller_new()
        if poller == NULL:
            return libzmq_errno()
        registry_lock()
        if zmq_poller_add(poller, socket.handle, NULL, ZMQ_POLLIN | ZMQ_POLLOUT) == 0:
            self._poller = poller
            ready_fd_link(self)
        else:
            error = libzmq_errno()
        registry_unlock()
        if error:
            zmq_poller_destroy(&poller)
        return error

    def fileno(self):
        """Return the descriptor."""
        cdef zmq_fd_t fd = -1
        if self._poller == NULL:
            raise ValueError("this signal is closed")
        if zmq_poller_fd(self._poller, &fd) != 0:
            fail_socket(self._socket, libzmq_errno(), "ReadyFD")
        return fd

    def events(self):
        """Return the mask of POLLIN and POLLOUT that hold now, and silence the descriptor."""
        cdef zmq_poller_event_t event
        if self._poller == NULL:
            raise ValueError("this signal is closed")
        guard_enter(self._socket, "poll")
        rc = zmq_poller_wait_all(self._poller, &event, 1, 0)
        error = libzmq_errno() if rc < 0 else 0
        guard_exit(self._socket)
        if rc > 0:
            return event.events
        if rc < 0 and error != EAGAIN and error != EINTR:
            fail_socket(self._socket, error, "poll")
        return 0

    def close(self):
        """Give the descriptor back. Closing twice is no error."""
        end_ready_fd(self)

    def __dealloc__(self):
        if not interpreter_exits():
            end_ready_fd(self)


cdef void end_ready_fd(ReadyFD self) noexcept:
    cdef void *poller
    if self._poller == NULL:
        return
    registry_lock()
    poller = self._poller
    if self._socket._state != FORKED:
        ready_fd_unlink(self)
    self._poller = NULL
    registry_unlock()
    if poller != NULL and self._socket._state != FORKED:  # there it shares its locks with the parent's threads
        zmq_poller_destroy(&poller)
