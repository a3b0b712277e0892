# Many messages in one call. Long calls handle signals every millisecond and let other threads
# run every few.

# Who waits for the GIL asks for it after the interpreter's switch interval, 5 ms, and starts to count anew
# when it is let go before that. Letting go more often, and taking it back at once, starves the others.
cdef double PATIENCE = 0.006

ctypedef struct SignalCheck:
    double last      # when signals were looked at
    double let_go    # when others could have the GIL

# So many small messages pass between libzmq and the core in one call; a power of two.
cdef enum:
    CHUNK = 32

# The same in bytes: what is sent together is passed on together, and the other side should not wait for it.
cdef Py_ssize_t CHUNK_BYTES = 65536

# recv_many ends once it holds so many bytes: more of them only leave the processor's caches.
cdef size_t BATCH_BYTES = 1048576


cdef inline int check_signals_and_yield(SignalCheck *check) except -1:
    """Handle signals, if the last time was a slice ago, and now and then let others have the GIL."""
    cdef double time = now()
    if time - check.last < SLICE:
        return 0
    if time - check.let_go >= PATIENCE:
        with nogil:
            pass
        check.let_go = now()
    PyErr_CheckSignals()
    check.last = now()
    return 0


cdef int refuse_no_batch(object messages) except -1:
    """Say of what is one message, or none, that it is no iterable of messages."""
    if isinstance(messages, (str, bytes, bytearray, memoryview, dict, Frame)) or not (
            hasattr(messages, "__iter__") or hasattr(messages, "__getitem__")):
        raise TypeError(f"send_many() takes messages, such as a list of bytes, not {type(messages).__name__!r}: "
                        f"{'send() sends one' if PyObject_CheckBuffer(messages) else instead_of(messages)}")
    return 0


cdef object send_batch(Handle self, object messages, int flags):
    cdef Py_ssize_t sent = 0
    cdef SignalCheck check
    if type(messages) is not list and type(messages) is not tuple:
        refuse_no_batch(messages)
    check.last = check.let_go = now()
    if has_deferred_releases():
        run_deferred_releases()
    try:
        if type(messages) is list or type(messages) is tuple:
            send_in_place(self, messages, flags, &sent, &check)
            return sent
        for message in messages:
            if not (quick_of_batch(self, message, flags) or send_of_batch(self, message, flags)):
                return sent
            sent += 1
            if not sent & (CHUNK - 1):
                check_signals_and_yield(&check)
    except BaseException as error:
        note_sent(error, sent)
        raise
    return sent


cdef int send_in_place(
        Handle self, object messages, int flags, Py_ssize_t *sent, SignalCheck *check) except -1:
    """Send what is in a list or tuple, several at once where they are plain bytes."""
    cdef Py_ssize_t last_check = 0
    cdef Py_ssize_t begin, taken
    piece = messages
    while True:
        begin = sent[0]
        if ZMQLITE_FREE_THREADED:  # nobody shall take away what is looked at
            piece = messages[begin:begin + CHUNK]
            begin = 0
        if begin >= PySequence_Fast_GET_SIZE(piece):  # a list may change while others run
            return 0
        taken = send_chunk(self, piece, begin, flags)
        if taken == 0:
            message = <object> PySequence_Fast_GET_ITEM(piece, begin)  # ours: others may take it out of the list
            if not send_of_batch(self, message, flags):
                return 0
            taken = 1
        sent[0] += taken
        if sent[0] - last_check >= CHUNK:
            last_check = sent[0]
            check_signals_and_yield(check)


cdef Py_ssize_t send_chunk(Handle self, object messages, Py_ssize_t begin, int flags) except -1:
    """Send the bytes from place `begin` on that a peer takes without waiting. Returns how many these were."""
    cdef zmq_msg_t lent[CHUNK]
    cdef zmq_body_t bodies[CHUNK]
    cdef Py_ssize_t most = min(PySequence_Fast_GET_SIZE(messages) - begin, <Py_ssize_t> CHUNK)
    cdef Py_ssize_t room = CHUNK_BYTES
    cdef Py_ssize_t size
    cdef PyObject *message
    cdef int found = 0
    cdef int taken, place
    if self._special or self._send_more or flags & ~ZMQ_DONTWAIT or wakes_thread(self, flags):
        return 0
    guard_enter(self, "send")
    while found < most and room > 0:
        message = PySequence_Fast_GET_ITEM(messages, begin + found)
        if not PyBytes_CheckExact(<object> message):
            break
        size = PyBytes_GET_SIZE(<object> message)
        bodies[found] = zmq_body_t(PyBytes_AS_STRING(<object> message), size, NULL)
        if size >= self._zero_copy_min:
            if not zero_copy_object(&lent[found], message, NULL):
                break
            bodies[found].msg = &lent[found]
        room -= size
        found += 1
    taken = zmq_send_several(self.handle, bodies, found) if found else 0
    if taken < found:
        for place in range(max(taken, 0), found):
            if bodies[place].msg != NULL:
                close_here(bodies[place].msg)
    guard_exit(self)
    return max(taken, 0)


cdef inline bint quick_of_batch(Handle self, object message, int flags) except -1:
    """Send bytes that a peer can take now and to which nothing special applies; returns False for the rest."""
    if not PyBytes_CheckExact(message) or self._special or self._send_more or wakes_thread(self, flags):
        return False
    guard_enter(self, "send")
    sent = try_bytes(self, message, flags) >= 0
    guard_exit(self)
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


ctypedef struct BatchLimits:
    size_t count      # whole messages
    Py_ssize_t whole  # what they take in the list
    size_t room       # bytes to come until there are enough


cdef object recv_batch(Handle self, Py_ssize_t most, int flags, bint multipart):
    cdef BatchLimits limits
    cdef list messages = []
    if most <= 0:
        raise ValueError(f"recv_many: max must be above 0, not {most}")
    if has_deferred_releases():
        run_deferred_releases()
    limits.count, limits.whole, limits.room = 0, 0, BATCH_BYTES
    try:
        gather_batch(self, messages, most, flags, multipart, &limits)
        PyErr_CheckSignals()  # a handler that raises once we have returned would lose them all
        return messages
    except BaseException as error:
        del messages[limits.whole:]
        try:
            error.received = messages
        except AttributeError:  # an exception of a handler, with slots
            pass
        raise


cdef int gather_batch(
        Handle self, list messages, Py_ssize_t most, int flags, bint multipart, BatchLimits *limits) except -1:
    cdef zmq_msg_t msgs[CHUNK]
    cdef zmq_received_t received[CHUNK]
    cdef list parts = None  # of a message that is not whole yet
    cdef int unseen = 0     # parts since the last look at the clock
    cdef int got = 1
    cdef double last
    zmq_msg_init(&msgs[0])
    guard_enter(self, "recv_many")
    recv_msg(self, &msgs[0], flags, "recv_many")
    received[0] = zmq_received_t(zmq_msg_data(&msgs[0]), zmq_msg_size(&msgs[0]), self._recv_more, 1)
    last = now()
    while True:
        parts = take_chunk(self, msgs, received, got, messages, parts, limits, multipart)
        unseen += got
        if not self._recv_more:
            limits.whole = PySequence_Fast_GET_SIZE(messages)
            if <Py_ssize_t> limits.count >= most or not limits.room:
                break
            if unseen >= CHUNK:
                unseen = 0
                if now() - last >= SLICE:
                    break  # a slice is over: what is left waits in libzmq
        got = zmq_recv_several(self.handle, msgs, received,
                               <int> min(max(most - <Py_ssize_t> limits.count, 1), CHUNK),
                               limits.room if limits.room else 1)
        if got > 0:
            self._recv_more = received[got - 1].more
        elif not self._recv_more:
            break  # nothing more now; an error will come back at the next call
        elif libzmq_errno() != EINTR:
            return fail_inside(self, libzmq_errno(), "recv_many", ZMQ_DONTWAIT, ZMQ_RCVTIMEO)
    guard_exit(self)
    return 0


cdef list take_chunk(
        Handle self, zmq_msg_t *msgs, zmq_received_t *received, int got, list messages, list parts,
        BatchLimits *limits, bint multipart):
    """Move bodies into the list; returns the parts of a message that is not whole. The socket was entered, and
    is left when this raises."""
    cdef int done = 0
    try:
        while done < got:
            done += 1
            part = take_received(self, &msgs[done - 1], &received[done - 1])
            if not multipart:
                messages.append(part)
            elif parts is None:
                parts = new_list(self, part)
                messages.append(parts)
            else:
                parts.append(part)
            limits.room -= min(received[done - 1].size, limits.room)
            if not received[done - 1].more:
                parts = None
                limits.count += 1
    except BaseException:  # no memory
        count_whole(limits, messages, received, done - 1, multipart)
        for done in range(done, got):
            if received[done].open:
                zmq_msg_close(&msgs[done])
        drop_rest(self)
        guard_exit(self)
        raise
    return parts


cdef void count_whole(
        BatchLimits *limits, list messages, zmq_received_t *received, int taken, bint multipart) noexcept:
    """Of a piece only so many parts could be taken. How much of the list is whole messages?"""
    cdef int last = taken
    if multipart:
        limits.whole = limits.count
        return
    while last > 0 and received[last - 1].more:
        last -= 1
    if last:
        limits.whole = PySequence_Fast_GET_SIZE(messages) - (taken - last)


cdef inline object take_received(Handle self, zmq_msg_t *msg, zmq_received_t *received):
    """The body of one of several, which is closed, in a socket that was entered."""
    cdef PyObject *taken = take_at_once(msg, received.data, <Py_ssize_t> received.size, received.open)
    return take_marked(self, msg) if taken == NULL else own(taken)


cdef list new_list(Handle self, object part):
    """A list of it. The collector may run, and let others run."""
    guard_mark(&self._guard, self._thread_safe)
    try:
        return [part]
    finally:
        guard_unmark(&self._guard, self._thread_safe)


cdef class Loan:
    """Loan(socket, size, flags=0): a message that is filled in place and sent without a copy."""

    cdef Handle _socket
    cdef Frame _frame
    cdef object _view
    cdef int _flags
    cdef Once _once

    def __init__(self, Handle socket not None, size_t size, int flags=0):
        cdef Frame frame = Frame.__new__(Frame)
        if init_room(&frame.msg, size) != 0:
            zmq_msg_init(&frame.msg)
            raise MemoryError
        frame._readonly = False
        if not once_claim(&self._once):
            raise RuntimeError("a loan is initialised once")
        self._socket = socket
        self._flags = flags
        self._frame = frame

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
        try:
            if ZMQLITE_BLOCKS and Py_REFCNT(frame) == 1:  # nobody looks at it: the receiver may have it
                send_body(self._socket, &frame.msg, self._flags)
            else:
                send_general(self._socket, frame, self._flags, True, False, None, None)
        finally:
            tell_loop(self._socket)
