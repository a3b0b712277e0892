# Watch: one source of one poller, and when its EVENTS must be read.
#
# libzmq gives each socket a descriptor that becomes readable when the socket has something to look at,
# and says what only through EVENTS. It speaks once: any call on the socket may swallow the news. So a
# watch is hot when its EVENTS must be read at the next poll (it was ready, or the socket was used since)
# and cold when nothing can have changed without its descriptor speaking. epoll watches the cold ones.
# Where there is no epoll, or a source cannot be watched that way, the poller uses zmq_poll throughout.
#
# The thread that uses a socket heats the watches of all its pollers, while their own threads look at theirs. So
# what both touch (the chain of a socket's watches, a poller's chain of hot ones, and the flags that say whether a
# watch is in them) changes only under the lock of the chains, which is the GIL where there is one. The chains
# hold no references: a watch that goes leaves them under that lock, before its memory does, and nobody takes a
# reference to a member, which might be going already. A poller's own watches are held by its dict, which
# only the thread changes that has entered it. Read without the lock are a socket's handle and whether it has watches,
# and whether a watch is closed: what comes of these is asked again by the one that has entered, or at the next poll.

cdef extern from "poll/epoll.hpp" namespace "zmqlite" nogil:
    void wake_reset(Wake *wake)
    void wake_set_rung(Wake *wake, bint on)
    bint wake_rung(Wake *wake)
    void wake_set_asleep(Wake *wake, bint on)
    bint wake_asleep(Wake *wake)
    int wake_doze(Wake *wake, int more)
    int wake_close(Wake *wake, int more)
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
    """Have EVENTS read at the next poll, and let a thread or loop that is already asleep there know. Under the
    lock. What stays hot was looked at before that sleep: it is news there, too."""
    if not watch.hot or watch.sticky:
        keep_hot(watch)
        ring(watch.poller)


cdef void keep_hot(Watch watch) noexcept:
    """Have EVENTS read at the next poll. Under the lock."""
    cdef Poller poller = watch.poller
    if watch.hot:
        return
    watch.hot = True
    watch.hot_next = NULL
    watch.hot_previous = poller._hot_last
    if poller._hot_last != NULL:
        (<Watch> poller._hot_last).hot_next = <void *> watch
    else:
        poller._hot = <void *> watch
    poller._hot_last = <void *> watch
    poller._hot_count += 1


cdef void cool(Watch watch) noexcept:
    """Take a watch out of the chain of hot ones. Under the lock."""
    cdef Poller poller = watch.poller
    if not watch.hot:
        return
    watch.hot = False
    if watch.hot_previous != NULL:
        (<Watch> watch.hot_previous).hot_next = watch.hot_next
    else:
        poller._hot = watch.hot_next
    if watch.hot_next != NULL:
        (<Watch> watch.hot_next).hot_previous = watch.hot_previous
    else:
        poller._hot_last = watch.hot_previous
    watch.hot_next = watch.hot_previous = NULL
    poller._hot_count -= 1


cdef void heat_again(Watch watch) noexcept:
    """The same for the poller's own thread, to which it is no news: nothing rings, or it would never sleep."""
    chain_lock()
    keep_hot(watch)
    chain_unlock()


cdef int count_hot(Poller poller) noexcept:
    cdef int count
    chain_lock()
    count = poller._hot_count
    chain_unlock()
    return count


cdef void *take_hot(Poller poller) noexcept:
    """The watch that has been hot for longest, which is so no more; NULL for none. For the poller's own thread."""
    cdef void *first
    chain_lock()
    first = poller._hot
    if first != NULL:
        cool(<Watch> first)
    chain_unlock()
    return first


cdef void forget_hot(Poller poller) noexcept:
    """All were looked at without their watches, which that look has heated: who uses one from now on rings."""
    chain_lock()
    while poller._hot != NULL:
        cool(<Watch> poller._hot)
    wake_set_rung(&poller._wake, False)
    chain_unlock()


cdef void ring(Poller poller) noexcept:
    wake_set_rung(&poller._wake, True)
    full_fence()
    if wake_asleep(&poller._wake) or wake_doze(&poller._wake, 0):
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
    cdef void *following
    chain_lock()
    place = self._watch
    self._watch = NULL
    while place != NULL:
        following = (<Watch> place).next
        close_watch(<Watch> place)
        place = following
    chain_unlock()


cdef void close_watch(Watch watch) noexcept:
    cdef Poller poller = watch.poller
    quiet(watch)
    watch.closed = True
    watch.linked = False
    watch.next = NULL
    wake_close(&poller._wake, 1)
    ring(poller)


cdef void quiet(Watch watch) noexcept:
    """Take a watch out of the epoll set; not out of one that a fork shares with the parent. Under the lock."""
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
    """Take a watch out of epoll and out of the chains."""
    cdef void **place
    if watch.poller is None:
        return
    chain_lock()  # also if it is in none: another thread may just be taking it out
    quiet(watch)
    cool(watch)
    if watch.closed:
        watch.closed = False
        wake_close(&watch.poller._wake, -1)
    if watch.linked:
        place = &(<Handle> watch.source)._watch
        while place[0] != NULL and place[0] != <void *> watch:
            place = &(<Watch> place[0]).next
        if place[0] != NULL:
            place[0] = watch.next
        watch.next = NULL
        watch.linked = False
    chain_unlock()
