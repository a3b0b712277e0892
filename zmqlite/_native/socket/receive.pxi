# Receiving. As in send.pxi, what fills a message works inside a socket that the caller has entered, and has
# left it when it raises. A failed zmq_msg_recv leaves the message empty: nothing to close.
cdef double NO_WAIT = 2e-6  # a receive that took less seconds did not wait


cdef inline int recv_msg(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """Receive into `msg` (initialised)."""
    if self._waits >= EXPECT_WAIT and not flags & ZMQ_DONTWAIT:
        recv_expecting(self, msg, flags, operation)
    elif zmq_msg_recv(msg, self.handle, flags | ZMQ_DONTWAIT) >= 0:
        self._waits = 0
    else:
        recv_slow(self, msg, flags, operation)
    self._recv_more = zmq_msg_more(msg)
    return 0


cdef int recv_expecting(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """Wait without the GIL at once, since the last receives had to wait."""
    cdef Wait wait
    cdef int error
    wait_begin(&wait, ZMQ_RCVTIMEO)
    wait.timed = not self._asked
    wait.look = may_spin(self)
    error = wait_and_recv(self, msg, flags, &wait)
    update_spin_backoff(self, &wait)
    if error == 0:
        self._asked = False
        if wait.waited:
            self._waits = USED_TO_WAIT
        else:
            self._waits -= 1
        return 0
    return recv_waiting(self, msg, flags, operation, error, &wait)


cdef int recv_slow(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """After a first try failed."""
    cdef int error = libzmq_errno()
    cdef Wait wait
    wait_begin(&wait, ZMQ_RCVTIMEO)
    if error == EAGAIN and not flags & ZMQ_DONTWAIT:
        error = 0
        if self._waits < EXPECT_WAIT and not self._thread_safe:
            self._waits += 1
        if not self._beside_loop:
            look_for_loop(self)
    return recv_waiting(self, msg, flags, operation, error, &wait)


cdef int recv_waiting(Handle self, zmq_msg_t *msg, int flags, str operation, int error,
                      Wait *wait) except -1:
    """Wait without the GIL, run signal handlers, keep the deadline."""
    while True:
        if error == EINTR:
            interrupted(self, operation)
            wait.again = True
            error = 0
        if error:
            break
        error = wait_and_recv(self, msg, flags, wait)
        if error == 0:
            return 0
    if error == ETERM and operation == "iterate" and not interpreter_exits():
        guard_exit(self)
        raise StopIteration
    return fail_inside(self, error, operation, flags, ZMQ_RCVTIMEO)


cdef int wait_and_recv(Handle self, zmq_msg_t *msg, int flags, Wait *wait) noexcept:
    """One try that waits without the GIL. Returns an errno, 0 for received."""
    cdef int error = 0
    cdef void *handle = self.handle
    wait_prepare(wait, self, flags)
    if ZMQLITE_BLOCKS:
        bytes_pool.recycle_now()
    guard_mark(&self._guard, self._thread_safe)
    with nogil:
        if not (wait.look and try_spin(wait, msg, handle, flags)):
            error = wait_once(wait, zmq_msg_recv, msg, handle, flags)
        if wait.timed:  # here, for to take the GIL back may last
            wait.waited = now() - wait.start >= NO_WAIT
    guard_unmark(&self._guard, self._thread_safe)
    return try_over(wait, error)


cdef inline bint recv_after_all(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """A try without waiting failed: leave and return False for EAGAIN; for anything else once more, or raise."""
    if libzmq_errno() == EAGAIN:
        guard_exit(self)
        return False
    return recv_once_more(self, msg, flags, operation)


cdef bint recv_once_more(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    try:
        recv_slow(self, msg, flags | ZMQ_DONTWAIT, operation)
    except Again:
        return False
    return True


cdef inline int recv_rest(Handle self, zmq_msg_t *msg) noexcept:
    """Receive a part after the first into `msg`. It is there already: messages arrive whole. Signal
    handlers wait for the end of the message; one that raises would tear it apart. Returns an errno."""
    cdef int error
    zmq_msg_init(msg)
    while zmq_msg_recv(msg, self.handle, ZMQ_DONTWAIT) < 0:
        error = libzmq_errno()
        if error != EINTR:
            return error
    self._recv_more = zmq_msg_more(msg)
    return 0


cdef void drop_rest(Handle self) noexcept:
    """There is no memory for a message that was begun. Nobody shall take the rest of it for one of its own."""
    cdef zmq_msg_t msg
    while self._recv_more and recv_rest(self, &msg) == 0:
        zmq_msg_close(&msg)


cdef inline object recv_bytes(Handle self, int flags, str operation):
    cdef zmq_msg_t msg
    zmq_msg_init(&msg)
    guard_enter(self, operation)
    recv_msg(self, &msg, flags, operation)
    guard_exit(self)
    return take_bytes(&msg)


cdef object recv_if_there(Handle self, int flags, str operation):
    """One part, or None if none is there."""
    cdef zmq_msg_t msg
    if has_deferred_releases():
        run_deferred_releases()
    zmq_msg_init(&msg)
    guard_enter(self, operation)
    if zmq_msg_recv(&msg, self.handle, flags | ZMQ_DONTWAIT) < 0:
        if not recv_after_all(self, &msg, flags, operation):
            return None
    self._recv_more = zmq_msg_more(&msg)
    guard_exit(self)
    return take_bytes(&msg)


cdef inline object take_bytes(zmq_msg_t *msg):
    """The body as bytes; the message is closed."""
    cdef Py_ssize_t size = <Py_ssize_t> zmq_msg_size(msg)
    if size < ZERO_COPY_MIN_INPROC:
        result = PyBytes_FromStringAndSize(<char *> zmq_msg_data(msg), size)
        zmq_msg_close(msg)
        return result
    return take_large(msg, size)


cdef object take_large(zmq_msg_t *msg, Py_ssize_t size):
    """The same from the size on from which it may be lent."""
    cdef PyObject *lent = take_leased(msg, size)
    if lent != NULL:
        return own(lent)
    cdef void *hint = zmq_msg_detach(msg) if ZMQLITE_BLOCKS else NULL
    if hint != NULL:
        return own(bytes_pool.publish(hint, size))
    try:
        return bytes_of(msg)
    finally:
        zmq_msg_close(msg)


cdef inline object take_inside(Handle self, zmq_msg_t *msg):
    """take_bytes in a socket that was entered, and still is when this raises."""
    cdef PyObject *taken = take_at_once(msg, zmq_msg_data(msg), <Py_ssize_t> zmq_msg_size(msg), True)
    return take_marked(self, msg) if taken == NULL else own(taken)


cdef inline PyObject *take_at_once(zmq_msg_t *msg, const void *data, Py_ssize_t size, bint open) noexcept:
    """The body of a message that was lent or is small, which is closed; NULL if it is neither, or if there
    is no memory."""
    cdef PyObject *taken = NULL
    if size >= ZERO_COPY_MIN_INPROC:
        taken = take_leased(msg, size)
    if taken == NULL and size < ZERO_COPY_MIN:
        taken = new_bytes(<const char *> data, size)
        if taken == NULL:
            PyErr_Clear()  # who takes it as a large one meets it again
        elif open:
            zmq_msg_close(msg)
    return taken


cdef object take_marked(Handle self, zmq_msg_t *msg):
    """take_bytes in a socket that was entered, and still is when this raises. A big copy lets the GIL go, so
    that meanwhile the socket is marked."""
    if <Py_ssize_t> zmq_msg_size(msg) < BIG_COPY:
        return take_bytes(msg)
    guard_mark(&self._guard, self._thread_safe)
    try:
        return take_bytes(msg)
    finally:
        guard_unmark(&self._guard, self._thread_safe)


cdef Frame recv_frame(Handle self, int flags, bint track, str operation):
    cdef Frame frame = Frame.__new__(Frame)
    guard_enter(self, operation)
    recv_msg(self, &frame.msg, flags, operation)
    guard_exit(self)
    return received_frame(self, frame, track)


cdef Frame received_frame(Handle self, Frame frame, bint track):
    frame.more = self._recv_more
    frame._readonly = False
    refill_pool(&frame.msg)
    if track:
        frame.tracker = DONE
    return frame


cdef list recv_parts(Handle self, int flags, str operation):
    """One whole message as a list of bytes."""
    cdef zmq_msg_t msg
    cdef list parts = []  # made outside of the socket, as all that is collected
    zmq_msg_init(&msg)
    guard_enter(self, operation)
    recv_msg(self, &msg, flags, operation)
    rest_of_parts(self, &msg, parts, operation)
    return parts


cdef int rest_of_parts(Handle self, zmq_msg_t *msg, list parts, str operation) except -1:
    """Fill a list with a message whose first part is there already. The socket was entered, and is left."""
    cdef int error = -1
    try:
        error = gather_parts(self, msg, parts)
    finally:
        if error < 0:
            drop_rest(self)
            guard_exit(self)
    if error:
        return fail_inside(self, error, operation, ZMQ_DONTWAIT, ZMQ_RCVTIMEO)
    guard_exit(self)
    return 0


cdef inline int gather_parts(Handle self, zmq_msg_t *msg, list parts) except -1:
    """Returns an errno; raises when there is no memory. The socket stays entered."""
    cdef int error = 0
    while not error:
        parts.append(take_inside(self, msg))
        if not self._recv_more:
            return 0
        error = recv_rest(self, msg)
    return error


cdef list recv_parts_if_there(Handle self, int flags, bint copy, str operation):
    """One whole message, as bytes or as frames, or None if none is there."""
    cdef zmq_msg_t msg
    cdef list parts = []
    zmq_msg_init(&msg)
    guard_enter(self, operation)
    if zmq_msg_recv(&msg, self.handle, flags | ZMQ_DONTWAIT) < 0:
        if not recv_after_all(self, &msg, flags, operation):
            return None
    self._recv_more = zmq_msg_more(&msg)
    if copy:
        rest_of_parts(self, &msg, parts, operation)
    else:
        rest_of_frames(self, &msg, None, parts, False, operation)
    return parts


cdef list recv_frames(Handle self, int flags, bint track, str operation):
    cdef list frames = []
    cdef Frame frame = Frame.__new__(Frame)
    guard_enter(self, operation)
    recv_msg(self, &frame.msg, flags, operation)
    rest_of_frames(self, NULL, frame, frames, track, operation)
    return frames


cdef int rest_of_frames(
        Handle self, zmq_msg_t *msg, Frame frame, list frames, bint track, str operation) except -1:
    """The same with frames. The first part is in `frame`, or in `msg` if that is None."""
    cdef int error = -1
    try:
        error = gather_frames(self, msg, frame, frames, track)
    finally:
        if error < 0:
            if msg != NULL:
                zmq_msg_close(msg)
            drop_rest(self)
            guard_exit(self)
    if error:
        return fail_inside(self, error, operation, ZMQ_DONTWAIT, ZMQ_RCVTIMEO)
    guard_exit(self)
    return 0


cdef int gather_frames(Handle self, zmq_msg_t *msg, Frame frame, list frames, bint track) except -1:
    cdef int error = 0
    if frame is None:
        frame = new_frame(self)
        zmq_msg_move(&frame.msg, msg)
    while not error:
        frames.append(received_frame(self, frame, track))
        if not self._recv_more:
            return 0
        frame = new_frame(self)
        error = recv_rest(self, &frame.msg)
    return error


cdef Frame new_frame(Handle self):
    """An empty frame, in a socket that was entered. The collector may run, and let others run."""
    guard_mark(&self._guard, self._thread_safe)
    try:
        return Frame.__new__(Frame)
    finally:
        guard_unmark(&self._guard, self._thread_safe)


cdef int refuse_buffer(Handle self, object buffer) except -1:
    """Say in place of the pending error why nothing can be received into this."""
    cdef str what
    if not PyErr_ExceptionMatches(BufferError) and not PyErr_ExceptionMatches(TypeError):
        return -1  # none of ours
    PyErr_Clear()
    what = f"recv_into on {subject_of(self)} takes a writable buffer in one piece, such as a bytearray"
    if not PyObject_CheckBuffer(buffer):
        raise TypeError(f"{what}, not {type(buffer).__name__!r}")
    raise BufferError(f"{what}; this {type(buffer).__name__!r} is read-only or in pieces: use recv(), "
                      "which returns new bytes")


cdef object recv_to_buffer(Handle self, object buffer, Py_ssize_t nbytes, int flags):
    cdef Py_buffer view
    cdef zmq_msg_t msg
    cdef Py_ssize_t size, fits
    zmq_msg_init(&msg)
    if get_buffer(buffer, &view, PyBUF_WRITABLE) < 0:  # held until the bytes are in it
        refuse_buffer(self, buffer)
    try:
        if nbytes < 0 or nbytes > view.len:
            raise ValueError(f"recv_into: nbytes={nbytes} does not fit a buffer of {view.len} bytes")
        fits = nbytes if nbytes else view.len
        guard_enter(self, "recv_into")
        recv_msg(self, &msg, flags, "recv_into")
        guard_exit(self)
        size = zmq_msg_size(&msg)
        refill_pool(&msg)
        fits = min(size, fits)
        if fits:
            copy_body(view.buf, zmq_msg_data(&msg), fits)
        return size
    finally:
        close_here(&msg)
        PyBuffer_Release(&view)
