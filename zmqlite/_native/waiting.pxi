# Deadlines that stay exact while signals arrive. libzmq starts its timeout anew with each call, so a
# call that a signal has interrupted is repeated with what is left of it; the option shows the user's
# value again before any Python code runs.

ctypedef struct Wait:
    double start     # when the call began to wait
    int option       # ZMQ_SNDTIMEO or ZMQ_RCVTIMEO
    int limit        # the user's timeout in ms, once it is known; -1 for none
    int left         # what the next try may take; -1 for "the option says it"


cdef inline void wait_begin(Wait *wait, int option) noexcept nogil:
    wait.start = now()
    wait.option = option
    wait.limit = -1
    wait.left = -1


cdef int wait_again(Wait *wait, void *handle) noexcept:
    """After an interruption: how long the next try may take. Returns EAGAIN when time is over."""
    cdef size_t size = sizeof(int)
    cdef double left
    if zmq_getsockopt(handle, wait.option, &wait.limit, &size) != 0 or wait.limit <= 0:
        wait.left = -1
        return 0
    left = wait.limit - (now() - wait.start) * 1000
    if left <= 0:
        return EAGAIN
    wait.left = <int> left + 1
    return 0


cdef inline void wait_shorten(Wait *wait, void *handle) noexcept:
    if wait.left >= 0:
        zmq_setsockopt(handle, wait.option, &wait.left, sizeof(int))


cdef inline void wait_restore(Wait *wait, void *handle) noexcept:
    if wait.left >= 0:
        zmq_setsockopt(handle, wait.option, &wait.limit, sizeof(int))


cdef int fail_inside(Handle self, int error, str operation, int flags, int option) except -1:
    """Leave the socket and raise."""
    cdef int limit = -1
    cdef size_t size = sizeof(int)
    cdef str hint = ""
    if error == ETERM and interpreter_exits():
        leave(self)
        park()
    if error == EAGAIN and not flags & ZMQ_DONTWAIT:
        zmq_getsockopt(self.handle, option, &limit, &size)
        hint = f"{'SNDTIMEO' if option == ZMQ_SNDTIMEO else 'RCVTIMEO'} of {limit} ms is over: "
        hint += next_step(error, operation, self.type_number)
    leave(self)
    return fail_socket(self, error, operation, hint)
