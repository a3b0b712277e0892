# Who waits on a socket of an event loop, and how the loop finds it: from "the descriptor is readable" to
# the step of the task that waits. One engine for all loops. They differ in what a waiter is: a future that
# its task awaits (asyncio, awaiting.pxi), or a task that is suspended in the middle of a call (trio, gevent).

cdef extern from "base/iteration.hpp" namespace "zmqlite":
    void iterate_with(object type, PyObject *(*next)(PyObject *) except? NULL)
    PyObject *iteration_ends(object value)
    int is_as_new(PyObject *object) except -1

WOULD_BLOCK = type("WOULD_BLOCK", (), {})()  # what an attempt returns: the socket cannot do it now
YIELD = type("YIELD", (), {})()              # ... it could go on; others should have their turn first

# What serving a waiter says of those behind it.
cdef enum:
    LAST = 0     # it has to go on first
    NEXT = 1     # it is over: the next one may be served too
    SPENT = 2    # the loop has had enough of its sockets in this iteration

BUDGET_SPENT = SPENT


cdef class Dispatcher


cdef inline object try_once(object attempt):
    """What an attempt returns, which is called, or a socket of which a part is to be received."""
    if not isinstance(attempt, Socket):
        return attempt()
    part = recv_if_there(<Socket> attempt, 0, "recv")
    return WOULD_BLOCK if part is None else part


@cython.no_gc_clear  # what is called late must find its fields; the set breaks the cycles
@cython.nonecheck(True)
cdef class LoopHandle:
    """LoopHandle(binding, budget, loop=None, kinds=None): what a loop's callbacks hold of a socket.

    Weakly, so that a dropped socket does not live on in a selector; firmly while an operation is
    awaited, has callbacks or is a send, so that a task that waits cannot vanish with its socket.
    Without a ``loop``, waking a task runs nothing: then EVENTS are read at once instead of soon.
    ``kinds`` are the loop's futures, its tasks (a tuple of classes), and the exceptions of a future
    that was cancelled and of one that is not in the state for this; ``pending`` keeps operations, and their
    sockets, until they are over; ``watching`` says whether the loop watches the descriptor.
    """

    cdef readonly object loop
    cdef readonly object binding
    cdef readonly FairnessBudget budget
    cdef readonly Readiness readiness
    cdef readonly set pending
    cdef public bint watching
    cdef unsigned long _thread   # of the task that came last
    cdef int _iteration      # which it was when the descriptor spoke, for the budget
    cdef object _future
    cdef tuple _tasks
    cdef object _cancelled
    cdef object _invalid
    cdef Once _once

    def __init__(self, Dispatcher binding not None, FairnessBudget budget not None, loop=None, tuple kinds=None):
        if not once_claim(&self._once):
            raise RuntimeError("a loop handle is initialised once")
        self.loop = loop
        self.binding = PyWeakref_NewRef(binding, None)
        self.budget = budget
        self.readiness = Readiness()
        self.pending = set()
        if kinds is not None:
            self._future, self._tasks, self._cancelled, self._invalid = kinds

    cpdef int used(self) except -1:
        """The socket was used: if a task waits, dispatch soon."""
        if self.readiness.used():
            self.soon()
        return 0

    cpdef int soon(self) except -1:
        """Dispatch in the next iteration of the loop, or at once where that runs no task."""
        if self.loop is None:
            binding = self.binding()
            if binding is None:
                self.readiness.forget()
            else:
                (<Dispatcher> binding)._dispatch(0, False)
        elif self.loop.is_closed():
            self.readiness.forget()
        else:
            self.loop.call_soon(self.dispatch)
        return 0

    def dispatch(self):
        """Dispatch now, if the binding is still there. A callback of the loop."""
        binding = self.binding()
        if binding is not None:
            self.budget.relieve()
            (<Dispatcher> binding)._dispatch(0, self._runs_tasks())

    def on_readable(self):
        """The descriptor speaks, of which a loop tells once in an iteration: dispatch."""
        binding = self.binding()
        if binding is not None:
            self._iteration = self.budget.iteration_seen(self._iteration)
            self.budget.relieve()
            (<Dispatcher> binding)._dispatch(0, self._runs_tasks())

    cdef bint _runs_tasks(self) except -1:
        """Whether tasks may run within our callbacks: not in debug mode, which tells the slow ones by name."""
        return not self.loop.get_debug()


@cython.no_gc_clear
@cython.nonecheck(True)
cdef class Waiter:
    """What waits in a queue: made to go on by ``wake()``, which only means that a try is worth it."""

    cdef readonly WaitQueue queue
    cdef readonly object attempted  # to be called, or a socket of which a part is to be received
    cdef readonly int events        # of a poll: those it waits for
    cdef bint _paused               # the loop had had enough of its sockets when it began to wait
    cdef readonly bint awaited      # a task waits: it is woken, and does its operation by itself

    cpdef object attempt(self, operation):
        """Try once; return the result, WOULD_BLOCK or YIELD."""
        raise NotImplementedError

    cpdef int wake(self, bint at_once) except -1:
        """Have the task go on: here and now, which is for when no other task runs, or in the next iteration."""
        raise NotImplementedError

    cdef int _serve(self, bint at_once) except -1:
        """It is first and its direction is ready. Returns LAST, NEXT or SPENT."""
        raise NotImplementedError

    cdef int _tell(self, int events, bint at_once) except -1:
        """These events hold, of those that it polls for."""
        raise NotImplementedError

    def pause(self):
        """It has to wait for nothing but the next iteration, in which it gets its share."""
        self._paused = True
        self.queue.loop_handle.budget.pause()

    cdef inline int _resume(self) except -1:
        if self._paused:
            self._paused = False
            self.queue.loop_handle.budget.resume()
        return 0

    def serve(self, bint at_once):
        """Have it go on, as the first of a line whose peer may have room."""
        return self._serve(at_once)

    @property
    def over(self):
        """Whether it waits for nothing any more."""
        return False


@cython.nonecheck(True)
cdef class TaskWaiter(Waiter):
    """TaskWaiter(queue, operation, events=0): a task that is suspended in the middle of a call.

    It tries its own operation, in the very step in which it goes on, and leaves without another pause:
    so a cancelled receive took no message, and a cancelled send did not happen. ``called`` says that a
    try is worth it.
    """

    cdef object _operation       # as it was given; ``attempted`` keeps the order of those that wait as well
    cdef Batch _batch            # the same if it is one
    cdef public bint called
    cdef bint _ended             # the socket has: each meets that by itself, whatever the order
    cdef Once _once

    def __init__(self, WaitQueue queue not None, operation, int events=0):
        if not once_claim(&self._once):
            raise RuntimeError("a waiter is initialised once")
        self.queue = queue
        self._operation = self.attempted = operation
        self._batch = operation if isinstance(operation, Batch) else None
        self.events = events
        self.awaited = True

    cpdef object attempt(self, operation):
        cdef Py_ssize_t before = 0 if self._batch is None else self._batch.sent
        try:
            value = try_once(self.attempted)
        except Again:
            return WOULD_BLOCK
        if value is WOULD_BLOCK and self._batch is not None and self._batch.sent > before:
            return YIELD  # the time limit is for each message
        return value

    def first_try(self):
        """The try of a newcomer, which does not wait yet."""
        try:
            value = self.attempt(None)
        except BaseException:  # it has had the news all the same
            if self.queue is not None:
                self.queue.loop_handle.used()
            raise
        if value is WOULD_BLOCK:
            return self.queue.refused(self, None)
        self.queue.loop_handle.used()
        return value

    def begin_wait(self, bint tried):
        """Stand in the queue. ``tried`` says that the socket has just refused it."""
        self.attempted = self.queue.route(self._operation)
        self.queue._add(self, tried)

    def next_try(self):
        """The try of a task that was woken."""
        self.called = False
        if self._ended:
            self.attempted = self._operation
        value = self.attempt(None)
        return self.queue.refused(self, None) if value is WOULD_BLOCK else value

    def end(self):
        """The socket has: the next try meets that, whatever the order."""
        self._ended = self.called = True

    def end_wait(self):
        """Leave the queue, served or not: others may be served now."""
        self.queue._leave(self)

    def call(self):
        """Wake it, once."""
        self._call(False)

    cdef int _call(self, bint at_once) except -1:
        if not self.called:
            self.called = True
            self.wake(at_once)
        return 0

    cdef int _serve(self, bint at_once) except -1:
        self._call(at_once)
        return LAST

    cdef int _tell(self, int events, bint at_once) except -1:
        return self._call(at_once)


@cython.no_gc_clear
@cython.nonecheck(True)
cdef class WaitQueue:
    """WaitQueue(loop_handle, events, keep_unawaited): what waits for one direction, served in order.

    ``waiters`` has them. An operation that its owner has dropped disappears and takes no message with
    it, unless the queue is to ``keep_unawaited``, as that of the senders is.
    """

    cdef object __weakref__
    cdef readonly LoopHandle loop_handle
    cdef readonly list waiters
    cdef readonly bint keep_unawaited
    cdef readonly int events
    cdef Once _once

    def __init__(self, LoopHandle loop_handle not None, int events, bint keep_unawaited=False):
        if not once_claim(&self._once):
            raise RuntimeError("a queue is initialised once")
        self.loop_handle = loop_handle
        self.waiters = []
        self.keep_unawaited = keep_unawaited
        self.events = events

    def operation(self, kind, attempt, *, bint is_iteration=False, int events=0):
        """Return a new operation of this kind, not yet in the queue.

        ``attempt`` is called and returns the result, WOULD_BLOCK or YIELD; a socket as the attempt receives
        a part of it.
        """
        return self._operation(kind, self.route(attempt), is_iteration, events)

    cdef object _operation(self, object kind, object attempt, bint is_iteration, int events):
        cdef OperationWaiter waiter = OperationWaiter.__new__(OperationWaiter)
        operation = kind(loop=self.loop_handle.loop)
        waiter.queue = self
        waiter.is_iteration = is_iteration
        waiter.events = events
        waiter.attempted = attempt
        operation._waiter = waiter
        return operation

    def join(self, operation, bint tried):
        """Wait in the queue. ``tried`` says that the socket has just refused it."""
        self._join(operation, operation._waiter, tried)

    cdef int _join(self, object operation, OperationWaiter waiter, bint tried) except -1:
        if self.keep_unawaited:
            self.loop_handle.pending.add(operation)
        waiter._entry = PyWeakref_NewRef(operation, waiter)
        return self._add(waiter, tried)

    cdef int _add(self, Waiter waiter, bint tried) except -1:
        self.waiters.append(waiter)
        self.loop_handle._thread = PyThread_get_thread_ident()
        if self.keep_unawaited:
            self.joined(waiter)
        if self.loop_handle.readiness.begin(self.events):
            if tried:  # the refusal was as good as a look
                self.loop_handle.readiness.forget()
            else:
                self.loop_handle.soon()
        return 0

    cdef int _leave(self, Waiter waiter) except -1:
        """It is over, or dropped; let the next one have a look."""
        cdef Py_ssize_t number
        for number in range(len(self.waiters)):
            if self.waiters[number] is waiter:
                del self.waiters[number]
                if self.keep_unawaited:
                    self.left(waiter)
                if self.loop_handle.readiness.end(self.events):
                    self.loop_handle.soon()
                break
        return 0

    cpdef object route(self, attempt):
        """Return the attempt of one that is to wait, as it is to be made in this queue."""
        return attempt

    cpdef bint passes(self, attempt) except -1:
        """Whether a new attempt may be made at once though others wait."""
        return False

    cpdef int joined(self, Waiter waiter) except -1:
        """A waiter stands in a queue that keeps the unawaited."""
        return 0

    cpdef int left(self, Waiter waiter) except -1:
        """A waiter has left a queue that keeps the unawaited."""
        return 0

    cpdef int serve(self, int events, bint at_once) except -1:
        """Perform what no task awaits, wake the first one that a task does."""
        cdef Waiter first
        while events & self.events and self.waiters:
            first = self.waiters[0]
            if first._serve(at_once) != NEXT:
                break
        return 0

    cpdef object refused(self, Waiter waiter, operation):
        """An attempt got WOULD_BLOCK although the socket seemed ready. Return what a last one gets.

        EVENTS tells the truth about receiving: the next look will do.
        """
        if self.keep_unawaited or self.loop_handle.loop is None:
            return self._try_last(waiter, operation)
        self.loop_handle.used()
        return WOULD_BLOCK

    cdef object _try_last(self, Waiter waiter, object operation):
        """EVENTS may promise what no send can keep: a ROUTER with ROUTER_MANDATORY is always
        "ready", though the one peer may be full; SERVER and XPUB_NODROP too. Looking again and
        again would turn the loop into a busy one. So: read EVENTS, which hears everything, and
        try once more. If that is refused too, whatever helps will make the descriptor speak. (The
        last try may have heard, a microsecond after EVENTS, what others wait for: so have a look
        later in any case.)
        """
        cdef Dispatcher binding = self.loop_handle.binding()
        cdef int wanted = waiter.events or self.events
        if binding is None or self.loop_handle.loop is None and not binding._has_waiters():
            return WOULD_BLOCK
        if not binding._dispatch(self.events, False) & wanted or operation is not None and operation.done():
            return WOULD_BLOCK
        value = waiter.attempt(operation)
        if value is WOULD_BLOCK and not (operation is not None and operation.done()):
            binding.dispatch_later()
        return value

    def all(self):
        """Return the operations that wait."""
        cdef OperationWaiter waiter
        found = []
        for waiter in self.waiters:
            operation = waiter.operation()
            if operation is not None:
                found.append(operation)
        return found


@cython.nonecheck(True)
cdef class PollQueue(WaitQueue):
    """What looks and takes nothing: each look serves all, in no order."""

    cpdef bint passes(self, attempt) except -1:
        return True

    cpdef int serve(self, int events, bint at_once) except -1:
        """Tell those whose events hold."""
        cdef Waiter waiter
        for waiter in self.waiters[:]:
            if events & waiter.events:
                waiter._tell(events & waiter.events, at_once)
        return 0
