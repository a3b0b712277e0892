# The quick way for event loops: operations that can be done at once, and how many of them in a row.
# It knows no loop; it is given what it needs of one. Whatever is not quick is answered with None, and the
# module of the loop goes the long way, which also meets the errors.

cdef extern from "Python.h":
    PyObject *PyThreadState_GetDict()
    PyObject *PyDict_GetItem(object dict, object key)

# From this size on, copying a message takes a time that is worth a look at the clock.
cdef size_t LARGE = 65536

# Where asyncio before Python 3.12 notes in a thread which loop runs there.
cdef str RUNNING = "__asyncio_running_event_loop__"


cdef class Turn:
    """Turn(call_soon, quiet=8): how much of one pass of a loop its sockets may use, together.

    Operations that can be done at once never suspend their task, so a flooded socket would keep the
    loop to itself. After ``seconds`` or ``count`` of them in one pass the next one has to wait for the
    next pass. The clock starts behind the first ``quiet`` ones, when ``call_soon`` is given ``reset``, so
    that quiet sockets pay nothing. ``clock`` may be set to a callable that tells the time in seconds.
    """

    cdef object _call_soon
    cdef readonly int used
    cdef int _free           # how many come before the clock starts
    cdef int _count
    cdef int _quiet
    cdef double _start
    cdef public double seconds
    cdef public object clock

    def __init__(self, call_soon, int quiet=8):
        self._call_soon = call_soon
        self._quiet = quiet
        self.count = 4096
        self.seconds = 0.001

    @property
    def count(self):
        return self._count

    @count.setter
    def count(self, int most):
        self._count = most
        self._free = min(self._quiet, max(most - 1, 0))

    cdef inline double _now(self) except? -1:
        return now() if self.clock is None else self.clock()

    cpdef bint take(self) except -1:
        """Count one operation; return whether it may be done in this pass."""
        self.used += 1
        if self.used <= self._free:
            return True
        if self.used == self._free + 1:
            self._start = self._now()
            self._call_soon(self.reset)
            return self._count > 0
        return self.used <= self._count and self._now() - self._start < self.seconds

    cpdef int weigh(self, double seconds) except -1:
        """Say how long the operation took that was counted last. A long one starts the clock.

        From its end: it may have been another process that took the time.
        """
        if self.used <= self._free and seconds > self.seconds / 8:
            self.used = self._free + 1
            self._start = self._now()
            self._call_soon(self.reset)
        return 0

    @property
    def spent(self):
        """How long ago the clock was started in this pass; 0 if it was not."""
        return self._now() - self._start if self.used > self._free else 0.0

    def reset(self):
        """A pass is over."""
        self.used = 0


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
    ``refused`` says after an answer of None whether libzmq was asked and could not do it now.
    """

    cdef Turn _turn
    cdef object _loop
    cdef object _running_loop
    cdef object _future
    cdef object _used
    cdef object _sent        # the one finished future of all sends: None is None
    cdef object _running     # asyncio's note that our loop runs, as far as there is one
    cdef readonly bint refused
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

    cpdef bint here(self) except -1:
        """Return whether our loop is the one that runs.

        Until Python 3.11 asyncio asks the kernel for the process number to answer that. So look at
        its note first: it is another object as soon as another loop runs, or none.
        """
        cdef PyObject *local = PyThreadState_GetDict()
        cdef PyObject *running = NULL
        if local != NULL:
            running = PyDict_GetItem(<object> local, RUNNING)
        if running != NULL and running == <PyObject *> self._running:
            return True
        if self._running_loop() is not self._loop:
            return False
        if running != NULL:
            self._running = <object> running
        return True

    cdef inline bint _open(self) except -1:
        return self.here() and self._turn.take()

    cdef object _finished(self, object value):
        future = self._future(loop=self._loop)
        future.set_result(value)
        return future

    cdef object _receive(self, Socket socket):
        cdef zmq_msg_t msg
        cdef double begin
        self.refused = False
        if self.receivers or socket.handle == NULL or not self._open():
            return None
        if has_returned():
            drain_loans()
        zmq_msg_init(&msg)
        enter(socket, "recv")
        if zmq_msg_recv(&msg, socket.handle, ZMQ_DONTWAIT) < 0:
            self.refused = libzmq_errno() == EAGAIN
            leave(socket)
            return None
        socket._recv_more = zmq_msg_more(&msg)
        leave(socket)
        if zmq_msg_size(&msg) < LARGE:
            part = take_bytes(&msg)
        else:
            begin = now()
            part = take_bytes(&msg)
            self._turn.weigh(now() - begin)
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
        self.refused = False
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
            self.refused = libzmq_errno() == EAGAIN
            leave(socket)
            return None
        socket._send_more = 1 if flags & ZMQ_SNDMORE else 0
        leave(socket)
        if self.receivers or self.pollers:
            self._used()
        return self._sent
