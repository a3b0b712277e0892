# One operation of an asyncio socket that has to wait: its place in the line, what its task waits for, and
# how the task goes on. An operation is a future of the loop, made by the loop's module; what it does often
# is here.
#
# A Future tells its task in the next pass of the loop, which costs a system call and as much again around
# it. A place that is rung by a callback of the loop runs the task there and then.


@cython.final
@cython.no_gc_clear  # what is called late must find its fields; the operation breaks the cycles
@cython.nonecheck(True)
cdef class Place:
    """An operation's place in the line of its side. What a task waits for that awaits the operation: to
    asyncio it looks like a future, and means only that a try is worth it.
    """

    cdef readonly Side side
    cdef readonly bint awaited   # a task awaits the operation
    cdef readonly bint ends      # an iteration: the end of the socket is the end of it, no error
    cdef readonly int wants      # of a poll: the events
    cdef public object timer
    cdef public bint _asyncio_future_blocking
    cdef object _entry           # a weak reference to the operation; we are what it calls
    cdef readonly object attempted  # to be called, or a socket of which a part is to be received
    cdef object _step            # the task's
    cdef object _context
    cdef object _message         # of the cancelling
    cdef bint _armed             # the task waits, and was not told yet
    cdef bint _cancelled
    cdef bint _resumed           # the task went on since it was told
    cdef bint _left              # the iterator was dropped in the middle of an await, which may ask for another

    def __call__(self, entry):
        """The operation was dropped."""
        self.side._leave(self)

    def operation(self):
        """Return the operation while it waits in line, or None."""
        return None if self._entry is None else self._entry()

    # -- the operation ---------------------------------------------------------------------------

    cpdef object attempt(self, operation):
        """Return the result, NOTHING or MORE; an error ends the operation."""
        attempt = self.attempted
        if attempt is None:
            return NOTHING
        try:
            if not isinstance(attempt, Socket):
                return attempt()
            part = recv_if_there(<Socket> attempt, 0, "recv")
            return NOTHING if part is None else part
        except Again:
            return NOTHING
        except BaseException as error:
            self.side.grip.used()  # the try may have silenced what others wait for
            if isinstance(error, ForeignAgain):
                error = error.error
            operation.fail(error)
            if isinstance(error, (KeyboardInterrupt, SystemExit)):  # which end the loop, as out of a task
                raise
            return NOTHING

    cpdef bint perform(self, operation) except -1:
        """Try it now; return whether it is over, well or badly."""
        value = self.attempt(operation)
        if value is NOTHING:
            value = self.side.refused(operation)
        if value is MORE:
            self.side.grip.used()
        if value is NOTHING or value is MORE:
            return operation.done()
        self.finish(operation, value)
        return True

    cpdef int finish(self, operation, value) except -1:
        """End well."""
        if not operation.done():
            self.side.grip._future.set_result(operation, value)
            self.over(operation)
        return 0

    cpdef int over(self, operation) except -1:
        """The operation has ended: leave the line, and let go of what it needed."""
        self.attempted = None  # neither the socket nor the data
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.ring(False)
        self.side.grip.kept.discard(operation)
        self.side._leave(self)
        return 0

    # -- what its task waits for -----------------------------------------------------------------

    cdef void _arm(self) noexcept:
        self._armed = True
        self._cancelled = False
        self._asyncio_future_blocking = True

    cdef void _forget(self) noexcept:
        """The task does not wait any more."""
        self._armed = False
        self._step = self._context = self._message = None

    cpdef int ring(self, bint at_once) except -1:
        """Have the task go on: here and now, which is for when no other task runs, or in the next pass."""
        if self._armed:
            self._armed = False
            self._tell(at_once)
        return 0

    cdef int _tell(self, bint at_once) except -1:
        step, context = self._step, self._context
        if step is None:
            return 0
        self._step = self._context = None
        if self._left:
            self._unkeep(self.operation())
        if at_once and isinstance(getattr(step, "__self__", None), self.side.grip._tasks):
            self._resumed = False
            try:
                context.run(step, self)
                return 0
            except RuntimeError:  # another task runs, or the context is in use, and waits in us for this
                if self._resumed:
                    raise
        self.side.grip.loop.call_soon(step, self, context=context)
        return 0

    cdef int _unkeep(self, operation) except -1:
        """The operation is not awaited any more: it lives as long as its owner keeps it, or its callbacks."""
        if operation is not None and not self.side.stays and not operation._callbacks:
            self.side.grip.kept.discard(operation)
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
                self.side.grip.used()
        return 0

    # -- in the eyes of asyncio: a future ----------------------------------------------------------

    def get_loop(self):
        """Return the loop, as of any future."""
        return self.side.grip.loop

    def add_done_callback(self, fn, *, context=None):
        """Remember the task that waits: only one may."""
        if self._step is not None:
            raise RuntimeError("a task waits here already")
        self._step = fn
        self._context = PyContext_CopyCurrent() if context is None else context
        if not self._armed:
            self._tell(False)
        elif self._left:
            operation = self.operation()
            if operation is not None:
                self.awaited = True
                self.side.grip.kept.add(operation)

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
        """Have the task go on with CancelledError, in the next pass. False if it was told already."""
        if not self._armed:
            return False
        self._armed = False
        self._cancelled = True
        self._message = msg
        self._tell(False)
        return True

    def result(self):
        """What the task hears when it goes on: nothing, or that it was cancelled."""
        if self._cancelled:
            if self._message is None:
                raise self.side.grip._cancelled()
            raise self.side.grip._cancelled(self._message)
        if self._armed:
            raise self.side.grip._invalid("the task was not told to go on yet")
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
            raise self.side.grip._invalid("the operation is over")
        return operation

    def __await__(self):
        """Wait for the operation itself."""
        return self._alive().__await__()

    __iter__ = __await__


# The methods of operations that say what a Future's say, and what the place has to hear of it: compiled,
# since they run between a message and its reader.

@cython.binding(True)
def set_result(operation, result, /):
    """End with a result, as of any Future. Who awaits it goes on."""
    cdef Place place = operation._place
    place.side.grip._future.set_result(operation, result)
    place.over(operation)


@cython.binding(True)
def set_exception(operation, exception, /):
    """End with an exception, as of any Future. Who awaits it goes on."""
    cdef Place place = operation._place
    place.side.grip._future.set_exception(operation, exception)
    place.over(operation)


@cython.binding(True)
def awaiting(operation):
    """Return the iterator that ``await operation`` runs: the ``__await__`` of operations."""
    cdef Awaiting iterator
    cdef Place place = operation._place
    cdef bint comes_back = place._left and place._step is None
    if place.awaited and not comes_back:  # a second one waits as for any other future
        return place.side.grip._future.__await__(operation)
    iterator = Awaiting.__new__(Awaiting)
    iterator._operation = operation
    iterator._place = place
    iterator._waits = place.awaited
    place._left = False
    return iterator


@cython.final
@cython.nonecheck(True)
cdef class Awaiting:
    """A task awaits an operation, and performs it by itself, in the very step in which it wakes up."""

    cdef object _operation   # None: it is over
    cdef Place _place
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
        cdef Place place = self._place
        operation = self._operation
        if operation is None:
            raise RuntimeError("an await that is over cannot go on")
        place._resumed = True
        if self._waits:
            if operation.done() or place.perform(operation):
                self._end()
                return operation.result()
        elif operation.done():
            self._operation = None
            return operation.result()
        else:
            place.awaited = self._waits = True
        place.side.grip.kept.add(operation)
        place._arm()
        return place

    def send(self, value):
        """Go on, as of any awaitable."""
        return self.__next__()

    def throw(self, kind, value=None, trace=None):
        """The task is cancelled, or ends: so is the operation."""
        self._give_up()
        raise thrown(kind, value, trace)

    def close(self):
        """The task will not go on: cancel the operation."""
        self._give_up()

    def __del__(self):
        if self._waits and self._operation is not None:
            self._place._let_go(self._operation)

    cdef int _give_up(self) except -1:
        operation = self._operation
        if operation is None:
            return 0
        if not self._waits:
            self._operation = None
            return 0
        self._place._forget()
        self._place._resumed = True
        try:
            if not operation.done():
                operation.cancel()
        finally:
            self._end()
        return 0

    cdef void _end(self) noexcept:
        self._operation = None
        self._place.awaited = False


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
    value = (<Awaiting> self)._go_on()
    if (<Awaiting> self)._operation is None:
        return iteration_ends(value)
    Py_INCREF(value)
    return <PyObject *> value


iterate_with(Awaiting, &awaiting_next)
