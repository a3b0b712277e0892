# Who is inside a socket, and what is said to those who may not come in. What enters, leaves.
#
# With the GIL a socket that was entered is not marked: no other thread gets in. But our own may: the collector
# runs finalizers wherever a collected object is made (a list, a tuple, a Frame, an exception), until Python 3.11,
# and so does what converts an argument. So between guard_enter() and guard_exit() nothing is made that is collected. What
# cannot do without marks the socket: guard_enter_marked() for whole calls, guard_mark() for a few lines.


cdef inline int guard_enter(Handle self, str operation) except -1:
    if self.handle == NULL or not guard_acquire(&self._guard, self._thread_safe):
        return refuse(self, operation)
    if self._watch != NULL:
        mark_watches_dirty(self)
    return 0


cdef inline void guard_exit(Handle self) noexcept:
    guard_release(&self._guard, self._thread_safe)


cdef inline int guard_visit_enter(Handle self, str operation) except -1:
    """Enter for one short look, of any thread: without a GIL the owner, if it comes meanwhile, waits for its end."""
    if self.handle == NULL or not guard_visit(&self._guard, self._thread_safe):
        return refuse(self, operation)
    if self._watch != NULL:
        mark_watches_dirty(self)
    return 0


cdef inline int guard_enter_marked(Handle self, str operation) except -1:
    """Enter for a call that is no message: others, finalizers among them, are refused until guard_exit_marked()."""
    guard_enter(self, operation)
    guard_mark(&self._guard, self._thread_safe)
    return 0


cdef inline void guard_exit_marked(Handle self) noexcept:
    guard_unmark(&self._guard, self._thread_safe)
    guard_exit(self)


cdef int refuse(Handle self, str operation) except -1:
    """Say why this socket cannot be used now."""
    if self._state == FORKED:
        raise ForkError(EPERM, f"{operation} on {subject_of(self)}: this socket was made before fork() "
                        "and stays with the parent process; make a new one here")
    if self.handle == NULL:
        if operation == "iterate":
            raise StopIteration
        if interpreter_exits():
            block_forever()
        return fail(ENOTSOCK, operation, subject_of(self), "the socket is closed")
    cdef unsigned long owner = guard_thread(&self._guard)
    if owner == PyThread_get_thread_ident():
        raise ThreadMisuse(
            EBUSY,
            f"{operation} on {subject_of(self)} in the middle of another call on it, from a finalizer or "
            "whatever that call has run: use it when the call is over")
    other = f"thread {thread_name(owner)!r}" if owner else "another thread"
    raise ThreadMisuse(
        EBUSY,
        f"{operation} on {subject_of(self)} from thread {threading.current_thread().name!r} while "
        f"{other} is inside it: a socket serves one thread at "
        "a time; give each thread its own socket, or wake the other one with context.shutdown()")


cdef int fail_socket(Handle self, int error, str operation, str hint="") except -1:
    if is_shortage(error):
        hint = scarce(self._context, error)
    return fail(error, operation, subject_of(self),
                hint or next_step(error, operation, self._type_number))


cdef bint loop_was_told = False


cdef int tell_of_stopped_loop(Handle self, str operation) except -1:
    """A blocking call waits in the thread of a loop, which stands still: say so, once in a process."""
    global loop_was_told
    cdef str loop = running_loop()
    if loop is None or not getattr(self, "_warns_of_loops", True):
        return 0
    loop_was_told = True
    use = "use a socket of zmqlite.green" if loop == "gevent" else f"await a socket of zmqlite.{loop}"
    warnings.warn(
        f"{operation}() on {subject_of(self)} waits, and the {loop} loop of this thread stands still meanwhile: "
        f"{use}, or call it in another thread", RuntimeWarning, stacklevel=1)
    return 0


# A call that waits in steps comes to say so after one. Those of the main thread do, for signals; elsewhere polls begin
# with some, and a socket waits in steps where its first wait found a loop.

cdef enum:
    NO_LOOP = 1
    BESIDE_LOOP = 2
    POLL_STEPS = 2  # so many waits of a poll are steps in any thread


cdef void look_for_loop(Handle self) noexcept:
    """Before a wait of a socket that has not waited yet, in the socket."""
    guard_mark(&self._guard, self._thread_safe)
    self._beside_loop = NO_LOOP
    try:
        if not runs_handlers() and running_loop() is not None:
            self._beside_loop = BESIDE_LOOP
    except BaseException as error:
        tell_unraisable(error)
    guard_unmark(&self._guard, self._thread_safe)


cdef int count_wait(int waits, object sources) except -1:
    """After a wait of a poll of these that brought nothing; returns how many there were, as far as that matters."""
    if waits + 1 == POLL_STEPS and not loop_was_told:
        for source in list(sources):
            if isinstance(source, Handle):
                tell_of_stopped_loop(source, "poll")
                break
    return min(waits + 1, POLL_STEPS)


cdef str running_loop():
    """The name of what runs in this thread: asyncio, trio or gevent, whose greenlet this is; None if nothing does."""
    # a module that another thread still imports has not all of its names
    asyncio_loop = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    if asyncio_loop is not None and asyncio_loop() is not None:
        return "asyncio"
    in_trio_run = getattr(sys.modules.get("trio.lowlevel"), "in_trio_run", None)
    if in_trio_run is not None and in_trio_run():
        return "trio"
    gevent_hub = getattr(sys.modules.get("gevent._hub_local"), "get_hub_if_exists", None)
    hub = None if gevent_hub is None else gevent_hub()
    if hub is not None and hub in (greenlet := sys.modules["greenlet"].getcurrent(), greenlet.parent):
        return "gevent"
    return None


cdef int interrupted(Handle self, str operation) except -1:
    """A signal came: run the handlers, outside of the socket, then look whether it still lives."""
    guard_exit(self)
    PyErr_CheckSignals()
    if not loop_was_told:
        tell_of_stopped_loop(self, operation)
    if self.handle == NULL or not guard_acquire(&self._guard, self._thread_safe):
        refuse(self, operation)
    if self._watch != NULL:
        mark_watches_dirty(self)  # the handlers may have polled
    return 0


# A poller serves one thread at a time, as a socket does.

cdef inline int poller_guard_enter(Poller self) except -1:
    if not guard_acquire(&self._guard, False):
        return refuse_poller(self)
    return 0


cdef int refuse_poller(Poller self) except -1:
    cdef unsigned long owner = guard_thread(&self._guard)
    if owner == PyThread_get_thread_ident():
        raise ThreadMisuse(EBUSY, "this poller is in the middle of another call, from which this one comes: from "
                           "a finalizer, or from a member's __hash__, __eq__ or fileno()")
    raise ThreadMisuse(
        EBUSY, f"thread {thread_name(owner)!r} is inside this poller: a poller "
        "serves one thread at a time; give each thread its own")


cdef inline int poller_guard_enter_marked(Poller self) except -1:
    """Enter for a change of the set, which runs code of the sources (hash, ==, fileno) and of finalizers."""
    poller_guard_enter(self)
    guard_mark(&self._guard, False)
    return 0


cdef inline void poller_guard_exit_marked(Poller self) noexcept:
    guard_unmark(&self._guard, False)
    guard_release(&self._guard, False)
