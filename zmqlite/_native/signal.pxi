# A descriptor for the thread-safe socket types, which have none of their own (FD is refused).


cdef class ReadySignal:
    """ReadySignal(socket): a descriptor that turns readable when a thread-safe socket may be ready.

    For event loops. Read ``events()`` each time it speaks; close it before the socket (zmq_poller_fd,
    draft). Raises NotSupported without drafts.
    """

    cdef Handle _socket
    cdef void *_poller

    def __init__(self, Handle socket not None):
        cdef Shortage shortage
        cdef int error
        self._socket = socket
        while self._poller == NULL:
            enter(socket, "ReadySignal")
            self._poller = zmq_poller_new()
            if self._poller != NULL and zmq_poller_add(
                    self._poller, socket.handle, NULL, ZMQ_POLLIN | ZMQ_POLLOUT) != 0:
                error = libzmq_errno()
                zmq_poller_destroy(&self._poller)
                self._poller = NULL
            else:
                error = libzmq_errno()
            leave(socket)
            if self._poller == NULL and not passes(&shortage, error):
                fail_socket(socket, error, "ReadySignal")

    def fileno(self):
        """Return the descriptor."""
        cdef zmq_fd_t fd = -1
        if self._poller == NULL:
            raise ValueError("this signal is closed")
        if zmq_poller_fd(self._poller, &fd) != 0:
            fail_socket(self._socket, libzmq_errno(), "ReadySignal")
        return fd

    def events(self):
        """Return the mask of POLLIN and POLLOUT that hold now, and silence the descriptor."""
        cdef zmq_poller_event_t event
        if self._poller == NULL:
            raise ValueError("this signal is closed")
        enter(self._socket, "poll")
        rc = zmq_poller_wait_all(self._poller, &event, 1, 0)
        error = libzmq_errno() if rc < 0 else 0
        leave(self._socket)
        if rc > 0:
            return event.events
        if rc < 0 and error != EAGAIN and error != EINTR:
            fail_socket(self._socket, error, "poll")
        return 0

    def close(self):
        """Give the descriptor back. Closing twice is no error."""
        if self._poller != NULL:
            if self._socket.handle != NULL:  # libzmq's poller looks into the socket that it leaves
                zmq_poller_destroy(&self._poller)
            self._poller = NULL

    def __dealloc__(self):
        if self._poller != NULL and self._socket is not None and self._socket.handle != NULL:
            zmq_poller_destroy(&self._poller)
