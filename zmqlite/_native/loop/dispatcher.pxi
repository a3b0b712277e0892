# From "the descriptor is readable" to what waits: EVENTS are read once, and the queues are served. The rules
# of when are in edge_state.pxi.


@cython.nonecheck(True)
cdef class Dispatcher:
    """Dispatcher(socket, receivers, senders, pollers): reads EVENTS and wakes whom they concern.

    ``signal`` is what tells the EVENTS of a socket without a descriptor: a `ReadyFD`.
    """

    cdef object __weakref__
    cdef object _socket      # a weak reference
    cdef readonly LoopHandle loop_handle
    cdef readonly FairnessBudget budget
    cdef readonly WaitQueue receivers
    cdef readonly WaitQueue senders
    cdef readonly WaitQueue pollers
    cdef public object signal
    cdef Once _once

    def __init__(self, Handle socket not None, WaitQueue receivers not None, WaitQueue senders not None,
                 WaitQueue pollers not None):
        if receivers.loop_handle is None:
            raise RuntimeError("this queue was not initialised")
        if not once_claim(&self._once):
            raise RuntimeError("a dispatcher is initialised once")
        self._socket = PyWeakref_NewRef(socket, None)
        with cython.critical_section(socket):
            socket._loop_handle = receivers.loop_handle
            receivers.loop_handle._thread = PyThread_get_thread_ident()
        self.loop_handle = receivers.loop_handle
        self.budget = receivers.loop_handle.budget
        self.receivers = receivers
        self.senders = senders
        self.pollers = pollers

    @property
    def socket(self):
        """The socket, or None once it is gone."""
        return self._socket()

    cdef bint _has_waiters(self) except -1:
        return bool(self.receivers.waiters or self.senders.waiters or self.pollers.waiters)

    @property
    def waiting(self):
        """Whether any task or operation waits."""
        return self._has_waiters()

    @property
    def waiters(self):
        """All that wait."""
        return self.receivers.waiters + self.senders.waiters + self.pollers.waiters

    def dispatch(self, int without=0, bint at_once=False):
        """Read EVENTS and wake whom they concern, but not what waits for ``without`` alone.

        ``at_once`` is for a callback of the loop, while no task runs: what is woken runs within it.
        """
        return self._dispatch(without, at_once)

    cdef int _dispatch(self, int without, bint at_once) except -1:
        cdef int events
        socket = self._socket()
        if socket is None or (<Handle> socket).handle == NULL:
            self.loop_handle.readiness.forget()
            return 0
        try:
            if self.signal is not None:
                events = self.signal.events()
            else:
                events = poll_one(<Handle> socket, ZMQ_POLLIN | ZMQ_POLLOUT, 0)
        except ZMQError as error:
            self.loop_handle.readiness.forget()
            self.on_error(error)
            return 0
        socket = None  # a task that runs at once may drop it
        self.loop_handle.readiness.look(events)
        try:
            self._serve(events, without, at_once)
        except BaseException:  # of a task that ends the program; the others are still to be served
            self.loop_handle.used()
            raise
        return events

    cdef int _serve(self, int events, int without, bint at_once) except -1:
        # Those who only look come first: tasks that run at once may change what holds, and what
        # they begin to wait for has not been seen yet.
        if self.pollers.waiters:
            self.pollers.serve(events, at_once)
        if self.receivers.waiters:
            self.receivers.serve(events & ~without, at_once)
        if self.senders.waiters:
            self.senders.serve(events & ~without, at_once)
        return 0

    def on_error(self, error):
        """EVENTS cannot be read any more."""
        self.end_all()

    def end_all(self):
        """Call all tasks that wait, out of order: each meets the end of the socket in its own try."""
        cdef TaskWaiter waiter
        for waiter in self.waiters:
            waiter._ended = True
            waiter._call(False)

    def dispatch_later(self):
        """Dispatch in a while; see `_try_last`."""
        raise NotImplementedError

    # -- the quick way of tasks that are suspended in the middle of a call ------------------------

    def try_recv(self, Socket socket not None):
        """Receive a part if no task waits for one and the budget allows; else None."""
        if self.receivers is None or self.receivers.waiters or socket.handle == NULL or not self.budget.consume():
            return None
        try:
            return recv_if_there(socket, 0, "recv")
        finally:
            if self.senders.waiters or self.pollers.waiters:  # it may have silenced what they wait for
                self.loop_handle.used()

    def try_send(self, Socket socket not None, data, int flags):
        """Send a part if no task waits to send and the budget allows; return whether it was sent."""
        if self.senders is None or self.senders.waiters or socket.handle == NULL or not self.budget.consume():
            return False
        try:
            return send_if_taken(socket, data, flags, "send")
        finally:
            if self.receivers.waiters or self.pollers.waiters:
                self.loop_handle.used()


cdef int tell_loop(object source) except -1:
    """A socket was used behind the back of its loop, which may have silenced what tasks wait for: they have a look.

    Not those of another thread, whose loop must not be touched from here; and each loop of a thread-safe socket has
    a signal of its own, which nothing here has silenced.
    """
    cdef LoopHandle handle
    if isinstance(source, Handle) and not (<Handle> source)._thread_safe:
        with cython.critical_section(source):  # it may just become another loop's
            handle = (<Handle> source)._loop_handle
        if handle is not None and handle._thread == PyThread_get_thread_ident():
            handle.used()
    return 0


cdef int tell_loops(Hits *hits) except -1:
    """Those that were looked at: the tasks that wait for them have a look, too. The poller was left."""
    cdef Watch watch
    cdef int number
    for number in range(hits.count()):
        watch = <Watch> hits.watch(number)
        tell_loop(watch.source)
    return 0
