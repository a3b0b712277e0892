# What the end of a context waits for, in words: after a second one line on stderr, once for each wait.
#
# The sockets are closed by then, and of a closed socket libzmq tells only, and only our own, how many messages it
# has not sent (unsent-report.patch); whose it was, a context remembers here.

cdef double FIRST_WORD = 1  # seconds
cdef double FOREVER = float("inf")
cdef double LATELY = 1  # seconds

cdef enum:
    NAMED = 5  # sockets in a line
    LEAST_REMEMBERED = 256
    REMEMBERED_PLACES = 64

cdef enum:  # how a wait for sockets ended
    GONE = 1
    LATE = 2
    ENDED = 3  # by a signal handler, with the context


cdef int term_quietly(void *context) noexcept nogil:
    return zmq_ctx_term(context)


cdef int last_error() noexcept nogil:
    return libzmq_errno()


cdef int get_quietly(void *context, int option, void *value, size_t *size) noexcept nogil:
    return zmq_ctx_get_ext(context, option, value, size)


cdef TermCalls term_calls() noexcept:
    cdef TermCalls calls
    calls.term = &term_quietly
    calls.last_error = &last_error
    calls.get = &get_quietly
    calls.interrupted = EINTR
    calls.again = ENOBUFS
    return calls


cdef int tell(str text) except -1:
    stream = sys.stderr
    if stream is not None:
        try:
            print(f"zmqlite: {text}", file=stream, flush=True)
        except (OSError, ValueError):
            pass  # nobody reads it
    return 0


# -- closed sockets ----------------------------------------------------------------------------------------------------

cdef int lingers(Handle self) noexcept:
    """How long in ms a socket that is being closed may keep what it has not sent; 0: it has nothing, or drops it."""
    cdef int linger = 0
    cdef size_t size = sizeof(linger)
    if self._shadow or not self._outside or self._type_number in (ZMQ_PULL, ZMQ_SUB, DISH):
        return 0
    return linger if zmq_getsockopt(self.handle, ZMQ_LINGER, &linger, &size) == 0 else 0


# -- second handles ----------------------------------------------------------------------------------------------------

cdef list handles_on(Context context):
    """This context and the second handles on it, or the other way round; their sockets are libzmq's of one context."""
    cdef list same = [context]
    for one in live_contexts():
        if one is not context and on_one_context(one, context):
            same.append(one)
    return same


cdef list all_sockets(Context context):
    return [socket for one in handles_on(context) for socket in one.sockets()]


cdef int close_view(Context self) except -1:
    """Close the sockets of a second handle. Nobody is woken, for that would end the context: threads that are about to
    leave have a moment."""
    cdef double end = now() + MOMENT
    while self._sockets != NULL:
        if now() >= end:
            inside = [subject_of(socket) for socket in self.sockets()]
            raise ThreadMisuse(EBUSY, f"destroy on Context: a thread is inside {joined(inside)}, and a second handle "
                               "on a context wakes nobody: have its threads leave, or its owner end it")
        with nogil:
            pause_thread(0.0005)
        PyErr_CheckSignals()
        self._close_idle()
    return 0


# -- what closed sockets have left -------------------------------------------------------------------------------------

cdef int remember_lingering(Handle self, size_t address, int linger) except -1:
    """A socket was closed that may have messages to send: whose they are, until when, and whether the program
    said so."""
    cdef Context context = self._context
    if context is not None and context._shadow:  # its owner is who waits
        context = next((one for one in handles_on(context) if not (<Context> one)._shadow), context)
    # (libzmq itself keeps a linger that is not endless; it may need a moment to end the socket then)
    cdef double end = FOREVER if linger < 0 else now() + linger / 1000.0 + 2
    if context is None:
        return 0
    what = (subject_of(self), end, bool(self._linger_set))
    with cython.critical_section(context):
        if context._lingering is None:
            context._lingering = {}
        context._lingering[address] = what
        if len(context._lingering) > max(context._lingering_limit, LEAST_REMEMBERED):
            forget_gone(context)
    return 0


cdef int forget_lingering(Context self, size_t address) except -1:
    """A socket was closed that has nothing to send: what is remembered of its address is of one before it."""
    with cython.critical_section(self):
        if self._lingering is not None:
            self._lingering.pop(address, None)
    return 0


cdef int remember_places(Handle self) except -1:
    """A socket was closed: libzmq ends it in the background, and gives back what it was bound to a moment later."""
    cdef Context context = self._context
    places = getattr(self, "_bound", None)  # by the facade
    if not places or context is None or self._shadow:
        return 0
    what = (now() + LATELY, type_name(self._type_number) + " socket", tuple(places))
    with cython.critical_section(context):
        if context._closed_places is None:
            context._closed_places = []
        context._closed_places.append(what)
        if len(context._closed_places) > REMEMBERED_PLACES:
            del context._closed_places[0]
    return 0


cdef list closed_lately(Context self):
    """What was closed in the last second, and where it was bound."""
    cdef double moment = now()
    with cython.critical_section(self):
        places = [] if self._closed_places is None else self._closed_places[:]
    return [what[1:] for what in places if what[0] >= moment]


cdef dict lingering_of(Context self):
    """A copy of what is remembered: threads that close sockets change it meanwhile."""
    with cython.critical_section(self):
        return {} if self._lingering is None else self._lingering.copy()


cdef str sum_up_lingering(Context self, double *kept):
    """Their names, "" for none. `kept` is raised to when the last linger that the program set is over."""
    cdef list remembered = list(lingering_of(self).values())
    for what in remembered:
        if what[2]:
            kept[0] = max(kept[0], what[1])
    return joined([what[0] for what in remembered])


cdef int forget_gone(Context self) except -1:
    """Inside a critical section of the context."""
    cdef Unsent unsent
    cdef bint known = False
    cdef size_t place
    cdef set there = set()
    if self.handle != NULL and not self._ends and self._termination == NULL:
        known = unsent.read(self.handle, &get_quietly, ENOBUFS)
    if known:
        for place in range(unsent.sockets()):
            there.add(unsent.address(place))
        self._lingering = {one: what for one, what in list(self._lingering.items()) if one in there}
    else:
        remembered = list(self._lingering.items())
        self._lingering = dict(remembered[len(remembered) // 2:])
    self._lingering_limit = LEAST_REMEMBERED + 2 * len(self._lingering)
    return 0


cdef str unsent_text(uint64_t count):
    if count == 0:
        return "what was sent last is on its way"
    return f"{count} message{'s' if count != 1 else ''} not sent"


cdef str joined(list names):
    return "; ".join(names[:NAMED]) + "; ..." * (len(names) > NAMED)


cdef str still_open(Context self):
    """What a context waits for, as far as is known without asking libzmq."""
    open_sockets = [subject_of(socket) for socket in all_sockets(self)]
    if open_sockets:
        return "still open: " + joined(open_sockets)
    cdef uint64_t messages = 0
    cdef uint64_t moves = 0
    cdef bint known
    with cython.critical_section(self):
        known = self._termination != NULL and self._termination.waits_for(&messages, &moves)
    names = [what[0] for what in lingering_of(self).values()]
    count = unsent_text(messages) if known else "unsent messages"
    return f"{joined(names) or 'closed sockets'}: {count} (their linger says to wait)"


# -- a wait ------------------------------------------------------------------------------------------------------------

@cython.final
cdef class EndWait:
    """EndWait(context, what): a wait for the sockets of a context, which says once what it waits for.

    ``context`` was shut down, or inproc connections to names that nobody binds are waited for in vain.
    """

    cdef Context _context
    cdef Unsent _unsent
    cdef str _what
    cdef double _begin
    cdef bint _told
    cdef bint known

    def __init__(self, Context context not None, str what="the end of a context"):
        self._context = context
        self._what = what
        self._begin = now()

    def look(self):
        """Return whether all sockets have gone; also if that is not to be known."""
        if self._context is None:
            return True
        with cython.critical_section(self._context):
            if self._context.handle == NULL or self._context._ends or self._context._termination != NULL:
                return True
            if self.over():
                return True
        self.say()
        return False

    cdef bint over(self) except -1:
        """The same, for the thread that terminates."""
        self.known = self._unsent.read(self._context.handle, &get_quietly, ENOBUFS)
        return not self.known or not self._unsent.sockets()

    cdef int say(self) except -1:
        """Not for the thread that terminates: a signal handler may interrupt the text, and terminate the context."""
        if not self._told and now() - self._begin >= FIRST_WORD:
            self._told = True
            tell(f"{self._what} waits for {self.which()} (linger says how long; Ctrl-C ends the wait)")
        return 0

    cdef str which(self):
        """The sockets that are there, and what each has not sent."""
        cdef dict known = {}
        cdef list names = []
        cdef size_t place
        cdef uint64_t count
        for one in all_sockets(self._context):
            known[<size_t> (<Handle> one).handle] = subject_of(one) + " is open"
        for one, what in lingering_of(self._context).items():
            known.setdefault(one, what[0])
        for place in range(self._unsent.sockets()):
            count = self._unsent.unsent(place)
            name = known.get(self._unsent.address(place))
            if name is None and not count:
                continue  # libzmq's own, or one that is just going
            name = name or "a closed socket"
            names.append(f"{name}: {unsent_text(count)}" if count or not name.endswith(" is open") else name)
        return joined(names) or "closed sockets"

    cdef double set_by_program(self):
        """Until when the lingers that the program set make a context wait; 0 if none does."""
        cdef double end = 0
        cdef size_t place
        cdef dict known = lingering_of(self._context)
        for place in range(self._unsent.sockets()):
            what = known.get(self._unsent.address(place))
            if what is not None and what[2]:
                end = max(end, what[1])
        return end


cdef int await_sockets(Context self, EndWait wait, double limit, double end) except -1:
    """By the thread that terminates: wait until the sockets have gone, until `end` (`limit` below 0: for ever)."""
    cdef double pause = 50e-6
    zmq_ctx_shutdown(self.handle)
    while True:
        try:
            if wait.over():
                return GONE
        except BaseException:
            self._ends = False
            raise
        if limit >= 0:
            if now() >= end:
                return LATE
            pause = min(pause, max(end - now(), 0))
        if interpreter_exits() and not runs_handlers():
            self._ends = False  # the main thread waits in our place, with its own patience
            block_forever()
        with nogil:
            pause_thread(pause)
        pause = min(pause * 1.5 + 1e-6, 0.005)
        if not handle_signals(self, limit, end, wait):
            return ENDED
        if self._termination != NULL:  # others have begun, and left: the handle is their thread's
            return LATE
