# Sending. The fast road: small bytes, no options, straight from the object's memory into libzmq.
#
# What sends a buffer, bytes or a message works inside a socket that the caller has entered, and has left
# it when it raises, so that the fast road needs no try/finally; what a method calls enters it. They are
# methods in all but spelling: a cdef class cannot be spread over several files.

cdef MessageTracker DONE = MessageTracker()  # the tracker of everything that was copied
FINISHED_TRACKER = DONE


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


cdef void note_transport(Handle self, const char *endpoint) noexcept:
    """Remember what sending has to know about the endpoints that were bound or connected."""
    if strncmp(endpoint, "inproc", 6) == 0:
        self._inproc = True
    else:
        self._outside = True
        if strncmp(endpoint, "udp", 3) == 0:
            self._udp = True
    self._zero_copy_min = ZERO_COPY_MIN if self._outside else ZERO_COPY_MIN_INPROC


cdef inline bint wakes_thread(Handle self, int flags) noexcept:
    """Whether this send completes a message for which a thread of this process is probably waiting."""
    return self._waits >= EXPECT_WAIT and self._inproc and not flags & ZMQ_SNDMORE


cdef int send_waking(
        Handle self, zmq_msg_t *msg, const char *data, Py_ssize_t size, int flags) noexcept:
    """A try to send during which the thread that is to answer can have the GIL."""
    cdef int rc
    cdef int error
    cdef void *handle = self.handle
    self._asked = True
    guard_mark(&self._guard, self._thread_safe)
    with nogil:
        if msg != NULL:
            rc = zmq_msg_send(msg, handle, flags | ZMQ_DONTWAIT)
        else:
            rc = zmq_send(handle, data, size, flags | ZMQ_DONTWAIT)
        error = libzmq_errno()
    guard_unmark(&self._guard, self._thread_safe)
    if rc < 0:
        set_errno(error)  # taking the GIL back may have changed it
    return rc


cdef inline int send_buffer(Handle self, const char *data, Py_ssize_t size, int flags) except -1:
    """Send a copy of `size` bytes."""
    if self._send_more == DROPPING:
        self._send_more = DROPPING if flags & ZMQ_SNDMORE else 0
        return 0
    cdef int rc
    if wakes_thread(self, flags):
        rc = send_waking(self, NULL, data, size, flags)
    else:
        rc = zmq_send(self.handle, data, size, flags | ZMQ_DONTWAIT)
    if rc < 0:
        return send_slow(self, NULL, data, size, flags)
    self._send_more = 1 if flags & ZMQ_SNDMORE else 0
    return 0


cdef inline int send_msg(Handle self, zmq_msg_t *msg, int flags) except -1:
    """Send a message, which is empty afterwards (or, when it is dropped, the caller's to close)."""
    if self._send_more == DROPPING:
        self._send_more = DROPPING if flags & ZMQ_SNDMORE else 0
        return 0
    cdef int rc
    if wakes_thread(self, flags):
        rc = send_waking(self, msg, NULL, 0, flags)
    else:
        rc = zmq_msg_send(msg, self.handle, flags | ZMQ_DONTWAIT)
    if rc < 0:
        return send_slow(self, msg, NULL, 0, flags)
    self._send_more = 1 if flags & ZMQ_SNDMORE else 0
    return 0


cdef inline int send_bytes(Handle self, object data, int flags) except -1:
    """Send bytes, a copy of them or over their own memory."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    if size < self._zero_copy_min:
        return send_buffer(self, PyBytes_AS_STRING(data), size, flags)
    return send_zero_copy(self, data, flags)


cdef int send_zero_copy(Handle self, object data, int flags) except -1:
    cdef zmq_msg_t msg
    cdef int rc
    if self._send_more == DROPPING:
        self._send_more = DROPPING if flags & ZMQ_SNDMORE else 0
        return 0
    if not zero_copy_object(&msg, <PyObject *> data, NULL):
        return fail_inside(self, ENOMEM, "send", flags, ZMQ_SNDTIMEO)
    if wakes_thread(self, flags):
        rc = send_waking(self, &msg, NULL, 0, flags)
    else:
        rc = zmq_msg_send(&msg, self.handle, flags | ZMQ_DONTWAIT)
    if rc < 0:
        return send_zero_copy_slow(self, &msg, flags)
    self._send_more = 1 if flags & ZMQ_SNDMORE else 0
    return 0


cdef int send_zero_copy_slow(Handle self, zmq_msg_t *msg, int flags) except -1:
    try:
        return send_slow(self, msg, NULL, 0, flags)
    finally:
        close_here(msg)


cdef inline int try_bytes(Handle self, object data, int flags) noexcept:
    """A try to send bytes that waits for nothing; below 0, with zmq_errno, when it failed."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    cdef zmq_msg_t msg
    cdef int rc
    if size < self._zero_copy_min:
        rc = zmq_send(self.handle, PyBytes_AS_STRING(data), size, flags | ZMQ_DONTWAIT)
    elif not zero_copy_object(&msg, <PyObject *> data, NULL):
        return -1
    else:
        rc = zmq_msg_send(&msg, self.handle, flags | ZMQ_DONTWAIT)
        if rc < 0:
            rc = libzmq_errno()
            close_here(&msg)
            set_errno(rc)
            return -1
    if rc >= 0:
        self._send_more = 1 if flags & ZMQ_SNDMORE else 0
    return rc


cdef object send_if_taken(Handle self, object data, int flags, str operation):
    """Send one part if a peer can take it now; return whether it was sent."""
    if has_deferred_releases():
        run_deferred_releases()
    if PyBytes_CheckExact(data) and not self._special and not self._send_more:
        guard_enter(self, operation)
        if try_bytes(self, data, flags) >= 0:
            guard_exit(self)
            return True
        if libzmq_errno() == EAGAIN:
            guard_exit(self)
            return False
        guard_exit(self)
    try:
        send_general(self, data, flags | ZMQ_DONTWAIT, True, False, None, None)
    except Again:
        return False
    return True


cdef int send_slow(
        Handle self, zmq_msg_t *msg, const char *data, Py_ssize_t size, int flags) except -1:
    """After a first try failed: wait without the GIL, run signal handlers, keep the deadline."""
    cdef int error = libzmq_errno()
    cdef Wait wait
    if self._send_more:
        return send_rest(self, msg, data, size, flags, error)
    wait_begin(&wait, ZMQ_SNDTIMEO)
    if error == EAGAIN and not flags & ZMQ_DONTWAIT:
        error = 0
        if not self._beside_loop:
            look_for_loop(self)
    while True:
        if error == EINTR:
            interrupted(self, "send")
            wait.again = True
            error = 0
        if error:
            break
        error = wait_and_send(self, msg, data, size, flags, &wait)
        if error == 0:
            self._send_more = 1 if flags & ZMQ_SNDMORE else 0
            return 0
    return fail_inside(self, error, "send", flags, ZMQ_SNDTIMEO)


cdef int wait_and_send(Handle self, zmq_msg_t *msg, const char *data, Py_ssize_t size, int flags,
                       Wait *wait) noexcept:
    """One try that waits without the GIL. Returns an errno, 0 for sent."""
    cdef zmq_msg_t copy
    cdef int error
    cdef void *handle = self.handle
    if msg == NULL:
        if zmq_msg_init_size(&copy, size) != 0:
            return libzmq_errno()
        memcpy(zmq_msg_data(&copy), data, size)
    wait_prepare(wait, self, flags)
    guard_mark(&self._guard, self._thread_safe)
    with nogil:
        error = wait_once(wait, zmq_msg_send, &copy if msg == NULL else msg, handle, flags)
    guard_unmark(&self._guard, self._thread_safe)
    if msg == NULL and error:
        zmq_msg_close(&copy)
    return try_over(wait, error)


cdef int send_rest(Handle self, zmq_msg_t *msg, const char *data, Py_ssize_t size, int flags,
                   int error) except -1:
    """A part after the first failed. Its place was reserved, so that it never has to wait: EAGAIN says
    that the peer has gone. The rest must be dropped, as what was queued for that peer is: it would
    reach the next peer as a message of its own. PAIR leaves that to us, the others drop by themselves.
    """
    while error == EINTR:  # signal handlers have to wait for the end of the message
        if msg != NULL:
            error = libzmq_errno() if zmq_msg_send(msg, self.handle, flags | ZMQ_DONTWAIT) < 0 else 0
        else:
            error = libzmq_errno() if zmq_send(self.handle, data, size, flags | ZMQ_DONTWAIT) < 0 else 0
    if error and error != EAGAIN:
        return fail_inside(self, error, "send", flags, ZMQ_SNDTIMEO)
    if not flags & ZMQ_SNDMORE:
        self._send_more = 0
    elif error and self._type_number == ZMQ_PAIR:
        self._send_more = DROPPING
    return 0


cdef object send_one(Handle self, object data, int flags):
    """Send one part of any bytes-like kind with the default way of copying."""
    if PyBytes_CheckExact(data) and not self._special:
        guard_enter(self, "send")
        send_bytes(self, data, flags)
        guard_exit(self)
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
        guard_enter(self, "send")
        send_msg(self, &msg, flags)
        guard_exit(self)
    finally:
        zmq_msg_close(&msg)
    return tracker


cdef int send_body(Handle self, zmq_msg_t *msg, int flags) except -1:
    """Send a message that is at hand; an empty one is left of it, or the same when this raises."""
    if self._special:
        address_msg(self, msg, None, None)
    guard_enter(self, "send")
    send_msg(self, msg, flags)
    guard_exit(self)
    return 0


cdef MessageTracker make_msg(
        Handle self, zmq_msg_t *msg, object data, bint copy, bint track, str operation):
    """Fill `msg` (initialised, empty) with `data`. Returns what send() returns."""
    cdef MessageTracker tracker = None
    cdef Py_ssize_t size
    if isinstance(data, Frame):
        tracker = (<Frame> data).tracker
        if track and tracker is None:
            raise ValueError("this frame is not tracked: make it with Frame(data, track=True)")
        copy_msg(msg, data, operation)
        return tracker
    size = buffer_size(data, operation)
    if not copy and (size >= self.copy_threshold):
        tracker = MessageTracker() if track else None
        zero_copy_buffer(msg, data, tracker)
        return tracker
    if size >= self._zero_copy_min and PyBytes_CheckExact(data):
        zero_copy_bytes(msg, data, NULL)  # nobody can change them, so this is as good as a copy
    else:
        copy_buffer(msg, data)
    return None if copy else DONE


cdef int address_msg(Handle self, zmq_msg_t *msg, object routing_id, object group) except -1:
    """Set routing id and group, and refuse what would overrun libzmq's datagram buffer."""
    cdef size_t size
    if routing_id is not None and zmq_msg_set_routing_id(msg, peer_number("send", routing_id)) != 0:
        fail(libzmq_errno(), "send", subject_of(self), "a routing id is a number above 0")
    if group is not None:
        give_group(msg, group_name(group))
    if self._special:
        size = zmq_msg_size(msg)
        if self._type_number == RADIO:
            if not self._udp:
                return 0
            size += strlen(zmq_msg_group(msg)) + 1
        if size > 8192:
            fail(EMSGSIZE, "send", subject_of(self),
                 f"{size} bytes with the group do not fit into a datagram: at most 8192")
    return 0


cdef bint hang_up(Handle self, tuple parts) except -1:
    """Whether this message of a STREAM asked for the end of a full peer's connection, which has been seen to."""
    cdef int rc
    if (ZMQLITE_HANG_UP < 0 or len(parts) != 2 or not PyBytes_CheckExact(parts[0])
            or not PyBytes_CheckExact(parts[1]) or PyBytes_GET_SIZE(parts[1])):
        return False
    guard_enter(self, "send_multipart")
    if self._send_more == 0 and try_bytes(self, parts[0], ZMQ_SNDMORE) >= 0:
        send_bytes(self, parts[1], 0)
        rc = 0
    elif self._send_more == 0 and libzmq_errno() == EAGAIN:
        rc = zmq_setsockopt(self.handle, ZMQLITE_HANG_UP, PyBytes_AS_STRING(parts[0]),
                            PyBytes_GET_SIZE(parts[0]))
    else:
        rc = -1
    guard_exit(self)
    return rc == 0


cdef object send_parts(Handle self, tuple parts, int flags):
    """Send bytes of any size as one message."""
    cdef Py_ssize_t last = len(parts) - 1
    cdef Py_ssize_t place
    guard_enter(self, "send_multipart")
    for place in range(last):
        send_bytes(self, parts[place], flags | ZMQ_SNDMORE)
    send_bytes(self, parts[last], flags)
    guard_exit(self)


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
        frame = Frame.__new__(Frame)
        try:
            tracker = make_msg(self, &frame.msg, part, copy, track, "send_multipart")
        except TypeError:
            shown = repr(part)
            raise TypeError(
                f"part {place} of the message is no bytes-like object or frame: "
                f"{shown if len(shown) <= 60 else shown[:57] + '...'}; {instead_of_part(part)}") from None
        address_msg(self, &frame.msg, routing_id, group)
        frames.append(frame)
        if tracker is not None and tracker is not DONE:
            trackers.append(tracker)
    guard_enter(self, "send_multipart")
    for place in range(last + 1):
        frame = frames[place]
        send_msg(self, &frame.msg, flags if place == last else flags | ZMQ_SNDMORE)
    guard_exit(self)
    if not trackers:
        return None if copy else DONE
    return trackers[0] if len(trackers) == 1 else MessageTracker(*trackers)


cdef str instead_of_part(object part):
    if isinstance(part, str):
        return "send_strings() sends a list of texts, or encode it"
    if part is None:
        return 'an empty part is b""'
    return "encode it first, for instance with json.dumps(...).encode()"


cdef tuple parts_of(object msg_parts):
    """The parts as a tuple nobody else can change; whatever is no sequence is refused."""
    cdef tuple parts
    if isinstance(msg_parts, (str, bytes, bytearray, memoryview, dict)) or not hasattr(msg_parts, "__getitem__"):
        raise TypeError("send_multipart() takes a sequence of parts, such as a list, not "
                        f"{type(msg_parts).__name__!r}")
    parts = tuple(msg_parts)
    if not parts:
        raise IndexError("a message has at least one part: send_multipart() got none")
    return parts
