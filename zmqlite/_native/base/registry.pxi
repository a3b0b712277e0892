# Chains of borrowed pointers: all contexts, the sockets of each, the shadows, and the signals of a socket. Not
# weak references: a collector that finds a whole cycle clears weak references before it calls finalizers, and
# a context must still find its sockets then.
#
# A member leaves its chain under the lock, before its memory goes. Until then others may read and write its fields
# under the lock; to take a reference, they ask registry_object(), for nobody may have one any more.

cdef void *all_contexts = NULL
cdef void *all_shadows = NULL  # the second handles on sockets


cdef bint keep(list found, void *place) except -1:
    """Append the object of a chain to a list. Returns False if it is just being deallocated."""
    cdef PyObject *member = registry_object(place)
    if member == NULL:
        return False
    found.append(own(member))
    return True


cdef void context_link(Context self) noexcept:
    registry_lock()
    put_context(self)
    registry_unlock()


cdef void put_context(Context self) noexcept:
    """Under the lock."""
    global all_contexts
    registry_member(<void *> self)
    self._next = all_contexts
    self._previous = NULL
    if all_contexts != NULL:
        (<Context> all_contexts)._previous = <void *> self
    all_contexts = <void *> self


cdef void take_context(Context self) noexcept:
    """Also if it is in no chain. Under the lock."""
    global all_contexts
    if self._previous != NULL:
        (<Context> self._previous)._next = self._next
    elif all_contexts == <void *> self:
        all_contexts = self._next
    if self._next != NULL:
        (<Context> self._next)._previous = self._previous
    self._next = NULL
    self._previous = NULL


cdef void context_close(Context self) noexcept:
    """The context has gone, or one handle on it: libzmq may give its address to the next one."""
    registry_lock()
    close_views(self)
    close_handle(self)
    take_context(self)
    registry_unlock()


cdef void context_forget(Context self) noexcept:
    """The object goes, whatever comes of the context."""
    registry_lock()
    close_views(self)
    take_context(self)
    registry_unlock()


cdef list live_contexts():
    """The contexts there are, second handles among them, the newest first."""
    cdef list found = []  # first: making it may run the collector, which may shorten the chain
    cdef void *place
    registry_lock()
    try:
        place = all_contexts
        while place != NULL:
            keep(found, place)
            place = (<Context> place)._next
    finally:
        registry_unlock()
    return found


cdef void close_views(Context self) noexcept:
    """Close the second handles on a context. Those that have sockets stay in the chain: the exit closes these. Under
    the lock."""
    cdef void *place = all_contexts
    cdef void *following
    while place != NULL:
        following = (<Context> place)._next
        if (<Context> place)._owner == <void *> self:
            close_orphan(<Context> place)
            if (<Context> place)._sockets == NULL:
                take_context(<Context> place)
        place = following


cdef void close_handle(Context self) noexcept:
    """Under the lock."""
    self.handle = NULL
    self._owner = NULL
    if self._state != FORKED:
        self._state = CLOSED


cdef void close_orphan(Context self) noexcept:
    """Its owner has ended. Under the lock."""
    close_handle(self)
    self._orphan = True


cdef void *root_of(Context self) noexcept:
    """Which one ends the context; of a context that is not ours nobody here does."""
    return self._owner if self._shadow else <void *> self


cdef bint on_one_context(Context one, Context other) noexcept:
    """(An address alone says little: that of an end which is not noted yet may be in use again.)"""
    return one.handle != NULL and one.handle == other.handle and root_of(one) == root_of(other)


cdef Context owner_of(Context self):
    """Return who ends this context: the handle itself, or the one that it is a second handle on."""
    cdef PyObject *member = NULL
    if self._shadow:
        registry_lock()
        if self._owner != NULL:
            member = registry_object(self._owner)
            if member == NULL:  # it is just being deallocated
                close_orphan(self)
        registry_unlock()
    return self if member == NULL else <Context> own(member)


cdef void finish_socket(Handle self) noexcept:
    """Give the socket back to libzmq, and take it from its shadows."""
    cdef void *handle
    registry_lock()
    handle = take_handle(self)
    registry_unlock()
    if handle != NULL:
        zmq_close(handle)


cdef void *take_handle(Handle self) noexcept:
    """Take what finish_socket() closes, at most once; NULL for nothing. Under the lock."""
    cdef void *handle = self.handle
    cdef void *place
    take_from_registry(self)
    if handle == NULL:
        return NULL
    self.handle = NULL
    self._state = CLOSED
    end_ready_fds(self, handle)
    if self._shadow:
        return NULL
    self._context._last_close = now()
    place = all_shadows
    while place != NULL:
        if (<Handle> place).handle == handle:
            (<Handle> place).handle = NULL
            (<Handle> place)._state = CLOSED
            end_ready_fds(<Handle> place, handle)
            close_watches(<Handle> place)  # while their descriptor is this socket's
        place = (<Handle> place)._next
    return handle


cdef int close_dying(Context self) except -1:
    """Close the sockets of a context that are being deallocated and were not closed by their finalizers.

    Nothing uses them any more, nor can anybody close them; but in this very thread, below us, they
    may wait for us to return, while we wait for the context's sockets to be closed.
    """
    cdef list found = []  # they are let go of outside of the lock
    cdef void *place
    cdef void *following
    cdef void *handle
    registry_lock()
    try:
        place = self._sockets
        while place != NULL:
            following = (<Handle> place)._next
            if not keep(found, place) and not guard_in_use(&(<Handle> place)._guard):
                handle = take_handle(<Handle> place)
                if handle != NULL:
                    zmq_close(handle)
            place = following
    finally:
        registry_unlock()
    return 0


cdef void linger_all(Context self, int linger) noexcept:
    """Set LINGER, which is an atomic inside libzmq, of every socket, whatever other threads do with it.

    None is closed meanwhile: who closes one takes its handle first, which needs the lock.
    """
    cdef void *place
    registry_lock()
    place = self._sockets
    while place != NULL:
        if (<Handle> place).handle != NULL:
            zmq_setsockopt((<Handle> place).handle, ZMQ_LINGER, &linger, sizeof(linger))
            (<Handle> place)._linger_set = True
        place = (<Handle> place)._next
    registry_unlock()


cdef inline void **registry_of(Handle self) noexcept:
    return &all_shadows if self._shadow else &self._context._sockets


cdef void socket_link(Handle self, void *handle) noexcept:
    """What was made has a handle from now on: nothing else of it is missing. Under the lock."""
    cdef void **head = registry_of(self)
    cdef int value = 0
    cdef size_t size = sizeof(value)
    if self._type_number >= 12:
        zmq_getsockopt(handle, ZMQ_THREAD_SAFE, &value, &size)
    self._thread_safe = value
    self._special = self._type_number == RADIO or self._type_number == DGRAM
    self._state = OPEN
    self.handle = handle
    registry_member(<void *> self)
    self._next = head[0]
    self._previous = NULL
    if head[0] != NULL:
        (<Handle> head[0])._previous = <void *> self
    head[0] = <void *> self


cdef void socket_unlink(Handle self) noexcept:
    registry_lock()
    take_from_registry(self)
    registry_unlock()


cdef void take_from_registry(Handle self) noexcept:
    """Also if it is in none. Under the lock."""
    cdef void **head
    if self._context is None and not self._shadow:
        return
    head = registry_of(self)
    if self._previous != NULL:
        (<Handle> self._previous)._next = self._next
    elif head[0] == <void *> self:
        head[0] = self._next
    if self._next != NULL:
        (<Handle> self._next)._previous = self._previous
    self._next = NULL
    self._previous = NULL


cdef void *socket_at(void *handle) noexcept:
    """The open socket of ours that has this address, NULL for none. Under the lock."""
    cdef void *context = all_contexts
    cdef void *socket
    while context != NULL:
        socket = (<Context> context)._sockets
        while socket != NULL:
            if (<Handle> socket).handle == handle:
                return socket
            socket = (<Handle> socket)._next
        context = (<Context> context)._next
    return NULL


# An address that libzmq would follow into the void is refused. Where others may have contexts and sockets in the
# same libzmq, it looks itself; for that it has to read what is there.

cdef bint link_shadow(Handle self, void *handle) noexcept:
    """Make a socket a second handle on an open one, in one step: from then on it hears of the other's end."""
    cdef int number
    cdef size_t size = sizeof(number)
    cdef bint found
    registry_lock()
    found = (socket_at(handle) != NULL or not LIBZMQ_ALONE) and zmq_getsockopt(
        handle, ZMQ_TYPE, &number, &size) == 0
    if found:
        self._shadow = True
        self._type_number = number
        socket_link(self, handle)
    registry_unlock()
    return found


cdef int fail_shadow(size_t address, str what, int error) except -1:
    return fail(error, "shadow", what.capitalize(),
                f"no open {what} of zmqlite in this process has the address {address:#x}: pass the "
                f"{what} itself, or what its `underlying` says while it is open")


cdef bint context_link_view(Context self, void *handle) noexcept:
    """The same for a context."""
    cdef void *owner
    cdef bint found
    registry_lock()
    owner = owner_at(handle)
    found = owner != NULL or (not LIBZMQ_ALONE and zmq_ctx_get(handle, ZMQ_IO_THREADS) >= 0)
    if found:
        self._owner = owner
        self._shadow = self._started = True
        self._state = OPEN
        self.handle = handle
        put_context(self)
    registry_unlock()
    return found


cdef void *owner_at(void *handle) noexcept:
    """The context of ours that has this address, the newest if one has ended and does not know yet. Under the lock."""
    cdef void *place = all_contexts
    while place != NULL:
        if not (<Context> place)._shadow and (<Context> place).handle == handle:
            break
        place = (<Context> place)._next
    return place


cdef void ready_fd_link(ReadyFD signal) noexcept:
    """Under the lock."""
    signal._next = signal._socket._ready_fds
    signal._linked = True
    signal._socket._ready_fds = <void *> signal


cdef void ready_fd_unlink(ReadyFD signal) noexcept:
    """Have libzmq's poller forget the socket, which may end before it, or after. Under the lock."""
    cdef void **place = &signal._socket._ready_fds
    if not signal._linked:
        return
    while place[0] != NULL and place[0] != <void *> signal:
        place = &(<ReadyFD> place[0])._next
    if place[0] != NULL:
        place[0] = signal._next
    signal._linked = False
    zmq_poller_remove(signal._poller, signal._socket.handle)


cdef void end_ready_fds(Handle self, void *handle) noexcept:
    """A socket, or a second handle on it, closes: its signals outlive it. Under the lock."""
    cdef void *place = self._ready_fds
    self._ready_fds = NULL
    while place != NULL:
        (<ReadyFD> place)._linked = False
        zmq_poller_remove((<ReadyFD> place)._poller, handle)
        place = (<ReadyFD> place)._next
