# Receiving. As in send.pxi, the functions work inside a socket that the caller has entered, and have
# left it when they raise. A failed zmq_msg_recv leaves the message empty: nothing to close.


cdef inline int recv_msg(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """Receive into `msg` (initialised)."""
    if zmq_msg_recv(msg, self.handle, flags | ZMQ_DONTWAIT) < 0:
        recv_slow(self, msg, flags, operation)
    self._recv_more = zmq_msg_more(msg)
    return 0


cdef int recv_slow(Handle self, zmq_msg_t *msg, int flags, str operation) except -1:
    """After a first try failed: wait without the GIL, run signal handlers, keep the deadline."""
    cdef int error = libzmq_errno()
    cdef int rc
    cdef Wait wait
    cdef void *handle
    wait_begin(&wait, ZMQ_RCVTIMEO)
    if error == EAGAIN and not flags & ZMQ_DONTWAIT:
        error = 0
    while True:
        if error == EINTR:
            interrupted(self, operation)
            error = wait_again(&wait, self.handle)
        if error:
            break
        handle = self.handle
        wait_shorten(&wait, handle)
        owner_block(&self._owner, self._thread_safe)
        with nogil:
            rc = zmq_msg_recv(msg, handle, flags)
            error = libzmq_errno() if rc < 0 else 0
        owner_unblock(&self._owner, self._thread_safe)
        wait_restore(&wait, handle)
        if rc >= 0:
            return 0
    if error == ETERM and operation == "iterate" and not interpreter_exits():
        leave(self)
        raise StopIteration
    return fail_inside(self, error, operation, flags, ZMQ_RCVTIMEO)


cdef inline object recv_bytes(Handle self, int flags, str operation):
    cdef zmq_msg_t msg
    zmq_msg_init(&msg)
    enter(self, operation)
    recv_msg(self, &msg, flags, operation)
    leave(self)
    return take_bytes(&msg)


cdef inline object take_bytes(zmq_msg_t *msg):
    """The body as bytes; the message is closed."""
    cdef Py_ssize_t size = <Py_ssize_t> zmq_msg_size(msg)
    if size < BORROW:
        result = PyBytes_FromStringAndSize(<char *> zmq_msg_data(msg), size)
        zmq_msg_close(msg)
        return result
    try:
        return bytes_of(msg)
    finally:
        zmq_msg_close(msg)


cdef Frame recv_frame(Handle self, int flags, bint track, str operation):
    cdef Frame frame = Frame.__new__(Frame)
    enter(self, operation)
    recv_msg(self, &frame.msg, flags, operation)
    leave(self)
    frame.more = self._recv_more
    frame._readonly = False
    if track:
        frame.tracker = DONE
    return frame


cdef list recv_parts(Handle self, int flags, str operation):
    """One whole message as a list of bytes."""
    cdef zmq_msg_t msg
    cdef list parts = []
    zmq_msg_init(&msg)
    enter(self, operation)
    recv_msg(self, &msg, flags, operation)
    parts.append(take_bytes(&msg))
    while self._recv_more:
        zmq_msg_init(&msg)
        recv_msg(self, &msg, flags, operation)
        parts.append(take_bytes(&msg))
    leave(self)
    return parts


cdef list recv_frames(Handle self, int flags, bint track, str operation):
    cdef list frames = [recv_frame(self, flags, track, operation)]
    while self._recv_more:
        frames.append(recv_frame(self, flags, track, operation))
    return frames


cdef object recv_to_buffer(Handle self, object buffer, Py_ssize_t nbytes, int flags):
    cdef Py_buffer view
    cdef zmq_msg_t msg
    cdef Py_ssize_t size, fits
    zmq_msg_init(&msg)
    PyObject_GetBuffer(buffer, &view, PyBUF_WRITABLE)  # held until the bytes are in it
    try:
        if nbytes < 0 or nbytes > view.len:
            raise ValueError(f"recv_into: nbytes={nbytes} does not fit a buffer of {view.len} bytes")
        fits = nbytes if nbytes else view.len
        enter(self, "recv_into")
        recv_msg(self, &msg, flags, "recv_into")
        leave(self)
        size = zmq_msg_size(&msg)
        memcpy(view.buf, zmq_msg_data(&msg), min(size, fits))
        return size
    finally:
        zmq_msg_close(&msg)
        PyBuffer_Release(&view)
