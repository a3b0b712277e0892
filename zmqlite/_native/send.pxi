# Sending. The fast road: small bytes, no options, straight from the object's memory into libzmq.
#
# The functions named _send_* work inside a socket that the caller has entered, and have left it when
# they raise, so that the fast road needs no try/finally. They are methods in all but spelling: a
# cdef class cannot be spread over several files.

cdef MessageTracker DONE = MessageTracker()  # the tracker of everything that was copied


cdef Py_ssize_t buffer_size(object data, str operation) except -1:
    cdef Py_buffer view
    cdef Py_ssize_t size
    if PyBytes_CheckExact(data):
        return PyBytes_GET_SIZE(data)
    if isinstance(data, Frame):
        return zmq_msg_size(&(<Frame> data).msg)
    if not PyObject_CheckBuffer(data):
        raise TypeError(no_buffer(data, operation))
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    size = view.len
    PyBuffer_Release(&view)
    return size


cdef inline int send_buffer(Handle self, const char *data, Py_ssize_t size, int flags) except -1:
    """Send a copy of `size` bytes."""
    cdef int rc
    # The parts after the first find their place reserved and never wait. Without DONTWAIT libzmq drops
    # the rest of a message whose peer has gone, as it must: it would be a message of its own.
    if self._send_more:
        rc = zmq_send(self.handle, data, size, flags & ~ZMQ_DONTWAIT)
    else:
        rc = zmq_send(self.handle, data, size, flags | ZMQ_DONTWAIT)
    if rc < 0:
        send_slow(self, NULL, data, size, flags)
    self._send_more = flags & ZMQ_SNDMORE
    return 0


cdef inline int send_msg(Handle self, zmq_msg_t *msg, int flags) except -1:
    """Send a message, which is empty afterwards."""
    cdef int rc
    if self._send_more:
        rc = zmq_msg_send(msg, self.handle, flags & ~ZMQ_DONTWAIT)
    else:
        rc = zmq_msg_send(msg, self.handle, flags | ZMQ_DONTWAIT)
    if rc < 0:
        send_slow(self, msg, NULL, 0, flags)
    self._send_more = flags & ZMQ_SNDMORE
    return 0


cdef int send_slow(
        Handle self, zmq_msg_t *msg, const char *data, Py_ssize_t size, int flags) except -1:
    """After a first try failed: wait without the GIL, run signal handlers, keep the deadline."""
    cdef int error = libzmq_errno()
    cdef int rc
    cdef Wait wait
    cdef void *handle
    wait_begin(&wait, ZMQ_SNDTIMEO)
    if error == EAGAIN and not flags & ZMQ_DONTWAIT:
        error = 0
    while True:
        if error == EINTR:
            interrupted(self, "send")
            error = wait_again(&wait, self.handle)
        if error:
            break
        handle = self.handle
        wait_shorten(&wait, handle)
        owner_block(&self._owner, self._thread_safe)
        with nogil:
            if msg != NULL:
                rc = zmq_msg_send(msg, handle, flags)
            else:
                rc = zmq_send(handle, data, size, flags)
            error = libzmq_errno() if rc < 0 else 0
        owner_unblock(&self._owner, self._thread_safe)
        wait_restore(&wait, handle)
        if rc >= 0:
            return 0
    return fail_inside(self, error, "send", flags, ZMQ_SNDTIMEO)


cdef object send_one(Handle self, object data, int flags):
    """Send one part of any bytes-like kind with the default way of copying."""
    cdef Py_ssize_t size
    if PyBytes_CheckExact(data) and not self._special:
        size = PyBytes_GET_SIZE(data)
        if size < BORROW:
            enter(self, "send")
            send_buffer(self, PyBytes_AS_STRING(data), size, flags)
            leave(self)
            return None
    return send_general(self, data, flags, True, False, None, None)


cdef object send_general(
        Handle self, object data, int flags, bint copy, bint track, object routing_id, object group):
    cdef zmq_msg_t msg
    cdef MessageTracker tracker
    zmq_msg_init(&msg)
    try:
        tracker = make_msg(self, &msg, data, copy, track, "send")
        if routing_id is not None or group is not None or self._special:
            address_msg(self, &msg, routing_id, group)
        enter(self, "send")
        send_msg(self, &msg, flags)
        leave(self)
    finally:
        zmq_msg_close(&msg)
    return tracker


cdef MessageTracker make_msg(
        Handle self, zmq_msg_t *msg, object data, bint copy, bint track, str operation):
    """Fill `msg` (initialised, empty) with `data`. Returns what send() returns."""
    cdef MessageTracker tracker = None
    cdef Py_ssize_t size
    if isinstance(data, Frame):
        tracker = (<Frame> data).tracker
        if track and tracker is None:
            raise ValueError("this frame is not tracked: make it with Frame(data, track=True)")
        if zmq_msg_copy(msg, &(<Frame> data).msg) != 0:
            fail(libzmq_errno(), operation, subject_of(self))
        return tracker
    size = buffer_size(data, operation)
    if not copy and (size >= self.copy_threshold):
        tracker = MessageTracker() if track else None
        lend_buffer(msg, data, tracker)
        return tracker
    if size >= BORROW and PyBytes_CheckExact(data):
        lend_bytes(msg, data, NULL)  # nobody can change them, so this is as good as a copy
    else:
        copy_buffer(msg, data)
    return None if copy else DONE


cdef int address_msg(Handle self, zmq_msg_t *msg, object routing_id, object group) except -1:
    """Set routing id and group, and refuse what would overrun libzmq's datagram buffer."""
    cdef bytes name = b""
    cdef size_t size
    if routing_id is not None and zmq_msg_set_routing_id(msg, <uint32_t> routing_id) != 0:
        fail(libzmq_errno(), "send", subject_of(self), "a routing id is a number above 0")
    if group is not None:
        name = text_or_bytes(group, "a group")
        if zmq_msg_set_group(msg, name) != 0:
            fail(libzmq_errno(), "send", subject_of(self), "a group has at most 255 bytes")
    if self._special:
        size = zmq_msg_size(msg)
        if self.type_number == RADIO:
            if not self._udp:
                return 0
            size += strlen(zmq_msg_group(msg)) + 1
        if size > 8192:
            fail(EMSGSIZE, "send", subject_of(self),
                 f"{size} bytes with the group do not fit into a datagram: at most 8192")
    return 0


cdef object send_parts(Handle self, tuple parts, int flags):
    """Send bytes of any size as one message."""
    cdef Py_ssize_t last = len(parts) - 1
    cdef Py_ssize_t place, size
    cdef int part_flags
    cdef zmq_msg_t msg
    enter(self, "send_multipart")
    for place in range(last + 1):
        part = parts[place]
        part_flags = flags if place == last else flags | ZMQ_SNDMORE
        size = PyBytes_GET_SIZE(part)
        if size < BORROW:
            send_buffer(self, PyBytes_AS_STRING(part), size, part_flags)
            continue
        zmq_msg_init(&msg)
        try:
            lend_bytes(&msg, part, NULL)
            send_msg(self, &msg, part_flags)
        finally:
            zmq_msg_close(&msg)
    leave(self)


cdef object send_mixed_parts(
        Handle self, tuple parts, int flags, bint copy, bint track, object routing_id, object group):
    """Send parts of any kind as one message. All are made before the first is sent."""
    cdef Py_ssize_t last = len(parts) - 1
    cdef Py_ssize_t place
    cdef Frame frame
    frames = []
    trackers = []
    for place in range(last + 1):
        part = parts[place]
        frame = Frame()
        try:
            tracker = make_msg(self, &frame.msg, part, copy, track, "send_multipart")
        except TypeError:
            shown = repr(part)
            raise TypeError(
                f"part {place} of the message is no bytes-like object or frame: "
                f"{shown if len(shown) <= 60 else shown[:57] + '...'}") from None
        address_msg(self, &frame.msg, routing_id, group)
        frames.append(frame)
        if tracker is not None and tracker is not DONE:
            trackers.append(tracker)
    enter(self, "send_multipart")
    for place in range(last + 1):
        frame = frames[place]
        send_msg(self, &frame.msg, flags if place == last else flags | ZMQ_SNDMORE)
    leave(self)
    if copy and not trackers:
        return None
    if not trackers:
        return DONE if not copy and not track else (DONE if track else None)
    return trackers[0] if len(trackers) == 1 else MessageTracker(*trackers)


cdef tuple parts_of(object msg_parts):
    """The parts as a tuple nobody else can change; whatever is no sequence is refused."""
    cdef tuple parts
    if isinstance(msg_parts, (str, bytes, bytearray, memoryview)) or not hasattr(msg_parts, "__getitem__"):
        raise TypeError("send_multipart() takes a sequence of parts, such as a list, not "
                        f"{type(msg_parts).__name__!r}")
    parts = tuple(msg_parts)
    if not parts:
        raise IndexError("a message has at least one part: send_multipart() got none")
    return parts
