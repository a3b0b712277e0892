# Watch: one source of one poller, and when its EVENTS must be read.
#
# libzmq gives each socket a descriptor that becomes readable when the socket has something to look at,
# and says what only through EVENTS. It speaks once: any call on the socket may swallow the news. So a
# watch is dirty when its EVENTS must be read at the next poll (it was ready, or the socket was used since)
# and clean when nothing can have changed without its descriptor speaking. epoll watches the clean ones.
# Where there is no epoll, or a source cannot be watched that way, the poller uses zmq_poll throughout.
#
# The thread that uses a socket marks the watches of all its pollers, while their own threads look at theirs. So
# what both touch (the chain of a socket's watches, a poller's chain of dirty ones, and the flags that say whether a
# watch is in them) changes only under the lock of the chains, which is the GIL where there is one. The chains
# hold no references: a watch that goes leaves them under that lock, before its memory does, and nobody takes a
# reference to a member, which might be going already. A poller's own watches are held by its dict, which
# only the thread changes that has entered it. Read without the lock are a socket's handle and whether it has watches,
# and whether a watch is closed: what comes of these is asked again by the one that has entered, or at the next poll.

cdef extern from "poll/epoll.hpp" namespace "zmqlite" nogil:
    void wakeup_reset(Wakeup *wake)
    void wakeup_set_signalled(Wakeup *wake, bint on)
    bint wakeup_signalled(Wakeup *wake)
    void wakeup_set_asleep(Wakeup *wake, bint on)
    bint wakeup_asleep(Wakeup *wake)
    int wakeup_arm(Wakeup *wake, int more)
    int wakeup_close(Wakeup *wake, int more)
    void *readable_watch(const Readable *found)
    int readable_events(const Readable *found)
    bint have_epoll
    int epoll_open()
    void epoll_end(int set)
    int wakeup_fd_open(int set, int known)
    void wakeup_fd_set(int fd)
    void wakeup_fd_clear(int fd)
    int epoll_put(int set, int fd, int events, void *watch, bint change)
    bint epoll_take(int set, int fd)
    int epoll_ready(int set, Readable *found, int most, int timeout)

cdef unsigned int forks = 0  # how often this process came out of a fork()


@cython.no_gc_clear  # __dealloc__ needs its fields; the poller's dict breaks the cycles
cdef class Watch:
    """One registered source of one poller."""

    def __cinit__(self):
        self.fd = self.number = -1

    def __dealloc__(self):
        unwatch(self)


# An epoll set does not watch numbers but open files. One whose number was closed stays in the set while anybody has a
# copy (a child process, say): it goes on to report a watch that may be gone, and no number is left to take it out
# by. And the number may be another member's by then, which would be taken out in its place. So where a number
# was given away without our hearing of it, the set is stale, and the next one is filled with what is registered.

cdef inline int put_watch(int set, Watch watch) noexcept:
    """Returns an errno."""
    return epoll_put(set, watch.fd, 1 if watch.is_socket else watch.events, <void *> watch, False)


cdef bint note_number(Poller poller, Watch watch) except -1:
    """It is in the set. The watch that was there with its number has lost that. Returns True."""
    cdef Watch before = poller._numbers.get(watch.fd)
    if before is not None and before.fd == watch.fd:
        before.fd = -1
        poller._stale = True
    watch.number = watch.fd
    poller._numbers[watch.number] = watch
    return True


cdef int forget_number(Poller poller, Watch watch) except -1:
    if poller._numbers.get(watch.number) is watch:
        del poller._numbers[watch.number]
    return 0


cdef int open_set(Poller poller) except -1:
    """Make a new set, of what has a descriptor still."""
    cdef Watch watch
    cdef int wakeup = -1
    epoll_end(poller._set)
    poller._set = epoll_open()
    if poller._set >= 0:
        wakeup = wakeup_fd_open(poller._set, poller._wakeup_fd)
    if wakeup < 0:
        epoll_end(poller._set)
        poller._set = -1
        fail(EMFILE, "poll", "Poller", scarce(None, EMFILE))
    poller._wakeup_fd = wakeup
    for watch in poller._watches.values():
        registry_lock()
        if watch.fd >= 0 and put_watch(poller._set, watch) != 0:
            watch.fd = -1
        registry_unlock()
    poller._stale = False
    return 0


cdef void mark_dirty(Watch watch) noexcept:
    """Have EVENTS read at the next poll, and let a thread or loop that is already asleep there know. Under the
    lock. What stays dirty was looked at before that sleep: it is news there, too."""
    if not watch.dirty or watch.always_dirty:
        keep_dirty(watch)
        ring(watch.poller)


cdef void keep_dirty(Watch watch) noexcept:
    """Have EVENTS read at the next poll. Under the lock."""
    cdef Poller poller = watch.poller
    if watch.dirty:
        return
    watch.dirty = True
    watch.dirty_next = NULL
    watch.dirty_previous = poller._dirty_last
    if poller._dirty_last != NULL:
        (<Watch> poller._dirty_last).dirty_next = <void *> watch
    else:
        poller._dirty = <void *> watch
    poller._dirty_last = <void *> watch
    poller._dirty_count += 1


cdef void mark_clean(Watch watch) noexcept:
    """Take a watch out of the chain of dirty ones. Under the lock."""
    cdef Poller poller = watch.poller
    if not watch.dirty:
        return
    watch.dirty = False
    if watch.dirty_previous != NULL:
        (<Watch> watch.dirty_previous).dirty_next = watch.dirty_next
    else:
        poller._dirty = watch.dirty_next
    if watch.dirty_next != NULL:
        (<Watch> watch.dirty_next).dirty_previous = watch.dirty_previous
    else:
        poller._dirty_last = watch.dirty_previous
    watch.dirty_next = watch.dirty_previous = NULL
    poller._dirty_count -= 1


cdef void mark_dirty_again(Watch watch) noexcept:
    """The same for the poller's own thread, to which it is no news: nothing is signalled, or it would never sleep."""
    registry_lock()
    keep_dirty(watch)
    registry_unlock()


cdef int count_dirty(Poller poller) noexcept:
    cdef int count
    registry_lock()
    count = poller._dirty_count
    registry_unlock()
    return count


cdef void *take_dirty(Poller poller) noexcept:
    """The watch that has been dirty for longest, which is so no more; NULL for none. For the poller's own thread."""
    cdef void *first
    registry_lock()
    first = poller._dirty
    if first != NULL:
        mark_clean(<Watch> first)
    registry_unlock()
    return first


cdef void forget_dirty(Poller poller) noexcept:
    """All were looked at without their watches, and that look made them not dirty: who uses one from now on signals it."""
    registry_lock()
    while poller._dirty != NULL:
        mark_clean(<Watch> poller._dirty)
    wakeup_set_signalled(&poller._wake, False)
    registry_unlock()


cdef void ring(Poller poller) noexcept:
    wakeup_set_signalled(&poller._wake, True)
    full_fence()
    if wakeup_asleep(&poller._wake) or wakeup_arm(&poller._wake, 0):
        wakeup_fd_set(poller._wakeup_fd)


cdef inline void mark_watches_dirty(Handle self) noexcept:
    """The socket is being used: what its descriptor would have said may be swallowed."""
    mark_other_watches_dirty(self, NULL, -1)


cdef void mark_other_watches_dirty(Handle self, void *but, int events) noexcept:
    """The same for all pollers of the socket but the one of this watch, which has read these EVENTS:
    news to those who want one of them. To wake the others too would have two pollers wake each other
    without end."""
    cdef void *place
    registry_lock()
    place = self._watch
    while place != NULL:
        if place != but and (<Watch> place).events & events:
            mark_dirty(<Watch> place)
        place = (<Watch> place).next
    registry_unlock()


cdef void forget_watches(Handle self) noexcept:
    """The socket closes: its pollers say so when they are asked next, or now if they sleep."""
    registry_lock()
    close_watches(self)
    registry_unlock()


cdef void close_watches(Handle self) noexcept:
    """Under the lock."""
    cdef void *place = self._watch
    cdef void *following
    self._watch = NULL
    while place != NULL:
        following = (<Watch> place).next
        close_watch(<Watch> place)
        place = following


cdef void close_watch(Watch watch) noexcept:
    cdef Poller poller = watch.poller
    quiet(watch)
    watch.closed = True
    watch.linked = False
    watch.next = NULL
    wakeup_close(&poller._wake, 1)
    ring(poller)


cdef void quiet(Watch watch) noexcept:
    """Take a watch out of the epoll set; not out of one that a fork shares with the parent. Under the lock."""
    if watch.fd >= 0 and watch.poller._forks == forks and not epoll_take(watch.poller._set, watch.fd):
        watch.poller._stale = True
    watch.fd = -1


cdef void mark_always_dirty(Handle self) noexcept:
    """The address of the socket was given away: from now on it may be used behind our back."""
    cdef void *place
    self._exposed = True
    mark_watches_dirty(self)
    registry_lock()
    place = self._watch
    while place != NULL:
        (<Watch> place).always_dirty = True
        place = (<Watch> place).next
    registry_unlock()


cdef void unwatch(Watch watch) noexcept:
    """Take a watch out of epoll and out of the chains."""
    cdef void **place
    if watch.poller is None:
        return
    registry_lock()  # also if it is in none: another thread may just be taking it out
    quiet(watch)
    mark_clean(watch)
    if watch.closed:
        watch.closed = False
        wakeup_close(&watch.poller._wake, -1)
    if watch.linked:
        place = &(<Handle> watch.source)._watch
        while place[0] != NULL and place[0] != <void *> watch:
            place = &(<Watch> place[0]).next
        if place[0] != NULL:
            place[0] = watch.next
        watch.next = NULL
        watch.linked = False
    registry_unlock()
