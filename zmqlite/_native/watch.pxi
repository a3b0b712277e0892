# Watch: one source of one poller, and when its EVENTS must be read.
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
    int bell_hang(int set)
    void bell_ring(int bell)
    void bell_hush(int bell)
    int epoll_put(int set, int fd, int events, void *watch, bint change)
    void epoll_take(int set, int fd)
    int epoll_ready(int set, Readable *found, int most, int timeout)

cdef unsigned int forks = 0  # how often this process came out of a fork()


@cython.no_gc_clear  # __dealloc__ needs its fields; the poller's dict breaks the cycles
cdef class Watch:
    """One registered source of one poller."""

    def __dealloc__(self):
        unwatch(self)


cdef void heat(Watch watch) noexcept:
    """Have EVENTS read at the next poll, and let a thread that is already asleep there know."""
    if not watch.hot:
        watch.hot = True
        watch.poller._hot.append(watch)
        ring(watch.poller)


cdef void ring(Poller poller) noexcept:
    poller._rung = True
    full_fence()
    if poller._asleep or poller._dozing:
        bell_ring(poller._bell)


cdef inline void touch(Handle self) noexcept:
    """The socket is being used: what its descriptor would have said may be swallowed."""
    touch_others(self, NULL, -1)


cdef void touch_others(Handle self, void *but, int events) noexcept:
    """The same for all pollers of the socket but the one of this watch, which has read these EVENTS:
    news to those who want one of them. To wake the others too would have two pollers wake each other
    without end."""
    cdef void *place
    chain_lock()
    place = self._watch
    while place != NULL:
        if place != but and (<Watch> place).events & events:
            heat(<Watch> place)
        place = (<Watch> place).next
    chain_unlock()


cdef void forget_watches(Handle self) noexcept:
    """The socket closes: its pollers say so when they are asked next, or now if they sleep."""
    cdef void *place
    chain_lock()
    place = self._watch
    self._watch = NULL
    while place != NULL:
        watch = <Watch> place
        quiet(watch)
        watch.closed = True
        watch.linked = False
        watch.poller._closed += 1
        ring(watch.poller)
        place = watch.next
        watch.next = NULL
    chain_unlock()


cdef void quiet(Watch watch) noexcept:
    """Take a watch out of the epoll set; not out of one that a fork shares with the parent."""
    if watch.fd >= 0 and watch.poller._forks == forks:
        epoll_take(watch.poller._set, watch.fd)
    watch.fd = -1


cdef void stick(Handle self) noexcept:
    """The address of the socket was given away: from now on it may be used behind our back."""
    cdef void *place
    self._exposed = True
    touch(self)
    chain_lock()
    place = self._watch
    while place != NULL:
        (<Watch> place).sticky = True
        place = (<Watch> place).next
    chain_unlock()


cdef void unwatch(Watch watch) noexcept:
    """Take a watch out of epoll and out of its socket's chain."""
    cdef void **place
    if watch.poller is not None:
        quiet(watch)
    if not watch.linked:
        return
    chain_lock()
    place = &(<Handle> watch.source)._watch
    while place[0] != NULL and place[0] != <void *> watch:
        place = &(<Watch> place[0]).next
    if place[0] != NULL:
        place[0] = watch.next
    watch.next = NULL
    watch.linked = False
    chain_unlock()
