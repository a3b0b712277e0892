# Chains of borrowed pointers: all contexts, the sockets of each, and the shadows. Not weak references: a
# collector that finds a whole cycle clears weak references before it calls finalizers, and a context must
# still find its sockets then.

cdef void *all_contexts = NULL
cdef void *all_shadows = NULL  # the second handles on sockets


cdef int keep(list found, void *place) except -1:
    """Append the object of a chain to a list, unless it is just going away."""
    cdef PyObject *member = chain_object(place)
    if member != NULL:
        found.append(<object> member)
        Py_DECREF(<object> member)
    return 0


cdef void context_link(Context self) noexcept:
    global all_contexts
    chain_lock()
    chain_member(<void *> self)
    self._next = all_contexts
    self._previous = NULL
    if all_contexts != NULL:
        (<Context> all_contexts)._previous = <void *> self
    all_contexts = <void *> self
    chain_unlock()


cdef void context_unlink(Context self) noexcept:
    global all_contexts
    chain_lock()
    if self._previous != NULL:
        (<Context> self._previous)._next = self._next
    elif all_contexts == <void *> self:
        all_contexts = self._next
    if self._next != NULL:
        (<Context> self._next)._previous = self._previous
    self._next = NULL
    self._previous = NULL
    chain_unlock()


cdef void finish_socket(Handle self) noexcept:
    """Give the socket back to libzmq, and take it from its shadows."""
    cdef void *handle = self.handle
    cdef void *place
    self.handle = NULL
    self._state = CLOSED
    socket_unlink(self)
    if self._shadow:
        return
    chain_lock()
    place = all_shadows
    while place != NULL:
        if (<Handle> place).handle == handle:
            (<Handle> place).handle = NULL
            (<Handle> place)._state = CLOSED
        place = (<Handle> place)._next
    self._context._last_close = now()
    chain_unlock()
    zmq_close(handle)


cdef inline void **chain_of(Handle self) noexcept:
    return &all_shadows if self._shadow else &self._context._sockets


cdef void socket_link(Handle self) noexcept:
    cdef void **head = chain_of(self)
    chain_lock()
    chain_member(<void *> self)
    self._next = head[0]
    self._previous = NULL
    if head[0] != NULL:
        (<Handle> head[0])._previous = <void *> self
    head[0] = <void *> self
    chain_unlock()


cdef void socket_unlink(Handle self) noexcept:
    cdef void **head
    if self._context is None and not self._shadow:
        return
    chain_lock()
    head = chain_of(self)
    if self._previous != NULL:
        (<Handle> self._previous)._next = self._next
    elif head[0] == <void *> self:
        head[0] = self._next
    if self._next != NULL:
        (<Handle> self._next)._previous = self._previous
    self._next = NULL
    self._previous = NULL
    chain_unlock()


cdef bint is_member(void *handle, bint a_socket) noexcept:
    """Whether this is the address of an open socket, or of a context, of ours."""
    cdef void *context
    cdef void *socket
    cdef bint found = False
    chain_lock()
    context = all_contexts
    while context != NULL and not found:
        if a_socket:
            socket = (<Context> context)._sockets
            while socket != NULL and not found:
                found = (<Handle> socket).handle == handle
                socket = (<Handle> socket)._next
        else:
            found = (<Context> context).handle == handle
        context = (<Context> context)._next
    chain_unlock()
    return found


cdef int check_shadow(size_t address, bint a_socket) except -1:
    """Refuse an address that libzmq would follow into the void.

    Where others may have contexts and sockets in the same libzmq, it looks itself; for that it has
    to read what is there.
    """
    cdef int value
    cdef size_t size = sizeof(value)
    cdef void *handle = <void *> address
    cdef str what = "socket" if a_socket else "context"
    if is_member(handle, a_socket):
        return 0
    if LIBZMQ_ALONE:
        return fail(ENOTSOCK if a_socket else EFAULT, "shadow", what.capitalize(),
                    f"no open {what} of zmqlite in this process has the address {address:#x}: pass the "
                    f"{what} itself, or what its `underlying` says while it is open")
    if a_socket:
        if zmq_getsockopt(handle, ZMQ_TYPE, &value, &size) != 0:
            return fail(libzmq_errno(), "shadow", "Socket", f"there is no open socket at {address:#x}")
    elif zmq_ctx_get(handle, ZMQ_IO_THREADS) < 0:
        return fail(libzmq_errno(), "shadow", "Context", f"there is no context at {address:#x}")
    return 0
