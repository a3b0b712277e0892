# Deadlines that stay exact while signals arrive. libzmq starts its timeout anew with each call, so a
# call that a signal has interrupted is repeated with a limit of its own, what is left of the user's.

# Question and answer: a receive has to wait nearly every time. To try first would only keep the
# GIL from the thread that is to answer, and cost a system call; so after a few waits a receive waits at
# once, and a send to a thread of this process lets the GIL go, for that thread wants it when it wakes.
# Where messages come in a stream neither pays, so that some receives that found one end it again. On a
# busy processor the peer runs, and answers, while we are still in the send: that is a wait as well.

cdef enum:
    EXPECT_WAIT = 2  # after so many waits in a row the next receive is expected to wait as well
    USED_TO_WAIT = 10  # ... and the count is set to this, from where receives without a wait take it down


ctypedef struct Wait:
    double start     # when the call began to wait
    int option       # ZMQ_SNDTIMEO or ZMQ_RCVTIMEO
    bint again       # a try was interrupted: the next has only what is left of the user's timeout
    bint step        # the next try has a limit of its own
    int most         # this limit in ms
    bint safe        # the socket is of a thread-safe type
    bint timed       # the clock says whether a receive waited; otherwise it counts as one that did
    int waited
    bint look        # look out for the answer before sleeping
    int looks        # how often there was nothing; below 0: as often, but then it came


# To sleep and to be woken takes two threads on two processors longer than a short question and its
# answer. So who has asked looks out for the answer for about as long before it sleeps, without the GIL.
# Where that is in vain (the peer takes longer, or has to wait for this processor) it is done again at
# the second wait from then, if still in vain at the fourth, at last at every 256th: next to nothing.

cdef double LOOK = 20e-6  # seconds
cdef enum:
    MOST_MISSES = 8

cdef bint several_processors = (
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) > 1


cdef inline bint may_spin(Handle self) noexcept:
    """Whether a receive that expects to wait looks out for its message first."""
    if not self._asked or not several_processors:
        return False
    if self._spin_skips:
        self._spin_skips -= 1
        return False
    return True


cdef bint try_spin(Wait *wait, zmq_msg_t *msg, void *handle, int flags) noexcept nogil:
    """Receive without sleeping, within LOOK. If there was nothing, or an error, the wait itself sees to it."""
    cdef double end = wait.start + LOOK
    while zmq_msg_recv(msg, handle, flags | ZMQ_DONTWAIT) < 0:
        wait.looks += 1
        if libzmq_errno() != EAGAIN or now() >= end:
            return False
    wait.looks = -wait.looks
    return True


cdef inline void update_spin_backoff(Handle self, Wait *wait) noexcept:
    wait.look = False
    if wait.looks < 0:
        self._spin_misses = 0
    elif wait.looks > 0:
        self._spin_misses += self._spin_misses < MOST_MISSES
        self._spin_skips = (1 << self._spin_misses) - 1


# A signal that comes after the last look for signals and before the system call that waits ends
# nothing: Python has noted it and nobody reads the note. (So it is with one that another thread was
# given.) The main thread, which alone runs handlers, therefore waits in steps and looks after each.

cdef enum:
    STEP = 50  # ms

cdef unsigned long main_thread = threading.main_thread().ident


cdef inline bint runs_handlers() noexcept:
    return PyThread_get_thread_ident() == main_thread


cdef inline long one_step(long timeout) noexcept:
    """A timeout in ms, below 0 for none, as far as this thread may sleep at a time."""
    return a_step(timeout) if runs_handlers() else timeout


cdef inline long a_step(long timeout) noexcept:
    return STEP if timeout < 0 or timeout > STEP else timeout


cdef inline void wait_begin(Wait *wait, int option) noexcept nogil:
    wait.start = now()
    wait.option = option
    wait.again = False
    wait.step = False
    wait.timed = False
    wait.waited = 1
    wait.look = False
    wait.looks = 0


cdef void wait_prepare(Wait *wait, Handle self, int flags) noexcept:
    """Find out how long the next try may sleep. When time is over that is 0: what came meanwhile is still taken."""
    cdef int limit = -1
    cdef size_t size = sizeof(limit)
    cdef bint steps = runs_handlers() or self._beside_loop == BESIDE_LOOP
    cdef double left
    wait.safe = self._thread_safe
    wait.step = False
    if flags & ZMQ_DONTWAIT or not (steps or wait.again):
        return  # libzmq's own wait is right
    zmq_getsockopt(self.handle, wait.option, &limit, &size)
    if limit > 0:
        left = limit - (now() - wait.start) * 1000
        limit = <int> left + 1 if left > 0 else 0
    wait.step = steps or limit >= 0
    wait.most = STEP if steps and (limit < 0 or limit > STEP) else limit


cdef inline int try_over(Wait *wait, int error) noexcept:
    """The errno of a try. EINTR: its own limit is over, but not the user's."""
    return EINTR if error == EAGAIN and wait.step and wait.most != 0 else error


# A step leaves the option alone, which others may read meanwhile: it tries, sleeps until there is news,
# and tries again. All news has to be read before the sleep: a receive that finds nothing has read it, a
# send may have left some for later, which a look at EVENTS reads.

ctypedef int (*Call)(zmq_msg_t *msg, void *handle, int flags) noexcept nogil


cdef int wait_once(Wait *wait, Call call, zmq_msg_t *msg, void *handle, int flags) noexcept nogil:
    """One try, asleep as long as it may be. Returns an errno, 0 for success."""
    cdef int events, error
    cdef size_t size = sizeof(events)
    if not wait.step:
        return 0 if call(msg, handle, flags) >= 0 else libzmq_errno()
    if wait.option == ZMQ_SNDTIMEO and zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) != 0:
        return libzmq_errno()
    error = 0 if call(msg, handle, flags | ZMQ_DONTWAIT) >= 0 else libzmq_errno()
    if error == EAGAIN:
        error = sleep_until_news(wait, handle)
        if error == 0 and call(msg, handle, flags | ZMQ_DONTWAIT) < 0:
            error = libzmq_errno()
            if error == EAGAIN and wait.safe:
                zmqlite_nap()
    return error


# Thread-safe types have no descriptor; libzmq sleeps on a condition variable for them, which no signal
# interrupts, so that a step polls instead. That takes a descriptor for each sleep: where none is free it
# naps. It naps, too, after a poll that was wrong, since SERVER, PEER and RADIO always say they can send.

cdef int sleep_until_news(Wait *wait, void *handle) noexcept nogil:
    """Returns an errno; EAGAIN when there was no news in time."""
    cdef zmq_pollitem_t item
    cdef int ready, error
    if wait.safe:
        item.socket = handle
        item.fd = 0
        item.events = ZMQ_POLLOUT if wait.option == ZMQ_SNDTIMEO else ZMQ_POLLIN
        item.revents = 0
        ready = libzmq_poll(&item, 1, wait.most)
    else:
        ready = zmqlite_sleep(handle, wait.most)
    if ready < 0:
        error = libzmq_errno()
        return 0 if wait.safe and error in (EMFILE, ENFILE, ENOMEM) else error
    return 0 if ready else EAGAIN


cdef int fail_inside(Handle self, int error, str operation, int flags, int option) except -1:
    """Leave the socket and raise."""
    cdef int limit = -1
    cdef int peers = -1
    cdef size_t size = sizeof(int)
    cdef str hint = ""
    if error == ETERM and interpreter_exits():
        guard_exit(self)
        block_forever()
    cdef bint timed_out = error == EAGAIN and not flags & ZMQ_DONTWAIT
    if timed_out:
        zmq_getsockopt(self.handle, option, &limit, &size)
        peers = connected_peers(self.handle)
    guard_exit(self)  # before anything is made for the exception
    if timed_out:
        hint = time_is_over(operation, limit)
    if error == EAGAIN:
        hint += why_not_now(self, operation, peers)
    return fail_socket(self, error, operation, hint)


cdef str time_is_over(str operation, int limit):
    return f"{'SNDTIMEO' if operation.startswith('send') else 'RCVTIMEO'} of {limit} ms is over: "


cdef int connected_peers(void *handle) noexcept:
    """How many peers are connected; -1 with a libzmq that does not know (known-peers.patch)."""
    cdef int peers = -1
    cdef size_t size = sizeof(peers)
    return peers if zmq_getsockopt(handle, ZMQLITE_PEERS_COUNT, &peers, &size) == 0 else -1


cdef str why_not_now(Handle self, str operation, int peers):
    """Why nothing could be sent or received, as far as this socket knows; peers: -1 for unknown."""
    text = next_step(EAGAIN, operation, self._type_number)
    if self._shadow or self._exposed:
        return text  # others may have subscribed or connected
    if not self._endpoints:
        return f"{text}, and this socket is neither bound nor connected"
    if peers > 0 and operation.startswith("send"):
        return "no peer can take a message now: the high-water mark is reached"
    if not self._subscribed and not operation.startswith("send"):
        if self._type_number == ZMQ_SUB:
            return f'{text}, and a SUB without a subscription receives none: subscribe("") takes all'
        if self._type_number == DISH:
            return f"{text}, and a DISH that has joined no group receives none: join() one"
    if peers == 0 and not any([one.startswith(("udp:", "pgm:", "epgm:", "norm:")) for one in self._endpoints]):
        text = "no peer can take a message now" if operation.startswith("send") else text
        return f"{text}, and nobody is connected{last_end(self)}"
    return text


cdef object read_last_end = None


def explain_ends_with(function):
    """Have ``function(socket)`` say how the last connection of a socket ended, for errors; the empty text for none."""
    global read_last_end
    read_last_end = function


cdef str last_end(Handle self):
    if read_last_end is None:
        return ""
    try:
        said = read_last_end(self)
    except ZMQError:  # it was closed meanwhile, or others use it
        return ""
    return f"; {said}" if said else ""
