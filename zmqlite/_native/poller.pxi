# Poller: a lasting set of sources, whose cost follows what is ready, not what is registered.
#
# libzmq gives each socket a descriptor that becomes readable when the socket has something to look at,
# and says what only through EVENTS. It speaks once: any call on the socket may swallow the news. So a
# watch is hot when its EVENTS must be read at the next poll (it was ready, or the socket was used since)
# and cold when nothing can have changed without its descriptor speaking. epoll watches the cold ones.
# Where there is no epoll, or a source cannot be watched that way, the poller uses zmq_poll throughout.

cdef extern from "readiness.hpp" namespace "zmqlite" nogil:
    void *readable_watch(const Readable *found)
    int readable_events(const Readable *found)
    bint have_epoll
    int epoll_open()
    void epoll_end(int set)
    int epoll_put(int set, int fd, int events, void *watch, bint change)
    void epoll_take(int set, int fd)
    int epoll_ready(int set, Readable *found, int most, int timeout)

cdef unsigned int forks = 0  # how often this process came out of a fork()


cdef class Watch:
    """One registered source of one poller."""


cdef inline void touch(Handle self) noexcept:
    """The socket is being used: what its descriptor would have said may be swallowed."""
    cdef void *place = self._watch
    while place != NULL:
        if not (<Watch> place).hot:
            (<Watch> place).hot = True
            (<Watch> place).poller._hot.append(<Watch> place)
        place = (<Watch> place).next


cdef void forget_watches(Handle self) noexcept:
    """The socket closes: its pollers say so when they are asked next."""
    cdef void *place = self._watch
    self._watch = NULL
    while place != NULL:
        watch = <Watch> place
        if watch.fd >= 0:
            epoll_take(watch.poller._set, watch.fd)
            watch.fd = -1
        watch.closed = True
        watch.poller._closed += 1
        place = watch.next
        watch.next = NULL


cdef void stick(Handle self) noexcept:
    """The address of the socket was given away: from now on it may be used behind our back."""
    cdef void *place = self._watch
    self._exposed = True
    touch(self)
    while place != NULL:
        (<Watch> place).sticky = True
        place = (<Watch> place).next


cdef class Poller:
    """Poller(): a set of sockets, descriptors and objects with fileno() to wait for.

    Belongs to one thread at a time, like the sockets in it.
    """

    def __cinit__(self):
        self._watches = {}
        self._hot = []
        self._set = -1
        self._forks = forks

    def __dealloc__(self):
        epoll_end(self._set)
        free(self._found)

    def __del__(self):
        for watch in self._watches.values():
            unwatch(<Watch> watch)

    def register(self, socket, int flags=3):
        """Wait for ``flags`` (POLLIN, POLLOUT, POLLERR, POLLPRI) on ``socket``; 0 unregisters it.

        Registering again changes the flags. Raises TypeError for what cannot be polled, NotSupported
        for a closed socket.
        """
        cdef Watch watch = self._watches.get(socket)
        cdef zmq_pollitem_t item
        if not flags:
            if watch is not None:
                self.unregister(socket)
            return
        fill_item(&item, socket, flags)  # refuses what cannot be polled
        if watch is not None:
            self.unregister(socket)
        watch = Watch.__new__(Watch)
        watch.source = socket
        watch.poller = self
        watch.events = flags
        watch.fd = -1
        watch.place = self._registered
        self._registered += 1
        watch.is_socket = item.socket != NULL
        if not self._plain and not self._watch(watch, &item):
            self._plain = True
        self._watches[socket] = watch
        self._reserve(len(self._watches))

    cdef int _reserve(self, int count) except -1:
        """Room for everything to be ready at once."""
        cdef Readable *found
        if count > self._room:
            found = <Readable *> realloc(self._found, 2 * count * sizeof(Readable))
            if found == NULL:
                raise MemoryError
            self._found = found
            self._room = 2 * count
        return 0

    cdef bint _watch(self, Watch watch, zmq_pollitem_t *item) except -1:
        """Watch a source through epoll; returns False when that cannot be done."""
        cdef Handle socket
        cdef size_t size = sizeof(watch.fd)
        if not have_epoll:
            return False
        if self._set < 0:
            self._set = epoll_open()
            if self._set < 0:
                fail(EMFILE, "poll", "Poller", next_step(EMFILE, "poll", 0))
        if not watch.is_socket:
            watch.fd = item.fd
            return epoll_put(self._set, watch.fd, watch.events, <void *> watch, False) == 0
        socket = watch.source
        if socket._thread_safe or zmq_getsockopt(socket.handle, ZMQ_FD, &watch.fd, &size) != 0:
            return False
        if epoll_put(self._set, watch.fd, 1, <void *> watch, False) != 0:
            return False
        watch.sticky = socket._shadow or socket._exposed
        watch.next = socket._watch
        socket._watch = <void *> watch
        watch.hot = True
        self._hot.append(watch)
        return True

    def modify(self, socket, int flags=3):
        """Change the flags of a registered socket; the same as registering it again."""
        self.register(socket, flags)

    def unregister(self, socket):
        """Stop waiting for ``socket``. Raises KeyError if it is not registered."""
        cdef Watch watch = self._watches.pop(socket)
        if watch.hot:
            self._hot.remove(watch)
            watch.hot = False
        if watch.closed:
            self._closed -= 1
        unwatch(watch)

    @property
    def sockets(self):
        """The (socket, flags) pairs registered, in order."""
        return [(source, (<Watch> watch).events) for source, watch in self._watches.items()]

    def poll(self, timeout=None):
        """Wait for registered events; return the (socket, mask) pairs that are ready, [] for none.

        ``timeout`` in ms; None or below 0 waits for ever. Other threads run and signals are handled
        meanwhile; the time is kept exactly while signals arrive. The cost follows what is ready, not
        what is registered. Raises NotSupported when a registered socket was closed (zmq_poll).
        """
        if self._closed:
            for source, watch in self._watches.items():
                if (<Watch> watch).closed:
                    fail(ENOTSUP, "poll", subject_of(source), "the socket is closed; unregister it")
        if self._forks != forks:
            self._renew()
        if self._plain:
            return poll_items(self.sockets, timeout)
        return self._poll_watches(timeout)

    cdef int _renew(self) except -1:
        """In the child of a fork: the epoll set belongs to the parent, make one of our own."""
        epoll_end(self._set)
        self._set = -1
        self._forks = forks
        registered = self.sockets
        self._watches = {}
        self._hot = []
        for source, flags in registered:
            self.register(source, flags)  # a socket of the parent is refused here
        return 0

    cdef list _poll_watches(self, object timeout):
        cdef double limit = -1 if timeout is None else timeout
        cdef double end = now() + limit / 1000 if limit > 0 else 0
        cdef int count
        cdef long step
        cdef list ready = []
        self._turn += 1
        while True:
            if self._hot:
                self._check_hot(ready)
            step = 0 if ready else poll_step(end, limit)
            count = self._epoll(step)
            if count < 0:
                if count != -EINTR:
                    fail(-count, "poll", "Poller")
                PyErr_CheckSignals()
            elif count:
                self._check_found(count, ready)
            if ready or (limit >= 0 and now() >= end):
                break
        if len(ready) > 1:
            ready.sort(key=_by_place)
        return [((<Watch> pair[0]).source, pair[1]) for pair in ready]

    cdef int _epoll(self, long timeout) except? -1:
        cdef int count
        cdef int set = self._set
        cdef int room = self._room
        cdef Readable *found = self._found
        cdef int most = <int> min(timeout, 0x7fffffff)
        if set < 0:  # nothing is registered: only time passes
            set = self._set = epoll_open()
            self._reserve(1)
            found = self._found
            room = self._room
        if most == 0:
            return epoll_ready(set, found, room, 0)
        with nogil:
            count = epoll_ready(set, found, room, most)
        return count

    cdef int _check_found(self, int count, list ready) except -1:
        cdef int place
        cdef list watches = []
        cdef list masks = []
        for place in range(count):  # first of all keep them alive: signal handlers may unregister
            watches.append(<Watch> readable_watch(&self._found[place]))
            masks.append(readable_events(&self._found[place]))
        for place in range(count):
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
        if watch.turn == self._turn and watch.hot:
            return 0  # reported already
        if watch.is_socket:
            socket = watch.source
            if socket.handle == NULL:
                refuse(socket, "poll")
            if not owner_enter(&socket._owner, False):
                refuse(socket, "poll")
            events = ready_events(socket, watch.events)
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


def _by_place(pair):
    return (<Watch> pair[0]).place


cdef void unwatch(Watch watch) noexcept:
    """Take a watch out of epoll and out of its socket's chain."""
    cdef void *place
    cdef Handle socket
    if watch.fd >= 0:
        epoll_take(watch.poller._set, watch.fd)
        watch.fd = -1
    if watch.is_socket:
        socket = watch.source
        if socket._watch == <void *> watch:
            socket._watch = watch.next
        else:
            place = socket._watch
            while place != NULL:
                if (<Watch> place).next == <void *> watch:
                    (<Watch> place).next = watch.next
                    break
                place = (<Watch> place).next
    watch.next = NULL
