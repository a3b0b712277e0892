# One operation of an asyncio socket that has to wait: its waiter, what its task waits for, and how the task
# goes on. An operation is a future of the loop, made by the loop's module; what it does often is here.
# A Future tells its task in the next iteration of the loop, which costs a system call and as much again around
# it. A waiter that is woken by a callback of the loop runs the task there and then.


@cython.final
@cython.no_gc_clear  # what is called late must find its fields; the operation breaks the cycles
@cython.nonecheck(True)
cdef class OperationWaiter(Waiter):
    """The waiter of an operation, and what a task waits for that awaits the operation: to asyncio it looks
    like a future, and means only that a try is worth it.
    """

    cdef readonly bint is_iteration  # the end of the socket is its end, no error
    cdef public object timer
    cdef public bint _asyncio_future_blocking
    cdef object _entry           # a weak reference to the operation; we are what it calls
    cdef object _step            # the task's
    cdef object _context
    cdef object _message         # of the cancelling
    cdef bint _armed             # the task waits, and was not told yet
    cdef bint _cancelled
    cdef bint _resumed           # the task went on since it was told
    cdef bint _left              # the iterator was dropped in the middle of an await, which may ask for another

    def __call__(self, entry):
        """The operation was dropped."""
        self._quit()

    def operation(self):
        """Return the operation while it waits in a queue, or None."""
        return None if self._entry is None else self._entry()

    @property
    def over(self):
        """Whether the operation is over, or was dropped."""
        operation = self.operation()
        return operation is None or operation.done()

    cdef int _quit(self) except -1:
        self._entry = None
        return self.queue._leave(self)

    cdef int _serve(self, bint at_once) except -1:
        """Perform what no task awaits; wake the task that does."""
        cdef double begin
        cdef bint done
        operation = self.operation()
        if operation is None or operation.done():
            self._quit()
            return NEXT
        if self.awaited:
            self.wake(at_once)
            return LAST
        if not self._paused and not self.queue.loop_handle.budget.consume():
            self.queue.loop_handle.used()
            return SPENT
        begin = now()
        done = self.perform(operation)
        self.queue.loop_handle.budget.charge(now() - begin)
        return NEXT if done else LAST

    cdef int _tell(self, int events, bint at_once) except -1:
        operation = self.operation()
        if operation is not None:
            if self._paused:  # its task goes on in the next iteration only
                self.queue.loop_handle.budget.pause()
            self.finish(operation, events)
        return 0

    # -- the operation ---------------------------------------------------------------------------

    cpdef object attempt(self, operation):
        """Return the result, WOULD_BLOCK or YIELD; an error ends the operation."""
        attempt = self.attempted
        if attempt is None:
            return WOULD_BLOCK
        try:
            return try_once(attempt)
        except Again:
            return WOULD_BLOCK
        except BaseException as error:
            self.queue.loop_handle.used()  # the try may have silenced what others wait for
            if isinstance(error, ForeignAgain):
                error = error.error
            operation.fail(error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):  # which end the loop, as out of a task
                raise
            return WOULD_BLOCK

    cpdef bint perform(self, operation) except -1:
        """Try it now; return whether it is over, well or badly."""
        self._resume()
        value = self.attempt(operation)
        if value is WOULD_BLOCK:
            value = self.queue.refused(self, operation)
        if value is YIELD:
            self.queue.loop_handle.used()
        if value is WOULD_BLOCK or value is YIELD:
            return operation.done()
        self.finish(operation, value)
        return True

    cpdef int finish(self, operation, value) except -1:
        """End well."""
        if not operation.done():
            self.queue.loop_handle._future.set_result(operation, value)
            self.end(operation)
        return 0

    cpdef int end(self, operation) except -1:
        """The operation has ended: leave the line, and let go of what it needed."""
        self.attempted = None  # neither the socket nor the data
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.wake(False)
        self.queue.loop_handle.pending.discard(operation)
        self._quit()
        return 0

    # -- what its task waits for -----------------------------------------------------------------

    cdef void begin_wait(self) noexcept:
        self._armed = True
        self._cancelled = False
        self._asyncio_future_blocking = True

    cdef void _forget(self) noexcept:
        """The task does not wait any more."""
        self._armed = False
        self._step = self._context = self._message = None

    cpdef int wake(self, bint at_once) except -1:
        """Have the task go on: here and now, which is for when no other task runs, or in the next iteration."""
        if self._armed:
            self._armed = False
            self._tell_task(at_once)
        return 0

    cdef int _tell_task(self, bint at_once) except -1:
        step, context = self._step, self._context
        if step is None:
            return 0
        self._step = self._context = None
        if self._left:
            self._unkeep(self.operation())
        if at_once and isinstance(getattr(step, "__self__", None), self.queue.loop_handle._tasks):
            self._resumed = False
            try:
                context.run(step, self)
                return 0
            except RuntimeError:  # another task runs, or the context is in use, and waits in us for this
                if self._resumed:
                    raise
        self.queue.loop_handle.loop.call_soon(step, self, context=context)
        return 0

    cdef int _unkeep(self, operation) except -1:
        """The operation is not awaited any more: it lives as long as its owner keeps it, or its callbacks."""
        if operation is not None and not self.queue.keep_unawaited and not operation._callbacks:
            self.queue.loop_handle.pending.discard(operation)
        return 0

    cdef int _let_go(self, operation) except -1:
        """The iterator of an await was dropped. Who drives it by hand may ask for another at the next step.

        The builtin ``anext`` with a default does. A task that has noted where it waits goes on waiting.
        """
        self._left = True
        if self._step is None:
            self.awaited = False
            self._unkeep(operation)
            if not self._armed:  # what it was told is worth a try by others
                self.queue.loop_handle.used()
        return 0

    # -- in the eyes of asyncio: a future ----------------------------------------------------------

    def get_loop(self):
        """Return the loop, as of any future."""
        return self.queue.loop_handle.loop

    def add_done_callback(self, fn, *, context=None):
        """Remember the task that waits: only one may."""
        if self._step is not None:
            raise RuntimeError("a task waits here already")
        self._step = fn
        self._context = PyContext_CopyCurrent() if context is None else context
        if not self._armed:
            self._tell_task(False)
        elif self._left:
            operation = self.operation()
            if operation is not None:
                self.awaited = True
                self.queue.loop_handle.pending.add(operation)

    def remove_done_callback(self, fn):
        """Forget the task that waits if this is how it is told; return how many are forgotten: 0 or 1."""
        if self._step is None or self._step != fn:
            return 0
        self._step = self._context = None
        return 1

    def done(self):
        """Whether the task was told to go on."""
        return not self._armed

    def cancelled(self):
        """Whether the task was told to go on with CancelledError."""
        return self._cancelled

    def cancel(self, msg=None):
        """Have the task go on with CancelledError, in the next iteration. False if it was told already."""
        if not self._armed:
            return False
        self._armed = False
        self._cancelled = True
        self._message = msg
        self._tell_task(False)
        return True

    def result(self):
        """What the task hears when it goes on: nothing, or that it was cancelled."""
        if self._cancelled:
            if self._message is None:
                raise self.queue.loop_handle._cancelled()
            raise self.queue.loop_handle._cancelled(self._message)
        if self._armed:
            raise self.queue.loop_handle._invalid("the task was not told to go on yet")
        return None

    def exception(self):
        """None, as of any future that ended well; raises as `result` does."""
        return self.result()

    def set_result(self, result, /):
        """End the operation itself with this result, which its task hears."""
        set_result(self._alive(), result)

    def set_exception(self, exception, /):
        """End the operation itself with this exception, which its task hears."""
        set_exception(self._alive(), exception)

    cdef object _alive(self):
        operation = self.operation()
        if operation is None:
            raise self.queue.loop_handle._invalid("the operation is over")
        return operation

    def __await__(self):
        """Wait for the operation itself."""
        return self._alive().__await__()

    __iter__ = __await__


# The methods of operations that say what a Future's say, and what the waiter has to hear of it: compiled,
# since they run between a message and its reader.

@cython.binding(True)
def set_result(operation, result, /):
    """End with a result, as of any Future. Who awaits it goes on."""
    cdef OperationWaiter waiter = operation._waiter
    waiter.queue.loop_handle._future.set_result(operation, result)
    waiter.end(operation)


@cython.binding(True)
def set_exception(operation, exception, /):
    """End with an exception, as of any Future. Who awaits it goes on."""
    cdef OperationWaiter waiter = operation._waiter
    waiter.queue.loop_handle._future.set_exception(operation, exception)
    waiter.end(operation)


@cython.binding(True)
def awaiting(operation):
    """Return the iterator that ``await operation`` runs: the ``__await__`` of operations."""
    cdef OperationAwaiter iterator
    cdef OperationWaiter waiter = operation._waiter
    cdef bint comes_back = waiter._left and waiter._step is None
    if waiter.awaited and not comes_back:  # a second one waits as for any other future
        return waiter.queue.loop_handle._future.__await__(operation)
    iterator = OperationAwaiter.__new__(OperationAwaiter)
    iterator._operation = operation
    iterator._waiter = waiter
    iterator._waits = waiter.awaited
    waiter._left = False
    return iterator


@cython.final
@cython.nonecheck(True)
cdef class OperationAwaiter:
    """A task awaits an operation, and performs it by itself, in the very step in which it wakes up."""

    cdef object _operation   # None: it is over
    cdef OperationWaiter _waiter
    cdef bint _waits

    def __iter__(self):
        return self

    def __next__(self):
        value = self._go_on()
        if self._operation is None:
            raise StopIteration(value)
        return value

    cdef object _go_on(self):
        """Return what to wait for or, when it is over, the result."""
        cdef OperationWaiter waiter = self._waiter
        operation = self._operation
        if operation is None:
            raise RuntimeError("an await that is over cannot go on")
        waiter._resumed = True
        if self._waits:
            if waiter._armed and waiter._asyncio_future_blocking:  # no task took what it was given: as of a `for`
                raise RuntimeError("await wasn't used with this: await it first, it is the future of a result")
            waiter._resume()
            if operation.done() or waiter.perform(operation):
                self._end()
                return operation.result()
        elif operation.done():
            self._operation = None
            return operation.result()
        else:
            waiter.awaited = self._waits = True
        waiter.queue.loop_handle.pending.add(operation)
        waiter.begin_wait()
        return waiter

    def send(self, value):
        """Go on, as of any awaitable."""
        return self.__next__()

    def throw(self, kind, value=None, trace=None):
        """The task is cancelled, or ends: so is the operation. Of many sends it hears how many happened."""
        sent = getattr(self._operation, "sent", None)
        self._give_up()
        error = thrown(kind, value, trace)
        if sent is not None:
            note_sent(error, sent)
        raise error

    def close(self):
        """The task will not go on: cancel the operation."""
        self._give_up()

    def __del__(self):
        if self._waits and self._operation is not None:
            self._waiter._let_go(self._operation)

    cdef int _give_up(self) except -1:
        operation = self._operation
        if operation is None:
            return 0
        if not self._waits:
            self._operation = None
            return 0
        self._waiter._forget()
        self._waiter._resumed = True
        try:
            if not operation.done():
                operation.cancel()
            elif not operation.cancelled():
                operation.exception()  # of no use to a task that was cancelled: not to be logged
        finally:
            self._end()
        return 0

    cdef void _end(self) noexcept:
        self._operation = None
        self._waiter.awaited = False


cdef object thrown(object kind, object value, object trace):
    """The exception that the arguments of a `throw` mean."""
    if isinstance(kind, BaseException):
        value = kind
    elif value is None:
        value = kind()
    elif not isinstance(value, BaseException):
        value = kind(value)
    return value if trace is None else value.with_traceback(trace)


cdef PyObject *awaiting_next(PyObject *self) except? NULL:
    """`__next__` as the interpreter runs it: the end is no error that a traceback would be made for."""
    value = (<OperationAwaiter> self)._go_on()
    if (<OperationAwaiter> self)._operation is None:
        return iteration_ends(value)
    Py_INCREF(value)
    return <PyObject *> value


iterate_with(OperationAwaiter, &awaiting_next)
