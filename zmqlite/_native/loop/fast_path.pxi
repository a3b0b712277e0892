# The quick way for event loops: operations that can be done at once, and how many of them in a row.
# It knows no loop; it is given what it needs of one. Whatever is not quick is answered with None, and the
# module of the loop goes the long way, which also meets the errors. A plain receive that finds nothing is
# put into its queue here as well: a task that asks and answers has to wait each time.

cdef extern from "Python.h":
    PyObject *PyThreadState_GetDict()
    PyObject *PyDict_GetItem(object dict, object key)

# From this size on, copying a message takes a time that is worth a look at the clock.
cdef size_t LARGE = 65536

# Where asyncio before Python 3.12 notes in a thread which loop runs there.
cdef str RUNNING = "__asyncio_running_event_loop__"


@cython.final
cdef class CompletedAwaitable:
    """An awaitable that has its value already: awaiting it does not suspend."""

    cdef object _value

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(self._value)

    def send(self, value):
        """Go on, as of any awaitable."""
        raise StopIteration(self._value)

    def throw(self, kind, value=None, trace=None):
        """The task is cancelled, or ends."""
        raise thrown(kind, value, trace)

    def close(self):
        """Nothing waits."""


cdef PyObject *completed_next(PyObject *self) except? NULL:
    """`__next__` as the interpreter runs it: the end is no error that a traceback would be made for."""
    return iteration_ends((<CompletedAwaitable> self)._value)


iterate_with(CompletedAwaitable, &completed_next)


cdef class FastPath:
    """FastPath(running_loop, kind, receivers, senders, pollers): a socket's quick way in a loop.

    Nothing overtakes what waits in a queue. ``kind`` are the operations that have to wait.
    ``would_block`` says after an answer of None whether libzmq was asked and could not do it now.
    """

    cdef FairnessBudget _budget
    cdef LoopHandle _loop_handle
    cdef WaitQueue _receivers
    cdef WaitQueue _senders
    cdef WaitQueue _pollers
    cdef object _running_loop
    cdef object _kind
    cdef object _sent        # a finished future of a send: the next one's as well, once nobody has it
    cdef object _running     # asyncio's note that our loop runs, as far as there is one
    cdef int _limit          # RCVTIMEO when the last receive was refused
    cdef Once _once
    cdef readonly bint would_block

    def __init__(self, running_loop, kind, WaitQueue receivers not None,
                 WaitQueue senders not None, WaitQueue pollers not None):
        if receivers.loop_handle is None:
            raise RuntimeError("this queue was not initialised")
        if not once_claim(&self._once):
            raise RuntimeError("a fast path is initialised once")
        self._budget = receivers.loop_handle.budget
        self._loop_handle = receivers.loop_handle
        self._receivers = receivers
        self._senders = senders
        self._pollers = pollers
        self._running_loop = running_loop
        self._kind = kind
        self._sent = self._finished(None)

    cpdef bint in_loop(self) except -1:
        """Return whether our loop is the one that runs.

        Until Python 3.11 asyncio asks the kernel for the process number to answer that. So look at
        its note first: it is another object as soon as another loop runs, or none.
        """
        if self._loop_handle is None:
            raise RuntimeError("this fast path was not initialised")
        cdef PyObject *local = PyThreadState_GetDict()
        cdef PyObject *running = NULL
        if local != NULL:
            running = PyDict_GetItem(<object> local, RUNNING)
        if running != NULL and running == <PyObject *> self._running:
            return True
        if self._running_loop() is not self._loop_handle.loop:
            return False
        if running != NULL:
            self._running = <object> running
        return True

    cdef inline bint _open(self) except -1:
        return self.in_loop() and self._budget.consume()

    cdef object _finished(self, object value):
        future = self._loop_handle._future(loop=self._loop_handle.loop)
        future.set_result(value)
        return future

    cdef object _receive(self, Socket socket):
        cdef zmq_msg_t msg
        cdef double begin
        cdef size_t size = sizeof(self._limit)
        self.would_block = False
        if self._loop_handle is None or self._receivers.waiters or socket.handle == NULL or not self._open():
            return None
        if has_deferred_releases():
            run_deferred_releases()
        zmq_msg_init(&msg)
        guard_enter(socket, "recv")
        if zmq_msg_recv(&msg, socket.handle, ZMQ_DONTWAIT) < 0:
            self.would_block = libzmq_errno() == EAGAIN
            if self.would_block and zmq_getsockopt(socket.handle, ZMQ_RCVTIMEO, &self._limit, &size) != 0:
                self._limit = 0
            guard_exit(socket)
            return None
        socket._recv_more = zmq_msg_more(&msg)
        guard_exit(socket)
        if zmq_msg_size(&msg) < LARGE:
            part = take_bytes(&msg)
        else:
            begin = now()
            part = take_bytes(&msg)
            self._budget.charge(now() - begin)
        if self._senders.waiters or self._pollers.waiters:
            self._loop_handle.used()
        return part

    cdef object _wait(self, Socket socket, bint is_iteration):
        """Have a part that was not there waited for, if nothing special is to be done; else None."""
        if self._senders.waiters or self._pollers.waiters:  # the try may have silenced what they wait for
            self._loop_handle.used()
        if self._limit != -1 or not self._loop_handle.watching:
            return None
        operation = self._receivers._operation(self._kind, socket, is_iteration, 0)
        self._receivers._join(operation, operation._waiter, True)
        if socket.handle == NULL:  # closed by a finalizer, while these were made
            operation.perform()  # it says so
        return operation

    def recv(self, Socket socket not None):
        """Receive one part as a finished future, or wait for it in the queue; None for the long way."""
        part = self._receive(socket)
        if part is not None:
            return self._finished(part)
        return self._wait(socket, False) if self.would_block else None

    def next(self, Socket socket not None):
        """The same, as something to await that need not be a future; the end is that of an iteration."""
        cdef CompletedAwaitable ready
        part = self._receive(socket)
        if part is None:
            return self._wait(socket, True) if self.would_block else None
        ready = CompletedAwaitable.__new__(CompletedAwaitable)
        ready._value = part
        return ready

    def send(self, Socket socket not None, data, int flags):
        """Send bytes; return a finished future, or None."""
        self.would_block = False
        if (self._loop_handle is None or self._senders.waiters or not PyBytes_CheckExact(data) or socket._special
                or socket._send_more or socket.handle == NULL or not self._open()):
            return None
        if has_deferred_releases():
            run_deferred_releases()
        guard_enter(socket, "send")
        if try_bytes(socket, data, flags) < 0:
            self.would_block = libzmq_errno() == EAGAIN
            guard_exit(socket)
            return None
        guard_exit(socket)
        if self._receivers.waiters or self._pollers.waiters:
            self._loop_handle.used()
        if not is_as_new(<PyObject *> self._sent):
            self._sent = self._finished(None)
        return self._sent
