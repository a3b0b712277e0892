# Poller: a lasting set of sources, whose cost follows what is ready, not what is registered. The rule that
# makes it so is in watch.pxi.
#
# As in a socket, nothing that is collected is made while a poll works inside its poller: a finalizer might
# unregister what is being looked at. Calls that change the set are marked instead.


cdef class Poller:
    """Poller(): a set of sockets, descriptors and objects with fileno() to wait for.

    Belongs to one thread at a time, like the sockets in it. While it waits, another thread may use or
    close a socket in it: that wakes it.
    """

    def __cinit__(self):
        self._watches = {}
        self._numbers = {}
        self._set = -1
        self._wakeup_fd = -1
        self._forks = forks
        guard_reset(&self._guard)
        wakeup_reset(&self._wake)

    def __dealloc__(self):
        epoll_end(self._set)
        epoll_end(self._wakeup_fd)
        free(self._found)

    def __del__(self):
        for watch in self._watches.values():
            unwatch(<Watch> watch)

    def register(self, socket, int flags=3):
        """Wait for ``flags`` (POLLIN, POLLOUT, POLLERR, POLLPRI) on ``socket``; 0 unregisters it.

        Registering again changes the flags. Raises TypeError for what cannot be polled, ClosedSocket
        for a closed socket, ThreadMisuse while another thread is in poll().
        """
        cdef Watch fresh = Watch.__new__(Watch)
        cdef Watch old = None  # let go of outside: it may be the last that holds a socket
        self._open_patiently()
        poller_guard_enter_marked(self)
        try:
            if flags:
                old = self._add(fresh, socket, flags)
            elif socket in self._watches:
                old = self._drop(socket)
        finally:
            poller_guard_exit_marked(self)
        self._wake_waits()

    cdef Watch _add(self, Watch watch, object source, int flags):
        """Have `watch` watch a source; return what has watched it until now, or None."""
        cdef Watch old = None
        cdef zmq_pollitem_t item
        fill_item(&item, source, flags)  # refuses what cannot be polled
        if source in self._watches:
            old = self._drop(source)
        self._reserve(len(self._watches) + 2)
        watch.source = source
        watch.poller = self
        watch.events = flags
        watch.fd = -1
        watch.place = self._registered
        self._registered += 1
        watch.is_socket = item.socket != NULL
        self._watches[source] = watch
        if not self._plain and not self._watch(watch, &item):
            if watch.is_socket and (<Handle> source).handle == NULL:  # without the GIL: closed meanwhile
                self._watches.pop(source)
                refuse_poll(source)
            watch.fd = -1
            self._plain = True
        return old

    cdef int _reserve(self, int count) except -1:
        """Room for everything to be ready at once, and the wake-up descriptor."""
        cdef Readable *found
        if count > self._room:
            found = <Readable *> realloc(self._found, 2 * count * sizeof(Readable))
            if found == NULL:
                raise MemoryError
            self._found = found
            self._room = 2 * count
        return 0

    cdef int _open_patiently(self) except -1:
        """Open the epoll set, where there is one; where descriptors may come back, try again."""
        cdef Shortage shortage
        while have_epoll and (self._set < 0 or self._stale):
            poller_guard_enter_marked(self)
            try:
                self._open_set()
            except ZMQError as error:
                failed = error
            finally:
                poller_guard_exit_marked(self)
            if self._set < 0 and not passes(&shortage, EMFILE):
                raise failed
        return 0

    cdef int _open_set(self) except -1:
        if self._set < 0 or self._stale:
            open_set(self)
        return self._reserve(2)

    cdef bint _watch(self, Watch watch, zmq_pollitem_t *item) except -1:
        """Watch a source through epoll; returns False when that cannot be done."""
        if not have_epoll:
            return False
        self._open_set()
        if watch.is_socket:
            return self._watch_socket(watch, watch.source)
        watch.fd = item.fd
        return put_watch(self._set, watch) == 0 and note_number(self, watch)

    cdef bint _watch_socket(self, Watch watch, Handle socket) except -1:
        cdef size_t size = sizeof(watch.fd)
        if socket._thread_safe:
            return False
        registry_lock()  # until it is linked: then it hears of the end of the socket
        watch.linked = (
            socket.handle != NULL
            and zmq_getsockopt(socket.handle, ZMQ_FD, &watch.fd, &size) == 0
            and put_watch(self._set, watch) == 0)
        if watch.linked:
            watch.always_dirty = socket._shadow or socket._exposed
            watch.next = socket._watch
            socket._watch = <void *> watch
            mark_dirty(watch)
        registry_unlock()
        return watch.linked and note_number(self, watch)

    def modify(self, socket, int flags=3):
        """Change the flags of a registered socket; the same as registering it again."""
        self.register(socket, flags)

    def unregister(self, socket):
        """Stop waiting for ``socket``. Raises KeyError if it is not registered, ThreadMisuse while
        another thread is in poll()."""
        cdef Watch old = None
        poller_guard_enter_marked(self)
        try:
            old = self._drop(socket)
        finally:
            poller_guard_exit_marked(self)
        self._wake_waits()

    cdef Watch _drop(self, object source):
        cdef Watch watch = self._watches.pop(source)
        unwatch(watch)
        forget_number(self, watch)
        self._registered += 1
        return watch

    @property
    def sockets(self):
        """The (socket, flags) pairs registered, in order."""
        cdef list watches = list(self._watches.values())  # at once: finalizers may change the dict
        return [((<Watch> watch).source, (<Watch> watch).events) for watch in watches]

    def poll(self, timeout=None):
        """Wait for registered events; return the (socket, mask) pairs that are ready, [] for none.

        Objects with fileno() come back as their descriptor.
        ``timeout`` in ms; None or below 0 waits for ever. Other threads run and signals are handled
        meanwhile; the time is kept exactly while signals arrive. The cost follows what is ready, not
        what is registered. Raises ClosedSocket when a registered socket was closed, also meanwhile;
        ThreadMisuse while another thread is in poll() (zmq_poll).
        """
        cdef double limit = limit_of("poll", timeout)
        cdef double end = now() + limit / 1000 if limit > 0 else 0
        cdef Hits hits
        cdef bint over = False
        cdef int waits = 0
        self._open_patiently()
        try:
            while not over:
                poller_guard_enter(self)
                try:
                    self._examine()
                    over = not self._plain and self._wait(limit, end, &hits, waits)
                finally:
                    guard_release(&self._guard, False)
                if self._plain and not over:
                    ready = self._poll_plainly(limit if limit <= 0 else max(0.0, (end - now()) * 1000))
                    break
                if not over:
                    PyErr_CheckSignals()  # outside: handlers may change what is registered
                    waits = count_wait(waits, self._watches)
            else:
                ready = self._report(&hits)
        except BaseException as error:
            if isinstance(error, ClosedSocket) and interpreter_exits():
                block_forever()
            tell_loops(&hits)
            self._wake_waits()  # they meet it by themselves
            raise
        if ready:
            self._wake_waits()
        return ready

    cdef list _poll_plainly(self, double limit):
        cdef list registered = self.sockets
        cdef list ready = poll_items(by_descriptor(registered), limit)
        forget_dirty(self)
        return ready

    cdef int _wake_waits(self) except -1:
        """Have the polls of event loops that wait look again: the members are others, or what is ready may be taken."""
        if self._waits:
            for wake in list(self._waits):
                try:
                    wake()
                except Exception as error:  # what was found, or done, stands all the same
                    tell_unraisable(error)
        return 0

    def _set_fileno(self):
        """For event loops: what is readable when any member may be ready, or _arm_wakeup()'s is. -1 where there is none."""
        if self._stale:
            self._open_patiently()
        return -1 if self._plain or self._wakeup_fd < 0 else self._set

    def _arm_wakeup(self):
        """For event loops, after a poll(0): a descriptor that is readable when a member was closed, or used by
        others, who may have taken its news, until _disarm_wakeup(). -1 where there is none; then only the members'
        own descriptors may tell."""
        if self._wakeup_fd < 0:
            return -1
        wakeup_arm(&self._wake, 1)
        full_fence()
        if wakeup_close(&self._wake, 0) or wakeup_signalled(&self._wake):
            wakeup_fd_set(self._wakeup_fd)
        return self._wakeup_fd

    def _disarm_wakeup(self):
        """End one _arm_wakeup()."""
        if not wakeup_arm(&self._wake, -1):
            wakeup_fd_clear(self._wakeup_fd)

    cdef int _examine(self) except -1:
        """Refuse to wait for what is closed; begin anew in the child of a fork."""
        if wakeup_close(&self._wake, 0):
            for source, watch in self._watches.items():
                if (<Watch> watch).closed:
                    fail_closed(source, "unregister it")
        if self._forks != forks:
            guard_mark(&self._guard, False)
            try:
                self._renew()
            finally:
                guard_unmark(&self._guard, False)
        return 0

    cdef int _renew(self) except -1:
        """In the child of a fork: the epoll set belongs to the parent, make one of our own."""
        registered = self.sockets
        for source, _ in registered:
            if isinstance(source, Handle) and (<Handle> source)._state == FORKED:
                refuse(source, "poll")
        for watch in self._watches.values():
            unwatch(<Watch> watch)
        epoll_end(self._set)
        epoll_end(self._wakeup_fd)
        self._set = self._wakeup_fd = -1
        self._forks = forks
        self._watches, self._numbers = {}, {}
        for source, flags in registered:
            self._add(Watch.__new__(Watch), source, flags)
        return 0

    cdef bint _wait(self, double limit, double end, Hits *hits, int waits) except -1:
        """One wait. Returns False when what woke us was for nothing: signals first, then look again."""
        cdef int count
        self._turn += 1
        wakeup_set_signalled(&self._wake, False)
        self._check_dirty(hits)
        count = self._epoll(0 if hits.ready() else poll_step(end, limit), waits)
        if count > 0:
            self._check_found(count, hits)
        elif count < 0 and count != -EINTR:
            fail(-count, "poll", "Poller")
        return hits.ready() or limit >= 0 and now() >= end

    cdef int _epoll(self, long timeout, int waits) except? -1:
        cdef int count
        cdef int set, room
        cdef Readable *found
        self._open_set()  # before the first registration only time passes
        set = self._set
        room = self._room
        found = self._found
        if timeout == 0:
            return epoll_ready(set, found, room, 0)
        timeout = a_step(timeout) if waits < POLL_STEPS else one_step(timeout)
        guard_mark(&self._guard, False)
        wakeup_set_asleep(&self._wake, True)
        full_fence()
        if wakeup_signalled(&self._wake):
            timeout = 0
        with nogil:
            count = epoll_ready(set, found, room, <int> timeout)
        wakeup_set_asleep(&self._wake, False)
        guard_unmark(&self._guard, False)
        return count

    cdef int _check_found(self, int count, Hits *hits) except -1:
        cdef int place
        cdef void *found
        for place in range(count):
            found = readable_watch(&self._found[place])
            if found == NULL:
                wakeup_fd_clear(self._wakeup_fd)
            else:
                self._check(<Watch> found, readable_events(&self._found[place]), hits)
        return 0

    cdef int _check_dirty(self, Hits *hits) except -1:
        """Read EVENTS of what may have changed; what is not ready cools down."""
        cdef int left = count_dirty(self)  # those only: what is ready stays dirty, at the end of the chain
        cdef void *watch
        while left > 0:
            left -= 1
            watch = take_dirty(self)
            if watch != NULL:
                self._check(<Watch> watch, 0, hits)
        return 0

    cdef int _check(self, Watch watch, int events, Hits *hits) except -1:
        if watch.closed or watch.turn == self._turn:
            return 0  # poll() says so; reported already
        cdef int other = 0
        if watch.is_socket:
            other = self._read_events(watch, hits)
            events = other & watch.events
        if events:
            watch.turn = self._turn
        if events or other and (<Handle> watch.source)._loop_handle is not None:
            if not hits.add(<PyObject *> watch, watch.place, watch.fd, events):
                mark_dirty_again(watch)
                raise MemoryError
        if watch.is_socket and (events or watch.always_dirty):
            mark_dirty_again(watch)
        return 0

    cdef int _read_events(self, Watch watch, Hits *hits) except -1:
        """Which events the socket of a watch has. What cannot be read stays dirty, and its tasks are told as well."""
        cdef Handle socket = watch.source
        cdef int events = 0
        cdef int error
        if socket.handle == NULL or not guard_acquire(&socket._guard, False):
            mark_dirty_again(watch)
            return refuse_poll(socket)
        if socket.handle == NULL:  # without the GIL: closed between the two
            guard_exit(socket)
            mark_dirty_again(watch)
            return refuse_poll(socket)
        error = read_events(socket, &events)
        if events or error:
            mark_other_watches_dirty(socket, <void *> watch, -1 if error else events)
        guard_exit(socket)
        if error:
            mark_dirty_again(watch)
            hits.add(<PyObject *> watch, watch.place, watch.fd, 0)
            return fail_events(socket, error)
        return events

    cdef list _report(self, Hits *hits):
        """What poll() returns; the poller was left."""
        cdef list ready = []
        cdef Watch watch
        cdef int number
        if hits.count() > 1:
            hits.sort()
        for number in range(hits.count()):
            watch = <Watch> hits.watch(number)
            if hits.events(number):
                ready.append((watch.source if watch.is_socket else hits.fd(number), hits.events(number)))
            if watch.is_socket and (<Handle> watch.source)._loop_handle is not None:
                tell_loop(watch.source)
        return ready

    def __contains__(self, socket):
        return socket in self._watches

    def __len__(self):
        return len(self._watches)

    def __iter__(self):
        return iter(self._watches)


cdef void tell_unraisable(object error) noexcept:
    """Hand an error to sys.unraisablehook."""
    raise error
