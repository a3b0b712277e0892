# Many messages in one crossing. Long stays inside handle signals every millisecond and let other threads
# run every few.

# Who waits for the GIL asks for it after the interpreter's switch interval, 5 ms, and starts to count anew
# when it is let go before that. Letting go more often, and taking it back at once, starves the others.
cdef double PATIENCE = 0.006

ctypedef struct Breath:
    double last      # when signals were looked at
    double let_go    # when others could have the GIL

# recv_many ends once it holds so many bytes: more of them only leave the processor's caches.
cdef size_t BATCH_BYTES = 1048576


cdef inline int breathe(Breath *breath) except -1:
    """Handle signals, if the last time was a slice ago, and now and then let others have the GIL."""
    cdef double time = now()
    if time - breath.last < SLICE:
        return 0
    if time - breath.let_go >= PATIENCE:
        with nogil:
            pass
        breath.let_go = now()
    PyErr_CheckSignals()
    breath.last = now()
    return 0


cdef object send_batch(Handle self, object messages, int flags):
    cdef Py_ssize_t sent = 0
    cdef Breath breath
    breath.last = breath.let_go = now()
    if has_returned():
        drain_loans()
    try:
        for message in messages:
            if not (quick_of_batch(self, message, flags) or send_of_batch(self, message, flags)):
                return sent
            sent += 1
            if not sent & 31:
                breathe(&breath)
    except BaseException as error:
        try:
            error.sent = sent
        except AttributeError:  # an exception of the iterable with slots
            pass
        raise
    return sent


cdef inline bint quick_of_batch(Handle self, object message, int flags) except -1:
    """Send bytes that somebody can take now, to whom nothing special applies; returns False for the rest."""
    if not PyBytes_CheckExact(message) or self._special or self._send_more or wakes_thread(self, flags):
        return False
    enter(self, "send")
    sent = try_bytes(self, message, flags) >= 0
    leave(self)
    return sent


cdef bint send_of_batch(Handle self, object message, int flags) except -1:
    """Send one message; returns False when nobody can take it now and DONTWAIT was said. Not around the
    iteration: an Again of the iterable is the caller's."""
    try:
        if isinstance(message, (list, tuple)):
            Socket.send_multipart(self, message, flags)  # ours: that of an asyncio socket is a coroutine
        else:
            send_one(self, message, flags)
    except Again:
        if flags & ZMQ_DONTWAIT:
            return False
        raise
    return True


cdef object recv_batch(Handle self, Py_ssize_t most, int flags, bint multipart):
    cdef list messages = []
    cdef Py_ssize_t count = 0
    cdef size_t room = BATCH_BYTES
    cdef size_t size
    cdef zmq_msg_t msg
    cdef double last
    if most <= 0:
        raise ValueError(f"recv_many: max must be above 0, not {most}")
    if has_returned():
        drain_loans()
    zmq_msg_init(&msg)
    enter(self, "recv_many")
    recv_msg(self, &msg, flags, "recv_many")
    last = now()
    while True:
        size = zmq_msg_size(&msg)
        room -= size if size < room else room
        part = take_sized_inside(self, &msg, <Py_ssize_t> size)
        if multipart:
            parts = [part]
            while self._recv_more:
                recv_rest(self, &msg, "recv_many")
                parts.append(take_inside(self, &msg))
            messages.append(parts)
        else:
            messages.append(part)
        if not self._recv_more:
            count += 1
            if count >= most or not room or (not count & 31 and now() - last >= SLICE):
                break  # enough, or a slice is over: what is left waits in libzmq
        else:
            recv_rest(self, &msg, "recv_many")
            continue
        zmq_msg_init(&msg)
        if zmq_msg_recv(&msg, self.handle, ZMQ_DONTWAIT) < 0:
            break  # nothing more now; an error will come back at the next call
        self._recv_more = zmq_msg_more(&msg)
    leave(self)
    return messages


cdef class Loan:
    """Loan(socket, size, flags=0): a message that is filled in place and sent without a copy."""

    cdef Handle _socket
    cdef Frame _frame
    cdef object _view
    cdef int _flags

    def __init__(self, Handle socket not None, size_t size, int flags=0):
        self._socket = socket
        self._flags = flags
        self._frame = Frame()
        if init_room(&self._frame.msg, size) != 0:
            zmq_msg_init(&self._frame.msg)
            raise MemoryError
        self._frame._readonly = False

    def __enter__(self):
        if self._frame is None:
            raise RuntimeError("this loan is over")
        self._view = PyMemoryView_FromObject(self._frame)
        return self._view

    def __exit__(self, kind, value, traceback):
        cdef Frame frame = self._frame
        if self._view is None:
            raise RuntimeError("this loan was not entered, or is over")
        self._frame = None
        try:
            self._view.release()
        except BufferError:
            pass  # numpy still looks at it: the frame keeps the memory alive
        self._view = None
        if kind is not None:
            return
        if ZMQLITE_BLOCKS and Py_REFCNT(frame) == 1:  # nobody looks at it: the receiver may have it
            send_body(self._socket, &frame.msg, self._flags)
        else:
            send_general(self._socket, frame, self._flags, True, False, None, None)
