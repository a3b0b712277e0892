# Waiting with zmq_poll: one socket, or a list of anything. The cost follows what is listed.

cdef extern from "Python.h":
    double double_of "PyFloat_AsDouble"(object number) noexcept
    PyObject *PyErr_Occurred()


cdef int fill_item(zmq_pollitem_t *item, object source, int events) except -1:
    """Write one poll item for a socket, a descriptor, or an object with fileno()."""
    item.socket = NULL
    item.fd = 0
    item.events = events
    item.revents = 0
    if isinstance(source, Handle):
        if (<Handle> source).handle == NULL:
            if (<Handle> source)._state == FORKED:
                refuse(source, "poll")
            fail_closed(source, "unregister it")
        item.socket = (<Handle> source).handle
        return 0
    if isinstance(source, SocketType):
        raise TypeError(f"{source.name} is a type of sockets: poll a socket of it, context.socket({source.name})")
    if isinstance(source, int):
        try:
            item.fd = source
        except OverflowError:
            raise OverflowError(f"{source} is no file descriptor") from None
        return 0
    fileno = getattr(source, "fileno", None)
    if fileno is None:
        raise TypeError("only sockets, file descriptors and objects with fileno() can be polled, not "
                        f"{type(source).__name__!r}")
    item.fd = fileno()
    return 0


cdef int fail_closed(Handle socket, str hint="") except -1:
    raise ClosedSocket.during("poll", subject_of(socket), hint, text="the socket is closed")


def time_limit(str operation not None, timeout, str unit="milliseconds"):
    """Return the time limit of an operation as a number, -1 for none: None, what is below 0, what is infinite."""
    return limit_of(operation, timeout, unit)


cdef inline double limit_of(str operation, object timeout, str unit="milliseconds") except? -1:
    cdef double limit
    if timeout is None:
        return -1
    limit = double_of(timeout)  # polls are short: nothing is prepared for an error that does not come
    if 0 <= limit < FOREVER:
        return limit
    if PyErr_Occurred() == NULL:
        if limit < 0:
            return -1
    else:
        if not PyErr_ExceptionMatches(TypeError) and not PyErr_ExceptionMatches(OverflowError):
            return -1  # what a __float__ has raised
        PyErr_Clear()
    return odd_limit(operation, timeout, unit)


cdef double odd_limit(str operation, object timeout, str unit) except? -1:
    cdef double limit
    try:
        limit = timeout
    except TypeError:
        raise TypeError(no_limit(operation, timeout, unit)) from None
    except OverflowError:
        limit = FOREVER if timeout > 0 else -1
    if limit != limit:
        raise ValueError(no_limit(operation, timeout, unit))
    return -1 if limit < 0 or limit == FOREVER else limit


cdef str no_limit(str operation, object timeout, str unit):
    return f"{operation}() takes {unit} as its timeout, not {timeout!r:.80}"


cdef long poll_step(double end, double timeout) noexcept:
    """How many ms the next wait may take: whole ones, rounded up, so that it never ends early."""
    cdef double left
    if timeout < 0:
        return -1
    left = end - now()
    if not left < 1e6:  # eleven days (or no number at all): the caller looks at the clock again
        left = 1e6
    return 0 if left <= 0 else <long> (left * 1000) + 1


cdef int wait_items(zmq_pollitem_t *items, int count, list sources, double limit) except -1:
    """zmq_poll with exact time under signals; the sockets count as used while it waits."""
    cdef double end = now() + limit / 1000 if limit > 0 else 0
    cdef list inside = sockets_among(sources)
    cdef Shortage shortage
    try:
        while True:
            try:
                return wait_inside(items, count, sources, inside, limit, end)
            except ZMQError as error:  # libzmq opens a descriptor for sockets that have none
                if not passes(&shortage, error.errno or 0):
                    raise
    finally:
        for socket in inside:
            tell_loop(socket)


cdef int wait_inside(zmq_pollitem_t *items, int count, list sources, list inside, double limit, double end) except -1:
    cdef int ready
    cdef int error = 0
    cdef int waits = 0
    cdef long left, step
    enter_all(inside)
    check_items(items, sources, inside)
    ready = libzmq_poll(items, count, 0) if count else 0
    if ready < 0:
        error = libzmq_errno()
    while (ready == 0 or error == EINTR) and (limit < 0 or now() < end):
        if error == EINTR:
            leave_all(inside)
            PyErr_CheckSignals()
            waits = count_wait(waits, inside)
            enter_all(inside)
            check_items(items, sources, inside)
        left = poll_step(end, limit)
        step = a_step(left) if waits < POLL_STEPS else one_step(left)
        block_all(inside)
        with nogil:
            ready = libzmq_poll(items, count, step)
            error = libzmq_errno() if ready < 0 else 0
        unblock_all(inside)
        if ready == 0 and step != left:
            error = EINTR  # look for signals
    leave_all(inside)
    if error == ETERM and interpreter_exits():
        block_forever()
    if error and error != EINTR:
        hint = "the context was terminated" if error == ETERM else scarce(None, error) if is_shortage(error) else ""
        fail(error, "poll", "", hint)
    return max(ready, 0)


cdef list sockets_among(list sources):
    """Each socket once: without a GIL it can be entered only once."""
    return list({id(source): source for source in sources if isinstance(source, Handle)}.values())


cdef int enter_all(list sockets) except -1:
    cdef int place
    for place in range(len(sockets)):
        socket = sockets[place]
        if (<Handle> socket).handle == NULL or not guard_acquire(
                &(<Handle> socket)._guard, (<Handle> socket)._thread_safe):
            leave_first(sockets, place)
            refuse(socket, "poll")
        if (<Handle> socket)._watch != NULL:
            mark_watches_dirty(<Handle> socket)
    return 0


cdef int check_items(zmq_pollitem_t *items, list sources, list inside) except -1:
    """Other Python code ran since the items were made (fileno(), signal handlers): are they still true?"""
    cdef int place
    for place in range(len(sources)):
        source = sources[place]
        if isinstance(source, Handle) and (<Handle> source).handle != items[place].socket:
            leave_all(inside)
            refuse(source, "poll")
    return 0


cdef void leave_all(list sockets) noexcept:
    leave_first(sockets, len(sockets))


cdef void leave_first(list sockets, Py_ssize_t count) noexcept:
    cdef Py_ssize_t place
    for place in range(count):
        guard_exit(<Handle> sockets[place])


cdef void block_all(list sockets) noexcept:
    for socket in sockets:
        guard_mark(&(<Handle> socket)._guard, (<Handle> socket)._thread_safe)


cdef void unblock_all(list sockets) noexcept:
    for socket in sockets:
        guard_unmark(&(<Handle> socket)._guard, (<Handle> socket)._thread_safe)


cdef list poll_items(list pairs, double limit):
    """Poll (source, events) pairs once; return those that are ready with their masks.

    A socket listed twice waits in one place for both: looking at its events takes the news out of its
    mailbox, so the second look would leave the first place asleep over what came between them.
    """
    cdef int count = len(pairs)
    cdef int place
    cdef int used = 0
    cdef int events
    cdef list sources = []
    cdef list slots = []
    cdef dict first = {}
    cdef list found = []
    cdef zmq_pollitem_t *items = <zmq_pollitem_t *> malloc((count + 1) * sizeof(zmq_pollitem_t))
    if items == NULL:
        raise MemoryError
    try:
        for source, wanted in pairs:
            fill_item(&items[used], source, wanted)
            place = first.setdefault(<size_t> items[used].socket, used) if items[used].socket != NULL else used
            slots.append(place)
            if place == used:
                sources.append(source)
                used += 1
            else:
                items[place].events |= items[used].events
        if wait_items(items, used, sources, limit):
            for (source, wanted), place in zip(pairs, slots):
                events = items[place].revents
                if items[place].socket != NULL:
                    events &= <int> wanted
                if events:
                    found.append((source, events))
        return found
    finally:
        free(items)


cdef list by_descriptor(list pairs):
    """The same pairs with descriptors in place of the objects that have one."""
    return [(descriptor_of(source), events) for source, events in pairs]


cdef object descriptor_of(object source):
    if isinstance(source, (Handle, int)) or not hasattr(source, "fileno"):
        return source
    return source.fileno()


cdef int ready_events(Handle self, int wanted) except -1:
    """Which of the wanted events hold now.

    Pollers of the socket hear of it only if one holds that they want: a loop looks at its own members
    when their poller wakes it, and would never sleep if each look woke the poller.
    """
    cdef int events = 0
    cdef int error
    if self.handle == NULL or not guard_acquire(&self._guard, self._thread_safe):
        return refuse(self, "poll")
    error = read_events(self, &events)
    if self._watch != NULL and (events or error):  # the end of a context is told once, too
        mark_other_watches_dirty(self, NULL, -1 if error else events)
    guard_exit(self)
    if error:
        return fail_events(self, error)
    return events & wanted


cdef int read_events(Handle self, int *events) noexcept:
    """EVENTS, in a socket that was entered. Returns an errno."""
    cdef size_t size = sizeof(int)
    cdef int error = EINTR
    while error == EINTR:  # it never waits: handlers have time afterwards
        error = libzmq_errno() if zmq_getsockopt(self.handle, ZMQ_EVENTS, events, &size) != 0 else 0
    return error


cdef int fail_events(Handle self, int error) except -1:
    if error == ETERM and interpreter_exits():
        block_forever()
    return fail_socket(self, error, "poll")


cdef int poll_one(Handle self, int wanted, object timeout) except -1:
    """Wait for events of one socket; 0 when the time is over."""
    cdef int ready
    if self.handle == NULL:
        if self._state == FORKED:
            refuse(self, "poll")
        if interpreter_exits():
            block_forever()
        fail_closed(self)
    cdef double limit = limit_of("poll", timeout)
    if not self._thread_safe:
        ready = ready_events(self, wanted)
        if ready or limit == 0:
            return ready
    for _, ready in poll_items([(self, wanted)], limit):
        return ready
    return 0


def zmq_poll(sockets, timeout=-1):
    """Poll a list of (socket or descriptor, events) pairs; return the ready ones with their masks.

    ``timeout`` in ms, -1 or None for ever; an empty list returns at once. Objects with fileno() come
    back as their descriptor (zmq_poll).
    """
    cdef list pairs = pairs_of(sockets)
    cdef double limit = limit_of("zmq_poll", timeout)
    if not pairs:
        return []
    return poll_items(by_descriptor(pairs), limit)


def pairs_of(sockets):
    """Return the pairs that zmq_poll was given, as a list. What is no list of pairs is not iterated over: a socket
    would wait for a message, and lose it; a file would be read."""
    cdef list pairs
    if isinstance(sockets, (Handle, str, bytes, bytearray, dict)) or hasattr(sockets, "fileno"):
        raise no_pairs(f"not {sockets!r:.80}")
    try:
        pairs = list(sockets)
    except TypeError:
        if hasattr(sockets, "__iter__"):  # what it draws from has failed
            raise
        raise no_pairs(f"not {sockets!r:.80}") from None
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:  # a text of two characters is none, nor is a set
            raise no_pairs(f"and {pair!r:.80} is no pair")
        if not hasattr(pair[1], "__index__") or isinstance(pair[1], type):
            raise no_pairs(f"and the events of {pair!r:.80} are no number")
        if isinstance(pair[1], int) and not -0x8000 <= pair[1] <= 0x7fff:  # libzmq's have 16 bits
            raise OverflowError(f"zmq_poll() takes a sum of zmq.POLLIN, POLLOUT, POLLERR and POLLPRI, not {pair[1]!r:.80}")
    return pairs


cdef object no_pairs(str problem):
    return TypeError(f"zmq_poll() takes a list of pairs, [(socket, zmq.POLLIN), ...], {problem}")


cdef int refuse_poll(Handle socket) except -1:
    """As `_examine` would say it next time: the thread that closes may not have told the watch yet."""
    if socket.handle == NULL and socket._state != FORKED:
        fail_closed(socket, "unregister it")
    return refuse(socket, "poll")
