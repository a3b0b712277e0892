# Shortage: no descriptor, or no place for one more socket, perhaps only for a moment. libzmq gives back what
# a closed socket held in a thread of its own: who opens and closes in a loop may run ahead of it. And what
# nobody can reach any more (a poller and the sockets in it) waits for the collector.

cdef extern from "base/shortage.hpp" namespace "zmqlite" nogil:
    cppclass Shortage:
        bint collected
        double pause
    double LONGEST
    bint comes_back(Shortage *shortage, double last_close)


cdef inline bint is_shortage(int error) noexcept:
    return error == EMFILE or error == ENFILE


cdef double last_close() noexcept:
    """When a socket was closed last in a context that has not ended: with that all comes back."""
    cdef double last = -1e9
    cdef void *place
    registry_lock()
    place = all_contexts
    while place != NULL:
        last = max(last, (<Context> place)._last_close)
        place = (<Context> place)._next
    registry_unlock()
    return last


cdef bint paused(Shortage *shortage) noexcept:
    """Wait a moment and return True, while what closed sockets held may come back."""
    cdef bint again
    cdef double last = last_close()
    with nogil:
        again = comes_back(shortage, last)
    return again


cdef bint passes(Shortage *shortage, int error) except -1:
    """After a call that nothing holds any more: whether to try it again, for `error` may be over. Signal
    handlers and the collector have run."""
    cdef bint again
    if not is_shortage(error):
        return False
    again = paused(shortage)
    if again:
        PyErr_CheckSignals()
    if not shortage.collected and (not again or shortage.pause >= LONGEST):
        again = shortage.collected = True
        gc.collect()
    return again


def duplicate(int fd):
    """Return os.dup(fd), for event loops; where descriptors may come back, try again."""
    cdef Shortage shortage
    while True:
        try:
            return os.dup(fd)
        except OSError as error:
            if not passes(&shortage, error.errno):
                raise


def duplicate_fd_of(Handle socket not None):
    """Return a copy of a socket's FD, for event loops; where descriptors may come back, try again.

    The socket is entered, so that nothing closes it between the reading and the copying: the number may be
    anybody's descriptor in the next moment. Raises what a use of the socket raises.
    """
    cdef Shortage shortage
    cdef zmq_fd_t fd = -1
    cdef size_t size
    cdef int error, own
    while True:
        guard_enter(socket, "getsockopt")
        error = EINTR
        while error == EINTR:
            size = sizeof(fd)
            error = libzmq_errno() if zmq_getsockopt(socket.handle, ZMQ_FD, &fd, &size) else 0
        own = -1 if error else copy_fd(<int> fd)
        if own < 0 and not error:
            error = errno
        guard_exit(socket)
        if not error:
            return own
        if not passes(&shortage, error):
            fail_socket(socket, error, "getsockopt(FD)")


cdef str scarce(Context context, int error):
    """What there is not enough of after all, and what helps. No context: of descriptors."""
    cdef int most
    if error == ENFILE:
        return "all programs together have as many files open as this system can"
    if context is None or not context._started or not descriptors_left(2):
        return f"this process may have {most_descriptors()} files open, and too few are left: close what " \
               "is not needed, or raise the limit (ulimit -n)"
    most = zmq_ctx_get(context.handle, ZMQ_MAX_SOCKETS)
    closed = "" if len(context.sockets()) >= most else "; closed ones count until their linger is over"
    return f"the context has its MAX_SOCKETS of {most} sockets, monitors included{closed}: close some, or " \
           "make it with Context(max_sockets=...)"


cdef object most_descriptors():
    try:
        return os.sysconf("SC_OPEN_MAX")
    except (AttributeError, ValueError):  # Windows
        return "so many"


cdef str no_socket(Context context, int error, int socket_type):
    """Why no socket could be made, and what helps."""
    if is_shortage(error):
        return scarce(context, error)
    if error == EINVAL:
        return f"{socket_type} is not a socket type of this libzmq"
    return next_step(error, "socket", socket_type)
