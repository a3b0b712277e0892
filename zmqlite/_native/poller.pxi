# Poller: a lasting set of sources, whose cost follows what is ready, not what is registered. The rule that
# makes it so is in watch.pxi.


cdef class Poller:
    """Poller(): a set of sockets, descriptors and objects with fileno() to wait for.

    Belongs to one thread at a time, like the sockets in it. While it waits, another thread may use or
    close a socket in it: that wakes it.
    """

    def __cinit__(self):
        self._watches = {}
        self._hot = []
        self._set = -1
        self._bell = -1
        self._forks = forks
        owner_reset(&self._owner)

    def __dealloc__(self):
        epoll_end(self._set)
        epoll_end(self._bell)
        free(self._found)

    def __del__(self):
        for watch in self._watches.values():
            unwatch(<Watch> watch)

    def register(self, socket, int flags=3):
        """Wait for ``flags`` (POLLIN, POLLOUT, POLLERR, POLLPRI) on ``socket``; 0 unregisters it.

        Registering again changes the flags. Raises TypeError for what cannot be polled, ClosedSocket
        for a closed socket, ThreadMisuse while another thread is in poll().
        """
        self._open_patiently()
        poller_enter(self)
        try:
            if flags:
                self._add(socket, flags)
            elif socket in self._watches:
                self._drop(socket)
        finally:
            owner_leave(&self._owner, False)

    cdef int _add(self, object source, int flags) except -1:
        cdef Watch watch
        cdef zmq_pollitem_t item
        fill_item(&item, source, flags)  # refuses what cannot be polled
        if source in self._watches:
            self._drop(source)
        self._reserve(len(self._watches) + 2)
        watch = Watch.__new__(Watch)
        watch.source = source
        watch.poller = self
        watch.events = flags
        watch.fd = -1
        watch.place = self._registered
        self._registered += 1
        watch.is_socket = item.socket != NULL
        self._watches[source] = watch
        if not self._plain and not self._watch(watch, &item):
            watch.fd = -1
            self._plain = True
        return 0

    cdef int _reserve(self, int count) except -1:
        """Room for everything to be ready at once, and the bell."""
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
        while have_epoll and self._set < 0:
            poller_enter(self)
            try:
                self._open_set()
            except ZMQError as error:
                failed = error
            finally:
                owner_leave(&self._owner, False)
            if self._set < 0 and not passes(&shortage, EMFILE):
                raise failed
        return 0

    cdef int _open_set(self) except -1:
        if self._set < 0:
            self._set = epoll_open()
            if self._set >= 0:
                self._bell = bell_hang(self._set)
            if self._bell < 0:
                epoll_end(self._set)
                self._set = -1
                fail(EMFILE, "poll", "Poller", scarce(None, EMFILE))
        return self._reserve(2)

    cdef bint _watch(self, Watch watch, zmq_pollitem_t *item) except -1:
        """Watch a source through epoll; returns False when that cannot be done."""
        cdef Handle socket
        cdef size_t size = sizeof(watch.fd)
        if not have_epoll:
            return False
        self._open_set()
        if not watch.is_socket:
            watch.fd = item.fd
            return epoll_put(self._set, watch.fd, watch.events, <void *> watch, False) == 0
        socket = watch.source
        if socket._thread_safe or zmq_getsockopt(socket.handle, ZMQ_FD, &watch.fd, &size) != 0:
            return False
        if epoll_put(self._set, watch.fd, 1, <void *> watch, False) != 0:
            return False
        watch.sticky = socket._shadow or socket._exposed
        chain_lock()
        watch.next = socket._watch
        watch.linked = True
        socket._watch = <void *> watch
        chain_unlock()
        watch.hot = True
        self._hot.append(watch)
        return True

    def modify(self, socket, int flags=3):
        """Change the flags of a registered socket; the same as registering it again."""
        self.register(socket, flags)

    def unregister(self, socket):
        """Stop waiting for ``socket``. Raises KeyError if it is not registered, ThreadMisuse while
        another thread is in poll()."""
        poller_enter(self)
        try:
            self._drop(socket)
        finally:
            owner_leave(&self._owner, False)

    cdef int _drop(self, object source) except -1:
        cdef Watch watch = self._watches.pop(source)
        unwatch(watch)
        if watch.hot:
            watch.hot = False
            if watch in self._hot:
                self._hot.remove(watch)
        if watch.closed:
            self._closed -= 1
        return 0

    @property
    def sockets(self):
        """The (socket, flags) pairs registered, in order."""
        return [(source, (<Watch> watch).events) for source, watch in self._watches.items()]

    def poll(self, timeout=None):
        """Wait for registered events; return the (socket, mask) pairs that are ready, [] for none.

        Objects with fileno() come back as their descriptor.
        ``timeout`` in ms; None or below 0 waits for ever. Other threads run and signals are handled
        meanwhile; the time is kept exactly while signals arrive. The cost follows what is ready, not
        what is registered. Raises ClosedSocket when a registered socket was closed, also meanwhile;
        ThreadMisuse while another thread is in poll() (zmq_poll).
        """
        cdef double limit = -1 if timeout is None else timeout
        cdef double end = now() + limit / 1000 if limit > 0 else 0
        cdef list ready = None
        self._open_patiently()
        while ready is None:
            poller_enter(self)
            try:
                self._examine()
                if not self._plain:
                    ready = self._poll_watches(limit, end)
            finally:
                owner_leave(&self._owner, False)
            if self._plain and ready is None:
                return poll_items(by_descriptor(self.sockets), timeout if limit <= 0 else max(0.0, (end - now()) * 1000))
            if ready is None:
                PyErr_CheckSignals()  # outside: handlers may change what is registered
        return ready

    def _doze(self):
        """For event loops, after a poll(0): a descriptor that speaks when a member is closed, until
        _rise(). -1 where there is none; then only the members' own descriptors may tell."""
        if self._bell < 0:
            return -1
        self._dozing += 1
        full_fence()
        if self._closed:
            bell_ring(self._bell)
        return self._bell

    def _rise(self):
        """End one _doze()."""
        self._dozing -= 1
        if not self._dozing:
            bell_hush(self._bell)

    cdef int _examine(self) except -1:
        """Refuse to wait for what is closed; begin anew in the child of a fork."""
        if self._closed:
            for source, watch in self._watches.items():
                if (<Watch> watch).closed:
                    fail_closed(source, "unregister it")
        if self._forks != forks:
            self._renew()
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
        epoll_end(self._bell)
        self._set = self._bell = -1
        self._forks = forks
        self._watches = {}
        self._hot = []
        for source, flags in registered:
            self._add(source, flags)
        return 0

    cdef list _poll_watches(self, double limit, double end):
        """One wait. Returns None when what woke us was for nothing: signals first, then look again."""
        cdef int count
        cdef list ready = []
        self._turn += 1
        self._rung = False
        if self._hot:
            self._check_hot(ready)
        count = self._epoll(0 if ready else poll_step(end, limit))
        if count > 0:
            self._check_found(count, ready)
        elif count < 0 and count != -EINTR:
            fail(-count, "poll", "Poller")
        if not ready and (limit < 0 or now() < end):
            return None
        if len(ready) > 1:
            ready.sort(key=_by_place)
        return [(reported(pair[0]), pair[1]) for pair in ready]

    cdef int _epoll(self, long timeout) except? -1:
        cdef int count
        cdef int set, room
        cdef Readable *found
        self._open_set()  # before the first registration only time passes
        set = self._set
        room = self._room
        found = self._found
        if timeout == 0:
            return epoll_ready(set, found, room, 0)
        timeout = one_step(timeout)
        owner_block(&self._owner, False)
        self._asleep = True
        full_fence()
        if self._rung:
            timeout = 0
        with nogil:
            count = epoll_ready(set, found, room, <int> timeout)
        self._asleep = False
        owner_unblock(&self._owner, False)
        return count

    cdef int _check_found(self, int count, list ready) except -1:
        cdef int place
        cdef void *found
        cdef list watches = []
        cdef list masks = []
        for place in range(count):  # first of all keep them alive
            found = readable_watch(&self._found[place])
            if found == NULL:
                bell_hush(self._bell)
                continue
            watches.append(<Watch> found)
            masks.append(readable_events(&self._found[place]))
        for place in range(len(watches)):
            self._check(<Watch> watches[place], masks[place], ready)
        return 0

    cdef int _check_hot(self, list ready) except -1:
        """Read EVENTS of what may have changed; what is not ready cools down."""
        cdef list hot = self._hot
        self._hot = []
        for watch in hot:
            (<Watch> watch).hot = False
        try:
            for watch in hot:
                self._check(<Watch> watch, 0, ready)
        except BaseException:
            for watch in hot:
                if not (<Watch> watch).hot:
                    (<Watch> watch).hot = True
                    self._hot.append(watch)
            raise
        return 0

    cdef int _check(self, Watch watch, int events, list ready) except -1:
        cdef Handle socket
        if watch.closed or (watch.turn == self._turn and watch.hot):
            return 0  # poll() says so; reported already
        if watch.is_socket:
            socket = watch.source
            if socket.handle == NULL or not owner_enter(&socket._owner, False):
                refuse_poll(socket)
            if socket.handle == NULL:  # without the GIL: closed between the two
                leave(socket)
                refuse_poll(socket)
            events = ready_events(socket, 0xFF)
            if events:
                touch_others(socket, <void *> watch)
            events &= watch.events
            leave(socket)
        if events:
            watch.turn = self._turn
            ready.append((watch, events))
        if watch.is_socket and (events or watch.sticky) and not watch.hot:
            watch.hot = True
            self._hot.append(watch)
        return 0

    def __contains__(self, socket):
        return socket in self._watches

    def __len__(self):
        return len(self._watches)

    def __iter__(self):
        return iter(self._watches)


cdef inline int poller_enter(Poller self) except -1:
    if not owner_enter(&self._owner, False):
        raise ThreadMisuse(
            EBUSY, f"thread {thread_name(owner_thread(&self._owner))!r} is inside this poller: a poller "
            "serves one thread at a time; give each thread its own")
    return 0


cdef int refuse_poll(Handle socket) except -1:
    """As `_examine` would say it next time: the one who closes may not have told the watch yet."""
    if socket.handle == NULL and socket._state != FORKED:
        fail_closed(socket, "unregister it")
    return refuse(socket, "poll")


cdef inline object reported(Watch watch):
    return watch.source if watch.is_socket else watch.fd


def _by_place(pair):
    return (<Watch> pair[0]).place
