# The quick way for event loops: operations that can be done at once, and how many of them in a row.
# It knows no loop; it is given what it needs of one. Whatever is not quick is answered with None, and the
# module of the loop goes the long way, which also meets the errors.


cdef class Turn:
    """Turn(call_soon): how much of one pass of a loop its sockets may use, together.

    Operations that can be done at once never suspend their task, so a flooded socket would keep the
    loop to itself. After ``seconds`` or ``count`` of them in one pass the next one has to wait for the
    next pass. The first few are not counted, so that quiet sockets pay nothing.
    """

    cdef object _call_soon
    cdef int _used
    cdef double _start
    cdef public int count
    cdef public double seconds

    def __init__(self, call_soon):
        self._call_soon = call_soon
        self.count = 4096
        self.seconds = 0.002

    cpdef bint take(self) except -1:
        """Count one operation; return whether it may be done in this pass."""
        self._used += 1
        if self._used <= 8:
            return True
        if self._used == 9:
            self._start = now()
            self._call_soon(self.reset)
            return True
        return self._used <= self.count and now() - self._start < self.seconds

    def reset(self):
        """A pass is over."""
        self._used = 0


@cython.final
cdef class Ready:
    """An awaitable that has its value already: awaiting it does not suspend."""

    cdef object _value

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(self._value)


cdef class QuickLane:
    """QuickLane(turn, loop, running_loop, future, used): one socket's quick way in one loop.

    ``receivers``, ``senders`` and ``pollers`` count who waits in line: nobody overtakes them.
    """

    cdef Turn _turn
    cdef object _loop
    cdef object _running_loop
    cdef object _future
    cdef object _used
    cdef object _sent        # the one finished future of all sends: None is None
    cdef public int receivers
    cdef public int senders
    cdef public int pollers

    def __init__(self, Turn turn not None, loop, running_loop, future, used):
        self._turn = turn
        self._loop = loop
        self._running_loop = running_loop
        self._future = future
        self._used = used
        self._sent = self._finished(None)

    cdef inline bint _open(self) except -1:
        return self._running_loop() is self._loop and self._turn.take()

    cdef object _finished(self, object value):
        future = self._future(loop=self._loop)
        future.set_result(value)
        return future

    cdef object _receive(self, Socket socket):
        cdef zmq_msg_t msg
        if self.receivers or socket.handle == NULL or not self._open():
            return None
        if has_returned():
            drain_loans()
        zmq_msg_init(&msg)
        enter(socket, "recv")
        if zmq_msg_recv(&msg, socket.handle, ZMQ_DONTWAIT) < 0:
            leave(socket)
            return None
        socket._recv_more = zmq_msg_more(&msg)
        leave(socket)
        part = take_bytes(&msg)
        if self.senders or self.pollers:
            self._used()
        return part

    def recv(self, Socket socket not None):
        """Receive one part as a finished future, or return None."""
        part = self._receive(socket)
        return None if part is None else self._finished(part)

    def next(self, Socket socket not None):
        """Receive one part as something to await, or return None."""
        cdef Ready ready
        part = self._receive(socket)
        if part is None:
            return None
        ready = Ready.__new__(Ready)
        ready._value = part
        return ready

    def send(self, Socket socket not None, data, int flags):
        """Send small bytes; return a finished future, or None."""
        cdef Py_ssize_t size
        if (self.senders or not PyBytes_CheckExact(data) or socket._special or socket._send_more
                or socket.handle == NULL):
            return None
        size = PyBytes_GET_SIZE(data)
        if size >= BORROW or not self._open():
            return None
        if has_returned():
            drain_loans()
        enter(socket, "send")
        if zmq_send(socket.handle, PyBytes_AS_STRING(data), size, flags | ZMQ_DONTWAIT) < 0:
            leave(socket)
            return None
        socket._send_more = 1 if flags & ZMQ_SNDMORE else 0
        leave(socket)
        if self.receivers or self.pollers:
            self._used()
        return self._sent
